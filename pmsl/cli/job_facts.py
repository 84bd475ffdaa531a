"""What a program wants to know of a job, and how its engines are said in words."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from pmsl.cli.correction_facts import correction_facts
from pmsl.cli.distortion_facts import distortion_facts
from pmsl.cli.light_facts import light_facts
from pmsl.cli.region_facts import region_facts
from pmsl.core.finding import Finding
from pmsl.fields.tiles import FieldLayout, fields_of
from pmsl.formats.incomplete_job import WAVELENGTH
from pmsl.job.print_job import Estimate, PrintJob


def pixels_text(job: PrintJob, i: int) -> str:
    """Say what frames and light an engine has."""
    (rows, cols), (px, py) = job.engines[i].grid.shape, job.engines[i].grid.pitch_um
    unknown = " (placeholder)" if "printer.optics.pitch_um" in job.placeholders else ""
    return f"{cols}x{rows} px of {px:g} × {py:g} µm{unknown}, {_wavelength(job, i)}"


def fields_text(job: PrintJob) -> str:
    """Say what fields a plate is made of."""
    assert job.tiles is not None
    (nx, ny), (wide, high) = job.tiles, FieldLayout.of(job.printer, job.process, job.tiles).plate_um.tolist()
    fields = fields_of(job.process)
    joined = f"overlap {fields.overlap_px} px" if fields.band_px else "cut"
    moved = f"seams move {fields.moved_px} px a layer" if fields.moved_px else "seams stay"
    return f"{nx} × {ny} on a plate of {wide / 1000:.6g} × {high / 1000:.6g} mm, {joined}, {moved}"


def _field_facts(job: PrintJob) -> dict[str, Any] | None:
    if job.tiles is None:
        return None
    layout = FieldLayout.of(job.printer, job.process, job.tiles)
    return {
        "tiles": list(job.tiles),
        "plate_um": layout.plate_um.tolist(),
        "advance_px": [layout.x.advance_px, layout.y.advance_px],
        "stagger_px": [layout.x.stagger_px, layout.y.stagger_px],
        "on_one_grid": layout.on_one_grid,
    }


def _wavelength(job: PrintJob, i: int) -> str:
    return "wavelength not known" if _unknown_wavelength(job, i) else f"{job.engines[i].wavelength_nm:g} nm"


def _unknown_wavelength(job: PrintJob, i: int) -> bool:
    """Tell whether the wavelength of an engine only stands in for one that nobody said."""
    return i == 0 and WAVELENGTH in job.placeholders


def _light_of_engines(job: PrintJob) -> list[dict[str, Any]]:
    """Return the exposures of ordinary and other layers of each engine, where its printer has several."""
    views = engine_views(job)
    return [{"exposure": light_facts(view)["exposure"]} for view in views] if len(views) > 1 else [{}] * len(job.engines)


def _engine_facts(job: PrintJob, i: int) -> dict[str, Any]:
    engine = job.engines[i]
    rows, cols = engine.grid.shape
    return {
        "name": engine.name,
        "shape": [rows, cols],
        "pitch_um": engine.grid.pitch_um.tolist(),
        "wavelength_nm": None if _unknown_wavelength(job, i) else engine.wavelength_nm,
    }


def engine_views(job: PrintJob) -> list[PrintJob]:
    """Return a job of several engines of its printer once for each, with that engine's light alone; any other as it is."""
    if len(job.engines) == 1 or not job.printer.several:
        return [job]
    views = ((engine, job.printer_of(i), job.resin_of(i)) for i, engine in enumerate(job.engines))
    return [dataclasses.replace(job, engines=(engine,), printer=printer, resin=resin) for engine, printer, resin in views]


def _pause_facts(job: PrintJob) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(pause) | {"z_um": float(job.grid.z_edges_um[pause.before_layer])} for pause in job.pauses]


def pause_lines(job: PrintJob) -> list[str]:
    """Say where a job waits for the operator, a line each."""
    return [f"before layer {p['before_layer']}, at {p['z_um']:g} µm: {p['message']}" for p in _pause_facts(job)]


def job_facts(job: PrintJob, findings: tuple[Finding, ...], estimate: Estimate) -> dict[str, Any]:
    """Return what a program wants to know about a job, ready for JSON."""
    rows, cols = job.grid.shape
    return {
        "layers": job.n_layers,
        "shape": [rows, cols],
        "pitch_um": job.grid.pitch_um.tolist(),
        **({} if job.tiles is None else {"fields": _field_facts(job)}),
        **({} if job.printer.field_map is None else {"distortion": distortion_facts(job.printer)}),
        "engines": [_engine_facts(job, i) | light for i, light in enumerate(_light_of_engines(job))],
        "wavelength_nm": None if _unknown_wavelength(job, 0) else job.engines[0].wavelength_nm,
        "height_um": float(job.grid.z_edges_um[-1]),
        "printer": job.printer.name,
        "resin": job.resin.name,
        "process": job.process.name,
        "print_time_s": estimate.print_time_s,
        **({} if not job.pauses else {"pauses": _pause_facts(job)}),
        "resin_ml": estimate.resin_ml,
        **light_facts(job),
        "correction": correction_facts(job, findings),
        "calibrated": job.calibrated,
        "placeholders": list(job.placeholders),
        "parts": [msgspec.to_builtins(p) for p in job.parts],
        "regions": region_facts(job),
        "findings": [f.as_dict() for f in findings],
    }
