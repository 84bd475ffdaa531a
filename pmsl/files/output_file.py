"""Files that are written beside jobs, such as pictures and meshes: what is there is replaced only where that was asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pmsl.errors import OutputError, UsageError
from pmsl.files.text_file import read_head

_JOB = re.compile(rb'"schema"\s*:\s*"pmsl\.job/')


def check_not_in_job(path: str | Path, option: str = "") -> None:
    """Refuse a file inside the folder of a job: that would then be no job any more that ``--force`` replaces. Raises `UsageError`.

    Parameters
    ----------
    path : str or Path
    option : str
        Who asked for it, for messages; empty where nobody needs to be named.
    """
    for folder in Path(path).absolute().parents[:2]:  # of a job itself, or of its frames
        try:
            head = read_head(folder / "job.json", 4096)
        except OSError:
            continue
        if _JOB.search(head):
            what = f"{option} {path}" if option else str(path)
            raise UsageError(f"{what}: lies inside the job {folder}, which holds nothing else; choose another folder")


def check_new_file(path: str | Path, force: bool, option: str) -> None:
    """Refuse a file that could not be written or that would replace another one, before any work.

    Parameters
    ----------
    path : str or Path
    force : bool
        An ordinary file may be replaced; a folder, a link, a pipe and a device never.
    option : str
        Who asked for it, for messages.

    Raises
    ------
    OutputError
        Its folder does not exist or may not be written, or a folder has its name.
    UsageError
        It exists already, or would lie inside the folder of a job.
    """
    where = Path(path).absolute()
    check_not_in_job(path, option)
    if not os.path.isdir(where.parent) or os.path.isdir(where) or not os.access(where.parent, os.W_OK):
        raise OutputError(f"{option} {path}: cannot be written there; choose a folder that exists and is writable")
    if not os.path.lexists(where):
        return
    if not force:
        raise UsageError(f"{option} {path}: exists already; choose another name, or --force to replace it")
    if where.is_symlink() or not where.is_file():
        raise UsageError(f"{option} {path}: is no ordinary file; --force does not replace it, choose another name")


@contextmanager
def whole_file(path: str | Path, what: str = "") -> Iterator[Path]:
    """Give the name of a draft beside a file: it takes the name of the file when the block has written it, and is gone if that fails.

    Parameters
    ----------
    path : str or Path
    what : str
        What it holds, for the message, like ``"the page "``.

    Raises
    ------
    OutputError
        The block raises `OSError`, or the draft cannot be renamed.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name[:32]}.{os.getpid()}.partial")
    try:
        yield draft
        os.replace(draft, target)
    except OSError as err:
        raise OutputError(f"{path}: {what}cannot be written ({err.strerror or err})") from err
    finally:
        draft.unlink(missing_ok=True)


def write_new_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text whole or not at all: beside its name, then renamed. Raises `OutputError`.

    Parameters
    ----------
    path : str or Path
    text : str
    """
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
