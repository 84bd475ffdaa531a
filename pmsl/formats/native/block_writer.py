"""What a worker does with a block of layers of a native job.

It writes the files of its block, each under a name of its own that is then changed to the final one, so that a file is whole whenever it
is there, and whoever makes a block again writes the same bytes. It reads them back and sends only what job.json says of the layers.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pmsl.core.finding import Finding
from pmsl.errors import WorkerError
from pmsl.formats.container.containers import FolderSource, check_written
from pmsl.formats.native.layer_blocks import JOB_SPEC, BlockDone, File, LayerDone, SolidBytes
from pmsl.formats.native.write import encode_layers
from pmsl.formats.protocol import BlockTarget, WriteOptions
from pmsl.job.layer_facts import FactsOfLayers
from pmsl.job.print_job import PrintJob


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
    run, meter, work, own = job.in_order(last), job.meter(), Path(place.work), uuid.uuid4().hex
    layers: list[LayerDone] = []
    layer_facts, ends = FactsOfLayers(job.engines[0].grid, job.printer), list[SolidBytes | None]()
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
            facts = layer_facts.add(k, made.measured)
            if options.facts and k in (first, last - 1):
                ends.append(SolidBytes.of(made.measured))
            entry, found = msgspec.json.encode(made.entry), _encode_findings(plan.findings)
            layers.append(LayerDone(entry, files, meter.cost(plan), found, bool(plan.exposures), facts))
    except BaseException:
        for left in (bundle or own, own):
            (work / left).unlink(missing_ok=True)
        raise
    finally:
        if together is not None:
            together.close()
    return msgspec.msgpack.encode(BlockDone(layers, _encode_findings(run.findings()), bundle, ends))


def _put(beside: Path, path: Path, data: bytes) -> None:
    """Write a file whole: under another name first."""
    beside.write_bytes(data)
    os.replace(beside, path)


def _encode_findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain dicts: whole numbers stay whole, or job.json would have other bytes."""
    return [finding.as_dict() for finding in findings]
