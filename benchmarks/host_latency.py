"""How long after it is asked for is a frame there, decoded and verified? And what does a tall job take to play?

Latency: frames of written jobs at 2560 x 1600, read from the disk (the files are in the system's cache) in random order, one
thread, one at a time: read, hash of the file, decode, hash of the mask, paint a C-contiguous 8-bit frame. Nothing is made
ahead, so this is what a host waits that was told at the last moment. "painted" is what it waits when the layer was made ahead.
The error counts pixels that differ from Pillow's reading of the same file.

Tall job: 30 000 layers on the simulated engine, verified first; peak memory beside that of a job of a tenth of the height.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import pmsl
from pmsl import host
from pmsl.formats.frames.device_frame import painted_frame

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("microfluidic_chip", "gyroid_lattice", "microneedle_array", "horn_antenna")
TALL = """
import resource, sys
import numpy as np, msgspec
import pmsl
from dataclasses import replace
layers, path = int(sys.argv[1]), sys.argv[2]
job = pmsl.read(path)
h = float(job.grid.thickness_um[0])
edges = np.arange(layers + 1) * h
g = job.grid
grid = pmsl.Grid(origin_um=g.origin_um, pitch_um=g.pitch_um, shape=g.shape, z_edges_um=edges)
travel = job.printer.stage.travel_um
stage = msgspec.structs.replace(job.printer.stage, travel_um=msgspec.structs.replace(travel, value=edges[-1] + 1e4))
printer = msgspec.structs.replace(job.printer, stage=stage)
n, read = job.n_layers, job.plan_layer
tall = replace(job, n_layers=layers, engines=(replace(job.engines[0], grid=grid),), printer=printer,
               plan_layer=lambda k: replace(read(k % n), index=k, z_top_um=float(edges[k + 1])))
m = pmsl.host.Simulation(tall)
status = pmsl.host.play(tall, m.engine, m.stage, clock=m.clock)
assert status.layers_done == layers
try:  # ru_maxrss counts what the process that made this one had
    print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024)
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part, then the tall job."""
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    with tempfile.TemporaryDirectory() as folder:
        for name in PARTS:
            path = Path(folder) / name
            pmsl.write(
                pmsl.prepare(pmsl.place([pmsl.load_solid(ROOT / "sample_meshes" / f"{name}.stl")], printer, resin), printer, resin), path
            )
            yield {"table": "latency of a frame, 2560 x 1600"} | _latency(name, path, 60 if quick else 600)
        path = Path(folder) / "f"
        small = pmsl.find_printer("pmsl-2um")
        solid = pmsl.load_solid(ROOT / "sample_meshes" / "f_orientation.stl")
        pmsl.write(pmsl.prepare(pmsl.place([solid], small, pmsl.find_resin("pr48-405")), small, "pr48-405"), path)
        yield {"table": "tall job, 1920 x 1080"} | _tall(path, 1000 if quick else 30_000)


def _latency(name: str, path: Path, count: int) -> dict[str, Any]:
    job = pmsl.read(path)
    lit = [k for k in range(job.n_layers) if job[k].exposures]
    wanted = np.random.default_rng(1).choice(lit, count)
    out = np.zeros(host.shots(job, lit[0])[0].frame.shape, np.uint8)
    cold, painted, cpu = [], [], []
    for k in wanted:
        began, used = time.perf_counter(), time.process_time()
        next(host.exposures(job, start=int(k), prefetch=0, out=[out]))
        cold.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
        mask = job[int(k)].exposures[0].mask
        began = time.perf_counter()
        painted_frame(mask, job.printer.orientation, out)
        painted.append(time.perf_counter() - began)
    k = int(wanted[-1])
    page = np.array(Image.open(io.BytesIO((path / "frames" / f"{k:05d}.png").read_bytes())))
    return {
        "part": name,
        "frames": count,
        "8-bit runs": int(np.mean([len(job[int(k)].exposures[0].mask.runs_8bit().col) for k in wanted[:20]])),
        "p50 ms": 1e3 * float(np.percentile(cold, 50)),
        "p99 ms": 1e3 * float(np.percentile(cold, 99)),
        "p99 CPU ms": 1e3 * float(np.percentile(cpu, 99)),
        "painted p50 ms": 1e3 * float(np.percentile(painted, 50)),
        "painted p99 ms": 1e3 * float(np.percentile(painted, 99)),
        "ERROR pixels": int((page != host.shots(job, k)[0].frame).sum()),
    }


def _tall(path: Path, layers: int) -> dict[str, Any]:
    began = time.perf_counter()
    peaks = [
        float(subprocess.run([sys.executable, "-c", TALL, str(n), str(path)], capture_output=True, text=True, check=True).stdout)
        for n in (layers // 10, layers)
    ]
    return {
        "layers": layers,
        "wall s": time.perf_counter() - began,
        "peak MiB": peaks[1],
        "peak MiB of a tenth": peaks[0],
        "bytes a layer": (peaks[1] - peaks[0]) * 2**20 / (0.9 * layers),
    }
