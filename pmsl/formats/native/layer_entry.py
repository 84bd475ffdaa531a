"""A layer's plan → its files and its entry in job.json."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from pmsl.errors import ExposureError
from pmsl.formats.container.containers import Sink
from pmsl.formats.frames import png_write
from pmsl.formats.native import dose_tiff
from pmsl.formats.native.job_json import ASKED, PLAIN, ExposureDoc, LayerDoc
from pmsl.formats.protocol import WriteOptions
from pmsl.job.consistency import JobCheck
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob


class Encoded(msgspec.Struct, frozen=True):
    """One layer ready to be stored: its entry in job.json and the files it names; no mask any more."""

    entry: LayerDoc
    files: list[tuple[str, bytes, str]]  # name, bytes (empty once they are stored), sha256

    def stored_in(self, sink: Sink) -> Encoded:
        """Write the files."""
        for name, data, _ in self.files:
            sink.add(name, data)
        return Encoded(self.entry, [(name, b"", sha256) for name, _, sha256 in self.files])


def encode_layers(job: PrintJob, plans: Sequence[LayerPlan], options: WriteOptions) -> list[Encoded]:
    """Encode the files of some layers; runs on any thread. Raises `ExposureError` where `verify` would refuse their numbers."""
    if "check" not in job.prepared:
        job.prepared["check"] = JobCheck(job)
    check: JobCheck = job.prepared["check"]
    for plan in plans:
        for problem in check.layer(plan):
            raise ExposureError(f"{problem}; a job that no reader would take is not written")
    shown = [(e.mask, job.engines[e.engine].orientation) for plan in plans for e in plan.exposures]
    frames = iter(png_write.encode_masks(shown, options.small))
    return [_encoded(job, plan, options, frames) for plan in plans]


def _encoded(job: PrintJob, plan: LayerPlan, options: WriteOptions, frames: Iterator[bytes]) -> Encoded:
    """Put the files of a layer together; `frames` gives those of its exposures next."""
    k, digits = plan.index, max(5, len(str(job.n_layers - 1)))
    files: list[tuple[str, bytes, str]] = []

    def keep(name: str, data: bytes) -> str:
        files.append((name, data, hashlib.sha256(data).hexdigest()))
        return files[-1][2]

    exposures = []
    for j, e in enumerate(plan.exposures):
        name = f"frames/{k:0{digits}d}{f'-{j}' if len(plan.exposures) > 1 else ''}.png"
        exposures.append(
            ExposureDoc(
                frame=name,
                file_sha256=keep(name, next(frames)),
                mask_sha256=e.mask.sha256(),
                **{field: getattr(e, field) for field in PLAIN},
                **{field: getattr(e, field) for field in ASKED if getattr(e, field) is not None},
            )
        )
    dose_name = None
    if options.dose_of is not None:
        dose_name = f"dose/{k:0{digits}d}.tif"
        keep(dose_name, dose_tiff.encode(options.dose_of(job, plan), job.engines[0].orientation))
    entry = LayerDoc(
        z_top_um=plan.z_top_um,
        thickness_um=plan.thickness_um,
        motion=plan.motion,
        exposures=exposures,
        dose=dose_name,
        squeeze=msgspec.UNSET if plan.squeeze is None else plan.squeeze,
    )
    return Encoded(entry, files)
