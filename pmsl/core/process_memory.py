"""How much memory a process holds, on every system that psutil knows."""

from __future__ import annotations


def resident_bytes(pid: int | None = None) -> int | None:
    """Return the resident memory of a process [bytes], this one by default; None where it is gone or not ours to ask about."""
    import psutil  # for batches; a slice starts without it

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
