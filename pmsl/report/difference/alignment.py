"""Which pixels and places of two jobs are the same: fields laid on each other, engine by engine, and stage offsets matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from pmsl.core.mask import EMPTY, LayerMask, Window, around
from pmsl.job.print_job import PrintJob

PITCH_NOISE = 1e-9  # of a pitch: rounding, which moves no pixel of any field by a share of itself that counts
FLOAT32_NOISE = 2.0**-23  # of a number that went through a file of 32-bit floats
NO_SHIFT = (0, 0)
Place = tuple[int, tuple[float, float]]  # engine and stage offset: exposures of one place add up
T = TypeVar("T")


class EngineAlignment(NamedTuple):
    """How the pixels of an engine of two jobs lie on each other.

    `same_pixels`: of equal pitch. `shift`: (rows, cols) from a pixel of the first job to that of the second which lights the same place.
    `note`: what was assumed, where fields differ.
    """

    same_pixels: bool = True
    shift: tuple[int, int] = NO_SHIFT
    note: str | None = None


def aligned(a: PrintJob, b: PrintJob) -> tuple[EngineAlignment, ...]:
    """Return how the fields of every engine of two jobs lie on each other.

    Notes
    -----
    Fields of equal pixels and other sizes are laid on each other by the boxes of all their light, at 8 bit, where those are of one size;
    else corner on corner. Each is said in a note. An engine that only one job has lies on itself.
    """
    both = min(len(a.engines), len(b.engines))
    same = [_same_pitch(a, b, i) for i in range(both)]
    other = [i for i in range(both) if same[i] and a.engines[i].grid.shape != b.engines[i].grid.shape]
    boxes = [_lit(job, other) for job in (a, b)] if other else [{}, {}]
    out = []
    for i in range(max(len(a.engines), len(b.engines))):
        name = f"engine {i}: " if i else ""
        if i < both and not same[i]:
            note = f"{name}pixels are of other sizes: of light only areas are compared, and no picture shows them"
            out.append(EngineAlignment(False, NO_SHIFT, note))
        else:
            out.append(_laid(name, boxes[0][i], boxes[1][i]) if i in other else EngineAlignment())
    return tuple(out)


def _same_pitch(a: PrintJob, b: PrintJob, i: int) -> bool:
    return bool(np.allclose(a.engines[i].grid.pitch_um, b.engines[i].grid.pitch_um, rtol=PITCH_NOISE, atol=0.0))


def _laid(name: str, ours: Window, theirs: Window) -> EngineAlignment:
    """Lay the light of an engine of one job on that of the other."""
    if (ours.rows, ours.cols) == (theirs.rows, theirs.cols):
        rows, cols = theirs.row0 - ours.row0, theirs.col0 - ours.col0
        words = f"{name}fields differ: light is laid on light, {rows} rows and {cols} columns on in the second"
        return EngineAlignment(True, (rows, cols), words)
    sizes = " and ".join(f"{box.rows} × {box.cols} px" for box in (ours, theirs))
    words = f"{name}fields differ, and so do the boxes of their light, {sizes}: pixels are assumed to lie corner on corner"
    return EngineAlignment(True, NO_SHIFT, f"{words}, row 0, column 0 on row 0, column 0; light moved as a whole shows as a difference")


def _lit(job: PrintJob, engines: Sequence[int]) -> dict[int, Window]:
    """Return the boxes of all light of some engines, at 8 bit, as files of most formats have it."""
    boxes = dict.fromkeys(engines, EMPTY)
    for k in range(job.n_layers):
        for e in job.bare(k).exposures:
            if e.engine in boxes:
                seen = LayerMask.from_runs(k, e.mask.shape, e.mask.window.row0, e.mask.runs_8bit())
                boxes[e.engine] = around((boxes[e.engine], seen.window))
    return boxes


class PlacePair(NamedTuple):
    """What two layers have at a place, `engine, offset_um` of the first that has it."""

    engine: int
    offset_um: tuple[float, float]
    a: list
    b: list


def place_pairs(ours: Mapping[Place, Sequence[T]], theirs: Mapping[Place, Sequence[T]], tolerance_um: float) -> list[PlacePair]:
    """Match the places of two layers: equal ones, and the nearest of one engine within a length along x and y.

    Parameters
    ----------
    ours, theirs : mapping of (engine, offset) to sequence
    tolerance_um : float

    Returns
    -------
    list of PlacePair
        What is at each place in both layers; an empty list where one has nothing there.
    """
    places = list(dict.fromkeys((*ours, *theirs)))
    group = {place: i for i, place in enumerate(places)}
    for some, others in ((ours, theirs), (theirs, ours)):
        for place in some:
            near = None if place in others else _nearest(place, list(others), tolerance_um)
            if near is not None and group[near] != group[place]:
                low, high = sorted((group[near], group[place]))
                group = {p: low if g == high else g for p, g in group.items()}
    pairs: dict[int, PlacePair] = {}
    for place in places:
        pair = pairs.setdefault(group[place], PlacePair(*place, [], []))
        pair.a.extend(ours.get(place, ()))
        pair.b.extend(theirs.get(place, ()))
    return list(pairs.values())


def _nearest(place: Place, others: Sequence[Place], tolerance_um: float) -> Place | None:
    """Return the nearest place of the same engine within a length, along x and y; None where there is none."""
    some = [other for other in others if other[0] == place[0]]
    if not some:
        return None
    offsets, here = np.array([other[1] for other in some], float), np.array(place[1], float)
    gaps = np.abs(offsets - here).max(axis=1)
    i = int(gaps.argmin())
    reach = max(tolerance_um, FLOAT32_NOISE * float(np.abs(here).max()))
    return some[i] if gaps[i] <= reach * (1 + PITCH_NOISE) else None
