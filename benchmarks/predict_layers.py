"""What does a prediction cost beside slicing, in time, on one core and for a megapixel of the part's window, and is it right?

Every part of `sample_meshes/`. "wall", "CPU": `pmsl slice` and `pmsl simulate` from start to end in turn, as a user runs them; "one core":
the same, all on one core. "inside": one thread of one process that has its kernels: writing a job that is prepared, then reading and
predicting it; start-up and loading the mesh, which slicing has more of, are left out, so this is the strictest. The bound is three
times slicing, or 6 ms a megapixel of the part's window (its layers together) where that is more.
The error is that of the roofs: the median of the faces that look down against the closed form for a thick roof, in µm.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Process, median_of, one_core, process
from measure import pmsl as command

import pmsl

SAMPLES = Path(__file__).resolve().parents[1] / "sample_meshes"
QUICK = ("microfluidic_chip", "f_orientation")
TIMES_SLICING, S_A_MPX = 3.0, 6e-3


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part."""
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    for mesh in sorted(SAMPLES.glob("*.stl")):
        if quick and mesh.stem not in QUICK:
            continue
        job = pmsl.prepare(pmsl.place([pmsl.load_solid(mesh)], printer, resin), printer, resin)
        with tempfile.TemporaryDirectory() as folder:
            yield {"table": "prediction beside slicing"} | _cost(mesh, job, Path(folder) / "job.zip", resin, 1 if quick else 5)


def _cost(mesh: Path, job: Any, path: Path, resin: Any, repeats: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"write": [], "predict": []}
    for _ in range(repeats):
        began = time.process_time()
        pmsl.write(job, path, force=True, threads=1)
        seconds["write"].append(time.process_time() - began)
        began = time.process_time()
        found = pmsl.simulate(pmsl.read(path), threads=1)
        seconds["predict"].append(time.process_time() - began)
    write, predict = (sorted(s)[repeats // 2] for s in seconds.values())
    slicing, simulation = _in_turn(mesh, path, repeats)
    with one_core() as can:
        alone = [p.wall_s for p in _in_turn(mesh, path, repeats)] if can else []
    _, _, height, width = found.model["window_px"]
    mpx = height * width * job.n_layers / 1e6
    dp, h = resin.resin.dp_um.value, float(job.grid.thickness_um[0])
    roof = dp * math.log(1.5) - dp * math.log(-math.expm1(-h / dp))
    down = found.z_error_um["down"]["median"]
    return {
        "part": mesh.stem,
        "Mpx": round(mpx, 1),
        **_held("wall", slicing.wall_s, simulation.wall_s, mpx),
        **_held("CPU", slicing.cpu_s or math.nan, simulation.cpu_s or math.nan, mpx),
        **(_held("one core", *alone, mpx) if alone else {}),
        **_held("inside", write, predict, mpx),
        "ms a Mpx": round(1e3 * predict / mpx, 1),
        "ERROR of roofs, µm": None if down is None else round(down + roof, 3),
    }


def _in_turn(mesh: Path, path: Path, repeats: int) -> list[Process]:
    """Slice and simulate in turn; of each, return the run of median wall time."""
    calls = command("slice", str(mesh), "-o", str(path), "--force"), command("simulate", str(path))
    ran = [[process(call) for call in calls] for _ in range(repeats)]
    return [median_of(column) for column in zip(*ran, strict=True)]


def _held(name: str, slicing: float, prediction: float, mpx: float) -> dict[str, Any]:
    """Columns of a comparison: both costs, their ratio, and the bound the second is held against."""
    bound = max(TIMES_SLICING * slicing, S_A_MPX * mpx)
    return {
        f"{name}: slice s": round(slicing, 3),
        f"{name}: simulate s": round(prediction, 3),
        f"{name}: ratio": round(prediction / slicing, 2),
        f"{name}: met": "yes" if prediction <= bound else "NO",
    }
