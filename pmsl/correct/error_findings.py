"""Predictions → findings: where the walls and faces of a layer will be, also if the resin is not what its profile says."""

from __future__ import annotations

import numpy as np

from pmsl.core.finding import Finding, PredictedErrors, Severity
from pmsl.core.grid import Grid
from pmsl.correct.face_prediction import FacePrediction
from pmsl.correct.prediction_cases import PredictionCases

FACE_UM = 2.0
WALL_PX = 0.1
DIGITS = {"px": 4, "µm": 3}  # of what a job records


def error_findings(prediction: FacePrediction, cases: PredictionCases, grid: Grid, k: int) -> list[Finding]:
    """Return `wall-error` and `face-error` of a layer that has walls and faces.

    Parameters
    ----------
    prediction : FacePrediction
    cases : PredictionCases
    grid : Grid
    k : int
        The layer, from 0 at the plate.
    """
    found = []
    walls, faces = prediction.wall_errors_px, prediction.face_errors_um
    if any(len(errors) for errors in walls.values()):
        found.append(_band("wall-error", "walls", walls, "px", cases, grid, k, prediction.walls_px))
    if len(prediction.faces_px):
        missing = {case: np.where(lost, np.nan, faces[case]) for case, lost in prediction.lost.items()}
        band = _band("face-error", "faces that look at the plate", {**faces, **missing}, "µm", cases, grid, k, prediction.faces_px + 0.5)
        found.append(band)
    return found


def _band(
    code: str, what: str, errors: dict[str, np.ndarray], unit: str, cases: PredictionCases, grid: Grid, k: int, at_px: np.ndarray
) -> Finding:
    """Tell where surfaces will be in every case; a warning where walls move or are lost."""
    by_case = summary(errors, unit, cases)
    at = by_case.errors
    form, side = ("+.2f", "outside of the design") if unit == "px" else ("+.1f", "too high")

    def shown(case: str) -> str:
        missing = by_case.lost.get(case)
        return f"{at[case]:{form}} {unit}" + (f" ({missing:.0%} lost{' or corners' if unit == 'px' else ''})" if missing else "")

    ends = "; ".join(f"{cases.labels[name]} {shown(f'{name}_low')}, {shown(f'{name}_high')}" for name in cases.varied)
    message = (
        f"{what} are predicted off by {shown('enclosed')} with enclosed, {shown('open')} with open memory, {shown('contact')} by contact"
        f"{cases.contact_text} (median, above 0 {side}); lower and higher: {ends}; all together ± {by_case.sd:.2g} {unit} (one sd, "
        f"{cases.reason})"
    )
    worst = max(at.values(), key=abs)
    limit = WALL_PX if unit == "px" else FACE_UM
    moved = unit == "px" and (abs(worst) > limit or max(by_case.lost.values(), default=0.0) > 0)
    severity: Severity = "warning" if moved else "info"
    return Finding(
        code=code,
        severity=severity,
        message=message,
        layers=(k, k),
        box_um=box_of(at_px, grid, k) if len(at_px) else None,
        value=worst,
        limit=limit,
        unit=unit,
        predicted=by_case,
    )


def summary(errors: dict[str, np.ndarray], unit: str, cases: PredictionCases) -> PredictedErrors:
    """Return what a finding records of the errors of surfaces by case, (N,) each, nan where one is lost.

    Parameters
    ----------
    errors : dict of str to (N,) float64
    unit : {"px", "µm"}
    cases : PredictionCases
    """
    missing = {case: float(np.isnan(values).mean()) for case, values in errors.items()}
    median = {case: round(_median(values), DIGITS[unit]) + 0.0 for case, values in errors.items()}
    return PredictedErrors(
        points=max(map(len, errors.values())),
        errors=median,
        worst=median,
        lost={case: round(share, 4) for case, share in missing.items() if share > 0},
        sd=round(cases.sd_of(median), DIGITS[unit]),
    )


def _median(errors: np.ndarray) -> float:
    """Return the median of what is there; 0 where nothing is."""
    there = errors[np.isfinite(errors)]
    return float(np.median(there)) + 0.0 if len(there) else 0.0


def box_of(at_px: np.ndarray, grid: Grid, k: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the box of points (y, x) [px] in the slab of layer `k` [µm]."""
    low, high = (grid.origin_um + grid.pitch_um * f(at_px, axis=0)[::-1] for f in (np.min, np.max))
    return (*map(float, low), float(grid.z_edges_um[k])), (*map(float, high), float(grid.z_edges_um[k + 1]))
