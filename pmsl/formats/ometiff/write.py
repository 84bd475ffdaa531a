"""PrintJob → OME-TIFF: one deflated page a layer, made from runs; dose maps after the masks; the first page's text last."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from pmsl.core.parallel import ordered_map
from pmsl.errors import JobError
from pmsl.formats import image_stack_notes
from pmsl.formats.container import layer_writer
from pmsl.formats.frames import png_write
from pmsl.formats.frames.device_frame import frame_shape, turn
from pmsl.formats.frames.frame_runs import shown
from pmsl.formats.image_stack_notes import Notes
from pmsl.formats.ometiff.ome_xml import ome_xml
from pmsl.formats.protocol import WriteOptions, Written
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob

CLASSIC = 3_500_000_000  # bytes before compression up to which offsets of 32 bits are enough in any case


def write_draft(job: PrintJob, path: Path, options: WriteOptions) -> Written:
    """Write the fitted job to a new file."""
    engine, notes, hashes = job.engines[0], Notes(), []
    shape = frame_shape(engine.grid.shape, engine.orientation)
    size = shape[0] * shape[1] * job.n_layers * (1 if options.dose_of is None else 5)
    tags = _tags(job, shape)

    def make(plan: LayerPlan) -> bytes:
        return png_write.deflated(shown(plan, job), engine.orientation, options.small)

    with tifffile.TiffWriter(path, bigtiff=size > CLASSIC, byteorder="<") as tiff:

        def put(segment: bytes, kind: Any, first: bool = False) -> None:
            hashes.append(hashlib.sha256(segment).digest())
            tiff.write(iter([segment]), dtype=kind, description=" " if first else None, **tags)

        def store(plan: LayerPlan, segment: bytes) -> None:
            put(segment, np.uint8, first=plan.index == 0)
            notes.add(plan)

        written = layer_writer.written(job, options, make, store)
        if options.dose_of is not None:
            for segment in ordered_map(lambda k: _dose(job, k, options), range(job.n_layers), options.threads):
                put(segment, np.float32)
    doc = notes.document(job)
    tops = engine.grid.z_edges_um[1:].tolist()
    xml = ome_xml(doc, shape, tops, image_stack_notes.even_height_um(job), options.dose_of is not None)
    with tifffile.TiffFile(path, mode="r+") as made:
        first: Any = made.pages[0]
        first.tags["ImageDescription"].overwrite(xml)
    _check(path, hashes)
    return written


def _tags(job: PrintJob, shape: tuple[int, int]) -> dict[str, Any]:
    """Return what all pages have in common; no orientation tag: some readers would turn frames that are as the device shows them."""
    engine = job.engines[0]
    pitch = engine.grid.pitch_um if engine.orientation.row[1] == "y" else engine.grid.pitch_um[::-1]
    return {
        "shape": shape,
        "compression": "zlib",
        "predictor": None,
        "rowsperstrip": shape[0],
        "photometric": "minisblack",
        "resolution": tuple((1e4 / pitch).tolist()),
        "resolutionunit": "CENTIMETER",
        "software": "pmsl",
        "metadata": None,
    }


def _dose(job: PrintJob, k: int, options: WriteOptions) -> bytes:
    """Return the deflated dose map of a layer, in frame orientation."""
    assert options.dose_of is not None
    return png_write.packed(turn(options.dose_of(job, job[k]).dense(), job.engines[0].orientation).astype("<f4"))


def _check(path: Path, hashes: list[bytes]) -> None:
    """Read every page back."""
    with tifffile.TiffFile(path) as tiff:
        same = len(tiff.pages) == len(hashes)
        for page, digest in zip(tiff.pages, hashes, strict=False):
            tiff.filehandle.seek(page.dataoffsets[0])
            same = same and hashlib.sha256(tiff.filehandle.read(page.databytecounts[0])).digest() == digest
    if not same:
        raise JobError(f"{path}: what was read back is not what was written; the disk is not to be trusted")
