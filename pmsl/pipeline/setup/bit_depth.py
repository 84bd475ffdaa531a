"""A job for a machine that shows fewer than 256 grays."""

from __future__ import annotations

import dataclasses

import msgspec

from pmsl.errors import JobError, UsageError
from pmsl.formats.adapt import adapt
from pmsl.formats.adapt.capability import FIELDS, Capability
from pmsl.formats.frames.device_frame import depth_levels
from pmsl.formats.protocol import WriteOptions
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.layer_source import MappedLayers, Origin
from pmsl.job.pauses import PAUSE
from pmsl.job.print_job import STAGE_ERROR, PrintJob
from pmsl.optics.grayscale import response

DEEPEST = 8


def with_depth(job: PrintJob, bits: int) -> PrintJob:
    """Return the job with only the grays that a device of so many bits shows, evenly spaced from black to white.

    Parameters
    ----------
    job : PrintJob
    bits : int
        1 to 8. With 4 bits or fewer frames are dithered in light, so that an even area keeps its mean dose; with more each
        gray becomes the one with the nearest light (`pmsl.formats.frames.device_frame.quantised`). Layers at the end that this leaves dark
        are left out.

    Returns
    -------
    PrintJob
        As lazy as `job`; findings of its layers say where grays were changed. Frames of a job that was read are held
        against their hashes first.

    Raises
    ------
    UsageError
        Another number of bits.
    JobError
        A frame that is not the one of its hash, when its layer is made.
    """
    if not 1 <= bits <= DEEPEST:
        raise UsageError(f"bits is {bits}; expected 1 to {DEEPEST}")
    if bits == DEEPEST:
        return job
    if len(job.engines) > 1 and job.printer.several:
        raise UsageError("--depth: not offered for a job of several light engines, each of which has a gray response of its own")
    target = Capability(gray_levels=1 << bits, gray_map=depth_levels(bits), holds=FIELDS | {PAUSE, STAGE_ERROR})
    checked = dataclasses.replace(job, plan_layer=MappedLayers(job.layer_source, _checked))
    fitted = adapt.fit(checked, target, f"a device of {bits} bits", WriteOptions(response=response(job.printer), lossy=True))
    origin = job.layer_source.origin
    if origin is not None:
        origin = msgspec.structs.replace(origin, bits=bits) if origin.bits is None else None
    return dataclasses.replace(fitted, plan_layer=_Reduced(fitted.layer_source, _hashed, origin), known_estimate=None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Reduced(MappedLayers):
    """Layers with fewer grays; `origin` is what another process needs to make the same, none where it cannot."""

    origin: Origin | None = None


def _checked(plan: LayerPlan) -> LayerPlan:
    """Hold the masks of a layer against the hashes they were read with."""
    for j, e in enumerate(plan.exposures):
        if e.mask_sha256 not in (None, e.mask.sha256()):
            raise JobError(f"layer {plan.index}, exposure {j}: the frame is not the one of its mask_sha256; copy or slice the job again")
    return plan


def _hashed(plan: LayerPlan) -> LayerPlan:
    """Give the exposures of a job that was read the hashes of the masks they have now."""
    out = (e if e.mask_sha256 is None else dataclasses.replace(e, mask_sha256=e.mask.sha256()) for e in plan.exposures)
    return dataclasses.replace(plan, exposures=tuple(out))
