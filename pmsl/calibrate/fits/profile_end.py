"""Where the profile of a sum of squares ends an interval: a search along one unknown."""

from __future__ import annotations

import math
from collections.abc import Callable

STRAIGHT = 0.02  # of the profile, relative: the interval is value ± t sd
SECANTS, TURNS, EXACT = 6, 24, 1e-3  # secants before every other turn halves; relative: an end is known
WIDEST = 60.0  # standard deviations that an end of an interval is looked for within


def profile_end(reach: Callable[[float], float], straight: float, t: float, room: float) -> float:
    """Return how far the profile reaches from the optimum to where it is worse by t.

    Parameters
    ----------
    reach : callable
        How much worse it is at a distance, as a deviate, less t.
    straight : float
        Where it would be t, were the model a plane; returned as it is where that is so.
    t : float
    room : float
        As far as there are values.
    """
    at, near, far = min(straight, room), 0.0, math.inf
    last, last_off = 0.0, -t
    for turn in range(TURNS):
        off = reach(at)
        if (turn == 0 and abs(off) <= STRAIGHT * t) or (at >= room and off < 0):
            return straight if at == straight else at
        near, far = (at, far) if off < 0 else (near, at)
        line = at - off * (at - last) / (off - last_off) if off > last_off and at > last or off < last_off and at < last else math.nan
        if abs(off) <= STRAIGHT * t and near <= line <= far:
            return min(line, room)
        inside = near < line < far and (turn < SECANTS or turn % 2)
        last, last_off = at, off
        at = min(line if inside else 0.5 * (near + far) if far < math.inf else 2 * at, room)
        if at > WIDEST * straight:
            return room
        if far - near < EXACT * far:
            break
    return 0.5 * (near + far) if far < math.inf else room
