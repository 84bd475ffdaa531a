"""How much memory a process holds, as the system tells it."""

from __future__ import annotations

import os


def resident_bytes(pid: int | None = None) -> int | None:
    """Return the resident memory of a process [bytes], this one by default; None where the system does not tell."""
    try:
        with open(f"/proc/{'self' if pid is None else pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
