"""Predictions → findings: what cannot land, what hangs on the resin's memory, what a shallow absorber makes of overhangs."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.correct.error_findings import box_of, error_findings
from pmsl.correct.face_prediction import FacePrediction
from pmsl.correct.prediction_cases import PredictionCases
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.target_surfaces import STEEP, FaceFinder, tilts
from pmsl.slicing.plane_index import CrossingIndex

MISS = 0.3  # of Ec: about a tenth of a pixel
MOST_MISSED = 0.2  # of the points of a layer; corners are fewer
FACE_UM = 2.0
FLAT = 1e-4  # slope below which a face is flat: it lies on a slab plane, or is a finding of its own
POINTS, FINEST = 200_000, 20_000  # on slopes toward the light, on one triangle at most
PLASTIC = 1.324717957244746
SHALLOW = 0.5  # least layer height / Dp for faces


def findings_of(prediction: FacePrediction, cases: PredictionCases, grid: Grid, k: int, placed_faces: bool) -> tuple[Finding, ...]:
    """Return what is doubtful about a corrected layer, whose faces are placed or only looked at."""
    found = []
    place: dict[str, Any]
    off = np.abs(prediction.wall_misses)
    narrow = prediction.narrow
    if narrow.any():
        message = (
            f"{int(narrow.sum())} of {len(off)} points along walls are nearer than 3 px to another wall: one dose decides where both land, "
            "and small errors move them far"
        )
        place = {"layers": (k, k), "box_um": box_of(prediction.walls_px[narrow], grid, k)}
        found.append(Finding(code="narrow-edges", severity="info", message=message, value=float(narrow.sum()), unit="points", **place))
    missed = (off > MISS) & ~narrow
    if missed.any():
        found.append(_missed_walls(prediction.wall_misses, missed, prediction.walls_px, grid, k))
    found += error_findings(prediction, cases, grid, k)
    if not placed_faces or not len(prediction.faces_px):
        return tuple(found)
    least = np.minimum(prediction.face_errors_um["enclosed"], prediction.face_errors_um["open"])
    if cases.by_contact:
        least = prediction.face_errors_um["contact"]
    starved = least > FACE_UM  # too high, however the liquid remembers
    if starved.any():
        message = "faces come out too high: what is above them is too thin, or too close to another face, for the dose they need"
        place = {"layers": (k, k), "box_um": box_of(prediction.faces_px[starved] + 0.5, grid, k)}
        worst = float(least.max())
        found.append(Finding(code="starved-face", severity="warning", message=message, value=worst, limit=FACE_UM, unit="µm", **place))
    hangs = prediction.lost["enclosed"] != prediction.lost["open"]
    if hangs.any():
        case = "open" if prediction.lost["open"].any() else "enclosed"
        message = f"with {case} memory nothing is left of what is above these faces: make it thicker, or measure resin.memory"
        place = {"layers": (k, k), "box_um": box_of(prediction.faces_px[hangs] + 0.5, grid, k)}
        found.append(Finding(code="roof-needs-memory", severity="warning", message=message, value=float(hangs.sum()), unit="px", **place))
    return tuple(found)


def _missed_walls(misses: np.ndarray, missed: np.ndarray, walls_px: np.ndarray, grid: Grid, k: int) -> Finding:
    """Tell which walls stay off; a warning where these are more than corners."""
    off, many, why = np.abs(misses), float(missed.mean()) > MOST_MISSED, "corners do not"
    if many:
        why = "the light is too blurred, or too little for this layer: sharpen the projection, or raise the dose"
        if float(np.median(misses[missed])) > 0:
            why = "they get too much: lower the dose of this layer (bottom_dose_factors, margin_um), or sharpen the projection"
    return Finding(
        code="missed-edges",
        severity="warning" if many else "info",
        message=f"{int(missed.sum())} of {len(off)} points along walls cannot get the dose that puts them where they belong: {why}",
        layers=(k, k),
        box_um=box_of(walls_px[missed], grid, k),
        value=float(off[missed].max()),
        limit=MISS,
        unit="Ec",
    )


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


def relief_findings(finder: FaceFinder, law: Law, roof_layers: int) -> tuple[Finding, ...]:
    """Say that a thick roof cures past its face from layers further up than those that share out its light."""
    if roof_layers == 0 or not finder.overhangs:
        return ()
    tops = law.z_edges_um[1:] - law.z_edges_um[0]
    given = law.white_mj_cm2[-1] * law.left_at(tops)
    behind = np.append(np.cumsum(given[::-1])[::-1], 0.0)  # of all layers from each on
    fewest = int(np.argmax(behind <= law.threshold_mj_cm2))
    if roof_layers >= fewest:
        return ()
    message = (
        f"relief_layers is {roof_layers}: where a roof is thick the layers above these cure down to its face by themselves, and they stay "
        f"dark; {fewest} or more share out its light"
    )
    return (Finding(code="relief-too-thin", severity="info", message=message, value=roof_layers, limit=fewest, unit="layers"),)


def light_findings(index: CrossingIndex, grid: Grid) -> tuple[Finding, ...]:
    """Say that slopes toward the light become steps: a slab cured in part from its light side would float."""
    up, across = tilts(index, grid)
    slopes = (up > STEEP * np.hypot(up, across)) & (across > FLAT * up)
    if not slopes.any():
        return ()
    corners = index.corners[slopes]
    first, end = (_slab(grid, z) for z in (float(corners[:, 2::3].min()), float(corners[:, 2::3].max())))
    mean, most = _residual(corners, up[slopes], grid)
    message = (
        f"{0.5e-6 * up[slopes].sum():.3g} mm² of slopes toward the light (seen along z) cannot be placed by dose: they become steps of "
        f"whole layers, {round(mean, 2) + 0.0:+.2f} µm off in the mean, 95 % within {most:.2f} µm; turn optical surfaces to the plate"
    )
    return (Finding(code="slopes-to-light", severity="info", message=message, layers=(first, end), value=most, limit=0.0, unit="µm"),)


def _slab(grid: Grid, z_um: float) -> int:
    """Return the layer that holds a height, the first or last beyond them."""
    return min(max(int(np.searchsorted(grid.z_edges_um, z_um, side="right")) - 1, 0), grid.n_layers - 1)


def _residual(corners: np.ndarray, area: np.ndarray, grid: Grid) -> tuple[float, float]:
    """Return mean and 95 % of the absolute value of printed minus designed height of slopes whose slabs are on or off [µm].

    `corners` (N, 9), heights every third; `area` (N,) as seen along z. A slab is on where the slope lies above its middle. Triangles
    are looked at in points of a sequence that fills the plane evenly (multiples of powers of the plastic number).
    """
    many = int(np.clip(POINTS // len(corners), 1, FINEST))
    steps = np.arange(1.0, len(corners) * many + 1)
    a, b = (np.modf(steps * PLASTIC**power)[0].reshape(len(corners), many) for power in (-1, -2))
    a, b = np.where(a + b > 1, 1 - a, a), np.where(a + b > 1, 1 - b, b)
    z = corners[:, 2, None] + (corners[:, 5] - corners[:, 2])[:, None] * a + (corners[:, 8] - corners[:, 2])[:, None] * b
    off = (grid.z_edges_um[np.searchsorted(grid.mid_planes_um, z, side="left")] - z).ravel()
    weight = np.repeat(area / many, many)
    order = np.argsort(np.abs(off), kind="stable")
    at = int(np.searchsorted(np.cumsum(weight[order]), 0.95 * weight.sum()))
    return float((off * weight).sum() / weight.sum()), float(np.abs(off[order[min(at, len(order) - 1)]]))
