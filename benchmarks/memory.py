"""Does the peak memory of a slice grow with the number of layers?

The same part at 250 to 2000 layers (the layer height halves), each a process of its own. Memory that is bounded by a few
layers stays level. The error column is the lit volume against the mesh's sections, as in end_to_end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import end_to_end
import meshes
from measure import pmsl, process


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a number of layers."""
    mesh = meshes.ellipsoid80k()
    base: float | None = None
    for layers in (250, 500) if quick else (250, 500, 1000, 2000):
        with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
            out = Path(scratch) / "job"
            options = (*end_to_end.W1, "--no-design", "--layer-um", str(5000.0 / layers))
            ran = process(pmsl("slice", str(mesh.path), "-o", str(out), *options))
            base = base or ran.peak_mib
            files = end_to_end.job_files(out)
            yield {
                "part": mesh.name,
                "layers": layers,
                "wall s": ran.wall_s,
                "peak MiB": ran.peak_mib,
                "peak/first": ran.peak_mib / base if ran.peak_mib and base else None,
                "job.json MB": len(files["job.json"]) / 1e6,
                "ERROR volume": end_to_end.volume_error(files, mesh),
            }
