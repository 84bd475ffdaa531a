"""Point spread functions: the light that one white pixel gives at the exposure plane.

The square of a pixel's mirror is part of it. Two numbers are offered of every spread, both exact integrals:
the *point value* of the irradiance at a place ``offset`` inside the receiving pixel, and the *mean over the receiving
pixel*. Both are relative to a white field: over infinite support the kernels sum to 1 for every offset, except where
mirrors do not fill their pitch: then only the mean does, and the point value sums to what is seen there of the gaps.

Lengths are in pixels, pairs are (along y, along x), like an array's axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import msgspec
import numpy as np

from pmsl.profiles import Printer

Pair: TypeAlias = tuple[float, float]
Curve: TypeAlias = Callable[[np.ndarray], np.ndarray]
REACH_SIGMA = 7.1  # Φ(-7.1) = 6e-13
FEW = 1 << 14  # values: more are worth to load scipy for, which takes as long as to slice a small part
NEAR_PX, MIDDLE_PX = 8, 48  # means: closed form; beyond, 6 × 6 Gauss points; beyond, 2 × 2


class Gaussian(msgspec.Struct, frozen=True):
    """A Gaussian spread of square mirrors; separable.

    ``box(mirror) ⊛ exp(-r² / 2σ²)``. Mirrors that fill their pitch (`mirror_px` = 1) give the plain Gaussian model.

    Attributes
    ----------
    sigma_px : (float, float)
        σ [px].
    mirror_px : float
        Width of the lit square, ``√fill`` [px]; its light is scaled so that a white field has mean 1.

    Notes
    -----
    One axis, point value: ``(Φ((x + w/2)/σ) - Φ((x - w/2)/σ)) / w``; its mean over a pixel uses ``∫Φ = xΦ(x/σ) + σφ(x/σ)``.
    Cut off beyond `reach_px`: less than 1.3e-12 of the light of a pixel per axis.
    """

    sigma_px: Pair
    mirror_px: float = 1.0

    @property
    def reach_px(self) -> tuple[int, int]:
        """How many pixels beyond the lit one are reached, along y and x."""
        y, x = (max(1, math.ceil(REACH_SIGMA * s + 0.5 * self.mirror_px - 0.5)) for s in self.sigma_px)
        return y, x

    def line(self, distance_px: np.ndarray, axis: int, mean: bool) -> np.ndarray:
        """Return one axis' factor of the light at pixels or points `distance_px` away from the middle of the lit pixel.

        Parameters
        ----------
        distance_px : ndarray of float64
        axis : int
            0 along y, 1 along x.
        mean : bool
            Mean over the receiving pixel, or point value.
        """
        sigma = self.sigma_px[axis]
        far = -np.abs(np.asarray(distance_px, dtype=np.float64))  # the side where differences of small numbers are taken
        if not mean:
            return _difference(lambda x: _below(x / sigma), far, self.mirror_px)

        def integral(x: np.ndarray) -> np.ndarray:
            u = x / sigma
            return np.asarray(x * _below(u) + sigma * np.exp(-0.5 * u * u) / math.sqrt(2 * math.pi))

        return _difference(integral, far, self.mirror_px, 1.0)


class Lorentzian(msgspec.Struct, frozen=True):
    """A heavy-tailed spread of mirrors that fill their pitch: ``γ / 2π (r² + γ²)^(3/2)``; not separable.

    Its line spread is the Lorentzian ``γ / π(x² + γ²)``, so a straight edge is seen as ``½ + atan(x/γ)/π``.

    Attributes
    ----------
    gamma_px : (float, float)
        Half width at half maximum of the line spread [px].

    Notes
    -----
    The integral over a rectangle has the closed form ``F = atan(xy / γR) / 2π``, ``R² = x² + y² + γ²``, taken at its corners;
    its mean over a pixel uses ``∬F = (xyA + γx asinh(x/√(y²+γ²)) + γy asinh(y/√(x²+γ²)) - γR) / 2π`` with ``A = 2πF`` within
    8 px and Gauss points beyond, where differences of large numbers would lose the tail. The reach has no end: kernels
    hold every pixel of the field, and nothing is cut off but what falls outside of it.
    """

    gamma_px: Pair

    def kernel(self, y_px: np.ndarray, x_px: np.ndarray, mean: bool) -> np.ndarray:
        """Return the light at all pairs of distances: (Y, X) float64.

        Parameters
        ----------
        y_px : (Y,) float64
        x_px : (X,) float64
            Distance of the receiving pixel's middle (or of the point) from the middle of the lit pixel.
        mean : bool
            Mean over the receiving pixel, or point value.
        """
        if not mean:
            return self._at(y_px, x_px)
        (y, to_y), (x, to_x) = (np.unique(np.abs(d), return_inverse=True) for d in (y_px, x_px))  # a quarter holds all
        out = self._gauss_means(y, x, 2)
        for within, means in ((MIDDLE_PX, self._gauss_means), (NEAR_PX, self._near_means)):
            rows, cols = np.searchsorted(y, within, side="right"), np.searchsorted(x, within, side="right")
            out[:rows, :cols] = means(y[:rows], x[:cols])
        return np.asarray(out[np.ix_(to_y, to_x)])

    def patches(self, y_px: np.ndarray, x_px: np.ndarray) -> np.ndarray:
        """Return point values around many points: distances (N, A) and (N, B) → (N, A, B) float64.

        Parameters
        ----------
        y_px : (N, A) float64
            Distances along y of A rows from each of N points [px].
        x_px : (N, B) float64
            Distances along x of B columns from each of them [px].
        """
        return self._at(y_px, x_px)

    def _gauss_means(self, y_px: np.ndarray, x_px: np.ndarray, points: int = 6) -> np.ndarray:
        """Means over the receiving pixel from point values at Gauss points."""
        nodes, weights = np.polynomial.legendre.leggauss(points)
        out = np.zeros((len(y_px), len(x_px)))
        for v, wv in zip(0.5 * nodes, 0.5 * weights, strict=True):
            for u, wu in zip(0.5 * nodes, 0.5 * weights, strict=True):
                out += wv * wu * self._at(y_px + v, x_px + u)
        return out

    def _at(self, y_px: np.ndarray, x_px: np.ndarray) -> np.ndarray:
        """Point values: the corner integral's difference over the mirror."""
        gy, gx = self.gamma_px
        y, x = np.abs(y_px)[..., :, None] / gy, np.abs(x_px)[..., None, :] / gx

        def corner(y: np.ndarray, x: np.ndarray) -> np.ndarray:
            return np.asarray(np.arctan2(y * x, np.sqrt(1 + y * y + x * x)) / (2 * math.pi))

        return _difference_2d(corner, y, x, 1 / gy, 1 / gx) / (gy * gx)

    def _near_means(self, y_px: np.ndarray, x_px: np.ndarray) -> np.ndarray:
        gy, gx = self.gamma_px
        y, x = np.abs(y_px)[:, None] / gy, np.abs(x_px)[None, :] / gx

        def corner(y: np.ndarray, x: np.ndarray) -> np.ndarray:
            root = np.sqrt(1 + y * y + x * x)
            tails = x * np.arcsinh(x / np.sqrt(1 + y * y)) + y * np.arcsinh(y / np.sqrt(1 + x * x))
            return np.asarray((y * x * np.arctan2(y * x, root) + tails - root) / (2 * math.pi))

        def point(y: np.ndarray, x: np.ndarray) -> np.ndarray:
            return _difference_2d(corner, y, x, 1 / gy, 1 / gx)

        return _difference_2d(point, y, x, 1 / gy, 1 / gx) / (gy * gx)


class Sampled(msgspec.Struct, frozen=True, eq=False):
    """A measured spread of mirrors that fill their pitch; not separable, exact: constant over each cell of its lattice.

    Attributes
    ----------
    samples : (odd, odd) float64
        Light of the cells, rows toward +y, columns toward +x, the middle one on the axis; sums to 1.
    step_px : (float, float)
        Size of a cell [px].

    Notes
    -----
    Nothing is cut off; outside its samples the spread is 0.
    """

    samples: np.ndarray
    step_px: Pair

    @property
    def reach_px(self) -> tuple[int, int]:
        """How many pixels beyond the lit one are reached, along y and x."""
        y, x = (math.ceil(0.5 * n * step + 0.5) for n, step in zip(self.samples.shape, self.step_px, strict=True))
        return y, x

    def kernel(self, y_px: np.ndarray, x_px: np.ndarray, mean: bool) -> np.ndarray:
        """Return the light at all pairs of distances: (Y, X) float64; parameters as in `Lorentzian.kernel`.

        Parameters
        ----------
        y_px, x_px : (Y,), (X,) float64
            Distances along y and along x [px].
        mean : bool
            As in `Lorentzian.kernel`.
        """
        shares = [self._shares(d, axis, mean) for axis, d in enumerate((y_px, x_px))]
        return np.asarray(shares[0] @ self.samples @ shares[1].T)

    def patches(self, y_px: np.ndarray, x_px: np.ndarray) -> np.ndarray:
        """Return point values around many points: distances (N, A) and (N, B) → (N, A, B) float64.

        Parameters
        ----------
        y_px : (N, A) float64
            Distances along y of A rows from each of N points [px].
        x_px : (N, B) float64
            Distances along x of B columns from each of them [px].
        """
        down, across = (self._shares(d, axis, False) for axis, d in enumerate((y_px, x_px)))
        return np.asarray(down @ self.samples @ across.swapaxes(-1, -2))

    def _shares(self, distance_px: np.ndarray, axis: int, mean: bool) -> np.ndarray:
        """(…, D, S): how much of cell s's light, spread by the mirror's box, is at distance d."""
        n, step = self.samples.shape[axis], self.step_px[axis]
        cells = (np.arange(n) - n // 2) * step
        apart = np.asarray(distance_px)[..., None] - cells
        widths = (1.0, step, 1.0) if mean else (1.0, step)
        power = len(widths)

        def ramp(x: np.ndarray) -> np.ndarray:
            return np.asarray(np.maximum(x, 0.0) ** (power - 1) / math.factorial(power - 1))

        return np.asarray(np.maximum(_difference(ramp, -np.abs(apart), *widths), 0.0))


Psf: TypeAlias = Gaussian | Lorentzian | Sampled


def _below(x: np.ndarray) -> np.ndarray:
    """Return Φ(x), the share of a normal distribution below x, to the last bits also in the lower tail."""
    if x.size > FEW:
        from scipy.special import ndtr

        return np.asarray(ndtr(x))
    return np.array([0.5 * math.erfc(-v * math.sqrt(0.5)) for v in x.reshape(-1).tolist()]).reshape(x.shape)


def psf_of(printer: Printer) -> Psf:
    """Return the point spread function of a printer, in pixels of its pitch.

    Parameters
    ----------
    printer : Printer

    Returns
    -------
    Psf
    """
    of = printer.optics.psf
    y, x = of.length_px(printer.optics.pitch_um.value)
    if of.kind == "lorentzian":
        return Lorentzian((y, x))
    if of.samples is not None:
        samples = np.array(of.samples.value, dtype=np.float64)
        return Sampled(samples / samples.sum(), (y, x))
    return Gaussian((y, x), 1.0 if of.fill is None else math.sqrt(of.fill.value))


def _difference(curve: Curve, x: np.ndarray, *widths: float) -> np.ndarray:
    """Apply ``(f(x + w/2) - f(x - w/2)) / w`` for one width after the other."""
    if not widths:
        return np.asarray(curve(x))
    w, rest = widths[0], widths[1:]
    return np.asarray((_difference(curve, x + 0.5 * w, *rest) - _difference(curve, x - 0.5 * w, *rest)) / w)


def _difference_2d(
    corner: Callable[[np.ndarray, np.ndarray], np.ndarray], y: np.ndarray, x: np.ndarray, wy: float, wx: float
) -> np.ndarray:
    """Return the four-corner difference over a rectangle wy × wx, divided by its area."""
    low_y, high_y, low_x, high_x = y - 0.5 * wy, y + 0.5 * wy, x - 0.5 * wx, x + 0.5 * wx
    return np.asarray(((corner(high_y, high_x) - corner(high_y, low_x)) - (corner(low_y, high_x) - corner(low_y, low_x))) / (wy * wx))
