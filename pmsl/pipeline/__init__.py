"""The stages in order: place → planes → masks → dose → job. Every intermediate can be had by name.

`prepare` is the whole house in one call; `stages` gives what it goes through, `pmsl.masks` and `pmsl.exposure` the rest.
`with_depth` makes a job one for a device of few grays; `write`, `read` and `verify` are the doors to disk.
`options` and `wishes` read what a person asks for: text of an option → numbers, options of profiles and placement → profiles and numbers.
"""

from pmsl.pipeline.depth import with_depth
from pmsl.pipeline.doors import read, verify, write
from pmsl.pipeline.planner import prepare
from pmsl.pipeline.start import Stages, place_for, stages
from pmsl.pipeline.warm import warmup

__all__ = ["Stages", "place_for", "prepare", "read", "stages", "verify", "warmup", "with_depth", "write"]
