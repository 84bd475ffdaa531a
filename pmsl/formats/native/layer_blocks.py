"""Layers of a native job made elsewhere, a block at a time: what is asked of workers, what they send, and how the blocks become the job.

Who gathers the blocks looks whether the files are there; in a zip, which it writes itself, it reads them back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pmsl.core.finding import Finding
from pmsl.errors import JobError
from pmsl.formats.container.containers import Sink
from pmsl.formats.container.layer_writer import JobTally
from pmsl.formats.native.job_json import LayerDoc
from pmsl.formats.protocol import Blocks, BlockTarget, WriteOptions, Written
from pmsl.job.print_job import PrintJob

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
