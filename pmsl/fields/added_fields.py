"""Fields of a plate added up: what a layer shows as a whole, where neighbours share the light of a place."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.core.runs import Runs
from pmsl.fields.on_plate import corners_of, layout_of_plate, plate_mapped
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.optics.grayscale import levels_of, response

WHITE = 1 << 40  # light is added in whole parts of this, so that what goes up and down again is nothing


def fields_added(job: PrintJob) -> PrintJob:
    """Return a job whose fields were put together (`on_plate`) with their light added up; any other job as it is.

    Parameters
    ----------
    job : PrintJob

    Returns
    -------
    PrintJob
        As lazy as `job`; a layer has one exposure where every field is shown once, as many as a field is shown at most otherwise.
    """
    return job if layout_of_plate(job) is None else plate_mapped(job, lambda plan: layer_added(job, plan))


def layer_added(job: PrintJob, plan: LayerPlan) -> LayerPlan:
    """Return a layer of such a job with the light of its fields added up; of any other job as it is.

    Parameters
    ----------
    job : PrintJob
    plan : LayerPlan
        As `job` gives it.
    """
    corners = corners_of(job, plan.index)
    if corners is None or len(plan.exposures) < 2:
        return plan
    shown: Counter[tuple[float, float]] = Counter()
    rounds: list[list[Exposure]] = []
    for exposure, corner in zip(plan.exposures, corners, strict=True):
        if shown[corner] == len(rounds):
            rounds.append([])
        rounds[shown[corner]].append(exposure)
        shown[corner] += 1
    light = response(job.printer)
    together = [
        dataclasses.replace(each[0], mask=added([e.mask for e in each], plan.index, job.grid.shape, light), mask_sha256=None)
        for each in rounds
    ]
    return dataclasses.replace(plan, exposures=tuple(together), facts_of=None)


def added(masks: Sequence[LayerMask], index: int, shape: tuple[int, int], light: np.ndarray) -> LayerMask:
    """Add the light of masks of one grid up; what is more than white is white.

    Parameters
    ----------
    masks : sequence of LayerMask
    index : int
        Layer.
    shape : (int, int)
        Of the grid.
    light : (256,) float64
        Of every level, relative to white (`response`).

    Returns
    -------
    LayerMask
        8 bit: the levels whose light is nearest.
    """
    part = np.rint(np.asarray(light) * WHITE).astype(np.int64)
    rows, cols = shape
    at, change = [np.arange(rows + 1) * cols], [np.zeros(rows + 1, np.int64)]  # no run goes on from row to row
    for mask in masks:
        runs, row0 = mask.runs_8bit(), mask.window.row0
        first = np.repeat(np.arange(len(runs.row_start) - 1) + row0, np.diff(runs.row_start)) * cols + runs.col
        at += [first, first + runs.length]
        change += [part[runs.value], -part[runs.value]]
    places, where = np.unique(np.concatenate(at), return_inverse=True)
    steps = np.zeros(places.size, np.int64)
    np.add.at(steps, where, np.concatenate(change))
    total = np.minimum(np.cumsum(steps), WHITE)[:-1] / WHITE
    level, begin = levels_of(total, light), places[:-1]
    new = np.append(True, (level[1:] != level[:-1]) | (begin[1:] % cols == 0))
    begin, level, end = begin[new], level[new], np.append(begin[new][1:], rows * cols)
    begin, level, end = begin[level > 0], level[level > 0], end[level > 0]
    start = np.searchsorted(begin, np.arange(rows + 1) * cols)
    runs = Runs(start.astype(np.int64), (begin % cols).astype(np.int32), (end - begin).astype(np.int32), level)
    return LayerMask.from_runs(index, shape, 0, runs)
