"""Solved blocks of layers: each solved once by the first thread that asks, the last ones kept, the next solved meanwhile."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from pmsl.correct.solver.layer_block import LayerSolution

KEPT, AHEAD = 4, 2  # blocks: kept, and solved at most before they are asked for


class SolvedBlocks:
    """Gives the solution of any layer, to any threads.

    Parameters
    ----------
    solve : callable
        Solves the block of a number: returns its layers by index. A block that is no longer kept is solved again.
    block_layers : int
        Layers of a block: layer k is in block ``k // block_layers``.
    n_layers : int
        Of the job.
    """

    def __init__(self, solve: Callable[[int], dict[int, LayerSolution]], block_layers: int, n_layers: int) -> None:
        self._solve, self._block_layers, self._n_layers = solve, block_layers, n_layers
        self._blocks: OrderedDict[int, dict[int, LayerSolution]] = OrderedDict()
        self._busy: dict[int, threading.Lock] = {}
        self._lock = threading.Lock()
        self._latest = 0  # block asked for last

    def layer(self, k: int) -> LayerSolution:
        """Return layer k's solution; a thread that has to wait for its block has the next one solved meanwhile."""
        number = k // self._block_layers
        found = self._known(number)
        if found is None:
            with self._lock:
                onward = 1 if number >= self._latest else -1
            busy = self._lock_of(number)
            if not busy.acquire(blocking=False):
                self._solve_ahead(number, onward)
                busy.acquire()
            try:
                found = self._known(number) or self._solved(number)
            finally:
                busy.release()
        with self._lock:
            self._latest = number
        return found[k]

    def _lock_of(self, number: int) -> threading.Lock:
        """Return what a thread holds while it solves a block."""
        with self._lock:
            return self._busy.setdefault(number, threading.Lock())

    def _known(self, number: int) -> dict[int, LayerSolution] | None:
        """Return the layers of a block that was solved, if it is still kept."""
        with self._lock:
            if number in self._blocks:
                self._blocks.move_to_end(number)
            return self._blocks.get(number)

    def _solved(self, number: int) -> dict[int, LayerSolution]:
        """Solve a block and keep it; its lock is held."""
        found = self._solve(number)
        with self._lock:
            self._blocks[number] = found
            while len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
        return found

    def _solve_ahead(self, number: int, onward: int) -> None:
        """Have the next block that nobody solves yet solved by a thread of its own: its caller would only wait for `number`."""
        for ahead in range(1, AHEAD + 1):
            after = number + ahead * onward
            if not 0 <= after * self._block_layers < self._n_layers:
                return
            busy = self._lock_of(after)
            if not busy.acquire(blocking=False):
                continue
            if self._known(after) is None:
                threading.Thread(target=self._solve_and_release, args=(after, busy), name="pmsl-block").start()
                return
            busy.release()

    def _solve_and_release(self, number: int, busy: threading.Lock) -> None:
        """Solve a block whose lock another thread has taken for this one."""
        try:
            self._solved(number)
        except Exception:  # whoever asks for the block meets it again
            return
        finally:
            busy.release()
