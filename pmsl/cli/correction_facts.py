"""What ``slice`` and ``info`` say of a corrected job: where its walls and faces will be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pmsl.core.finding import Finding
    from pmsl.correct.error_table import SurfaceError, TableRow
    from pmsl.job.print_job import PrintJob


def correction_facts(job: PrintJob, findings: Iterable[Finding]) -> dict[str, Any] | None:
    """Return what a corrected job says of its light and errors, ready for JSON; None of a job that is not corrected.

    Parameters
    ----------
    job : PrintJob
    findings : iterable of Finding
        Of the job and its layers.
    """
    if job.correction is None:
        return None
    from pmsl.correct.error_table import error_table

    table = error_table(findings, job.resin)
    return {**msgspec.to_builtins(job.correction), "predicted": None if table is None else msgspec.to_builtins(table)}


def error_lines(job: PrintJob, findings: Iterable[Finding]) -> list[str]:
    """Return the table of predicted errors as lines for a person, none where there is none.

    Parameters
    ----------
    job : PrintJob
    findings : iterable of Finding
        Of the job and its layers.
    """
    if job.correction is None:
        return []
    from pmsl.correct.error_table import error_table, error_words

    table = error_table(findings, job.resin)
    if table is None:
        return []
    nominal = "assumed" if job.resin.resin.memory is None else "as the profile says"
    robust = "robust" in job.correction.names
    rows = [("if printed with", "walls [px], + outside", "faces to the plate [µm], + too high")]
    for row in table.rows:
        text = row.text + (f", {nominal}" if row.nominal else "") + (" *" if robust and row.robust else "")
        rows.append((text, error_words(row.walls, "+.2f"), error_words(row.faces, "+.1f")))
    walls, faces = ("" if value is None else f"± {value:.2g}" for value in (table.walls_sd_px, table.faces_sd_um))
    rows.append(("all values of the resin, one sd", walls, faces))
    wide = [max(len(row[i]) for row in rows) for i in (0, 1)]
    lines = [f"  {a:<{wide[0]}}  {b:<{wide[1]}}  {c}".rstrip() for a, b, c in rows]
    lines.append(f"  ({table.reason})")
    if robust:
        worst = [_worst([one for row in table.rows if row.robust and (one := getter(row)) is not None]) for getter in (_walls, _faces)]
        price = next((row for row in table.rows if row.nominal), table.rows[0])
        lines.append(f"  * chosen so that the worst of these is least: walls {worst[0]:.2g} px, faces {worst[1]:.2g} µm; the price where")
        lines.append(f"    the resin is as stated: walls {error_words(price.walls, '+.2f')}, faces {error_words(price.faces, '+.1f')}")
    return lines


def _walls(row: TableRow) -> SurfaceError | None:
    return row.walls


def _faces(row: TableRow) -> SurfaceError | None:
    return row.faces


def _worst(errors: list[SurfaceError]) -> float:
    """Return how far the worst of some cases is off in the mean of the layers."""
    return max((abs(error.mean) for error in errors), default=0.0)


def print_errors(job: PrintJob, findings: Iterable[Finding]) -> None:
    """Print the table of a corrected job.

    Parameters
    ----------
    job : PrintJob
    findings : iterable of Finding
        Of the job and its layers.
    """
    from pmsl.cli.terminal import print_line

    lines = error_lines(job, findings)
    for line in ["where surfaces are predicted (mean of the layers' medians):", *lines] if lines else []:
        print_line(line)
