"""Job and design → Prediction, one layer after the other from the light side down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pmsl.core.parallel import default_threads, one_ahead, ordered_map
from pmsl.errors import JobError
from pmsl.fields.on_plate import on_plate
from pmsl.fields.stage_error import StageError, on_fine_plate
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.mesh.warp.warped_parts import warped_parts
from pmsl.optics import Lorentzian, psf_of
from pmsl.predict.measure.comparison import Comparison, SeenLayer
from pmsl.predict.measure.design_layers import DesignLayer, DesignLayers, design_parts
from pmsl.predict.prediction import Prediction
from pmsl.predict.seams import seam_facts, seam_findings

Watcher = Callable[[SeenLayer], None]


def simulate(
    job: PrintJob,
    design: Sequence[Part | Solid] | None = None,
    *,
    watch: Sequence[Watcher] = (),
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
    stage_error: StageError | None = None,
) -> Prediction:
    """Predict what a job prints and hold it against its design.

    Parameters
    ----------
    job : PrintJob
    design : sequence of Part or Solid, optional
        Where their coordinates are on the plate; left out, the parts of the job. Where the optics distort, it is held against the job in
        the picture, and what is found is told where it lands.
    watch : sequence of callable
        Called with every `SeenLayer`, from the light side down: pictures, sections, meshes.
    progress : callable, optional
        Called with (layers done, layers in all).
    threads : int, optional
        Layers read and cut at a time (default: one a processor); the result does not depend on it.
    stage_error : StageError, optional
        How far the stage is off that moves the fields of a plate, beside what the job knows of it.

    Returns
    -------
    Prediction

    Raises
    ------
    JobError
        No design; a damaged job; exposures that are not predicted so far.
    ExposureError
        A resin that cannot be added up.
    """
    fields, job = job, plate_of(job, stage_error)
    parts = design_parts(job) if design is None else tuple(p if isinstance(p, Part) else Part(solid=p, label=p.source) for p in design)
    facts = DesignLayers(warped_parts(parts, job.printer.field_map), job.grid)
    window = facts.window(_reach_px(job))
    many = default_threads(threads)
    comparison = Comparison(job, facts, window, ahead=min(max(many - 1, 0), 2))
    lit_ahead, probed_ahead = (one_ahead if many > least else iter for least in (1, 2))
    layers = _layers(job, facts, many if many > 2 else 1)  # of two processors a third thread takes more time than it gives
    lit = lit_ahead((comparison.sum.add(plan), here, below) for plan, here, below in layers)
    probed = probed_ahead((layer, comparison.edges_um(layer, here), here, below) for layer, here, below in lit)
    total = job.n_layers
    for n, layer in enumerate(probed, start=1):
        seen = comparison.add(*layer)
        for watcher in watch:
            watcher(seen)
        if progress is not None:
            progress(n, total)
    found = comparison.result()
    if stage_error is None:
        return found
    seams = seam_facts(fields, stage_error)
    said = seam_findings(seams, min(fields.printer.optics.pitch_um.value))
    return replace(found, seams=seams, findings=(*found.findings, *said))


def plate_of(job: PrintJob, stage_error: StageError | None) -> PrintJob:
    """Return a job of several fields as it is predicted: put together on the plate, of finer pixels where fields lie between these.

    Parameters
    ----------
    job : PrintJob
    stage_error : StageError, optional

    Raises
    ------
    JobError
        An error of the stage of a job of one field; as `on_plate` and `on_fine_plate`.
    """
    if stage_error is None:
        return on_plate(job)
    if job.tiles is None:
        raise JobError("--stage-error: the job has one field, which no stage moves; slice with --fields")
    return on_fine_plate(job, stage_error).job


def _reach_px(job: PrintJob) -> tuple[int, int]:
    if len(job.engines) > 1:
        from pmsl.predict.light.engines_light import reach_of_engines

        return reach_of_engines(job)
    psf = psf_of(job.printer)
    return (8, 8) if isinstance(psf, Lorentzian) else psf.reach_px


def _layers(job: PrintJob, design: DesignLayers, threads: int) -> Iterator[tuple[LayerPlan, DesignLayer, DesignLayer | None]]:
    """Yield plan and design of every layer from the top, with the design of the layer below."""

    def make(k: int) -> tuple[LayerPlan, DesignLayer]:
        return job[k], design.layer(k)

    before: tuple[LayerPlan, DesignLayer] | None = None
    for made in ordered_map(make, range(job.n_layers - 1, -1, -1), threads):
        if before is not None:
            yield *before, made[1]
        before = made
    if before is not None:
        yield *before, None
