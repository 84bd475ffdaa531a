"""Signals that end a process, while the light may be on: as KeyboardInterrupt, and never while it is being put out."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # Ctrl-C, a polite kill, the terminal closed; the last one on Windows
NUMBERS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


class Interruptible:
    """They raise KeyboardInterrupt inside the block, until `closing` is set. Handlers that were there come back after it.

    One that is ignored stays so, as SIGHUP is under nohup. Only the main thread is given signals; in another thread this does nothing.
    """

    def __init__(self) -> None:
        self.closing = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruptible:
        if threading.current_thread() is threading.main_thread():
            for number in NUMBERS:
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closing = True
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.closing:
            raise KeyboardInterrupt
