"""What a batch has done, in its out folder: one line a step, and a lock as long as the batch lives.

The folder ``.pmsl-batch`` holds `LOCK`, which says who works here and is locked by that process; a file for each worker, locked
as long as it lives; and `JOURNAL`. A job is noted as begun before its target is touched and as done when it is whole: what
stands at a target without a note is somebody else's. A killed writer leaves at most a torn last line, which counts for nothing.
"""

from __future__ import annotations

import contextlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from pmsl.core.file_lock import lock
from pmsl.errors import BatchError, OutputError
from pmsl.profiles.tables.strict_struct import Strict

HOME, LOCK, JOURNAL, WORKER = ".pmsl-batch", "lock", "journal.jsonl", "worker-"
PATIENCE_S = 20.0  # for workers of a batch that was killed: they end as soon as they notice, at once unless stopped


class Note(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """One step of a job: begun, or done with what lies at its target now (`fingerprint`) and what is to be said about it."""

    job: str
    state: Literal["begun", "done"]
    identity: str = ""
    output: str = ""
    facts: dict[str, Any] = {}


class BatchOwner(Strict, frozen=True, kw_only=True):
    """Who works in a folder."""

    pid: int
    host: str
    started: str


class Journal:
    """Notes of all batches that went to one folder; made by `opened`, given back by `close`."""

    def __init__(self, home: Path, held: BinaryIO) -> None:
        self._home, self._held = home, held
        self.notes = _read(home / JOURNAL)
        self._compact()
        self._file: BinaryIO = open(home / JOURNAL, "ab")  # noqa: SIM115 — closed with the journal
        self._torn = False

    def begun(self, job: str, identity: str, facts: dict[str, Any] | None = None) -> None:
        """Note that a job's target is about to be made; raises `OutputError`."""
        self._add(Note(job=job, state="begun", identity=identity, facts=facts or {}))

    def done(self, job: str, identity: str, output: str, facts: dict[str, Any]) -> None:
        """Note that a job is whole; raises `OutputError`."""
        self._add(Note(job=job, state="done", identity=identity, output=output, facts=facts))

    def close(self) -> None:
        """Let the next one in."""
        with contextlib.suppress(OSError):  # a note that could not be written was refused
            self._file.close()
        for place in self._home.glob(f"{WORKER}{os.getpid()}-*"):
            with contextlib.suppress(OSError):
                place.unlink()
        self._held.close()

    def _add(self, note: Note) -> None:
        try:
            self._file.write((b"\n" if self._torn else b"") + msgspec.json.encode(note) + b"\n")
            self._file.flush()
        except OSError as err:
            self._torn = True
            self._file = _anew(self._file, self._home / JOURNAL)
            raise OutputError(
                f"{self._home / JOURNAL}: cannot be written ({err.strerror or err}); free some space and run it again"
            ) from err
        self._torn = False
        self.notes[note.job] = note

    def _compact(self) -> None:
        """Keep the last note of each job."""
        fresh = self._home / (JOURNAL + ".new")
        try:
            fresh.write_bytes(b"".join(msgspec.json.encode(note) + b"\n" for note in self.notes.values()))
            os.replace(fresh, self._home / JOURNAL)
        except OSError as err:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise OutputError(f"{self._home / JOURNAL}: cannot be written ({err.strerror or err}); nothing was started") from err


class ReadOnlyJournal:
    """The notes of a folder, without the right to add to them."""

    def __init__(self, notes: dict[str, Note]) -> None:
        self.notes = notes

    def begun(self, job: str, identity: str, facts: dict[str, Any] | None = None) -> None:
        """Note nothing."""

    def done(self, job: str, identity: str, output: str, facts: dict[str, Any]) -> None:
        """Note nothing."""


def seen(out: Path) -> ReadOnlyJournal:
    """Read the notes of a folder, whoever works there; raises `OutputError` where they cannot be read."""
    try:
        return ReadOnlyJournal(_read(out / HOME / JOURNAL))
    except OSError as err:
        raise OutputError(f"{out / HOME}: cannot be read ({err.strerror or err}); choose another out") from err


def opened(out: Path) -> Journal:
    """Make the out folder, lock it and read its notes.

    Raises
    ------
    BatchError
        Another batch works there.
    OutputError
        It cannot be made or written.
    """
    home = out / HOME
    try:
        home.mkdir(parents=True, exist_ok=True)
        held = open(home / LOCK, "a+b")  # noqa: SIM115 — open as long as the batch lives
    except OSError as err:
        raise OutputError(f"{out}: the out folder of the batch cannot be made or written ({err.strerror or err}); choose another") from err
    try:
        if lock(held) is False:
            raise BatchError(f"{out}: another batch works here ({_owner_of(home / LOCK)}); wait for it, end it, or choose another out")
        _await_workers(home)
        held.truncate(0)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        held.write(msgspec.json.encode(BatchOwner(pid=os.getpid(), host=_host(), started=started)))
        held.flush()
        return Journal(home, held)
    except OSError as err:
        with contextlib.suppress(OSError):  # what could not be written is tried again, in vain
            held.close()
        raise OutputError(f"{home}: cannot be written ({err.strerror or err}); free some space or choose another out") from err
    except BaseException:
        held.close()
        raise


def worker_lock(out: Path, name: str) -> BinaryIO | None:
    """Lock a file for a worker, named after the batch's process and its number, as long as it lives; None where that is not possible."""
    try:
        held = open(out / HOME / f"{WORKER}{name}", "wb")  # noqa: SIM115 — closed when the process ends
    except OSError:
        return None
    lock(held)
    return held


def _await_workers(home: Path) -> None:
    """Wait until workers of a killed batch have noticed that it is gone, so that they write nothing after this."""
    until = time.monotonic() + PATIENCE_S
    for place in sorted(home.glob(WORKER + "*")):
        while True:
            try:
                with open(place, "r+b") as file:
                    free = lock(file) is not False
            except OSError:
                break
            if free:
                with contextlib.suppress(OSError):
                    place.unlink()
                break
            if time.monotonic() > until:
                raise BatchError(f"{home.parent}: a worker of a killed batch still runs ({place.name}: process number first); end it")
            time.sleep(0.02)


def _read(path: Path) -> dict[str, Note]:
    """Return the last note of each job; lines that are none are left out."""
    notes: dict[str, Note] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return notes
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError, UnicodeError):
            note = msgspec.json.decode(line, type=Note)
            notes[note.job] = note
    return notes


def _anew(file: BinaryIO, path: Path) -> BinaryIO:
    """Open a file again, whose buffer holds what did not fit."""
    with contextlib.suppress(OSError):
        file.close()
    return open(path, "ab")


def _owner_of(path: Path) -> str:
    try:
        owner = msgspec.json.decode(path.read_bytes(), type=BatchOwner)
    except (OSError, msgspec.DecodeError):
        return "who, its lock does not say yet"
    return f"process {owner.pid} on {owner.host}, since {owner.started}"


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
