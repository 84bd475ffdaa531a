"""Where a part is put on a plate that is larger than it, so that seams cross as little of it as can be."""

from __future__ import annotations

import numpy as np

from pmsl.fields.tiles import PHASES, Axis

WIDER_PX = 1  # on either side of a cut: what a stage that is off reaches
SAME = 1e-9
EDGE_PX = 8  # of the plate, beyond which no light comes: parts keep so far away where there is room


def crossed_px(area_px: np.ndarray, axis: Axis) -> np.ndarray:
    """Return what the bands of all layers in turn hold of a part, for each place of its lower end: (places,) float64.

    Parameters
    ----------
    area_px : (n,) float64
        Of the part in every pixel along the axis, or any weight.
    axis : Axis
        With a plate of n pixels or more.
    """
    n, places = len(area_px), np.arange(axis.plate_px - len(area_px) + 1)
    sums, crossed = np.concatenate([[0.0], np.cumsum(area_px)]), np.zeros(len(places))
    for layer in range(PHASES if axis.stagger_px else 1):
        for start, end in axis.bands_px(layer):
            low, high = (start, end) if end > start else (start - WIDER_PX, end + WIDER_PX)
            crossed += sums[np.clip(high - places, 0, n)] - sums[np.clip(low - places, 0, n)]
    return crossed


def quietest_px(area_px: np.ndarray, axis: Axis, now_px: float, edge_px: int = EDGE_PX) -> int | None:
    """Return where the lower end of a part has to lie so that seams cross least of it; None where no other place is better.

    Parameters
    ----------
    area_px : (n,) float64
        As of `crossed_px`.
    axis : Axis
    now_px : float
        Where it lies now: of places that are as good the nearest is chosen.
    edge_px : int
        How far it stays away from the ends of the plate, where there is room for that.
    """
    if axis.count == 1 or len(area_px) >= axis.plate_px:
        return None
    crossed = crossed_px(area_px, axis)
    if len(crossed) > 2 * edge_px:
        crossed[:edge_px] = crossed[len(crossed) - edge_px :] = np.inf
    least = float(crossed.min()) + SAME * (1.0 + float(area_px.sum()))
    if crossed[min(max(round(now_px), 0), len(crossed) - 1)] <= least:
        return None
    near = np.flatnonzero(crossed <= least)
    return int(near[np.argmin(np.abs(near - now_px))])
