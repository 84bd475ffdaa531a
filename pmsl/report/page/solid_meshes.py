"""Triangles of the design and of the predicted solid, few enough to be turned in a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.core.grid import Grid
from pmsl.mesh.part import Part
from pmsl.report.page.blocks import PageBlock, base64_text, packed
from pmsl.report.page.predicted_layers import PredictedLayers

MOST_FACES = 60_000
FULL = 65535
Mesh = tuple[np.ndarray, np.ndarray]  # (V, 3) float64 [µm], (F, 3) int


def design_mesh(parts: Sequence[Part]) -> Mesh | None:
    """Return the triangles of placed parts; None where they are more than are drawn."""
    if not parts or sum(len(part.solid.faces) for part in parts) > MOST_FACES:
        return None
    points, faces, n = [], [], 0
    for part in parts:
        placed = part.placed_um()
        points.append(placed)
        faces.append(np.asarray(part.solid.faces, np.int64) + n)
        n += len(placed)
    return np.concatenate(points), np.concatenate(faces)


def volume_mesh(share: np.ndarray, taken: PredictedLayers, grid: Grid) -> Mesh | None:
    """Return the surface where half of the cells' volume is filled; None where there is none.

    Parameters
    ----------
    share : (Z, R, C) float32
        One of the volumes of `taken`.
    taken : PredictedLayers
    grid : Grid
    """
    from skimage.measure import marching_cubes

    factor = 1
    while True:
        cells = _coarser(share, factor)
        if not (cells > 0.5).any():
            return None
        padded = np.pad(cells, 1)
        places, faces, _, _ = marching_cubes(padded, 0.5, gradient_direction="descent")
        if len(faces) <= MOST_FACES:
            break
        factor += 1
    bins = np.linspace(0, len(share), len(cells) + 1)
    edges = np.interp(bins * taken.job.n_layers / len(share), np.arange(grid.n_layers + 1), grid.z_edges_um)
    at = places.astype(np.float64) - 0.5  # in cells; the rim of nothing is half a cell wide
    z = np.interp(np.clip(at[:, 0], 0, len(cells)), np.arange(len(cells) + 1), edges)
    px = factor * taken.cell_px
    y = np.clip(at[:, 1] * px, 0, taken.window.rows) + taken.window.row0
    x = np.clip(at[:, 2] * px, 0, taken.window.cols) + taken.window.col0
    xy = np.column_stack([x, y]) * grid.pitch_um + grid.origin_um
    field_map = taken.job.printer.field_map
    xy = xy if field_map is None else field_map.plate_um(xy)
    return np.column_stack([xy, z]), faces.astype(np.int64)


def mesh_data(name: str, mesh: Mesh) -> tuple[dict[str, Any], list[PageBlock]]:
    """Return a mesh as a page stores it: corners in 65535 parts of its box, uint16, and the corners of every triangle, uint32."""
    points, faces = mesh
    low, high = points.min(axis=0), points.max(axis=0)
    steps = np.rint((points - low) / np.maximum(high - low, 1e-9) * FULL).astype("<u2")
    facts = {"low_um": low.tolist(), "high_um": high.tolist(), "points": len(points), "faces": len(faces), "name": name}
    blocks = [
        PageBlock(f"{name}-points", base64_text(packed(steps.T))),
        PageBlock(f"{name}-faces", base64_text(packed(faces.astype("<u4").T))),
    ]
    return facts, blocks


def _coarser(share: np.ndarray, factor: int) -> np.ndarray:
    """Return means of cubes of cells; at the end of those that are there."""
    for axis in range(3):
        starts = np.arange(0, share.shape[axis], factor)
        counts = np.minimum(starts + factor, share.shape[axis]) - starts
        shape = [-1 if axis == i else 1 for i in range(3)]
        share = np.add.reduceat(share, starts, axis=axis) / counts.reshape(shape).astype(np.float32)
    return share
