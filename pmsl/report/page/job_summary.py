"""What a page says of a job in words and numbers: summary, engines, doses, findings, provenance. All text of files is text here too."""

from __future__ import annotations

from typing import Any

import msgspec

from pmsl.core.finding import SEVERITIES, Finding
from pmsl.core.finding_codes import CODES
from pmsl.core.measure_text import clock, size_mm
from pmsl.cure import CureModel
from pmsl.job.pauses import without_pauses
from pmsl.job.print_job import Estimate, PrintJob
from pmsl.optics.grayscale import response
from pmsl.report.page.layer_table import doses_known
from pmsl.version import __version__

UNKNOWN_DOSES = "The file states no irradiance, so doses are not known; times are."
DRAWN_DOSES = "A laser draws the layers: doses lie along its lines (pmsl.dose_map gives them), not in gray levels of frames."
NO_DESIGN = "The job holds no design (pixels only): nothing it prints can be held against what was meant."


def title_of(job: PrintJob) -> str:
    """Return what a page is about."""
    labels = list(dict.fromkeys(part.label for part in job.parts))
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "") if labels else job.provenance.placement


def summary(job: PrintJob, estimate: Estimate | None) -> list[list[str]]:
    """Return the lines of a page's summary: what, and its value; what it costs where that is known."""
    grid = job.grid
    sizes = sorted({size_mm(*part.bounds_um) for part in job.parts})
    material = job.resin.resin
    rows = [
        ["Part", title_of(job) + (f" ({len(job.parts)} parts)" if len(job.parts) > 1 else "")],
        ["Size", "; ".join(sizes[:3]) if sizes else "not known: no design"],
        ["Printer", job.printer.name],
        *(["Field", _field(job, i)] for i in range(len(job.engines))),
        ["Resin", job.resin.name],
        ["Process", job.process.name],
        ["Layers", f"{job.n_layers}, {_heights(grid.thickness_um)} high, {grid.z_edges_um[-1]:g} µm in all"],
    ]
    if estimate is not None:
        rows.append(["Print time", clock(estimate.print_time_s) + f", motion included{without_pauses(job.pauses)}"])
        rows.append(["Cured resin", f"{estimate.resin_ml * 1000:.4g} µl"])
    rows += [["Pause", f"before layer {p.before_layer}, at {grid.z_edges_um[p.before_layer]:g} µm: {p.message}"] for p in job.pauses]
    if doses_known(job):
        rows.append(["Cures", f"from {material.ec_mj_cm2.value:g} mJ/cm² on, to a depth of Dp = {material.dp_um.value:g} µm per factor e"])
    if job.correction is not None:
        rows.append(["Corrected", ", ".join(job.correction.names)])
        rows += _errors(job)
    rows.append(["Calibrated", "yes" if job.calibrated else "no: placeholders for " + ", ".join(job.placeholders)])
    return rows


def _errors(job: PrintJob) -> list[list[str]]:
    """Return where the surfaces of a corrected job will be with each memory, and as well as the resin's values are known."""
    from pmsl.correct.error_table import error_table, error_words

    table = error_table(job.findings, job.resin)
    if table is None:
        return []
    rows = []
    for row in table.rows[:3]:
        surfaces = (("walls", row.walls, "+.2f", "px"), ("faces to the plate", row.faces, "+.1f", "µm"))
        told = [f"{name} off by {error_words(error, form)} {unit}" for name, error, form, unit in surfaces if error is not None]
        rows.append([f"With {row.text}", "; ".join(told)])
    sd = [f"± {v:.2g} {unit}" for v, unit in ((table.walls_sd_px, "px"), (table.faces_sd_um, "µm")) if v is not None]
    return [*rows, ["Known to", f"{' and '.join(sd)} (one sd; {table.reason})"]]


def engine_facts(job: PrintJob) -> list[dict[str, Any]]:
    """Return pixels and light of every engine."""
    return [
        {
            "name": engine.name,
            "shape": list(engine.grid.shape),
            "pitch_um": engine.grid.pitch_um.tolist(),
            "origin_um": engine.grid.origin_um.tolist(),
            "wavelength_nm": engine.wavelength_nm,
        }
        for engine in job.engines
    ]


def dose_facts(job: PrintJob, flat: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what turns levels into doses; None where doses are not known."""
    if job.drawn or not doses_known(job):  # what is drawn has no levels
        return None
    return {"response": response(job.printer).tolist(), "ec_mj_cm2": CureModel.of(job.resin).ec_mj_cm2, "flat": flat}


def finding_facts(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Return findings, the worst first, each with the remedy that its code is registered with."""
    ordered = sorted(findings, key=lambda f: -SEVERITIES.index(f.severity))
    return [f.as_dict() | {"remedy": CODES[f.code].remedy if f.code in CODES else None} for f in ordered]


def provenance_facts(job: PrintJob) -> list[list[str]]:
    """Return where a job comes from: what, and its value."""
    made = job.provenance
    rows = [["Made by", f"pmsl {made.version}"], ["Placement", made.placement]]
    if made.shift_um is not None:
        rows.append(["Shift", ", ".join(f"{v:g}" for v in made.shift_um) + " µm"])
    for given in made.inputs:
        rows.append(["Mesh", f"{given.file}, read in {given.unit}"])
        rows.append(["SHA-256", given.sha256])
        rows += [["Repaired", repair] for repair in given.repairs]
    rows += [[name, text] for name, text in ({} if made.texts is msgspec.UNSET else made.texts).items()]
    if job.requires:
        rows.append(["A reader needs", ", ".join(job.requires)])
    rows.append(["Page by", f"pmsl {__version__}"])
    return rows


def profile_facts(job: PrintJob) -> dict[str, Any]:
    """Return printer, resin and process as used, for a page's tables; long texts such as images are cut."""
    whole = {"printer": job.printer, "resin": job.resin, "process": job.process}
    return {name: _shortened(msgspec.to_builtins(profile)) for name, profile in whole.items()}


def _shortened(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _shortened(value) for key, value in item.items() if value is not None}
    if isinstance(item, (list, tuple)):
        return [_shortened(value) for value in item[:64]]
    return item[:200] + "…" if isinstance(item, str) and len(item) > 200 else item


def _field(job: PrintJob, i: int) -> str:
    (rows, cols), (px, py) = job.engines[i].grid.shape, job.engines[i].grid.pitch_um
    name = job.engines[i].name
    return (f"{name}: " if name else "") + f"{cols} × {rows} px of {px:g} × {py:g} µm, {job.engines[i].wavelength_nm:g} nm"


def _heights(thickness: Any) -> str:
    low, high = float(thickness.min()), float(thickness.max())
    return f"{low:g} µm" if high - low < 1e-9 else f"{low:g} to {high:g} µm"
