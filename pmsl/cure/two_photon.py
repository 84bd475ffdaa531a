"""Two-photon curing: dose by a power of intensity, the window between threshold and burning, the ellipsoid that one voxel cures.

With n photons absorbed at once the rate goes as the n-th power of intensity, so the dose a moving focus leaves in a point is
proportional to ``P^n / v`` (average power, scan speed), n = 2 or as measured. It stands here in units of the threshold dose,
``X = (P / P_th)^n (v_th / v)``: what has X ≥ 1 cures (threshold model: S. Maruo, O. Nakamura, S. Kawata, Opt. Lett. 22, 132 (1997);
J. Serbin et al., Opt. Lett. 28, 301 (2003)). The focus is taken as the ellipsoidal Gaussian ``I = I0 exp(-2 (r² / w_xy² + z² / w_z²))``
that is fitted to objectives of high aperture (W. R. Zipfel, R. M. Williams, W. W. Webb, Nat. Biotechnol. 21, 1369 (2003)), so that
``X exp(-2n (r² / w_xy² + z² / w_z²)) = 1`` is an ellipsoid: ``d = 2 w_xy sqrt(ln X / 2n)`` wide, ``l = 2 w_z sqrt(ln X / 2n)`` high.
For n = 2 that is Serbin's ``d = w sqrt(ln X)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

FULL = 65535  # of a mask: a voxel that is covered entirely


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPhotonResponse:
    """What a resin answers to power, at one scan speed.

    Attributes
    ----------
    threshold_mw : float
        Least average power that cures, at `speed_um_s`.
    burn_mw : float
        Power that burns, at `speed_um_s`.
    exponent : float
        n of the dose.
    """

    threshold_mw: float
    burn_mw: float
    exponent: float

    @classmethod
    def at_speed(cls, threshold_mw: float, burn_mw: float, exponent: float, measured_um_s: float, speed_um_s: float) -> TwoPhotonResponse:
        """Return the response at another speed than the powers were measured at: at equal dose, ``P ∝ v^(1/n)``.

        Parameters
        ----------
        threshold_mw, burn_mw : float
            Measured at `measured_um_s` [µm/s].
        exponent : float
        measured_um_s, speed_um_s : float
        """
        gain = (speed_um_s / measured_um_s) ** (1.0 / exponent)
        return cls(threshold_mw=threshold_mw * gain, burn_mw=burn_mw * gain, exponent=exponent)

    def dose(self, power_mw: float) -> float:
        """Return the dose on the axis of a line, in units of the threshold dose."""
        return float((power_mw / self.threshold_mw) ** self.exponent)

    def power_mw(self, dose: float) -> float:
        """Return the power that gives a dose in units of the threshold dose [mW]: its n-th root."""
        return float(self.threshold_mw * dose ** (1.0 / self.exponent))

    def scaled_mw(self, power_mw: float, factor: float) -> float:
        """Return the power whose dose is `factor` times that of `power_mw` [mW]; itself, bit for bit, for a factor of 1."""
        return power_mw if factor == 1.0 else float(power_mw * factor ** (1.0 / self.exponent))

    def voxel_um(self, power_mw: float, spot_um: tuple[float, float]) -> tuple[float, float]:
        """Return width and height of the ellipsoid that a power cures [µm]; 0 at the threshold and below.

        Parameters
        ----------
        power_mw : float
        spot_um : (float, float)
            1/e² radius of the intensity across and along the beam.
        """
        grown = 2.0 * math.sqrt(max(math.log(self.dose(power_mw)), 0.0) / (2.0 * self.exponent)) if power_mw > 0 else 0.0
        return grown * spot_um[0], grown * spot_um[1]

    def shares_of_power(self) -> np.ndarray:
        """Return the share of full power that each coverage asks for: (65536,) float64.

        A voxel covered by the share c gets the share c of the dose, so the share ``c^(1/n)`` of the power.
        """
        return np.asarray((np.arange(FULL + 1) / FULL) ** (1.0 / self.exponent))

    def first_cured(self, power_mw: float) -> int:
        """Return the least coverage (of 65535) that cures in voxels of which full ones get `power_mw`; 65536 where none does."""
        powers = self.shares_of_power() * power_mw
        return int(np.searchsorted(powers, self.threshold_mw * (1.0 - 1e-12)))


def base_factor(factors: tuple[tuple[float, float], ...], height_um: float) -> float:
    """Return the factor of the dose at a height over the substrate: linear between the given heights, the first and last go on."""
    if not factors:
        return 1.0
    heights, values = zip(*factors, strict=True)
    return float(np.interp(height_um, heights, values))
