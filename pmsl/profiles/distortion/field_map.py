"""FieldMap: where a point of the picture lands on the plate, and which point of the picture lands where it is wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from pmsl.profiles.distortion.elementary_maps import ElementaryMap, PolynomialMap, RadialMap, Xy, steps_to_settle

CHORD_PX = 1e-3  # how far the outlines of a warped part may be from where they should be
OF_EDGES = 0.75  # of that for edges of triangles: where edges bend by e, the middle of a triangle is off by 4/3 e at most
MARGIN_PX, OF_FIELD = 32.0, 0.25  # around the picture: the map is followed so far, or so much of the field, and goes on straight beyond
PROBED = (0.25, 0.5, 0.75)  # of an edge: whether it bends there
PER_SIDE = 9  # places along each side of a box
BLOCK = 1 << 13  # points at a time: stays in the cache


@dataclass(frozen=True, slots=True, eq=False)
class FieldMap:
    """A map between the picture and the plate, both in µm from the field's lower corner.

    Attributes
    ----------
    size_um : (float, float)
        Width and height of the field.
    pitch_um : (float, float)
    maps : tuple of ElementaryMap
        One after the other from the picture to the plate.
    low_um, high_um : (2,) float64
        Box on the plate inside which the map is followed; beyond it goes on straight. Infinite where it is straight anyway.
    bend_px : float
        Bound of the second derivatives of the way back [1/px].
    residual_um : float or None
        Root mean square of what a polynomial leaves of measured marks, both axes together.
    """

    size_um: tuple[float, float]
    pitch_um: tuple[float, float]
    maps: tuple[ElementaryMap, ...]
    low_um: np.ndarray = field(default_factory=lambda: np.full(2, -np.inf))
    high_um: np.ndarray = field(default_factory=lambda: np.full(2, np.inf))
    bend_px: float = 0.0
    residual_um: float | None = None

    @property
    def longest_px(self) -> float:
        """No edge that is shorter bends too much, wherever it lies [px]."""
        return math.inf if self.bend_px == 0.0 else min(math.sqrt(8.0 * OF_EDGES * CHORD_PX / self.bend_px), 0.5 * self.margin_px)

    @property
    def margin_px(self) -> float:
        """How far around the picture the map is followed."""
        return min(MARGIN_PX, OF_FIELD * min(um / pitch for um, pitch in zip(self.size_um, self.pitch_um, strict=True)))

    def bends(self, a_um: np.ndarray, b_um: np.ndarray) -> np.ndarray:
        """Tell which edges on the plate must be split, for their chords in the picture to be within `CHORD_PX`.

        Parameters
        ----------
        a_um, b_um : (n, 2) float64
            Their ends [µm], in either order.

        Returns
        -------
        (n,) bool
            Also those longer than `margin_px` that lie partly beyond where the map is followed; none that lie wholly beyond one side.
        """
        pitch = np.array(self.pitch_um)
        squared = _squared((b_um - a_um) / pitch)
        beyond = ((np.maximum(a_um, b_um) < self.low_um) | (np.minimum(a_um, b_um) > self.high_um)).any(axis=1)
        out = (squared > self.longest_px**2) & ~beyond
        asked = np.flatnonzero(out & (squared <= self.margin_px**2))
        a, b = a_um[asked], b_um[asked]
        ends, off = (self.picture_um(a), self.picture_um(b)), np.zeros(len(asked))
        for share in PROBED:
            wanted = self.picture_um((1 - share) * a + share * b)
            of_chord = (wanted - ((1 - share) * ends[0] + share * ends[1])) / pitch
            off = np.maximum(off, _squared(of_chord))
        out[asked] = off > (OF_EDGES * CHORD_PX) ** 2
        return np.asarray(out)

    def plate_um(self, points_um: np.ndarray) -> np.ndarray:
        """Return where points of the picture land: (n, 2) float64 [µm].

        Parameters
        ----------
        points_um : (n, 2) float64
            In the picture; what lies far beyond the field's edge is moved along with it.
        """
        rim = np.maximum(-self.low_um, self.high_um - self.size_um)
        inside = np.clip(points_um, -rim, self.size_um + rim)
        return np.asarray(self.followed(inside) + (points_um - inside))

    def picture_um(self, points_um: np.ndarray) -> np.ndarray:
        """Return which points of the picture land on points of the plate: (n, 2) float64 [µm], the same for equal points to the last bit.

        Parameters
        ----------
        points_um : (n, 2) float64
            On the plate.
        """
        out = np.empty((len(points_um), 2))
        for start in range(0, len(out), BLOCK):
            some = slice(start, start + BLOCK)
            inside = np.clip(points_um[some], self.low_um, self.high_um)
            out[some] = self.followed_back(inside) + (points_um[some] - inside)
        return out

    def landed_box_um(self, box_um: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the box on the plate around what a box ``((x, y, z), (x, y, z))`` [µm] of the picture lands as; heights stay."""
        (x0, y0, *low), (x1, y1, *high) = box_um
        along = np.linspace(0.0, 1.0, PER_SIDE)
        x, y = x0 + along * (x1 - x0), y0 + along * (y1 - y0)
        sides = [(x, np.full(PER_SIDE, y0)), (x, np.full(PER_SIDE, y1)), (np.full(PER_SIDE, x0), y), (np.full(PER_SIDE, x1), y)]
        places = self.plate_um(np.concatenate([np.column_stack(side) for side in sides]))
        return (*places.min(axis=0).tolist(), *low), (*places.max(axis=0).tolist(), *high)

    def area_scale(self, points_um: np.ndarray) -> np.ndarray:
        """Return by how much areas grow at points of the picture (n, 2) [µm]: (n,) float64."""
        x, y = self._units(points_um)
        out = np.ones(len(points_um))
        for each in self.maps:
            out = out * each.area_scale(x, y)
            x, y = each.plate(x, y)
        return out

    def followed(self, points_um: np.ndarray) -> np.ndarray:
        """Return where points of the picture (n, 2) [µm] land by the maps themselves, wherever they are."""
        x, y = self._units(points_um)
        for each in self.maps:
            x, y = each.plate(x, y)
        return self._um(x, y)

    def followed_back(self, points_um: np.ndarray) -> np.ndarray:
        """Return which points of the picture land on points of the plate (n, 2) [µm] by the maps themselves, wherever they are."""
        x, y = self._units(points_um)
        for each in reversed(self.maps):
            x, y = each.picture(x, y)
        return self._um(x, y)

    def settled(self, plate_um: np.ndarray) -> FieldMap:
        """Return the map with as many steps of Newton's method as the way back takes from any of some points; raises `ValueError`."""
        x, y = self._units(plate_um)
        maps: list[ElementaryMap] = []
        for each in reversed(self.maps):
            made = each
            if isinstance(each, (RadialMap, PolynomialMap)):
                made = _with_steps(each, x, y)
            x, y = made.picture(x, y)
            maps.insert(0, made)
        return replace(self, maps=tuple(maps))

    def _units(self, points_um: np.ndarray) -> Xy:
        half = 0.5 * self.size_um[0]
        return (points_um[:, 0] - half) / half, (points_um[:, 1] - 0.5 * self.size_um[1]) / half

    def _um(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        half = 0.5 * self.size_um[0]
        return np.column_stack([x * half + half, y * half + 0.5 * self.size_um[1]])


def _with_steps(each: RadialMap | PolynomialMap, x: np.ndarray, y: np.ndarray) -> RadialMap | PolynomialMap:
    """Return a map with the steps of Newton's method that it takes to go back from some points."""
    steps = steps_to_settle(lambda n: msgspec.structs.replace(each, steps=n).picture(x, y))
    if steps is None:
        raise ValueError("the map has no way back near the field's edge; lower it")
    return msgspec.structs.replace(each, steps=steps)


def _squared(vectors: np.ndarray) -> np.ndarray:
    """Return the squares of the lengths of (n, 2) vectors."""
    return np.asarray(vectors[:, 0] * vectors[:, 0] + vectors[:, 1] * vectors[:, 1])
