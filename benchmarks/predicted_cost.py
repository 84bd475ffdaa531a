"""How far off is what `pmsl info` predicts, and `pmsl batch --dry-run` with it: slicing time, memory, disk, print time, resin?

Whole processes: `pmsl info MESH --json` tells, `pmsl slice --json` is what comes of it, in turn, medians of both. An error is
predicted over real, less one. The last rows have the medians of what errors are without their signs: below 0.25 is the aim.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import meshes
from measure import pmsl, process

SAMPLES = Path(__file__).resolve().parents[1] / "sample_meshes"
TEN = ("--printer", "pmsl-10um", "--resin", "pr48-405")
TWO = ("--printer", "pmsl-2um", "--resin", "pr48-405")
THIN = ("--printer", "dlp9000", "--layer-um", "2")
KINDS = ("seconds", "peak MiB", "disk MB", "print s", "resin µl")


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a mesh and printer, then the medians."""
    cases = [
        (SAMPLES / "microfluidic_chip.stl", ()),
        (SAMPLES / "microfluidic_chip.stl", ("--printer", "dlp-27um", "--layer-um", "2")),
        (SAMPLES / "gyroid_lattice.stl", (*TEN, "--layer-um", "5")),
        (SAMPLES / "microneedle_array.stl", TEN),
        (SAMPLES / "f_orientation.stl", TWO),
        (SAMPLES / "droplet_generator.stl", ("--layer-um", "2")),
        (SAMPLES / "microlens_array.stl", ("--layer-um", "0.5")),
        (SAMPLES / "mems_comb.stl", ("--layer-um", "1")),
        (SAMPLES / "spinneret.stl", ("--layer-um", "2")),
        (SAMPLES / "horn_antenna.stl", ("--layer-um", "5")),
    ]
    large = [meshes.ellipsoid80k(), meshes.ellipsoid1300k()]
    cases += [(mesh.path, (*TEN, "--layer-um", "20")) for mesh in large if mesh.path is not None]
    errors: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for path, options in cases[:4] if quick else cases:
        assert path is not None
        row = _row(path, options, 1 if quick else 3)
        for kind in KINDS:
            errors[kind].append(abs(row[f"ERROR {kind}"]))
        yield row
    for what, middle in (("median", statistics.median), ("largest", max)):
        yield {"table": what + " of the errors without their signs", **{f"ERROR {kind}": middle(errors[kind]) for kind in KINDS}}


def _row(path: Path, options: tuple[str, ...], repeats: int) -> dict[str, Any]:
    told, real = [], []
    for _ in range(repeats):
        facts = json.loads(process(pmsl("info", str(path), "--json", *options)).output)
        s, p = facts["slicing"], facts["print"]
        told.append((s["seconds"], s["peak_bytes"] / 2**20, s["disk_bytes"] / 1e6, p["print_time_s"], p["resin_ml"] * 1e3))
        with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
            out = Path(scratch) / "job"
            ran = process(pmsl("slice", str(path), "-o", str(out), "--json", *options))
            facts = json.loads(ran.output[ran.output.index("{") :])
            size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
        real.append((facts["seconds"], ran.peak_mib or float("nan"), size / 1e6, facts["print_time_s"], facts["resin_ml"] * 1e3))
    row: dict[str, Any] = {"part": path.stem, "options": " ".join(options), "layers": facts["layers"], "sampled": s["sampled_layers"]}
    for i, kind in enumerate(KINDS):
        a, b = (statistics.median(run[i] for run in some) for some in (told, real))
        row |= {f"{kind} told": a, f"{kind} real": b, f"ERROR {kind}": a / b - 1.0}
    return row
