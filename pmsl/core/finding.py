"""Finding: something suspicious but printable, with its place, value and limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from pmsl.profiles.strict import Strict

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class Finding(Strict, frozen=True, kw_only=True):
    """One observation about a mesh, a layer or a job.

    Attributes
    ----------
    code : str
        Stable kebab-case name, e.g. ``"open-edges"``.
    severity : {"info", "warning", "error"}
        An error stops before anything is written; a warning is recorded and printed.
    message : str
        What it is and what to do, one sentence.
    layers : tuple of int or None
        First and last layer concerned.
    box_um : tuple of tuple of float or None
        Lower and upper corner ``((x, y, z), (x, y, z))`` [µm].
    value, limit : float or None
        What was found and what it is held against, in `unit`.
    unit : str or None
        Unit of `value` and `limit`.
    """

    code: str
    severity: Severity
    message: str
    layers: tuple[int, int] | None = None
    box_um: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as a plain dict, ready for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def reaches(findings: Iterable[Finding], severity: Severity) -> bool:
    """Tell whether any finding is at or above `severity`."""
    floor = SEVERITIES.index(severity)
    return any(SEVERITIES.index(f.severity) >= floor for f in findings)
