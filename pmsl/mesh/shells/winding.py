"""Points a little beside triangles, and how often surfaces wind around points."""

from __future__ import annotations

import numpy as np


def largest(corners: np.ndarray, most: int, first: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find the largest triangles, from whose middles points beside them are stepped to.

    Parameters
    ----------
    corners : (n, 3, 3) float64
    most : int
        How many at most; those without an area are none.
    first : (n,) bool, optional
        Triangles that come before larger ones.

    Returns
    -------
    which : (m,) int64
        In the order of their size.
    middle, normal : (m, 3) float64
        Middle, and normal of length 1.
    size : (m,) float64
        Twice the area.
    """
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normal, axis=1)
    which = (np.argsort(-size, kind="stable") if first is None else np.lexsort((-size, ~first)))[:most]
    which = which[size[which] > 0]
    return which, corners[which].mean(axis=1), normal[which] / size[which, None], size[which]


def winding_at(
    points: np.ndarray, faces: np.ndarray, at: np.ndarray, label: np.ndarray | None = None, shell: np.ndarray | None = None
) -> np.ndarray:
    """Return how often a mesh, or one of its shells, winds around each of some points.

    Parameters
    ----------
    points : (n, 3) float64; faces : (F, 3) int32
    at : (p, 3) float64
    label : (F,) int32, optional
        Number of every triangle's shell.
    shell : (p,) int, optional
        The shell each point is asked about.

    Returns
    -------
    (p,) float64
    """
    from pmsl.kernels.mesh import watertight

    label = np.zeros(len(faces), np.int32) if label is None else label
    asked = np.zeros(len(at), np.int32) if shell is None else shell.astype(np.int32)
    order, box, begin = _raster(at[:, :2])
    x, y, z = (at[order, k].copy() for k in range(3))
    sums, out = np.zeros(len(at)), np.empty(len(at))
    watertight.winding(points, faces, label, x, y, z, asked[order], box, begin, sums)
    out[order] = sums
    return out


def _raster(at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort points (p, 2) into cells, about one point each: the order, the raster's lower corner and scale, and where cells begin."""
    side = max(1, int(np.sqrt(len(at))))
    low = at.min(axis=0, initial=np.inf)
    extent = at.max(axis=0, initial=-np.inf) - low
    scale = np.divide(side * (1 - 1e-12), extent, out=np.zeros(2), where=extent > 0)  # the last point lies in the last cell
    columns, rows = ((at - low) * scale).astype(np.int64).T
    order = np.lexsort((columns, rows))
    begin = np.searchsorted((rows * (side + 1) + columns)[order], np.arange(side * (side + 1))).reshape(side, side + 1)
    return order, np.stack([low, scale]), begin
