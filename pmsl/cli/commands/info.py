"""``pmsl info``: look at a mesh, a job or contours, and change nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import UnsetType

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, print_json, print_line, say_findings
from pmsl.core.measure_text import clock, size_mm
from pmsl.errors import PmslError, UsageError

if TYPE_CHECKING:
    from pmsl.cli.mesh_facts import Examined
    from pmsl.core.finding import Finding
    from pmsl.job.print_job import CorrectionRecord, PrintJob
    from pmsl.mesh.part import Part
    from pmsl.mesh.solid import Solid
    from pmsl.pipeline.slice_request import SliceRequest
    from pmsl.profiles import Printer, Process, Resin

NOT_READ = ("partial-file", "not-read", "pitch-guessed")  # findings of what a file did not say, or was not understood


@click.command("info")
@click.argument("path", type=options.FILE, metavar="MESH|JOB", help="A mesh, or a job folder or file of any format.")
@options.profiles
@options.options("irradiance", "unit", "repair", "weld_um", "rotate", "scale")
@options.doses
@options.json
def info_command(path: str, as_json: bool, **settings: Any) -> None:
    """Show what a mesh or a job is: sizes, volume, layers, print time, resin, findings."""
    from pmsl.formats import registry
    from pmsl.pipeline.slice_request import SliceRequest

    request = SliceRequest(meshes=[path], out="job", **settings)
    contours = _contours_of(path)
    if contours is None and registry.is_job(Path(path)):
        _refuse_doses(request, "a job")
        _info_job(path, as_json, options.panel_options(request.printer, request.pitch_um, request.field))
        return
    if contours is None or (contours["format"] == "3mf-slices" and contours["mesh"]):
        _info_mesh(request, as_json, contours)
        return
    _refuse_doses(request, "a file of contours")
    if as_json:
        print_json(contours)
    else:
        _print_contours(path, contours)


def _refuse_doses(request: SliceRequest, what: str) -> None:
    """Refuse options of doses where there is `what` instead of a mesh."""
    if request.has_doses:
        raise UsageError(f"--dose-scale, --region, --regions: {what} has its doses already; give the mesh it was made of")


def _info_job(path: str, as_json: bool, pixels: dict[str, Any]) -> None:
    from pmsl import pipeline
    from pmsl.cli.correction_facts import print_errors
    from pmsl.cli.depth_facts import depth_facts, depth_line
    from pmsl.cli.distortion_facts import distortion_line
    from pmsl.cli.job_facts import engine_views, fields_text, job_facts, pause_lines, pixels_text
    from pmsl.cli.light_facts import light_facts, light_lines
    from pmsl.cli.region_facts import print_regions
    from pmsl.formats import registry
    from pmsl.job.pauses import without_pauses

    format = registry.recognise(Path(path))
    job = pipeline.read(path, format.name, **pixels)
    estimate = job.estimate()
    facts = job_facts(job, job.findings, estimate)
    facts["depths"] = depth_facts(facts, job.resin)
    if as_json:
        partial = [f.message for f in job.findings if f.code in NOT_READ]
        print_json({"job": path, "format": format.name, "partial": partial, **facts})
        return
    print_line(f"job       {path} ({format.name})")
    first = f"engine {job.engines[0].name}, " if len(job.engines) > 1 and job.engines[0].name else ""
    print_line(f"printer   {job.printer.name}: {first}{pixels_text(job, 0)}")
    for i in range(1, len(job.engines)):
        print_line(f"engine {i}  {job.engines[i].name or 'another'}: {pixels_text(job, i)}")
    if job.tiles is not None:
        print_line(f"fields    {fields_text(job)}")
    if "distortion" in facts:
        print_line(f"distorted {distortion_line(facts['distortion'])}")
    print_line(f"resin     {job.resin.name}, {estimate.resin_ml * 1000:.4g} µl cured")
    print_line(f"layers    {job.n_layers}, {facts['height_um']:g} µm high")
    print_line(f"time      {clock(estimate.print_time_s)}, motion included{without_pauses(job.pauses)}")
    for line in pause_lines(job):
        print_line(f"pause     {line}")
    views = engine_views(job)
    for view in views:
        light = light_facts(view) if len(views) > 1 else facts
        for line in light_lines(light):
            print_line(line + (f" (engine {view.engines[0].name})" if len(views) > 1 else ""))
        if (depths := depth_facts(light, view.resin) if len(views) > 1 else facts["depths"]) is not None:
            print_line(f"depths    {depth_line(depths)}")
    _print_correction(job.correction)
    print_errors(job, job.findings)
    for part in job.parts:
        on = "" if isinstance(part.engine, UnsetType) else f", on engine {part.engine}"
        print_line(f"part      {part.label}: {size_mm(*part.bounds_um)} at ({part.bounds_um[0][0]:g}, {part.bounds_um[0][1]:g}) µm{on}")
    print_regions(job)
    print_line(f"calibrated {'yes' if job.calibrated else 'no: placeholder ' + ', '.join(job.placeholders)}")
    say_findings(job.findings)


def _print_correction(made: CorrectionRecord | None) -> None:
    if made is None:
        return
    print_line(f"corrected {', '.join(made.names)}")
    if made.halo_layers or made.block_layers > 1:
        beyond = f"; what lies beyond adds up to {made.error_bound:.1g} Ec" if made.error_bound else ""
        print_line(f"          in blocks of {made.block_layers} layers that look {made.halo_layers} toward the light{beyond}")
        print_line(f"          a host that asks on demand waits for {made.latency_layers} layers where a block begins")
        if not isinstance(made.exchange_passes, UnsetType):
            last = f"the last still changed pixels by up to {made.exchange_residual_levels} of 255 levels"
            end = last if made.exchange_residual_levels else "the last changed nothing"
            print_line(f"          grays and what recoating exchanges found in {made.exchange_passes} passes; {end}")
        if "optimise" in made.names:
            print_line("          levels near corners and small features solved again (optimised-walls)")
        print_line("          surfaces that face the light are not placed by dose: turn optical surfaces to the plate")


def _contours_of(path: str) -> dict[str, Any] | None:
    """Return what is in a file of contours; None of any other file."""
    import numpy as np

    from pmsl.formats import registry
    from pmsl.formats.contourfiles import ContourFile, slice_3mf

    is_3mf = path.lower().endswith(".3mf")
    if is_3mf and not (os.path.isfile(path) and slice_3mf.has_slices(Path(path))):  # a pipe would be waited for
        return None
    if not is_3mf and not registry.is_job(Path(path)):
        return None
    format = registry.recognise(Path(path))
    if not isinstance(format, ContourFile):
        return None
    found = format.contours(Path(path))
    points = found.xy_um if len(found.xy_um) else np.zeros((1, 2))
    return {
        "job": path,
        "format": format.name,
        "mesh": is_3mf and not slice_3mf.stands_in(Path(path)),
        "layers": found.n_layers,
        "rings": len(found.ring_start) - 1,
        "points": len(found.xy_um),
        "z_um": [float(found.z_um[0]), float(found.z_um[-1])],
        "bounds_um": [points.min(0).tolist(), points.max(0).tolist()],
    }


def _print_contours(path: str, facts: dict[str, Any]) -> None:
    print_line(f"contours  {path} ({facts['format']}): {facts['rings']} rings of {facts['points']} points; no masks, times or doses")
    print_line(f"layers    {facts['layers']}, cut at {facts['z_um'][0]:g} to {facts['z_um'][1]:g} µm")
    print_line(f"size      {size_mm(*facts['bounds_um'])} at ({', '.join(f'{v:g}' for v in facts['bounds_um'][0])}) µm")


def _info_mesh(request: SliceRequest, as_json: bool, contours: dict[str, Any] | None) -> None:
    from pmsl.cli.depth_facts import depth_facts, depth_line
    from pmsl.cli.light_facts import light_lines
    from pmsl.cli.mesh_facts import examined, mesh_facts
    from pmsl.cli.region_facts import print_regions
    from pmsl.mesh import load_solid
    from pmsl.pipeline.request.region_file import dressed

    (path,) = request.meshes
    solid = load_solid(path, request.unit)
    printer, resin, process = request.profiles()
    weld_um = request.weld_within_um(printer)

    def load(mesh: str) -> Solid:
        return load_solid(mesh, request.unit).repaired(request.repair, weld_um)

    (dosed,) = dressed([solid], request.dose_scales(), request.region_tables(), load)
    with compiler_notice():
        slicing = _slicing_facts(request)  # first, so that it loads its kernels, as slicing does
        found = examined(solid, request.repair, weld_um)
    facts = mesh_facts(found) | {"print": _print_facts(found, request, printer, resin, process)}
    job = None
    if request.has_doses and "refused" not in facts["print"]:
        job = _dosed(dosed, found, request, printer, resin, process, facts, slicing)
    if "refused" not in facts["print"]:
        facts["slicing"] = slicing
        if any(process.xy_offsets_um) and "resin_ml" in slicing:  # the mesh's volume is not what is printed
            facts["print"]["resin_ml"] = slicing["resin_ml"]
    if contours is not None:
        facts["contours"] = contours
    if "refused" not in facts["print"]:
        facts["print"]["depths"] = depth_facts(facts["print"], resin)
    if as_json:
        print_json(facts)
        return
    if contours is not None:
        _print_contours(path, contours)
    low, high = facts["bounds_um"]
    print_line(f"mesh      {path}: {facts['triangles']} triangles, read in {solid.unit}")
    print_line(f"size      {size_mm(low, high)}, from ({', '.join(f'{v / 1000:.6g}' for v in low)}) mm")
    print_line(f"volume    {facts['volume_um3'] * 1e-9:.6g} mm³")
    bodies = "1 body" if facts["bodies"] == 1 else f"{facts['bodies']} bodies"
    print_line(f"health    {'watertight' if facts['watertight'] else 'NOT watertight'}, {bodies}")
    for repair_done in facts["repairs"]:
        print_line(f"repaired  {repair_done}")
    p = facts["print"]
    if "refused" in p:
        print_line(f"print     refused: {p['refused']}")
    else:
        cost = f"{p['layers']} layers, {clock(p['print_time_s'])}, {p['resin_ml'] * 1000:.4g} µl"
        print_line(f"print     on {p['printer']} with {p['resin']}: {cost}")
        for line in light_lines(p):
            print_line(line)
        if p["depths"] is not None:
            print_line(f"depths    {depth_line(p['depths'])}")
        if job is not None:
            print_regions(job)
        print_line(f"slicing   {_slicing_words(facts['slicing'])}")
    say_findings((*found.findings, *(() if job is None else _of_doses(job, found))))


def _dosed(
    item: Solid | Part,
    found: Examined,
    request: SliceRequest,
    printer: Printer,
    resin: Resin,
    process: Process,
    facts: dict[str, Any],
    slicing: dict[str, Any],
) -> PrintJob | None:
    """Put into the facts of a mesh what doses of its own change; return its job, None where printing it so is refused."""
    import dataclasses

    from pmsl import pipeline
    from pmsl.cli.light_facts import light_facts
    from pmsl.cli.region_facts import region_facts
    from pmsl.mesh.part import Part

    part = dataclasses.replace(item, solid=found.printed) if isinstance(item, Part) else found.printed
    try:
        placed = pipeline.place_for([part], printer, resin, **request.placement())
        job = pipeline.prepare(placed, printer, resin, process, repair="none")
    except PmslError as err:
        facts["print"] = {name: facts["print"][name] for name in ("printer", "resin", "process")} | {"refused": str(err)}
        return None
    facts["print"] |= light_facts(job) | {"layers": job.n_layers, "regions": region_facts(job), "dose_scale": job.parts[0].dose_scale}
    facts["print"]["print_time_s"] = slicing.get("print_time_s", facts["print"]["print_time_s"])
    facts["findings"] += [f.as_dict() for f in _of_doses(job, found)]
    return job


def _of_doses(job: PrintJob, found: Examined) -> list[Finding]:
    """Return the findings of a job beside those of its mesh and profiles."""
    return [f for f in job.findings if f not in found.findings and f.code != "not-calibrated"]


def _print_facts(found: Examined, request: SliceRequest, printer: Printer, resin: Resin, process: Process) -> dict[str, Any]:
    """What printing the mesh would take; a refusal is told, not raised, for the mesh itself is readable."""
    import numpy as np

    from pmsl import pipeline
    from pmsl.cli.light_facts import ladder_facts

    names = {"printer": printer.name, "resin": resin.name, "process": process.name}
    if found.refusal is not None:
        return names | {"refused": str(found.refusal)}
    try:
        with compiler_notice():
            placed = pipeline.place_for([found.printed], printer, resin, **request.placement())
            s = pipeline.stages(placed.parts, printer, resin, process, placed.bounds_um, repair="none")
    except PmslError as err:
        return names | {"refused": str(err)}
    scale = float(np.linalg.det(placed.parts[0].transform[:3, :3]))
    motion = process.motion.duration_s(s.grid.n_layers)
    return names | {
        "layers": s.grid.n_layers,
        "print_time_s": float(s.ladder.time_s.sum()) + motion,
        "resin_ml": found.volume_um3 * scale * 1e-12,
        **ladder_facts(s.ladder, s.grid, process),
    }


def _slicing_facts(request: SliceRequest) -> dict[str, Any]:
    """What slicing the mesh into a folder would take here, by slicing a little of it."""
    from pmsl.pipeline.estimate.cost_estimate import predicted

    try:
        cost = predicted(request)
    except PmslError as err:
        return {"refused": str(err)}
    return {
        "seconds": cost.seconds,
        "peak_bytes": cost.peak_bytes,
        "disk_bytes": cost.disk_bytes,
        "sampled_layers": cost.sampled,
        "resin_ml": cost.resin_ml,
        "print_time_s": cost.print_time_s,
    }


def _slicing_words(s: dict[str, Any]) -> str:
    if "refused" in s:
        return f"refused: {s['refused']}"
    seconds = f"{s['seconds']:.2g} s" if s["seconds"] < 10 else clock(s["seconds"])
    size = f"{s['peak_bytes'] / 2**20:.0f} MiB of memory, {s['disk_bytes'] / 1e6:.3g} MB on disk"
    return f"about {seconds}, {size}, by {s['sampled_layers']} layers"
