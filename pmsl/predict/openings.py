"""Voids below roofs → channels: where they are, and the smallest height and width by design, open (D < Ec), flushing (D < Ec / 2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import Window
from pmsl.predict.design import Design

ROW, COL, FLOOR, ROOF, OPEN, LOOSE, SHARE, SHARE_OPEN, SHARE_LOOSE = range(9)
FEWEST_PX = 4  # of a channel's footprint
WALLED = 0.5  # share of the footprint's rim that must be wall; below it is an overhang
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def openings(voids: np.ndarray, design: Design, window: Window) -> list[dict[str, Any]]:
    """Find channels and measure them.

    Parameters
    ----------
    voids : (V, 9) float64
        Of `Columns.finish`.
    design : Design
    window : Window

    Returns
    -------
    list of dict
        One a channel, from the largest footprint down: ``box_um`` of the void, ``design_um``, ``printed_um`` and ``flushable_um`` with
        ``height`` and ``width``, ``blocked``, ``flush_blocked``, ``at_um``: where it is narrowest (x, y).

    Notes
    -----
    A channel is voids of neighbouring columns whose heights overlap, walled on at least half of its rim. It is measured along its
    ridge, the columns whose distance to the rim no neighbour exceeds: heights there, and widths as the sum of the shares of the pixels
    across, the least of four directions (at most 8 % too wide between them).
    """
    if not len(voids):
        return []
    voids = voids[np.lexsort((voids[:, FLOOR], voids[:, COL], voids[:, ROW]))]
    label = _components(voids)
    order = np.argsort(label, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    found = [_channel(voids[p], design, window) for p in parts if len(p) >= FEWEST_PX]
    channels = sorted((c for c in found if c is not None), key=lambda c: -c["footprint_um2"])
    return channels


def _components(voids: np.ndarray) -> np.ndarray:
    """Number the voids (sorted by row, column) that hang together: (V,) int."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(voids)
    width = int(voids[:, COL].max()) + 2
    key = (voids[:, ROW] * width + voids[:, COL]).astype(np.int64)
    pairs = []
    most = int(np.bincount(np.unique(key, return_inverse=True)[1]).max())
    for step in (1, width):
        begin = np.searchsorted(key, key + step)
        for i in range(most):
            other = begin + i
            fits = np.flatnonzero((other < n) & (key[np.minimum(other, n - 1)] == key + step))
            other = other[fits]
            touch = (voids[fits, FLOOR] < voids[other, ROOF]) & (voids[other, FLOOR] < voids[fits, ROOF])
            pairs.append(np.stack([fits[touch], other[touch]]))
    a, b = np.concatenate(pairs, axis=1)
    return np.asarray(connected_components(coo_array((np.ones(len(a), np.int8), (a, b)), shape=(n, n)), directed=False)[1])


def _channel(v: np.ndarray, design: Design, window: Window) -> dict[str, Any] | None:
    """Measure the columns of one void; None where it is an overhang."""
    from scipy import ndimage

    low = v[:, (ROW, COL)].min(axis=0).astype(int) - 1
    shape = tuple((v[:, (ROW, COL)].max(axis=0).astype(int) + 2 - low).tolist())
    at = tuple((v[:, (ROW, COL)].astype(int) - low).T)
    footprint = np.zeros(shape, bool)
    footprint[at] = True
    if _walled_share(v, footprint, low, design, window) < WALLED:
        return None
    maps = {field: np.zeros(shape) for field in (FLOOR, ROOF, OPEN, LOOSE, SHARE, SHARE_OPEN, SHARE_LOOSE)}
    for field, values in maps.items():
        values[at] = v[:, field]
    maps[SHARE_OPEN][maps[OPEN] <= 0] = 0.0
    maps[SHARE_LOOSE][maps[LOOSE] <= 0] = 0.0
    distance = ndimage.distance_transform_edt(footprint)
    ridge = footprint & (distance >= ndimage.maximum_filter(distance, 3) - 1e-9)
    heights = {"design_um": maps[ROOF] - maps[FLOOR], "printed_um": maps[OPEN], "flushable_um": maps[LOOSE]}
    shares = {"design_um": SHARE, "printed_um": SHARE_OPEN, "flushable_um": SHARE_LOOSE}
    widths = {name: _widths_um(maps[share], ridge, design.grid.pitch_um) for name, share in shares.items()}
    out: dict[str, Any] = {"box_um": _box_um(v, design.grid, window)}
    for name in heights:
        out[name] = {"height": float(heights[name][ridge].min()), "width": float(widths[name].min())}
    out["blocked"] = min(out["printed_um"].values()) <= 0
    out["flush_blocked"] = min(out["flushable_um"].values()) <= 0
    out["at_um"] = _narrowest_um(ridge, np.minimum(heights["printed_um"][ridge], widths["printed_um"]), low, design.grid, window)
    out["footprint_um2"] = float(maps[SHARE].sum() * design.grid.pixel_um2)
    return out


def _walled_share(v: np.ndarray, footprint: np.ndarray, low: np.ndarray, design: Design, window: Window) -> float:
    """Share of the pixels around a footprint that are solid half way up the void."""
    from scipy import ndimage

    middle = float(np.median(0.5 * (v[:, FLOOR] + v[:, ROOF])))
    mask = design.layer_mask(design.grid.layer_of(middle)).dense(np.float32)
    padded = np.pad(mask, 2)
    row0, col0 = window.row0 + int(low[0]) + 2, window.col0 + int(low[1]) + 2
    here = padded[max(row0, 0) : row0 + footprint.shape[0], max(col0, 0) : col0 + footprint.shape[1]]
    rim = ndimage.binary_dilation(footprint) & ~footprint
    return float((here[rim] >= 0.5).mean()) if rim.any() else 1.0


def _widths_um(share: np.ndarray, ridge: np.ndarray, pitch_um: np.ndarray) -> np.ndarray:
    """Width across at every ridge pixel: (n,) float64 [µm]."""
    rows, cols = np.nonzero(ridge)
    least = np.full(len(rows), np.inf)
    for dr, dc in DIRECTIONS:
        length = float(np.hypot(dr * pitch_um[1], dc * pitch_um[0]))
        total = share[rows, cols].copy()
        for sign in (1, -1):
            r, c, going = rows.copy(), cols.copy(), share[rows, cols] > 0
            while going.any():
                r, c = r + sign * dr, c + sign * dc
                inside = going & (r >= 0) & (c >= 0) & (r < share.shape[0]) & (c < share.shape[1])
                step = np.where(inside, share[np.clip(r, 0, share.shape[0] - 1), np.clip(c, 0, share.shape[1] - 1)], 0.0)
                total += step
                going = step > 0
        least = np.minimum(least, total * length)
    return least


def _box_um(v: np.ndarray, grid: Grid, window: Window) -> list[list[float]]:
    """Box around the voids ((x, y, z), (x, y, z)) [µm]."""
    low = (v[:, (COL, ROW)].min(axis=0) + (window.col0, window.row0)) * grid.pitch_um + grid.origin_um
    high = (v[:, (COL, ROW)].max(axis=0) + (window.col0 + 1, window.row0 + 1)) * grid.pitch_um + grid.origin_um
    return [[*low.tolist(), float(v[:, FLOOR].min())], [*high.tolist(), float(v[:, ROOF].max())]]


def _narrowest_um(ridge: np.ndarray, least: np.ndarray, low: np.ndarray, grid: Grid, window: Window) -> list[float]:
    """Place (x, y) of the smallest opening along the ridge [µm]."""
    row, col = np.argwhere(ridge)[int(np.argmin(least))] + low + (window.row0, window.col0)
    return [float(grid.origin_um[0] + (col + 0.5) * grid.pitch_um[0]), float(grid.origin_um[1] + (row + 0.5) * grid.pitch_um[1])]
