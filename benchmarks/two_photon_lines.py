"""How many points a second does a two-photon job of a gyroid write as GWL, beside numpy's savetxt, and in what memory?

A cube of the sample gyroid, hatch 0.2 um, slices of 0.3 um, blocks of 140 um; 0.3 mm, with --quick 0.06 mm. The whole command is timed by
CPU seconds, on one thread; memory is its peak less that of one that only loads the mesh. Text is timed by itself for the points of one
slice; the error is that of the numbers read back, in nanometres.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from measure import in_turn, process

import pmsl
from pmsl.kernels.codec.point_lines import point_text
from pmsl.pipeline.two_photon import place_two_photon
from pmsl.profiles import find_two_photon_printer, find_two_photon_process, find_two_photon_resin

MESH = Path(__file__).parents[1] / "sample_meshes" / "gyroid_lattice.stl"
NAMES = ("two-photon-63x", "ip-dip-780", "two-photon")


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row for the whole command and one for the text."""
    edge_mm = 0.06 if quick else 0.3
    yield {"table": "GWL of a gyroid, the whole command"} | _command(edge_mm)
    yield {"table": "text of the points of one slice"} | _text(edge_mm)


def _command(edge_mm: float) -> dict[str, Any]:
    words = ["--printer", NAMES[0], "--resin", NAMES[1], "--process", NAMES[2], "--scale", repr(edge_mm), "--threads", "1", "--json"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "gyroid.gwl"
        made = process([sys.executable, "-m", "pmsl", "slice", str(MESH), "-o", str(out), *words])
        with open(out, "rb") as file:
            file.seek(-200, 2)
            points = int(file.read().rsplit(b", ", 1)[1].split()[0])
        size = out.stat().st_size
    loading = process([sys.executable, "-c", f"import pmsl, numba; pmsl.load_solid({str(MESH)!r})"])
    facts = json.loads(made.output)
    over = None if made.peak_mib is None or loading.peak_mib is None else made.peak_mib - loading.peak_mib
    return {
        "edge mm": edge_mm,
        "slices": facts["layers"],
        "blocks": facts["blocks"][0] * facts["blocks"][1],
        "points": points,
        "MB": size / 1e6,
        "CPU s": made.cpu_s,
        "points/s": None if made.cpu_s is None else points / made.cpu_s,
        "peak MiB": made.peak_mib,
        "over the mesh MiB": over,
    }


def _text(edge_mm: float) -> dict[str, Any]:
    printer, resin = find_two_photon_printer(NAMES[0]), find_two_photon_resin(NAMES[1])
    profile = find_two_photon_process(NAMES[2])
    placed = place_two_photon([pmsl.load_solid(MESH)], printer, resin, profile, scale=(edge_mm,) * 3)
    drawn = next(islice(pmsl.prepare_two_photon(placed, printer, resin, profile).draw(), 40, None))
    lines = max(drawn.blocks, key=lambda block: len(block.xy_um))
    nm = np.rint(1000.0 * lines.xy_um).astype(np.int64)
    table = np.column_stack([lines.xy_um, np.full(len(nm), drawn.z_um)])

    def ours() -> bytes:
        return point_text(nm, lines.start, b" 12.150\n", b"Write\n")

    def theirs() -> str:
        file = io.StringIO()
        np.savetxt(file, table, fmt="%.3f")
        return file.getvalue()

    ours()
    own_s, numpy_s = in_turn((ours, theirs), 5)
    read = np.array([line.split()[:2] for line in ours().split(b"\n") if line and line != b"Write"], float)
    return {
        "points": len(nm),
        "ours points/s": len(nm) / own_s,
        "savetxt points/s": len(nm) / numpy_s,
        "times": numpy_s / own_s,
        "error nm": float(np.abs(1000.0 * read - 1000.0 * lines.xy_um).max()),
    }
