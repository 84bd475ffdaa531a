"""Waiting for another process to end, as the system tells it: whoever else holds its pipes says nothing about that."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import Any

LOOK_S = 0.02  # between two looks, where the system has nothing to wait on


def wait_for_end(pid: int) -> None:
    """Return when the process `pid`, the parent of this one, has ended.

    Linux waits on a pidfd, macOS and BSD on a kqueue, Windows on a handle; elsewhere, and where these are denied, the parent is looked
    at every `LOOK_S`.
    """
    if sys.platform == "win32":
        _wait_on_handle(pid)
        return
    waits = [wait for name, module, wait in WAYS if hasattr(module, name)]
    try:
        if waits:
            waits[0](pid)
            return
    except ProcessLookupError:  # it was faster
        return
    except OSError:  # an old kernel, or a sandbox that does not allow it
        pass
    while os.getppid() == pid:
        time.sleep(LOOK_S)


def _wait_on_pidfd(pid: int) -> None:
    system: Any = os  # not every system's has it
    fd = system.pidfd_open(pid)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while not poll.poll():
        pass
    os.close(fd)


def _wait_on_kqueue(pid: int) -> None:
    system: Any = select
    queue = system.kqueue()
    exits = system.kevent(pid, system.KQ_FILTER_PROC, system.KQ_EV_ADD | system.KQ_EV_ONESHOT, system.KQ_NOTE_EXIT)
    while not queue.control([exits], 1, None):
        pass
    queue.close()


def _wait_on_handle(pid: int) -> None:
    import ctypes

    windows: Any = ctypes
    kernel = windows.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(0x0010_0000, False, pid)  # SYNCHRONIZE
    if handle:
        kernel.WaitForSingleObject(ctypes.c_void_p(handle), 0xFFFF_FFFF)
        kernel.CloseHandle(ctypes.c_void_p(handle))


WAYS = ("pidfd_open", os, _wait_on_pidfd), ("kqueue", select, _wait_on_kqueue)
