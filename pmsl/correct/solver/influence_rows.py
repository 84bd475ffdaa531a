"""Rows of the problem of a layer: which pixels' light a point sees, and how much of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pmsl.core.mask import Window
from pmsl.errors import ExposureError
from pmsl.optics import Gaussian, Psf, Sampled

Depth = np.ndarray | float


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """The pixels near surfaces, numbered; all others are black or white in every layer that counts.

    Attributes
    ----------
    window : Window
        Of the field.
    row, col : (P,) int64
        Pixels of the field, in rows upward and columns to the right.
    slot : (window.rows, window.cols) int32
        Number of a pixel; P where it has none or lies outside the field: a pixel without light.
    """

    window: Window
    row: np.ndarray
    col: np.ndarray
    slot: np.ndarray

    @classmethod
    def around(cls, marks: np.ndarray, window: Window, reach: int, shape: tuple[int, int]) -> Pixels:
        """Number the pixels up to `reach` from the marked ones ((window.rows, window.cols) bool) that the field has."""
        near = marks
        for axis in (0, 1):
            wide = near.copy()
            for d in range(1, reach + 1):
                ahead, behind = (slice(d, None), slice(None, -d))
                into, out = ((ahead,), (behind,)) if axis == 0 else ((slice(None), ahead), (slice(None), behind))
                wide[into] |= near[out]
                wide[out] |= near[into]
            near = wide
        row, col = np.nonzero(near)
        row, col = row + window.row0, col + window.col0
        inside = (row >= 0) & (row < shape[0]) & (col >= 0) & (col < shape[1])
        row, col = row[inside], col[inside]
        slot = np.full((window.rows, window.cols), len(row), np.int32)
        slot[row - window.row0, col - window.col0] = np.arange(len(row), dtype=np.int32)
        return cls(window, row, col, slot)

    def number(self, row: np.ndarray, col: np.ndarray) -> np.ndarray:
        """Return the numbers of pixels inside the window."""
        return np.asarray(self.slot[row - self.window.row0, col - self.window.col0])


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """The part of a point spread that corrections reckon with: all pixels that come nearer to a point than `reach_px`.

    Attributes
    ----------
    psf : Gaussian or Sampled
        Those of a kind of their own (`wide_spots`) have others.
    reach_px : (float, float)
        Along y and x; of a Gaussian 4 σ: beyond lie 3e-5 of an edge's light.
    """

    psf: Psf
    reach_px: tuple[float, float]

    @classmethod
    def of(cls, psf: Psf) -> Spot:
        """Take a spread; raises ExposureError for a Lorentzian, whose tails reach the whole field."""
        if isinstance(psf, Gaussian):
            y, x = (4.0 * s for s in psf.sigma_px)
            return cls(psf, (y, x))
        if isinstance(psf, Sampled):
            return cls(psf, (float(psf.reach_px[0]) + 0.5, float(psf.reach_px[1]) + 0.5))
        raise ExposureError(
            "a plain spot is 'gaussian', 'box' or 'sampled'; the tails of a 'lorentzian' light the whole field: use wide_spots.spot_of"
        )

    @property
    def taps(self) -> tuple[int, int]:
        """How many pixels a point anywhere in one sees, along y and x."""
        y, x = (math.ceil(2 * r - 1e-9) + 1 for r in self.reach_px)
        return y, x

    @property
    def reach(self) -> int:
        """How far from its own the pixels lie that rows near a point have: those it sees, and those beside a middle."""
        return max(*(math.ceil(r) for r in self.reach_px), *(n + 1 for n in self.around_middle))

    @property
    def width(self) -> int:
        """How many pixels a row has, of a point anywhere or of a middle."""
        down, across = self.around_middle
        return max(self.taps[0] * self.taps[1], (2 * down + 1) * (2 * across + 1))

    @property
    def around_middle(self) -> tuple[int, int]:
        """How many pixels the middle of one sees on either side."""
        y, x = (max(1, math.ceil(r - 0.5 - 1e-9)) for r in self.reach_px)
        return y, x

    @property
    def lights_all(self) -> bool:
        """Whether light comes from the whole field, so that the layer's own has to be known first."""
        return False

    def views(self, own: np.ndarray, up_um: float) -> np.ndarray:
        """Return what points see of the light of a layer that far above: of a plain spot the same as of their own."""
        return own

    def rows(self, at_px: np.ndarray, pixels: Pixels, depth_um: Depth = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and numbers of the pixels around points (y, x): (N, J) float64 and (N, J) int32.

        `depth_um` of the points below the plane matters to light that scatters.
        """
        first = np.floor(at_px - self.reach_px).astype(np.int64)
        return self._weights(at_px - first - 0.5, self.taps), self._numbers(first, self.taps, pixels)

    def shifted(self, at_px: np.ndarray, by_px: np.ndarray) -> np.ndarray:
        """Return what points a little beside those of `rows` see of the same pixels: (N, J) float64."""
        first = np.floor(at_px - self.reach_px).astype(np.int64)
        return self._weights(at_px + by_px - first - 0.5, self.taps)

    def middles(self, row: np.ndarray, col: np.ndarray, pixels: Pixels, depth_um: Depth = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the same of the middles of pixels, (N, K): the pixel is column K // 2."""
        down, across = self.around_middle
        taps = 2 * down + 1, 2 * across + 1
        first = np.stack([row - down, col - across], axis=1).astype(np.int64)
        weights = self._weights(np.array([[float(down), float(across)]]), taps)
        return np.broadcast_to(weights, (len(first), weights.shape[1])), self._numbers(first, taps, pixels)

    def beside(self) -> np.ndarray:
        """Columns of `middles` that hold the pixel itself and its eight neighbours."""
        down, across = (np.abs(np.arange(-r, r + 1)) <= 1 for r in self.around_middle)
        return np.flatnonzero((down[:, None] & across[None, :]).reshape(-1))

    def _weights(self, from_first_px: np.ndarray, taps: tuple[int, int]) -> np.ndarray:
        if isinstance(self.psf, Gaussian):
            from pmsl.kernels.light import psf_rows

            out = np.empty((len(from_first_px), taps[0] * taps[1]))
            sizes = np.array([self.psf.sigma_px]), np.full(2, self.psf.mirror_px)
            psf_rows.weights(np.ascontiguousarray(from_first_px, np.float64), *taps, *sizes, np.empty(max(taps)), out)
            return out
        assert isinstance(self.psf, Sampled)
        apart = [from_first_px[:, i, None] - np.arange(taps[i])[None, :] for i in (0, 1)]
        return np.asarray(self.psf.patches(apart[0], apart[1]).reshape(len(from_first_px), taps[0] * taps[1]))

    @staticmethod
    def _numbers(first: np.ndarray, taps: tuple[int, int], pixels: Pixels) -> np.ndarray:
        from pmsl.kernels.light import psf_rows

        out = np.empty((len(first), taps[0] * taps[1]), np.int32)
        corner = first - np.array([pixels.window.row0, pixels.window.col0])
        if len(first) and ((corner < 0).any() or (corner + taps > pixels.slot.shape).any()):
            raise IndexError("a point sees pixels outside of the window")
        psf_rows.numbers(pixels.slot, np.ascontiguousarray(corner), *taps, out)
        return out
