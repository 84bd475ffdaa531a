"""What does pmsl simulate say of sample meshes printed plain and with --correct edges,printthrough, and what does a layer cost?

Parts of `sample_meshes/` on the default printer, pegda-nps-1.0-385 with enclosed memory stated, area coverage, 10 µm layers; jobs are
written and read back. Predicted by `pmsl.simulate`, which shares no code with what solves the corrections. Median and 95 % are of
absolute errors: of walls a probe every pixel, corners and features under 3 px included; of faces by area, columns within a pixel of a
wall left out. "Openings" are channels: all, blocked, open but not flushing. Lost are probes without a printed edge, and features.
Faces "up" look at the light, and no dose places them: `microlens_array` is printed as it lies, and with its lenses to the plate.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pmsl
from pmsl.profiles.tables.strict_struct import Value

SAMPLES = Path(__file__).resolve().parents[1] / "sample_meshes"
CORRECTIONS = ("edges", "printthrough")
TURNED = (180.0, 0.0, 0.0)
PARTS = {
    "grating": ("grating", (0.0, 0.0, 0.0)),
    "microlens array": ("microlens_array", (0.0, 0.0, 0.0)),
    "microlens array, lenses to the plate": ("microlens_array", TURNED),
    "microneedles": ("microneedle_array", (0.0, 0.0, 0.0)),
    "microfluidic chip": ("microfluidic_chip", (0.0, 0.0, 0.0)),
}


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield two rows a part: plain, corrected."""
    for part, (mesh, turn) in list(PARTS.items())[: 3 if quick else None]:
        for corrections in ((), CORRECTIONS):
            yield {"table": "predicted before and after", "part": part} | _row(mesh, turn, corrections)


def _job(mesh: str, turn: tuple[float, float, float], corrections: tuple[str, ...]) -> pmsl.PrintJob:
    from msgspec.structs import replace

    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    memory = Value(value="enclosed", class_="placeholder", source="stated for this benchmark")
    resin = replace(resin, resin=replace(resin.resin, memory=memory))
    placed = pmsl.place([pmsl.load_solid(SAMPLES / f"{mesh}.stl", unit="mm")], printer, resin, rotate_deg=turn)
    process = replace(pmsl.find_process("default"), corrections=corrections)
    return pmsl.prepare(placed, printer, resin, process, accept_uncalibrated=True)


def _row(mesh: str, turn: tuple[float, float, float], corrections: tuple[str, ...]) -> dict[str, Any]:
    began = time.process_time()
    job = _job(mesh, turn, corrections)
    with tempfile.TemporaryDirectory() as folder:
        pmsl.write(job, Path(folder) / "job.zip", threads=1)
        sliced = time.process_time()
        found = pmsl.simulate(pmsl.read(Path(folder) / "job.zip"), threads=1)
        predicted = time.process_time()
    epe, openings = found.epe_um, found.openings
    blocked = sum(o["blocked"] for o in openings)
    clogged = sum(o["flush_blocked"] and not o["blocked"] for o in openings)
    return {
        "light": "corrected" if corrections else "plain",
        "ERROR walls µm": _spread(epe),
        "ERROR faces down µm": _spread(found.z_error_um["down"]),
        "ERROR faces up µm": _spread(found.z_error_um["up"]),
        "IoU": None if found.iou is None else f"{found.iou:.4f}",
        "openings, blocked, not flushing": f"{len(openings)}, {blocked}, {clogged}" if openings else None,
        "lost: probes, features": f"{epe['lost']}, {len(found.lost)}",
        "layers": job.n_layers,
        "CPU ms a layer sliced": 1e3 * (sliced - began) / job.n_layers,
        "predicted": 1e3 * (predicted - sliced) / job.n_layers,
    }


def _spread(errors: dict[str, Any]) -> str | None:
    """Write median and 95 % of what was compared; what the solid swallowed besides."""
    swallowed, of = errors.get("merged_um2", errors.get("merged", 0)), errors.get("area_um2", errors.get("probes", 0))
    if errors["median_abs"] is None:
        return "all filled" if swallowed else None
    filled = swallowed / (of + swallowed if "area_um2" in errors else of)
    return f"{errors['median_abs']:.3f}, {errors['p95_abs']:.3f}" + (f" ({filled:.1%} filled)" if filled else "")
