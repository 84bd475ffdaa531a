"""Other processes that make the layers of one big job: on this machine, or on a Dask cluster.

job_spec       what a worker needs, as files: profiles, placed parts, every mesh once
block_task     what a worker does with a block of layers
partition      layers → blocks
local_pool     workers started here
child_process  what runs in one of them
dask_pool      workers of Dask

A worker writes the files of its layers where the job is written; only what job.json says of them comes back.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from pmsl.formats.protocol import LayerWorkers


def workers_of(processes: int | None, scheduler: str | None) -> AbstractContextManager[LayerWorkers] | None:
    """Return the workers that are asked for, to be used in a ``with`` block; None where the layers are made in this process.

    Parameters
    ----------
    processes : int, optional
        So many processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler, or ``"local"``: a cluster of `processes` workers on this machine.

    Raises
    ------
    UsageError
        An address that is none; `processes` beside it; less than one process.
    """
    if scheduler is not None:
        from pmsl.pipeline.workers.dask_pool import DaskPool

        return DaskPool(scheduler, processes)
    if processes is None:
        return None
    from pmsl.pipeline.workers.local_pool import LocalPool

    return LocalPool(processes)
