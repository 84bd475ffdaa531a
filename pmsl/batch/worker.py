"""What runs in a worker process of a batch: it takes tasks, one after the other, and reports."""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Literal

import msgspec

from pmsl.batch.fingerprint import fingerprint
from pmsl.batch.journal import worker_lock
from pmsl.core.finding import Finding
from pmsl.errors import FindingsError, PmslError
from pmsl.pipeline.slice_jobs import SlicedJob, slice_job
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.profiles.tables.strict_struct import Strict
from pmsl.workers.process import ParentProcess

MAIN = "pmsl.batch.worker:main"
OFTEN_S = 0.25  # progress is not told more often
State = Literal["done", "findings", "refused", "bug"]


class Task(Strict, frozen=True, kw_only=True):
    """What a worker is to do: slice, or say what slicing would cost."""

    number: int
    request: SliceRequest
    predict: bool = False


class Report(Strict, frozen=True, kw_only=True):
    """What a worker says: how far it is (`total` layers), or how it ended.

    `facts` are layers, print time, resin and the like; `output` is the fingerprint of the target; `tired` asks for a new worker.
    """

    number: int
    state: State | Literal["progress", "compiling"]
    exit_code: int = 0
    message: str = ""
    findings: list[Finding] = []
    facts: dict[str, Any] = {}
    output: str = ""
    seconds: float = 0.0
    done: int = 0
    total: int = 0
    tired: bool = False


def main(starter_pid: int, out: str | None, slot: int) -> None:
    """Work until the starter is gone; `out` is the folder whose lock of this worker says that it lives."""
    starter = ParentProcess(starter_pid)
    _quiet()
    held = None if out is None else worker_lock(Path(out), f"{starter_pid}-{slot}")
    inbox = starter.inbox()
    while True:
        task = msgspec.json.decode(inbox.get(), type=Task)
        starter.send(msgspec.json.encode(_done(task, starter)))
        assert held is None or not held.closed  # locked to the end


def _quiet() -> None:
    """Send what libraries print to nowhere: a table is being drawn on this terminal."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        if stream is not None:
            stream.flush()
        os.dup2(nowhere, number)
    os.close(nowhere)


def _done(task: Task, starter: ParentProcess) -> Report:
    """Do a task; whatever happens is a report."""
    from pmsl.kernels._compiler.jit import compile_watch

    began = time.perf_counter()
    told = [began]

    def progress(done: int, total: int) -> None:
        if time.perf_counter() - told[0] > OFTEN_S:
            told[0] = time.perf_counter()
            starter.send(msgspec.json.encode(Report(number=task.number, state="progress", done=done, total=total)))

    def compiling() -> None:
        starter.send(msgspec.json.encode(Report(number=task.number, state="compiling")))

    try:
        with compile_watch(compiling):
            report = _predicted(task) if task.predict else _sliced(task, progress)
    except FindingsError as err:
        report = _failed(task, "findings", err.exit_code, str(err), list(err.findings))
    except PmslError as err:
        report = _failed(task, "refused", err.exit_code, str(err))
    except MemoryError:
        report = _failed(task, "refused", 3, "not enough memory; lower --jobs or --memory, or choose a smaller field", tired=True)
    except OSError as err:
        report = _failed(task, "refused", 3, f"{err.filename or task.request.out}: {err.strerror or err}")
    except Exception:
        report = _failed(task, "bug", 1, traceback.format_exc(), tired=True)
    return msgspec.structs.replace(report, seconds=time.perf_counter() - began)


def _failed(task: Task, state: State, code: int, message: str, findings: list[Finding] | None = None, tired: bool = False) -> Report:
    message = message.encode("utf-8", "backslashreplace").decode()
    return Report(number=task.number, state=state, exit_code=code, message=message, findings=findings or [], tired=tired)


def _sliced(task: Task, progress: Any) -> Report:
    made = slice_job(task.request, progress)
    if task.request.preview is not None:
        from pmsl.report import contact_sheet

        contact_sheet(made.job, task.request.preview)
    assert made.written is not None
    facts = facts_of(made)
    return Report(
        number=task.number,
        state="done",
        findings=list(made.written.findings),
        facts=facts,
        output=fingerprint(Path(task.request.out)),
    )


def facts_of(made: SlicedJob) -> dict[str, Any]:
    """Return what a summary says of a job that is on disk."""
    assert made.written is not None
    e = made.written.estimate
    return {
        "layers": made.job.n_layers,
        "print_time_s": e.print_time_s,
        "resin_ml": e.resin_ml,
        "findings": _counts(made.written.findings),
    }


def _counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for finding in findings:
        key = f"{finding.severity} {finding.code}"
        counts[key] = counts.get(key, 0) + 1
    return counts


def _predicted(task: Task) -> Report:
    from pmsl.pipeline.estimate.cost_estimate import rehearsed

    return Report(number=task.number, state="done", facts=msgspec.to_builtins(rehearsed(task.request)))
