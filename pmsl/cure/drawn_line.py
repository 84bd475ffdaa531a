"""A line that a Gaussian spot draws, alone and in an endless hatch: closed forms (Jacobs).

P. Jacobs, Rapid Prototyping & Manufacturing (1992), chapter 4: a spot of power P and radius w0 (1/e² of the irradiance of its middle),
drawn along a line with speed v over resin of penetration depth Dp and critical dose Ec, leaves at distance y from the line ::

    E(y) = sqrt(2 / π) P / (w0 v) exp(-2 y² / w0²)

which cures to the depth ``Cd = Dp ln(E(0) / Ec)`` and, at the surface, to the width ``Lw = w0 sqrt(2 Cd / Dp)``.
"""

from __future__ import annotations

import math

from pmsl.cure.curve import cure_depth_um
from pmsl.errors import ExposureError

MJ_CM2 = 1e8  # mJ/µm² in mJ/cm²


def line_dose_mj_cm2(power_mw: float, speed_um_s: float, w0_um: float) -> float:
    """Return the dose on a long drawn line, ``sqrt(2 / π) P / (w0 v)`` [mJ/cm²].

    Parameters
    ----------
    power_mw : float
        P, at the resin [mW].
    speed_um_s : float
        v [µm/s].
    w0_um : float
        Radius of the spot (1/e²) [µm].

    Raises
    ------
    ExposureError
        One of them not above 0.
    """
    for name, value in (("power_mw", power_mw), ("speed_um_s", speed_um_s), ("w0_um", w0_um)):
        if not 0 < value < math.inf:
            raise ExposureError(f"drawn line: {name} is {value:g}; it must be above 0 and finite")
    return math.sqrt(2.0 / math.pi) * power_mw / (w0_um * speed_um_s) * MJ_CM2


def line_speed_um_s(dose_mj_cm2: float, power_mw: float, w0_um: float) -> float:
    """Return the speed that leaves a dose on a long drawn line [µm/s]: the inverse of `line_dose_mj_cm2`.

    Parameters
    ----------
    dose_mj_cm2 : float
        On the line [mJ/cm²].
    power_mw : float
        [mW].
    w0_um : float
        Radius of the spot (1/e²) [µm].
    """
    return line_dose_mj_cm2(power_mw, dose_mj_cm2, w0_um)  # dose and speed change places


def cured_line_um(power_mw: float, speed_um_s: float, w0_um: float, dp_um: float, ec_mj_cm2: float) -> tuple[float, float]:
    """Return cured width and depth of a long drawn line [µm], both 0 where it cures nothing.

    Parameters
    ----------
    power_mw, speed_um_s, w0_um : float
        As of `line_dose_mj_cm2`.
    dp_um : float
        Penetration depth [µm].
    ec_mj_cm2 : float
        Critical dose [mJ/cm²].
    """
    depth = cure_depth_um(line_dose_mj_cm2(power_mw, speed_um_s, w0_um), dp_um, ec_mj_cm2)
    return w0_um * math.sqrt(2.0 * depth / dp_um), depth


def hatch_gain(spacing_um: float, w0_um: float, at: float = 0.0) -> float:
    """Return the dose of an endless hatch over the dose on one line of it.

    Parameters
    ----------
    spacing_um : float
        Distance of the lines [µm].
    w0_um : float
        Radius of the spot (1/e²) [µm].
    at : float
        Where, in spacings from a line: 0 on a line, where there is most, 0.5 between two, where there is least.

    Returns
    -------
    float
        ``Σ_j exp(-2 (j + at)² s² / w0²)``; 1.2713 on a line for s = w0.

    Raises
    ------
    ExposureError
        A spacing or radius not above 0.
    """
    if not (0 < spacing_um < math.inf and 0 < w0_um < math.inf):
        raise ExposureError(f"hatch: spacing_um is {spacing_um:g}, w0_um {w0_um:g}; both must be above 0 and finite")
    ratio = spacing_um / w0_um
    if ratio < 0.5:  # the sum of the waves it is made of (Poisson) needs two of them
        waves = sum(math.exp(-0.5 * (math.pi * m / ratio) ** 2) * math.cos(2 * math.pi * m * at) for m in range(1, 5))
        return math.sqrt(0.5 * math.pi) / ratio * (1.0 + 2.0 * waves)
    return math.fsum(math.exp(-2.0 * ((j + at) * ratio) ** 2) for j in range(-24, 25))


def outside_share(distance_um: float, w0_um: float) -> float:
    """Return what evenly hatched light leaves outside of the line where it ends, as a share of that far inside.

    Parameters
    ----------
    distance_um : float
        From that line outward [µm]; below 0 inside.
    w0_um : float
        Radius of the spot (1/e²) [µm].
    """
    return 0.5 * math.erfc(math.sqrt(2.0) * distance_um / w0_um)
