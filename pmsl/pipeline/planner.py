"""Parts and profiles → PrintJob, whose layers are made when they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec import UNSET

from pmsl.checks import mesh_findings
from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.correct.uncurable_grays import GrayCheck
from pmsl.correct.uncurable_pass import GrayPass
from pmsl.errors import ExposureError
from pmsl.exposure.technique import check_technique
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.layer_source import InOrder, Origin
from pmsl.job.print_job import Engine, PrintJob
from pmsl.job.printer_optics import landed, required
from pmsl.job.techniques import DRAWN
from pmsl.masks import masks_of
from pmsl.masks.mask_source import RecentMasks
from pmsl.mesh.part import Part, as_part
from pmsl.mesh.placing.placement import Placed
from pmsl.mesh.solid import Solid
from pmsl.pipeline.setup.corrections import CorrectedLayers, exchange_findings, memory_findings, record_of
from pmsl.pipeline.setup.job_setup import JobSetup, stages
from pmsl.pipeline.setup.lit_layers import up_to_the_last_lit
from pmsl.pipeline.setup.part_records import provenance_of, record_of_part
from pmsl.profiles import Printer, Process, Resin, find_printer, find_process, find_resin
from pmsl.slicing.boundary_defects import Defects

if TYPE_CHECKING:
    from pmsl.correct import Corrector
    from pmsl.pipeline.setup.region_light import RegionalLight

LAYERS_KEPT, MOST_KEPT = 24, 96  # masks of neighbours: memory does not grow with the height


def prepare(
    parts: Sequence[Solid | Part] | Placed,
    printer: Printer | str,
    resin: Resin | str,
    process: Process | str = "default",
    *,
    accept_uncalibrated: bool = False,
    repair: str = "auto",
    weld_um: float | None = None,
    fields: str | tuple[int, int] | None = None,
) -> PrintJob:
    """Make a print job of parts where their coordinates are (µm, field corner at 0, plate at z = 0); nothing is moved.

    Parameters
    ----------
    parts : sequence of Solid or Part, or Placed
        United where they overlap. `pmsl.place` puts meshes into the field.
    printer, resin, process : profile, library name, or path of a TOML file
    accept_uncalibrated : bool
        Correct (`process.corrections`) although values the corrections rest on are placeholders.
    repair : {"auto", "none", "strict"}
        What is done about meshes that are open, doubled or look inward: see `pmsl.mesh.repair.repair.repaired`.
    weld_um : float, optional
        How far vertices at open edges of a mesh may be joined [µm], 0 for not at all; by default a twentieth of a pixel.
    fields : "auto" or (int, int), optional
        Print on a plate of so many fields along x and y, or of as many as the parts need; its corner is at 0. Left out: on one field.

    Returns
    -------
    PrintJob
        Lazy: a layer is made when it is asked for.

    Raises
    ------
    MeshError, ProfileError, ExposureError, UsageError
        Geometry outside the field, meshes that cannot be repaired, profiles that are not valid, doses that are refused.
    """
    printer = find_printer(printer) if isinstance(printer, str) else printer
    resin = find_resin(resin) if isinstance(resin, str) else resin
    process = find_process(process) if isinstance(process, str) else process
    placed = parts if isinstance(parts, Placed) else None
    pieces, bounds = (parts.parts, parts.bounds_um) if isinstance(parts, Placed) else (parts, None)
    check_technique(printer, process, fields is not None)
    if printer.several or resin.several or any(isinstance(piece, Part) and piece.engine for piece in pieces):
        from pmsl.pipeline.engine_jobs import by_engine  # few printers have several

        how: dict[str, Any] = {"process": process, "accept_uncalibrated": accept_uncalibrated, "repair": repair, "weld_um": weld_um}
        found = by_engine(pieces, bounds, printer, resin, process, fields is not None, partial(prepare, **how))
        if isinstance(found, PrintJob):
            return found
        pieces, bounds, printer, resin = found
    if fields is not None:
        from pmsl.pipeline.field_planner import staged_on_fields  # few jobs have several

        fielded = staged_on_fields(pieces, printer, resin, process, bounds, accept_uncalibrated, repair, weld_um, fields)
        job = _job(fielded.setup, fielded.planner, printer, resin, process, placed)
        return replace(job, engines=(replace(job.engines[0], grid=fielded.grid),), tiles=fielded.counts, requires=fielded.requires)
    printer = printer.unmoved()

    def staged(n: int | None) -> JobSetup:
        return stages(pieces, printer, resin, process, bounds, accept_uncalibrated, repair, n, weld_um)

    if printer.laser is not UNSET:
        from pmsl.pipeline.drawn.drawn_planner import DrawnPlanner, check_parts  # few jobs are drawn

        check_parts([as_part(item) for item in pieces])
        s, drawn = up_to_the_last_lit(staged, lambda s: DrawnPlanner(s, printer, resin, process))
        job = _job(s, drawn, printer, resin, process, placed)
        return replace(job, requires=(DRAWN,), findings=(*job.findings, *drawn.findings()))
    s, planner = up_to_the_last_lit(staged, lambda s: Planner(s, process))
    return _job(s, planner, printer, resin, process, placed)


def _job(s: JobSetup, planner: CorrectedLayers, printer: Printer, resin: Resin, process: Process, placed: Placed | None) -> PrintJob:
    """Return the job of what was set up."""
    corrector = planner.corrector
    return PrintJob(
        engines=(Engine(grid=s.grid, wavelength_nm=printer.optics.wavelength_nm.value, orientation=printer.turn),),
        printer=printer,
        resin=resin,
        process=process,
        provenance=provenance_of(s.design, placed, resin.resin.shrinkage.value),
        parts=tuple(record_of_part(p) for p in s.design),
        n_layers=s.grid.n_layers,
        plan_layer=planner,
        design_of=lambda: s.design,
        findings=(*memory_findings(s.findings, corrector, resin), *exchange_findings(corrector)),
        placeholders=s.placeholders,
        correction=record_of(process, corrector),
        requires=required(printer, process),
        regions=() if s.modifiers is None else s.modifiers.records(),
    )


def first_findings(job: PrintJob) -> tuple[Finding, ...]:
    """Return the findings of the first layers of a corrected job whose resin does not state its memory: they are shown before any is made.

    Parameters
    ----------
    job : PrintJob
        As `prepare` makes it; of any other there are none.
    """
    corrector = job.plan_layer.corrector if isinstance(job.plan_layer, CorrectedLayers) else None
    return () if corrector is None or job.resin.resin.memory is not None else corrector.first_findings()


class Planner(CorrectedLayers):
    """Plans any layer from any thread; triangles are indexed when the first layer is asked for."""

    def __init__(self, s: JobSetup, process: Process) -> None:
        self.stages = s
        self._process = process
        self._made: tuple[RecentMasks, RegionalLight | None, GrayCheck | None] | None = None
        self._lock = threading.Lock()

    @property
    def corrector(self) -> Corrector | None:
        """What corrects them."""
        return self.stages.corrector

    @property
    def origin(self) -> Origin:
        """What another process needs to make the same layers."""
        s = self.stages
        grays_abound = self._process.coverage == "volume" or s.regions is not None
        halo = s.grays.layers_above if s.grays is not None and self._looks_on and grays_abound else 0
        return Origin(s.design, s.bounds_um, halo_layers=halo, repair=s.repair)

    def __call__(self, k: int) -> LayerPlan:
        """Return the plan of layer `k`."""
        return self.plans([k], self.makers()[2])[0]

    def bare(self, k: int) -> LayerPlan:
        """Return the plan of layer `k` without looking for grays that never cure where they are kept all the same."""
        return self.plans([k], None if self._looks_on else self.makers()[2])[0]

    def in_order(self, last: int) -> InOrder:
        """Return a run through the layers before `last`."""
        grays = self.makers()[2] if self._looks_on else None
        return _InOrder(self, None if grays is None else GrayPass(grays), last)

    def layers_up_to_the_last_lit(self) -> tuple[int, tuple[Finding, ...]]:
        """Count the layers up to the last one with light: corrections, doses of regions, the field or dropped grays may leave others none.

        Those of plain masks end so already. A layer is looked at as the last of the job: those above that have no light are not
        printed, and cure nothing in it. Also what was found of the layers above the count, from the lowest.
        """
        s, found = self.stages, list[tuple[Finding, ...]]()
        n = s.grid.n_layers
        if s.corrector is not None:
            return s.corrector.layers_up_to_the_last_lit(), ()
        if not self._changes_light:
            return n, ()
        grays = self.makers()[2]
        while n > 0:
            grid = replace(s.grid, z_edges_um=s.grid.z_edges_um[: n + 1])
            try:
                (plan,) = self.plans([n - 1], None if grays is None else replace(grays, grid=grid))
            except ExposureError:  # the layer says so itself when it is made
                break
            if plan.exposures:
                break
            found.append(plan.findings)
            n -= 1
        return n, tuple(f for of_layer in reversed(found) for f in of_layer)

    @property
    def times_s(self) -> np.ndarray:
        """How long the ordinary dose of each layer takes: (L,) [s]."""
        return np.asarray(self.stages.ladder.time_s)

    @property
    def _changes_light(self) -> bool:
        """Whether layers may have less light than their plain masks."""
        s = self.stages
        return s.regions is not None or s.ladder.even is not None or s.offset is not None or self._process.unreachable == "drop"

    @property
    def _looks_on(self) -> bool:
        """Whether grays that never cure are only told of."""
        return self.stages.grays is not None and self.stages.grays.do == "keep"

    def plans(self, layers: Sequence[int], grays: GrayCheck | None, run: GrayPass | None = None) -> list[LayerPlan]:
        """Return the plans of some layers with `grays` looked for, or with what `run` needs to know of each handed to it."""
        recent, regional, _ = self.makers()
        out = []
        for k, (mask, defects) in zip(layers, recent.of_layers(layers, regional is not None or grays is not None), strict=True):
            if run is not None:
                run.begin(k, run.check.look(k, mask))
            out.append(self._plan(k, mask, defects, grays))
        return out

    def _plan(self, k: int, mask: LayerMask, defects: Defects, grays: GrayCheck | None) -> LayerPlan:
        """Return the plan of layer `k` from its plain mask and what is doubtful about it."""
        recent, regional, _ = self.makers()
        s = self.stages
        found = tuple(mesh_findings.layer_findings(defects, s.grid, k, s.repair))
        if s.corrector is not None:
            images, found = s.corrector.images(k), landed(found + s.corrector.findings(k), s.ladder.printer)
            return s.ladder.plan(images, s.grid, self._process.motion.at(k), found, mask.sum_px())
        if grays is not None:
            mask, more = grays.apply(k, mask, recent)
            found += more
        found = landed(found, s.ladder.printer)
        images, settings = ([(mask, 1.0)], None) if regional is None else regional.images(k, mask)
        covered_px = None if s.regions is None and s.ladder.even is None else mask.sum_px()
        return s.ladder.plan(images, s.grid, self._process.motion.at(k), found, covered_px, settings)

    def makers(self) -> tuple[RecentMasks, RegionalLight | None, GrayCheck | None]:
        """Return masks of all parts with those of layers around, what has doses of its own, and what looks for grays that never cure."""
        with self._lock:
            if self._made is None:
                s, mode = self.stages, self._process.coverage
                many = min(MOST_KEPT, LAYERS_KEPT + (0 if s.grays is None else s.grays.layers_above))
                maker = masks_of(s.parts, s.grid, mode, "none", s.offset) if s.modifiers is None else s.modifiers.maker
                recent = RecentMasks(maker, many)  # repaired already, or not to be
                regional, grays = None, s.grays
                if s.regions is not None:
                    from pmsl.pipeline.setup.region_light import RegionalLight

                    scales = () if len(s.regions.scales) == 1 else s.regions.scales
                    grown = None if s.offset is None else s.offset.grown()  # a group says whose a pixel is, the mask what is lit
                    groups = [masks_of([p for p in s.parts if p.dose_scale == scale], s.grid, mode, "none", grown) for scale in scales]
                    shares = None if s.modifiers is None else s.modifiers.shares
                    regional = RegionalLight(s.regions, recent, groups, s.ladder, many, shares)
                    grays = None if grays is None else replace(grays, given=regional)
                self._made = recent, regional, grays
            return self._made


class _InOrder(msgspec.Struct, frozen=True):
    """A run through the layers of a planner before `last`; `grays` looks on."""

    planner: Planner
    grays: GrayPass | None
    last: int

    def plans(self, layers: Sequence[int]) -> list[LayerPlan]:
        """Make some layers."""
        grays = self.planner.makers()[2] if self.grays is None else None
        return self.planner.plans(layers, grays, self.grays)

    def passed(self, k: int) -> None:
        """Let layer k be the next."""
        if self.grays is not None:
            self.grays.passed(k)

    def findings(self) -> tuple[Finding, ...]:
        """Return what the run has shown; layers above it are made where they could light what it left dark."""
        if self.grays is None:
            return ()
        recent = self.planner.makers()[0]
        self.grays.beyond(self.last, self.planner.stages.grid.n_layers, recent.plain)
        return landed(self.grays.findings(), self.planner.stages.ladder.printer)
