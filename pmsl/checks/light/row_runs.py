"""Runs of pixels of a layer, and the steps of its dose, as the kernels of the checks hold them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class RowRuns(NamedTuple):
    """Maximal runs of pixels of one kind.

    Attributes
    ----------
    start : (rows + 1,) int64
        Where each row of the grid begins among the runs.
    col, end : (N,) int32
        First column of each run, and one past its last.
    """

    start: np.ndarray
    col: np.ndarray
    end: np.ndarray

    @classmethod
    def none(cls, rows: int) -> RowRuns:
        """Return no runs.

        Parameters
        ----------
        rows : int
            Of the grid.
        """
        return cls(np.zeros(rows + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))

    @classmethod
    def of_rows(cls, rows: int, row: np.ndarray, col: np.ndarray, end: np.ndarray) -> RowRuns:
        """Return runs that are listed with their rows, in order.

        Parameters
        ----------
        rows : int
            Of the grid.
        row, col, end : (N,) int
            Row, first column and one past the last of each.
        """
        start = np.zeros(rows + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=rows), out=start[1:])
        return cls(start, col.astype(np.int32), end.astype(np.int32))

    @classmethod
    def of_dense(cls, solid: np.ndarray) -> RowRuns:
        """Return the runs of what is True in a (rows, cols) bool array.

        Parameters
        ----------
        solid : (rows, cols) bool
        """
        rows, cols = solid.shape
        edges = np.diff(np.pad(solid, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        row, col = np.nonzero(edges > 0)
        return cls.of_rows(rows, row, col, np.nonzero(edges < 0)[1])

    def rows(self) -> np.ndarray:
        """Return the row of each run: (N,) int64."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def where(self, keep: np.ndarray) -> RowRuns:
        """Return some of the runs.

        Parameters
        ----------
        keep : (N,) bool
            Which of them.
        """
        return RowRuns.of_rows(len(self.start) - 1, self.rows()[keep], self.col[keep], self.end[keep])

    def pixels(self) -> int:
        """Return how many pixels there are."""
        return int((self.end - self.col).sum(dtype=np.int64))

    def dense(self, cols: int) -> np.ndarray:
        """Return them as (rows, cols) bool.

        Parameters
        ----------
        cols : int
            Of the grid.
        """
        edges = np.zeros((len(self.start) - 1, cols + 1), np.int32)
        row = self.rows()
        np.add.at(edges, (row, self.col), 1)
        np.add.at(edges, (row, self.end), -1)
        return np.asarray(np.cumsum(edges, axis=1)[:, :cols] > 0)


class DoseSteps(NamedTuple):
    """A dose that is the same over runs of pixels: see `pmsl.kernels.light.run_dose`.

    Attributes
    ----------
    begin, stop : (rows,) int64
        Where the steps of each row are; rows that are alike may share theirs.
    col : (N,) int32
    value : (T, N) float64
        [mJ/cm²], one value a decay.
    """

    begin: np.ndarray
    stop: np.ndarray
    col: np.ndarray
    value: np.ndarray

    @classmethod
    def dark(cls, rows: int, terms: int) -> DoseSteps:
        """Return no light.

        Parameters
        ----------
        rows : int
            Of the grid.
        terms : int
            Decays.
        """
        begin, stop = np.zeros((2, rows), np.int64)
        return cls(begin, stop, np.zeros(0, np.int32), np.zeros((terms, 0)))
