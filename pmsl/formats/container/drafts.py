"""Drafts beside a target: who writes one is recorded in it, and what a killed writer left is swept away by the next.

A draft is a hidden folder ``.NAME.….partial``. Its file `OWNER` says whose it is, and is locked as long as that process
lives: the system takes the lock back when the process ends in any way, so neither a process number that is in use again
nor a clock is ever taken for a sign of life. A draft of another computer, on a shared disk, is left alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from pmsl.core.file_lock import lock

OWNER, SUFFIX = "owner.json", ".partial"
JOB, OLD = "job", "old"  # in a draft: what is written, and what stood at the target
TRIES = 100  # a draft is made anew where a sweep took it between two steps of making it: another process, just then


class DraftOwner(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes a draft: process, computer, since when (UTC); and the name of its target, a letter for each of its bytes."""

    pid: int
    host: str
    started: str
    target: str


@contextmanager
def draft(target: Path) -> Iterator[Path]:
    """Give a new draft folder beside `target`, which no `sweep` touches while this process lives; it is removed at the end.

    What lies in it as `OLD` is not removed where nothing stands at the target.
    """
    made: list[Path] = []  # noted before it is made: Ctrl-C may come between any two steps
    held = None
    try:
        folder, held = _claimed(target, made)
        yield folder
    finally:
        if held is None:
            for unclaimed in made:
                shutil.rmtree(unclaimed, ignore_errors=True)
        else:
            _removed(folder, held, target)


def _removed(folder: Path, held: BinaryIO, target: Path) -> None:
    """Remove a draft, but not what stood at the target and would be lost with it."""
    with held:
        keep = os.path.lexists(folder / OLD) and not os.path.lexists(target)
        if not keep:
            _emptied(folder)
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(folder: Path, target: str | None = None) -> tuple[str, ...]:
    """Remove the drafts in a folder whose writers are dead: those of one target, or all.

    A writer that was killed while it replaced a job may have moved the old one into its draft: that gets its name back.

    Parameters
    ----------
    folder : Path
    target : str, optional
        Name of the target in it.

    Returns
    -------
    tuple of str
        The drafts that are gone. Those of living writers stay, those of other computers, and what cannot be removed.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ()
    drafts = (name for name in names if name.startswith(_prefix(target)) and name.endswith(SUFFIX))
    return tuple(name for name in drafts if _swept(folder / name, target))


def _prefix(target: str | None) -> str:
    return "." if target is None else f".{target[:32]}."


def _claimed(target: Path, made: list[Path]) -> tuple[Path, BinaryIO]:
    """Make a draft with its owner in it, locked; `made` has its path from before it is there."""
    name = os.fsencode(target.name).decode("latin-1")  # any name, as text
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    owner = msgspec.json.encode(DraftOwner(pid=os.getpid(), host=_host(), started=started, target=name))
    for _ in range(TRIES):
        folder = target.absolute().parent / f"{_prefix(target.name)}{os.urandom(5).hex()}{SUFFIX}"
        made[:] = [folder]
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            made.clear()
            continue
        with contextlib.suppress(FileNotFoundError):  # a sweep took the empty folder
            held = open(folder / OWNER, "xb")  # noqa: SIM115 — closed when the draft is removed
            try:
                held.write(owner)
                held.flush()
                if lock(held) is not False and _lies_at(held, folder / OWNER):
                    return folder, held
            except BaseException:
                held.close()
                raise
            held.close()
            shutil.rmtree(folder, ignore_errors=True)
    raise OSError(errno.EBUSY, "drafts vanish as soon as they are made", str(target))


def _swept(place: Path, target: str | None) -> bool:
    """Remove a draft if its writer is dead; tell whether it is gone."""
    if place.is_symlink() or not place.is_dir():
        return False
    try:
        held = open(place / OWNER, "r+b")  # noqa: SIM115 — closed below
    except FileNotFoundError:  # the writer is between two steps, or was killed there; a living one makes another draft
        with contextlib.suppress(OSError):
            os.rmdir(place)
        return not os.path.lexists(place)
    except OSError:
        return False
    with held:
        if lock(held) is not True or not _lies_at(held, place / OWNER):
            return False
        if os.fstat(held.fileno()).st_size == 0 and os.listdir(place) == [OWNER]:  # killed before it said who it is; as above
            with contextlib.suppress(OSError):
                os.unlink(place / OWNER)
                os.rmdir(place)
            return not os.path.lexists(place)
        name = _abandoned(held, place.name)
        if name is None or target not in (None, name):
            return False
        with contextlib.suppress(OSError):
            if os.path.lexists(place / OLD) and not os.path.lexists(place.parent / name):
                os.rename(place / OLD, place.parent / name)
        if os.path.lexists(place / OLD) and not os.path.lexists(place.parent / name):
            return False
        _emptied(place)
    shutil.rmtree(place, ignore_errors=True)
    return not os.path.lexists(place)


def _abandoned(held: BinaryIO, draft: str) -> str | None:
    """Return the name of a draft's target; none where the draft is another computer's, or not ours at all."""
    try:
        owner = msgspec.json.decode(held.read(1 << 16), type=DraftOwner)
        name = os.fsdecode(owner.target.encode("latin-1"))
    except (OSError, msgspec.DecodeError, UnicodeError):
        return None
    plain = name not in ("", ".", "..") and os.path.basename(name) == name and "\0" not in name
    return name if plain and draft.startswith(_prefix(name)) and owner.host == _host() else None


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _emptied(folder: Path) -> None:
    """Remove what lies in a draft beside its owner: as long as that is there and locked nobody else takes the draft."""
    for name in (JOB, OLD):
        place = folder / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)


def _lies_at(held: BinaryIO, path: Path) -> bool:
    """Tell whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(held.fileno()), os.stat(path))
    except OSError:
        return False
