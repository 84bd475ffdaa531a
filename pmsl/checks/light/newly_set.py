"""What an exposure sets: of its own layer at once, and by layers."""

from __future__ import annotations

import numpy as np

from pmsl.checks.light.row_runs import DoseSteps, RowRuns
from pmsl.kernels.light import run_waiting


def set_own(
    final: RowRuns, steps: DoseSteps, rule: tuple[float, float, float, float], rim: int
) -> tuple[RowRuns, np.ndarray, np.ndarray, np.ndarray]:
    """Return what an exposure sets of its own layer, and of what waits the rows, the columns and the dose.

    Parameters
    ----------
    final : RowRuns
        What will be solid of the layer.
    steps : DoseSteps
        Light of the exposure.
    rule : tuple of float
        Which share of it reaches the middle of the layer, what dissolved oxygen spends of every event, how many events, and the threshold
        [mJ/cm²].
    rim : int
        What lies so near to pixels that are set is set with them [px].
    """
    room = 2 * len(final.col) + 2 * len(steps.col) + 16
    while True:
        starts, columns = np.empty((2, len(final.start)), np.int64), np.empty((8, room), np.int32)
        rows, doses, pointer = np.empty((2, room), np.int64), np.empty((2, room)), np.empty(2 * rim + 1, np.int64)
        own = starts[1], columns[6], columns[7]
        work = starts[0], columns[0], columns[1], rows[0], columns[2:4], doses[0]
        out = rows[1], columns[4:6], doses[1]
        n = run_waiting.set_own(*final, *steps, *rule, rim, *work, *out, pointer, *own)
        if n >= 0:
            m = int(starts[1, -1])
            return RowRuns(starts[1], columns[6, :m], columns[7, :m]), rows[1, :n], columns[4:6], doses[1, :n]
        room *= 4


def by_layer(ready: np.ndarray, rows: int) -> tuple[tuple[int, RowRuns], ...]:
    """Part what is set by layers, ascending.

    Parameters
    ----------
    ready : (4, N) int64
        Layer, row, first column, one past the last column of runs, in this order.
    rows : int
        Of the grid.
    """
    if not ready.shape[1]:
        return ()
    first = np.flatnonzero(np.diff(ready[0], prepend=-1))
    ends = [*first[1:].tolist(), ready.shape[1]]
    return tuple((int(ready[0, a]), RowRuns.of_rows(rows, *ready[1:, a:b])) for a, b in zip(first.tolist(), ends, strict=True))
