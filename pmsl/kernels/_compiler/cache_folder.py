"""The folder that machine code is kept in: one that nobody else may write to, for what lies there is run."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path


@cache
def cache_folder() -> Path:
    """Return the first folder that is ours to write: NUMBA_CACHE_DIR, or else beside the sources, the user's cache folder.

    Raises
    ------
    OSError
        None is, and why.
    """
    named = os.environ.get("NUMBA_CACHE_DIR")
    why = "no folder to keep kernels in is writable"
    for choose in (lambda: Path(str(named)),) if named else (lambda: Path(__file__).parents[1] / "__pycache__", _of_user):
        try:
            folder = choose()
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except (OSError, RuntimeError):  # RuntimeError: there is no home
            continue
        if not _others_may_write(folder):
            return folder
        why = f"others may write to {folder}, and kernels there would be run as yours"
    raise OSError(why)


def _of_user() -> Path:
    home = {"win32": os.environ.get("LOCALAPPDATA", "~/AppData/Local"), "darwin": "~/Library/Caches"}
    return Path(home.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or "~/.cache")).expanduser() / "pmsl"


def _others_may_write(folder: Path) -> bool:
    """Tell whether somebody beside this user and root may put files into a folder, or another folder in its place."""
    if sys.platform == "win32":  # rights are lists there, and profiles are private
        return False
    here, above = folder.resolve().stat(), folder.resolve().parent.stat()
    return _writable_by_others(here) or (_writable_by_others(above) and not above.st_mode & stat.S_ISVTX)


def _writable_by_others(facts: os.stat_result) -> bool:
    group = bool(facts.st_mode & stat.S_IWGRP) and not _private(facts)
    return facts.st_uid not in (os.geteuid(), 0) or group or bool(facts.st_mode & stat.S_IWOTH)


def _private(facts: os.stat_result) -> bool:
    """Tell that the group of a folder is the owner's own, as many systems make one for each user."""
    import grp
    import pwd

    try:
        group = grp.getgrgid(facts.st_gid)
        owner = pwd.getpwuid(facts.st_uid).pw_name
    except KeyError:
        return False
    return group.gr_name == owner and set(group.gr_mem) <= {owner}
