"""Slow, obvious references."""

from __future__ import annotations

import numpy as np
import shapely

from pmsl import Grid, Solid


def section(solid: Solid, z: float) -> np.ndarray:
    """Directed segments of the cut at height z, triangle by triangle in plain Python: (S, 4) [µm]."""
    out = []
    for face in solid.faces:
        corners = solid.vertices_um[face]
        above = corners[:, 2] >= z
        if above.all() or not above.any():
            continue
        down = up = None
        for i in range(3):
            a, b = corners[i], corners[(i + 1) % 3]
            if (a[2] >= z) == (b[2] >= z):
                continue
            low, high = (a, b) if a[2] < b[2] else (b, a)
            t = (z - low[2]) / (high[2] - low[2])
            point = low[:2] + t * (high[:2] - low[:2])
            if a[2] >= z:
                down = point
            else:
                up = point
        out.append([*down, *up])
    return np.array(out).reshape(-1, 4)


def pixel(grid: Grid, row: int, col: int) -> shapely.Polygon:
    """The rectangle of one pixel [µm]."""
    (x0, y0), (px, py) = grid.origin_um, grid.pitch_um
    return shapely.box(x0 + col * px, y0 + row * py, x0 + (col + 1) * px, y0 + (row + 1) * py)


def polygon_coverage(polygon, grid: Grid) -> np.ndarray:
    """Exact covered fraction of every pixel, by clipping with shapely."""
    rows, cols = grid.shape
    out = np.zeros((rows, cols))
    for r in range(rows):
        for c in range(cols):
            cell = pixel(grid, r, c)
            out[r, c] = polygon.intersection(cell).area / cell.area
    return out
