"""SIGINT and SIGTERM while the light may be on: once, as KeyboardInterrupt, and never while it is being put out."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interruptible:
    """Both signals raise KeyboardInterrupt inside the block, until `closing` is set. Handlers that were there come back after it.

    Only the main thread is given signals; in another thread this does nothing.
    """

    def __init__(self) -> None:
        self.closing = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruptible:
        if threading.current_thread() is threading.main_thread():
            for number in NUMBERS:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closing = True
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.closing:
            raise KeyboardInterrupt
