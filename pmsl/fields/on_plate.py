"""The pictures of a job of several fields put together again: the same light as a job of one field that is as large as the plate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import JobError
from pmsl.fields.tiles import FieldLayout
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.layer_source import MappedLayers
from pmsl.job.print_job import STAGE_ERROR, PrintJob
from pmsl.profiles import Printer
from pmsl.profiles.tables.strict_struct import Value

MOST_PX = 1 << 27
NEAR_PX = 1e-6


def with_field(printer: Printer, shape: tuple[int, int]) -> Printer:
    """Return a printer with an even field of (rows, cols) pixels that land on a square grid.

    Parameters
    ----------
    printer : Printer
    shape : (int, int)
    """
    known = printer.dmd.shape
    dmd = msgspec.structs.replace(printer.dmd, shape=Value(value=shape, class_=known.class_, source=known.source))
    optics = msgspec.structs.replace(printer.optics, flat_field=None, distortion=msgspec.UNSET)
    return msgspec.structs.replace(printer, dmd=dmd, optics=optics)


def on_plate(job: PrintJob) -> PrintJob:
    """Return a job of several fields as one whose field is the plate; any other job as it is.

    Parameters
    ----------
    job : PrintJob

    Returns
    -------
    PrintJob
        As lazy as `job`; exposures keep their order and times, none is shifted.

    Raises
    ------
    JobError
        Fields between the pixels of their neighbours, an uneven field that nobody evens out, a plate of more than 2**27 pixels; when a
        layer is made, light beside the plate.
    """
    if job.tiles is None:
        return job
    layout = FieldLayout.of(job.printer, job.process, job.tiles)
    rows, cols = layout.plate_px
    if not layout.on_one_grid:
        raise JobError(
            "the job's fields lie between the pixels of their neighbours, and have no common grid: what is asked for is known of jobs "
            "whose pixels are whole numbers of steps of the xy stage, without stage errors"
        )
    if job.printer.optics.flat_field is not None and job.process.evened != "delegated":
        raise JobError(
            f"printer {job.printer.name} has an uneven field, other in each field of the plate: what is asked for is not offered"
        )
    if job.printer.field_map is not None:
        raise JobError(
            f"printer {job.printer.name} states optics.distortion: the pixels of fields have no common grid; what is asked for is "
            "not offered with several fields"
        )
    if rows * cols > MOST_PX:
        raise JobError(f"the plate has {rows * cols:.3g} pixels, limit {MOST_PX:.3g}: look at a smaller job of the same kind")
    first, pitch = job.engines[0], np.array(layout.pitch_um)
    grid = Grid(origin_um=(0.0, 0.0), pitch_um=first.grid.pitch_um, shape=(rows, cols), z_edges_um=first.grid.z_edges_um)

    def placed(e: Exposure, k: int) -> Exposure:
        corner = np.array(e.offset_um) / pitch
        col, row = np.rint(corner).astype(int).tolist()
        runs, top = e.mask.runs_8bit(), e.mask.window.row0 + row
        ends = (runs.col + runs.length + col).max(initial=0), top + len(runs.row_start) - 1
        low = int(runs.col.min(initial=-min(col, 0))) + col
        if np.abs(corner - (col, row)).max() > NEAR_PX or low < 0 or ends[0] > cols or top < 0 or ends[1] > rows:
            raise JobError(f"layer {k}: a field at {e.offset_um} µm has light beside the plate, or lies between pixels; the job is damaged")
        moved = LayerMask.from_runs(k, (rows, cols), top, runs._replace(col=(runs.col + col).astype(np.int32)))
        return dataclasses.replace(e, mask=moved, offset_um=(0.0, 0.0), mask_sha256=None)

    corners: dict[int, list[tuple[float, float]]] = {}

    def together(plan: LayerPlan) -> LayerPlan:
        corners[plan.index] = [e.offset_um for e in plan.exposures]  # any thread may come: all bring the same
        return dataclasses.replace(plan, exposures=tuple(placed(e, plan.index) for e in plan.exposures), facts_of=None)

    made = dataclasses.replace(
        job,
        engines=(dataclasses.replace(first, grid=grid), *job.engines[1:]),
        printer=with_field(job.printer, (rows, cols)),
        plan_layer=MappedLayers(job.layer_source, together),
        tiles=None,
        requires=tuple(name for name in job.requires if name != STAGE_ERROR),
    )
    made.prepared["fields"] = layout, corners
    return made


def plate_mapped(job: PrintJob, change: Callable[[LayerPlan], LayerPlan]) -> PrintJob:
    """Return a job whose fields were put together with every layer changed; it is as lazy as `job`.

    Parameters
    ----------
    job : PrintJob
        As `on_plate` returns it.
    change : callable
        Takes a layer as `job` gives it.
    """
    made = dataclasses.replace(job, plan_layer=MappedLayers(job.layer_source, change))
    made.prepared["fields"] = job.prepared["fields"]
    return made


def layout_of_plate(job: PrintJob) -> FieldLayout | None:
    """Return the fields that a job was put together from; None of one that was not.

    Parameters
    ----------
    job : PrintJob
    """
    known: tuple[FieldLayout, dict[int, list[tuple[float, float]]]] | None = job.prepared.get("fields")
    return None if known is None else known[0]


def corners_of(job: PrintJob, k: int) -> list[tuple[float, float]] | None:
    """Return the lower corner of the field of each exposure of a layer that was made already [µm]; None of a job of one field.

    Parameters
    ----------
    job : PrintJob
    k : int
    """
    known: tuple[FieldLayout, dict[int, list[tuple[float, float]]]] | None = job.prepared.get("fields")
    return None if known is None else known[1].get(k)
