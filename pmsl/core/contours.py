"""Contours: closed rings, layer by layer, for those who want vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.errors import GridError


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """Ragged rings; winding > 0 is solid (outer rings counter-clockwise, holes clockwise, overlaps unite).

    Attributes
    ----------
    xy_um : (N, 2) float64
        Points of all rings [µm]; a ring closes by itself, its first point is not repeated.
    ring_start : (R + 1,) int64
        First point of each ring, and N.
    layer_start : (L + 1,) int64
        First ring of each layer, and R.
    z_um : (L,) float64
        Height of each layer's plane [µm].

    Raises
    ------
    GridError
        Offsets that do not fit the arrays.
    """

    xy_um: np.ndarray
    ring_start: np.ndarray
    layer_start: np.ndarray
    z_um: np.ndarray

    def __post_init__(self) -> None:
        n, rings = len(self.xy_um), len(self.ring_start) - 1
        fits = (
            self.xy_um.shape == (n, 2)
            and self.ring_start[0] == 0
            and self.ring_start[-1] == n
            and len(self.layer_start) == len(self.z_um) + 1
            and self.layer_start[0] == 0
            and self.layer_start[-1] == rings
            and (np.diff(self.ring_start) >= 0).all()
            and (np.diff(self.layer_start) >= 0).all()
        )
        if not fits:
            raise GridError(f"contours: offsets do not fit {n} points, {rings} rings and {len(self.z_um)} layers")
        for array in (self.xy_um, self.ring_start, self.layer_start, self.z_um):
            frozen(array)

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return len(self.z_um)

    def rings(self, k: int) -> list[np.ndarray]:
        """Return the rings of layer `k`, each (n, 2) float64 [µm].

        Parameters
        ----------
        k : int
        """
        starts = self.ring_start[self.layer_start[k] : self.layer_start[k + 1] + 1]
        return [self.xy_um[a:b] for a, b in zip(starts[:-1], starts[1:], strict=True)]

    def segments_um(self, k: int) -> np.ndarray:
        """Return the directed edges of layer `k`: (S, 4) float64 [µm], x0, y0, x1, y1.

        Parameters
        ----------
        k : int
        """
        rings = self.rings(k)
        if not rings:
            return np.zeros((0, 4))
        return np.concatenate([np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in rings])


def stacked(layers: Sequence[Sequence[np.ndarray]], z_um: np.ndarray | Sequence[float]) -> Contours:
    """Make contours of the rings of every layer, each (n, 2) float64 [µm], and the heights of their planes [µm]."""
    rings = [ring for layer in layers for ring in layer]
    ring_start = np.cumsum([0, *(len(ring) for ring in rings)]).astype(np.int64)
    layer_start = np.cumsum([0, *(len(layer) for layer in layers)]).astype(np.int64)
    xy = np.concatenate(rings) if rings else np.zeros((0, 2))
    return Contours(xy, ring_start, layer_start, np.array(z_um, np.float64))
