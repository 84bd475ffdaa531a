"""The stages in order: place → planes → masks → dose → job. Every intermediate can be had by name.

`prepare` is all of them in one call; `stages` gives what it goes through, `pmsl.masks` and `pmsl.exposure` the rest.
`with_depth` makes a job one for a device of few grays; `write`, `read` and `verify` are to and from disk. `place_copies` and `pack`
fill a field, or several; `workers_of` gives processes, here or of a cluster, that make the layers of a big job.
`SliceRequest` is what a person asks for, from the command line, a batch or Python; `slice_job` does it.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.pipeline.check_jobs import check
    from pmsl.pipeline.io import check_spreads, read, verify, write
    from pmsl.pipeline.planner import prepare
    from pmsl.pipeline.plates.plate_copies import pack, place_copies, place_for
    from pmsl.pipeline.setup.bit_depth import with_depth
    from pmsl.pipeline.setup.job_setup import JobSetup, stages
    from pmsl.pipeline.setup.pauses import with_pauses
    from pmsl.pipeline.slice_jobs import slice_job
    from pmsl.pipeline.slice_request import SliceRequest
    from pmsl.pipeline.warm_kernels import warmup
    from pmsl.pipeline.workers import workers_of

_HOMES = homes_in(
    __name__,
    workers="workers_of",
    check_jobs="check",
    io="check_spreads read verify write",
    planner="prepare",
    slice_jobs="slice_job",
    slice_request="SliceRequest",
    warm_kernels="warmup",
    **{
        "setup.job_setup": "JobSetup stages",
        "setup.bit_depth": "with_depth",
        "setup.pauses": "with_pauses",
        "plates.plate_copies": "pack place_copies place_for",
    },
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = [
    "SliceRequest",
    "JobSetup",
    "check",
    "check_spreads",
    "workers_of",
    "pack",
    "place_copies",
    "place_for",
    "prepare",
    "read",
    "slice_job",
    "stages",
    "verify",
    "warmup",
    "with_depth",
    "with_pauses",
    "write",
]
