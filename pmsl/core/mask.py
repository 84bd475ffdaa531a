"""LayerMask: the covered fraction of every pixel of one layer, as runs or dense."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.runs import Runs, clipped, column_sums, painted, runs_of
from pmsl.errors import GridError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

FULL = 65535


class Window(NamedTuple):
    """A rectangle of the grid, in pixels."""

    row0: int
    col0: int
    rows: int
    cols: int


EMPTY = Window(0, 0, 0, 0)


def around(windows: Iterable[Window]) -> Window:
    """Return the smallest window that holds all of them."""
    lit = [w for w in windows if w.rows]
    if not lit:
        return EMPTY
    row0, col0 = min(w.row0 for w in lit), min(w.col0 for w in lit)
    return Window(row0, col0, max(w.row0 + w.rows for w in lit) - row0, max(w.col0 + w.cols for w in lit) - col0)


def in_field(window: Window, shape: tuple[int, ...]) -> Window:
    """Return the part of a window that the field has."""
    row0, col0 = max(window.row0, 0), max(window.col0, 0)
    rows = min(window.row0 + window.rows, shape[0]) - row0
    cols = min(window.col0 + window.cols, shape[1]) - col0
    return Window(row0, col0, rows, cols) if rows > 0 and cols > 0 else EMPTY


@dataclass(frozen=True, slots=True, eq=False)
class LayerMask:
    """The mask of one layer: 65535 is a fully covered pixel, 0 is black.

    Which form it holds is private: 16-bit runs (masks of plain geometry), 8-bit runs (masks read from a file) or dense.

    Attributes
    ----------
    index : int
        Layer number.
    shape : (int, int)
        (rows, cols) of the grid; row grows with +y, column with +x.
    window : Window
        Smallest rectangle that holds every pixel that is not black; all zeros for an empty mask.
    """

    index: int
    shape: tuple[int, int]
    window: Window
    _runs: Runs | None = None
    _dense: np.ndarray | None = None
    _eight: Runs | None = None
    _sum: int = -1  # of all levels, where it is known

    @classmethod
    def from_runs(cls, index: int, shape: tuple[int, int], row0: int, runs: Runs) -> LayerMask:
        """Make a mask from maximal uint16 or uint8 runs whose first row is grid row `row0`; takes the arrays over.

        Parameters
        ----------
        index : int
            Layer.
        shape : (int, int)
            (rows, cols) of the grid.
        row0 : int
            Grid row of the first row of `runs`.
        runs : Runs
            Columns of the grid.
        """
        if len(runs.col) == 0:
            return cls(index, shape, EMPTY, Runs(*(frozen(a) for a in (np.zeros(1, np.int64), runs.col, runs.length, runs.value))))
        counts = np.flatnonzero(np.diff(runs.row_start))
        top, bottom = int(counts[0]), int(counts[-1]) + 1
        col0 = int(runs.col.min())
        window = Window(row0 + top, col0, bottom - top, int((runs.col + runs.length).max()) - col0)
        trimmed = runs._replace(row_start=runs.row_start[top : bottom + 1])
        return cls(index, shape, window, Runs(*(frozen(a) for a in trimmed)))

    @classmethod
    def from_window(cls, index: int, shape: tuple[int, int], window: Window, levels: np.ndarray) -> LayerMask:
        """Make a mask of runs from the (window.rows, window.cols) uint8 or uint16 levels inside a window of the grid.

        Parameters
        ----------
        index : int
            Layer.
        shape : (int, int)
            (rows, cols) of the grid.
        window : Window
            First row and column, rows and columns.
        levels : (window.rows, window.cols) uint8 or uint16
        """
        found = runs_of(levels, (0, 0, window.rows, window.cols))
        return cls.from_runs(index, shape, window.row0, found._replace(col=found.col + np.int32(window.col0)))

    @classmethod
    def known(cls, index: int, shape: tuple[int, int], window: Window, runs: Runs, eight: Runs, total: int) -> LayerMask:
        """Make a mask of which everything is known: window, 16-bit runs, 8-bit runs, sum of all 16-bit levels; takes the arrays over.

        Parameters
        ----------
        index : int
            Layer.
        shape : (int, int)
            (rows, cols) of the grid.
        window : Window
            What holds all that is not black.
        runs, eight : Runs
            Of 16-bit and of 8-bit levels.
        total : int
            Sum of all 16-bit levels.
        """
        return cls(index, shape, window, Runs(*map(frozen, runs)), None, Runs(*map(frozen, eight)), total)

    @classmethod
    def from_dense(cls, index: int, levels: np.ndarray) -> LayerMask:
        """Make a mask from a (rows, cols) uint8 or uint16 array of levels; takes the array over.

        Parameters
        ----------
        index : int
            Layer.
        levels : (rows, cols) uint8 or uint16
            Row 0 is the smallest y; the full level is 255 or 65535.

        Raises
        ------
        GridError
            Another shape or type.
        """
        if levels.ndim != 2 or levels.dtype not in (np.uint8, np.uint16):
            raise GridError(f"mask: levels are {levels.dtype} of shape {levels.shape}; expected (rows, cols) uint8 or uint16")
        rows, cols = np.flatnonzero(levels.any(axis=1)), np.flatnonzero(levels.any(axis=0))
        window = EMPTY
        if rows.size:
            window = Window(int(rows[0]), int(cols[0]), int(rows[-1] - rows[0]) + 1, int(cols[-1] - cols[0]) + 1)
        return cls(index, (levels.shape[0], levels.shape[1]), window, None, frozen(np.ascontiguousarray(levels)))

    @property
    def empty(self) -> bool:
        """True where every pixel is black."""
        return self.window.rows == 0

    @property
    def black_at_8_bit(self) -> bool:
        """True where no pixel reaches the lowest 8-bit level."""
        if self._eight is not None:
            return len(self._eight.col) == 0
        levels = self._dense if self._dense is not None else self._runs.value if self._runs is not None else np.zeros(0)
        return self.empty or _convert(np.atleast_1d(levels.max()), np.dtype(np.uint8))[0] == 0

    def dense(self, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Return the whole mask, always of the grid's shape.

        Parameters
        ----------
        dtype : float32, float64, uint8 or uint16
            Floats are 0..1; uint8 is ``(u16 + 128) // 257``.

        Returns
        -------
        (rows, cols) ndarray of dtype
            A new array; row 0 is the smallest y.

        Raises
        ------
        GridError
            Any other dtype.
        """
        wanted = np.dtype(dtype)
        if wanted not in (np.float32, np.float64, np.uint8, np.uint16):
            raise GridError(f"mask: dtype {wanted} is not offered; ask for float32, float64, uint8 or uint16")
        if self._dense is not None:
            return _convert(self._dense, wanted)
        assert self._runs is not None
        return painted(self._runs, _convert(self._runs.value, wanted), self.window.row0, self.shape)

    def within(self, window: Window, dtype: DTypeLike = np.uint8) -> np.ndarray:
        """Return the part of the mask inside a window of the grid: (window.rows, window.cols) of dtype; as `dense`.

        Parameters
        ----------
        window : Window
            First row and column, rows and columns.
        dtype : float32, float64, uint8 (default) or uint16
            Floats are 0..1.
        """
        row0, col0, rows, cols = window
        if self._runs is None:
            assert self._dense is not None
            return _convert(self._dense[row0 : row0 + rows, col0 : col0 + cols], np.dtype(dtype))
        near = clipped(self._runs, self.window.row0, window)
        return painted(near, _convert(near.value, np.dtype(dtype)), 0, (rows, cols))

    def runs(self) -> Runs:
        """Return the mask as maximal uint16 runs (columns of the grid, rows of the window)."""
        if self._runs is not None:
            return self._runs._replace(value=_convert(self._runs.value, np.dtype(np.uint16)))
        assert self._dense is not None
        return runs_of(_convert(self._dense, np.dtype(np.uint16)), self.window)

    def runs_8bit(self) -> Runs:
        """Return the maximal runs of the 8-bit mask, ``u8 = (u16 + 128) // 257``; read-only."""
        if self._eight is None:  # asked for by the encoder and by the hash: made once
            object.__setattr__(self, "_eight", Runs(*(frozen(a) for a in self._in_8_bit())))
        assert self._eight is not None
        return self._eight

    def _in_8_bit(self) -> Runs:
        if self._dense is not None:
            return runs_of(_convert(self._dense, np.dtype(np.uint8)), self.window)
        assert self._runs is not None
        return self._runs if self._runs.value.dtype == np.uint8 else _narrowed(self._runs)

    def column_sums_px(self) -> np.ndarray:
        """Return the covered area of every column, seen along y: (cols,) float64 [px]."""
        if self._dense is not None:
            return np.asarray(self._dense.sum(axis=0, dtype=np.int64) / _full(self._dense))
        assert self._runs is not None
        return np.asarray(column_sums(self._runs, self.shape[1]) / _full(self._runs.value))

    def sum_px(self) -> float:
        """Return the covered area in pixels: the sum of all levels over the full level."""
        if self._dense is not None:
            return int(self._dense.sum(dtype=np.int64)) / _full(self._dense)
        assert self._runs is not None
        if self._sum >= 0:
            return self._sum / FULL
        return int(np.multiply(self._runs.length, self._runs.value, dtype=np.int64).sum()) / _full(self._runs.value)

    def sha256(self) -> str:
        """Return the hash of the canonical 8-bit runs, the same for every form, orientation and file format.

        Notes
        -----
        SHA-256 over, little-endian: int32 rows and cols of the grid; int32 first row and number of rows between the
        first and the last that are not black (0, 0 where all are); int32 number of runs of each of those rows; then of
        all maximal runs that are not black, in rows upward and columns to the right (row 0 is the smallest y), int32
        columns, int32 lengths, uint8 levels.
        """
        runs = self.runs_8bit()
        counts = np.diff(runs.row_start)
        row0 = self.window.row0 if len(runs.col) else 0
        if counts.size and not (counts[0] and counts[-1]):  # the window's first and last rows may be black at 8 bit
            lit = np.flatnonzero(counts)
            row0 += int(lit[0]) if lit.size else 0
            counts = counts[lit[0] : lit[-1] + 1] if lit.size else counts[:0]
        head = np.array([*self.shape, row0, len(counts)], "<i4")
        kinds = ((head, "<i4"), (counts, "<i4"), (runs.col, "<i4"), (runs.length, "<i4"), (runs.value, "u1"))
        whole = b"".join([np.ascontiguousarray(array, kind).data for array, kind in kinds])
        return hashlib.sha256(whole).hexdigest()


def _narrowed(wide: Runs) -> Runs:
    """Return the maximal 8-bit runs of 16-bit ones."""
    from pmsl.kernels.runs import run_ops

    out = Runs(np.empty_like(wide.row_start), np.empty_like(wide.col), np.empty_like(wide.length), np.empty(len(wide.col), np.uint8))
    n = run_ops.to_8bit(*wide, *out)
    return Runs(out.row_start, out.col[:n], out.length[:n], out.value[:n])


def _full(levels: np.ndarray) -> int:
    """Return the level of a fully covered pixel."""
    return FULL if levels.dtype == np.uint16 else 255


def _convert(levels: np.ndarray, wanted: np.dtype[Any]) -> np.ndarray:
    """Convert uint8 or uint16 levels to `wanted`: another integer depth, or floats 0..1."""
    if wanted.kind == "f":
        return (levels / _full(levels)).astype(wanted)
    if levels.dtype == wanted:
        return levels.copy()
    if wanted == np.uint16:
        return levels.astype(np.uint16) * np.uint16(257)
    return ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)
