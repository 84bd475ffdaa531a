"""How light falls with depth: a sum of exponentials."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pmsl.errors import ExposureError

WEIGHT_SLACK = 1e-9


class Decay(msgspec.Struct, frozen=True):
    """Fraction of the dose at the exposure plane that is left at a depth, ``A(z) = Σ a_i exp(-z / b_i)``.

    Attributes
    ----------
    weights : tuple of float
        a_i, each above 0; they add up to 1.
    lengths_um : tuple of float
        b_i [µm], each above 0; ``math.inf`` is a constant tail.

    Raises
    ------
    ExposureError
        Weights or lengths that are not above 0, not as many of one as of the other, or weights that do not add up to 1.

    Notes
    -----
    One term is the law of Beer and Lambert. Two terms, or one and a tail, fit LEDs whose spectrum the absorber does not cover.
    """

    weights: tuple[float, ...]
    lengths_um: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.lengths_um) or not self.weights:
            raise ExposureError(
                f"decay: {len(self.weights)} weights and {len(self.lengths_um)} lengths; give as many of one as of the other"
            )
        for weight, length in zip(self.weights, self.lengths_um, strict=True):
            if not (weight > 0 and length > 0):
                raise ExposureError(f"decay: a term of weight {weight} and length {length} µm; both must be above 0")
        if not abs(math.fsum(self.weights) - 1) <= WEIGHT_SLACK:
            raise ExposureError(f"decay: the weights add up to {math.fsum(self.weights)!r}; they must add up to 1")

    @classmethod
    def single(cls, dp_um: float) -> Decay:
        """Return pure absorption with penetration depth Dp [µm]; raises `ExposureError` where Dp is not above 0.

        Parameters
        ----------
        dp_um : float
            Above 0 [µm].
        """
        if not 0 < dp_um < math.inf:
            raise ExposureError(f"Dp is {dp_um} µm; it must be above 0 and finite")
        return cls((1.0,), (dp_um,))

    @property
    def tail(self) -> float:
        """Weight of the constant tail: the fraction of light that reaches any depth."""
        return math.fsum(a for a, b in zip(self.weights, self.lengths_um, strict=True) if b == math.inf)

    @property
    def longest_um(self) -> float:
        """Longest finite decay length [µm]; 0 where all is tail."""
        return max((b for b in self.lengths_um if b < math.inf), default=0.0)

    def factors(self, depth_um: float) -> np.ndarray:
        """Return ``exp(-z / b_i)`` of every term: (terms,) float64.

        Parameters
        ----------
        depth_um : float
            Below the exposure plane [µm].
        """
        return np.exp(-depth_um / np.array(self.lengths_um))

    def fraction(self, depth_um: float) -> float:
        """Return A(z): the fraction of the dose that is left `depth_um` below the exposure plane.

        Parameters
        ----------
        depth_um : float
            [µm].
        """
        return float(np.array(self.weights) @ self.factors(depth_um))
