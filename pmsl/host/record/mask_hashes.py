"""The hash of every mask of a job, 32 bytes each: what was checked before the first light is what must be shown later."""

from __future__ import annotations

import hashlib
from array import array

import msgspec
import numpy as np

from pmsl.errors import JobError
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.job.stage_way import StagePlace, StageWay


class Digests:
    """Hashes of masks, their repeats, and durations of layers, in order; grows by 40 bytes a layer and 40 an exposure."""

    def __init__(self, n_layers: int, way: StageWay | None = None) -> None:
        self._way = way
        self._last: StagePlace | None = None
        self._masks = bytearray()
        self._repeats = array("q")
        self._start = np.zeros(n_layers + 1, np.int64)
        self.duration_s = np.zeros(n_layers)
        self._whole = hashlib.sha256()

    def add(self, plan: LayerPlan) -> None:
        """Take a layer in; layers come in order."""
        k = plan.index
        for e in plan.exposures:
            digest = bytes.fromhex(e.mask.sha256())
            self._masks += digest
            self._repeats.append(e.repeat)
            self._whole.update(digest + repr((k, e.time_s, e.power, e.repeat, e.engine, e.offset_um, e.focus_um)).encode())
        self._start[k + 1] = len(self._masks) // 32
        self.duration_s[k] = plan.duration_s
        if self._way is not None and (ends := self._way.ends(plan.exposures)) is not None:
            self.duration_s[k] += self._way.inside_s(plan.exposures) + self._way.between_s(self._last, ends[0])
            self._last = ends[1]

    def count(self, k: int) -> int:
        """Return how many exposures layer `k` has."""
        return int(self._start[k + 1] - self._start[k])

    def repeats(self, k: int, j: int) -> int:
        """Return how often exposure `j` of layer `k` is shown; 0 where there is none."""
        return self._repeats[int(self._start[k]) + j] if j < self.count(k) else 0

    def of(self, k: int, j: int) -> str:
        """Return the hash of the mask of exposure `j` of layer `k`."""
        at = 32 * (int(self._start[k]) + j)
        return self._masks[at : at + 32].hex()

    def check(self, plan: LayerPlan) -> None:
        """Hold a layer against what was taken in; raises `JobError` where it is another."""
        k = plan.index
        if [self.of(k, j) for j in range(self.count(k))] != [e.mask.sha256() for e in plan.exposures]:
            raise JobError(f"layer {k}: its frames are not those that were checked before the first light; the job changed on the way")

    def sha256(self) -> str:
        """Return one hash over all exposures: what is shown, how long, and with what light."""
        return self._whole.hexdigest()


def head_sha256(job: PrintJob) -> str:
    """Return a hash of what a job is made for: its pixels, slabs, orientation, profiles, and pauses."""
    engines = [
        (e.grid.origin_um.tolist(), e.grid.pitch_um.tolist(), e.grid.shape, e.grid.z_edges_um.tolist(), e.wavelength_nm, e.orientation)
        for e in job.engines
    ]
    made_for = [engines, job.printer, job.resin, job.process, job.n_layers, *([job.pauses] if job.pauses else [])]
    return hashlib.sha256(msgspec.json.encode(made_for)).hexdigest()


def checked_plan(job: PrintJob, k: int, known: Digests | None = None) -> LayerPlan:
    """Make, or read, layer `k`; every mask is held against the hash its job gives it, and against `known`.

    Raises
    ------
    JobError
        A mask that is not the one the hash was made of.
    """
    plan = job.bare(k)
    for j, exposure in enumerate(plan.exposures):
        found = exposure.mask.sha256()
        if exposure.mask_sha256 not in (None, found):
            raise JobError(
                f"layer {k}, exposure {j}: the frame's pixels do not have the mask hash in the job; "
                "it is damaged or was replaced, copy or slice the job again"
            )
    if known is not None:
        known.check(plan)
    return plan
