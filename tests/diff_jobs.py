"""Jobs that differ in one thing, for `pmsl.diff`."""

import dataclasses

import numpy as np
from jobs_of_arrays import job_of

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.job.layer_source import MappedLayers

LEVELS = np.zeros((3, 40, 60), np.uint8)
LEVELS[:, 10:30, 12:50] = 255
TIMES = [2.0, 1.0, 1.0]


def with_exposures(job, change):
    """The job with every exposure changed: `change(plan, exposure)` gives its new values."""

    def changed(plan):
        return dataclasses.replace(plan, exposures=tuple(dataclasses.replace(e, **change(plan, e)) for e in plan.exposures))

    return dataclasses.replace(job, plan_layer=MappedLayers(job.layer_source, changed))


def two_engines(shift0=(0, 0), shift1=(0, 0), grown=((0, 0), (0, 0)), pitch1_um=5.0, value1=255):
    """A job of two engines that light a block each, in fields that may be larger and with their light moved."""
    base = job_of(LEVELS, TIMES)
    shapes = [(40 + rows, 60 + cols) for rows, cols in grown]
    grids = [
        Grid(origin_um=(0, 0), pitch_um=(pitch, pitch), shape=shape, z_edges_um=base.grid.z_edges_um)
        for shape, pitch in zip(shapes, (5.0, pitch1_um), strict=True)
    ]
    engines = (dataclasses.replace(base.engines[0], grid=grids[0]), dataclasses.replace(base.engines[0], grid=grids[1], name="second"))

    def mask(k, shape, at, box, value):
        levels = np.zeros(shape, np.uint8)
        rows, cols = box
        levels[rows.start + at[0] : rows.stop + at[0], cols.start + at[1] : cols.stop + at[1]] = value
        return LayerMask.from_dense(k, levels)

    def change(plan):
        e = plan.exposures[0]
        first = mask(plan.index, shapes[0], shift0, (slice(10, 20), slice(12, 30)), 255)
        second = mask(plan.index, shapes[1], shift1, (slice(5, 13), slice(20, 41)), value1)
        return dataclasses.replace(plan, exposures=(dataclasses.replace(e, mask=first), dataclasses.replace(e, mask=second, engine=1)))

    return dataclasses.replace(base, engines=engines, plan_layer=MappedLayers(base.layer_source, change))
