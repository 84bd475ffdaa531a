"""The batch itself: what is done already, what starts when, what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pmsl.batch import journal as notes
from pmsl.batch.batch_file import Batch, Job
from pmsl.batch.fingerprint import FileHashes, fingerprint, identity, read_of
from pmsl.batch.pool import Died, JobWorker, WorkerPool
from pmsl.batch.summary import Outcome, Summary
from pmsl.batch.worker import Report, Task
from pmsl.core.parallel import default_threads
from pmsl.core.process_memory import resident_bytes
from pmsl.errors import OutputError, PmslError, UsageError
from pmsl.formats.container import drafts
from pmsl.pipeline.estimate.cost_estimate import check_folder
from pmsl.pipeline.estimate.memory_estimate import WORKER_BYTES, most_bytes
from pmsl.pipeline.slice_request import SliceRequest

PREVIEW = "preview"  # in the notes of a job: the picture that is its own
LOOK_AHEAD = 64  # jobs looked at for one that fits into the memory that is left
MIB = 1 << 20
OnEvent = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A job that has to be made: its order with what the batch adds, its identity, and the memory it may take."""

    request: SliceRequest
    identity: str
    peak_bytes: int


def run(
    batch: Batch, *, workers: int | None = None, memory_bytes: int | None = None, force: bool = False, on_event: OnEvent = lambda _: None
) -> Summary:
    """Make every job of a batch that is not made yet.

    Parameters
    ----------
    batch : Batch
    workers : int, optional
        Jobs at a time, each in a process of its own (default: one a processor).
    memory_bytes : int, optional
        What all processes together may take. A job that would not fit is refused; others wait until they fit.
    force : bool
        Replace also jobs that no batch made in this folder.
    on_event : callable, optional
        Called with every event, a dict: "start", "job-start", "progress", "compiling", "job", "end".

    Returns
    -------
    Summary
        Also written to the out folder.

    Raises
    ------
    BatchError, OutputError
        The out folder cannot be used. What happens to a job is in the summary.
    KeyboardInterrupt
        Workers are ended, nothing half-written is left, and the summary says how far it went.
    """
    began = time.perf_counter()
    with closing(notes.opened(batch.out)) as journal:
        drafts.sweep(batch.out)
        size = max(1, min(workers or default_threads(), len(batch.jobs)))
        made = _Run(batch, journal, WorkerPool(size, batch.out), memory_bytes, force, on_event)
        on_event({"event": "start", "out": str(batch.out), "jobs": len(batch.jobs), "workers": size, "memory_bytes": memory_bytes})
        try:
            with made.pool:
                made.all()
        finally:
            drafts.sweep(batch.out)
            summary = made.summary(time.perf_counter() - began)
            on_event({"event": "end", **summary.as_dict()})
            summary.write(batch.out)
        return summary


def plan(
    batch: Batch, *, workers: int | None = None, memory_bytes: int | None = None, force: bool = False, on_event: OnEvent = lambda _: None
) -> Summary:
    """Predict what every job of a batch will cost, by slicing a little of each (`cost_estimate`); nothing is written.

    Parameters as of `run`; a job that is there already is not looked at again.

    Returns
    -------
    Summary
        Facts of its outcomes are fields of `Cost`. What would stop a job is there as of `run`; of single layers, in those that are tried
        (`pmsl.pipeline.estimate.cost_estimate.rehearsed`).

    Raises
    ------
    OutputError
        The out folder cannot be made.
    """
    began = time.perf_counter()
    check_folder(batch.out.absolute())
    size = max(1, min(workers or default_threads(), len(batch.jobs)))
    with WorkerPool(size, None) as pool:
        made = _Run(batch, notes.seen(batch.out), pool, memory_bytes, force, on_event, predict=True)
        made.all()
    return made.summary(time.perf_counter() - began)


class _Run:
    """One run of a batch, or, with `predict`, a look at what it will cost."""

    def __init__(
        self,
        batch: Batch,
        journal: notes.Journal | notes.ReadOnlyJournal,
        pool: WorkerPool,
        memory_bytes: int | None,
        force: bool,
        on_event: OnEvent,
        predict: bool = False,
    ) -> None:
        self.pool = pool
        self._batch, self._journal, self._cap, self._force, self._on_event = batch, journal, memory_bytes, force, on_event
        self._predict = predict
        self._files = FileHashes()
        self._waiting = list(range(len(batch.jobs)))
        self._ready: dict[int, _Ready] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._threads = max(1, default_threads() // pool.size)

    def all(self) -> None:
        """Make all jobs."""
        while self._waiting or self.pool.busy:
            self._start()
            if self.pool.busy:
                for report in self.pool.reports():
                    self._handle(report)

    def summary(self, seconds: float) -> Summary:
        """Return what came of the jobs so far, in the order of the file."""
        rest = (Outcome(job.name, "cancelled", 130) for job in self._batch.jobs)
        return Summary(tuple(self._outcomes.get(i, other) for i, other in enumerate(rest)), seconds)

    def _start(self) -> None:
        """Start what can be started now."""
        at = 0
        while at < min(len(self._waiting), LOOK_AHEAD) and (self.pool.idle or len(self.pool.workers) < self.pool.size):
            number = self._waiting[at]
            ready = self._ready.get(number) or self._looked_at(number)
            if ready is None:
                del self._waiting[at]
            elif self._fits(ready):
                del self._waiting[at]
                self._begin(number, ready)
            elif not self.pool.busy and at == 0:  # nothing runs, so it will never fit
                del self._waiting[at]
                self._refuse(number, self._too_large(ready))
            else:
                at += 1

    def _looked_at(self, number: int) -> _Ready | None:
        """Return what has to be made; None where the job is done, or refused before it starts."""
        job = self._batch.jobs[number]
        try:
            mark = identity(job.request, self._files)
            note = self._journal.notes.get(job.name)
            there = fingerprint(Path(job.request.out)) if os.path.lexists(job.request.out) else ""
            if note is not None and (note.state, note.identity, note.output) == ("done", mark, there) and _preview_is_there(job):
                self._end(number, Outcome(job.name, "already done", 0, facts=note.facts))
                return None
            if there and not self._force:
                _check_ours(job, note, there)
            shown = job.request.preview is not None and os.path.lexists(job.request.preview)
            if shown and not self._force and (note is None or note.facts.get(PREVIEW) != job.request.preview):
                raise UsageError(
                    f"preview {job.request.preview}: exists already, and no batch made it; move it away, or --force to replace it"
                )
            request = msgspec.structs.replace(job.request, force=bool(there) or shown, threads=job.request.threads or self._threads)
            ready = _Ready(request, mark, most_bytes(request) if self._cap is not None else 0)
            if self._cap is not None and ready.peak_bytes + _own_bytes() > self._cap:
                raise OutputError(self._too_large(ready))
        except (PmslError, OSError) as err:
            self._refuse(number, str(err))
            return None
        self._ready[number] = ready
        return ready

    def _fits(self, ready: _Ready) -> bool:
        """Tell whether a job may start: all processes together stay below the cap. Idle workers are let go where that helps."""
        if self._cap is None:
            return True
        while True:
            mine = self.pool.idle[:1]
            kept = max(0, mine[0].holds_bytes(WORKER_BYTES) - WORKER_BYTES) if mine else 0
            others = sum(_held(w) for w in self.pool.workers if w not in mine)
            if _own_bytes() + others + kept + ready.peak_bytes <= self._cap:
                return True
            if not self.pool.idle:
                return False
            self.pool.dismiss(self.pool.idle[-1])

    def _begin(self, number: int, ready: _Ready) -> None:
        job = self._batch.jobs[number]
        try:
            self._journal.begun(job.name, ready.identity, {PREVIEW: job.request.preview} if job.request.preview is not None else {})
        except OutputError as err:
            self._refuse(number, str(err))
            return
        self._on_event({"event": "job-start", "name": job.name})
        self.pool.give(Task(number=number, request=ready.request, predict=self._predict), ready.peak_bytes)

    def _handle(self, report: Report | Died) -> None:
        """Take what a worker says."""
        if isinstance(report, Died):
            self._handle_death(report)
            return
        name = self._batch.jobs[report.number].name
        if report.state in ("progress", "compiling"):
            self._on_event({"event": report.state, "name": name, "done": report.done, "total": report.total})
            return
        ready = self._ready.pop(report.number)
        code, state, message = (
            (3 if report.exit_code == 2 else report.exit_code),
            report.state,
            report.message,
        )  # no usage: what the file says
        if state == "done" and not self._predict:
            try:
                self._note_done(name, ready, report)
            except PmslError as err:
                state, code, message = "refused", 3, str(err)
        word = {"bug": "failed"}.get(state, state)
        counted = tuple(report.findings)
        self._end(report.number, Outcome(name, word, code, message, counted, report.facts, report.seconds))  # type: ignore[arg-type]

    def _note_done(self, name: str, ready: _Ready, report: Report) -> None:
        changed = [mesh for mesh in read_of(ready.request) if not self._files.unchanged(mesh)]
        if changed:
            raise UsageError(f"{changed[0]}: was changed while it was sliced; run the batch again")
        drawn = {PREVIEW: ready.request.preview} if ready.request.preview is not None else {}
        self._journal.done(name, ready.identity, report.output, {**report.facts, **drawn, "seconds": report.seconds})

    def _handle_death(self, died: Died) -> None:
        job = self._batch.jobs[died.task.number]
        self._ready.pop(died.task.number)
        if not self._predict:
            drafts.sweep(self._batch.out, job.name)
        why = (
            "was killed, most likely for lack of memory; lower --jobs, or give --memory"
            if died.killed
            else "crashed; this is a bug in pmsl"
        )
        message = f"the process that sliced it {why} (status {died.status})"
        self._end(died.task.number, Outcome(job.name, "failed", 3 if died.killed else 1, message))

    def _refuse(self, number: int, why: str) -> None:
        self._ready.pop(number, None)
        self._end(number, Outcome(self._batch.jobs[number].name, "refused", 3, why))

    def _end(self, number: int, outcome: Outcome) -> None:
        self._outcomes[number] = outcome
        self._on_event({"event": "job", **outcome.as_dict()})

    def _too_large(self, ready: _Ready) -> str:
        own = _own_bytes()
        return (
            f"may take {ready.peak_bytes / MIB:.0f} MiB, and the batch itself holds {own / MIB:.0f} MiB: more than --memory "
            f"{(self._cap or 0) / MIB:.0f} MiB; give more, or make the mesh or the field smaller"
        )


def _held(worker: JobWorker) -> int:
    return worker.holds_bytes(WORKER_BYTES)


def _own_bytes() -> int:
    return resident_bytes() or WORKER_BYTES


def _preview_is_there(job: Job) -> bool:
    return job.request.preview is None or os.path.isfile(job.request.preview)


def _check_ours(job: Job, note: notes.Note | None, there: str) -> None:
    """Refuse a target that no batch made here, or that was changed since."""
    if note is None:
        why = "exists already, and no batch of this folder made it"
    elif note.state == "done" and note.output != there:
        why = "was changed since a batch made it"
    else:
        return
    raise UsageError(f"{job.request.out}: {why}; move it away, choose another name, or --force to replace a job")
