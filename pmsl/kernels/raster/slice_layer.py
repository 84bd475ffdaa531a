"""One layer from triangles to runs in one call: `plane_crossings`, `area`, `cells_to_runs` and `run_ops` in a row.

Between two calls a thread must get the interpreter's lock back, which costs more than the shorter of these kernels.
"""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import inner, kernel
from pmsl.kernels.geometry import plane_crossings
from pmsl.kernels.raster import area, cells_to_runs
from pmsl.kernels.runs import run_ops

_cut_layer, _cells, _runs, _facts, _to_8bit = (
    inner(k) for k in (plane_crossings.cut_layer, area.cells, cells_to_runs.runs, run_ops.facts, run_ops.to_8bit)
)
DONE, SEGMENTS, CELLS, RUNS = range(4)


class LayerArrays(NamedTuple):
    """The arguments of `runs_of_layer` by name, in its order: shapes and kinds stand there."""

    k: int
    z: float
    corners: np.ndarray
    first: np.ndarray
    last: np.ndarray
    by_last: np.ndarray
    node_start: np.ndarray
    level_start: np.ndarray
    segments: np.ndarray
    n_rows: int
    n_cols: int
    row_begin: np.ndarray
    edges: np.ndarray
    live: np.ndarray
    line: np.ndarray
    bits: np.ndarray
    start: np.ndarray
    cell_col: np.ndarray
    sums: np.ndarray
    beyond: np.ndarray
    mixed: np.ndarray
    ends: np.ndarray
    work: np.ndarray
    guide: np.ndarray
    row_start: np.ndarray
    col: np.ndarray
    length: np.ndarray
    level: np.ndarray
    open_rows: np.ndarray
    shared: np.ndarray
    found: np.ndarray
    row_start8: np.ndarray
    col8: np.ndarray
    length8: np.ndarray
    level8: np.ndarray


@kernel
def runs_of_layer(
    k, z, corners, first, last, by_last, node_start, level_start, segments,
    n_rows, n_cols, row_begin, edges, live, line, bits, start, cell_col, sums, beyond,
    mixed, ends, work, guide, row_start, col, length, level, open_rows, shared,
    found, row_start8, col8, length8, level8,
):  # fmt: skip
    """Cut layer k and turn it into 16-bit runs and 8-bit runs.

    Parameters
    ----------
    k, z, corners, first, last, by_last, node_start, level_start, segments
        As in ``plane_crossings.cut_layer``.
    n_rows, n_cols, row_begin, edges, live, line, bits, start, cell_col, sums, beyond
        As in ``area.cells``.
    mixed, ends, work, guide, row_start, col, length, level, open_rows, shared
        As in ``cells_to_runs.runs``.
    found, row_start8, col8, length8, level8
        As in ``run_ops.facts`` and ``run_ops.to_8bit``, of the rows that hold touched cells.

    Returns
    -------
    status, count, top, bottom, count8 : int
        `DONE`, the number of 16-bit runs, the rows [top, bottom) they are in, the number of 8-bit runs. Where an array is too
        small: `SEGMENTS`, `CELLS` or `RUNS`, and how many it must hold.
    """
    n = _cut_layer(k, z, corners, first, last, by_last, node_start, level_start, segments)
    if n > segments.shape[0]:
        return SEGMENTS, n, 0, 0, 0
    top, bottom, n = _cells(segments, n, n_rows, n_cols, row_begin, edges, live, line, bits, start, cell_col, sums, beyond)
    if n > cell_col.size:
        return CELLS, n, 0, 0, 0
    n = _runs(
        top, bottom, n_cols, start, cell_col, sums, mixed, beyond, ends, work, guide, row_start, col, length, level, open_rows, shared
    )  # fmt: skip
    if n > col.size:
        return RUNS, n, 0, 0, 0
    if n == 0:
        return DONE, 0, top, bottom, 0
    own = row_start[top : bottom + 1]
    _facts(own, col, length, level, found)
    return DONE, n, top, bottom, _to_8bit(own, col, length, level, row_start8[top : bottom + 1], col8, length8, level8)
