"""played.jsonl: what was asked of the light, and what was lit. It outlives a crash, and a print goes on from it.

One JSON object a line. A run begins with a line ``job``; then, for every exposure (and every repeat of it),

planned   its frame is loaded: asked time, power, hash of the mask
lit       on the disk before the light: from here on nobody knows for sure that it stayed dark
done      it is dark again: the delivered time

A line is whole or it is the last: what a crash cut off is dropped when the record is opened again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pmsl.core.job import PrintJob
from pmsl.errors import HostError, JobError, OutputError, UsageError
from pmsl.host.digests import Digests, head_sha256
from pmsl.profiles.strict import Strict

Number = Annotated[int, Meta(ge=0)]


class Run(Strict, frozen=True, kw_only=True, tag="job", tag_field="state"):
    """A run begins: which job, from which layer."""

    utc: str
    schema: Literal["pmsl.played/1"] = "pmsl.played/1"
    head_sha256: str
    exposures_sha256: str | None
    layers: Number
    start: Number


class _Exposure(Strict, frozen=True, kw_only=True):
    utc: str
    layer: Number
    exposure: Number
    repeat: Number

    @property
    def key(self) -> Key:
        """Which light it is about."""
        return self.layer, self.exposure, self.repeat


Key = tuple[int, int, int]


class Planned(_Exposure, frozen=True, kw_only=True, tag="planned", tag_field="state"):
    """A frame is loaded."""

    time_s: float
    power: float
    sha256: str


class Lit(_Exposure, frozen=True, kw_only=True, tag="lit", tag_field="state"):
    """The light is about to go on."""

    time_s: float
    power: float
    sha256: str


class Done(_Exposure, frozen=True, kw_only=True, tag="done", tag_field="state"):
    """It is dark again."""

    time_s: float
    delivered_s: float
    power: float
    sha256: str


Line = Run | Planned | Lit | Done
_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def utc_now() -> str:
    """Return the time of day as ``2026-01-31T23:59:59.123456Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(slots=True)
class Played:
    """What a record tells.

    Attributes
    ----------
    run : Run or None
        The last run.
    last : Planned, Lit or Done or None
        The last line about an exposure.
    lit : set of (layer, exposure, repeat)
        Every light that was lit, or may have been, by its place in the job.
    hashes : dict
        Hash of the mask of every exposure that was planned, by (layer, exposure).
    whole_bytes : int
        Length of the record up to the end of its last whole line.
    """

    run: Run | None
    last: Planned | Lit | Done | None
    lit: set[Key]
    hashes: dict[tuple[int, int], str]
    whole_bytes: int

    def next_key(self, count: Callable[[int, int], int]) -> Key:
        """Return the first light that was not lit: ``count(layer, exposure)`` is how often it is shown, 0 where there is none."""
        if self.last is None:
            return (self.run.start if self.run else 0, 0, 0)
        k, j, r = self.last.key
        if isinstance(self.last, Planned):
            return (k, j, r)
        if r + 1 < count(k, j):
            return (k, j, r + 1)
        return (k, j + 1, 0) if count(k, j + 1) else (k + 1, 0, 0)


def read_record(path: Path) -> Played:
    """Read a record; a last line that a crash cut off is left out.

    Raises
    ------
    JobError
        There is none, or a line is not one of a record.
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise JobError(f"{path}: no record can be read ({err.strerror or err}); give the one the print wrote, or begin a new one") from err
    whole = data[: data.rfind(b"\n") + 1]
    played = Played(None, None, set(), {}, len(whole))
    for n, text in enumerate(whole.splitlines(), 1):
        try:
            line = _DECODER.decode(text)
        except (msgspec.DecodeError, msgspec.ValidationError) as err:
            raise JobError(f"{path}, line {n}: is no line of a record ({err}); it was changed, do not print on from it") from err
        if isinstance(line, Run):
            played.run = line
            continue
        played.last = line
        played.hashes[line.layer, line.exposure] = line.sha256
        if not isinstance(line, Planned):
            played.lit.add(line.key)
    if played.run is None and whole:
        raise JobError(f"{path}: does not begin with a line 'job'; it is no record of a print")
    return played


class Record:
    """Appends to a record; each line that matters is on the disk when the call returns.

    Parameters
    ----------
    path : Path
    keep_bytes : int, optional
        How much of the one that is there is kept: up to the end of its last whole line. Left out, it is made, and must
        not be there.

    Raises
    ------
    OutputError
        It cannot be written.
    """

    def __init__(self, path: Path, keep_bytes: int | None = None) -> None:
        self._path = path
        try:
            self._file = open(path, "xb" if keep_bytes is None else "r+b")  # noqa: SIM115 — `close` closes it
            self._file.truncate(keep_bytes or 0)
            self._file.seek(0, os.SEEK_END)
            _sync_folder(path.absolute().parent)
        except OSError as err:
            raise OutputError(f"{path}: the record cannot be written ({err.strerror or err}); name a file that can") from err

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


def fits(played: Played, job: PrintJob, digests: Digests | None, path: Path) -> None:
    """Refuse to go on with another job than the record's.

    Raises
    ------
    HostError
        Other profiles, other pixels, or other frames.
    """
    if played.run is None:
        return
    if played.run.head_sha256 != head_sha256(job) or played.run.layers != job.n_layers:
        raise HostError(f"{path}: is the record of another job (other profiles, pixels or layers); go on with the job it was printed from")
    if digests is None:
        return
    if played.run.exposures_sha256 not in (None, digests.sha256()):
        raise HostError(f"{path}: the job's exposures are not those the record was begun with; go on with the job it was printed from")
    for (k, j), sha256 in played.hashes.items():
        if j >= digests.count(k) or digests.of(k, j) != sha256:
            raise HostError(f"{path}: layer {k}, exposure {j} had another frame when it was lit; go on with the job it was printed from")


def run_of(job: PrintJob, digests: Digests | None, start: int) -> Run:
    """Return the line a run begins with."""
    return Run(
        utc=utc_now(),
        head_sha256=head_sha256(job),
        exposures_sha256=None if digests is None else digests.sha256(),
        layers=job.n_layers,
        start=start,
    )
