"""Complete or absent: a job is written beside its final name, checked, and renamed."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pmsl.errors import JobError, OutputError, UsageError
from pmsl.formats.bundle import open_source


def check_target(path: Path, force: bool) -> None:
    """Refuse a target that exists and may not be replaced, or whose folder is missing.

    Raises
    ------
    UsageError
        It exists and `force` is not given, or it is neither a pmsl job nor an empty folder.
    OutputError
        The folder it goes into does not exist or may not be written.
    """
    parent = path.absolute().parent
    if not parent.is_dir():
        raise OutputError(f"{parent}: no such folder to write into; make it first")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{parent}: no permission to write there; choose another place")
    if not (path.exists() or path.is_symlink()):
        return
    if not force:
        raise UsageError(f"{path}: exists already; choose another name, or --force to replace a job")
    if not _replaceable(path):
        raise UsageError(f"{path}: is neither a pmsl job nor an empty folder; --force does not replace it, choose another name")


def _replaceable(path: Path) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir() and not any(path.iterdir()):
        return True
    try:
        open_source(path)
    except JobError:
        return False
    return True


@contextmanager
def whole_or_absent(path: Path, force: bool, folder: bool) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it there on success, remove it on any failure.

    Parameters
    ----------
    path : Path
        Final name.
    force : bool
        Replace a pmsl job or an empty folder; the old one stands until the new one is whole.
    folder : bool
        Make the temporary path a folder.

    Raises
    ------
    UsageError, OutputError
        As `check_target`; also no space and no permission while writing.
    """
    check_target(path, force)
    draft: Path | None = None
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.absolute().parent))
        inner = draft / "job"
        if folder:
            inner.mkdir()
        yield inner
        check_target(path, force)
        _replace(inner, path, draft)
    except OSError as err:
        raise OutputError(f"{path}: {_reason(err)}") from err
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _replace(new: Path, path: Path, draft: Path) -> None:
    """Move `new` to `path`; what stood there goes into the draft folder, and comes back if the move fails."""
    old = draft / "old"
    stood = path.exists()
    if stood:
        os.rename(path, old)
    try:
        os.rename(new, path)
    except OSError:
        if stood:
            os.rename(old, path)
        raise


def _reason(err: OSError) -> str:
    if err.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the disk; nothing was written, free some or choose another place"
    if err.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission to write ({err.strerror}); nothing was written, choose another place"
    return f"cannot be written ({err.strerror or err}); nothing was written"
