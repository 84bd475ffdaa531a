"""Surfaces that a correction leaves alone: a few of each layer, to be predicted all the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.correct.solver.target_surfaces import FaceFinder, Faces, levels_at

OBSERVED = 32  # faces of a layer
CANDIDATES = 8 * OBSERVED  # that are looked at for them
SLACK = 1e-3  # of a layer: a face so near the plate lies on it

NO_FACES = Faces(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))


def free_faces(finder: FaceFinder, z_edges_um: np.ndarray, low: int, top: int, mask: Callable[[int], LayerMask]) -> Faces:
    """Return the faces of slabs `low` to `top` - 1 with nothing solid below them.

    Such as lie inside other solids, or on the plate, are none. `mask` gives the mask of a layer.
    """
    return _free(_between(finder, z_edges_um, low, top), z_edges_um, mask)


def observed_faces(finder: FaceFinder, z_edges_um: np.ndarray, low: int, top: int, mask: Callable[[int], LayerMask]) -> Faces:
    """Return at most `OBSERVED` of these in every slab, a pixel or more away from walls, spread evenly."""
    found = _between(finder, z_edges_um, low, top)
    slab = np.searchsorted(z_edges_um, found.z_um + _slack_um(z_edges_um), side="right") - 1
    stride = int(found.col.max(initial=0)) + 3
    place = (found.row.astype(np.int64) + 1) * stride + found.col + 1
    chosen = []
    for k in np.unique(slab):
        mine = np.flatnonzero(slab == k)
        near = np.unique(place[(slab >= k - 1) & (slab <= k + 1)])
        some = mine[np.linspace(0, len(mine) - 1, min(len(mine), CANDIDATES)).astype(np.int64)]
        inner = np.ones(len(some), bool)
        for step in (-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1):
            at = np.minimum(np.searchsorted(near, place[some] + step), len(near) - 1)
            inner &= near[at] == place[some] + step
        some = some[inner]
        chosen.append(some[np.linspace(0, len(some) - 1, min(len(some), OBSERVED)).astype(np.int64)])
    at = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    return _free(Faces(found.row[at], found.col[at], found.z_um[at]), z_edges_um, mask)


def _between(finder: FaceFinder, z_edges_um: np.ndarray, low: int, top: int) -> Faces:
    bottom = float(z_edges_um[0]) + _slack_um(z_edges_um)
    return finder.between(max(float(z_edges_um[low]), bottom), float(z_edges_um[top]))


def _slack_um(z_edges_um: np.ndarray) -> float:
    return SLACK * float(z_edges_um[1] - z_edges_um[0])


def _free(found: Faces, z_edges_um: np.ndarray, mask: Callable[[int], LayerMask]) -> Faces:
    """Return the faces with nothing solid in the highest middle plane below them."""
    middles = 0.5 * (z_edges_um[:-1] + z_edges_um[1:])
    below = np.searchsorted(middles, found.z_um - _slack_um(z_edges_um), side="right") - 1
    free = np.ones(len(found.row), bool)
    for k in np.unique(below[below >= 0]):
        mine = below == k
        free[mine] = levels_at(mask(int(k)), found.row[mine], found.col[mine]) < 0.5
    return Faces(found.row[free], found.col[free], found.z_um[free])
