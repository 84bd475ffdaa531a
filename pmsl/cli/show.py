"""What a person sees: progress on a terminal, findings, the compiler's notice. Silent in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from pmsl.core.finding import Finding


def say(text: str) -> None:
    """Print one line to standard error, where it does not disturb what is piped."""
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)


def say_findings(findings: Iterable[Finding]) -> None:
    """Print each finding in a line, to standard error."""
    for f in findings:
        where = (
            ""
            if f.layers is None
            else f" (layer {f.layers[0]})"
            if f.layers[0] == f.layers[1]
            else f" (layers {f.layers[0]}..{f.layers[1]})"
        )
        say(f"{f.severity}: {f.code}{where}: {f.message}")


@contextmanager
def layer_progress(label: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Give a progress callable that draws layers, layers/s and time left on a terminal; None in a pipe."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    speed = TextColumn("{task.fields[speed]}")
    columns: tuple[Any, ...] = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TextColumn("layers"), speed, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None, speed="")

        def step(done: int, total: int) -> None:
            rate = bar.tasks[task].finished_speed or bar.tasks[task].speed
            bar.update(task, completed=done, total=total, speed=f"{rate:.0f}/s" if rate else "")

        yield step


@contextmanager
def compiler_notice() -> Iterator[None]:
    """Say when kernels have to be compiled, and for how long it took; say when they cannot be kept."""
    from pmsl.kernels._jit import compile_watch, uncached

    with compile_watch(lambda: say("compiling kernels for this machine, once; this takes some seconds …")) as watch:
        yield
    if watch.seconds > 0:
        say(f"compiled kernels in {watch.seconds:.1f} s" + ("" if uncached else "; the next run loads them"))
    if uncached:
        say("no cache folder is writable: kernels are compiled in every run; set NUMBA_CACHE_DIR to a folder that is")


def clock(seconds: float) -> str:
    """Write a duration as people say it: 41 s, 12 min 05 s, 3 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size_mm(low: Any, high: Any) -> str:
    """Write the size of a box given in µm as mm."""
    return " × ".join(f"{(b - a) / 1000:.6g}" for a, b in zip(low, high, strict=True)) + " mm"


def plain(path: str) -> str:
    """Return a path as text that any encoding can hold: bytes outside Unicode are spelled out."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def print_json(item: Any) -> None:
    """Print a result as JSON, always UTF-8, to standard output."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(item), indent=1) + b"\n")
    sys.stdout.flush()
