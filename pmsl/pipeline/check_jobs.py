"""What `pmsl check` does: meshes as they would be sliced, or a job of any format, looked over by dose before any light."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from pmsl.checks import DoseRule, check_layers, checks_of
from pmsl.checks.by_design import design_findings
from pmsl.checks.by_pixels import pixel_findings
from pmsl.checks.while_written import left_out
from pmsl.core.finding import Finding
from pmsl.core.parallel import default_threads
from pmsl.cure import CureModel, dose_for_depth_mj_cm2
from pmsl.cure.curve import MARGIN_FACTOR
from pmsl.errors import ExposureError, GridError, JobError, MeshError, NotCheckedError
from pmsl.fields.on_plate import on_plate
from pmsl.formats import registry
from pmsl.formats.incomplete_job import unsaid
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.layer_source import MappedLayers
from pmsl.job.print_job import PrintJob
from pmsl.job.printer_optics import landed
from pmsl.mesh import load_solid
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.optics.grayscale import response
from pmsl.pipeline.default_panel import read_with_default_panel
from pmsl.pipeline.io import read
from pmsl.pipeline.planner import prepare
from pmsl.pipeline.plates.plate_copies import place_for
from pmsl.pipeline.slice_jobs import prepare_job
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_PROCESS, DEFAULT_RESIN, Printer, Process, Resin, find_printer, find_process, find_resin
from pmsl.profiles.release import release_of

Progress = Callable[[int, int], None]
PREDICTED = "the print was not predicted for lost features and blocked channels"
Predicted = Callable[[PrintJob, int, Progress | None], tuple[Finding, ...]]


def check(
    source: str | Path | Solid | Part | Sequence[Solid | Part] | PrintJob,
    printer: Printer | str | None = None,
    resin: Resin | str | None = None,
    process: Process | str | None = None,
    *,
    unit: str = "mm",
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[Finding, ...]:
    """Look for what goes wrong in a print before any light: by what cures, not by gray levels.

    Parameters
    ----------
    source : str or Path, Solid or Part or a sequence of them, PrintJob
        A mesh file, which is placed as `pmsl slice` places it; solids where their coordinates are; a job, or a file of one of any format.
    printer, resin, process : profile, library name, or path of a TOML file, optional
        Of meshes by default those of `pmsl slice`. Of a job its own; given, they count instead.
    unit : {"mm", "um", "cm", "m", "inch"}
        Of a mesh file.
    threads : int, optional
        Layers made at a time (default: one a processor); the findings do not depend on it.
    progress : callable, optional
        Called with (layers done, layers in all).

    Returns
    -------
    tuple of Finding
        Each with its layers, its box, its value and the limit it is held against.

    Raises
    ------
    PmslError
        A mesh or job that cannot be read, or not be made.
    """
    machine = find_printer(printer) if isinstance(printer, str) else printer
    material = find_resin(resin) if isinstance(resin, str) else resin
    steps = find_process(process) if isinstance(process, str) else process
    many = default_threads(threads)
    if isinstance(source, PrintJob):
        return job_findings(with_profiles(source, machine, material, steps), many, progress)
    if isinstance(source, (str, Path)) and registry.is_job(Path(source)):
        return job_findings(with_profiles(read_job(Path(source), machine), machine, material, steps), many, progress)
    of = machine or find_printer(DEFAULT_PRINTER), material or find_resin(DEFAULT_RESIN), steps or find_process(DEFAULT_PROCESS)
    if isinstance(source, (str, Path)):
        job = prepare(place_for([load_solid(source, unit)], *of[:2]), *of)
    else:
        job = prepare([source] if isinstance(source, (Solid, Part)) else list(source), *of)
    return job_findings(job, many, progress)


def read_job(
    path: Path,
    printer: Printer | None = None,
    pitch_um: float | tuple[float, float] | None = None,
    field: tuple[int, int] | None = None,
) -> PrintJob:
    """Read a job; the printer also gives the pixels of a file that does not say its own.

    Parameters
    ----------
    path : Path
    printer : Printer, optional
    pitch_um, field
        As `pmsl.read`.
    """
    if pitch_um is not None or field is not None:
        return read(path, printer=printer, pitch_um=pitch_um, field=field)
    return read_with_default_panel(path, printer=printer)


def with_profiles(job: PrintJob, printer: Printer | None, resin: Resin | None, process: Process | None) -> PrintJob:
    """Return a job with other profiles where they are given: its light stays, what it is held against changes.

    Parameters
    ----------
    job : PrintJob
    printer, resin, process : Printer, Resin, Process, optional
    """
    if len(job.engines) == 1:
        printer = None if printer is None else printer.of_engine(job.engines[0].name)
        resin = None if resin is None else resin.at(job.engines[0].wavelength_nm)
    if printer is None and resin is None and process is None:
        return job
    made = replace(job, printer=printer or job.printer, resin=resin or job.resin, process=process or job.process)
    if printer is None or not _unknown_light(job):
        return made
    white = printer.optics.largest_irradiance_mw_cm2 / job.printer.optics.largest_irradiance_mw_cm2

    def with_doses(plan: LayerPlan) -> LayerPlan:
        return replace(plan, exposures=tuple(replace(e, dose_mj_cm2=e.dose_mj_cm2 * white) for e in plan.exposures))

    return replace(made, plan_layer=MappedLayers(job.layer_source, with_doses))


def _unknown_light(job: PrintJob) -> bool:
    return any(unsaid(s.irradiance_mw_cm2) for s in job.printer.optics.settings)


def job_findings(job: PrintJob, threads: int, progress: Progress | None = None, predicted: Predicted | None = None) -> tuple[Finding, ...]:
    """Make all checks of a job, by dose and by design; those that cannot be made are said.

    Parameters
    ----------
    job : PrintJob
    threads : int
    progress : callable, optional
        Called with (layers done, layers in all).
    predicted : callable, optional
        Finds more in the predicted print, where design, doses and resin are known: called with job, threads and progress.
    """
    try:
        job = on_plate(job)
    except JobError as err:
        return (left_out(str(err), "the plate was not checked"),)
    rule, said = dose_rule(job)
    if release_of(job.printer) is None:
        said.append(
            Finding(
                code="checks-left-out",
                severity="info",
                message=f"printer {job.printer.name} does not say what layers are lifted from: suction was not looked for; state "
                "stage.release, or give --printer",
            )
        )
    try:
        found = list(landed(check_layers(job, checks_of(job, channels=True), rule=rule, threads=threads, progress=progress), job.printer))
    except NotCheckedError as err:
        found = [left_out(str(err))]
    assumed = any(finding.code == "dose-assumed" for finding in said)
    more = () if predicted is None else _predicted(job, threads, progress, predicted, assumed)
    return (*said, *found, *_of_shape(job, threads), *more)


def _of_shape(job: PrintJob, threads: int) -> tuple[Finding, ...]:
    """Measure widths and overhangs: of the design, or of the masks of a job without one."""
    if not job.design and job.process.corrections:
        reason = "the job holds no design, and the grays of its corrections are not what cures"
        return (left_out(reason, "widths and overhangs were not measured"),)
    try:
        return design_findings(job, threads) if job.design else landed(pixel_findings(job, threads), job.printer)
    except NotCheckedError as err:
        return (left_out(str(err), "widths and overhangs were not measured"),)


def _predicted(job: PrintJob, threads: int, progress: Progress | None, predicted: Predicted, assumed: bool) -> tuple[Finding, ...]:
    """Find more in the predicted print, or say why that is not done."""
    if not job.design:
        return (left_out("the job holds no design", PREDICTED),)
    if assumed:
        return (left_out("its doses are assumed", PREDICTED),)
    try:
        return predicted(job, threads, progress)
    except JobError as err:
        return (left_out(str(err), PREDICTED),)


def dose_rule(job: PrintJob) -> tuple[DoseRule, list[Finding]]:
    """Return what the light of a job does, and what had to be assumed for it.

    Parameters
    ----------
    job : PrintJob
        One read from a file may not know its doses or its resin: white then counts as what cures `MARGIN_FACTOR` times Ec at the far face.
    """
    unknown_resin = unsaid(job.resin.resin.ec_mj_cm2)
    unknown_light = _unknown_light(job)
    if not (unknown_resin or unknown_light):
        return DoseRule.of(job), []
    resin = find_resin(DEFAULT_RESIN) if unknown_resin else job.resin
    model, relative = CureModel.of(resin), np.asarray(response(job.printer), np.float64)
    dp, ec = resin.resin.dp_um.value, resin.resin.ec_mj_cm2.value

    def levels_of(plan: LayerPlan) -> list[np.ndarray]:
        strongest = max((e.dose_mj_cm2 * e.repeat for e in plan.exposures), default=1.0) or 1.0
        white = MARGIN_FACTOR * dose_for_depth_mj_cm2(plan.thickness_um, dp, ec)
        return [relative * (white * e.dose_mj_cm2 / strongest) for e in plan.exposures]

    message = (
        f"the file does not say {'its resin' if unknown_resin else 'the irradiance of its printer'}: of every layer the strongest exposure "
        f"is taken to give {MARGIN_FACTOR:g} Ec at the far face, with Dp {dp:g} µm of {resin.name}; "
        "give --resin and --printer for its own doses"
    )
    return DoseRule(model, levels_of), [Finding(code="dose-assumed", severity="info", message=message)]


def mesh_job_findings(
    request: SliceRequest,
    progress: Progress | None = None,
    loaded: Mapping[str, Solid] | None = None,
    predicted: Predicted | None = None,
) -> tuple[Finding, ...]:
    """Make the checks of meshes as a request would slice them; where they cannot be sliced so, that is said.

    Parameters
    ----------
    request : SliceRequest
    progress : callable, optional
        Called with (layers done, layers in all).
    loaded : mapping of str to Solid, optional
        Meshes by path that are loaded, and repaired as the request says, already.
    predicted : callable, optional
        As of `job_findings`.
    """
    try:
        job = prepare_job(msgspec.structs.replace(request, accept_uncalibrated=True), loaded).job
    except (MeshError, GridError, ExposureError) as err:
        return (left_out(f"{err}"),)
    return job_findings(job, default_threads(request.threads), progress, predicted)
