"""A lock on an open file, given back by the system when its process ends in any way: a sign of life that cannot be mistaken."""

from __future__ import annotations

import errno
import sys
from typing import BinaryIO

BEYOND = 1 << 40  # where the locked byte lies on Windows, which lets nobody else read or write it: behind all that is written
HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


def lock(file: BinaryIO) -> bool | None:
    """Lock a file for as long as it is open; False where another one that has it open holds it, None where the disk knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            at = file.tell()
            file.seek(BEYOND)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            finally:
                file.seek(at)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        return False if err.errno in HELD else None
    return True
