"""Parts of a job that overlap: printed as one body, which may not be what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pmsl.core.arrays import evenly
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.masks import masks_of
from pmsl.mesh.part import Part

MOST_PARTS, MOST_PAIRS, SAMPLES = 500, 100, 12  # parts, pairs of which boxes meet, layers of each
SLACK_UM = 1e-3  # a nanometre: parts that touch share no more
SHARE_PX, ROUNDING_PX = 0.02, 3e-5  # shared area that counts, and what rounding of each gray may add to it


def overlap_findings(parts: Sequence[Part], boxes_um: np.ndarray, grid: Grid) -> Iterator[Finding]:
    """Yield one finding of the pairs of parts that share area in the middle of a layer.

    Only parts whose boxes overlap are looked at, in `SAMPLES` layers of what they share; of more than `MOST_PARTS` none are.
    """
    found = []
    for i, j in _pairs(boxes_um)[:MOST_PAIRS] if 1 < len(parts) <= MOST_PARTS else ():
        low, high = np.maximum(boxes_um[i, 0], boxes_um[j, 0]), np.minimum(boxes_um[i, 1], boxes_um[j, 1])
        shared = _shared_px([parts[i], parts[j]], grid, float(low[2]), float(high[2]))
        if shared is not None:
            found.append((shared, i, j, low, high))
    if not found:
        return
    (k, px), i, j, low, high = found[0]
    more = f" (and {len(found) - 1} other pairs of parts)" if len(found) > 1 else ""
    names = [parts[n].label or parts[n].solid.source for n in (i, j)]
    yield Finding(
        code="parts-overlap",
        severity="warning",
        message=f"{names[0]} and {names[1]} overlap{more}, in layer {k} by {px * grid.pixel_um2 * 1e-6:.3g} mm²: they are printed as "
        "one body; if they were to stand apart, move them, or let --pack CLEARANCE_UM place them",
        layers=(grid.layer_of(float(low[2])), grid.layer_of(float(high[2]) - SLACK_UM)),
        box_um=(tuple(low.tolist()), tuple(high.tolist())),
        value=px * grid.pixel_um2,
        limit=0.0,
        unit="µm²",
    )


def _pairs(boxes_um: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs of boxes (P, 2, 3) that share volume."""
    low, high = boxes_um[:, 0], boxes_um[:, 1]
    meets = np.triu((low[:, None] < high[None] - SLACK_UM).all(axis=2) & (low[None] < high[:, None] - SLACK_UM).all(axis=2), 1)
    return [(int(i), int(j)) for i, j in np.argwhere(meets)]


def _shared_px(pair: Sequence[Part], grid: Grid, low_um: float, high_um: float) -> tuple[int, float] | None:
    """Return a layer between two heights in which two parts share area, and how much [px]; None where they do not."""
    (layers,) = np.nonzero((grid.mid_planes_um > low_um) & (grid.mid_planes_um <= high_um))
    if len(layers) == 0:
        return None
    first, last = int(layers[0]), int(layers[-1])
    slabs = Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=grid.z_edges_um[first : last + 2])
    makers = [masks_of(some, slabs, "area", "none") for some in ([pair[0]], [pair[1]], list(pair))]
    for k in evenly(slabs.n_layers, SAMPLES):
        one, other, both = (maker.mask(k) for maker in makers)
        rounding = ROUNDING_PX * sum(len(mask.runs().col) for mask in (one, other, both))
        shared = one.sum_px() + other.sum_px() - both.sum_px()
        if shared > SHARE_PX + rounding:
            return first + k, shared
    return None
