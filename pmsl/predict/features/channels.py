"""Voids below roofs → channels: where they are, and the smallest height and width by design, open (D < Ec), flushing (D < Ec / 2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import Window
from pmsl.predict.features.ports import (
    COL,
    FLOOR,
    LOOSE,
    OPEN,
    ROOF,
    ROW,
    SHARE,
    SHARE_LOOSE,
    SHARE_OPEN,
    Outside,
    labels,
    ports_of,
    state_of,
)
from pmsl.predict.measure.design_layers import DesignLayers

FEWEST_PX = 4  # of a channel's footprint
SAME_UM = 1e-6  # widths and heights this near are the same
HALF = 0.5 - 1e-9  # of a pixel: how sums were rounded decides nothing
WALLED = 0.5  # share of the footprint's rim that must be wall; below it is an overhang
WIDER, NEAR = 1.25, 1.6  # a place is no ridge within NEAR widths of one WIDER than it
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def openings(voids: np.ndarray, design: DesignLayers, window: Window, outside: Outside) -> list[dict[str, Any]]:
    """Find channels and measure them.

    Parameters
    ----------
    voids : (V, 9) float64
        Of `FaceMatcher.finish`.
    design : DesignLayers
    window : Window
    outside : Outside

    Returns
    -------
    list of dict
        One a channel, from the largest footprint down: ``box_um`` of the void, ``design_um``, ``printed_um`` and ``flushable_um`` with
        ``height`` and ``width``, ``blocked``, ``flush_blocked``, ``at_um``: where it is narrowest (x, y), ``ports``: at how many places it
        meets the outside, ``on_plate``: whether it is open toward the plate, ``trapped_um3``: liquid that has no way out of the print, and
        ``state``: "sealed", "sealed by the plate", "blocked", "sealed in print", "does not flush", "dead end" or "open".

    Notes
    -----
    A channel is voids of neighbouring columns whose heights overlap, walled on at least half of its rim. It is measured along its
    ridge, the columns whose distance to the rim no neighbour exceeds: heights there, and widths as the sum of the shares of the pixels
    across, the least of four directions (at most 8 % too wide between them).
    """
    if not len(voids):
        return []
    label = labels(voids, voids[:, ROOF])
    large = np.bincount(label, voids[:, SHARE])[label] > 0.999 * FEWEST_PX  # a slanted roof leaves thousands of slivers
    order, label = np.flatnonzero(large), label[large]
    order = order[np.argsort(label, kind="stable")]
    parts = (voids[p] for p in np.split(order, np.cumsum(np.bincount(label))[:-1]) if len(p))
    found = [_channel(v, design, window, outside) for v in parts if v[:, SHARE].sum() >= FEWEST_PX]
    return sorted((c for c in found if c is not None), key=lambda c: -c["footprint_um2"])


def _channel(v: np.ndarray, design: DesignLayers, window: Window, outside: Outside) -> dict[str, Any] | None:
    """Measure the columns of one void; None where it is an overhang."""
    places = v[:, (ROW, COL)].astype(int)
    reach = 3 + int(min(np.ptp(places, axis=0)) // 2)  # room for what lies across, also where a channel ends in the open
    low = places.min(axis=0) - reach
    shape = tuple((places.max(axis=0) + 1 + reach - low).tolist())
    at = tuple((places - low).T)
    footprint = np.zeros(shape, bool)
    footprint[at] = True
    solid = _half_way_up(v, shape, low, design, window)
    walls = (solid >= HALF) & ~footprint
    rim = _grown(footprint) & ~footprint
    if walls[rim].mean() < WALLED:
        return None
    maps = {field: np.where(footprint, 0.0, 1.0 - solid) for field in (SHARE, SHARE_OPEN, SHARE_LOOSE)}
    maps |= {field: np.zeros(shape) for field in (FLOOR, ROOF, OPEN, LOOSE)}
    for field, values in maps.items():
        values[at] = v[:, field]
    for field in (OPEN, LOOSE):  # what rounding leaves of a filled void is nothing
        maps[field][maps[field] <= SAME_UM] = 0.0
    unroofed = np.where(footprint, np.maximum(1.0 - solid - maps[SHARE], 0.0), 0.0)  # of pixels on the rim of a well
    for field in (SHARE, SHARE_OPEN, SHARE_LOOSE):
        maps[field] += unroofed
    maps[SHARE_OPEN][footprint & (maps[OPEN] <= 0)] = 0.0
    maps[SHARE_LOOSE][footprint & (maps[LOOSE] <= 0)] = 0.0
    for field in (SHARE, SHARE_OPEN, SHARE_LOOSE):  # lines across end at the border
        maps[field][[0, -1]] = maps[field][:, [0, -1]] = 0.0
    out = _measured(v, maps, _ridge(footprint & (maps[SHARE] >= HALF), walls), low, design.grid, window)
    if out is not None:
        ports = ports_of(v, outside, design.grid.pixel_um2)
        out |= {"ports": ports.places, "on_plate": ports.on_plate, "trapped_um3": ports.trapped_um3}
        out["state"] = state_of(ports, out["blocked"], out["flush_blocked"])
    return out


def _grown(footprint: np.ndarray) -> np.ndarray:
    """Add the four neighbours of every pixel."""
    out = footprint.copy()
    out[1:] |= footprint[:-1]
    out[:-1] |= footprint[1:]
    out[:, 1:] |= footprint[:, :-1]
    out[:, :-1] |= footprint[:, 1:]
    return out


def _half_way_up(v: np.ndarray, shape: tuple[int, ...], low: np.ndarray, design: DesignLayers, window: Window) -> np.ndarray:
    """Designed share of the voxels of a box of pixels, half way up a void; 0 outside the field."""
    heights = np.sort(0.5 * (v[:, FLOOR] + v[:, ROOF]))
    middle = 0.5 * float(heights[(len(v) - 1) // 2] + heights[len(v) // 2])  # np.median loads masked arrays for it: 30 ms
    mask = design.layer_mask(design.grid.layer_of(middle))
    first = low + (window.row0, window.col0)
    begin, end = np.maximum(first, 0), np.minimum(first + shape, mask.shape)
    out = np.zeros(shape)
    here = tuple(slice(*pair) for pair in zip((begin - first).tolist(), (end - first).tolist(), strict=True))
    out[here] = mask.within(Window(*begin.tolist(), *(end - begin).tolist()), np.float32)
    return out


def _distances(walls: np.ndarray) -> np.ndarray:
    """How far every pixel is from the nearest wall, middle to middle, exactly [px]; infinite where there is none."""
    if not walls.any():
        return np.full(walls.shape, np.inf)
    from scipy import ndimage

    found: np.ndarray = ndimage.distance_transform_edt(~walls)
    return found


def _ridge(footprint: np.ndarray, walls: np.ndarray) -> np.ndarray:
    """Columns of a footprint in the middle between walls: no neighbour is further from them, and no wider place is near (corners)."""
    from pmsl.kernels.runs import distance_and_width

    rows, cols = walls.shape
    distance = _distances(walls)
    around = np.pad(distance, 1)
    farthest = np.max([around[i : i + rows, j : j + cols] for i in range(3) for j in range(3)], axis=0)
    ridge = footprint & (distance >= farthest - 1e-9)
    points, widths = np.argwhere(ridge), distance[ridge]
    steps = [2.0]
    while steps[-1] <= widths.max(initial=0.0):
        steps.append(steps[-1] * WIDER)
    order = np.argsort(widths, kind="stable")
    size = np.concatenate([np.zeros(1), steps])[np.searchsorted(steps, widths[order], "right")]
    kept = np.zeros(len(points), np.uint8)
    distance_and_width.near_wider(points[order, 0], points[order, 1], widths[order], size, WIDER, NEAR, kept)
    ridge[tuple(points[order[kept == 0]].T)] = False
    return ridge if ridge.any() else footprint


def _measured(
    v: np.ndarray, maps: dict[int, np.ndarray], ridge: np.ndarray, low: np.ndarray, grid: Grid, window: Window
) -> dict[str, Any] | None:
    """Measure a channel along its ridge; None where it has none: no pixel half void."""
    if not ridge.any():
        return None
    heights = {"design_um": maps[ROOF] - maps[FLOOR], "printed_um": maps[OPEN], "flushable_um": maps[LOOSE]}
    shares = {"design_um": SHARE, "printed_um": SHARE_OPEN, "flushable_um": SHARE_LOOSE}
    widths = {name: _widths_um(maps[share], ridge, grid.pitch_um) for name, share in shares.items()}
    out: dict[str, Any] = {"box_um": _box_um(v, grid, window)}
    for name in heights:
        out[name] = {"height": float(heights[name][ridge].min()), "width": float(widths[name].min())}
    out["blocked"] = min(out["printed_um"].values()) <= 0
    out["flush_blocked"] = min(out["flushable_um"].values()) <= 0
    out["at_um"] = _narrowest_um(ridge, np.minimum(heights["printed_um"][ridge], widths["printed_um"]), low, grid, window)
    out["footprint_um2"] = float(v[:, SHARE].sum() * grid.pixel_um2)
    return out


def _widths_um(share: np.ndarray, ridge: np.ndarray, pitch_um: np.ndarray) -> np.ndarray:
    """Width across at every ridge pixel: (n,) float64 [µm]."""
    from pmsl.kernels.runs import distance_and_width

    place = np.flatnonzero(ridge)
    step = np.array([dr * share.shape[1] + dc for dr, dc in DIRECTIONS])
    unit = np.array([float(np.hypot(dr * pitch_um[1], dc * pitch_um[0])) for dr, dc in DIRECTIONS])
    scratch = np.zeros(len(step)), np.zeros(len(step), np.int64), np.zeros(len(step), np.int64)
    least = np.zeros(len(place))
    distance_and_width.widths(share.reshape(-1), place, step, unit, *scratch, least)
    return least


def _box_um(v: np.ndarray, grid: Grid, window: Window) -> list[list[float]]:
    """Box around the voids ((x, y, z), (x, y, z)) [µm]."""
    low = (v[:, (COL, ROW)].min(axis=0) + (window.col0, window.row0)) * grid.pitch_um + grid.origin_um
    high = (v[:, (COL, ROW)].max(axis=0) + (window.col0 + 1, window.row0 + 1)) * grid.pitch_um + grid.origin_um
    return [[*low.tolist(), float(v[:, FLOOR].min())], [*high.tolist(), float(v[:, ROOF].max())]]


def _narrowest_um(ridge: np.ndarray, least: np.ndarray, low: np.ndarray, grid: Grid, window: Window) -> list[float]:
    """Place (x, y) of the smallest opening along the ridge [µm]."""
    first = int(np.flatnonzero(least <= least.min() + SAME_UM)[0])
    row, col = np.argwhere(ridge)[first] + low + (window.row0, window.col0)
    return [float(grid.origin_um[0] + (col + 0.5) * grid.pitch_um[0]), float(grid.origin_um[1] + (row + 0.5) * grid.pitch_um[1])]
