"""Hatches: the lines of a comb, cut exactly where they enter and leave an area.

Every edge of the area is met with the lines it crosses at once, for all lines: a line enters the solid where the winding number rises above
0 and leaves it where it falls back. A vertex on a line belongs to the half plane above it, for both of its edges, so that every line leaves
as often as it enters. The comb is fixed to the plate: line j lies at ``offset + (j + 1/2) spacing`` along the normal, for any area, so that
layers of one angle lie on each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from pmsl.errors import UsageError
from pmsl.slicing.hatching.travel_order import nearest_first
from pmsl.slicing.polygons import oriented_rings

Order = Literal["back-and-forth", "one-way"]
ORDERS: tuple[Order, ...] = ("back-and-forth", "one-way")
MOST_LINES = 1 << 26  # crossings that are held at a time: 2 GiB
FARTHEST = 2.0**40  # rows from the plate's corner: there lines are known to a thousandth of their spacing


def hatch_lines(
    area: Any,
    spacing_um: float,
    angle_deg: float = 0.0,
    offset_um: float = 0.0,
    *,
    order: Order = "back-and-forth",
    start_um: tuple[float, float] | None = None,
) -> np.ndarray:
    """Fill an area with parallel lines, in the order of least travel.

    Parameters
    ----------
    area : shapely.Polygon or MultiPolygon, or sequence of (n, 2) float64
        A valid area [µm], or rings with solid on their left, which unite where they overlap (winding number above 0).
    spacing_um : float
        Distance of the comb's lines.
    angle_deg : float
        Direction of the lines, from +x toward +y.
    offset_um : float
        How far the comb is moved along its normal (the lines' direction turned by +90°).
    order : {"back-and-forth", "one-way"}
        Every other line against the angle's direction, or all along it.
    start_um : (float, float), optional
        Where the spot is before the first line; left out, it begins with the first line of the comb.

    Returns
    -------
    (n, 2, 2) float64
        Lines from their first to their last point, x and y [µm], as they are drawn. Lines that hang together row by row are drawn one after
        the other; of what does not, the nearest comes next.

    Raises
    ------
    UsageError
        A spacing that is not above 0, an angle or offset that is not finite, an order that is none, more lines than memory holds.
    """
    _check(spacing_um, angle_deg, offset_um, order)
    rings = list(area) if isinstance(area, Sequence) else oriented_rings(area)
    along = direction(angle_deg)
    row, from_um, to_um = _cut(rings, along, spacing_um, offset_um)
    lines = _on_plate(row, from_um, to_um, along, spacing_um, offset_um)
    if not len(lines):
        return lines
    chain, rank = _chains(row, from_um, to_um)
    return _ordered(lines, chain, rank, order, start_um)


def direction(angle_deg: float) -> np.ndarray:
    """Return the unit vector at an angle from +x, exact at multiples of 90°: (2,) float64."""
    quarters, rest = divmod(angle_deg, 90.0)
    c, s = math.cos(math.radians(rest)), math.sin(math.radians(rest))
    return np.array([(c, s), (-s, c), (-c, -s), (s, -c)][int(quarters) % 4]) + 0.0


def _check(spacing_um: float, angle_deg: float, offset_um: float, order: str) -> None:
    if not 0 < spacing_um < math.inf:
        raise UsageError(f"hatch: spacing_um is {spacing_um:g}; it must be above 0 µm")
    if not (math.isfinite(angle_deg) and math.isfinite(offset_um)):
        raise UsageError(f"hatch: angle_deg is {angle_deg:g}, offset_um {offset_um:g}; both must be finite")
    if order not in ORDERS:
        raise UsageError(f"hatch: order is {order!r}; choose {' or '.join(map(repr, ORDERS))}")


def _cut(rings: Sequence[np.ndarray], along: np.ndarray, spacing_um: float, offset_um: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of the comb (n,) int64 that the solid cuts, and where each cut begins and ends along the row (n,) [µm].

    By row, and along each.
    """
    u, t, after = _in_comb(rings, along, spacing_um, offset_um)
    _check_rows(t, after, spacing_um, offset_um)
    first = np.ceil(t).astype(np.int64)  # the first row that is not below a vertex
    low, high = np.minimum(first, first[after]), np.maximum(first, first[after])
    count = high - low
    total = int(count.sum())
    edge = np.repeat(np.arange(len(t)), count)
    row = low[edge] + np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    share = (row - t[edge]) / (t[after] - t)[edge]
    place = u[edge] + share * (u[after] - u)[edge]
    enters = first[edge] > first[after][edge]  # downward edges have the solid at their +u side
    by_place = np.lexsort((~enters, place, row))
    row, place, step = row[by_place], place[by_place], np.where(enters[by_place], 1, -1)
    around = np.cumsum(step)
    begins, ends = (around > 0) & (around - step <= 0), (around <= 0) & (around - step > 0)
    row, start, stop = row[begins], place[begins], place[ends]
    some = stop > start
    return row[some], start[some], stop[some]


def _check_rows(t: np.ndarray, after: np.ndarray, spacing_um: float, offset_um: float) -> None:
    """Refuse more lines than memory holds, and a comb so far away that its lines are not told apart."""
    lines = 0.5 * np.abs(t[after] - t).sum()
    if not lines <= MOST_LINES // 2:
        raise UsageError(
            f"hatch: spacing_um is {spacing_um:g}: {lines:.3g} lines in one layer; at most {MOST_LINES // 2:.3g} are held: widen it"
        )
    if np.abs(t).max(initial=0.0) > FARTHEST:
        raise UsageError(
            f"hatch: offset_um is {offset_um:g}: numbers have no room for lines so far from the area; give less than a spacing"
        )


def _in_comb(
    rings: Sequence[np.ndarray], along: np.ndarray, spacing_um: float, offset_um: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of all points their place along the lines [µm] and across them [rows], and the number of the next point of their ring."""
    rings = [np.asarray(ring, np.float64) for ring in rings if len(ring) > 2]
    if not rings:
        return np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
    xy = np.concatenate(rings)
    after = np.arange(1, len(xy) + 1)
    ends = np.cumsum([len(ring) for ring in rings])
    after[ends - 1] = np.concatenate([[0], ends[:-1]])
    across = xy[:, 1] * along[0] - xy[:, 0] * along[1]
    return xy @ along, (across - offset_um) / spacing_um - 0.5, after


def _on_plate(
    row: np.ndarray, from_um: np.ndarray, to_um: np.ndarray, along: np.ndarray, spacing_um: float, offset_um: float
) -> np.ndarray:
    across = offset_um + (row + 0.5) * spacing_um
    lines = np.empty((len(row), 2, 2))
    for end, place in enumerate((from_um, to_um)):
        lines[:, end, 0] = place * along[0] - across * along[1]
        lines[:, end, 1] = place * along[1] + across * along[0]
    return lines


def _chains(row: np.ndarray, from_um: np.ndarray, to_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of every line the chain it belongs to, and its rank in it: (n,) int64 each.

    A line goes on in the one of the next row that it lies beside, where neither lies beside another: so an area falls into pieces that are
    drawn row by row without a long way between.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(row)
    wide = 2.0 * (float(to_um.max()) - float(from_um.min())) + 1.0
    at = (row - row[0]) * wide - float(from_um.min())  # one order for all rows
    begins, ends = at + from_um, at + to_um
    up, above = _beside(begins, ends, wide)
    down, _ = _beside(begins, ends, -wide)
    goes_on = np.flatnonzero((up == 1) & (down[np.minimum(above, n - 1)] == 1))
    links = coo_array((np.ones(len(goes_on), np.int8), (goes_on, above[goes_on])), shape=(n, n))
    chain = connected_components(links, directed=False)[1].astype(np.int64)
    by_chain = np.argsort(chain, kind="stable")
    sizes = np.bincount(chain)
    rank = np.empty(n, np.int64)
    rank[by_chain] = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return chain, rank


def _beside(begins: np.ndarray, ends: np.ndarray, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return beside how many lines of a neighbouring row each lies, and the number of the first of them."""
    first = np.searchsorted(ends, begins + shift, side="right")
    return np.searchsorted(begins, ends + shift, side="left") - first, first


def _ordered(lines: np.ndarray, chain: np.ndarray, rank: np.ndarray, order: Order, start_um: tuple[float, float] | None) -> np.ndarray:
    """Return the lines chain after chain, the nearest end first, each turned as it is drawn."""
    n_chains = int(chain.max()) + 1
    sizes = np.bincount(chain)
    by_chain = np.lexsort((rank, chain))
    head, tail = by_chain[np.cumsum(sizes) - sizes], by_chain[np.cumsum(sizes) - 1]
    odd = sizes % 2  # a chain of odd length ends as its first line does
    entries, exits, ways = [], [], ((0, 0), (0, 1), (1, 0), (1, 1)) if order == "back-and-forth" else ((0, 0), (1, 0))
    for upside, against in ways:  # from the last row down; the first line drawn against its direction
        a, b = (tail, head) if upside else (head, tail)
        entries.append(lines[a, against])
        last = np.where(odd == 1, 1 - against, against) if order == "back-and-forth" else np.ones(n_chains, np.int64)
        exits.append(lines[b, last])
    places = np.concatenate(entries)
    start = places[0] if start_um is None else np.array(start_um, np.float64)
    chosen = nearest_first(places, np.concatenate(exits), np.tile(np.arange(n_chains), len(ways)), start)
    way, which = np.divmod(chosen, n_chains)
    upside, against = np.array(ways)[way].T
    turn = np.empty(n_chains, np.int64)
    turn[which] = np.arange(n_chains)
    at = turn[chain]
    step = np.where(upside[at] == 1, sizes[chain] - 1 - rank, rank)
    drawn = np.lexsort((step, at))
    backward = (against[at] + (step if order == "back-and-forth" else 0)) % 2 == 1
    out = np.where(backward[:, None, None], lines[:, ::-1], lines)
    return np.ascontiguousarray(out[drawn])
