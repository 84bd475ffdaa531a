"""What recoats exchange and which grays are right depend on each other: both are found in turns, for the whole job, before any layer.

What closes a void is what cures, and corrected layers next to a roof are dark: so the liquid of plain masks is followed first, grays are
solved with what that exchanges, the liquid is followed again with those grays, until they stay. Memory: that of `ContactPass`, and the
grays of the pixels near surfaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from pmsl.core.mask import LayerMask, Window
from pmsl.correct.solver.contact_layers import Exchange
from pmsl.correct.solver.layer_block import Block, LayerSolution
from pmsl.correct.solver.solver_setup import SolverSetup
from pmsl.cure import CureModel
from pmsl.cure.contact_pass import ContactPass, ContactShares
from pmsl.optics.convolution import spread
from pmsl.optics.field_evenness import lit

MOST_PASSES = 5
MARGIN_PX = 2  # around all light

Masks = Callable[[int], LayerMask]
Levelled = Callable[[LayerMask, LayerSolution], LayerMask]


@dataclass(frozen=True, slots=True, eq=False)
class SettledExchange:
    """What recoats exchange, after how many passes over the job, and by how many gray levels the last one still changed a pixel."""

    exchange: Exchange
    passes: int
    residual_levels: int


def settled(setup: SolverSetup, model: CureModel, base: Masks, levelled: Levelled, block_layers: int) -> SettledExchange:
    """Find what recoats exchange of a corrected job.

    Parameters
    ----------
    setup : SolverSetup
        Of a resin by contact; its own `exchange` does not count.
    model : CureModel
    base : callable
        Gives the masks before corrections.
    levelled : callable
        Puts the levels of a solution into such a mask.
    block_layers : int
    """
    window = _window(setup, base)
    shares = _followed(setup, model, window, (base(k) for k in range(setup.grid.n_layers)))
    before: list[np.ndarray] = []
    passes = residual = 0
    while True:
        exchange, grays = Exchange(shares, window), list[np.ndarray]()
        passes += 1
        solved = _solved(replace(setup, exchange=exchange), block_layers, grays)
        if passes == MOST_PASSES:
            for _ in solved:
                pass
        else:
            shares = _followed(setup, model, window, (levelled(base(one.index), one) for one in solved))
        if before:
            residual = max((_apart(a, b) for a, b in zip(before, grays, strict=True)), default=0)
        if passes == MOST_PASSES or (before and residual == 0):
            return SettledExchange(exchange, passes, residual)
        before = grays


def _apart(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max(initial=0))


def _solved(setup: SolverSetup, block_layers: int, grays: list[np.ndarray]) -> Iterator[LayerSolution]:
    """Yield the solutions of all layers from the plate up, and put down their grays."""
    for first in range(0, setup.grid.n_layers, block_layers):
        block = Block(setup, first, min(first + block_layers, setup.grid.n_layers))
        for solution in reversed(list(block.layers())):
            grays.append(solution.levels)
            yield solution


def _followed(setup: SolverSetup, model: CureModel, window: Window, masks: Iterator[LayerMask]) -> ContactShares:
    """Return what recoats exchange of masks that are shown from the plate up."""
    px, py = setup.grid.pitch_um.tolist()
    run = ContactPass(model, (window.rows, window.cols), (px, py), setup.grid.thickness_um)
    for k, mask in enumerate(masks):
        light = setup.law.white_mj_cm2[k] * lit(setup.response[_levels(mask, window)], window, setup.flat)
        run.add([(np.maximum(spread(light, window, window, setup.spot.psf, (0.0, 0.0)), 0.0), 1)])
    return run.shares


def _levels(mask: LayerMask, window: Window) -> np.ndarray:
    return np.asarray(mask.within(window))


def _window(setup: SolverSetup, base: Masks) -> Window:
    """Return the part of the field that holds all light and what it spreads to."""
    shape, margin = setup.grid.shape, setup.spot.reach + MARGIN_PX
    low, high = np.array(shape), np.zeros(2, np.int64)
    for k in range(setup.grid.n_layers):
        row0, col0, rows, cols = base(k).window
        if rows and cols:
            low, high = np.minimum(low, [row0, col0]), np.maximum(high, [row0 + rows, col0 + cols])
    low, high = np.maximum(low - margin, 0), np.minimum(high + margin, shape)
    if (high <= low).any():
        return Window(0, 0, 1, 1)
    return Window(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))
