"""``pmsl batch --dry-run``: what each job will cost, and all of them."""

from __future__ import annotations

from typing import Any

from pmsl.batch import Batch, Outcome, Summary, scheduler
from pmsl.cli.terminal import print_json_line, print_line, printable
from pmsl.core.measure_text import clock
from pmsl.core.parallel import default_threads

NUMBERS = ("seconds", "peak_bytes", "disk_bytes", "print_time_s", "resin_ml", "layers")


def show(batch: Batch, *, workers: int | None, memory_bytes: int | None, force: bool, as_json: bool) -> int:
    """Predict, print a row a job and the totals; return the exit code of the worst job."""
    found = scheduler.plan(batch, workers=workers, memory_bytes=memory_bytes, force=force)
    size = max(1, min(workers or default_threads(), len(batch.jobs)))
    total = totals(found, size)
    if as_json:
        for outcome in found.outcomes:
            print_json_line({"event": "plan", "name": outcome.name, "state": _word(outcome), "message": outcome.message, **_facts(outcome)})
        print_json_line({"event": "plan-end", "exit_code": found.exit_code, "out": str(batch.out), **total})
        return found.exit_code
    _table(found)
    print_line(f"{len(batch.jobs)} jobs, {total['jobs']} to be sliced, into {batch.out}")
    print_line(
        f"about {clock(total['wall_s'])} with {size} at a time, {_mib(total['peak_bytes'])} at most, {_mb(total['disk_bytes'])} on disk; "
        f"print time {clock(total['print_time_s'])}, resin {total['resin_ml'] * 1000:.4g} µl"
    )
    return found.exit_code


def totals(found: Summary, workers: int) -> dict[str, Any]:
    """Return what all jobs that are to be sliced cost: `wall_s` with so many at a time, and the memory of the largest so many."""
    facts = [_facts(o) for o in found.outcomes if _word(o) == "to do"]
    seconds = [f["seconds"] for f in facts]
    peaks = sorted((f["peak_bytes"] for f in facts), reverse=True)
    return {
        "jobs": len(facts),
        "wall_s": max(sum(seconds) / workers, max(seconds, default=0.0)),
        "seconds": sum(seconds),
        "peak_bytes": sum(peaks[:workers]),
        "disk_bytes": sum(f["disk_bytes"] for f in facts),
        "print_time_s": sum(f["print_time_s"] for f in facts),
        "resin_ml": sum(f["resin_ml"] for f in facts),
    }


def _word(outcome: Outcome) -> str:
    return "to do" if outcome.state == "done" else outcome.state


def _facts(outcome: Outcome) -> dict[str, Any]:
    """Return the cost of a job; none where it is not to be sliced."""
    return {key: outcome.facts[key] for key in NUMBERS} if _word(outcome) == "to do" else {}


def _table(found: Summary) -> None:
    rows: list[tuple[str, ...]] = [("job", "layers", "slicing", "memory", "disk", "print time", "resin")]
    for outcome in found.outcomes:
        f, name = _facts(outcome), printable(outcome.name)
        if f:
            slicing = f"{f['seconds']:.2f} s" if f["seconds"] < 60 else clock(f["seconds"])
            cost = (slicing, _mib(f["peak_bytes"]), _mb(f["disk_bytes"]), clock(f["print_time_s"]), f"{f['resin_ml'] * 1000:.4g} µl")
            rows.append((name, str(f["layers"]), *cost))
        else:
            rows.append((name, outcome.state + (f": {outcome.message}" if outcome.message else ""), *[""] * 5))
    costs = [row for row in rows if row[2]]
    widths = [max(len(row[i]) for row in (rows if i == 0 else costs)) for i in range(7)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        print_line("  ".join(cells).rstrip() if row[2] else f"{cells[0]}  {row[1]}")


def _mib(size: float) -> str:
    return f"{size / 2**20:.0f} MiB"


def _mb(size: float) -> str:
    return f"{size / 1e6:.3g} MB"
