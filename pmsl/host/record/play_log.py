"""played.jsonl: what was asked of the light, and what was lit. It outlives a crash, and a print goes on from it.

One JSON object a line. A run begins with a line ``job``; then, for every exposure (and every repeat of it),

planned   its frame is loaded: asked time, power, hash of the mask
lit       on the disk before the light: from here on nobody knows for sure that it stayed dark
done      it is dark again: the delivered time, and the power that was measured, where the engine reports one

Where a job waits for its operator, ``paused`` is written before the wait and ``confirmed`` after it: a print that ended in between waits
again.

A line is whole or it is the last: what a crash cut off is dropped when the record is opened again. A light that was `lit` and not wholly
`done` is in doubt: a run that goes on says in its line ``job`` whether it is given again (`relight`) or left as it is (`skip`).
Version 2 of the schema has `relight`, `skip` and `measured_power`, version 3 also ``paused`` and ``confirmed``; a run that may use one of
them says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pmsl.core.file_lock import lock
from pmsl.errors import HostError, JobError, OutputError, UsageError
from pmsl.files.text_file import read_bytes
from pmsl.host.record.mask_hashes import Digests, head_sha256
from pmsl.host.record.pause_lines import check_pauses
from pmsl.host.record.play_log_lines import Confirmed, Done, ExposureKey, ExposureLine, Line, Lit, Paused, Planned, Run
from pmsl.job.print_job import PrintJob

_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def utc_now() -> str:
    """Return the time of day as ``2026-01-31T23:59:59.123456Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(slots=True)
class Played:
    """What a record tells.

    Attributes
    ----------
    runs : list of Run
        At least one; the last goes on.
    last : Planned, Lit or Done or None
        The last line about an exposure.
    lit : set of (layer, exposure, repeat)
        Every light that was lit, or may have been, by its place in the job.
    doubt : dict
        Of these the ones that may have given no light, or too little, with what is known of them.
    skipped : set of (layer, exposure, repeat)
        Lights in doubt that a run was told to leave as they are.
    hashes : dict
        Hash of the mask of every exposure that was planned, by (layer, exposure).
    order : list of (int, line)
        All lines with their numbers, counted from 1.
    whole_bytes : int
        Length of the record up to the end of its last whole line.
    confirmed : set of int
        Layers before which the operator was waited for and said that it is done.
    """

    runs: list[Run]
    last: Planned | Lit | Done | None
    lit: set[ExposureKey]
    doubt: dict[ExposureKey, Lit | Done]
    skipped: set[ExposureKey]
    hashes: dict[tuple[int, int], str]
    order: list[tuple[int, Line]]
    whole_bytes: int
    confirmed: set[int] = field(default_factory=set)

    def add(self, n: int, line: Line) -> None:
        """Take the next line in."""
        self.order.append((n, line))
        if isinstance(line, Run):
            self.runs.append(line)
            self.skipped |= {key for key in self.doubt if key[0] == line.skip}
            return
        if isinstance(line, (Paused, Confirmed)):
            self.confirmed |= {line.layer} if isinstance(line, Confirmed) else set()
            return
        self.last = line
        self.hashes[line.layer, line.exposure] = line.sha256
        if isinstance(line, Planned):
            return
        self.lit.add(line.key)
        self.skipped.discard(line.key)
        if isinstance(line, Done) and line.whole:
            self.doubt.pop(line.key, None)
        else:
            self.doubt[line.key] = line

    def next_key(self, count: Callable[[int, int], int]) -> ExposureKey:
        """Return the light that is due: ``count(layer, exposure)`` is how often it is shown, 0 where there is none."""
        if self.last is None:
            return (self.runs[-1].start, 0, 0)
        return self.last.key if isinstance(self.last, Planned) else after(self.last.key, count)


def after(key: ExposureKey, count: Callable[[int, int], int]) -> ExposureKey:
    """Return the light that follows another in the job; the first of a layer may be of one that has none."""
    k, j, r = key
    if r + 1 < count(k, j):
        return (k, j, r + 1)
    return (k, j + 1, 0) if count(k, j + 1) else (k + 1, 0, 0)


def read_record(path: Path) -> Played:
    """Read a record; a last line that a crash cut off is left out.

    Raises
    ------
    JobError
        There is none, it holds no run, or a line is not one of a record.
    """
    if path.exists() and not path.is_file():
        raise JobError(f"{path}: is no ordinary file, so no record; give the one the print wrote, or begin a new one")
    try:
        data = read_bytes(path)
    except OSError as err:
        raise JobError(f"{path}: no record can be read ({err.strerror or err}); give the one the print wrote, or begin a new one") from err
    whole_lines = data[: data.rfind(b"\n") + 1]
    played = Played([], None, set(), {}, set(), {}, [], len(whole_lines))
    for n, text in enumerate(whole_lines.splitlines(), 1):
        try:
            line = _DECODER.decode(text)
        except (msgspec.DecodeError, msgspec.ValidationError) as err:
            raise JobError(f"{path}, line {n}: is no line of a record ({err}); it was changed, do not print on from it") from err
        if n == 1 and not isinstance(line, Run):
            raise JobError(f"{path}, line 1: is no line 'job'; the record was changed, do not print on from it")
        played.add(n, line)
    if not played.runs:
        raise JobError(f"{path}: the record is empty, so nothing says what was lit; look at the part, and begin a new record")
    return played


class PlayLog:
    """Appends to a record; each line that matters is on the disk when the call returns. Nobody else can play on it meanwhile.

    Parameters
    ----------
    path : Path
    new : bool
        It is made, and must not be there; else it must be.

    Raises
    ------
    OutputError
        It cannot be written.
    HostError
        Another host that runs holds it.
    """

    def __init__(self, path: Path, new: bool) -> None:
        self._path = path
        try:
            self._file = open(path, "xb" if new else "r+b")  # noqa: SIM115 — `close` closes it
            _sync_folder(path.absolute().parent)
        except OSError as err:
            raise OutputError(f"{path}: the record cannot be written ({err.strerror or err}); name a file that can") from err
        if lock(self._file) is False:
            self._file.close()
            raise HostError(f"{path}: another host plays on this record now; end it first: what it lights would be lit twice")

    def keep(self, whole_bytes: int) -> None:
        """Go on behind so many bytes of what is there, the end of its last whole line; raises `OutputError` where that is not possible."""
        try:
            self._file.truncate(whole_bytes)
            self._file.seek(0, os.SEEK_END)
        except OSError as err:
            raise OutputError(f"{self._path}: the record cannot be written ({err.strerror or err}); name a file that can") from err

    def add(self, line: Line, sync: bool = True) -> None:
        """Append a line; with `sync` it, and all before it, is on the disk when this returns."""
        try:
            self._file.write(msgspec.json.encode(line) + b"\n")
            if sync:
                self._file.flush()
                os.fsync(self._file.fileno())
        except OSError as err:
            raise OutputError(f"{self._path}: the record cannot be written ({err.strerror or err}); nothing is lit without it") from err

    def close(self) -> None:
        """Close the file; raises `OutputError` where its last line cannot be written."""
        try:
            self._file.close()
        except OSError as err:
            raise OutputError(f"{self._path}: the record cannot be written ({err.strerror or err}); its last line may be missing") from err


def _sync_folder(folder: Path) -> None:
    """Make sure that a new file's name is on the disk too; Windows does not offer it, and does not need it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_new(path: Path) -> None:
    """Refuse a record that exists, or cannot be made.

    Raises
    ------
    UsageError
        It exists: what was lit before would be forgotten.
    """
    if os.path.lexists(path):
        raise UsageError(f"{path}: a record is there already; go on from it (resume), or name another file")


def fits(played: Played, job: PrintJob, digests: Digests | None, count: Callable[[int, int], int], path: Path) -> None:
    """Refuse to go on with another job than the record's, or from a record that misses lines.

    Raises
    ------
    HostError
        Other profiles, other pixels, or other frames.
    JobError
        Lights that the job does not have, or not in the order they are lit in.
    """
    run, head = played.runs[-1], head_sha256(job)
    if any(r.head_sha256 != head or r.layers != job.n_layers for r in played.runs):
        raise HostError(f"{path}: is the record of another job (other profiles, pixels or layers); go on with the job it was printed from")
    if digests is not None and run.exposures_sha256 not in (None, digests.sha256()):
        raise HostError(f"{path}: the job's exposures are not those the record was begun with; go on with the job it was printed from")
    _check_order(played, job.n_layers, count, path)
    check_pauses(played.order, job.pauses, path)
    if digests is None:
        return
    for (k, j), sha256 in played.hashes.items():
        if digests.of(k, j) != sha256:
            raise HostError(f"{path}: layer {k}, exposure {j} had another frame when it was lit; go on with the job it was printed from")


def _check_order(played: Played, n_layers: int, count: Callable[[int, int], int], path: Path) -> None:
    """Refuse a record whose lines do not follow each other as a print writes them: planned, lit, done, light after light."""
    before: Line | None = None
    due: ExposureKey | None = None
    for n, line in played.order:
        if isinstance(line, (Paused, Confirmed)):
            continue
        if isinstance(line, Run):
            sound, due = line.start <= n_layers, None
        elif not (line.layer < n_layers and line.repeat < count(line.layer, line.exposure)):
            raise JobError(
                f"{path}, line {n}: layer {line.layer}, exposure {line.exposure}, repeat {line.repeat} is not in the job, whose layers are "
                f"0..{n_layers - 1}; it was changed, do not print on from it"
            )
        elif isinstance(line, Planned):
            first = isinstance(before, Run) and before.start <= line.layer
            sound = first if due is None else isinstance(before, Done) and line.key == due
        else:
            expected = Planned if isinstance(line, Lit) else Lit
            sound = isinstance(before, expected) and _light(before) == _light(line)
            due = after(line.key, count)
            while due[0] < n_layers and not count(due[0], due[1]):
                due = (due[0] + 1, 0, 0)
        if not sound:
            raise JobError(
                f"{path}, line {n}: does not follow the one before it; lines are missing or were changed, do not print on from it"
            )
        before = line


def _light(line: ExposureLine) -> tuple[object, ...]:
    """Return which light a line is about."""
    return (*line.key, *(getattr(line, name) for name in ("time_s", "power", "sha256")))


def run_of(
    job: PrintJob, digests: Digests | None, start: int, relight: int | None = None, skip: int | None = None, reports_power: bool = False
) -> Run:
    """Return the line a run begins with."""
    decided = {name: k for name, k in (("relight", relight), ("skip", skip)) if k is not None}
    return Run(
        utc=utc_now(),
        schema="pmsl.played/3" if job.pauses else "pmsl.played/2" if decided or reports_power else "pmsl.played/1",
        head_sha256=head_sha256(job),
        exposures_sha256=None if digests is None else digests.sha256(),
        layers=job.n_layers,
        start=start,
        **decided,
    )
