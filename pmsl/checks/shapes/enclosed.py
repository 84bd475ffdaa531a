"""Areas of a layer that solid pixels enclose, and what runs of two layers share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pmsl.checks.light.row_runs import RowRuns
from pmsl.kernels.runs import run_voids as kernels


class EnclosedAreas(NamedTuple):
    """The gaps between the solid pixels of a layer, and the areas they make that solid pixels enclose.

    Attributes
    ----------
    gaps : RowRuns
    label : (N,) int64
        The area that each gap is in; -1 outside.
    area_px : (A,) int64
        Pixels of each area.
    box : (4, A) int64
        First row and column of each area, one past its last row and column.
    """

    gaps: RowRuns
    label: np.ndarray
    area_px: np.ndarray
    box: np.ndarray


def enclosed_areas(runs: RowRuns) -> EnclosedAreas:
    """Return the gaps of a layer and the areas that are enclosed.

    Parameters
    ----------
    runs : RowRuns
        What is solid.
    """
    n = len(runs.col)
    start, (col, end) = np.empty_like(runs.start), np.empty((2, n), np.int32)
    (label, area), box = np.empty((2, n), np.int64), np.empty((4, n), np.int64)
    found = kernels.enclosed(*runs, start, col, end, label, area, box)
    label = label[:found]
    many = int(label.max(initial=-1)) + 1
    return EnclosedAreas(RowRuns(start, col[:found], end[:found]), label, area[:many], box[:, :many])


def run_overlaps(runs: RowRuns, label: np.ndarray, others: RowRuns, other: np.ndarray) -> np.ndarray:
    """Return what labelled runs share with others: (3, n), label, label of the other, pixels.

    Parameters
    ----------
    runs : RowRuns
    label : (N,) int64
        Of each run; those below 0 are left out.
    others : RowRuns
    other : (M,) int64
        Their labels; all of them count.
    """
    out = np.empty((3, len(runs.col) + len(others.col)), np.int64)
    n = kernels.overlaps(*runs, label, *others, other, out)
    return out[:, :n]
