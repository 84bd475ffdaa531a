"""Small jobs made of arrays, and files made wrong on purpose."""

import numpy as np

import pmsl
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.formats import incomplete_job
from pmsl.formats.incomplete_job import FileExposure, FileFacts
from pmsl.formats.protocol import WriteOptions
from pmsl.profiles import Motion
from pmsl.profiles.printer import Orientation

MOTION = Motion(lift_um=2500.0, lift_um_s=1500.0, retract_um_s=2500.0, wait_before_lift_s=0.5, wait_top_s=0.25, settle_s=2.0)


def job_of(levels, times_s, edges_um=None, row="-y", col="+x", pitch_um=(7.5, 5.0), motions=None):
    """A job of the (L, rows, cols) uint8 `levels`; a time of 0 is a layer without light."""
    levels = np.asarray(levels, np.uint8)
    edges = np.arange(len(levels) + 1) * 10.0 if edges_um is None else edges_um
    grid = Grid(origin_um=(0, 0), pitch_um=pitch_um, shape=levels.shape[1:], z_edges_um=edges)
    facts = FileFacts(
        format="array", file="a", grid=grid, orientation=Orientation(row=row, col=col), printer="made", resin="r", motion=MOTION
    )
    shown = [(FileExposure(time_s=float(t)),) if t > 0 else () for t in times_s]
    motion_of = None if motions is None else lambda k: motions[k]
    return incomplete_job.job(facts, shown, lambda k, _: LayerMask.from_dense(k, levels[k].copy()), motion_of)


def options(**more):
    return WriteOptions(response=np.arange(256) / 255, **more)


def f_job(samples, printer="pmsl-2um", resin="pr48-405"):
    """The asymmetric part that ships as a sample."""
    machine, resin = pmsl.find_printer(printer), pmsl.find_resin(resin)
    return pmsl.prepare(pmsl.place([pmsl.load_solid(samples / "f_orientation.stl")], machine, resin), machine, resin)


def levels_of(job):
    """All masks of a job, (L, rows, cols) uint8."""
    black = np.zeros(job.grid.shape, np.uint8)
    return np.array([plan.exposures[0].mask.dense(np.uint8) if plan.exposures else black for plan in job.layers()])


def times_of(job):
    return [plan.exposures[0].time_s if plan.exposures else 0.0 for plan in job.layers()]
