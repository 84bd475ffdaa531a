"""Which rows of sheets are not used: findings."""

from __future__ import annotations

from collections.abc import Sequence

from pmsl.core.finding import Finding


def rows_left_out(rows: list[str], noun: str) -> Finding:
    """Say which rows are not used."""
    shown = ", ".join(rows[:4]) + (", …" if len(rows) > 4 else "")
    return Finding(
        code="rows-left-out",
        severity="info",
        message=f"{len(rows)} rows are not used ({shown}): they have no {noun.removeprefix('a ')}, or use is 0",
        value=float(len(rows)),
        unit="rows",
    )


def uncured(rows: Sequence[str]) -> list[Finding]:
    """Say which rows are 0 and not used: nothing cured there, or all did."""
    if not rows:
        return []
    shown = ", ".join(rows[:4]) + (", …" if len(rows) > 4 else "")
    return [
        Finding(
            code="rows-left-out",
            severity="info",
            message=f"{len(rows)} rows are 0 and not used ({shown}): what did not cure, or closed, has no size",
            value=float(len(rows)),
            unit="rows",
        )
    ]
