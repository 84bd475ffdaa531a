"""Layers of a native job made elsewhere, a block at a time: what a worker does with one, and how the blocks become the job.

A worker writes the files of its block, each under a name of its own that is then changed to the final one, so that a file is whole
whenever it is there, and whoever makes a block again writes the same bytes. It reads them back and sends only what job.json says of the
layers. Who gathers the blocks looks whether the files are there; in a zip, which it writes itself, it reads them back.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pmsl.core.finding import Finding
from pmsl.errors import JobError, WorkerError
from pmsl.formats.container.containers import FolderSource, Sink, check_written
from pmsl.formats.container.layer_writer import JobTally
from pmsl.formats.native.job_json import LayerDoc
from pmsl.formats.native.layer_entry import encode_layers
from pmsl.formats.protocol import Blocks, BlockTarget, WriteOptions, Written
from pmsl.job.print_job import Meter, PrintJob

WORK = "work"  # in a draft: what its workers share, gone with it
JOB_SPEC = "recipe.json"  # in that: what they make; where it is gone nobody wants it any more


class File(msgspec.Struct, frozen=True, array_like=True):
    """One file of a layer: its name in the job, its hash, its bytes."""

    name: str
    sha256: str
    size: int


class LayerDone(msgspec.Struct, frozen=True, array_like=True):
    """One layer that was made: its entry in job.json as JSON, its files, its cost as `Meter.cost` gives it, findings, any light."""

    entry: bytes
    files: list[File]
    cost: tuple[float, float]
    findings: list[dict[str, Any]]
    lit: bool


class BlockDone(msgspec.Struct, frozen=True, array_like=True):
    """A block that was made: its layers, what was noticed across them, and the file in the work folder that holds all files, for a zip."""

    layers: list[LayerDone]
    findings: list[dict[str, Any]]
    bundle: str = ""


def make_block(job: PrintJob, first: int, last: int, place: BlockTarget, options: WriteOptions) -> bytes:
    """Make the layers [first, last) and write their files; return the `BlockDone` as bytes.

    Raises
    ------
    OSError
        A file cannot be written.
    JobError
        What is read back is not what was written.
    WorkerError
        The job was given up meanwhile.
    """
    run, meter, work, own = job.in_order(last), Meter(job.grid, job.engines), Path(place.work), uuid.uuid4().hex
    layers: list[LayerDone] = []
    bundle = f"{own}.frames" if place.bundled else ""
    together = open(work / bundle, "wb") if place.bundled else None  # noqa: SIM115 — closed below
    try:
        for k in range(first, last):
            if not (work / JOB_SPEC).exists():
                raise WorkerError(f"{work}: the job was given up; its layers are not made")
            (plan,) = run.plans([k])
            run.passed(k)
            (made,) = encode_layers(job, [plan], options)
            for name, data, _ in made.files:
                if together is not None:
                    together.write(data)
                else:
                    _put(work / own, Path(place.folder) / name, data)
            if together is None:
                check_written(FolderSource(Path(place.folder)), {name: sha256 for name, _, sha256 in made.files}, 1)
            files = [File(name, sha256, len(data)) for name, data, sha256 in made.files]
            layers.append(
                LayerDone(msgspec.json.encode(made.entry), files, meter.cost(plan), _encode_findings(plan.findings), bool(plan.exposures))
            )
    except BaseException:
        for left in (bundle or own, own):
            (work / left).unlink(missing_ok=True)
        raise
    finally:
        if together is not None:
            together.close()
    return msgspec.msgpack.encode(BlockDone(layers, _encode_findings(run.findings()), bundle))


def _put(beside: Path, path: Path, data: bytes) -> None:
    """Write a file whole: under another name first."""
    beside.write_bytes(data)
    os.replace(beside, path)


def asked(job: PrintJob, options: WriteOptions, draft: Path, bundled: bool) -> Blocks:
    """Ask the workers of `options.workers` for all layers; `draft` is the folder the job is written in, or the zip (`bundled`)."""
    assert options.workers is not None
    work, dose = draft.parent / WORK, options.dose_of is not None
    work.mkdir()
    if not bundled:
        for name in ("frames", *(("dose",) if dose else ())):
            (draft / name).mkdir()
    place = BlockTarget(work=str(work.absolute()), folder=str(draft.absolute()), bundled=bundled, small=options.small, dose=dose)
    return options.workers.blocks(job, place)


def gather(
    blocks: Blocks, job: PrintJob, options: WriteOptions, draft: Path, sink: Sink, hashes: dict[str, str]
) -> tuple[Written, list[LayerDoc | msgspec.Raw]]:
    """Take all blocks; return what the job turned out to be and the layers' entries in job.json.

    Parameters
    ----------
    blocks : Blocks
        As `asked` gives them.
    job : PrintJob
    options : WriteOptions
    draft : Path
        As `asked` was given.
    sink : Sink
        Takes the files of a zip; a folder's are there already.
    hashes : dict
        Gets the hash of every file that is still to be read back.

    Raises
    ------
    JobError
        A file that a worker wrote is not seen here.
    """
    tally, across = JobTally(job, options), list[Finding]()
    entries: list[LayerDoc | msgspec.Raw] = []
    for block in blocks:
        done = msgspec.msgpack.decode(block, type=BlockDone)
        if done.bundle:
            _unpack(draft.parent / WORK / done.bundle, done, sink)
        for layer in done.layers:
            for file in layer.files:
                if done.bundle:
                    hashes[file.name] = file.sha256
                else:
                    _check_there(draft / file.name, file)
            entries.append(msgspec.Raw(layer.entry))
            tally.add(layer.cost, map(_decode_finding, layer.findings), layer.lit)
        across.extend(map(_decode_finding, done.findings))
    tally.found.extend(across)
    return tally.written(), entries


def _check_there(path: Path, file: File) -> None:
    """Refuse a file that is missing here or has another size than where it was written and read back."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        size = -1
    if size != file.size:
        what = "is missing" if size < 0 else f"has {size} of {file.size} bytes"
        raise JobError(f"{file.name}: a worker wrote it, and here it {what}; the disk they share is not to be trusted")


def _encode_findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain dicts: whole numbers stay whole, or job.json would have other bytes."""
    return [finding.as_dict() for finding in findings]


def _decode_finding(told: dict[str, Any]) -> Finding:
    layers, box = told["layers"], told["box_um"]
    pair = None if layers is None else (layers[0], layers[1])
    return Finding(**{**told, "layers": pair, "box_um": None if box is None else (tuple(box[0]), tuple(box[1]))})


def _unpack(path: Path, done: BlockDone, sink: Sink) -> None:
    """Give the files of a block to a zip, and remove what held them."""
    with open(path, "rb") as together:
        for layer in done.layers:
            for file in layer.files:
                sink.add(file.name, together.read(file.size))
    path.unlink()
