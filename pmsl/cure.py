"""Working curve: dose ↔ cured depth (Jacobs; PHYSICS of projection lithography, pure absorption)."""

from __future__ import annotations

import math

from pmsl.errors import ExposureError

MAX_EXPONENT = 300.0  # e^300 Ec is no dose


def cure_depth_um(dose_mj_cm2: float, dp_um: float, ec_mj_cm2: float) -> float:
    """Return the cured depth of one exposure, ``Dp ln(E / Ec)``, 0 below Ec.

    Parameters
    ----------
    dose_mj_cm2 : float
        Dose at the exposure plane [mJ/cm²].
    dp_um : float
        Penetration depth (1/e) [µm].
    ec_mj_cm2 : float
        Critical dose [mJ/cm²].

    Returns
    -------
    float
        Depth [µm].

    Raises
    ------
    ExposureError
        A negative dose, or Dp or Ec not above 0.

    Notes
    -----
    P. Jacobs, Rapid Prototyping & Manufacturing (1992), the working curve.
    """
    _check(dp_um, ec_mj_cm2)
    if dose_mj_cm2 < 0:
        raise ExposureError(f"dose is {dose_mj_cm2} mJ/cm²; it cannot be negative")
    if dose_mj_cm2 <= ec_mj_cm2:
        return 0.0
    return dp_um * math.log(dose_mj_cm2 / ec_mj_cm2)


def dose_for_depth_mj_cm2(depth_um: float, dp_um: float, ec_mj_cm2: float) -> float:
    """Return the dose at the exposure plane that leaves exactly Ec at `depth_um`, ``Ec exp(depth / Dp)`` [mJ/cm²].

    Parameters
    ----------
    depth_um, dp_um : float
        Depth and penetration depth [µm].
    ec_mj_cm2 : float
        Critical dose [mJ/cm²].

    Raises
    ------
    ExposureError
        Dp or Ec not above 0, or a depth of hundreds of Dp.
    """
    _check(dp_um, ec_mj_cm2)
    if depth_um / dp_um > MAX_EXPONENT:
        raise ExposureError(
            f"curing {depth_um:g} µm deep takes exp({depth_um / dp_um:.0f}) times Ec at Dp = {dp_um:g} µm; make the layer thinner"
        )
    return ec_mj_cm2 * math.exp(depth_um / dp_um)


def _check(dp_um: float, ec_mj_cm2: float) -> None:
    if not (dp_um > 0 and ec_mj_cm2 > 0):
        raise ExposureError(f"Dp is {dp_um} µm and Ec {ec_mj_cm2} mJ/cm²; both must be above 0")
