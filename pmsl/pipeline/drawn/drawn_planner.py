"""Plans the layers of a drawn job: each has one exposure, whose drawing says what the laser does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from msgspec import UNSET

from pmsl.checks import mesh_findings
from pmsl.core.finding import Finding
from pmsl.errors import ExposureError, UsageError
from pmsl.exposure.drawn.line_light import WIDEST_W0, DrawnLight, drawn_light
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.layer_source import Origin
from pmsl.masks import masks_of
from pmsl.masks.mask_source import RecentMasks
from pmsl.mesh.part import Part
from pmsl.pipeline.drawn.layer_drawing import drawing_of, lost_findings
from pmsl.pipeline.setup.corrections import CorrectedLayers
from pmsl.pipeline.setup.drawn_geometry import check_grown
from pmsl.pipeline.setup.job_setup import JobSetup
from pmsl.profiles import Printer, Process, Resin
from pmsl.slicing.hatching.layer_areas import LayerAreas

MASKS_KEPT = 8


def check_parts(parts: Sequence[Part]) -> None:
    """Refuse doses of parts and regions, which are of pixels; raises `UsageError`."""
    for part in parts:
        if part.dose_scale != 1.0 or part.regions:
            what = f"dose_scale {part.dose_scale:g}" if part.dose_scale != 1.0 else "regions"
            raise UsageError(f"part {part.label}: {what}: a laser draws all parts with one light; leave it out")


class DrawnPlanner(CorrectedLayers):
    """Plans any layer from any thread; triangles are indexed when the first layer is asked for.

    Parameters
    ----------
    s : JobSetup
    printer, resin, process : Printer, Resin, Process
        A printer with a laser, a process with hatches.
    """

    def __init__(self, s: JobSetup, printer: Printer, resin: Resin, process: Process) -> None:
        self.stages, self._printer, self._process = s, printer, process
        self.light: DrawnLight = drawn_light(s.grid, s.ladder, printer, resin, process)
        moved = 0.0 if s.offset is None else s.offset.distance_um
        check_grown(s.bounds_um, s.grid, float((moved - self.light.inset_um).max()), "inset_um", printer)
        self._areas = LayerAreas(s.parts, s.grid, s.offset, 2 * self.light.skin_layers + 4)
        self._masks: RecentMasks | None = None
        self._lock = threading.Lock()

    def __call__(self, k: int) -> LayerPlan:
        """Return the plan of layer `k`."""
        s, printer = self.stages, self._printer
        ((mask, defects),) = self._recent().of_layers([k], keep=True)
        drawing, outer = drawing_of(k, self._areas, self.light)
        lost = lost_findings(k, self._areas.area(k), outer, float(self.light.inset_um[k]), s.grid)
        found = (*mesh_findings.layer_findings(defects, s.grid, k, s.repair), *lost)
        plan = s.ladder.plan([(mask, 1.0)], s.grid, self._process.motion.at(k), found)
        if not plan.exposures or not drawing.groups:
            return replace(plan, exposures=())
        assert printer.laser is not UNSET
        time_s = drawing.mark_s(printer.laser) + drawing.jump_s(printer.laser)
        if time_s > printer.limits.max_exposure_s.value:
            raise ExposureError(
                f"layer {k}: drawing it takes {time_s:.4g} s, the limit of printer {printer.name} is "
                f"{printer.limits.max_exposure_s.value:g} s; draw faster, or with wider spacing"
            )
        (exposure,) = plan.exposures
        return replace(plan, exposures=(replace(exposure, time_s=time_s, dose_mj_cm2=float(self.light.dose_mj_cm2[k]), drawing=drawing),))

    @property
    def origin(self) -> Origin:
        """What another process needs to make the same layers."""
        return Origin(self.stages.parts, self.stages.bounds_um, repair=self.stages.repair)

    @property
    def times_s(self) -> np.ndarray:
        """How long the ordinary dose of each layer takes, as far as it is known before a layer is drawn: (L,) [s]."""
        laser = self.light.laser
        lines = self.light.kinds["hatch"]
        low, high = self.stages.bounds_um[:, :2]
        box_um2 = float(np.prod(high - low))  # of the parts: more is not drawn
        per_line = max(float((high - low).max()), 1.0)
        return np.asarray(box_um2 / lines.spacing_um * (1.0 / lines.speed_um_s + laser.jump_delay_s.value / per_line))

    def layers_up_to_the_last_lit(self) -> tuple[int, tuple[Finding, ...]]:
        """Count the layers up to the last one in which something is drawn; also what was found of those above, from the lowest."""
        found, n = list[tuple[Finding, ...]](), self.stages.grid.n_layers
        while n > 0:
            plan = self(n - 1)
            if plan.exposures:
                break
            found.append(plan.findings)
            n -= 1
        return n, tuple(f for of_layer in reversed(found) for f in of_layer)

    def findings(self) -> tuple[Finding, ...]:
        """Return what is to be said of the light of all layers."""
        out = []
        w0 = self.light.w0_um
        for what, distance, key in self._distances_um():
            if distance > WIDEST_W0 * w0:
                out.append(
                    Finding(
                        code="hatch-gaps",
                        severity="warning",
                        message=f"{what} {distance:g} µm apart, more than {WIDEST_W0:g} radii of the spot ({w0:g} µm): between them "
                        f"light is uneven; take {key} of about the radius",
                        value=distance,
                        limit=WIDEST_W0 * w0,
                        unit="µm",
                    )
                )
        pitch = max(self._printer.optics.pitch_um.value)
        if pitch > 0.5 * w0:
            out.append(
                Finding(
                    code="spot-below-pixels",
                    severity="warning",
                    message=f"pixels of {pitch:g} µm are more than half the radius of the spot, {w0:g} µm: what is drawn is exact, doses "
                    "and predictions of it are coarse; take a finer pitch_um",
                    value=pitch,
                    limit=0.5 * w0,
                    unit="µm",
                )
            )
        return tuple(out)

    def _distances_um(self) -> Iterator[tuple[str, float, str]]:
        """Yield how far lines beside each other are apart, and the key that says so."""
        light, hatch = self.light, self.light.hatch
        yield "hatch lines are", light.kinds["hatch"].spacing_um, "a spacing_um"
        if "skin" in light.kinds:
            yield "skin lines are", light.kinds["skin"].spacing_um, "a spacing_um"
        if hatch.borders > 1:
            yield "borders are", hatch.border_steps_um, "a border_step_um"
        if hatch.borders:
            yield (
                "hatches and the innermost border are",
                light.hatches_begin_um - (hatch.borders - 1) * hatch.border_steps_um,
                "a hatch_inset_um",
            )

    def _recent(self) -> RecentMasks:
        with self._lock:
            if self._masks is None:
                s = self.stages
                self._masks = RecentMasks(masks_of(s.parts, s.grid, "area", "none", s.offset), MASKS_KEPT)
            return self._masks
