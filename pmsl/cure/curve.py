"""Working curve: dose ↔ cured depth (Jacobs; PHYSICS of projection lithography, pure absorption)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pmsl.errors import ExposureError

MAX_EXPONENT = 300.0  # e^300 Ec is no dose
MARGIN_FACTOR = 1.5  # white dose at a layer's far face, in Ec, where a process gives no margin, or nobody says the dose


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


def effective_dose_mj_cm2(events_mj_cm2: Iterable[float], induction_mj_cm2: float) -> float:
    """Return what exposure events at one point add up to when each pays the induction dose, ``Σ max(0, E_e - E_ind)``.

    Parameters
    ----------
    events_mj_cm2 : iterable of float
        Dose of every event at that point [mJ/cm²], with time between them for oxygen to come back.
    induction_mj_cm2 : float
        Dose that each event spends on dissolved oxygen, E_ind [mJ/cm²].

    Returns
    -------
    float
        Effective dose [mJ/cm²]; the point is solid where it reaches ``Ec - E_ind``.

    Raises
    ------
    ExposureError
        A negative dose.
    """
    events = list(events_mj_cm2)
    lowest = min([induction_mj_cm2, *events])
    if not lowest >= 0:
        raise ExposureError(f"dose is {lowest} mJ/cm²; it cannot be negative")
    return math.fsum(max(0.0, dose - induction_mj_cm2) for dose in events)


def scaled_dose_mj_cm2(dose_mj_cm2: float, factor: float, induction_mj_cm2: float) -> float:
    """Return the dose of one event whose *effective* dose is `factor` times that of `dose_mj_cm2` [mJ/cm²].

    Parameters
    ----------
    dose_mj_cm2 : float
        Dose of the event, at least E_ind [mJ/cm²].
    factor : float
        Wanted multiple of its effective dose; 0 gives E_ind, which cures nothing.
    induction_mj_cm2 : float
        Induction dose E_ind [mJ/cm²].

    Raises
    ------
    ExposureError
        A negative factor or E_ind, or a dose below E_ind.

    Notes
    -----
    ``(E - E_ind) m + E_ind``; in seconds at one irradiance it is the time offset of the PyMFCAD printers, ``(t - t_off) m + t_off``.
    """
    if not (factor >= 0 and 0 <= induction_mj_cm2 <= dose_mj_cm2):
        raise ExposureError(
            f"dose {dose_mj_cm2} mJ/cm² times {factor} with induction dose {induction_mj_cm2} mJ/cm²: "
            "the factor cannot be negative, and the dose not below the induction dose"
        )
    return (dose_mj_cm2 - induction_mj_cm2) * factor + induction_mj_cm2


def _check(dp_um: float, ec_mj_cm2: float) -> None:
    if not (dp_um > 0 and ec_mj_cm2 > 0):
        raise ExposureError(f"Dp is {dp_um} µm and Ec {ec_mj_cm2} mJ/cm²; both must be above 0")
