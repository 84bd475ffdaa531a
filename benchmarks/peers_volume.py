"""How does exact volume coverage compare with N x N x N points a voxel: time, memory, bytes, and the error of the masks?

Whole processes in turn as in peers.py, `pmsl slice --coverage volume` and PyVista sampling 4^3 and 8^3 points a voxel. Thick
layers, on which volume is what area is not; few of them, for the time of the points. The errors, in gray levels of 255, are
those of a band of rows on a few layers against the mean of many exact areas a layer (plain numpy), which is itself off by at
most 0.13 where a flat face lies within the layer, else by far less; rounding alone is 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import exact_frames
import numpy as np
from exact_frames import Raster
from peer_tools import PMSL_VOLUME, WORKS, Tool, Work, decoded, supersampled
from peers import MESHES, cell

THICK = WORKS["W1"].of(40)
CELLS = (("ellipsoid80k", 4, THICK, 3), ("chip", 4, THICK, 3), ("gyroid", 4, THICK, 3), ("ellipsoid80k", 8, THICK, 1))
QUICK = (("ellipsoid5k", 2, WORKS["W0"], 1),)
SECTIONS = 1024
ROWS = 32
SAMPLES = (0.165, 0.5, 0.95)


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a pair."""
    for name, points, work, pairs in QUICK if quick else CELLS:
        peer, mesh = supersampled(points), MESHES[name]()
        if absent := f"{peer.name}: {peer.missing()} not installed" if peer.missing() else mesh.skipped:
            yield {"skipped": absent}
        else:
            yield cell(peer, mesh, work, pairs, PMSL_VOLUME, volume_errors)


def volume_errors(tools: Sequence[Tool], found: Sequence[list[bytes]], mesh: Path, work: Work) -> list[tuple[float, float]]:
    """Return the largest and the RMS error of each tool's frames on a band of rows of a few layers, in gray levels of 255."""
    raster = Raster(work.nx, work.ny, work.pitch_um)
    band = (work.ny // 2, work.ny // 2 + ROWS)
    triangles = _near(exact_frames.triangles_um(mesh), 1, np.array(band) * work.pitch_um)
    told = []
    for k in sorted({int(s * work.layers) for s in SAMPLES}):
        exact = _volume(triangles, k * work.layer_um, work.layer_um, raster, band)
        shown = [decoded(files[k], tool, work)[slice(*band)] for tool, files in zip(tools, found, strict=True)]
        told.append(exact_frames.errors(lambda _, e=exact: e, shown, [(0, ROWS)]))
    return exact_frames.summed(told)


def _volume(triangles: np.ndarray, z_um: float, layer_um: float, raster: Raster, band: tuple[int, int]) -> np.ndarray:
    """Return the covered share of a band's voxels in one layer: the mean of the areas of many sections."""
    within = _near(triangles, 2, np.array([z_um, z_um + layer_um]))
    total = np.zeros((band[1] - band[0], raster.nx))
    for i in range(SECTIONS):
        segments = exact_frames.section_px(within, z_um + (i + 0.5) / SECTIONS * layer_um, raster)
        total += exact_frames.coverage(segments, band, raster.nx)
    return total / SECTIONS


def _near(triangles: np.ndarray, axis: int, span: np.ndarray) -> np.ndarray:
    """Return the triangles that reach into a span of one coordinate."""
    v = triangles[:, :, axis]
    return triangles[(v.max(axis=1) >= span[0]) & (v.min(axis=1) <= span[1])]
