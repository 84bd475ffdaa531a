"""Closed forms for stacks of equal layers, pure absorption: bulk dose, roofs, tails."""

from __future__ import annotations

import math

from pmsl.errors import ExposureError


def accumulation_factor(height_um: float, dp_um: float) -> float:
    """Return the dose at the exposure plane of a layer under endless equal layers over that of its own exposure, ``1 / (1 - q)``.

    Parameters
    ----------
    height_um, dp_um : float
        Layer thickness and penetration depth [µm]; ``q = exp(-h / Dp)``.

    Raises
    ------
    ExposureError
        Either not above 0.
    """
    _check(height_um, dp_um)
    return -1 / math.expm1(-height_um / dp_um)


def dose_spread(height_um: float, dp_um: float) -> float:
    """Return the highest over the lowest dose inside one layer, ``exp(h / Dp)``; the layers above do not change it.

    Parameters
    ----------
    height_um, dp_um : float
        Thickness of layers and penetration depth [µm].

    Raises
    ------
    ExposureError
        Thickness or Dp [µm] not above 0.
    """
    _check(height_um, dp_um)
    return math.exp(height_um / dp_um)


def print_through_um(n_layers: float, height_um: float, dp_um: float, cure_depth_um: float) -> float:
    """Return how deep a roof of equal layers cures below its designed lower face.

    Parameters
    ----------
    n_layers : int or math.inf
        Layers of the roof.
    height_um, dp_um : float
        Layer thickness and penetration depth [µm].
    cure_depth_um : float
        Cure depth of one exposure alone, ``Dp ln(E / Ec)`` [µm].

    Returns
    -------
    float
        ``Cd - h + Dp ln((1 - q^N) / (1 - q))`` [µm]; negative where the roof does not reach its face.

    Raises
    ------
    ExposureError
        Thickness or Dp not above 0, less than one layer.
    """
    _check(height_um, dp_um)
    if not n_layers >= 1:
        raise ExposureError(f"a roof of {n_layers} layers; it has one at least")
    ratio = height_um / dp_um
    return cure_depth_um - height_um + dp_um * math.log(math.expm1(-n_layers * ratio) / math.expm1(-ratio))


def layers_to_close(tail: float, dose_mj_cm2: float, ec_mj_cm2: float) -> float:
    """Return how many exposures fill a channel at any depth by the constant tail alone, ``Ec / (c E)``; inf without a tail.

    Parameters
    ----------
    tail : float
        Fraction c of the light that is not absorbed.
    dose_mj_cm2, ec_mj_cm2 : float
        Dose of each layer and critical dose [mJ/cm²].

    Raises
    ------
    ExposureError
        A tail not from 0 to 1, a dose or Ec not above 0.
    """
    if not (0 <= tail <= 1 and dose_mj_cm2 > 0 and ec_mj_cm2 > 0):
        raise ExposureError(f"tail {tail}, dose {dose_mj_cm2} mJ/cm², Ec {ec_mj_cm2} mJ/cm²; expected a fraction, and doses above 0")
    return ec_mj_cm2 / (tail * dose_mj_cm2) if tail else math.inf


def relief_factor(n_layers: int, height_um: float, dp_um: float, dose_over_ec: float) -> float:
    """Return the factor for the first exposures of a thick roof that puts Ec exactly at its designed face.

    Parameters
    ----------
    n_layers : int
        Layers L, from the face on, whose dose is multiplied; endless layers of full dose follow.
    height_um, dp_um : float
        Layer thickness and penetration depth [µm].
    dose_over_ec : float
        Dose of one layer at its exposure plane, in Ec.

    Returns
    -------
    float
        ``[1 - (E/Ec) q^(L+1) / (1 - q)] / [(E/Ec) Σ_{k=1..L} q^k]``.

    Raises
    ------
    ExposureError
        Fewer layers than `fewest_relief_layers`: the layers behind cure past the face by themselves.
    """
    fewest = fewest_relief_layers(height_um, dp_um, dose_over_ec)
    if n_layers < fewest:
        raise ExposureError(f"{n_layers} relieved layers cannot place the roof's face; it takes {fewest} at least")
    q = math.exp(-height_um / dp_um)
    behind = dose_over_ec * q ** (n_layers + 1) / (1 - q)
    return (1 - behind) / (dose_over_ec * q * (1 - q**n_layers) / (1 - q))


def fewest_relief_layers(height_um: float, dp_um: float, dose_over_ec: float) -> int:
    """Return the least number of layers with which `relief_factor` is not negative, at least 1.

    Parameters
    ----------
    height_um, dp_um : float
        Thickness of layers and penetration depth [µm].
    dose_over_ec : float
        Dose of a layer over the critical one.

    Raises
    ------
    ExposureError
        Thickness, Dp or dose not above 0.
    """
    factor = accumulation_factor(height_um, dp_um)
    if not dose_over_ec > 0:
        raise ExposureError(f"dose is {dose_over_ec} Ec; it must be above 0")
    return max(1, math.ceil(dp_um / height_um * math.log(dose_over_ec * factor) - 1))


def _check(height_um: float, dp_um: float) -> None:
    if not (height_um > 0 and dp_um > 0):
        raise ExposureError(f"thickness is {height_um} µm and Dp {dp_um} µm; both must be above 0")
