"""Parts on several light engines of a printer → one job: each engine's layers as if it were alone, together under one motion."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.errors import ExposureError, MeshError, ProfileError, UsageError
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.layer_source import InOrder, LayerSource
from pmsl.job.print_job import Engine, PrintJob
from pmsl.mesh.part import Part, as_part
from pmsl.mesh.solid import Solid
from pmsl.pipeline.engine_places import check_field, finding_of_engine, part_moved, region_of_engine
from pmsl.pipeline.setup.part_records import input_of, record_of_part
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.process import LayerHeights
from pmsl.profiles.resin import WAVELENGTH_SLACK_NM

OVERLAP_UM = 1e-3
Prepare = Callable[[Sequence[Solid | Part], Printer, Resin], PrintJob]


def engine_of(part: Part, printer: Printer) -> str:
    """Return the name of the light engine that a part is printed with: the first where it names none.

    Raises
    ------
    UsageError
        The printer has no engine that is called so.
    """
    names = printer.engine_names
    if not part.engine:
        return names[0]
    if part.engine not in names:
        known = ", ".join(name for name in names if name) or "one, without a name"
        raise UsageError(f"part {part.label}: engine {part.engine!r}; printer {printer.name} has {known}")
    return part.engine


def engines_used(parts: Sequence[Part], printer: Printer) -> tuple[str, ...]:
    """Return the engines that parts are printed with, in the printer's order; the first where there is no part."""
    used = {engine_of(part, printer) for part in parts}
    return tuple(name for name in printer.engine_names if name in used) or printer.engine_names[:1]


def alone(
    parts: Sequence[Solid | Part], bounds_um: np.ndarray | None, printer: Printer, resin: Resin, name: str
) -> tuple[list[Solid | Part], np.ndarray | None, Printer, Resin]:
    """Return parts and their box in the field of one engine, the printer with it alone, and the resin at its wavelength.

    Parameters
    ----------
    parts : sequence of Solid or Part
        In the field of the first engine.
    bounds_um : (2, 3) float64, optional
        Their box, where it is known [µm].
    printer : Printer
    resin : Resin
    name : str
        Of the engine.

    Raises
    ------
    MeshError
        Parts beyond the field of an engine that is not the first; of the first, who prepares its layers says so.
    """
    x, y = printer.engine_origin_um(name)
    view = printer.of_engine(name)
    material = resin.at(view.optics.wavelength_nm.value)
    if name != printer.engine_names[0]:
        check_field(list(map(as_part, parts)), printer, name)
    if x == y == 0.0:
        return list(parts), bounds_um, view, material
    return [part_moved(as_part(part), -x, -y) for part in parts], None, view, material


def by_engine(
    pieces: Sequence[Solid | Part],
    bounds_um: np.ndarray | None,
    printer: Printer,
    resin: Resin,
    process: Process,
    on_fields: bool,
    prepare: Prepare,
) -> PrintJob | tuple[list[Solid | Part], np.ndarray | None, Printer, Resin]:
    """Return the job of parts on several engines; of parts on one what `alone` gives.

    Parameters
    ----------
    pieces, bounds_um, printer, resin
        As of `alone`.
    process : Process
    on_fields : bool
        Whether they are to be printed on a plate of several fields.
    prepare : callable
        As of `engines_job`.

    Raises
    ------
    UsageError
        An engine that the printer does not have; fields with parts on several.
    """
    parts = list(map(as_part, pieces))
    named = engines_used(parts, printer)
    if len(named) == 1:
        return alone(pieces, bounds_um, printer, resin, named[0])
    if on_fields:
        raise UsageError(f"fields: not offered with parts on several light engines ({', '.join(named)}); print them with one")
    return engines_job(parts, printer, resin, process, prepare)


def engines_job(parts: Sequence[Part], printer: Printer, resin: Resin, process: Process, prepare: Prepare) -> PrintJob:
    """Make one job of parts on several engines.

    Parameters
    ----------
    parts : sequence of Part
        In the field of the first engine.
    printer : Printer
    resin : Resin
    process : Process
    prepare : callable
        Makes the job of the parts of one engine, in its field, of its printer and its resin.

    Raises
    ------
    UsageError
        What is not offered with several engines.
    ExposureError, MeshError, ProfileError
        As `pmsl.prepare`, with the engine's name; a resin that states no working curve at an engine's wavelength.
    """
    check_engines(printer, process)
    names = engines_used(parts, printer)
    jobs = []
    for name in names:
        own, _, view, material = alone([p for p in parts if engine_of(p, printer) == name], None, printer, resin, name)
        _check_curve(name, view, material, resin)
        try:
            jobs.append(prepare(own, view, material))
        except (ExposureError, MeshError, ProfileError, UsageError) as err:
            raise type(err)(f"engine {name}: {err}") from err
    return _joined(jobs, names, printer, resin)


def check_engines(printer: Printer, process: Process) -> None:
    """Refuse what is not offered with parts on several engines; raises `UsageError`."""
    asked = {
        f"corrections ({', '.join(process.corrections)}), which look at the light of one engine": bool(process.corrections),
        "layer heights that follow the geometry (layers of each engine would differ)": isinstance(process.layers, LayerHeights),
    }
    for what, there in asked.items():
        if there:
            raise UsageError(f"parts on several light engines of printer {printer.name}: not offered with {what}; leave one of the two out")


def _check_curve(name: str, printer: Printer, at: Resin, resin: Resin) -> None:
    """Refuse a resin that does not say what it does with the light of an engine."""
    light_nm, curve_nm = printer.optics.wavelength_nm.value, at.resin.wavelength_nm.value
    if abs(light_nm - curve_nm) > WAVELENGTH_SLACK_NM:
        stated = " and ".join(f"{nm:g}" for nm in sorted(resin.wavelengths_nm))
        raise ExposureError(
            f"engine {name} exposes at {light_nm:g} nm, and resin {resin.name} states Dp and Ec at {stated} nm only (they may differ by "
            f"{WAVELENGTH_SLACK_NM:g} nm): add a [[wavelength]] with dp_um and ec_mj_cm2 at {light_nm:g} nm to the resin"
        )


def _joined(jobs: Sequence[PrintJob], names: Sequence[str], printer: Printer, resin: Resin) -> PrintJob:
    """Return the job of all engines' jobs."""
    tallest = max(jobs, key=lambda job: job.n_layers)
    edges = tallest.grid.z_edges_um
    origins = [printer.engine_origin_um(name) for name in names]
    engines = tuple(
        dataclasses.replace(job.engines[0], name=name, grid=_grid(job.grid, origin, edges))
        for job, name, origin in zip(jobs, names, origins, strict=True)
    )
    designs = tuple(part_moved(part, *origin) for job, origin in zip(jobs, origins, strict=True) for part in job.design)
    firsts = np.cumsum([0, *(len(job.parts) for job in jobs)])
    said = [finding_of_engine(f, n, origin) for job, n, origin in zip(jobs, names, origins, strict=True) for f in job.findings]
    inputs = tuple(map(input_of, designs))
    return dataclasses.replace(
        tallest,
        engines=engines,
        printer=printer.unmoved(),
        resin=resin,
        provenance=msgspec.structs.replace(tallest.provenance, inputs=inputs),
        parts=tuple(map(record_of_part, designs)),
        n_layers=tallest.n_layers,
        plan_layer=EngineLayers(tuple(job.layer_source for job in jobs), tuple(job.n_layers for job in jobs), engines),
        design_of=lambda: designs,
        findings=(*said, *_overlaps(designs, printer)),
        placeholders=tuple(dict.fromkeys(name for job in jobs for name in job.placeholders)),
        requires=tuple(dict.fromkeys(name for job in jobs for name in job.requires)),
        regions=tuple(region_of_engine(r, int(n), o) for job, n, o in zip(jobs, firsts, origins, strict=False) for r in job.regions),
    )


def _grid(own: Grid, origin_um: tuple[float, float], edges_um: np.ndarray) -> Grid:
    return Grid(origin_um=origin_um, pitch_um=own.pitch_um, shape=own.shape, z_edges_um=edges_um)


def _overlaps(parts: Sequence[Part], printer: Printer) -> list[Finding]:
    """Say where boxes of parts on different engines overlap: the light of both counts there."""
    boxes = [(engine_of(part, printer), part.bounds_um()) for part in parts]
    for i, (a, box) in enumerate(boxes):
        for b, other in boxes[:i]:
            low, high = np.maximum(box[0], other[0]), np.minimum(box[1], other[1])
            if a != b and (high - low > OVERLAP_UM).all():
                text = (
                    f"parts on engines {b} and {a} overlap, or their boxes do: both shine there, and a point is solid where their doses, "
                    "each by its own Ec, add up to 1"
                )
                corners = tuple(low.tolist()), tuple(high.tolist())
                return [Finding(code="engines-overlap", severity="info", message=text, box_um=corners)]
    return []


@dataclass(frozen=True, slots=True, eq=False)
class EngineLayers(LayerSource):
    """The layers of several engines' jobs, each exposure with the number of its engine."""

    sources: tuple[LayerSource, ...]
    counts: tuple[int, ...]
    engines: tuple[Engine, ...]

    def __call__(self, k: int) -> LayerPlan:
        """Return the plan of layer `k`."""
        return self.joined(k, [(i, source(k)) for i, source in enumerate(self.sources) if k < self.counts[i]])

    def bare(self, k: int) -> LayerPlan:
        """Return the plan of layer `k` with fewer findings."""
        return self.joined(k, [(i, source.bare(k)) for i, source in enumerate(self.sources) if k < self.counts[i]])

    def in_order(self, last: int) -> InOrder:
        """Return a run through the layers before `last`."""
        return _TogetherInOrder(self, [s.in_order(min(last, n)) for s, n in zip(self.sources, self.counts, strict=True)])

    @property
    def times_s(self) -> np.ndarray | None:
        """How long the ordinary doses of all engines take in each layer: (L,) [s]."""
        total = np.zeros(max(self.counts))
        for source, n in zip(self.sources, self.counts, strict=True):
            if source.times_s is None:
                return None
            total[:n] += source.times_s[:n]
        return total

    def joined(self, k: int, plans: Sequence[tuple[int, LayerPlan]]) -> LayerPlan:
        """Return the plans of some engines for one layer as one."""
        pixels = [engine.grid.pixel_um2 for engine in self.engines]
        shown = [(e, i) for i, plan in plans for e in plan.exposures]
        said = [self.placed(f, i) for i, plan in plans for f in plan.findings]
        return dataclasses.replace(
            plans[0][1],
            exposures=tuple(dataclasses.replace(e, engine=i) for e, i in shown),
            findings=tuple(dict.fromkeys(said)),
            covered_px=sum(_covered_px(plan.covered_px, plan.exposures) * pixels[i] for i, plan in plans) / pixels[0],
            facts_of=None,
        )

    def placed(self, finding: Finding, i: int) -> Finding:
        """Return a finding of engine `i`'s own job as one of the whole."""
        engine = self.engines[i]
        x, y = engine.grid.origin_um.tolist()
        return finding_of_engine(finding, engine.name, (x, y))


def _covered_px(known: float | None, exposures: Sequence[Exposure]) -> float:
    return max((e.mask.sum_px() for e in exposures), default=0.0) if known is None else known


class _TogetherInOrder(msgspec.Struct, frozen=True):
    """Runs through the layers of several engines, side by side."""

    layers: EngineLayers
    runs: list[InOrder]

    def plans(self, layers: Sequence[int]) -> list[LayerPlan]:
        """Make some layers."""
        of_engine = []
        for run, n in zip(self.runs, self.layers.counts, strict=True):
            own = [k for k in layers if k < n]
            of_engine.append(dict(zip(own, run.plans(own) if own else [], strict=True)))
        return [self.layers.joined(k, [(i, plans[k]) for i, plans in enumerate(of_engine) if k in plans]) for k in layers]

    def passed(self, k: int) -> None:
        """Let layer k be the next."""
        for run, n in zip(self.runs, self.layers.counts, strict=True):
            if k < n:
                run.passed(k)

    def findings(self) -> tuple[Finding, ...]:
        """Return what else was noticed."""
        return tuple(self.layers.placed(f, i) for i, run in enumerate(self.runs) for f in run.findings())
