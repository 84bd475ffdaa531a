"""Predictions → findings: what cannot land, what hangs on the resin's memory, what a shallow absorber makes of overhangs."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.correct.law import Law
from pmsl.correct.predicted import Prediction
from pmsl.correct.surface import FaceFinder

MISS = 0.3  # of Ec: about a tenth of a pixel
FACE_UM = 2.0
SHALLOW = 0.5  # least layer height / Dp for faces


def findings_of(prediction: Prediction, grid: Grid, k: int) -> tuple[Finding, ...]:
    """Return what is doubtful about a corrected layer."""
    found = []
    place: dict[str, Any]
    off = np.abs(prediction.wall_misses)
    narrow = prediction.narrow
    if narrow.any():
        message = (
            f"{int(narrow.sum())} of {len(off)} points along walls are nearer than 3 px to another wall: one dose decides where both land, "
            "and small errors move them far"
        )
        place = {"layers": (k, k), "box_um": _box(prediction.walls_px[narrow], grid, k)}
        found.append(Finding(code="narrow-edges", severity="info", message=message, value=float(narrow.sum()), unit="points", **place))
    missed = (off > MISS) & ~narrow
    if missed.any():
        message = (
            f"{int(missed.sum())} of {len(off)} points along walls cannot get the dose that puts them where they belong: corners do not"
        )
        place = {"layers": (k, k), "box_um": _box(prediction.walls_px[missed], grid, k)}
        worst = float(off[missed].max())
        found.append(Finding(code="missed-edges", severity="info", message=message, value=worst, limit=MISS, unit="Ec", **place))
    if len(prediction.faces_px):
        found.append(_face_band(prediction, grid, k))
    least = np.minimum(prediction.face_errors_um["enclosed"], prediction.face_errors_um["open"])
    starved = least > FACE_UM  # too high, however the liquid remembers
    if starved.any():
        message = "faces come out too high: what is above them is too thin, or too close to another face, for the dose they need"
        place = {"layers": (k, k), "box_um": _box(prediction.faces_px[starved] + 0.5, grid, k)}
        worst = float(least.max())
        found.append(Finding(code="starved-face", severity="warning", message=message, value=worst, limit=FACE_UM, unit="µm", **place))
    hangs = prediction.lost["enclosed"] != prediction.lost["open"]
    if hangs.any():
        case = "open" if prediction.lost["open"].any() else "enclosed"
        message = f"with {case} memory nothing is left of what is above these faces: make it thicker, or measure resin.memory"
        place = {"layers": (k, k), "box_um": _box(prediction.faces_px[hangs] + 0.5, grid, k)}
        found.append(Finding(code="roof-needs-memory", severity="warning", message=message, value=float(hangs.sum()), unit="px", **place))
    return tuple(found)


def _face_band(prediction: Prediction, grid: Grid, k: int) -> Finding:
    """Tell where the faces of a layer will be, also if the resin is not what its profile says."""
    at = {case: float(np.median(errors)) for case, errors in prediction.face_errors_um.items()}
    message = (
        f"{len(prediction.faces_px)} px of faces that look at the plate are predicted off by {at['enclosed']:+.1f} µm with enclosed and "
        f"{at['open']:+.1f} µm with open memory (median, above 0 too high); "
        f"Ec 10 % lower and higher: {at['ec_low']:+.1f}, {at['ec_high']:+.1f} µm; Dp: {at['dp_low']:+.1f}, {at['dp_high']:+.1f} µm"
    )
    worst = max(abs(v) for v in at.values())
    box = _box(prediction.faces_px + 0.5, grid, k)
    return Finding(code="face-error", severity="info", message=message, layers=(k, k), box_um=box, value=worst, limit=FACE_UM, unit="µm")


def assumed_memory() -> Finding:
    """Say that walls are placed with a memory nobody stated."""
    message = "the resin does not say its memory: walls are placed as if liquid kept the dose of the layers above it; state resin.memory"
    return Finding(code="assumed-memory", severity="info", message=message)


def overhang_findings(finder: FaceFinder, law: Law, grid: Grid) -> tuple[Finding, ...]:
    """Warn of overhangs in a resin that light passes far deeper than a layer."""
    ratio = float(grid.thickness_um.min()) / law.dp_um
    if ratio >= SHALLOW or not finder.overhangs:
        return ()
    message = (
        "layers are thin for this resin: overhanging faces are cured by many layers above them, and small errors in Dp and Ec move them "
        "far; use more absorber or thicker layers"
    )
    return (Finding(code="deep-light", severity="warning", message=message, value=ratio, limit=SHALLOW, unit="h/Dp"),)


def _box(at_px: np.ndarray, grid: Grid, k: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the box of points (y, x) [px] in the slab [µm]."""
    low, high = (grid.origin_um + grid.pitch_um * f(at_px, axis=0)[::-1] for f in (np.min, np.max))
    return (*map(float, low), float(grid.z_edges_um[k])), (*map(float, high), float(grid.z_edges_um[k + 1]))
