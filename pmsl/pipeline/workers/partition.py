"""Layers of a job → blocks for workers. Bytes do not depend on it: a block is made the same whoever makes the others."""

from __future__ import annotations

from collections.abc import Iterator

from pmsl.job.print_job import PrintJob

Span = tuple[int, int]  # first layer, one past the last
EACH, FEWEST_EACH = 16, 4  # blocks for each worker, so that none waits long for the last
LEAST, MOST = 4, 64  # layers of a block


def parted(job: PrintJob, workers: int) -> Iterator[Span]:
    """Part the layers for so many workers; those that corrections solve together stay together.

    Where layers above a block are made only for what is found in it, a block has as many itself, as long as there are four for each
    worker: smaller ones would cost more than they save.
    """
    workers = max(workers, 1)
    unit = 1 if job.correction is None else job.correction.block_layers
    origin = job.layer_source.origin
    halo = 0 if origin is None else min(origin.halo_layers, -(-job.n_layers // (FEWEST_EACH * workers)))
    want = min(max(-(-job.n_layers // (EACH * workers)), LEAST, halo), MOST)
    step = -(-want // unit) * unit
    return ((first, min(first + step, job.n_layers)) for first in range(0, job.n_layers, step))
