"""Findings of corrected layers → one table: where walls and faces of the job will be, if the resin is as its profile says and if not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import msgspec
import numpy as np
from msgspec import UnsetType

from pmsl.core.finding import Finding, PredictedErrors
from pmsl.correct.prediction_cases import SHORT, contact_text, exchange_rule, renewal_range, robust_names
from pmsl.cure.uncertainty import ResinUncertainty
from pmsl.profiles import Resin

CODES = {"walls": "wall-error", "faces": "face-error"}


class SurfaceError(msgspec.Struct, frozen=True, kw_only=True):
    """Where surfaces are off in a case.

    Attributes
    ----------
    mean : float
        Of the layers' medians: walls in pixels, above 0 outside of the design, faces in µm, above 0 too high.
    worst : float
        Median of the layer where that is farthest from 0.
    lost : float
        Share of all points that have no surface near by any more.
    """

    mean: float
    worst: float
    lost: float


class TableRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case: its name, in words, whether it is what the profile states, and one of those that a robust choice reckons with.

    Then its walls and faces, None where there are none.
    """

    case: str
    text: str
    nominal: bool
    robust: bool
    walls: SurfaceError | None
    faces: SurfaceError | None


class ErrorTable(msgspec.Struct, frozen=True, kw_only=True):
    """The table.

    Attributes
    ----------
    rows : tuple of TableRow
    walls_sd_px, faces_sd_um : float or None
        One standard deviation of the median from all values of the resin together.
    reason : str
        What that rests on.
    """

    rows: tuple[TableRow, ...]
    walls_sd_px: float | None
    faces_sd_um: float | None
    reason: str


def error_table(findings: Iterable[Finding], resin: Resin) -> ErrorTable | None:
    """Return the table of a corrected job; None where its findings have no numbers.

    Parameters
    ----------
    findings : iterable of Finding
        Of the job and its layers.
    resin : Resin
        As used.
    """
    listed = list(findings)
    found = {what: _predicted(listed, code) for what, code in CODES.items()}
    names = [*dict.fromkeys(name for each in found.values() if each is not None for name in each.errors)]
    if not names:
        return None
    own = "enclosed" if resin.resin.memory is None else resin.resin.memory.value
    texts, walls, faces, robust = _texts(resin), found["walls"], found["faces"], robust_names(resin, names)
    rows = tuple(
        TableRow(
            case=name,
            text=texts.get(name, name),
            nominal=name == own,
            robust=name in robust,
            walls=_error(walls, name),
            faces=_error(faces, name),
        )
        for name in names
    )
    sd = {what: None if each is None else each.sd for what, each in found.items()}
    return ErrorTable(rows=rows, walls_sd_px=sd["walls"], faces_sd_um=sd["faces"], reason=ResinUncertainty.of(resin).reason)


def error_words(error: SurfaceError | None, form: str) -> str:
    """Say the mean, the worst layer where that differs, and what is lost.

    Parameters
    ----------
    error : SurfaceError or None
    form : str
        Of its numbers, as "+.2f".
    """
    if error is None:
        return "-"
    mean, worst = f"{error.mean:{form}}", f"{error.worst:{form}}"
    words = [mean] + ([f"worst layer {worst}"] if worst != mean else []) + ([f"{error.lost:.1%} lost"] if error.lost else [])
    return ", ".join(words)


def _predicted(findings: list[Finding], code: str) -> PredictedErrors | None:
    """Return what is predicted of all layers together."""
    found = [f.predicted for f in findings if f.code == code and not isinstance(f.predicted, UnsetType)]
    return reduce(PredictedErrors.joined, found) if found else None


def _error(found: PredictedErrors | None, case: str) -> SurfaceError | None:
    if found is None or case not in found.errors:
        return None
    return SurfaceError(mean=found.errors[case], worst=found.worst[case], lost=found.lost.get(case, 0.0))


def _texts(resin: Resin) -> dict[str, str]:
    """Say what each case is."""
    uncertainty = ResinUncertainty.of(resin)
    texts = {
        "enclosed": "enclosed liquid",
        "open": "open liquid",
        "contact": f"liquid exchanged by contact{contact_text(resin, exchange_rule(resin))}",
    }
    sd = np.sqrt(np.diag(uncertainty.covariance))
    for name, value, off in zip(uncertainty.names, uncertainty.values.tolist(), sd.tolist(), strict=True):
        for end, sign in (("low", "-"), ("high", "+")):
            texts[f"{SHORT[name]}_{end}"] = f"{SHORT[name].capitalize()} {sign}{100 * off / value:.2g} %"
    texts |= {f"renewal_{end}": f"renewal {r:g}" for end, r in zip(("low", "high"), renewal_range(resin), strict=True)}
    return texts
