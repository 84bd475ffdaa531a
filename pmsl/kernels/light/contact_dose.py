"""Dose of voxels that an exposure lights and a recoat exchanges: at the exposure plane of their layer, and in the middle of its slab."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel

LIQUID, SKIN, SOLID = 0, 1, 2
WHOLE = np.uint16(65535)


@kernel
def expose(seen, times, left, induction, threshold, least, first, dose, lit, state):
    """Add what events of one layer leave of themselves to that layer and those below it.

    Parameters
    ----------
    seen : (E, V) float32
        Dose of every event in the middles of V pixels at its exposure plane.
    times : (E,) float32
        How often each is repeated.
    left : (W, 2) float32
        What of it arrives at the plane and in the middle of each layer, the lowest first.
    induction, threshold, least : float
        Less light than the last is none.
    first : int
        Row of `dose` of the lowest layer; later ones follow, around.
    dose : (D, 2, V) float32
        Of layers, each at the plane and in the middle; in place.
    lit : (D, V) uint8
        Set to 1 where a layer has light at its plane, also if induction leaves nothing of it: beside such a middle some may be left.
    state : (W, V) uint8
        Of their voxels, the lowest first (`pmsl.kernels.runs.vat_distance`); in place.
    """
    spent, enough, dark = np.float32(induction), np.float32(threshold), np.float32(least)
    for w in range(left.shape[0]):
        own, marks = dose[(first + w) % dose.shape[0]], lit[(first + w) % dose.shape[0]]
        for v in range(seen.shape[1]):
            plane, middle = np.float32(0.0), np.float32(0.0)
            for e in range(seen.shape[0]):
                light = seen[e, v]
                if light * left[w, 0] > dark:
                    marks[v] = 1
                plane += times[e] * max(light * left[w, 0] - spent, np.float32(0.0))
                middle += times[e] * max(light * left[w, 1] - spent, np.float32(0.0))
            if plane == np.float32(0.0):
                continue
            own[0, v] += plane
            own[1, v] += middle
            if own[1, v] >= enough:
                state[w, v] = SOLID
            elif own[0, v] >= enough and state[w, v] == LIQUID:
                state[w, v] = SKIN


@kernel
def wanted(lit, first, state, shut, out):
    """Mark the liquid voxels, not outside, that have light: their distance from the vat matters.

    Parameters
    ----------
    lit, first, state
        As of `expose`.
    shut : (V,) uint8
        1 outside.
    out : (W, V) uint8
        Overwritten.

    Returns
    -------
    int
        How many.
    """
    n = 0
    for w in range(state.shape[0]):
        marks = lit[(first + w) % lit.shape[0]]
        for v in range(state.shape[1]):
            mark = state[w, v] != SOLID and shut[v] == 0 and marks[v] != 0
            out[w, v] = 1 if mark else 0
            n += 1 if mark else 0
    return n


@helper
def _to_solid(state, share, w, v, rows, cols, here):
    """Give solid voxels around a liquid one its share: part of them may be liquid too."""
    r, c = v // cols, v % cols
    for dw in range(-1, 2):
        if not 0 <= w + dw < state.shape[0]:
            continue
        for dy in range(-1, 2):
            if not 0 <= r + dy < rows:
                continue
            for dx in range(-1, 2):
                if 0 <= c + dx < cols:
                    there = v + dy * cols + dx
                    if state[w + dw, there] == SOLID:
                        share[w + dw, there] = max(share[w + dw, there], here)


@kernel
def exchange(distance, share_at, shut, renewal, cols, first, dose, lit, state, share):
    """Let a recoat exchange liquid, and write down by what share of what it exchanges at the vat.

    Parameters
    ----------
    distance : (W, V) uint16
        Of voxels from the vat.
    share_at : (65536,) uint16
        exp(-d / reach) of every distance, 65535 for 1.
    shut : (V,) uint8
        1 outside, where all is exchanged.
    renewal : float
        Share that is exchanged at the vat.
    cols : int
        Pixels of a row.
    first, dose, lit, state
        As of `expose`; `dose` in place.
    share : (W, V) uint16
        Overwritten; 0 where there is no light. Of solid voxels the largest of the liquid ones around.
    """
    rows = state.shape[1] // cols
    share[:] = 0
    for w in range(state.shape[0]):
        own, marks = dose[(first + w) % dose.shape[0]], lit[(first + w) % dose.shape[0]]
        for v in range(state.shape[1]):
            if state[w, v] == SOLID or marks[v] == 0:
                continue
            here = WHOLE if shut[v] != 0 else share_at[distance[w, v]]
            if here == 0:
                continue
            share[w, v] = here
            left = np.float32(1.0 - renewal * (here / 65535.0))
            own[0, v] *= left
            own[1, v] *= left
            _to_solid(state, share, w, v, rows, cols, here)
