"""How long does one wait before the work begins: imports, --help, and the compiler on the first run?

First and second run share a kernel cache (NUMBA_CACHE_DIR) that is empty at the start. The error column counts what
should not happen: modules loaded that must not be; kernels compiled, or the compiler imported, in a run whose kernels
are in the cache.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import meshes
from measure import pmsl, process, python

HEAVY = "sum(m in sys.modules for m in ('numba', 'trimesh', 'scipy', 'shapely'))"
WATCHED = """
import sys
from pmsl.kernels._compiler import jit
compile_kernel, names = jit.Kernel._compile, []
jit.Kernel._compile = lambda self, kinds: names.append(self.__name__) or compile_kernel(self, kinds)
from pmsl.cli import main
code = main()
print('\\ncompiled', len(names), 'numba' in sys.modules)
raise SystemExit(code)
"""


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the imports, then first and second run."""
    yield from _imports(3 if quick else 9)
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        yield from _first_runs(Path(scratch))


def _imports(repeats: int) -> Iterator[dict[str, Any]]:
    loads = "import sys; from pmsl.cli import main; sys.argv[1:] = ['--help']; main(); print('\\nheavy', " + HEAVY + ")"
    commands = [
        ("python -c pass", python("-c", "pass"), None),
        ("import numpy", python("-c", "import numpy"), None),
        ("import numpy, numba", python("-c", "import numpy, numba"), None),
        ("import pmsl", python("-c", "import pmsl"), python("-c", f"import sys, pmsl; print('heavy', {HEAVY})")),
        ("pmsl --help", pmsl("--help"), python("-c", loads)),
        ("pmsl profiles", pmsl("profiles"), None),
    ]
    for _, command, _ in commands:
        process(command)
    walls = [[process(command).wall_s for _, command, _ in commands] for _ in range(repeats)]
    for (what, _, asked), times in zip(commands, zip(*walls, strict=True), strict=True):
        heavy = None if asked is None else int(process(asked).output.split("heavy")[-1])
        yield {
            "table": "imports",
            "what": what,
            "ms": statistics.median(times) * 1e3,
            "min ms": min(times) * 1e3,
            "ERROR heavy modules": heavy,
        }


def _first_runs(scratch: Path) -> Iterator[dict[str, Any]]:
    stl = str(meshes.ellipsoid80k().path)
    job = ["--printer", "pmsl-10um", "--resin", "pr48-405", "--layer-um", "50", "--no-design"]
    extras = ["--dose", "--preview", str(scratch / "sheet.png")]
    runs = [
        ("warmup, empty cache", ["warmup"], False),
        ("warmup again", ["warmup"], True),
        ("slice after warmup", ["slice", stl, "-o", str(scratch / "a"), *job], True),
        ("slice --dose --preview after warmup", ["slice", stl, "-o", str(scratch / "b"), *job, *extras], True),
        ("verify after slice", ["verify", str(scratch / "b")], True),
        ("info MESH after warmup", ["info", stl], True),
    ]
    cache = scratch / "kernels"
    cache.mkdir()
    for what, arguments, cached in runs:
        ran = process(python("-c", WATCHED, *arguments), {"NUMBA_CACHE_DIR": str(cache)})
        compiled, compiler = ran.output.split("compiled")[-1].split()
        yield {
            "table": "compiler",
            "what": what,
            "wall s": ran.wall_s,
            "CPU s": ran.cpu_s,
            "kernels compiled": int(compiled),
            "kernels in cache": len(list(cache.rglob("*.pmslk"))),
            "ERROR needless": int(compiled) + (compiler == "True") if cached else 0,
        }
