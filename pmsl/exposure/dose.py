"""LayerPlan → DoseMap: at the mirror, time × irradiance × response × flat field; at the exposure plane, after the optics' blur."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from pmsl.core.mask import around
from pmsl.errors import ExposureError, UsageError
from pmsl.job.dose_map import DoseMap
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.optics.convolution import target_of
from pmsl.optics.drawn_dose import drawn_dose_map
from pmsl.optics.field_evenness import flat_field, lit
from pmsl.optics.grayscale import response
from pmsl.optics.image_formation import Projector
from pmsl.optics.psf import psf_of
from pmsl.optics.tiled_convolution import spread_in_tiles
from pmsl.profiles import Printer

At = Literal["mirror", "plane"]


def irradiance_mw_cm2(printer: Printer, power: float) -> float:
    """Return the irradiance of a white pixel at that light setting [mW/cm²]; raises `ExposureError` where the printer has none such."""
    known = {s.power: s.irradiance_mw_cm2.value for s in printer.optics.settings}
    if power not in known:
        raise ExposureError(
            f"power {power:g} is no light setting of printer {printer.name}, so its irradiance is not known; "
            f"it has {', '.join(f'{p:g}' for p in known)}"
        )
    return known[power]


@dataclass(frozen=True, slots=True, eq=False)
class DoseMaker:
    """What turns the plans of one job into doses, prepared once: gray response, flat field, blur.

    Attributes
    ----------
    printer : Printer
    projector : Projector
        Flat field and point spread.
    response : (256,) float64
        Irradiance of every gray level relative to white.
    engine : int
        Whose light it is.
    """

    printer: Printer
    projector: Projector
    response: np.ndarray
    engine: int = 0

    @classmethod
    def of(cls, job: PrintJob, engine: int = 0) -> DoseMaker:
        """Return the maker of an engine of a job, the same one every time; raises `ProfileError` where the flat field cannot be used.

        Parameters
        ----------
        job : PrintJob
        engine : int
        """
        key = "dose" if engine == 0 else f"dose {engine}"
        known: DoseMaker | None = job.prepared.get(key)
        if known is None:  # two threads may both come here: they make the same
            printer = job.printer_of(engine)
            flat = None if job.process.evened == "delegated" else flat_field(printer)
            known = cls(printer, Projector(printer.field_px, psf_of(printer), flat), response(printer), engine)
            job.prepared[key] = known
        return known

    def map(self, plan: LayerPlan, at: At = "mirror") -> DoseMap:
        """Return the dose of a layer's own exposures together; see `dose_map`.

        Parameters
        ----------
        plan : LayerPlan
        at : {"mirror", "plane"}
            As `dose_map`.
        """
        return self._map(plan.index, plan.exposures, at)

    def events(self, plan: LayerPlan, at: At = "mirror") -> list[DoseMap]:
        """Return the dose of every exposure event of a layer by itself, repeats counted, in the order they are shown.

        Parameters
        ----------
        plan : LayerPlan
        at : {"mirror", "plane"}
            As `dose_map`.
        """
        once = [self._map(plan.index, [e], at, repeats=False) for e in plan.exposures]
        return [dose for e, dose in zip(plan.exposures, once, strict=True) for _ in range(e.repeat)]

    def _map(self, index: int, exposures: Sequence[Exposure], at: At, repeats: bool = True) -> DoseMap:
        if at not in ("mirror", "plane"):
            raise UsageError(f"dose at {at!r}: it is known at 'mirror', before the optics, and at 'plane', the exposure plane")
        other = next((e.engine for e in exposures if e.engine != self.engine), None)
        if other is not None:
            raise ExposureError(
                f"layer {index}: an exposure with light engine {other}: a dose map has one engine's pixels and wavelength; "
                "leave --dose out, or ask for the dose of one engine"
            )
        drawn = [e.drawing for e in exposures if e.drawing is not None]
        if drawn:
            return drawn_dose_map(index, drawn, self.projector.shape, self.printer.optics.pitch_um.value)
        window = around(e.mask.window for e in exposures)
        total = np.zeros((window.rows, window.cols))
        for exposure in exposures:
            white = exposure.time_s * (exposure.repeat if repeats else 1) * irradiance_mw_cm2(self.printer, exposure.power)
            total += (white * self.response)[exposure.mask.within(window)]
        total = lit(total, window, self.projector.flat)
        if at == "plane":
            _check_in_place(index, exposures)
            target = target_of(window, self.projector.shape, self.projector.psf)
            total, window = spread_in_tiles(total, window, target, self.projector.psf), target
        return DoseMap(index, self.projector.shape, window, total.astype(np.float32), at)


def dose_map(job: PrintJob, plan: LayerPlan, at: At = "mirror", engine: int | None = None) -> DoseMap:
    """Return the dose every pixel receives from the layer's own exposures.

    Parameters
    ----------
    job : PrintJob
        Its printer gives irradiance, gray response, flat field (even, where the host compensates it) and point spread.
    plan : LayerPlan
    at : {"mirror", "plane"}
        Before the optics blur it, or at the exposure plane: mean over each pixel, in the window that the light reaches of
        the field; outside the field there is no light.
    engine : int, optional
        Number of the light engine whose exposures count; needed where a layer has those of several: doses of different wavelengths do not
        add up. Left out: of the only one.

    Returns
    -------
    DoseMap
        ``at="mirror"``: Σ over exposures of time × irradiance × response of the 8-bit level × flat field [mJ/cm²];
        ``at="plane"``: that, spread. Of a drawn layer, which no mirrors show, always ``at="plane"``: the dose in the middle of every
        pixel, of all lines, without what is less than 1e-9 of a line's.

    Raises
    ------
    ProfileError
        A flat-field image that cannot be used.
    ExposureError
        An exposure with another light engine than the first, or a power that the printer does not list; at the exposure plane, one
        that is shifted by the stage or out of focus, whose blur is not known.
    UsageError
        Another place than these two.
    """
    if engine is None:
        return DoseMaker.of(job).map(plan, at)
    if not 0 <= engine < len(job.engines):
        raise UsageError(f"dose of engine {engine}: the job has engines 0..{len(job.engines) - 1}")
    return DoseMaker.of(job, engine).map(replace(plan, exposures=tuple(e for e in plan.exposures if e.engine == engine)), at)


def _check_in_place(index: int, exposures: Sequence[Exposure]) -> None:
    for e in exposures:
        if e.offset_um != (0.0, 0.0) or e.focus_um != 0.0:
            raise ExposureError(
                f"layer {index}: an exposure with stage offset {e.offset_um} µm and focus {e.focus_um:g} µm; "
                "at the exposure plane only the dose of exposures in place and in focus is known: ask for it at 'mirror'"
            )
