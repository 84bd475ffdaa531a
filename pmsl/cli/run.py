"""What each command does, between the options and the pipeline."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pmsl import pipeline
from pmsl.cli import options
from pmsl.cli.show import clock, compiler_notice, layer_progress, say, say_findings, size_mm
from pmsl.core.finding import Finding, Severity
from pmsl.core.job import PrintJob
from pmsl.core.part import Solid
from pmsl.errors import FindingsError, JobError, OutputError, UsageError
from pmsl.formats import registry
from pmsl.formats.target import check_target
from pmsl.mesh import load_solid
from pmsl.profiles import (
    DEFAULT_PRINTER,
    DEFAULT_PROCESS,
    DEFAULT_RESIN,
    Printer,
    Process,
    Resin,
    find_printer,
    find_process,
    find_resin,
    library,
    library_text,
)
from pmsl.profiles.strict import Value


@dataclass(frozen=True, slots=True)
class Wishes:
    """Profile and placement options as they were typed."""

    printer: str | None
    resin: str | None
    process: str | None
    layer_um: float | None
    pitch_um: str | None
    field: str | None
    irradiance: float | None
    unit: str
    at: str | None
    rotate: str | None
    scale: str | None
    keep_place: bool

    def profiles(self) -> tuple[Printer, Resin, Process]:
        """Find the profiles and put the overrides in, each with its source."""
        printer = _override_printer(find_printer(self.printer or DEFAULT_PRINTER), self)
        process = find_process(self.process or DEFAULT_PROCESS)
        layer_um = options.positive(self.layer_um, "--layer-um", "µm")
        if layer_um is not None:
            process = msgspec.structs.replace(process, layer_um=layer_um, layers=None)
        return printer, find_resin(self.resin or DEFAULT_RESIN), process

    def placement(self) -> dict[str, Any]:
        """Return the options of `pmsl.place`."""
        return {
            "at_um": options.at_um(self.at),
            "rotate_deg": options.rotate_deg(self.rotate),
            "scale": options.scale(self.scale),
            "keep_place": self.keep_place,
        }

    def defaults_used(self) -> str:
        """Name the default profiles that were used, or nothing."""
        used = [
            (self.printer, "printer", DEFAULT_PRINTER),
            (self.resin, "resin", DEFAULT_RESIN),
            (self.process, "process", DEFAULT_PROCESS),
        ]
        names = [f"{word} {name}" for given, word, name in used if given is None]
        return f"defaults: {', '.join(names)}" if names else ""


def _override_printer(printer: Printer, wishes: Wishes) -> Printer:
    pitch, field = options.pitch_um(wishes.pitch_um), options.field_px(wishes.field)
    irradiance = options.positive(wishes.irradiance, "--irradiance", "mW/cm²")
    replace = msgspec.structs.replace
    if field is not None:
        printer = replace(printer, dmd=replace(printer.dmd, shape=Value(value=field, class_="measured", source="--field")))
    if pitch is not None:
        printer = replace(printer, optics=replace(printer.optics, pitch_um=Value(value=pitch, class_="measured", source="--pitch-um")))
    if irradiance is not None:
        if len(printer.optics.settings) != 1:
            raise UsageError(
                f"--irradiance: printer {printer.name} has {len(printer.optics.settings)} light settings; "
                "write the measured values into its TOML file"
            )
        setting = replace(printer.optics.settings[0], irradiance_mw_cm2=Value(value=irradiance, class_="measured", source="--irradiance"))
        printer = replace(printer, optics=replace(printer.optics, settings=[setting]))
    return printer


def slice_job(
    meshes: list[str],
    out: str,
    wishes: Wishes,
    *,
    format: str | None,
    threads: int | None,
    dose: bool,
    design: bool,
    preview: str | None,
    fail_on: Severity,
    force: bool,
    as_json: bool,
) -> None:
    """``pmsl slice``: load, place, prepare, write, preview."""
    began = time.perf_counter()
    target = Path(out)
    registry.choose(target, format)
    check_target(target, force)
    if preview is not None:
        _check_preview(Path(preview))
    printer, resin, process = wishes.profiles()
    placement = wishes.placement()
    if wishes.defaults_used() and not as_json:
        say(wishes.defaults_used())
    solids = [load_solid(mesh, wishes.unit) for mesh in meshes]
    try:
        with compiler_notice():
            placed = pipeline.place_for(solids, printer, resin, **placement)
            job = pipeline.prepare(placed, printer, resin, process)
            with layer_progress("slicing", as_json) as progress:
                written = pipeline.write(
                    job, target, format=format, dose=dose, design=design, threads=threads, force=force, progress=progress, fail_on=fail_on
                )
            if preview is not None:
                from pmsl.report import contact_sheet

                contact_sheet(job, preview)
    except FindingsError as err:
        if as_json:
            _print_json({"job": None, "error": str(err), "findings": [f.as_dict() for f in err.findings]})
        say_findings(err.findings)
        raise
    seconds = time.perf_counter() - began
    if as_json:
        _print_json({"job": out, **_job_facts(job, written.findings, written.estimate), "seconds": round(seconds, 3)})
        return
    say_findings(written.findings)
    e = written.estimate
    moved = f"; {placed.how}, shifted by ({placed.shift_um[0]:.3g}, {placed.shift_um[1]:.3g}) µm" if placed.shift_um else f"; {placed.how}"
    print(f"{out}: {job.n_layers} layers, {size_mm(*placed.bounds_um)}{moved}")
    print(f"{out}: print time {clock(e.print_time_s)}, resin {e.resin_ml * 1000:.4g} µl, sliced in {seconds:.1f} s")


def _check_preview(path: Path) -> None:
    if path.suffix.lower() != ".png":
        raise UsageError(f"--preview {path}: the name must end in .png")
    parent = path.absolute().parent
    if not parent.is_dir() or path.is_dir() or not os.access(path if path.exists() else parent, os.W_OK):
        raise OutputError(f"--preview {path}: cannot be written there; choose a folder that exists and is writable")


def _job_facts(job: PrintJob, findings: tuple[Finding, ...], estimate: Any) -> dict[str, Any]:
    rows, cols = job.grid.shape
    return {
        "layers": job.n_layers,
        "shape": [rows, cols],
        "pitch_um": job.grid.pitch_um.tolist(),
        "height_um": float(job.grid.z_edges_um[-1]),
        "printer": job.printer.name,
        "resin": job.resin.name,
        "process": job.process.name,
        "print_time_s": estimate.print_time_s,
        "resin_ml": estimate.resin_ml,
        "calibrated": job.calibrated,
        "placeholders": list(job.placeholders),
        "parts": [msgspec.to_builtins(p) for p in job.parts],
        "findings": [f.as_dict() for f in findings],
    }


def _print_json(item: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(item), indent=1).decode() + "\n")


def info(path: str, wishes: Wishes, *, as_json: bool) -> None:
    """``pmsl info``: a job is told by its job.json, everything else is a mesh."""
    where = Path(path)
    if where.is_dir() or where.suffix.lower() == ".zip":
        _info_job(path, as_json)
    else:
        _info_mesh(path, wishes, as_json)


def _info_job(path: str, as_json: bool) -> None:
    job = pipeline.read(path)
    estimate = job.estimate()
    facts = _job_facts(job, job.findings, estimate)
    if as_json:
        _print_json({"job": path, **facts})
        return
    rows, cols = job.grid.shape
    px, py = job.grid.pitch_um
    print(f"job       {path}")
    print(f"printer   {job.printer.name}: {cols} × {rows} px of {px:g} × {py:g} µm, {job.engines[0].wavelength_nm:g} nm")
    print(f"resin     {job.resin.name}, {estimate.resin_ml * 1000:.4g} µl cured")
    print(f"layers    {job.n_layers}, {facts['height_um']:g} µm high")
    print(f"time      {clock(estimate.print_time_s)}, motion included")
    for part in job.parts:
        print(f"part      {part.label}: {size_mm(*part.bounds_um)} at ({part.bounds_um[0][0]:g}, {part.bounds_um[0][1]:g}) µm")
    print(f"calibrated {'yes' if job.calibrated else 'no: placeholder ' + ', '.join(job.placeholders)}")
    say_findings(job.findings)


def _info_mesh(path: str, wishes: Wishes, as_json: bool) -> None:
    solid = load_solid(path, wishes.unit)
    printer, resin, process = wishes.profiles()
    facts = _mesh_facts(solid) | {"print": _print_facts(solid, wishes, printer, resin, process)}
    if as_json:
        _print_json(facts)
        return
    low, high = facts["bounds_um"]
    print(f"mesh      {path}: {facts['triangles']} triangles, read in {solid.unit}")
    print(f"size      {size_mm(low, high)}, from ({', '.join(f'{v / 1000:.6g}' for v in low)}) mm")
    print(f"volume    {facts['volume_um3'] * 1e-9:.6g} mm³")
    bodies = "1 body" if facts["bodies"] == 1 else f"{facts['bodies']} bodies"
    print(f"health    {'watertight' if facts['watertight'] else 'NOT watertight'}, {bodies}")
    p = facts["print"]
    if "refused" in p:
        print(f"print     refused: {p['refused']}")
    else:
        cost = f"{p['layers']} layers, {clock(p['print_time_s'])}, {p['resin_ml'] * 1000:.4g} µl"
        print(f"print     on {p['printer']} with {p['resin']}: {cost}")
    say_findings([*solid.findings, *solid.health.findings])


def _mesh_facts(solid: Solid) -> dict[str, Any]:
    health = solid.health
    return {
        "mesh": solid.source,
        "triangles": len(solid.faces),
        "unit": solid.unit,
        "bounds_um": solid.bounds_um.tolist(),
        "size_um": (solid.bounds_um[1] - solid.bounds_um[0]).tolist(),
        "volume_um3": health.volume_um3,
        "watertight": health.watertight,
        "winding_consistent": health.winding_consistent,
        "bodies": health.bodies,
        "sha256": solid.sha256,
        "findings": [f.as_dict() for f in (*solid.findings, *health.findings)],
    }


def _print_facts(solid: Solid, wishes: Wishes, printer: Printer, resin: Resin, process: Process) -> dict[str, Any]:
    """What printing the mesh would take; a refusal is told, not raised, for the mesh itself is readable."""
    from pmsl.errors import ExposureError, MeshError

    names = {"printer": printer.name, "resin": resin.name, "process": process.name}
    try:
        with compiler_notice():
            placed = pipeline.place_for([solid], printer, resin, **wishes.placement())
            s = pipeline.stages(placed.parts, printer, resin, process, placed.bounds_um)
    except (MeshError, ExposureError) as err:
        return names | {"refused": str(err)}
    scale = float(np.linalg.det(placed.parts[0].transform[:3, :3]))
    motion = process.motion.duration_s * s.grid.n_layers
    return names | {
        "layers": s.grid.n_layers,
        "print_time_s": float(s.ladder.time_s.sum()) + motion,
        "resin_ml": solid.health.volume_um3 * scale * 1e-12,
    }


def verify(path: str, *, as_json: bool) -> None:
    """``pmsl verify``: say what is wrong, exit 3 where anything is."""
    with layer_progress("verifying", as_json) as progress:
        problems = pipeline.verify(path, progress)
    if as_json:
        _print_json({"job": path, "sound": not problems, "problems": problems})
    for problem in problems:
        say(problem)
    if problems:
        raise JobError(f"{path}: {len(problems)} {'problem' if len(problems) == 1 else 'problems'} found; copy or slice the job again")
    if not as_json:
        print(f"{path}: sound")


def profiles(*, as_json: bool) -> None:
    """``pmsl profiles``: the library."""
    names = library()
    plural = {"printer": "printers", "resin": "resins", "process": "processes"}
    found: dict[str, Callable[[str], Printer | Resin | Process]] = {"printer": find_printer, "resin": find_resin, "process": find_process}
    entries = {plural[kind]: [{"name": n, "description": found[kind](n).description} for n in names[kind]] for kind in names}
    if as_json:
        _print_json(entries)
        return
    for kind, rows in entries.items():
        print(kind)
        for row in rows:
            print(f"  {row['name']:<22} {row['description']}")


def show_profile(name: str) -> None:
    """``pmsl profiles show``."""
    sys.stdout.write(library_text(name))


def warmup() -> None:
    """``pmsl warmup``."""
    began = time.perf_counter()
    with compiler_notice():
        pipeline.warmup()
    print(f"kernels ready in {time.perf_counter() - began:.1f} s")
