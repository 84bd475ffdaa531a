"""Fill the cache of the kernels that checks call."""

from __future__ import annotations

import numpy as np

from pmsl.checks.light.layer_stream import CheckedLayer, check_layers
from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.limits import CheckLimits
from pmsl.checks.shapes.bodies import BodyCheck
from pmsl.checks.shapes.suction import SuctionCheck
from pmsl.checks.shapes.voids import VoidCheck
from pmsl.checks.while_written import WrittenJobChecks
from pmsl.core.grid import Grid
from pmsl.job.print_job import PrintJob
from pmsl.kernels.light import run_waiting


def warmup(job: PrintJob) -> None:
    """Compile, or load from the cache, what checks need.

    Parameters
    ----------
    job : PrintJob
        A small one.
    """
    limits = CheckLimits(min_joint_um2=1.0, min_void_um3=1.0, vent_um=1.0, min_cup_um2=1.0, min_cup_um=1.0)
    check_layers(job, [BodyCheck(job.grid, limits)])
    watch = WrittenJobChecks(job, 1)
    watch.add(watch.seen(job[0]))
    grid = Grid(origin_um=(0, 0), pitch_um=1.0, shape=(5, 5), z_edges_um=np.arange(4.0))
    ring, inner = np.ones((5, 5), bool), np.zeros((5, 5), bool)
    ring[2, 2], inner[2, 2] = False, True
    walls, plug = RowRuns.of_dense(ring), RowRuns.of_dense(inner)
    for check in (BodyCheck(grid, limits), VoidCheck(grid, limits), SuctionCheck(grid, limits, "film")):
        check.add(CheckedLayer(0, walls, ((0, walls),)))
        check.add(CheckedLayer(1, walls, ((0, plug), (1, walls))))
        check.add(CheckedLayer(2, RowRuns.of_dense(ring | inner), ()))
        check.findings()
    pool, steps = np.zeros((4, 1), np.int64), (*np.zeros((2, 5), np.int64), np.zeros(0, np.int32), np.zeros((1, 0)))
    room = np.zeros(4, np.int64), np.zeros(4), np.zeros((4, 4), np.int64), np.zeros(4), np.zeros((4, 4), np.int64), np.zeros(2, np.int64)
    run_waiting.expose(pool, np.zeros(1), 1, *steps, np.ones(1), 0.0, 1.0, 0, 1.0, 0, -1, *room)
