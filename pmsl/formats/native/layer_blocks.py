"""Layers of a native job made elsewhere, a block at a time: what is asked of workers, what they send, and how the blocks become the job.

Who gathers the blocks looks whether the files are there; in a zip, which it writes itself, it reads them back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pmsl.core.finding import Finding, PredictedErrors
from pmsl.errors import JobError
from pmsl.formats.container.containers import Sink
from pmsl.formats.container.layer_writer import JobTally
from pmsl.formats.native.job_json import LayerDoc, with_facts
from pmsl.formats.protocol import Blocks, BlockTarget, WriteOptions, Written
from pmsl.job.layer_facts import FactsOfLayers, Measured, SolidRuns, with_checks
from pmsl.job.layer_plan import LayerFacts
from pmsl.job.meter import LayerCost
from pmsl.job.print_job import PrintJob

WORK = "work"  # in a draft: what its workers share, gone with it
JOB_SPEC = "recipe.json"  # in that: what they make; where it is gone nobody wants it any more


class File(msgspec.Struct, frozen=True, array_like=True):
    """One file of a layer: its name in the job, its hash, its bytes."""

    name: str
    sha256: str
    size: int


class LayerDone(msgspec.Struct, frozen=True, array_like=True):
    """One layer that was made: its entry in job.json as JSON, its files, its cost as `Meter.cost` gives it, findings, any light, facts."""

    entry: bytes
    files: list[File]
    cost: LayerCost
    findings: list[dict[str, Any]]
    lit: bool
    facts: LayerFacts | None = None


class SolidBytes(msgspec.Struct, frozen=True, array_like=True):
    """Solid pixels of a layer as `SolidRuns` has them."""

    start: bytes
    col: bytes
    end: bytes
    row0: int

    @classmethod
    def of(cls, layer: Measured | None) -> SolidBytes | None:
        """Return those of a layer; None where it has no facts."""
        if layer is None:
            return None
        start, col, end, row0 = layer.solid
        return cls(start.tobytes(), col.tobytes(), end.tobytes(), row0)

    def runs(self) -> SolidRuns:
        """Return them as arrays."""
        col, end = np.frombuffer(self.col, np.int32), np.frombuffer(self.end, np.int32)
        return SolidRuns(np.frombuffer(self.start, np.int64), col, end, self.row0)


class BlockDone(msgspec.Struct, frozen=True, array_like=True):
    """A block that was made: its layers, what was noticed across them, and the file in the work folder that holds all files, for a zip.

    `ends` are the solid pixels of its first and its last layer, for the facts of the first one and of the layer that comes next.
    """

    layers: list[LayerDone]
    findings: list[dict[str, Any]]
    bundle: str = ""
    ends: list[SolidBytes | None] = []


def asked(job: PrintJob, options: WriteOptions, draft: Path, bundled: bool) -> Blocks:
    """Ask the workers of `options.workers` for all layers; `draft` is the folder the job is written in, or the zip (`bundled`)."""
    assert options.workers is not None
    work, dose = draft.parent / WORK, options.dose_of is not None
    work.mkdir()
    if not bundled:
        for name in ("frames", *(("dose",) if dose else ())):
            (draft / name).mkdir()
    place = BlockTarget(
        work=str(work.absolute()), folder=str(draft.absolute()), bundled=bundled, small=options.small, dose=dose, facts=options.facts
    )
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
    facts: list[LayerFacts | None] = []
    layer_facts = FactsOfLayers(job.engines[0].grid, job.printer)
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
        facts += _facts(done, len(facts), layer_facts)
        across.extend(map(_decode_finding, done.findings))
    tally.found.extend(across)
    written = tally.written()
    if options.watch is not None:
        facts = with_checks(facts, options.watch.of_layers(), job.printer)
    return written, list(map(with_facts, entries, facts))


def _facts(block: BlockDone, first: int, layer_facts: FactsOfLayers) -> list[LayerFacts | None]:
    """Return the facts of the layers of a block that begins with layer `first`; the worker did not see the layer below."""
    facts = [layer.facts for layer in block.layers]
    bottom, top = (None if end is None else end.runs() for end in block.ends[:1] + block.ends[-1:] or (None, None))
    facts[0] = layer_facts.add(first, None if facts[0] is None or bottom is None else Measured(facts[0], bottom))
    layer_facts.passed(top)
    return facts


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
    predicted = PredictedErrors(**told["predicted"]) if "predicted" in told else msgspec.UNSET
    corners = None if box is None else (tuple(box[0]), tuple(box[1]))
    return Finding(**{**told, "layers": pair, "box_um": corners, "predicted": predicted})


def _unpack(path: Path, done: BlockDone, sink: Sink) -> None:
    """Give the files of a block to a zip, and remove what held them."""
    with open(path, "rb") as together:
        for layer in done.layers:
            for file in layer.files:
                sink.add(file.name, together.read(file.size))
    path.unlink()
