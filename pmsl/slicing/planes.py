"""Part height and process → slab boundaries."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from pmsl.errors import ProfileError
from pmsl.profiles import Process
from pmsl.profiles.process import LayerHeights

MAX_LAYERS = 1_000_000
SLACK = 1e-3  # of a layer: what counts as rounding noise of the file


def z_edges_um(height_um: float, process: Process) -> np.ndarray:
    """Return the slab boundaries of a part of that height, from the plate up.

    Parameters
    ----------
    height_um : float
        Height of the highest point above the plate [µm].
    process : Process
        `layer_um`, or `layers` ([count, um] from the plate up; the last height goes on to the top), and `coverage`. Heights that follow
        the geometry are `pmsl.slicing.layer_heights`.

    Returns
    -------
    (L + 1,) float64
        [µm]; the last slab is the last one of `slabs_lit`, and there is at least one.

    Raises
    ------
    ProfileError
        More than a million layers.
    """
    edges = _edges_beyond(height_um, process)
    return edges[: max(1, slabs_lit(edges, height_um, process.coverage)) + 1]


def slabs_lit(z_edges_um: np.ndarray, height_um: float, coverage: Literal["area", "volume"]) -> int:
    """Count the slabs, from the plate up, that a column of that height lights.

    Parameters
    ----------
    z_edges_um : (L + 1,) float64
        Slab boundaries [µm].
    height_um : float
    coverage : {"area", "volume"}
        Area counts slabs whose middle lies inside the column (its top included: a point at a plane counts as above it, in masks too),
        volume those it enters by more than a thousandth of their height.
    """
    bottoms, heights = z_edges_um[:-1], np.diff(z_edges_um)
    if coverage == "area":
        return int(np.searchsorted(bottoms + 0.5 * heights, height_um, side="right"))  # the very numbers of `Grid.mid_planes_um`
    return int(np.count_nonzero((height_um - bottoms) / heights > SLACK))


def _edges_beyond(height_um: float, process: Process) -> np.ndarray:
    """Return boundaries of slabs that leave no more than noise of the height above them."""
    assert not isinstance(process.layers, LayerHeights), "heights from geometry need the geometry"
    ladder = process.layers or [(1, process.layer_um)]
    edges: list[np.ndarray] = [np.zeros(1)]
    base = 0.0
    for i, (count, step) in enumerate(ladder):
        needed = max(0 if base > 0 else 1, math.ceil((height_um - base) / step - SLACK))
        n = needed if i == len(ladder) - 1 else min(count, needed)
        if n > MAX_LAYERS:
            raise ProfileError(
                f"layers of {step} µm make {n} layers of a part {height_um:.6g} µm high; limit {MAX_LAYERS}; is the unit right? "
                f"Heights are in µm: if mm were meant, write {step * 1000:g}; that of the mesh is --unit"
            )
        edges.append(base + step * np.arange(1, n + 1))
        base = float(edges[-1][-1]) if n else base
    return np.concatenate(edges)
