"""What does a prediction cost beside slicing, in CPU seconds and for a megapixel of the part's window, and is it right?

Parts of `sample_meshes/`, jobs on disk, one thread, in one process after the kernels are loaded: writing the job, then predicting it.
The error is that of the roofs: the median of the faces that look down against the closed form for a thick roof, in µm.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pmsl

SAMPLES = Path(__file__).resolve().parents[1] / "sample_meshes"
PARTS = ("microfluidic_chip", "droplet_generator", "horn_antenna", "microneedle_array")


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part."""
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    for name in PARTS[: 2 if quick else None]:
        placed = pmsl.place([pmsl.load_solid(SAMPLES / f"{name}.stl")], printer, resin)
        job = pmsl.prepare(placed, printer, resin)
        with tempfile.TemporaryDirectory() as folder:
            yield {"table": "prediction beside slicing, one thread"} | _cost(name, job, Path(folder) / "job.zip", resin)


def _cost(name: str, job: Any, path: Path, resin: Any) -> dict[str, Any]:
    seconds = {"write": [], "predict": []}
    for _ in range(3):
        began = time.process_time()
        pmsl.write(job, path, force=True, threads=1)
        seconds["write"].append(time.process_time() - began)
        began = time.process_time()
        found = pmsl.simulate(pmsl.read(path), threads=1)
        seconds["predict"].append(time.process_time() - began)
    write, predict = (sorted(s)[1] for s in seconds.values())
    _, _, height, width = found.model["window_px"]
    mpx = height * width * job.n_layers / 1e6
    dp, h = resin.resin.dp_um.value, float(job.grid.thickness_um[0])
    roof = dp * math.log(1.5) - dp * math.log(-math.expm1(-h / dp))
    down = found.z_error_um["down"]["median"]
    return {
        "part": name,
        "Mpx": round(mpx, 1),
        "write CPU s": round(write, 2),
        "predict CPU s": round(predict, 2),
        "ratio": round(predict / write, 1),
        "ms a Mpx": round(1e3 * predict / mpx, 1),
        "ERROR of roofs, µm": None if down is None else round(down + roof, 3),
    }
