"""Complete or absent: a job is written beside its final name, checked, and renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pmsl.errors import JobError, OutputError, UsageError
from pmsl.files.output_file import check_not_in_job
from pmsl.formats.container import drafts
from pmsl.formats.container.containers import open_source
from pmsl.formats.protocol import Format

# what a job of any version may hold
OURS = re.compile(r"job\.json|frames/[\d-]+\.png|drawings/[\d-]+\.lines|design/\d+\.ply|dose/\d+\.tif")


Foreign = Callable[[Path], str]  # why a path may not be replaced; nothing where it may


def check_target(path: Path, force: bool, foreign: Foreign | None = None) -> None:
    """Refuse a target that exists and may not be replaced, or whose folder is missing.

    Parameters
    ----------
    path : Path
    force : bool
    foreign : callable, optional
        Says why what stands at `path` may not be replaced, nothing where it may (`Format.foreign`). Left out: native's.

    Raises
    ------
    UsageError
        It exists and `force` is not given, or `foreign` says why not; it would lie inside the folder of another job.
    OutputError
        The folder it goes into does not exist or may not be written.
    """
    parent = path.absolute().parent
    if not os.path.isdir(parent):
        raise OutputError(f"{parent}: no such folder to write into; make it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{parent}: no permission to write there; choose another place")
    check_not_in_job(path)
    if not os.path.lexists(path):
        return
    if not force:
        raise UsageError(f"{path}: exists already; choose another name, or --force to replace a job")
    why = (native_only if foreign is None else foreign)(path)
    if why:
        raise UsageError(f"{path}: is neither a pmsl job nor an empty folder ({why}); --force does not replace it, choose another name")


def other_format(path: Path, format: Format) -> str:
    """Say why `path` may not be replaced by a file of `format`: it is none itself. Nothing where it may."""
    from pmsl.formats.registry import look

    if path.is_symlink():
        return "it is a link"
    try:
        known = path.is_file() and format.recognises(look(path))
    except JobError:
        known = False
    return "" if known else f"it is no {format.name} file"


def native_only(path: Path) -> str:
    """Say why `path` may not be replaced: no job, or a job that holds something else too. Nothing where it may."""
    import json

    if path.is_symlink():
        return "it is a link"
    try:
        if path.is_dir() and not any(path.iterdir()):
            return ""
        source = open_source(path)
        table = json.loads(source.read("job.json"))
    except (JobError, OSError, ValueError, RecursionError):
        return "it holds no job.json of pmsl"
    if not (isinstance(table, dict) and str(table.get("schema")).startswith("pmsl.job/")):
        return "its job.json is not pmsl's"
    others = sorted(name for name in source.names() if not OURS.fullmatch(name))
    return f"it also holds {others[0]}" if others else ""


@contextmanager
def whole_or_absent(path: Path, force: bool, folder: bool, foreign: Foreign | None = None) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it there on success, remove it on any failure.

    What an earlier writer of `path` left when it was killed is swept first (`drafts`).

    Parameters
    ----------
    path : Path
        Final name.
    force : bool
        Replace a pmsl job or an empty folder; the old one stands until the new one is whole.
    folder : bool
        Make the temporary path a folder.
    foreign : callable, optional
        As for `check_target`.

    Raises
    ------
    UsageError, OutputError
        As `check_target`; also no space and no permission while writing.
    """
    drafts.sweep(path.absolute().parent, path.name)
    check_target(path, force, foreign)
    try:
        with drafts.draft(path) as draft:
            inner = draft / drafts.JOB
            if folder:
                inner.mkdir()
            yield inner
            check_target(path, force, foreign)
            _replace(inner, path, draft / drafts.OLD)
    except OSError as err:
        raise OutputError(f"{path}: {_reason(err)}") from err


def _replace(new: Path, path: Path, old: Path) -> None:
    """Move `new` to `path`; what stood there moves to `old`, and comes back whatever interrupts.

    A file is on the disk before it gets its name, so that the name does not outlive a power cut alone. Files of a folder are many:
    they are not waited for, and their hashes tell.
    """
    if new.is_file():
        with open(new, "r+b") as file:
            os.fsync(file.fileno())
    try:
        if new.is_file() and path.is_file():
            os.replace(new, path)
        else:
            if os.path.lexists(path):
                os.rename(path, old)
            os.rename(new, path)
    except BaseException:
        if os.path.lexists(old) and not os.path.lexists(path):
            os.rename(old, path)
        raise
    with contextlib.suppress(OSError):  # not offered everywhere; the job is whole in any case
        parent = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)


def _reason(err: OSError) -> str:
    if err.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk; nothing was written, free some or choose another place"
    if err.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission to write ({err.strerror}); nothing was written, choose another place"
    return f"cannot be written ({err.strerror or err}); nothing was written"
