"""Rows of the problem of a layer: which pixels' light a point sees, and how much of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pmsl.core.mask import Window
from pmsl.errors import ExposureError
from pmsl.optics import Gaussian, Psf, Sampled


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
    """The part of a point spread that corrections reckon with: pixels up to `reach` from the point's own.

    Attributes
    ----------
    psf : Gaussian or Sampled
    reach : (int, int)
        Along y and x. Of a Gaussian what lies beyond is more than 4.5 σ away: below 4e-6 of the light.
    """

    psf: Gaussian | Sampled
    reach: tuple[int, int]

    @classmethod
    def of(cls, psf: Psf) -> Spot:
        """Take a spread; raises ExposureError for a Lorentzian, whose tails reach the whole field."""
        if isinstance(psf, Gaussian):
            return cls(psf, tuple(max(1, math.ceil(4.5 * s)) for s in psf.sigma_px))  # type: ignore[arg-type]
        if isinstance(psf, Sampled):
            return cls(psf, psf.reach_px)
        raise ExposureError(
            "corrections take a printer's psf of kind 'gaussian', 'box' or 'sampled'; a 'lorentzian' lights the whole field with its tails"
        )

    @property
    def width(self) -> int:
        """How many pixels a row has."""
        return (2 * self.reach[0] + 1) * (2 * self.reach[1] + 1)

    def rows(self, at_px: np.ndarray, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and numbers of the pixels around points (y, x): (N, J) float64 and (N, J) int32."""
        own = np.floor(at_px).astype(np.int64)
        around = [np.arange(-r, r + 1) for r in self.reach]
        apart = [at_px[:, i, None] - own[:, i, None] - 0.5 - around[i][None, :] for i in (0, 1)]
        if isinstance(self.psf, Gaussian):
            down, across = (self.psf.line(apart[i], i, mean=False) for i in (0, 1))
            weights = down[:, :, None] * across[:, None, :]
        else:
            weights = self.psf.patches(apart[0], apart[1])
        return weights.reshape(len(own), self.width), self._numbers(own, around, pixels)

    def middles(self, row: np.ndarray, col: np.ndarray, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
        """Return the same of the middles of pixels, whose weights are all alike: a row each."""
        weights, _ = self.rows(np.array([[pixels.window.row0 + 0.5 + self.reach[0], pixels.window.col0 + 0.5 + self.reach[1]]]), pixels)
        around = [np.arange(-r, r + 1) for r in self.reach]
        own = np.stack([row, col], axis=1).astype(np.int64)
        return np.repeat(weights, len(own), axis=0), self._numbers(own, around, pixels)

    @staticmethod
    def _numbers(own: np.ndarray, around: list[np.ndarray], pixels: Pixels) -> np.ndarray:
        rows = (own[:, 0] - pixels.window.row0)[:, None] + around[0][None, :]
        cols = (own[:, 1] - pixels.window.col0)[:, None] + around[1][None, :]
        return np.asarray(pixels.slot[rows[:, :, None], cols[:, None, :]].reshape(len(own), len(around[0]) * len(around[1])))
