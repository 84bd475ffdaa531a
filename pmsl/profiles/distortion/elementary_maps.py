"""The maps that a distortion is made of, from the picture to the plate and back, in units of half the field's width from its middle.

Only sums, products and quotients, and as many steps of Newton's method for every point: equal points stay equal to the last bit,
whatever stands beside them in an array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec
import numpy as np

Xy = tuple[np.ndarray, np.ndarray]
SETTLED = 1e-15  # of half the field, or of a place beyond: Newton's method is done
MOST_STEPS = 40


class ElementaryMap(Protocol):
    """A map of the plane."""

    def plate(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return where points of the picture land."""

    def picture(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return which points of the picture land on points of the plate."""

    def area_scale(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much areas grow at points of the picture; 0 or less where the map folds."""


class LinearMap(msgspec.Struct, frozen=True):
    """Scale along x and y, and skew."""

    along_x: float
    along_y: float
    skew: float

    def plate(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return where points of the picture land."""
        return self.along_x * x + self.skew * y, self.along_y * y

    def picture(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return which points of the picture land on points of the plate."""
        back = y / self.along_y
        return (x - self.skew * back) / self.along_x, back

    def area_scale(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much areas grow."""
        return np.full(np.shape(x), self.along_x * self.along_y)


class KeystoneMap(msgspec.Struct, frozen=True):
    """A homography; `aspect` is the field's height over its width."""

    h: tuple[float, ...]
    aspect: float

    def plate(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return where points of the picture land."""
        return self._of(self._matrix, x, y)

    def picture(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return which points of the picture land on points of the plate."""
        a, b, c, d, e, f, g, h, i = self._matrix
        adjugate = (e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h)
        return self._of((*adjugate, a * e - b * d), x, y)

    def area_scale(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much areas grow; below 0 also beyond the horizon."""
        a, b, c, d, e, f, g, h, i = self._matrix
        size = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
        w = g * x + h * (y / self.aspect) + i
        return np.asarray(size / (w * w * w))

    @property
    def _matrix(self) -> tuple[float, ...]:
        return (*self.h, 1.0)

    def _of(self, m: tuple[float, ...], x: np.ndarray, y: np.ndarray) -> Xy:
        y = y / self.aspect
        w = m[6] * x + m[7] * y + m[8]
        return (m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w * self.aspect


class RadialMap(msgspec.Struct, frozen=True):
    """Farther from a center, or nearer to it, by ``1 + k1 r² + k2 r⁴``; `steps` of Newton's method find the way back."""

    k1: float
    k2: float
    center: tuple[float, float]
    steps: int = MOST_STEPS

    def plate(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return where points of the picture land."""
        x, y = x - self.center[0], y - self.center[1]
        q = x * x + y * y
        s = 1.0 + q * (self.k1 + self.k2 * q)
        return x * s + self.center[0], y * s + self.center[1]

    def picture(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return which points of the picture land on points of the plate."""
        x, y = x - self.center[0], y - self.center[1]
        q = x * x + y * y
        a, b = self.k1 * q, self.k2 * q * q
        s = np.ones_like(q)  # s (1 + a s² + b s⁴) = 1: the point is s times as far from the center
        for _ in range(self.steps):
            t = s * s
            s = s - (s * (1.0 + t * (a + b * t)) - 1.0) / (1.0 + t * (3.0 * a + 5.0 * b * t))
        return x * s + self.center[0], y * s + self.center[1]

    def area_scale(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much areas grow; 0 or less also where radii do not."""
        x, y = x - self.center[0], y - self.center[1]
        q = x * x + y * y
        around, outward = 1.0 + q * (self.k1 + self.k2 * q), 1.0 + q * (3.0 * self.k1 + 5.0 * self.k2 * q)
        return np.asarray(np.where(around > 0, around * outward, around))


class PolynomialMap(msgspec.Struct, frozen=True):
    """Displacements along x and y as polynomials: coefficients of ``x^i y^j`` in the order of `powers`."""

    degree: int
    dx: np.ndarray
    dy: np.ndarray
    steps: int = MOST_STEPS

    def plate(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return where points of the picture land."""
        dx, dy = np.zeros_like(x), np.zeros_like(x)
        for cx, cy, term in zip(self.dx, self.dy, terms(x, y, self.degree), strict=True):
            dx, dy = dx + cx * term, dy + cy * term
        return x + dx, y + dy

    def picture(self, x: np.ndarray, y: np.ndarray) -> Xy:
        """Return which points of the picture land on points of the plate."""
        u, v = x, y
        for _ in range(self.steps):
            to_x, to_y = self.plate(u, v)
            xx, xy, yx, yy = self._slopes(u, v)
            size = xx * yy - xy * yx
            off_x, off_y = to_x - x, to_y - y
            u, v = u - (yy * off_x - xy * off_y) / size, v - (xx * off_y - yx * off_x) / size
        return u, v

    def area_scale(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return by how much areas grow."""
        xx, xy, yx, yy = self._slopes(x, y)
        return np.asarray(xx * yy - xy * yx)

    def _slopes(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the derivatives of x' along x and y, and of y'."""
        one = np.ones_like(x)
        out = [one, np.zeros_like(x), np.zeros_like(x), one]
        of = dict(zip(powers(self.degree), terms(x, y, self.degree), strict=True))
        for (i, j), cx, cy in zip(powers(self.degree), self.dx, self.dy, strict=True):
            if i:
                out[0], out[2] = out[0] + cx * i * of[i - 1, j], out[2] + cy * i * of[i - 1, j]
            if j:
                out[1], out[3] = out[1] + cx * j * of[i, j - 1], out[3] + cy * j * of[i, j - 1]
        return out[0], out[1], out[2], out[3]


def powers(degree: int) -> list[tuple[int, int]]:
    """Return the exponents (of x, of y) of all terms up to a degree."""
    return [(n - j, j) for n in range(degree + 1) for j in range(n + 1)]


def terms(x: np.ndarray, y: np.ndarray, degree: int) -> list[np.ndarray]:
    """Return ``x^i y^j`` of all `powers`, made by products alone."""
    of_x, of_y = [np.ones_like(x)], [np.ones_like(x)]
    for _ in range(degree):
        of_x.append(of_x[-1] * x)
        of_y.append(of_y[-1] * y)
    return [of_x[i] * of_y[j] for i, j in powers(degree)]


def steps_to_settle(back: Callable[[int], Xy]) -> int | None:
    """Return how many steps of Newton's method bring points to where they stay, and one more; None where they do not settle.

    Parameters
    ----------
    back : callable
        Gives, after so many steps, the points of the picture.
    """
    with np.errstate(all="ignore"):
        before = back(1)
        for n in range(2, MOST_STEPS):
            after = back(n)
            moved = max(float((np.abs(a - b) / np.maximum(np.abs(a), 1.0)).max()) for a, b in zip(after, before, strict=True))
            if moved <= SETTLED:
                return n
            before = after
    return None
