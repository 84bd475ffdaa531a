"""Lines and outlines cut to a rectangle: what of them a block of the plate has.

Each segment is cut by the four half planes of the rectangle at once (Y.-D. Liang, B. A. Barsky, ACM Trans. Graph. 3, 1 (1984)).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def clip_lines(lines_um: np.ndarray, low_um: np.ndarray, high_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what of lines lies inside a rectangle, and which lines that are.

    Parameters
    ----------
    lines_um : (n, 2, 2) float64
        From their first to their last point.
    low_um, high_um : (2,) float64
        Corners of the rectangle.

    Returns
    -------
    (m, 2, 2) float64
        In the order and direction of the lines; end points inside the rectangle keep their bits. Lines that only touch it, or have
        no length, are left out.
    (m,) int64
        Their numbers.
    """
    start, way = lines_um[:, 0], lines_um[:, 1] - lines_um[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        to_low, to_high = (low_um - start) / way, (high_um - start) / way
    flat = way == 0.0
    enters = np.where(flat, -np.inf, np.minimum(to_low, to_high)).max(axis=1, initial=0.0)
    leaves = np.where(flat, np.inf, np.maximum(to_low, to_high)).min(axis=1, initial=1.0)
    inside = ~((flat & ((start < low_um) | (start > high_um))).any(axis=1) | flat.all(axis=1))
    which = np.flatnonzero(inside & (leaves > enters))
    out = lines_um[which].copy()
    for end, share in ((0, enters[which]), (1, leaves[which])):
        cut = share > 0.0 if end == 0 else share < 1.0
        moved = start[which][cut] + share[cut, None] * way[which][cut]
        out[cut, end] = np.clip(moved, low_um, high_um)
    return out, which


def clip_rings(rings_um: Sequence[np.ndarray], low_um: np.ndarray, high_um: np.ndarray) -> list[np.ndarray]:
    """Return what of closed outlines lies inside a rectangle, without its edges.

    Parameters
    ----------
    rings_um : sequence of (n + 1, 2) float64
        The last point is the first.
    low_um, high_um : (2,) float64
        Corners of the rectangle.

    Returns
    -------
    list of (k, 2) float64
        Whole outlines where all of one lies inside; else the pieces that do, in the order they are run through.
    """
    out: list[np.ndarray] = []
    for ring in rings_um:
        if ((ring >= low_um) & (ring <= high_um)).all():
            out.append(ring)
            continue
        lines, _ = clip_lines(np.stack([ring[:-1], ring[1:]], axis=1), low_um, high_um)
        if len(lines):
            out += _joined(lines)
    return out


def _joined(lines: np.ndarray) -> list[np.ndarray]:
    """Return lines that go on in one another as one: end and beginning are the same bits."""
    apart = (lines[:-1, 1] != lines[1:, 0]).any(axis=1)
    pieces = [np.concatenate([piece[:1, 0], piece[:, 1]]) for piece in np.split(lines, np.flatnonzero(apart) + 1)]
    if len(pieces) > 1 and (pieces[-1][-1] == pieces[0][0]).all():  # the ring began inside
        pieces[0] = np.concatenate([pieces.pop(), pieces[0][1:]])
    return pieces
