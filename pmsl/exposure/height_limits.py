"""Layer heights against the depth that light reaches: a height that no dose of the printer cures through is refused as what it is."""

from __future__ import annotations

import math

import numpy as np
from msgspec import UNSET

from pmsl.core.grid import Grid
from pmsl.cure import CureModel
from pmsl.cure.curve import MARGIN_FACTOR
from pmsl.errors import ExposureError
from pmsl.exposure.planning import light_setting
from pmsl.profiles import Printer, Process, Resin

STEPS = 60
MOST_DP = 600.0  # beyond, doses are no numbers
MANY = 2.0  # Dp: one seventh of the light is left


def check_heights(grid: Grid, printer: Printer, resin: Resin, process: Process) -> None:
    """Refuse layers so high beside the resin's penetration depth that no allowed exposure cures their far face.

    Parameters
    ----------
    grid : Grid
        Its slabs.
    printer, resin, process : Printer, Resin, Process

    Raises
    ------
    ExposureError
        A layer that, with its margin, is higher than `MANY` Dp and whose dose passes the printer's limit of dose or time. What thinner
        layers would not help against (a weak light, large factors) is left to `dose_ladder`.
    """
    if process.exposure_s is not UNSET:
        return  # the dose does not grow with the height
    setting, limits = light_setting(printer, process), printer.limits
    cure = CureModel.of(resin).at_irradiance(setting.irradiance_mw_cm2.value)
    most = min(limits.max_dose_mj_cm2.value, limits.max_exposure_s.value * setting.irradiance_mw_cm2.value)
    factor = max(1.0, *process.bottom_dose_factors, 1.0)
    height, depth, margin = float(grid.thickness_um.max()), cure.decay.longest_um or math.inf, process.margin_um
    needed = _needed(height, cure, margin) + math.log(factor * cure.ec_mj_cm2)
    if height + (margin or 0.0) <= MANY * depth or needed <= math.log(most):
        return
    highest = _highest(cure, margin, math.log(most / (factor * cure.ec_mj_cm2)))
    beyond = "" if margin is None else f" and margin_um = {margin:g} µm beyond it"
    remedy = (
        "lower margin_um"
        if highest <= 0
        else f"layers of at most {rounded_down(highest):g} µm cure: make layers thinner (--layer-um, layer_um)"
    )
    raise ExposureError(
        f"layer {int(np.argmax(grid.thickness_um))}: its {height:g} µm{beyond} are {(height + (margin or 0.0)) / depth:.3g} times the "
        f"penetration depth Dp of resin {resin.name} ({depth:g} µm, in which light falls to 1/e), so that curing its far face takes "
        f"{_power_of_ten(needed)} mJ/cm²{f' with the bottom dose factor {factor:g}' if factor > 1 else ''}; printer {printer.name} gives "
        f"{most:.4g} at most; {remedy}, or choose a resin with a larger Dp"
    )


def _needed(height_um: float, cure: CureModel, margin_um: float | None) -> float:
    """Return the logarithm of the dose, in Ec, that cures a layer by the far-face rule; infinite where no light arrives."""
    decay, depth = cure.decay, height_um + (margin_um or 0.0)
    if cure.bleaching is not None and depth < MOST_DP * decay.lengths_um[0]:
        return math.log(cure.dose_reaching_mj_cm2((MARGIN_FACTOR if margin_um is None else 1.0) * cure.ec_mj_cm2, depth) / cure.ec_mj_cm2)
    left = decay.fraction(depth)
    dp = decay.lengths_um[0]
    if len(decay.weights) == 1:
        return (height_um + (margin_um or 0.0)) / dp + (math.log(MARGIN_FACTOR) if margin_um is None else 0.0)
    return math.inf if left <= 0 else (math.log(MARGIN_FACTOR) if margin_um is None else 0.0) - math.log(left)


def _highest(cure: CureModel, margin_um: float | None, most: float) -> float:
    """Return the height that a dose cures whose logarithm, in Ec, is `most` [µm]; 0 where there is none."""
    low, high = 0.0, 1e6
    if _needed(low, cure, margin_um) > most:
        return 0.0
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _needed(middle, cure, margin_um) <= most else (low, middle)
    return low


def _power_of_ten(logarithm: float) -> str:
    """Write a number by its natural logarithm, also where it is beyond floats."""
    if not math.isfinite(logarithm):
        return "endless"
    exponent = math.floor(logarithm / math.log(10))
    return f"{math.exp(logarithm - exponent * math.log(10)):.2g}e{exponent}" if abs(exponent) > 3 else f"{math.exp(logarithm):.3g}"


def rounded_down(height_um: float) -> float:
    """Return a height with three digits, not above it."""
    scale = 10.0 ** (math.floor(math.log10(height_um)) - 2)
    return math.floor(height_um / scale) * scale
