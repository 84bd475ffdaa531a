"""Is a job on disk whole: every file there, every hash right, every frame what job.json says?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pmsl.core.job import PrintJob
from pmsl.core.plan import LayerPlan
from pmsl.errors import JobError
from pmsl.formats import stream
from pmsl.formats.bundle import Source, frame_limit, open_source
from pmsl.formats.contract import DoseOf, VerifyOptions
from pmsl.formats.frames import frame_shape, turn
from pmsl.formats.native import document, dosetiff
from pmsl.formats.native.document import Document
from pmsl.formats.native.read import job_of


def verify(path: Path, options: VerifyOptions) -> list[str]:
    """Check a job from end to end.

    Parameters
    ----------
    path : Path
        Job folder or zip.
    options : VerifyOptions
        Dose files are held against its `dose_of`; the answer does not depend on its threads.

    Returns
    -------
    list of str
        What is wrong, one line each; empty for a sound job.

    Raises
    ------
    JobError
        There is no job, or its job.json cannot be read at all.
    """
    source = open_source(path)
    doc = document.decode(source.text("job.json"), f"{path}/job.json")
    job = job_of(doc, source, str(path))
    problems = list(_structure(doc, job)) + list(_files(doc, source))
    problems += stream.problems(job, options, lambda plan: _layer(doc, job, plan, source, options.dose_of))
    return problems


def _structure(doc: Document, job: PrintJob) -> Iterator[str]:
    """Do the numbers of job.json fit each other?"""
    if doc.calibrated == bool(doc.placeholders):
        yield f"calibrated is {doc.calibrated} with {len(doc.placeholders)} placeholders listed"
    lit = {s.power: s.irradiance_mw_cm2.value for s in doc.printer.optics.settings}
    for k, layer in enumerate(doc.layers):
        for e in layer.exposures:
            if abs(e.time_s * lit[e.power] - e.dose_mj_cm2) > 1e-9 * e.dose_mj_cm2:
                yield f"layer {k}: dose_mj_cm2 {e.dose_mj_cm2:g} is not time_s × irradiance, {e.time_s * lit[e.power]:g}"
    time_s = sum(
        p.motion.duration_s + sum(e.repeat * (e.wait_before_s + e.time_s + e.wait_after_s) for e in p.exposures) for p in doc.layers
    )
    if abs(time_s - doc.estimate.print_time_s) > 1e-6 * time_s:
        yield f"estimate: print_time_s is {doc.estimate.print_time_s:g}, the layers take {time_s:g}"
    edges = job.grid.z_edges_um
    for k, layer in enumerate(doc.layers):
        if abs(layer.z_top_um - edges[k + 1]) > 1e-6 or abs(layer.thickness_um - (edges[k + 1] - edges[k])) > 1e-6:
            yield f"layer {k}: z_top_um {layer.z_top_um} and thickness_um {layer.thickness_um} do not fit the grid's slabs"


def _files(doc: Document, source: Source) -> Iterator[str]:
    """Are the files those that job.json names, and are the designs sound?"""
    named = {"job.json", *(d.file for d in doc.design)}
    named |= {e.frame for layer in doc.layers for e in layer.exposures} | {layer.dose for layer in doc.layers if layer.dose}
    for name in sorted(source.names() - named):
        yield f"{name}: job.json does not name it"
    for file, sha256 in dict.fromkeys((part.file, part.sha256) for part in doc.design):
        try:
            if source.sha256(file) != sha256:
                yield f"{file}: its hash is not the one in job.json"
        except JobError as err:
            yield str(err)


def _layer(doc: Document, job: PrintJob, plan: LayerPlan, source: Source, dose_of: DoseOf | None) -> list[str]:
    """Frames and dose map of one layer."""
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
        page = dosetiff.decode(source.read(name, frame_limit((shape[0], 4 * shape[1]))), shape, name)
    except JobError as err:
        return [*wrong, str(err)]
    if dose_of is not None and not np.allclose(page, turn(dose_of(job, plan).dense(), engine.orientation), rtol=1e-6, atol=0):
        wrong.append(f"{name}: its doses are not those of the layer's exposures")
    return wrong
