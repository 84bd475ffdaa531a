"""The stages in order: place → planes → masks → dose → job. Every intermediate can be had by name.

`prepare` is the whole house in one call; `stages` gives what it goes through, `pmsl.masks` and `pmsl.exposure` the rest.
`with_depth` makes a job one for a device of few grays; `write`, `read` and `verify` are the doors to disk. `place_copies` and `pack`
fill a field, or several; `crew_of` gives processes, here or of a cluster, that make the layers of a big job.
`SliceRequest` is what a person asks for, from the command line, a batch or Python; `slice_job` does it.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.pipeline.copies import pack, place_copies, place_for
    from pmsl.pipeline.crew import crew_of
    from pmsl.pipeline.depth import with_depth
    from pmsl.pipeline.doors import check_spreads, read, verify, write
    from pmsl.pipeline.planner import prepare
    from pmsl.pipeline.slice_jobs import slice_job
    from pmsl.pipeline.slice_request import SliceRequest
    from pmsl.pipeline.start import Stages, stages
    from pmsl.pipeline.warm import warmup

_HOMES = homes_in(
    __name__,
    copies="pack place_copies place_for",
    crew="crew_of",
    depth="with_depth",
    doors="check_spreads read verify write",
    planner="prepare",
    slice_jobs="slice_job",
    slice_request="SliceRequest",
    start="Stages stages",
    warm="warmup",
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = [
    "SliceRequest",
    "Stages",
    "check_spreads",
    "crew_of",
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
    "write",
]
