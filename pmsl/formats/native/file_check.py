"""Are the files of a native job those that job.json names, each with its hash and what it should show?"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from pmsl.errors import JobError
from pmsl.formats.container.containers import FileSource, frame_limit
from pmsl.formats.frames.device_frame import frame_shape, turn
from pmsl.formats.native import dose_tiff
from pmsl.formats.native.job_json import Document
from pmsl.formats.protocol import DoseOf
from pmsl.job.layer_facts import measured, same_pixels
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob


def file_problems(doc: Document, source: FileSource) -> Iterator[str]:
    """Yield the files that job.json does not name, and designs that are not sound."""
    named = {"job.json", *(d.file for d in doc.design)}
    named |= {e.frame for layer in doc.layers for e in layer.exposures} | {layer.dose for layer in doc.layers if layer.dose}
    named |= {e.drawing.file for layer in doc.layers for e in layer.exposures if e.drawing is not msgspec.UNSET}
    for name in sorted(source.names() - named):
        yield f"{name}: job.json does not name it"
    left = most = source.most_bytes()
    for file, sha256 in dict.fromkeys((part.file, part.sha256) for part in doc.design):
        try:
            left -= source.size_bytes(file)
            if left < 0:
                yield f"{file}: with the parts before it more than the {most} bytes that parts of this job may have; it was tampered with"
                return
            if source.sha256(file) != sha256:
                yield f"{file}: its hash is not the one in job.json"
        except JobError as err:
            yield str(err)


def facts_problems(doc: Document, job: PrintJob, plan: LayerPlan) -> list[str]:
    """Return what is wrong with the facts of one layer: nothing is lit by them, so a host, which loads no kernel, leaves them out."""
    facts, k = doc.layers[plan.index].facts, plan.index
    if facts is msgspec.UNSET:
        return []
    seen = measured(plan, job.engines[0].grid)
    return [] if seen is not None and same_pixels(facts, seen.facts) else [f"layers[{k}].facts: they are not those of its frames"]


def layer_problems(doc: Document, job: PrintJob, plan: LayerPlan, source: FileSource, dose_of: DoseOf | None) -> list[str]:
    """Return what is wrong with frames and dose map of one layer; `dose_of` None: only whether the map can be read."""
    k = plan.index
    wrong = [
        f"{entry.frame}: its pixels do not have the mask hash in job.json"
        for entry, exposure in zip(doc.layers[k].exposures, plan.exposures, strict=True)
        if exposure.mask.sha256() != entry.mask_sha256
    ]
    name = doc.layers[k].dose
    if name is None:
        return wrong
    engine = job.engines[0]
    try:
        shape = frame_shape(engine.grid.shape, engine.orientation)
        page = dose_tiff.decode(source.read(name, frame_limit((shape[0], 4 * shape[1]))), shape, name)
    except JobError as err:
        return [*wrong, str(err)]
    if dose_of is None:
        return wrong
    with np.errstate(all="ignore"):  # numbers beyond all doses are not those of the map either
        dose = turn(dose_of(job, plan).dense(), engine.orientation)
        same = dose.shape == page.shape and np.allclose(page, dose, rtol=1e-6, atol=0)
    if not same:
        wrong.append(f"{name}: its doses are not those of the layer's exposures")
    return wrong
