"""Finding: something suspicious but printable, with its place, value and limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pmsl.core.finding_codes import REGISTERED
from pmsl.core.finding_codes.code import SEVERITIES as SEVERITIES
from pmsl.core.finding_codes.code import Severity as Severity
from pmsl.profiles.strict_struct import Strict


class Finding(Strict, frozen=True, kw_only=True):
    """One observation about a mesh, a layer or a job.

    Attributes
    ----------
    code : str
        Stable kebab-case name, e.g. ``"open-edges"``, one of `pmsl.core.finding_codes`.
    severity : {"info", "warning", "error"}
        An error stops before anything is written; a warning is recorded and printed. One that the code is registered with.
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

    Raises
    ------
    ValueError
        The code is not registered, or not with this severity.
    """

    code: str
    severity: Severity
    message: str
    layers: tuple[int, int] | None = None
    box_um: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is not registered."""
        if (self.code, self.severity) not in REGISTERED:
            raise ValueError(f"{self.severity} {self.code!r} is no finding of pmsl.core.finding_codes; register it there")

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as a plain dict, ready for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


class RecordedFinding(Finding, frozen=True, kw_only=True):
    """A finding of a file: its code may be one of another version of pmsl."""

    def __post_init__(self) -> None:
        """Take any code."""

    @classmethod
    def of(cls, finding: Finding) -> RecordedFinding:
        """Return a finding as a file holds it."""
        return cls(**_fields(finding))

    def current(self) -> Finding:
        """Return an ordinary finding, which equals the one that was written; itself where this version has none of the code."""
        if (self.code, self.severity) not in REGISTERED:
            return self
        return Finding(**_fields(self))


def _fields(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in finding.__struct_fields__}


def reaches(findings: Iterable[Finding], severity: Severity) -> bool:
    """Tell whether any finding is at or above `severity`."""
    floor = SEVERITIES.index(severity)
    return any(SEVERITIES.index(f.severity) >= floor for f in findings)
