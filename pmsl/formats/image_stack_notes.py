"""What image stacks (TIFF, Zarr) carry beside their pixels, as JSON, so that a job can be read back from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.errors import JobError
from pmsl.formats import incomplete_job
from pmsl.formats.adapt.capability import FIELDS, Capability
from pmsl.formats.desktop_common import common_height_um
from pmsl.formats.frames.inflated_frames import doses_wrong
from pmsl.formats.incomplete_job import FileExposure, FileFacts
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.job.techniques import TECHNIQUES
from pmsl.profiles import Motion
from pmsl.profiles.printer import Axis, Orientation, Positive
from pmsl.profiles.process import NotNegative
from pmsl.profiles.tables.schema import build
from pmsl.profiles.tables.strict_struct import Strict

Look = Callable[[LayerPlan], list[str]]

SAME_UM = 1e-6  # layers that differ by no more are of one height
SCHEMAS = ("pmsl.stack/1", "pmsl.stack/2")  # version 2 may hold no wavelength
CAPABILITY = Capability(multi_exposure=False, holds=FIELDS - TECHNIQUES - {"engine", "lattice", "unknown_pitch"})
FIELDS_OF_SHOT = ("time_s", "power", "offset_um", "focus_um", "repeat", "wait_before_s", "wait_after_s")


class ExposureNote(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """How the mask of one layer is shown."""

    time_s: Positive
    power: Positive = 1.0
    offset_um: tuple[float, float] = (0.0, 0.0)
    focus_um: float = 0.0
    repeat: Annotated[int, msgspec.Meta(ge=1)] = 1
    wait_before_s: NotNegative = 0.0
    wait_after_s: NotNegative = 0.0


class StackDoc(Strict, frozen=True, kw_only=True):
    """The whole of it; `shape` is (rows, cols) of the grid, frames lie as `row` and `col` say.

    In version 1 there is a wavelength; without one nobody said it. A layer without light has no shot.
    `motions` are those that occur, `motion_of` says which comes before each layer.
    """

    schema: Literal["pmsl.stack/1", "pmsl.stack/2"]
    row: Axis
    col: Axis
    origin_um: tuple[float, float]
    pitch_um: tuple[float, float]
    shape: tuple[int, int]
    z_edges_um: list[float]
    wavelength_nm: Positive | None
    printer: str
    resin: str
    shots: list[ExposureNote | None]
    motions: list[Motion]
    motion_of: list[Annotated[int, msgspec.Meta(ge=0)]]

    @property
    def orientation(self) -> Orientation:
        """How frames are turned."""
        return Orientation(row=self.row, col=self.col)


def even_height_um(job: PrintJob) -> float | None:
    """Return the layer height that all layers have [µm], None where they differ."""
    heights = job.grid.thickness_um
    return None if np.ptp(heights) > SAME_UM else common_height_um(job)


def say_heights(job: PrintJob, how: str) -> PrintJob:
    """Return the job with a finding where its layers are not of one height."""
    if even_height_um(job) is not None:
        return job
    low, high = float(job.grid.thickness_um.min()), float(job.grid.thickness_um.max())
    message = f"layers are {low:g} to {high:g} µm high: {how}; a viewer that goes by one step shows them at other heights"
    return replace(job, findings=(*job.findings, Finding(code="uneven-layers", severity="info", message=message, value=high, unit="µm")))


@dataclass(slots=True)
class Notes:
    """What is noted of layers while they are written."""

    shots: list[ExposureNote | None] = field(default_factory=list)
    motions: dict[Motion, int] = field(default_factory=dict)
    motion_of: list[int] = field(default_factory=list)

    def add(self, plan: LayerPlan) -> None:
        """Note one layer; they come in order."""
        shot = ExposureNote(**{name: getattr(plan.exposures[0], name) for name in FIELDS_OF_SHOT}) if plan.exposures else None
        self.shots.append(shot)
        self.motion_of.append(self.motions.setdefault(plan.motion, len(self.motions)))

    def document(self, job: PrintJob) -> StackDoc:
        """Return what the file carries."""
        engine = job.engines[0]
        grid, known = engine.grid, incomplete_job.WAVELENGTH not in job.placeholders
        return StackDoc(
            schema="pmsl.stack/1" if known else "pmsl.stack/2",
            row=engine.orientation.row,
            col=engine.orientation.col,
            origin_um=tuple(grid.origin_um.tolist()),
            pitch_um=tuple(grid.pitch_um.tolist()),
            shape=grid.shape,
            z_edges_um=grid.z_edges_um.tolist(),
            wavelength_nm=engine.wavelength_nm if known else None,
            printer=job.printer.name,
            resin=job.resin.name,
            shots=self.shots,
            motions=list(self.motions),
            motion_of=self.motion_of,
        )


def decode(table: Any, where: str) -> StackDoc:
    """Check what a file carries; raises `JobError` where it does not fit together."""
    schema = table.get("schema") if isinstance(table, dict) else None
    if schema not in SCHEMAS:
        raise JobError(f"{where}: schema is {schema!r}; this pmsl reads {SCHEMAS[-1]!r} and older: a newer file needs a newer pmsl")
    doc = build(table, StackDoc, where, JobError)
    n = len(doc.z_edges_um) - 1
    if len(doc.shots) != n or len(doc.motion_of) != n or any(i >= len(doc.motions) for i in doc.motion_of):
        raise JobError(f"{where}: {len(doc.shots)} shots and {len(doc.motion_of)} motions do not fit {n} layers; the file is damaged")
    if doc.row[1] == doc.col[1]:
        raise JobError(f"{where}: row {doc.row} and col {doc.col} lie along the same axis; the file is damaged")
    return doc


def job_of(doc: StackDoc, format: str, file: str, mask_of: Callable[[int], LayerMask], findings: tuple[Finding, ...] = ()) -> PrintJob:
    """Make the job of a stack; `mask_of` decodes the mask of a layer."""
    facts = FileFacts(
        format=format,
        file=file,
        grid=incomplete_job.grid_of(file, origin_um=doc.origin_um, pitch_um=doc.pitch_um, shape=doc.shape, z_edges_um=doc.z_edges_um),
        orientation=doc.orientation,
        printer=doc.printer,
        resin=doc.resin,
        wavelength_nm=doc.wavelength_nm,
        motion=doc.motions[doc.motion_of[0]],
        findings=findings,
    )
    shown = [() if s is None else (FileExposure(**{name: getattr(s, name) for name in FIELDS_OF_SHOT}),) for s in doc.shots]
    return incomplete_job.job(facts, shown, lambda k, _: mask_of(k), lambda k: doc.motions[doc.motion_of[k]])


def dose_check(dose_of: Callable[[int], Iterator[np.ndarray]], mask_of: Callable[[int], Iterator[np.ndarray]], where: str) -> Look:
    """Return what looks at a layer's dose map, given as the file's bands of it and of the mask."""

    def look(plan: LayerPlan) -> list[str]:
        try:
            wrong = doses_wrong(dose_of(plan.index), mask_of(plan.index))
        except JobError as err:
            return [str(err)]
        return [f"{where}: dose map of layer {plan.index} is negative, not finite, or not 0 where the mask is black"] if wrong else []

    return look
