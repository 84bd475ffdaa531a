"""Parts on a plate larger than a field → layers of several exposures, each a field at its place with its share of the light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from pmsl.checks import mesh_findings
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.core.packed_mask import PackedMask
from pmsl.correct.flat_field import EvenedMask, FlatFieldCompensation
from pmsl.errors import ExposureError, UsageError
from pmsl.exposure.images import Image
from pmsl.fields.on_plate import with_field
from pmsl.fields.order import ordered
from pmsl.fields.tile_masks import MaskSharer
from pmsl.fields.tiles import FieldLayout, Tile, count_for, fields_of, is_skewed, stage_of
from pmsl.fields.weights import induction_share
from pmsl.job.consistency import sum_problem
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.layer_source import Origin
from pmsl.job.print_job import STAGE_ERROR
from pmsl.job.printer_optics import required
from pmsl.mesh.part import Part, as_part
from pmsl.mesh.region import ImageSetting
from pmsl.mesh.solid import Solid
from pmsl.optics import flat_field
from pmsl.optics.grayscale import response
from pmsl.pipeline.field_light.field_findings import overlap_finding, stage_findings
from pmsl.pipeline.field_light.plate_strips import PlateStrips
from pmsl.pipeline.setup import lit_layers
from pmsl.pipeline.setup.corrections import CorrectedLayers, corrector_of
from pmsl.pipeline.setup.job_setup import JobSetup, stages
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.process import surfaces_placed

if TYPE_CHECKING:
    from pmsl.correct import Corrector
    from pmsl.pipeline.field_light.field_corrections import FieldCorrections
    from pmsl.pipeline.field_light.field_doses import FieldDoses

INDEX_BYTES = 256 << 20  # of meshes made ready for single fields
TRIANGLE_BYTES, FIELD_BYTES = 100, 1 << 20
PIXEL_SLACK = 1e-6
PLAIN_FIELDS = 64  # of a layer; the masks of more wait packed, so that memory does not follow the plate


class FieldedJob(msgspec.Struct, frozen=True, eq=False):
    """What a job of several fields is made of: its setup on the plate, its planner, the grid of a field, fields along x and y."""

    setup: JobSetup
    planner: FieldPlanner
    grid: Grid
    counts: tuple[int, int]
    requires: tuple[str, ...]


def plate_of(printer: Printer, layout: FieldLayout) -> Printer:
    """Return a printer whose one field is the plate: what parts are placed on."""
    return with_field(printer, layout.plate_px)


def layout_of(printer: Printer, process: Process, fields: str | tuple[int, int], size_um: Sequence[float]) -> FieldLayout:
    """Return so many fields, or of ``"auto"`` as many as parts of a size (x, y) [µm] need.

    Raises
    ------
    UsageError
        As `FieldLayout.of`; neither "auto" nor two numbers.
    """
    if isinstance(fields, tuple | list) and len(fields) == 2 and all(isinstance(n, int | np.integer) for n in fields):
        return FieldLayout.of(printer, process, (int(fields[0]), int(fields[1])))
    if fields != "auto":
        raise UsageError(f"fields {fields!r}: expected 'auto' or numbers of fields along x and y, like (3, 2)")
    stage, pitch = stage_of(printer), printer.optics.pitch_um.value
    skewed = is_skewed(stage)
    rows, cols = printer.field_px
    nx, ny = (
        count_for(max(int(np.ceil(um / p - PIXEL_SLACK)), 1), n, p, stage.step_um.value, fields_of(process), axis, skewed)
        for um, p, n, axis in zip(size_um, pitch, (cols, rows), "xy", strict=True)
    )
    return FieldLayout.of(printer, process, (nx, ny))


def staged_on_fields(
    pieces: Sequence[Solid | Part],
    printer: Printer,
    resin: Resin,
    process: Process,
    bounds_um: np.ndarray | None,
    accept_uncalibrated: bool,
    repair: str,
    weld_um: float | None,
    fields: str | tuple[int, int],
) -> FieldedJob:
    """Set up a job of several fields; parameters as of `pmsl.prepare`.

    Raises
    ------
    UsageError
        What is not offered with several fields; as `FieldLayout.of`.
    MeshError, ExposureError
        As `pmsl.prepare`, of the plate.
    """
    parts = [as_part(piece) for piece in pieces]
    check_offered(printer, resin, process)
    if parts and bounds_um is None:
        bounds_um = np.array([np.min([p.bounds_um()[0] for p in parts], axis=0), np.max([p.bounds_um()[1] for p in parts], axis=0)])
    layout = layout_of(printer, process, fields, (0.0, 0.0) if bounds_um is None else bounds_um[1, :2].tolist())
    even = FlatFieldCompensation.of(printer) if process.evened == "baked" else None
    plate = plate_of(printer, layout)

    def staged(n: int | None) -> FieldPlanner:
        s = stages(parts, plate, resin, process, bounds_um, accept_uncalibrated, repair, n, weld_um, even)
        s = replace(
            s, ladder=msgspec.structs.replace(s.ladder, printer=printer, even=None if even is None else _Brighter(even.dose_factor))
        )
        grid = Grid(origin_um=(0.0, 0.0), pitch_um=printer.optics.pitch_um.value, shape=printer.field_px, z_edges_um=s.grid.z_edges_um)
        return FieldPlanner(s, process, printer, resin, layout, grid, even)

    first = planner = staged(None)
    while (n := planner.layers_up_to_the_last_lit()) < planner.grid.n_layers:
        planner = staged(n)
    s = planner.setup
    left_out = () if planner is first else lit_layers.left_out((), first.setup.grid, s.grid.n_layers, first.setup.bounds_um)
    s = replace(s, findings=(*s.findings, *left_out, *stage_findings(layout), *planner.overlap_findings()))
    requires = (*required(printer, process), *((STAGE_ERROR,) if is_skewed(layout.stage) else ()))
    return FieldedJob(s, planner, planner.grid, layout.counts, requires)


class _Brighter(NamedTuple):
    """The last change of images whose grays are evened out field by field: doses grow."""

    dose_factor: float

    def __call__(self, images: Sequence[Image]) -> list[Image]:
        return [(mask, dose * self.dose_factor) for mask, dose in images]


def check_offered(printer: Printer, resin: Resin, process: Process) -> None:
    """Refuse what is not offered with several fields; raises `UsageError`."""
    lifted = "" if process.unreachable == "keep" else f"unreachable = {process.unreachable!r}"
    if what := lifted or ("" if printer.field_map is None else "optics.distortion of the printer"):
        raise UsageError(f"--fields: not offered with {what}; leave one of the two out")
    if surfaces_placed(process.corrections):
        from pmsl.pipeline.field_light.field_corrections import check_corrections  # few jobs have any

        check_corrections(printer, resin, process)


@dataclass(eq=False)
class FieldPlanner(CorrectedLayers):
    """Plans any layer of several fields from any thread, always the same."""

    setup: JobSetup
    process: Process
    printer: Printer
    resin: Resin
    layout: FieldLayout
    grid: Grid
    even: FlatFieldCompensation | None = None

    def __post_init__(self) -> None:
        s, light = self.setup, response(self.printer)
        flat = None if self.process.evened is not None else flat_field(self.printer)
        self._evenness = 1.0 if flat is None else float(flat.min())
        evened = None if self.even is None else EvenedMask
        self._sharer = MaskSharer.of(self.layout, light, flat if self.even is None else 1.0 / self.even.share, evened)
        self._response = light
        triangles = sum(len(part.solid.faces) for part in s.parts)
        self._most = max(4, INDEX_BYTES // (TRIANGLE_BYTES * triangles + FIELD_BYTES))
        rows = self.layout.y.count if self.layout.on_one_grid else 0  # a triangle is in one row, but for those across a seam
        self._strips = PlateStrips(s, self.layout, self.process.coverage, max(self._most, rows))
        collars_um = [region.dilate_um for part in s.parts for region in part.regions]
        self._grown_um = max(0.0, *self.process.xy_offsets_um, *collars_um) + self._edge_um()
        self._corrections, self._doses = self._corrections_of(), self._doses_of()
        heights = np.diff(self.grid.z_edges_um)
        self._f = [self._induction_share(float(d), float(h)) for d, h in zip(s.ladder.dose_mj_cm2, heights, strict=True)]

    def _corrections_of(self) -> FieldCorrections | None:
        s = self.setup
        if s.corrector is None:
            return None
        from pmsl.pipeline.field_light.field_corrections import FieldCorrections

        def corrector_in(grid: Grid) -> Corrector:
            corrector = corrector_of(s.parts, grid, with_field(self.printer, grid.shape), self.resin, self.process, s.ladder)
            assert corrector is not None
            return corrector

        faces = "printthrough" in surfaces_placed(self.process.corrections)
        return FieldCorrections(s.corrector, s.grid, self.layout, corrector_in, self.tiles, max(2, self._most // 2), faces)

    def _edge_um(self) -> float:
        """Return how far the edges of the process reach beyond parts [µm]."""
        regions, pitch = self.process.regions, max(self.layout.pitch_um)
        return 0.0 if regions is None else regions.edge_dilate_um or (regions.edge_dilate_px or 0.0) * pitch

    def _doses_of(self) -> FieldDoses | None:
        if self.setup.regions is None:
            return None
        from pmsl.pipeline.field_light.field_doses import FieldDoses  # few jobs have any

        return FieldDoses(self.setup, self.process, self.layout, max(2, self._most // 2))

    def _induction_share(self, dose_mj_cm2: float, height_um: float) -> float:
        if not self.blends:
            return 0.0
        return induction_share(self.setup.ladder.cure, dose_mj_cm2, height_um, self._evenness) * self._evenness

    @property
    def blends(self) -> bool:
        """Whether light of several fields falls on one place anywhere."""
        return self.layout.counts != (1, 1) and (self.layout.x.band_px > 0 or self.layout.y.band_px > 0 or not self.layout.on_one_grid)

    @property
    def corrector(self) -> FieldCorrections | None:
        """What corrects them."""
        return self._corrections

    @property
    def origin(self) -> Origin:
        """What another process needs to make the same layers."""
        s = self.setup
        return Origin(s.parts, s.bounds_um, repair=s.repair, fields=self.layout.counts)

    @property
    def times_s(self) -> np.ndarray:
        """How long the ordinary dose of each layer takes: (L,) [s]."""
        times: np.ndarray = self.setup.ladder.time_s
        return times

    def tiles(self, k: int) -> list[Tile]:
        """Return the fields of layer `k` that parts reach into."""
        return [tile for tile in self.layout.tiles(k) if self._reaches(tile)]

    def layers_up_to_the_last_lit(self) -> int:
        """Count the layers up to the last one with light; those of plain masks end so already."""
        if self._corrections is not None:
            return self._corrections.layers_up_to_the_last_lit()
        n = self.grid.n_layers
        while n > 0 and (self._doses is not None or self.setup.offset is not None) and not self(n - 1).exposures:
            n -= 1
        return n

    def __call__(self, k: int) -> LayerPlan:
        """Return the plan of layer `k`."""
        s, found, covered_px = self.setup, list[Finding](), 0.0
        shown, plans = dict[Tile, list[Exposure]](), list[LayerPlan]()
        if self._corrections is not None:
            self._corrections.prepare(k)
        for tile, mask, doubtful in self._strips.masks(self.tiles(k), k):
            found += () if doubtful is None else mesh_findings.layer_findings(*doubtful, k, s.repair)
            covered_px += self._sharer.covered_px(mask, tile)
            images, settings = self._images(tile, k, mask)
            plans.append(s.ladder.plan(images, self.grid, self.process.motion.at(k), settings=settings))
            exposures = [self._shared(e, tile, k) for e in plans[-1].exposures]
            if lit := [e for e in exposures if not e.mask.black_at_8_bit]:
                shown[tile] = lit if len(shown) < PLAIN_FIELDS else [replace(e, mask=PackedMask.of(e.mask)) for e in lit]
        exposures = [e for tile in ordered(list(shown), self.layout.order, k) for e in shown[tile]]
        if (excess := sum_problem(exposures, self.printer, self._response)) is not None:
            raise ExposureError(f"layer {k}: {excess}; overlap fields less")
        others = () if exposures else plans[0].findings  # parts lie on the plate
        others += () if self._corrections is None else self._corrections.findings(k)
        return replace(plans[0], exposures=tuple(exposures), findings=(*dict.fromkeys(found), *others), covered_px=covered_px)

    def _shared(self, exposure: Exposure, tile: Tile, k: int) -> Exposure:
        """Return an exposure of a field with its share of the light, at its place."""
        f = self._f[k]
        if self._doses is not None:
            height_um = float(self.grid.z_edges_um[k + 1] - self.grid.z_edges_um[k])
            f = self._induction_share(exposure.dose_mj_cm2 / (1.0 if self.even is None else self.even.dose_factor), height_um)
        mask, focus_um = self._sharer.shared(exposure.mask, tile, f), exposure.focus_um + tile.focus_um
        return replace(exposure, mask=mask, offset_um=tile.corner_um, focus_um=focus_um)

    def _images(self, tile: Tile, k: int, mask: LayerMask) -> tuple[list[Image], list[ImageSetting] | None]:
        """Return what a field of layer `k` is given before it is shared out: masks with dose factors, and how each is shown."""
        if self._doses is not None:
            return self._doses.images(tile, k)
        return [(mask if self._corrections is None else self._corrections.mask(tile, k), 1.0)], None

    def _reaches(self, tile: Tile) -> bool:
        """Tell whether parts reach into a field."""
        low, high = self.setup.bounds_um[:, :2] + np.array([[-1.0], [1.0]]) * self._grown_um
        corner = np.array(tile.corner_um)
        return bool((high > corner).all() and (low < corner + self.grid.size_um).all())

    def overlap_findings(self) -> list[Finding]:
        """Return what is to be said of overlaps."""
        s, k = self.setup, len(self._f) - 1
        if not self.blends or s.ladder.cure.induction_mj_cm2 == 0:
            return []
        height_um = float(self.grid.z_edges_um[k + 1] - self.grid.z_edges_um[k])
        return [overlap_finding(s.ladder.cure, float(s.ladder.dose_mj_cm2[k]), height_um, self._f[k], self.layout)]
