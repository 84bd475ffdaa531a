"""Resin, printer and process → the white dose and time of every layer, and its exposures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import numpy as np
from msgspec import UNSET

from pmsl.core.arrays import distinct
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.cure import CureModel
from pmsl.errors import ExposureError, UsageError
from pmsl.exposure.dose_limits import check_far_face, check_limits
from pmsl.exposure.far_face import far_face_dose_mj_cm2, left_at_far_face
from pmsl.exposure.images import Image, Merger
from pmsl.job.consistency import sum_problem
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.mesh.region import ORDINARY, ImageSetting
from pmsl.optics.grayscale import response
from pmsl.profiles import Motion, Printer, Process, Resin
from pmsl.profiles.printer import LightSetting

DARK = ("focus_um", "wait_before_s", "wait_after_s")  # what differs in how an image is shown, beside power
Even = Callable[[Sequence[Image]], list[Image]]


class Ladder(msgspec.Struct, frozen=True, eq=False):
    """White dose and time of every layer, and what turns them into exposures.

    Attributes
    ----------
    dose_mj_cm2, time_s : (L,) float64
        What an ordinary white pixel gets [mJ/cm²], and how long that takes [s].
    power : float
        Light setting they are made with.
    printer : Printer
    cure : CureModel
        Of doses of white exposures at that light setting (`CureModel.at_irradiance`).
    left : (L,) float64
        Share of the dose that is left at the far face, of one that leaves just Ec there.
    merger : Merger
        Puts images of a layer together.
    even : callable, optional
        The last change of a layer's images, masks with white doses [mJ/cm²]: flat-field compensation.
    """

    dose_mj_cm2: np.ndarray
    time_s: np.ndarray
    power: float
    printer: Printer
    cure: CureModel
    left: np.ndarray
    merger: Merger
    even: Even | None = None

    def plan(
        self,
        images: Sequence[Image],
        grid: Grid,
        motion: Motion,
        findings: tuple[Finding, ...] = (),
        covered_px: float | None = None,
        settings: Sequence[ImageSetting] | None = None,
    ) -> LayerPlan:
        """Plan one layer.

        Parameters
        ----------
        images : sequence of (LayerMask, float)
            One or more masks of the layer, each with its dose factor: 1 is the layer's ordinary dose; see `Merger`.
        grid : Grid
        motion : Motion
        findings : tuple of Finding
            What was noticed before.
        covered_px : float, optional
            Area of the part in this layer; of one plain mask it is that of the mask.
        settings : sequence of ImageSetting, optional
            How each image is shown; images with settings share pixels out among them. Left out, all are ordinary.

        Returns
        -------
        LayerPlan
            With as few exposures as give these doses; masks whose frames are black have none.

        Raises
        ------
        ExposureError
            Exposures that pass a limit of the printer, by themselves or together.
        """
        k = images[0][0].index
        exposures = self._exposures(images, k, settings)
        if not exposures:
            findings += (_unlit(images, k + 1 < grid.n_layers),)
        elif (excess := sum_problem(exposures, self.printer, self.merger.response)) is not None:
            raise ExposureError(f"layer {k}: {excess}; lower the dose factors of its parts and regions")
        edges = grid.z_edges_um
        top, thickness = float(edges[k + 1]), float(edges[k + 1] - edges[k])
        return LayerPlan(
            index=k, z_top_um=top, thickness_um=thickness, motion=motion, exposures=exposures, findings=findings, covered_px=covered_px
        )

    def _exposures(self, images: Sequence[Image], k: int, settings: Sequence[ImageSetting] | None) -> tuple[Exposure, ...]:
        ordinary = settings is None or set(settings) == {ORDINARY}
        if ordinary and len(images) == 1 and images[0][1] == 1.0 and self.even is None:
            mask = images[0][0]
            plain = Exposure(mask=mask, time_s=float(self.time_s[k]), dose_mj_cm2=float(self.dose_mj_cm2[k]), power=self.power)
            return () if mask.black_at_8_bit else (plain,)
        out: list[Exposure] = []
        for setting, merged in self.merged(images, k, settings):
            if self.even is not None:
                merged = [(mask, dose) for mask, dose in self.even(merged) if not mask.black_at_8_bit]
            power = self.power if setting.power is None else setting.power
            doses, times = self.shown(np.array([dose for _, dose in merged]), power)
            check_limits(doses, times, power, self.printer, np.full(len(doses), k))
            for (mask, _), time_s, dose in zip(merged, times.tolist(), doses.tolist(), strict=True):
                plain = Exposure(mask=mask, time_s=time_s, dose_mj_cm2=dose, power=power)
                out.append(replace(plain, **{name: getattr(setting, name) for name in DARK}))
        return tuple(out)

    def merged(
        self, images: Sequence[Image], k: int, settings: Sequence[ImageSetting] | None = None
    ) -> list[tuple[ImageSetting, list[Image]]]:
        """Return the images of layer k put together, as masks with white doses [mJ/cm²], for each setting they are shown with.

        Parameters
        ----------
        images : sequence of Image
            Images of the layer, each with its dose factor.
        k : int
            The layer, from 0 at the plate.
        settings : sequence of ImageSetting, optional
            How each image is shown; left out, all are shown as the process says.
        """
        white = float(self.dose_mj_cm2[k])
        if settings is None:
            return [(ORDINARY, self.merger.images(images, white))]
        groups = [
            (own, [image for image, setting in zip(images, settings, strict=True) if setting == own]) for own in dict.fromkeys(settings)
        ]
        return [(setting, self.merger.images(group, white, shared=True)) for setting, group in groups]

    def shown(self, doses: np.ndarray, power: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return white doses [mJ/cm²] as the engine gives them, and their times [s]; both (n,) float64. `power` None: the ordinary one.

        Parameters
        ----------
        doses : (n,) float64
            White doses [mJ/cm²].
        power : float, optional
            Power of the engine, 0 to 1; left out, that of the process.
        """
        setting = _setting_of(self.printer, self.power if power is None else power)
        if self.cure.reciprocity != 1:  # of another light setting another dose counts as much
            doses = doses * (setting.irradiance_mw_cm2.value / self.cure.reciprocity_mw_cm2) ** (1.0 - self.cure.reciprocity)
        return whole_frames(doses, setting.irradiance_mw_cm2.value, self.printer)

    def scaled(self, factors: np.ndarray) -> np.ndarray:
        """Return the white doses of layers whose effective doses are `factors` times the ordinary: (L,) float64 [mJ/cm²].

        Parameters
        ----------
        factors : (L,) float64
            Of each layer, its effective dose over the ordinary one.
        """
        induction = self.cure.induction_mj_cm2
        return np.where(factors == 1.0, self.dose_mj_cm2, (self.dose_mj_cm2 - induction) * factors + induction)

    def weak(self, factors: np.ndarray) -> np.ndarray:
        """Return the layers whose white dose, times (L,) effective factors, stays below Ec at their far face: (n,) int64.

        Parameters
        ----------
        factors : (L,) float64
            Of each layer, its effective dose over the ordinary one.
        """
        at_far_face = self.scaled(factors) * self.left
        return np.flatnonzero((factors != 1.0) & (at_far_face < self.cure.ec_mj_cm2 * (1 - 1e-12)))

    def check(self, factors: np.ndarray, gain: float = 1.0, power: float | None = None) -> None:
        """Refuse doses above the printer's limits before any layer is made.

        Parameters
        ----------
        factors : (L,) float64
            Dose factor of every layer that is sure to come; 0 for none.
        gain : float
            What the flat field's compensation multiplies doses by.
        power : float, optional
            Light setting they are made with, where it is not the ordinary one.

        Raises
        ------
        ExposureError
        """
        power = self.power if power is None else power
        doses, times = self.shown(self.scaled(factors) * gain, power)
        check_limits(doses[factors > 0], times[factors > 0], power, self.printer, np.flatnonzero(factors > 0))


def dose_ladder(grid: Grid, printer: Printer, resin: Resin, process: Process, even: Even | None = None) -> Ladder:
    """Find the white dose and time of every layer.

    Parameters
    ----------
    grid : Grid
        Its slabs.
    printer, resin, process : Printer, Resin, Process
    even : callable, optional
        As of `Ladder`.

    Returns
    -------
    Ladder
        Doses are what a white pixel receives after time rounding.

    Raises
    ------
    UsageError
        The process asks for a light setting the printer does not have.
    ExposureError
        A layer whose white dose does not reach Ec at its far face, or that passes a limit of the printer.

    Notes
    -----
    Far-face rule: of the dose E at the exposure plane ``E A(z)`` is left at depth z. With a margin ``E = Ec / A(h + margin)``;
    without, ``E = 1.5 Ec / A(h)``. An `exposure_s` gives ``E = exposure_s × irradiance`` at any height, which must leave Ec too.
    For pure absorption, ``A = exp(-z / Dp)``, the default is the margin ``Dp ln 1.5``. Ec is of a single shot and has the induction
    dose in it, so one exposure needs nothing more; scatter does not change a wide area's dose. `bottom_dose_factors` multiply the
    effective doses of the first layers, ``(E - E_ind) f + E_ind``. With reciprocity Ec and E_ind are those of white at that irradiance;
    where an absorber bleaches A is that of the dose itself. A frame-locked engine shows whole frames: times are rounded up,
    never to zero.
    """
    setting = light_setting(printer, process)
    cure = CureModel.of(resin).at_irradiance(setting.irradiance_mw_cm2.value)
    heights, which = distinct(np.round(grid.thickness_um, 9))
    if process.exposure_s is UNSET:
        doses = np.array([far_face_dose_mj_cm2(float(h), process.margin_um, cure) for h in heights])[which]
    else:
        doses = np.full(len(which), process.exposure_s * setting.irradiance_mw_cm2.value)
    n = min(len(process.bottom_dose_factors), len(doses))
    doses[:n] = (doses[:n] - cure.induction_mj_cm2) * process.bottom_dose_factors[:n] + cure.induction_mj_cm2
    doses, times = whole_frames(doses, setting.irradiance_mw_cm2.value, printer)
    if process.exposure_s is not UNSET and not printer.dmd.frame_locked:
        times[n:] = process.exposure_s  # as it was said, to the last bit
    left = left_at_far_face(heights, cure)[which]
    check_far_face(doses, heights[which], left, cure.ec_mj_cm2, "margin_um" if process.exposure_s is UNSET else "exposure_s")
    check_limits(doses, times, setting.power, printer, np.arange(len(doses)), process)
    merger = Merger.of(response(printer), cure.induction_mj_cm2, cure.reciprocity == 1)
    return Ladder(doses, times, setting.power, printer, cure, left, merger, even)


def whole_frames(doses: np.ndarray, irradiance_mw_cm2: float | np.ndarray, printer: Printer) -> tuple[np.ndarray, np.ndarray]:
    """Return doses and times in whole frames, rounded up, where the engine is locked to them."""
    times = doses / irradiance_mw_cm2
    if printer.dmd.frame_locked and printer.dmd.frame_s is not None:
        frame_s = printer.dmd.frame_s.value
        times = np.maximum(np.ceil(times / frame_s - 1e-9), 1.0) * frame_s
        doses = times * irradiance_mw_cm2
    return doses, times


def _unlit(images: Sequence[Image], above: bool) -> Finding:
    """Say that nothing of a layer is lit: no material in its middle plane, or too little in every pixel. `above`: whether layers follow."""
    masks = [mask for mask, _ in images]
    code, why = "layer-too-faint", "the part covers no pixel of this layer by half a level of the device: nothing is lit"
    remedy = "make the feature wider, or the pixels finer"
    if all(mask.empty for mask in masks):
        code, why = "empty-layer", "no material in the middle of this layer: nothing is lit"
        remedy = "close the gap, or make layers thinner"
    elif not all(mask.black_at_8_bit for mask in masks):
        code, why = "layer-without-dose", "the dose factors of this layer leave no light for it: nothing is lit"
        remedy = "raise the factors of its regions or parts"
    floats = ", and what lies above it would float" if above else ""
    layers, covered = (masks[0].index, masks[0].index), sum(mask.sum_px() for mask in masks)
    message = f"{why}{floats}; {remedy}"
    return Finding(code=code, severity="warning", message=message, layers=layers, value=covered, limit=0.5 / 255, unit="px")


def light_setting(printer: Printer, process: Process) -> LightSetting:
    """Return the light setting a process asks for, the first of the printer where it names none; raises `UsageError`."""
    if process.power is None:
        return printer.optics.settings[0]
    known = [s.power for s in printer.optics.settings]
    if process.power not in known:
        raise UsageError(
            f"process {process.name}: power {process.power:g} is no light setting of printer {printer.name}; "
            f"it has {', '.join(f'{power:g}' for power in known)}"
        )
    return _setting_of(printer, process.power)


def _setting_of(printer: Printer, power: float) -> LightSetting:
    return next(s for s in printer.optics.settings if s.power == power)
