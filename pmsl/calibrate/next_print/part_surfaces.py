"""Roofs and walls of a part as a printer would be shown them: how much of each lies under how many layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pmsl.core.grid import Grid
from pmsl.errors import UsageError
from pmsl.masks import layer_masks
from pmsl.mesh import load_solid

LIT = 128  # gray from which on a pixel counts as lit
MOST_VOXELS = 4_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class PartSurfaces:
    """How much of a part's roofs and walls lies under how many layers.

    Attributes
    ----------
    roofs, walls : (N, 2) float64
        Layers, and the share of all of them: of roofs those that hang over nothing, at least 1; of walls those above the layer itself.
    """

    roofs: np.ndarray
    walls: np.ndarray


def part_surfaces(path: str | Path, pitch_um: tuple[float, float], layer_um: float) -> PartSurfaces:
    """Slice a mesh, and count.

    Parameters
    ----------
    path : path-like
        A mesh, in mm unless its format says otherwise, lying as it is printed.
    pitch_um : (float, float)
        Of the printer's pixels.
    layer_um : float

    Raises
    ------
    MeshError
        The file is missing or no mesh.
    UsageError
        More voxels than are counted in a minute.
    """
    solid = load_solid(path)
    low, high = solid.bounds_um
    shape = tuple(int(np.ceil((high[i] - low[i]) / pitch_um[i])) + 2 for i in (1, 0))
    layers = max(round((high[2] - low[2]) / layer_um), 1)
    if shape[0] * shape[1] * layers > MOST_VOXELS:
        raise UsageError(
            f"{path}: {shape[1]} × {shape[0]} pixels of {pitch_um[0]:g} µm in {layers} layers are too many to look for the errors of; "
            "choose a part of it, or a goal of roofs or walls"
        )
    origin = (float(low[0] - pitch_um[0]), float(low[1] - pitch_um[1]))
    grid = Grid(origin_um=origin, pitch_um=pitch_um, shape=(shape[0], shape[1]), z_edges_um=low[2] + layer_um * np.arange(layers + 1))
    packed = [np.packbits(mask.dense(np.uint8) >= LIT) for mask in layer_masks([solid], grid)]
    return _counted(packed, (shape[0], shape[1]))


def _counted(packed: list[np.ndarray], shape: tuple[int, int]) -> PartSurfaces:
    """Count roofs and walls from the top down."""
    n = shape[0] * shape[1]
    cover = np.zeros(shape, np.int32)
    roofs, walls = np.zeros(len(packed) + 1), np.zeros(len(packed) + 1)
    for k in range(len(packed) - 1, -1, -1):
        lit = np.unpackbits(packed[k], count=n).reshape(shape).astype(bool)
        cover = np.where(lit, cover + 1, 0)
        if k:
            hanging = lit & ~np.unpackbits(packed[k - 1], count=n).reshape(shape).astype(bool)
            roofs += np.bincount(cover[hanging], minlength=len(roofs))
        around = np.pad(lit, 1)
        inside = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
        walls += np.bincount(cover[lit & ~inside] - 1, minlength=len(walls))
    return PartSurfaces(_shares(roofs), _shares(walls))


def _shares(counts: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(counts)
    return np.column_stack([at.astype(np.float64), counts[at] / counts.sum()]) if len(at) else np.zeros((0, 2))
