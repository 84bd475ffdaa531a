"""Slow answers to hold the fast ones against: sections in plain numpy, pixels clipped by shapely."""

from __future__ import annotations

import numpy as np
import shapely

import pmsl
from pmsl.masks import AreaMasks
from pmsl.mesh.part import as_part


def triangles_um(parts: list) -> np.ndarray:
    """Return the corners of every triangle of all parts, (F, 3, 3) [µm]."""
    return np.concatenate([p.placed_um()[p.solid.faces] for p in map(as_part, parts)])


def section(triangles: np.ndarray, z_um: float) -> np.ndarray:
    """Cut triangles at a plane: (S, 2, 2) directed segments, solid on the left; a corner at the plane counts as above."""
    above = triangles[:, :, 2] >= z_um
    count = above.sum(axis=1)
    cut, above = triangles[(count == 1) | (count == 2)], above[(count == 1) | (count == 2)]
    up = above.sum(axis=1) == 1
    odd = np.where(up, above.argmax(axis=1), above.argmin(axis=1))
    each = np.arange(len(cut))
    a, b, c = (cut[each, (odd + i) % 3] for i in range(3))
    p, q = (a + ((z_um - a[:, 2]) / (end[:, 2] - a[:, 2]))[:, None] * (end - a) for end in (b, c))
    return np.where(up[:, None, None], np.stack([p, q], axis=1), np.stack([q, p], axis=1))[:, :, :2]


def section_areas(triangles: np.ndarray, planes_um: np.ndarray) -> np.ndarray:
    """Return the area of every section by the shoelace over its segments [µm²]; overlaps count twice."""
    centre = triangles.reshape(-1, 3).mean(axis=0)
    low, high = triangles[:, :, 2].min(axis=1), triangles[:, :, 2].max(axis=1)
    areas = np.zeros(len(planes_um))
    for k, z_um in enumerate(planes_um):
        s = section(triangles[(low < z_um) & (high >= z_um)], z_um) - centre[:2]
        areas[k] = 0.5 * (s[:, 0, 0] * s[:, 1, 1] - s[:, 1, 0] * s[:, 0, 1]).sum()
    return areas


def mask_errors(maker: AreaMasks, parts: list, layers: list[int], pixels: int) -> tuple[float, float]:
    """Hold coverage and masks against shapely on sampled boundary pixels of a few layers.

    Returns
    -------
    float, float
        Largest error of the coverage, and of the 16-bit mask in units of 1/65535 (rounding alone: 0.5);
        not a number where no layer had a boundary.
    """
    worst: list[float] = []
    worst_16: list[float] = []
    for k in layers:
        rings = _rings_px(parts, maker.grid, k)
        if not rings:
            continue
        row, col = _boundary_pixels(rings, maker.grid.shape, pixels, np.random.default_rng(k))
        wanted = _clipped(_faces(rings), row, col)
        worst.append(float(np.abs(maker.coverage(k)[row, col] - wanted).max()))
        levels = maker.mask(k).dense(np.uint16)[row, col]
        worst_16.append(float(np.abs(levels - 65535.0 * wanted).max()))
    return max(worst, default=np.nan), max(worst_16, default=np.nan)


def _rings_px(parts: list, grid: pmsl.Grid, k: int) -> list[np.ndarray]:
    one = pmsl.Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=grid.z_edges_um[k : k + 2])
    return [(ring - grid.origin_um) / grid.pitch_um for ring in pmsl.slice_contours(parts, one).rings(0)]


def _boundary_pixels(
    rings: list[np.ndarray], shape: tuple[int, int], count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pick pixels in which boundary lies, and as many beside them."""
    starts, ends = np.concatenate(rings), np.concatenate([np.roll(r, -1, axis=0) for r in rings])
    which = rng.integers(0, len(starts), count)
    at = np.floor(starts[which] + rng.random((count, 1)) * (ends[which] - starts[which])).astype(int)
    at = np.concatenate([at, at + rng.integers(-1, 2, at.shape)])
    at = at[((at >= 0) & (at < shape[::-1])).all(axis=1)]
    return at[:, 1], at[:, 0]


def _faces(rings: list[np.ndarray]) -> shapely.Geometry:
    """Return what lies at winding above 0: all faces of the rings' line work that do."""
    lines = shapely.unary_union(shapely.multilinestrings([shapely.linearrings(r) for r in rings if len(r) > 2]))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    points = shapely.get_coordinates(shapely.point_on_surface(faces))
    inside = [sum(_winding(ring, p) for ring in rings) > 0 for p in points]
    return shapely.union_all(faces[np.array(inside, bool)])


def _winding(ring: np.ndarray, point: np.ndarray) -> int:
    """Return how often a ring goes round a point."""
    a, b = ring - point, np.roll(ring, -1, axis=0) - point
    left = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]
    up, down = (a[:, 1] <= 0.0) & (b[:, 1] > 0.0), (a[:, 1] > 0.0) & (b[:, 1] <= 0.0)
    return int((up & (left > 0.0)).sum()) - int((down & (left < 0.0)).sum())


def _clipped(solid: shapely.Geometry, row: np.ndarray, col: np.ndarray) -> np.ndarray:
    """Return the covered area of pixels."""
    return shapely.area(shapely.intersection(solid, shapely.box(col, row, col + 1, row + 1)))
