"""Layer heights from geometry: planes on horizontal facets, thin layers on flat slopes, as few layers as possible.

Heights are whole steps of the stage. From a height, the planes that one layer more can reach are an interval (a layer that obeys the
slopes it passes obeys them too where it is shorter), so the fewest layers between two facets are found by going as far as possible; which
facets are met, where some are too near to each other, by dynamic programming over the facets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.errors import ProfileError

STEP_UM = 0.1  # of a stage that states none
MOST_STEPS = 5_000_000
ENDLESS = np.iinfo(np.int64).max // 4


@dataclass(frozen=True, slots=True, eq=False)
class HeightPlan:
    """Slab edges from geometry, and what they could not meet.

    Attributes
    ----------
    z_edges_um : (L + 1,) float64
        Slab boundaries [µm], from 0.
    missed_um : (M,) float64
        Heights of facets without a plane of their own [µm]: nearer to others than the least height, or not to be reached by the heights
        there are.
    flattest : float
        Largest z component of the unit normal of the slopes on which stairs are higher than asked; 0 where there is none.
    stair_um : float
        The highest stair on these slopes [µm].
    """

    z_edges_um: np.ndarray
    missed_um: np.ndarray
    flattest: float
    stair_um: float


def heights_from_geometry(
    top_um: float,
    facets_um: np.ndarray,
    slopes: np.ndarray,
    min_um: float,
    max_um: float,
    stair_um: float,
    step_um: float = STEP_UM,
) -> HeightPlan:
    """Choose slab edges for a part.

    Parameters
    ----------
    top_um : float
        Height of its highest point [µm].
    facets_um : (F,) float64
        Heights of its horizontal facets [µm], in any order; they are met to half a step.
    slopes : (S, 3) float64
        Lowest and highest z [µm] and z component of the unit normal (0 to 1) of facets that look at the light and are not horizontal.
    min_um, max_um : float
        Bounds of every height [µm].
    stair_um : float
        Highest stair on a slope [µm], measured at right angles to it (cusp height, Dolenc and Mäkelä 1994): height × z component.
        Where that asks for less than `min_um`, layers are `min_um` thick.
    step_um : float, default 0.1
        Heights are multiples of it [µm].

    Returns
    -------
    HeightPlan
        Of the plans that meet most facets, the one with the fewest layers; it reaches at least to `top_um`, less half a step.

    Raises
    ------
    ProfileError
        No multiple of the step lies within the bounds, or the part is too high for the step.
    """
    least, most = int(np.ceil(min_um / step_um - 1e-6)), int(np.floor(max_um / step_um + 1e-6))
    if least < 1 or most < least:
        raise ProfileError(
            f"layers = {{ min_um = {min_um:g}, max_um = {max_um:g} }}: no multiple of the stage's step of {step_um:g} µm lies within; "
            "widen them"
        )
    if top_um > MOST_STEPS * step_um:
        raise ProfileError(
            f"a part {top_um:.6g} µm high has more than {MOST_STEPS} steps of {step_um:g} µm of the stage; is the unit right?"
        )
    top = max(int(np.rint(top_um / step_um)), 1)
    facets = np.unique(np.rint(facets_um / step_um).astype(np.int64))
    facets = facets[(facets > 0) & (facets < top)]
    stops, missed = _stops(facets, top, least, most)
    caps = _caps(slopes, step_um, stair_um, int(stops[-1]), least, most)
    edges = np.concatenate([[0], *(_between(int(a), int(b), caps, least) for a, b in zip(stops[:-1], stops[1:], strict=True))])
    flattest, stair = _worst_stair(slopes, edges * step_um, stair_um)
    return HeightPlan(frozen(np.round(edges * step_um, 9)), frozen(np.round(missed * step_um, 9)), flattest, stair)


def _feasible(n: np.ndarray, least: int, most: int) -> np.ndarray:
    """Say whether heights within the bounds add up to n steps."""
    return np.asarray((n > 0) & (-(-n // most) <= n // least))


def _stops(facets: np.ndarray, top: int, least: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the facets that get a plane, the plate and the top among them; return them and those left out."""
    while not _feasible(np.array(top), least, most):
        top += 1  # a part lower than a layer, or than the heights can meet: the layers end above it
    z = np.concatenate([[0], facets, [top]])
    # A longer way than `always` exists whatever its length. Of facets that lie so far from both ends of a way one could be met as well.
    always = max((most - 2) // (most - least) * least, 1) if most > least else ENDLESS
    missed, layers, before = np.full((3, len(z)), ENDLESS)
    missed[0] = layers[0] = 0
    for j in range(1, len(z)):
        far = max(int(np.searchsorted(z, z[j] - always, side="right")) - 1, 0)
        low = int(np.searchsorted(z, z[far] - always))
        i = np.arange(low, j)
        n = z[j] - z[i]
        i = i[_feasible(n, least, most) & (missed[i] < ENDLESS)]
        if len(i) == 0:
            continue
        skipped, count = missed[i] + j - i - 1, layers[i] - (-(z[j] - z[i]) // most)
        best = int(np.lexsort((count, skipped))[0])
        missed[j], layers[j], before[j] = skipped[best], count[best], i[best]
    way = [len(z) - 1]
    while way[-1] > 0:
        way.append(int(before[way[-1]]))
    met = np.array(way[::-1])
    return z[met], np.delete(z, met)


def _caps(slopes: np.ndarray, step_um: float, stair_um: float, top: int, least: int, most: int) -> np.ndarray:
    """Return the greatest height of a layer that passes each step of z: (top,) int64, within the bounds.

    Minima over intervals: each interval is two of a power of two, and minima of powers of two are handed down to their halves.
    """
    first = np.clip(np.floor(slopes[:, 0] / step_um + 1e-6).astype(np.int64), 0, top)
    length = np.clip(np.ceil(slopes[:, 1] / step_um - 1e-6).astype(np.int64), 0, top) - first
    cap = np.maximum(np.floor(stair_um / (slopes[:, 2] * step_um) + 1e-6).astype(np.int64), least)
    low = (length > 0) & (cap < most)
    first, length, cap = first[low], length[low], cap[low]
    power = np.floor(np.log2(np.maximum(length, 1))).astype(np.int64)
    level = np.full(top, most, np.int64)
    for p in range(int(power.max(initial=0)), -1, -1):
        some = power == p
        np.minimum.at(level, first[some], cap[some])
        np.minimum.at(level, first[some] + length[some] - (1 << p), cap[some])
        if p:
            half = 1 << (p - 1)
            handed = level.copy()
            np.minimum(handed[half:], level[:-half], out=handed[half:])
            level = handed
    return level


def _between(a: int, b: int, caps: np.ndarray, least: int) -> np.ndarray:
    """Return the planes after `a` up to `b`, as few as the slopes allow, even where nothing asks for other heights."""
    most = int(caps.max()) if len(caps) else least
    reached, n = a, 0
    while reached < b:
        reached, n = _reach(reached, caps, most), n + 1
    if n * least > b - a:  # slopes as flat as the thinnest layer, or flatter: spread the thinnest ones
        n = (b - a) // least
        return a + np.arange(1, n + 1) * (b - a) // n
    lowest = [b]
    for _ in range(n - 1):
        lowest.append(_lowest(lowest[-1], caps, most, a))
    planes, at = [], a
    for left in range(n - 1, -1, -1):
        even = at - (-(b - at) // (left + 1))
        at = min(max(even, at + least, lowest[left]), _reach(at, caps, most), b - left * least)
        planes.append(at)
    return np.array(planes)


def _reach(a: int, caps: np.ndarray, most: int) -> int:
    """Return the highest plane that one layer from `a` may end at."""
    passed = caps[a : a + most]
    return int(min(a + most, np.maximum(a + np.arange(len(passed)), a + passed).min(initial=a + most)))


def _lowest(b: int, caps: np.ndarray, most: int, end: int) -> int:
    """Return the lowest plane, `end` or above, from which one layer may end at `b`."""
    first = max(b - most, end)
    passed = caps[first:b]
    return int(max(first, np.minimum(first + 1 + np.arange(len(passed)), b - passed).max(initial=first)))


def _largest(values: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the largest value of each range, none of them empty: of two overlapping powers of two."""
    out = np.empty(len(first))
    power = np.floor(np.log2(np.maximum(end - first, 1))).astype(np.int64)
    level = values
    for p in range(int(power.max(initial=0)) + 1):
        some = power == p
        out[some] = np.maximum(level[first[some]], level[end[some] - (1 << p)])
        if len(level) > 1 << p:
            level = np.maximum(level[: -(1 << p)], level[1 << p :])
    return out


def _worst_stair(slopes: np.ndarray, edges_um: np.ndarray, stair_um: float) -> tuple[float, float]:
    """Return the flattest slope with stairs higher than asked, as its z component, and the highest of these stairs [µm]."""
    heights = np.diff(edges_um)
    first = np.clip(np.searchsorted(edges_um, slopes[:, 0], side="right") - 1, 0, len(heights) - 1)
    last = np.clip(np.searchsorted(edges_um, slopes[:, 1], side="left") - 1, first, len(heights) - 1)
    stairs = _largest(heights, first, last + 1) * slopes[:, 2]
    over = stairs > stair_um * (1 + 1e-6) + 1e-9
    return float(slopes[over, 2].max(initial=0.0)), float(stairs[over].max(initial=0.0))
