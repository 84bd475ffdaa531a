"""Finding: something suspicious but printable, with its place, value and limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from pmsl.core.finding_codes import REGISTERED
from pmsl.core.finding_codes.code import SEVERITIES as SEVERITIES
from pmsl.core.finding_codes.code import Severity as Severity
from pmsl.profiles.tables.strict_struct import Strict

ROUNDED = 6  # digits of predicted errors


class PredictedErrors(Strict, frozen=True, kw_only=True):
    """Where surfaces of one or more layers will be, if the resin is as its profile says and if it is not.

    Attributes
    ----------
    points : int
        How many were looked at.
    errors : dict of str to float
        Printed minus designed, the mean of the layers' medians, in the finding's unit, by case: each memory, and each value of the resin
        lower and higher by what is known of it (`pmsl.correct.prediction_cases`).
    worst : dict of str to float
        The median that is farthest from 0 of any layer.
    lost : dict of str to float
        Share of the points that have no surface near by any more; cases without any are left out.
    sd : float
        One standard deviation of the error, from all values of the resin together.
    """

    points: int
    errors: dict[str, float]
    worst: dict[str, float]
    lost: dict[str, float]
    sd: float

    def joined(self, other: PredictedErrors) -> PredictedErrors:
        """Return what is true of the layers of both.

        Parameters
        ----------
        other : PredictedErrors
            Of other layers, in the same unit.
        """
        points = self.points + other.points
        mine, theirs = self.points / max(points, 1), other.points / max(points, 1)

        def mean(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
            return {name: round(mine * a.get(name, 0.0) + theirs * b.get(name, 0.0), ROUNDED) for name in {**a, **b}}

        worst = {name: max(self.worst.get(name, 0.0), other.worst.get(name, 0.0), key=abs) for name in {**self.worst, **other.worst}}
        sd = round(mine * self.sd + theirs * other.sd, ROUNDED)
        return PredictedErrors(points=points, errors=mean(self.errors, other.errors), worst=worst, lost=mean(self.lost, other.lost), sd=sd)


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
    predicted : PredictedErrors
        Of `wall-error` and `face-error`.

    Raises
    ------
    ValueError
        The code is not registered, or not with this severity.
    """

    SINCE: ClassVar[dict[str, int]] = {"predicted": 2}

    code: str
    severity: Severity
    message: str
    layers: tuple[int, int] | None = None
    box_um: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    predicted: PredictedErrors | msgspec.UnsetType = msgspec.UNSET

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
