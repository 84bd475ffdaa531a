"""Runs the benchmarks and prints their tables: python benchmarks/run.py [--quick] [--only NAME] [--json FILE]."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
import traceback
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

QUESTIONS = (
    *(
        "area_coverage",
        "volume_coverage",
        "corrections",
        "before_after",
        "validation",
        "calibration",
        "calibration_coverage",
        "predict_layers",
        "png_frames",
        "splash_images",
        "host_latency",
    ),
    *(
        "load",
        "end_to_end",
        "copies",
        "distortion",
        "scaling",
        "memory",
        "start_up",
        "predicted_cost",
        "checks",
        "batches",
        "two_photon_lines",
        "large_file",
        "defects",
        "peers",
        "peers_volume",
    ),
)


def cpu_model() -> str:
    """Return the processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        return names[0] if names else platform.machine()
    if platform.system() == "Darwin":
        return subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True).stdout.strip()
    return platform.processor() or platform.machine()


def header() -> dict[str, str]:
    """Name machine and versions; compile what has to be, so that no row below holds the compiler."""
    import numba
    import numpy

    import pmsl
    from pmsl.core.parallel import default_threads

    return {
        "machine": f"{cpu_model()}, {default_threads()} of {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "versions": f"Python {platform.python_version()}, numpy {numpy.__version__}, numba {numba.__version__}, pmsl {pmsl.__version__}",
        "kernel cache": warm(),
        "reading": "medians of repeated runs, first calls apart; only ratios within one run compare, seconds drift with the machine",
    }


def warm() -> str:
    """Fill the kernel cache and say what state it was in."""
    from pmsl import pipeline
    from pmsl.kernels._compiler.jit import compile_watch, uncached

    began = time.perf_counter()
    with compile_watch(lambda: None) as watch:
        pipeline.warmup()
    took = time.perf_counter() - began
    if uncached:
        return f"NOT writable: every process compiles; {watch.seconds:.1f} s of it are in every whole-process row"
    if watch.seconds:
        return f"was cold; compiled in {watch.seconds:.1f} s before any row, warm since"
    return f"warm, nothing compiled (kernels loaded and run in {took:.1f} s)"


def text(value: Any) -> str:
    """Write one cell."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def tables(rows: Iterable[dict[str, Any]]) -> list[Table]:
    """Make a table of all rows of the same name."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row.get("table", ""), []).append(row)
    out = []
    for title, group in groups.items():
        names = [n for n in dict.fromkeys(n for row in group for n in row) if n != "table"]
        table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
        for i, name in enumerate(names):
            words = isinstance(group[0].get(name), str) and i < 2
            table.add_column(name, justify="left" if words else "right", style="bold red" if name.startswith("ERROR") else None)
        for row in group:
            table.add_row(*(text(row.get(name)) for name in names))
        out.append(table)
    return out


def answer(name: str, quick: bool, console: Console) -> dict[str, Any]:
    """Run one file, print its tables, return what it measured."""
    module = import_module(name)
    doc = (module.__doc__ or name).strip()
    console.print(f"\n[bold]{name}[/bold]: {doc.splitlines()[0]}")
    console.print("\n".join(doc.splitlines()[2:]), style="dim", highlight=False)
    rows, failed = [], ""
    try:
        rows.extend(module.rows(quick))
    except Exception:  # one question that fails must not take the others with it
        failed = traceback.format_exc()
    for table in tables(r for r in rows if "skipped" not in r):
        console.print(table)
    for row in rows:
        if "skipped" in row:
            console.print(f"SKIPPED {row['skipped']}", style="yellow")
    if failed:
        console.print(failed, style="red", markup=False)
    return {"name": name, "question": doc.splitlines()[0], "rows": rows, "failed": failed}


def main() -> int:
    """Run what was asked for; 1 where a file failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and layers: does it run, not how fast")
    parser.add_argument("--only", action="append", choices=QUESTIONS, help="one file; may be given again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    wanted = parser.parse_args()
    console = Console() if Console().is_terminal else Console(width=260)
    told = header() | {"mode": "quick" if wanted.quick else "full"}
    for what, value in told.items():
        console.print(f"{what:<13} {value}", highlight=False)
    answers = [answer(name, wanted.quick, console) for name in wanted.only or QUESTIONS]
    if wanted.json:
        wanted.json.write_text(json.dumps({"header": told, "answers": answers}, indent=1) + "\n")
    return 1 if any(a["failed"] for a in answers) else 0


if __name__ == "__main__":
    raise SystemExit(main())
