"""``pmsl batch``: run or plan a batch, and show it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pmsl.cli import options
from pmsl.cli.terminal import LOG_MOST_S, is_log, print_json_line, print_line, printable, say, say_lines
from pmsl.core.measure_text import clock
from pmsl.errors import UsageError

if TYPE_CHECKING:
    from pmsl.core.finding import Severity

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
SHOWN = 12  # running jobs in the table
OnEvent = Callable[[dict[str, Any]], None]


@click.command("batch")
@click.argument("file", type=options.FILE, metavar="FILE.toml")
@click.option("--dry-run", is_flag=True, help="Slice a few layers of each job, predict what it costs, and write nothing.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Jobs at a time, each in its own process [default: one a processor].")
@click.option("--memory", metavar="SIZE", help="What all processes together may take, as 8GB; a job that cannot fit is refused.")
@options.option(
    "fail_on",
    default=None,
    show_default=False,
    help="Findings at or above this stop a job that does not say it itself [default: error].",
)
@click.option("--force", is_flag=True, help="Replace jobs in the out folder that no batch made, or that were changed since.")
@options.json
def batch_command(
    file: str, dry_run: bool, jobs: int | None, memory: str | None, fail_on: Severity | None, force: bool, as_json: bool
) -> int:
    """Slice all jobs of a batch file; run it again to go on where it ended."""
    from pmsl.batch import read_batch, scheduler

    cap = None if memory is None else memory_bytes(memory)
    batch = read_batch(file, fail_on)
    if dry_run:
        from pmsl.cli import batch_plan

        return batch_plan.show(batch, workers=jobs, memory_bytes=cap, force=force, as_json=as_json)
    with _event_printer(as_json) as show:
        code: int = scheduler.run(batch, workers=jobs, memory_bytes=cap, force=force, on_event=show).exit_code
    return code


def memory_bytes(text: str) -> int:
    """Read ``8GB``, ``512MiB``, ``8e9``: what a batch needs at least, or more; a number without a unit counts bytes."""
    from pmsl.pipeline.estimate.memory_estimate import WORKER_BYTES

    match = re.fullmatch(r"\s*([\d.]+(?:e\d+)?)\s*([kmgt]i?)?(b)?\s*", text, re.IGNORECASE)
    try:
        size = float(match[1]) * UNITS[(match[2] or "").lower()] if match else 0.0
    except ValueError:
        size = 0.0
    if match is None or not 0 < size < 1e18:
        raise UsageError(f"--memory {text!r}: expected a size above 0 like 8GB or 512MiB")
    if size < WORKER_BYTES:
        unit = match[2] or match[3]
        hint = "" if unit else f"; it has no unit: if MB or GB were meant, write {match[1]}MB or {match[1]}GB"
        raise UsageError(
            f"--memory {text!r}: read as {size:.6g} bytes, less than one process that slices takes before any mesh "
            f"({WORKER_BYTES / 2**20:.0f} MiB); give a size like 8GB or 512MiB{hint}"
        )
    return int(size)


@contextmanager
def _event_printer(as_json: bool) -> Iterator[OnEvent]:
    """Give what shows events: JSON lines, a live table on a terminal, a line a job in a log file, or only what went wrong and the end."""
    if as_json:
        yield print_json_line
    elif sys.stderr is not None and sys.stderr.isatty():
        with _Live() as live:
            yield live
    elif sys.stderr is not None and is_log(sys.stderr):
        yield _Log()
    else:
        yield _print_plain


def _print_plain(event: dict[str, Any]) -> None:
    """Say what went wrong, and the end."""
    if event["event"] == "job" and event["exit_code"]:
        _say_why(event)
    elif event["event"] == "end":
        _print_end(event)


class _Log:
    """Says in a log file which job has ended, and how many have; and now and then how far those are that run."""

    def __init__(self) -> None:
        self._ended, self._total, self._last = 0, 0, time.monotonic()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take an event."""
        match event["event"]:
            case "start":
                self._total = event["jobs"]
            case "progress" if time.monotonic() - self._last >= LOG_MOST_S:
                self._last = time.monotonic()
                say(f"{event['name']}: {event['done']}/{event['total']} layers")
            case "job":
                self._ended, self._last = self._ended + 1, time.monotonic()
                count = f"{self._ended}/{self._total} jobs: "
                if event["exit_code"]:
                    _say_why(event, count)
                else:
                    say(f"{count}{event['name']}: {event['state']}")
            case "end":
                _print_end(event)


def _say_why(event: dict[str, Any], head: str = "") -> None:
    """Say why a job is not done; a bug's reason has the lines of its traceback."""
    (say_lines if event["state"] == "failed" else say)(f"{head}{event['name']}: {event['state']}: {event['message']}")


def _print_end(event: dict[str, Any]) -> None:
    states = ", ".join(f"{n} {state}" for state, n in event["states"].items())
    print_line(f"{event['jobs']} jobs: {states}; in {clock(event['seconds'])}")
    print_line(f"print time {clock(event['print_time_s'])}, resin {event['resin_ml'] * 1000:.4g} µl in all that is done")


class _Live:
    """A table of what runs, under the lines of what went wrong."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._running: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._total = 0
        self._end: dict[str, Any] | None = None
        self._live = Live(console=Console(stderr=True), refresh_per_second=8, transient=True)

    def __enter__(self) -> _Live:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if self._end is not None:
            _print_end(self._end)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take an event."""
        name = event.get("name", "")
        match event["event"]:
            case "start":
                self._total = event["jobs"]
            case "job-start":
                self._running[name] = ""
            case "progress":
                self._running[name] = f"{event['done']}/{event['total']} layers"
            case "compiling":
                self._running[name] = "compiling kernels, once"
            case "job":
                self._running.pop(name, None)
                self._counts[event["state"]] = self._counts.get(event["state"], 0) + 1
                if event["exit_code"]:
                    _say_why(event)  # above the table
            case "end":
                self._end = event
        self._live.update(self._table())

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        for name, words in list(self._running.items())[:SHOWN]:
            table.add_row(Text(printable(name)), words)
        ended = sum(self._counts.values())
        table.add_row(f"{ended}/{self._total} jobs", ", ".join(f"{n} {state}" for state, n in self._counts.items()))
        return table
