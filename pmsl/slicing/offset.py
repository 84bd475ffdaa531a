"""Contours moved outward or inward by a distance, round at the corners that move away: a Minkowski sum or its opposite.

Every edge of a contour sweeps a strip, every corner that opens a sector of a circle. Their outlines, added as chains to the contour, are
one raw curve a ring, and what winds around a point more than 0 times is the moved area: the union of contour, strips and sectors, or,
inward, the contour less all of them. So parts that grow into each other unite and walls that are too thin vanish, whatever crosses what.
Corners that close are cut short where their two edges meet, which takes nothing away but loops. (A library's buffer leaves out bends
shallower than a hundredth of the distance first: that is a hundredth of a pixel and more.)

Arcs are chords with their ends on the circle, so many that none is further inside it than `ARC_PX`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pmsl.core.contours import Contours, stacked
from pmsl.errors import MeshError
from pmsl.slicing.boundary_defects import OffsetLoss
from pmsl.slicing.contours import link
from pmsl.slicing.offset_losses import closed_gaps, vanished_walls
from pmsl.slicing.polygons import oriented_rings, region

ARC_PX = 5e-4  # how far a chord may lie inside its circle
GRID_PX = 2.0**-20  # points are put on a lattice: what touches within rounding touches


@dataclass(frozen=True, slots=True, eq=False)
class ContourOffset:
    """How far the contours of each layer are moved.

    Attributes
    ----------
    distance_um : (L,) float64
        [µm]; positive grows the part: outlines move outward, holes shrink.
    pitch_um : (2,) float64
        Of the pixels (x, y).
    """

    distance_um: np.ndarray
    pitch_um: np.ndarray

    def moves(self, k: int) -> bool:
        """Tell whether the contours of layer k are moved at all."""
        return bool(self.distance_um[k] != 0)

    @property
    def reach_px(self) -> tuple[float, float]:
        """How far anything grows at most: (along y, along x) [px]."""
        most = max(float(self.distance_um.max(initial=0.0)), 0.0)
        return most / float(self.pitch_um[1]), most / float(self.pitch_um[0])

    def grown(self) -> ContourOffset:
        """Return the same offset where it grows the part, none where it shrinks it."""
        return replace(self, distance_um=np.maximum(self.distance_um, 0.0))

    def segments(self, k: int, segments_px: np.ndarray) -> tuple[np.ndarray, tuple[OffsetLoss, ...]]:
        """Move the contours of a layer.

        Parameters
        ----------
        k : int
            Layer.
        segments_px : (S, 4) float64
            Directed edges [px], solid on the left, in any order; rings may cross and overlap.

        Returns
        -------
        (S', 4) float64, tuple of OffsetLoss
            Edges of the moved contours [px], which do not cross; walls that vanished and gaps that closed, in places of the grid [px].

        Raises
        ------
        MeshError
            The contours do not close.

        Notes
        -----
        Coordinates are taken relative to a pixel corner near the contours and to a lattice of 2**-20 px, so that whole-pixel moves of a
        part give the same result, moved.
        """
        rings, lost = self._moved(k, segments_px)
        return np.concatenate([np.hstack([r, np.roll(r, -1, axis=0)]) for r in rings]) if rings else np.zeros((0, 4)), lost

    def _moved(self, k: int, segments_px: np.ndarray) -> tuple[list[np.ndarray], tuple[OffsetLoss, ...]]:
        """Return the moved rings of a layer, each (n, 2) float64 [px], and what was lost."""
        if len(segments_px) == 0:
            return [], ()
        corner = np.floor(segments_px.reshape(-1, 2).min(axis=0))
        points = np.round((segments_px.reshape(-1, 2) - corner) / GRID_PX) + 0.0  # no negative zeros
        _check_closed(points, corner, k)
        local = points * GRID_PX * self.pitch_um
        pitch, distance = float(self.pitch_um.min()), float(self.distance_um[k])
        solid = region(link(local.reshape(-1, 4), k), GRID_PX * pitch)
        moved = offset_polygon(solid, distance, ARC_PX * pitch, GRID_PX * pitch)
        find = closed_gaps if distance > 0 else vanished_walls
        lost = tuple(place.at(corner) for place in find(solid, moved, abs(distance), self.pitch_um))
        return [ring / self.pitch_um + corner for ring in oriented_rings(moved)], lost

    def contours(self, contours: Contours, first: int, origin_um: np.ndarray) -> Contours:
        """Move contours [µm] of layers `first` and on; `origin_um` is the outer corner of pixel (0, 0)."""
        layers = []
        for k in range(contours.n_layers):
            if not self.moves(first + k):
                layers.append(contours.rings(k))
                continue
            edges = (contours.segments_um(k).reshape(-1, 2) - origin_um) / self.pitch_um
            layers.append([r * self.pitch_um + origin_um for r in self._moved(first + k, edges.reshape(-1, 4))[0]])
        return stacked(layers, contours.z_um)


def offset_polygon(solid: Any, distance: float, arc: float, lattice: float = 0.0) -> Any:
    """Move the outline of an area.

    Parameters
    ----------
    solid : shapely.MultiPolygon
        Valid; any unit of length.
    distance : float
        Positive grows it.
    arc : float
        How far the chords of arcs may lie inside their circles.
    lattice : float
        Points are put on multiples of it; 0 leaves them.

    Returns
    -------
    shapely.MultiPolygon
    """
    if distance == 0 or solid.is_empty:
        return solid
    return region([_raw_curve(ring, distance, arc) for ring in oriented_rings(solid)], lattice, positive=True)


def _raw_curve(ring: np.ndarray, distance: float, arc: float) -> np.ndarray:
    """Return the raw offset curve of a ring with solid on its left, (m, 2), the first point not repeated."""
    edge = np.roll(ring, -1, axis=0) - ring
    length = np.hypot(edge[:, 0], edge[:, 1])
    along = edge / length[:, None]
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)  # outward
    before = np.roll(normal, 1, axis=0)
    turn = np.arctan2(before[:, 0] * normal[:, 1] - before[:, 1] * normal[:, 0], (before * normal).sum(axis=1))
    opens = turn * distance > 0
    short = np.abs(distance * np.tan(np.abs(turn) / 2)) <= 0.5 * np.minimum(length, np.roll(length, 1))
    most = 2 * math.acos(max(1 - arc / abs(distance), 0.0))  # angle of a chord
    count = np.where(opens, np.ceil(np.abs(turn) / most), 1).astype(int)
    out = []
    for i in range(len(ring)):
        if opens[i]:
            angle = math.atan2(before[i, 1], before[i, 0]) + turn[i] * np.linspace(0, 1, count[i] + 1)
            sector = np.stack([np.cos(angle), np.sin(angle)], axis=1)
            sector[0], sector[-1] = before[i], normal[i]
            out.append(ring[i] + distance * sector)
        elif short[i]:
            out.append((ring[i] + distance * (before[i] + normal[i]) / (1 + before[i] @ normal[i]))[None])
        else:  # through the corner itself: its two strips overlap there
            out.append(ring[i] + distance * np.stack([before[i], np.zeros(2), normal[i]]))
    return np.concatenate(out)


def _check_closed(points: np.ndarray, corner_px: np.ndarray, k: int) -> None:
    """Refuse contours that do not close: of edges' ends (S, 2, 2) on the lattice, every point is a start as often as an end."""
    found, which = np.unique(points.reshape(-1, 2), axis=0, return_inverse=True)
    balance = np.bincount(which.reshape(-1, 2)[:, 0], minlength=len(found)) - np.bincount(which.reshape(-1, 2)[:, 1], minlength=len(found))
    if balance.any():
        x, y = found[np.argmax(balance != 0)] * GRID_PX + corner_px
        raise MeshError(
            f"layer {k}: the boundary ends at pixel ({x:.3f}, {y:.3f}); the mesh is open there, and an xy offset moves contours, "
            "which must close: repair the mesh (--repair auto), or take the offset out"
        )
