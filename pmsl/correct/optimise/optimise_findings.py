"""What solving the walls of a layer again has come to → findings."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.correct.optimise.optimiser import OptimisedWalls

SHARE = 0.95  # of the contour


def optimised_findings(made: OptimisedWalls | None, grid: Grid, k: int) -> tuple[Finding, ...]:
    """Return what is to be said of layer `k`: how far off walls were and are, how they lean, what the last sweep still moved."""
    if made is None:
        return ()
    before, after = (within_px(each, made.length_px) for each in (made.before_px, made.after_px))
    was, now = (rms_px(each, made.length_px) for each in (made.before_px, made.after_px))
    top, bottom = made.lean_px
    unchanged = made.neighbourhoods - made.taken
    message = (
        f"{made.length_px.sum():.0f} px of walls in {made.neighbourhoods} places were solved again: {SHARE:.0%} of them are within "
        f"{after:.3f} px of the design half-way up the layer ({before:.3f} in closed form); root mean square {now:.3f} px ({was:.3f})"
        + (f", {unchanged} of the places keep the closed form" if unchanged else "")
        + f"; inside the layer walls lean from {bottom:+.2f} px at its bottom to {top:+.2f} px at its top, which no gray removes"
    )
    low, high = (grid.origin_um + grid.pitch_um * f(made.at_px, axis=0)[::-1] for f in (np.min, np.max))
    box = (*map(float, low), float(grid.z_edges_um[k])), (*map(float, high), float(grid.z_edges_um[k + 1]))
    place: dict[str, Any] = {"layers": (k, k), "box_um": box}
    found = Finding(code="optimised-walls", severity="info", message=message, value=now, unit="px", **place)
    if made.unsettled_px == 0:
        return (found,)
    message = f"the last sweep over the levels of the layer still moved {made.unsettled_px} pixels by a level; walls hardly move any more"
    value = float(made.unsettled_px)
    return found, Finding(code="optimise-unsettled", severity="info", message=message, value=value, limit=0.0, unit="px", **place)


def rms_px(off_px: np.ndarray, length_px: np.ndarray) -> float:
    """Return the root of the mean square along a contour [px]."""
    return float(np.sqrt((length_px * off_px**2).sum() / length_px.sum()))


def within_px(off_px: np.ndarray, length_px: np.ndarray) -> float:
    """Return how far off `SHARE` of a contour is at most [px]."""
    order = np.argsort(off_px, kind="stable")
    share = np.cumsum(length_px[order])
    return float(off_px[order[min(int(np.searchsorted(share, SHARE * share[-1])), len(order) - 1)]])
