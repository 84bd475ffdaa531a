"""Resin, printer and process → the white dose and time of every layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.core.plan import Exposure, LayerPlan
from pmsl.cure import dose_for_depth_mj_cm2
from pmsl.errors import ExposureError, UsageError
from pmsl.profiles import Motion, Printer, Process, Resin
from pmsl.profiles.printer import LightSetting

MARGIN_FACTOR = 1.5  # white dose at a layer's far face, in Ec, where the process gives no margin


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """White dose [mJ/cm²] and time [s] of every layer, (L,) float64, and the light setting they are made with."""

    dose_mj_cm2: np.ndarray
    time_s: np.ndarray
    power: float

    def plan(self, mask: LayerMask, grid: Grid, motion: Motion, findings: tuple[Finding, ...] = ()) -> LayerPlan:
        """Plan one layer with one exposure; a mask whose frame is black has none."""
        k = mask.index
        exposures: tuple[Exposure, ...] = ()
        if mask.black_at_8_bit:
            findings += (_unlit(mask),)
        else:
            exposures = (Exposure(mask=mask, time_s=float(self.time_s[k]), dose_mj_cm2=float(self.dose_mj_cm2[k]), power=self.power),)
        edges = grid.z_edges_um
        top, thickness = float(edges[k + 1]), float(edges[k + 1] - edges[k])
        return LayerPlan(index=k, z_top_um=top, thickness_um=thickness, motion=motion, exposures=exposures, findings=findings)


def dose_ladder(grid: Grid, printer: Printer, resin: Resin, process: Process) -> Ladder:
    """Find the white dose and time of every layer.

    Parameters
    ----------
    grid : Grid
        Its slabs.
    printer, resin, process : Printer, Resin, Process

    Returns
    -------
    Ladder
        Doses are what a white pixel receives after time rounding.

    Raises
    ------
    UsageError
        The process asks for a light setting the printer does not have.
    ExposureError
        A layer whose white dose does not reach Ec at its far face, or that passes a limit of the printer; a resin that gives values
        which no dose is planned with so far.

    Notes
    -----
    Far-face rule: the dose at the exposure plane is ``Ec exp((h + margin) / Dp)``; the default margin, ``Dp ln 1.5``, leaves
    1.5 Ec at the far face. `bottom_dose_factors` multiply the first layers. A frame-locked engine shows whole frames:
    times are rounded up, never to zero.
    """
    _check_planned(resin)
    setting = _setting(printer, process)
    irradiance = setting.irradiance_mw_cm2.value
    dp, ec = resin.resin.dp_um.value, resin.resin.ec_mj_cm2.value
    margin = dp * math.log(MARGIN_FACTOR) if process.margin_um is None else process.margin_um
    heights, which = np.unique(np.round(grid.thickness_um, 9), return_inverse=True)
    doses = np.array([dose_for_depth_mj_cm2(h + margin, dp, ec) for h in heights])[which]
    n = min(len(process.bottom_dose_factors), len(doses))
    doses[:n] *= process.bottom_dose_factors[:n]
    times = doses / irradiance
    if printer.dmd.frame_locked and printer.dmd.frame_s is not None:
        frame_s = printer.dmd.frame_s.value
        times = np.maximum(np.ceil(times / frame_s - 1e-9), 1.0) * frame_s
        doses = times * irradiance
    _check_far_face(doses, heights[which], dp, ec)
    _check_limits(doses, times, setting.power, printer)
    return Ladder(doses, times, setting.power)


def _unlit(mask: LayerMask) -> Finding:
    """Say that nothing of a layer is lit: no material in its middle plane, or too little in every pixel."""
    code, message = "layer-too-faint", "the part covers no pixel of this layer by half a level of the device: nothing is lit"
    if mask.empty:
        code, message = "empty-layer", "no material in the middle of this layer: nothing is lit, and what lies above it would float"
    layers = (mask.index, mask.index)
    return Finding(code=code, severity="warning", message=message, layers=layers, value=mask.sum_px(), limit=0.5 / 255, unit="px")


def _check_planned(resin: Resin) -> None:
    """Refuse a resin that gives values of its light or its oxygen which no dose is planned with so far."""
    material = resin.resin
    given = {
        "induction_mj_cm2": material.induction_mj_cm2 is not None and material.induction_mj_cm2.value > 0,
        "extra_decays": material.extra_decays is not None and len(material.extra_decays.value) > 0,
        "tail": material.tail is not None,
        "scatter_um": material.scatter_um is not None and material.scatter_um.value > 0,
    }
    named = ", ".join(name for name, unplanned in given.items() if unplanned)
    if named:
        raise ExposureError(
            f"resin {resin.name} gives {named}: doses are planned with dp_um and ec_mj_cm2 alone so far; "
            "leave it out to print with these two (pmsl.cure predicts with all of them)"
        )


def _setting(printer: Printer, process: Process) -> LightSetting:
    settings = printer.optics.settings
    if process.power is None:
        return settings[0]
    for setting in settings:
        if setting.power == process.power:
            return setting
    known = ", ".join(f"{s.power:g}" for s in settings)
    raise UsageError(f"process {process.name}: power {process.power:g} is no light setting of printer {printer.name}; it has {known}")


def _check_far_face(doses: np.ndarray, heights: np.ndarray, dp: float, ec: float) -> None:
    at_far_face = doses * np.exp(-heights / dp)
    if (at_far_face < ec * (1 - 1e-12)).any():
        k = int(np.argmax(at_far_face < ec * (1 - 1e-12)))
        raise ExposureError(
            f"layer {k} ({heights[k]:g} µm): white dose {doses[k]:.4g} mJ/cm² leaves {at_far_face[k]:.4g} at its far face, "
            f"below Ec = {ec:g}: "
            "it would not stick; raise its bottom dose factor or margin_um, or make the layer thinner"
        )


def _check_limits(doses: np.ndarray, times: np.ndarray, power: float, printer: Printer) -> None:
    limits = printer.limits
    for what, values, limit, unit, advice in (
        ("exposure time", times, limits.max_exposure_s.value, "s", "raise the light setting or lower the bottom dose factors"),
        ("white dose", doses, limits.max_dose_mj_cm2.value, "mJ/cm²", "lower the bottom dose factors or make the layer thinner"),
        ("power", np.array([power]), limits.max_power.value, "", "choose a lower light setting"),
    ):
        if (values > limit).any():
            k = int(np.argmax(values > limit))
            raise ExposureError(
                f"layer {k}: {what} {values[k]:.4g} {unit} is above the limit {limit:g} {unit} of printer {printer.name}; {advice}"
            )
