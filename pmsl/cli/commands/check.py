"""``pmsl check``: look meshes and jobs over before any light."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, layer_progress, print_json, print_line, say_findings
from pmsl.errors import FindingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pmsl.cli.mesh_facts import Examined
    from pmsl.core.finding import Finding
    from pmsl.mesh.solid import Solid
    from pmsl.pipeline.check_jobs import Predicted
    from pmsl.pipeline.slice_request import SliceRequest

OF_JOBS = {"printer", "resin", "process", "pitch_um", "field", "threads", "fail_on"}  # what counts for a job, which is sliced already


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=options.FILE, metavar="MESH|JOB...", help="Meshes, as one group, or jobs.")
@options.profiles
@options.options("coverage", "unreachable", "irradiance", "unit", "repair", "weld_um")
@options.options("at", "rotate", "scale", "keep_place", "copies", "spacing_um", "pack", "fields")
@options.doses
@options.options("threads", "correct")
@options.option("no_checks", help="Look at the surfaces of meshes only.")
@click.option("--predict", is_flag=True, help="Also predict the print: lost features and blocked channels; takes longer than to slice.")
@options.option("fail_on", default="warning", help="Findings at or above this end with exit 4.")
@options.json
@click.pass_context
def check_command(context: click.Context, /, files: tuple[str, ...], as_json: bool, predict: bool, **settings: Any) -> None:
    """Look meshes or jobs over before any light: surfaces, and by dose what floats, keeps resin or sucks. Nothing is written."""
    from pmsl.formats import registry
    from pmsl.pipeline.slice_request import SliceRequest

    jobs = [file for file in files if registry.is_job(Path(file))]
    if jobs and len(jobs) < len(files):
        raise UsageError(f"{jobs[0]} is a job, others are meshes: check jobs and meshes apart")
    if jobs:
        of_jobs = OF_JOBS if settings["printer"] is None else {*OF_JOBS, "irradiance"}
        options.refuse_options(
            context, settings.keys() - of_jobs, f"{jobs[0]} is a job, which is sliced already; leave what slices meshes out"
        )
    request = SliceRequest(meshes=list(files), out="job", **settings)
    if jobs:
        _check_jobs(request, as_json, _predicted(predict))
    else:
        _check_meshes(request, as_json, _predicted(predict))


def _predicted(asked: bool) -> Predicted | None:
    """Return what looks at the predicted print, where that is asked for."""
    if not asked:
        return None
    from pmsl.predict.check_findings import predicted_findings

    return predicted_findings


def _check_meshes(request: SliceRequest, as_json: bool, predicted: Predicted | None) -> None:
    from pmsl.cli.mesh_facts import examined, mesh_facts
    from pmsl.core.finding import reaches
    from pmsl.mesh import load_solid
    from pmsl.pipeline.check_jobs import mesh_job_findings

    fail_on, found = request.fail_on, tuple["Finding", ...]()
    weld_um = request.weld_within_um(request.profiles()[0])
    with compiler_notice():
        seen = [examined(load_solid(path, request.unit), request.repair, weld_um) for path in request.meshes]
        if not request.no_checks and all(mesh.refusal is None for mesh in seen):
            with layer_progress("checking", as_json) as progress:
                found = mesh_job_findings(request, progress, _reusable(request, seen), predicted)
    if as_json:
        looked = [mesh_facts(mesh) | {"sound": not reaches(mesh.findings, fail_on)} for mesh in seen]
        sound = all(m["sound"] for m in looked) and not reaches(found, fail_on)
        print_json({"sound": sound, "fail_on": fail_on, "meshes": looked, "findings": [f.as_dict() for f in found]})
    for path, mesh in zip(request.meshes, seen, strict=True):
        say_findings(mesh.findings)
        if not as_json:
            word = "findings" if reaches(mesh.findings, fail_on) else "sound"
            print_line(f"{path}: {word}, {len(mesh.solid.faces)} triangles, {mesh.volume_um3 * 1e-9:.6g} mm³")
    say_findings(found)
    failed = [path for path, mesh in zip(request.meshes, seen, strict=True) if reaches(mesh.findings, fail_on)]
    if reaches(found, fail_on):
        failed = list(request.meshes)
    _refuse(failed, [*(f for mesh in seen for f in mesh.findings), *found], fail_on)


def _reusable(request: SliceRequest, seen: Sequence[Examined]) -> dict[str, Solid]:
    """Return the meshes that were looked over, as slicing them starts with; with repair "none" it may know no more than their files."""
    return {} if request.repair == "none" else {path: mesh.printed for path, mesh in zip(request.meshes, seen, strict=True)}


def _check_jobs(request: SliceRequest, as_json: bool, predicted: Predicted | None) -> None:
    from pmsl.core.finding import reaches
    from pmsl.core.parallel import default_threads
    from pmsl.pipeline.check_jobs import job_findings, read_job, with_profiles
    from pmsl.pipeline.request.option_parsing import field_px, pitch_um

    machine, material, steps = request.profiles()
    printer, resin, process = machine if request.printer else None, material if request.resin else None, steps if request.process else None
    threads = default_threads(request.threads)
    found: dict[str, tuple[Finding, ...]] = {}
    layers: dict[str, int] = {}
    with compiler_notice():
        for path in request.meshes:
            job = read_job(Path(path), printer, pitch_um(request.pitch_um), field_px(request.field))
            layers[path] = job.n_layers
            with layer_progress(f"checking {Path(path).name}", as_json) as progress:
                found[path] = job_findings(with_profiles(job, printer, resin, process), threads, progress, predicted)
    sound = {path: not reaches(findings, request.fail_on) for path, findings in found.items()}
    if as_json:
        looked = [{"job": path, "layers": layers[path], "sound": sound[path]} for path in found]
        looked = [facts | {"findings": [f.as_dict() for f in found[str(facts["job"])]]} for facts in looked]
        print_json({"sound": all(sound.values()), "fail_on": request.fail_on, "jobs": looked})
    for path, findings in found.items():
        say_findings(findings)
        if not as_json:
            print_line(f"{path}: {'sound' if sound[path] else 'findings'}, {layers[path]} layers")
    _refuse([path for path in found if not sound[path]], [f for findings in found.values() for f in findings], request.fail_on)


def _refuse(failed: list[str], findings: list[Finding], fail_on: str) -> None:
    if failed:
        raise FindingsError(f"{', '.join(failed)}: there are findings at or above --fail-on {fail_on}", tuple(findings))
