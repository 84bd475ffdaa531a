"""Native job on disk → PrintJob; frames are read layer by layer, each against its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import GridError, JobError, UsageError
from pmsl.files.file_kind import refusal_of_pointer
from pmsl.formats.container import read_limits
from pmsl.formats.container.containers import FileSource, frame_limit, open_source
from pmsl.formats.frames import device_frame
from pmsl.formats.frames.png_read import runs_of_png
from pmsl.formats.native import design_ply, drawing_file, job_json
from pmsl.formats.native.file_check import file_problems, layer_problems
from pmsl.formats.native.job_json import ASKED, PLAIN, DesignDoc, Document, EngineDoc, ExposureDoc
from pmsl.formats.native.requirements import check_asked, present
from pmsl.job.consistency import hidden_placeholders, limit_problems
from pmsl.job.drawing import Drawing
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import FLAT_FIELD_BY_HOST, Engine, PrintJob
from pmsl.job.printer_optics import FIELD_DISTORTION, required
from pmsl.mesh.part import Part
from pmsl.mesh.region import MAX_FACTOR, check_values
from pmsl.mesh.solid import Solid
from pmsl.profiles.printer import Diamond, Orientation


def read(path: Path) -> PrintJob:
    """Read a job; frames are read, and held against their hashes, layer by layer when asked for.

    Parameters
    ----------
    path : Path
        Job folder or zip.

    Returns
    -------
    PrintJob

    Raises
    ------
    JobError
        No job, damaged, or made for a newer pmsl.
    """
    source = open_source(path)
    doc = job_json.decode(source.text("job.json"), f"{path}/job.json")
    return job_of(doc, source, str(path))


def job_of(doc: Document, source: FileSource, where: str) -> PrintJob:
    """Make the job of a document whose files lie in `source`."""
    engines = tuple(_engine(e, where) for e in doc.engines)
    if not engines or any(len(doc.layers) != e.grid.n_layers for e in engines):
        raise JobError(f"{where}: {len(doc.layers)} layers do not fit the grid of its engines; the job is damaged")
    if (doc.process.evened == "delegated") != (FLAT_FIELD_BY_HOST in doc.requires):
        raise JobError(
            f"{where}: the field is evened out by {doc.process.evened!r}, requires is {doc.requires}: whether the host evens out "
            "the field is not clear; the job is damaged"
        )
    if (FIELD_DISTORTION in required(doc.printer, doc.process)) != (FIELD_DISTORTION in doc.requires):
        raise JobError(
            f"{where}: requires is {doc.requires}, and the printer's optics.distortion says otherwise: whether frames are warped is not "
            "clear; the job is damaged"
        )
    check_asked(doc, where)
    _check_parts(doc, where)

    stored = _Frames(engines, source, where)

    def plan_layer(k: int) -> LayerPlan:
        layer = doc.layers[k]
        exposures = tuple(_exposure(e, stored.mask(e, k, place), stored.drawing(e)) for place, e in enumerate(layer.exposures))
        return LayerPlan(
            index=k,
            z_top_um=layer.z_top_um,
            thickness_um=layer.thickness_um,
            motion=layer.motion,
            exposures=exposures,
            squeeze=present(layer.squeeze),
            relift_after=present(layer.relift_after),
            facts_of=None if layer.facts is msgspec.UNSET else lambda: present(layer.facts),
        )

    job = PrintJob(
        engines=engines,
        printer=doc.printer,
        resin=doc.resin,
        process=doc.process,
        provenance=doc.provenance,
        parts=tuple(doc.parts),
        n_layers=len(doc.layers),
        plan_layer=plan_layer,
        findings=tuple(finding.current() for finding in doc.findings),
        placeholders=tuple(doc.placeholders),
        requires=tuple(doc.requires),
        correction=doc.correction,
        regions=() if doc.regions is msgspec.UNSET else tuple(doc.regions),
        vacuum=present(doc.vacuum),
        tiles=present(doc.tiles),
        pauses=tuple(present(doc.pauses) or ()),
        known_estimate=doc.estimate,
        design_of=lambda: _designs(doc.design, source, where),
    )
    _check_light(doc, job, where)
    job.prepared["exposures_of"] = lambda k: [e.repeat * e.time_s for e in doc.layers[k].exposures]
    job.prepared["stated_time_s"] = doc.estimate.print_time_s
    job.prepared["file_problems"] = lambda: file_problems(doc, source)
    job.prepared["layer_problems"] = lambda plan: layer_problems(doc, job, plan, source, job.prepared.get("dose_of"))
    return job


def _check_light(doc: Document, job: PrintJob, where: str) -> None:
    """Refuse light that the job's own printer may not give, and a job that says it is calibrated beside placeholders."""
    printers = [job.printer_of(i) for i in range(len(job.engines))]
    for k, layer in enumerate(doc.layers):
        for e in layer.exposures:
            for problem in limit_problems(e, printers):
                raise JobError(f"{where}: layer {k}: {problem}; the job is damaged, or was tampered with")
    hidden = hidden_placeholders(job, {(e.engine, e.power) for layer in doc.layers for e in layer.exposures})
    if doc.calibrated == bool(doc.placeholders) or hidden:
        beside = f"{len(doc.placeholders)} placeholders listed" + (f"; {', '.join(hidden)} are placeholders" if hidden else "")
        raise JobError(f"{where}: calibrated is {doc.calibrated} with {beside}; the job is damaged, slice it again")


def _check_parts(doc: Document, where: str) -> None:
    """Refuse doses and regions that no job has, and regions of parts that are not there."""
    for i, part in enumerate(doc.parts):
        if not 0 < part.dose_scale <= MAX_FACTOR:
            raise JobError(
                f"{where}: parts[{i}].dose_scale is {part.dose_scale:g}; it must be above 0 and at most {MAX_FACTOR:g}; the job is damaged"
            )
    for j, region in enumerate(() if doc.regions is msgspec.UNSET else doc.regions):
        key = f"{where}: regions[{j}]"
        try:
            check_values(region)
        except UsageError as err:
            raise JobError(f"{key}: {err}; the job is damaged") from err
        known = [s.power for s in doc.printer.optics.settings]
        if region.power is not None and region.power not in known:
            raise JobError(f"{key}.power is {region.power:g}, no light setting of printer {doc.printer.name}; the job is damaged")
        if not region.parts or len(set(region.parts)) < len(region.parts) or not all(0 <= i < len(doc.parts) for i in region.parts):
            raise JobError(
                f"{key}.parts is {list(region.parts)}; it must name one or more of the job's parts, 0 to {len(doc.parts) - 1}, each once; "
                "the job is damaged"
            )


def _designs(docs: Sequence[DesignDoc], source: FileSource, where: str) -> tuple[Part, ...]:
    """Read the placed parts; a file that several stand in is read once."""
    solids: dict[tuple[str, str], Solid] = {}
    out = []
    for doc in docs:
        key = doc.file, doc.sha256
        if key not in solids:
            solids[key] = _design(doc, source, where)
        transform = np.eye(4)
        if doc.shift_um is not msgspec.UNSET:
            transform[:2, 3] = doc.shift_um
        out.append(Part(solid=solids[key], transform=transform, label=doc.label))
    return tuple(out)


def _design(doc: DesignDoc, source: FileSource, where: str) -> Solid:
    """Read one placed part."""
    data = source.read(doc.file)
    if hashlib.sha256(data).hexdigest() != doc.sha256:
        raise JobError(
            refusal_of_pointer(f"{where}: {doc.file}", data)
            or f"{where}: {doc.file} does not have the hash job.json gives; it is damaged or was replaced"
        )
    return design_ply.solid_of(data, doc.label, f"{where}: {doc.file}")


def _engine(doc: EngineDoc, where: str) -> Engine:
    g = doc.grid
    try:
        o = doc.orientation
        orientation = Orientation(row=o.row, col=o.col)
        if o.diamond is not msgspec.UNSET:
            read_limits.check_frame(o.diamond, True, where)
            orientation = Diamond(row=o.row, col=o.col, frame=o.diamond)
    except ValueError as err:
        raise JobError(f"{where}: orientation: {err}; the job is damaged") from err
    if orientation.mirrored != doc.orientation.mirrored:
        raise JobError(
            f"{where}: orientation says mirrored = {doc.orientation.mirrored}, its axes say {orientation.mirrored}; the job is damaged"
        )
    try:
        grid = Grid(origin_um=g.origin_um, pitch_um=g.pitch_um, shape=g.shape, z_edges_um=g.z_edges_um)
    except GridError as err:
        raise JobError(f"{where}: {err}; the job is damaged") from err
    if isinstance(orientation, Diamond) and orientation.field != grid.shape:
        raise JobError(
            f"{where}: a diamond lattice of {orientation.frame} has a field of {orientation.field}, not {grid.shape}; it is damaged"
        )
    read_limits.check_frame(grid.shape, not device_frame.by_runs(orientation), where)
    return Engine(grid=grid, wavelength_nm=doc.wavelength_nm, orientation=orientation, name=present(doc.name) or "")


class _Frames:
    """Reads stored frames, each against its hash.

    One that is the last one in its place in a layer again, as along channels and posts, is not decoded again.
    """

    def __init__(self, engines: Sequence[Engine], source: FileSource, where: str) -> None:
        self._engines, self._source, self._where = engines, source, where
        self._last: dict[int, tuple[str, int, LayerMask]] = {}  # by place; each set whole: any thread may come

    def mask(self, doc: ExposureDoc, k: int, place: int) -> LayerMask:
        """Return the mask of an exposure of layer `k`, the `place`-th of it; raises JobError where its file is damaged."""
        engine, last = self._engines[doc.engine], self._last.get(place)
        shape = device_frame.frame_shape(engine.grid.shape, engine.orientation)
        data = self._source.read(doc.frame, frame_limit(shape))
        found = hashlib.sha256(data).hexdigest()
        if found != doc.file_sha256:
            raise JobError(
                refusal_of_pointer(f"{self._where}: {doc.frame}", data)
                or f"{self._where}: {doc.frame} does not have the hash job.json gives; the frame is damaged or was replaced, slice again"
            )
        if last is not None and last[:2] == (found, doc.engine):
            return replace(last[2], index=k)
        mask = device_frame.mask_of_runs(runs_of_png(data, shape, f"{self._where}: {doc.frame}"), k, shape, engine.orientation)
        self._last[place] = found, doc.engine, mask
        return mask

    def drawing(self, doc: ExposureDoc) -> Drawing | None:
        """Return what is drawn in an exposure, None of one that is shown; raises JobError where its file is damaged."""
        drawn = present(doc.drawing)
        if drawn is None:
            return None
        where = f"{self._where}: {drawn.file}"
        data = self._source.read(drawn.file)
        if hashlib.sha256(data).hexdigest() != drawn.file_sha256:
            raise JobError(
                refusal_of_pointer(where, data)
                or f"{where} does not have the hash job.json gives; it is damaged or was replaced, slice again"
            )
        return drawing_file.decode(data, drawn, where)


def _exposure(doc: ExposureDoc, mask: LayerMask, drawing: Drawing | None) -> Exposure:
    asked: dict[str, Any] = {field: present(getattr(doc, field)) for field in ASKED}
    return Exposure(mask=mask, drawing=drawing, mask_sha256=doc.mask_sha256, **{field: getattr(doc, field) for field in PLAIN}, **asked)
