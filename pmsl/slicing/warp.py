"""Contours on the plate → contours in the picture, where optics distort; and offsets, which are lengths on the plate.

Edges are split where they bend, into as many equal pieces as a power of two, until no chord is farther from its curve than
`pmsl.profiles.distortion.field_map.CHORD_PX`; both ends of all edges stay corners, so rings stay closed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pmsl.core.contours import Contours, stacked
from pmsl.profiles.distortion.field_map import FieldMap
from pmsl.slicing.boundary_defects import OffsetLoss
from pmsl.slicing.offset import ContourOffset

MOST_STRETCH = 2.0  # by how much a length may grow from the plate to the picture, more or less: only for what lies near


def warped(contours: Contours, field_map: FieldMap) -> Contours:
    """Return the contours that the picture must have for the plate to get these.

    Parameters
    ----------
    contours : Contours
        On the plate [µm], from the field's lower corner.
    field_map : FieldMap

    Returns
    -------
    Contours
        In the picture: as many rings, their corners and those that splitting made.
    """
    layers = [[field_map.picture_um(_split_ring(ring, field_map)) for ring in contours.rings(k)] for k in range(contours.n_layers)]
    return stacked(layers, contours.z_um)


def _split_ring(ring: np.ndarray, field_map: FieldMap) -> np.ndarray:
    """Return a ring (n, 2) with corners more, where its edges bend."""
    edges, order = split_segments(np.hstack([ring, np.roll(ring, -1, axis=0)]), field_map)
    return edges[np.argsort(order, kind="stable"), :2]


def split_segments(segments_um: np.ndarray, field_map: FieldMap) -> tuple[np.ndarray, np.ndarray]:
    """Split directed edges on the plate where they bend in the picture; an edge and its opposite get the same points.

    Parameters
    ----------
    segments_um : (n, 4) float64
    field_map : FieldMap

    Returns
    -------
    (m, 4) float64, (m,) float64
        Pieces, and where each is: number of its edge, plus where along it the piece begins, from 0 to 1.
    """
    done, places = [], []
    place, size = np.arange(len(segments_um), dtype=np.float64), 1.0
    while len(segments_um):
        a, b = segments_um[:, :2], segments_um[:, 2:]
        long = field_map.bends(a, b)
        done.append(segments_um[~long])
        places.append(place[~long])
        a, b, place, size = a[long], b[long], place[long], 0.5 * size
        middle = 0.5 * (a + b)
        segments_um, place = np.concatenate([np.hstack([a, middle]), np.hstack([middle, b])]), np.concatenate([place, place + size])
    return (np.concatenate(done), np.concatenate(places)) if done else (segments_um, place)


@dataclass(frozen=True, slots=True, eq=False)
class OffsetOnPlate(ContourOffset):
    """Moves contours of the picture by lengths on the plate.

    Attributes
    ----------
    distance_um : (L,) float64
        [µm] on the plate.
    pitch_um : (2,) float64
    field_map : FieldMap
    """

    field_map: FieldMap

    @property
    def reach_px(self) -> tuple[float, float]:
        """How far anything grows at most in the picture: (along y, along x) [px]."""
        most = MOST_STRETCH * max(float(self.distance_um.max(initial=0.0)), 0.0)
        return most / float(self.pitch_um[1]), most / float(self.pitch_um[0])

    def segments(self, k: int, segments_px: np.ndarray) -> tuple[np.ndarray, tuple[OffsetLoss, ...]]:
        """Move the contours of a layer.

        Parameters
        ----------
        k : int
            Layer.
        segments_px : (S, 4) float64
            In the picture, as `ContourOffset.segments`.

        Returns
        -------
        (S', 4) float64, tuple of OffsetLoss
            Edges in the picture [px]; what was lost, in places on the plate [px].

        Raises
        ------
        MeshError
            The contours do not close.
        """
        on_plate = self.field_map.plate_um(segments_px.reshape(-1, 2) * self.pitch_um) / self.pitch_um
        moved, lost = ContourOffset.segments(self, k, on_plate.reshape(-1, 4))
        pieces, _ = split_segments(moved * np.tile(self.pitch_um, 2), self.field_map)
        return np.ascontiguousarray((self.field_map.picture_um(pieces.reshape(-1, 2)) / self.pitch_um).reshape(-1, 4)), lost

    def contours(self, contours: Contours, first: int, origin_um: np.ndarray) -> Contours:
        """Move contours of the picture [µm] of layers `first` and on; `origin_um` is the outer corner of pixel (0, 0)."""
        on_plate = self.field_map.plate_um(contours.xy_um - origin_um) + origin_um
        moved = ContourOffset.contours(self, replace(contours, xy_um=on_plate), first, origin_um)
        back = warped(replace(moved, xy_um=moved.xy_um - origin_um), self.field_map)
        return replace(back, xy_um=back.xy_um + origin_um)
