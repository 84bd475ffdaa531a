"""Where faces will be, also if the resin is not what its profile says: other memory, other Ec, other Dp."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pmsl.correct.law import Law
from pmsl.correct.layer import FaceRows, seen
from pmsl.correct.rows import Pixels, Spot

OFF = 0.1  # of Ec and Dp
CASES = ("enclosed", "open", "ec_low", "ec_high", "dp_low", "dp_high")


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What is predicted of a corrected layer.

    Attributes
    ----------
    wall_misses : (W,) float64
        Dose on the layer's own walls in the middle of the slab, relative to Ec, minus 1.
    walls_px : (W, 2) float64
        (y, x) in pixels of the field.
    narrow : (W,) bool
        Whether another wall is nearer than 3 px, through the solid or through the void.
    faces_px : (F, 2) int64
        (row, col) of the faces in the layer's slab, one pixel or more away from walls.
    face_errors_um : dict of str to (F,) float64 [µm]
        Printed minus designed height: with "enclosed" and "open" memory, and with Ec and Dp 10 % lower and higher than the
        profile's and the profile's memory. Below 0 the face is too low.
    lost : dict of str to (F,) bool
        Whether nothing is left of what is above the face, with "enclosed" and "open" memory.
    """

    wall_misses: np.ndarray
    walls_px: np.ndarray
    narrow: np.ndarray
    faces_px: np.ndarray
    face_errors_um: dict[str, np.ndarray]
    lost: dict[str, np.ndarray]

    @classmethod
    def nothing(cls) -> Prediction:
        """Return the prediction of a layer without surfaces."""
        none = np.zeros((0, 2))
        return cls(
            np.zeros(0),
            none,
            np.zeros(0, bool),
            none.astype(np.int64),
            {c: np.zeros(0) for c in CASES},
            {c: np.zeros(0, bool) for c in CASES[:2]},
        )

    @classmethod
    def of(
        cls, walls: tuple[np.ndarray, np.ndarray, np.ndarray], faces: FaceRows, tracks: Tracks, k: int, dose: np.ndarray, pixels: Pixels
    ) -> Prediction:
        """Take misses, places and narrowness of walls; reckon with the dose (N,) of all light at the middles of `faces`."""
        kept = faces.own & faces.inner
        number = faces.pixel[kept]
        errors, thick = tracks.errors_um(k, number, faces.high[kept], dose[kept])
        lost = {case: errors[case] >= thick for case in CASES[:2]}
        return cls(*walls, np.stack([pixels.row[number], pixels.col[number]], axis=1), errors, lost)


class Tracks:
    """What has to be carried from layer to layer for predictions, besides the dose itself.

    Attributes
    ----------
    number : (F,) int64
        Pixels with a face somewhere in the block, ascending.
    """

    def __init__(self, number: np.ndarray, weights: np.ndarray, index: np.ndarray, law: Law) -> None:
        self.number, self._weights, self._index, self._law = number, weights, index, law
        self._other = [np.zeros(len(number)) for _ in range(2)]
        self._most, self._thick_um, self._above_um = (np.zeros(len(number)) for _ in range(3))

    @classmethod
    def of(cls, number: np.ndarray, spot: Spot, pixels: Pixels, law: Law) -> Tracks:
        """Start above the light side of the block."""
        return cls(number, *spot.middles(pixels.row[number], pixels.col[number], pixels), law)

    def add(self, k: int, own: np.ndarray, base: np.ndarray, lit_above: bool) -> None:
        """Take layer k: its dose at the mirror and its coverage, both (P + 1,)."""
        if len(self.number) == 0:
            return
        law, dose = self._law, seen(self._weights, self._index, own)
        for i, dp in enumerate(self._lengths()):
            self._other[i] = dose + (law.left(k, dp) * self._other[i] if lit_above else 0.0)
        self._most = np.maximum(dose, law.left(k) * self._most if lit_above else 0.0)
        height = law.z_edges_um[k + 1] - law.z_edges_um[k]
        self._above_um = self._thick_um
        self._thick_um = np.where(base[self.number] >= 0.5, self._thick_um + height, 0.0)

    def _lengths(self) -> tuple[float, float]:
        return self._law.dp_um * (1 - OFF), self._law.dp_um * (1 + OFF)

    def errors_um(self, k: int, number: np.ndarray, high: np.ndarray, dose: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return printed minus designed height of faces in slab k in every case, and how thick the solid above each is [µm].

        Notes
        -----
        Below a face nothing is lit, so the dose falls as ``exp(-z / Dp)`` there and the error is ``-Dp ln(D / Ec)`` of the dose at
        the face; where it is under-dosed the same holds upward as long as the layers just above it are dark.
        """
        law = self._law
        at = np.searchsorted(self.number, number)
        depth = law.dp_um * np.log(high / law.ec_mj_cm2)  # of the face below the plane
        with np.errstate(divide="ignore"):
            errors = {
                "enclosed": -law.dp_um * np.log(dose / high),
                "open": -law.dp_um * np.log(self._most[at] / high),
            }
            plan = errors[law.memory]
            errors["ec_low"], errors["ec_high"] = (plan + law.dp_um * math.log(1 + off) for off in (-OFF, OFF))
            for i, (case, dp) in enumerate(zip(("dp_low", "dp_high"), self._lengths(), strict=True)):
                other = self._other[i][at] if law.memory == "enclosed" else self._most[at]
                errors[case] = -dp * np.log(other / law.ec_mj_cm2) + depth
        inside = law.z_edges_um[k + 1] - law.z_edges_um[k]
        solid = self._thick_um[at]
        return errors, np.where(solid > 0, solid - inside, self._above_um[at]) + depth
