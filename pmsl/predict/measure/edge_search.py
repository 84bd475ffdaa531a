"""Printed edges along normals, for any dose that can be asked about at points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

CLOSE = 1e-6  # of a stride
MOST = 60


def edges_along(
    level: Callable[[np.ndarray], np.ndarray], points: np.ndarray, outward: np.ndarray, stride: float, limit: float
) -> np.ndarray:
    """Find where `level` crosses 0 along the normal of every probe; the search of ``edge_probes.edges``, all probes at a time.

    Parameters
    ----------
    level : callable
        (N, 2) places (y, x) → (N,) float64; above 0 in the solid.
    points, outward : (P, 2) float64
        Places of the probes, and what a place moves by for one unit of length.
    stride, limit : float
        Length of a step, and how far is looked.

    Returns
    -------
    (P,) float64
        Signed distance, positive outward; inf where the solid goes on as far as `limit`, -inf where there is none.
    """
    at_a = level(points)
    toward = np.where(at_a > 0, 1.0, -1.0)
    a, b, at_b = np.zeros(len(points)), np.zeros(len(points)), at_a.copy()
    seeking = np.arange(len(points))
    while seeking.size:
        a[seeking], at_a[seeking] = b[seeking], at_b[seeking]
        b[seeking] += toward[seeking] * stride
        at_b[seeking] = level(points[seeking] + b[seeking, None] * outward[seeking])
        seeking = seeking[((at_b[seeking] > 0) == (at_a[seeking] > 0)) & (np.abs(b[seeking]) < limit)]
    none = (at_b > 0) == (at_a > 0)
    _close_in(level, points, outward, np.flatnonzero(~none), a, at_a, b, at_b, CLOSE * stride)
    return np.where(none, np.inf * toward, b)


def _close_in(
    level: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    outward: np.ndarray,
    open_: np.ndarray,
    a: np.ndarray,
    at_a: np.ndarray,
    b: np.ndarray,
    at_b: np.ndarray,
    close: float,
) -> None:
    """Regula falsi between a and b, the end that stays weighed half; leaves the root in b."""
    for _ in range(MOST):
        open_ = open_[at_b[open_] != 0]
        if not open_.size:
            return
        t = b[open_] - at_b[open_] * (b[open_] - a[open_]) / (at_b[open_] - at_a[open_])
        at_t = level(points[open_] + t[:, None] * outward[open_])
        same = (at_t > 0) == (at_b[open_] > 0)
        at_a[open_] = np.where(same, 0.5 * at_a[open_], at_b[open_])
        a[open_] = np.where(same, a[open_], b[open_])
        moved = np.abs(t - b[open_])
        b[open_], at_b[open_] = t, at_t
        open_ = open_[(moved >= close) & (np.abs(b[open_] - a[open_]) >= close)]
