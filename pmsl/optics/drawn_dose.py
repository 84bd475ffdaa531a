"""Dose of drawn lines on a grid of points, exactly: a Gaussian spot drawn along a straight line.

In the frame of a line of length L, u along it and v across, the dose of a spot of power P, speed s and radius w (1/e²) is ::

    P / (s w sqrt(2 π)) exp(-2 v² / w²) [erf(sqrt2 u / w) - erf(sqrt2 (u - L) / w)]

It adds up: a long line is cut into pieces, each with the points around it. Further from a piece than where a line's dose has fallen below
`FAINT` of that on it nothing is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pmsl.core.mask import Window, around
from pmsl.job.dose_map import DoseMap
from pmsl.job.drawing import Drawing

FAINT = 1e-9  # of a line's dose
REACH_W0 = math.sqrt(0.5 * math.log(1.0 / FAINT))  # 3.22
PIECE_W0 = 6.0  # longest piece of a line
POINTS = 1 << 20  # looked at together
MJ_CM2 = 1e8  # mJ/µm² in mJ/cm²


def reached(points_um: np.ndarray, w0_um: float, origin_um: np.ndarray, pitch_um: np.ndarray, shape: tuple[int, int]) -> Window:
    """Return the pixels of a grid that light drawn along lines reaches.

    Parameters
    ----------
    points_um : (N, 2) float64
        Ends of the lines [µm].
    w0_um : float
        Radius of the spot (1/e²) [µm].
    origin_um, pitch_um : (2,) float64
        Of the grid, x and y [µm].
    shape : (int, int)
        (rows, cols) of the grid.
    """
    if not len(points_um):
        return Window(0, 0, 0, 0)
    reach = REACH_W0 * w0_um
    low = np.floor((points_um.min(axis=0) - reach - origin_um) / pitch_um).astype(np.int64)
    high = np.ceil((points_um.max(axis=0) + reach - origin_um) / pitch_um).astype(np.int64)
    low, high = np.maximum(low, 0), np.minimum(high, shape[::-1])
    cols, rows = np.maximum(high - low, 0).tolist()
    return Window(int(low[1]), int(low[0]), rows, cols)


def add_lines(
    dose: np.ndarray, lines_um: np.ndarray, mj_um: float, w0_um: float, corner_um: tuple[float, float], pitch_um: tuple[float, float]
) -> None:
    """Add the dose of lines to a grid, in place, at the middles of its cells.

    Parameters
    ----------
    dose : (rows, cols) float64
        [mJ/cm²]; row 0 is the smallest y.
    lines_um : (n, 2, 2) float64
        From and to, x and y [µm].
    mj_um : float
        Energy on each µm of a line, power over speed [mJ/µm].
    w0_um : float
        Radius of the spot (1/e²) [µm].
    corner_um : (float, float)
        Outer corner of cell (0, 0), x and y [µm].
    pitch_um : (float, float)
        Size of a cell, x and y [µm].
    """
    pieces = _pieces(lines_um, w0_um)
    if not len(pieces) or not dose.size:
        return
    # in units of sqrt2 / w0, cells from 0
    scale = math.sqrt(2.0) / w0_um
    ends = (pieces - corner_um) * scale
    step = np.array(pitch_um) * scale
    reach = math.sqrt(2.0) * REACH_W0
    low = np.floor((ends.min(axis=1) - reach) / step).astype(np.int64)
    wide = np.ceil((ends.max(axis=1) + reach) / step).astype(np.int64) - low
    peak = mj_um / (w0_um * math.sqrt(2.0 * math.pi)) * MJ_CM2
    for cols, rows in np.unique(wide, axis=0).tolist():
        same = np.flatnonzero((wide == (cols, rows)).all(axis=1))
        many = max(1, POINTS // (rows * cols))
        for first in range(0, len(same), many):
            some = same[first : first + many]
            _add(dose, _of_pieces(ends[some], low[some], (rows, cols), step) * peak, low[some])


def add_drawing(dose: np.ndarray, drawing: Drawing, corner_um: tuple[float, float], pitch_um: tuple[float, float]) -> None:
    """Add the dose of a drawing to a grid, in place, at the middles of its cells.

    Parameters
    ----------
    dose : (rows, cols) float64
        [mJ/cm²]; row 0 is the smallest y.
    drawing : Drawing
    corner_um, pitch_um : (float, float)
        Outer corner of cell (0, 0) and size of a cell, x and y [µm].
    """
    for group in drawing.groups:
        add_lines(dose, group.segments_um, group.mj_um, drawing.w0_um, corner_um, pitch_um)


def drawn_dose_map(index: int, drawings: Sequence[Drawing], shape: tuple[int, int], pitch_um: tuple[float, float]) -> DoseMap:
    """Return the dose that drawings leave in the middle of every pixel of a field whose corner is at 0.

    Parameters
    ----------
    index : int
        The layer.
    drawings : sequence of Drawing
    shape : (int, int)
        (rows, cols) of the field.
    pitch_um : (float, float)
        Of its pixels, x and y.
    """
    window = around(reached(drawing.points_um, drawing.w0_um, np.zeros(2), np.array(pitch_um), shape) for drawing in drawings)
    total = np.zeros((window.rows, window.cols))
    for drawing in drawings:
        add_drawing(total, drawing, (window.col0 * pitch_um[0], window.row0 * pitch_um[1]), pitch_um)
    return DoseMap(index, shape, window, total.astype(np.float32), "plane")


def _pieces(lines_um: np.ndarray, w0_um: float) -> np.ndarray:
    """Return lines cut into pieces that are short enough, those without length left out: (n, 2, 2) float64."""
    way = lines_um[:, 1] - lines_um[:, 0]
    length = np.hypot(way[:, 0], way[:, 1])
    lines_um, way, length = lines_um[length > 0], way[length > 0], length[length > 0]
    level = (way == 0).any(axis=1)  # along an axis: the points around all of it are no more than needed
    count = np.where(level, np.ceil(length / (8 * PIECE_W0 * w0_um)), np.ceil(length / (PIECE_W0 * w0_um))).astype(np.int64)
    line = np.repeat(np.arange(len(count)), count)
    i = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
    share = np.stack([i, i + 1], axis=1) / count[line, None]
    return np.asarray(lines_um[line, :1] + share[:, :, None] * way[line, None])


def _of_pieces(ends: np.ndarray, low: np.ndarray, shape: tuple[int, int], step: np.ndarray) -> np.ndarray:
    """Return the share of each piece at the cells of its own window: (n, rows, cols) float64."""
    from scipy.special import erf

    way = ends[:, 1] - ends[:, 0]
    length = np.hypot(way[:, 0], way[:, 1])
    along = (way / length[:, None])[:, None, None, :]
    x = ((low[:, 0, None] + np.arange(shape[1]) + 0.5) * step[0] - ends[:, 0, 0, None])[:, None, :]
    y = ((low[:, 1, None] + np.arange(shape[0]) + 0.5) * step[1] - ends[:, 0, 1, None])[:, :, None]
    u, v = x * along[..., 0] + y * along[..., 1], y * along[..., 0] - x * along[..., 1]
    share = erf(u)
    share -= erf(u - length[:, None, None])
    share *= np.exp(-v * v)
    return np.asarray(share)


def _add(dose: np.ndarray, shares: np.ndarray, low: np.ndarray) -> None:
    rows, cols = shares.shape[1:]
    for share, (col, row) in zip(shares, low.tolist(), strict=True):
        top, left = max(row, 0), max(col, 0)
        bottom, right = min(row + rows, dose.shape[0]), min(col + cols, dose.shape[1])
        if bottom > top and right > left:
            dose[top:bottom, left:right] += share[top - row : bottom - row, left - col : right - col]
