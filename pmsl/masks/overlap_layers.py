"""In which layers bodies overlap where no winding above 1 need show it: shells that pass through one another or themselves, or coincide.

Where that takes a look at many triangles it is only taken if one of a few layers shows an overlap. Others may then overlap unseen, by
less than a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pmsl.core.arrays import evenly
from pmsl.core.grid import Grid
from pmsl.mesh.alike import alike
from pmsl.mesh.part import Part
from pmsl.slicing.instances import CopyIndex
from pmsl.slicing.plane_index import CrossingIndex

FEW = 20_000  # triangles near other shells: looking for crossings takes some 20 ms
FEW_OWN = {"area": 2000, "volume": 20_000}  # triangles of a part, looked for within it: 7 ms and 70, of jobs that take as much longer
SAMPLES = 16  # layers
LAYERS_A_SAMPLE = 128
ALL = 2**31

Shows = Callable[[int], bool]  # whether layer k holds cells that are filled twice


def crossing_layers(parts: Sequence[Part], index: CrossingIndex | CopyIndex, grid: Grid, mode: str, shows: Shows) -> np.ndarray:
    """Tell in which layers the union must be made: (L,) bool.

    In volume mode shells are told apart in each slab: there only those count that pass through themselves.
    """
    ranges = [_own(parts, grid, mode, shows)]
    if mode == "area":
        from pmsl.mesh.shells.shared_volume import sharing_heights

        ranges += [_of_shells(parts, grid, shows), sharing_heights(parts, FEW)]
    low, high = np.concatenate(ranges).T
    if mode == "area":
        z = grid.mid_planes_um
        crossing = _any_within(np.searchsorted(z, low), np.searchsorted(z, high, side="right"), len(z))
        crossing |= _of_copies(parts, index, grid)
        return crossing
    edges = grid.z_edges_um
    return _any_within(np.searchsorted(edges, low, side="right") - 1, np.searchsorted(edges, high), len(edges) - 1)


def _of_shells(parts: Sequence[Part], grid: Grid, shows: Shows) -> np.ndarray:
    from pmsl.mesh.shells.shell_overlap import crossing_heights

    ranges = crossing_heights(parts, FEW)
    if ranges is None and any(shows(k) for k in evenly(grid.n_layers, SAMPLES)):
        ranges = crossing_heights(parts, ALL)
    return np.zeros((0, 2)) if ranges is None else ranges


def _own(parts: Sequence[Part], grid: Grid, mode: str, shows: Shows) -> np.ndarray:
    """Find the heights at which parts pass through themselves: (n, 2) float64, ranges of z [µm]."""
    few = FEW_OWN[mode]
    if any(part.solid.n_faces > few for part in parts):
        samples = min(SAMPLES, grid.n_layers // LAYERS_A_SAMPLE + 1)
        few = ALL if any(shows(k) for k in evenly(grid.n_layers, samples)) else few
    small = [part for part in parts if part.solid.n_faces <= few]
    if not small:
        return np.zeros((0, 2))
    from pmsl.mesh.box_tree import heights_of_crossings

    first = [small[i] for i, *_ in alike(small)]  # copies turned and scaled alike: at equal heights
    return np.concatenate([heights_of_crossings(part.corners_um(np.arange(part.solid.n_faces))) for part in first])


def _of_copies(parts: Sequence[Part], index: CrossingIndex | CopyIndex, grid: Grid) -> np.ndarray:
    """Tell in which layers a triangle is there twice: (L,) bool."""
    out = np.zeros(grid.n_layers, bool)
    if len(parts) == 1 and parts[0].solid.results.shells is None:
        return out
    from pmsl.mesh.shells.shell_overlap import may_coincide

    if not may_coincide(parts):
        return out
    for each in [group.index for group in index.groups] if isinstance(index, CopyIndex) else [index]:
        copies = each.copies()
        out |= _any_within(each.first[copies], each.last[copies] + 1, len(out))
    places: set[tuple[int, bytes]] = set()
    for part in parts:
        place = id(part.solid), part.transform.tobytes()
        if place in places:
            low, high = part.bounds_um()[:, 2]
            out |= (grid.mid_planes_um >= low) & (grid.mid_planes_um <= high)
        places.add(place)
    return out


def _any_within(first: np.ndarray, end: np.ndarray, n: int) -> np.ndarray:
    """Tell which of n layers lie in one of the ranges [first, end): (n,) bool."""
    steps = np.zeros(n + 1, np.int64)
    np.add.at(steps, first.clip(0, n), 1)
    np.add.at(steps, end.clip(0, n), -1)
    within: np.ndarray = steps[:-1].cumsum() > 0
    return within
