"""Jobs whose pages are looked at: several exposures a layer, an uneven field, gamma, hostile names."""

import dataclasses

import msgspec
import numpy as np
from predictions import printer, process, resin, tunnel, value

import pmsl
from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.formats.frames.png_write import encode
from pmsl.job.layer_source import MappedLayers
from pmsl.profiles.optics import FlatField
from pmsl.profiles.printer import Orientation
from pmsl.profiles.tables.flat_field_image import address_of

HOSTILE = (
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(2)">',
    "<!--<script>",
    "]]>&lt;svg/onload=alert(3)>\u2028",
    "\x1b[2J",
)


def uneven_printer(kind="vignetting", row="-y", shape=(48, 56)):
    """A printer with a gamma, and a field that is uneven in one of the ways a profile can say it."""
    put, base = msgspec.structs.replace, printer(shape=shape)
    grid = [[0.83, 1.0, 0.91], [0.97, 1.07, 0.88]]
    image = np.random.default_rng(2).integers(150, 256, shape, dtype=np.uint8)
    flat = {
        "vignetting": FlatField(vignetting=value(0.3), reference="center"),
        "grid": FlatField(grid=value(grid), reference="maximum"),
        "image": FlatField(image=value(address_of(encode(image)))),
        "even": None,
    }[kind]
    gamma = put(base.response, kind="gamma", gamma=value(2.2))
    machine = put(base, response=gamma, optics=put(base.optics, flat_field=flat))
    return put(machine, orientation=Orientation(row=row, col="+x" if row[1] == "y" else "-y"))


def job_with_exposures(kind="vignetting", row="-y", **more):
    """A tunnel of which every third layer has a second, gray exposure, twice; one is shown with another time."""
    machine = uneven_printer(kind, row)
    job = pmsl.prepare(
        [tunnel(37.0, 43.0, 20.0, 77.0)], machine, resin(20.0, memory="enclosed"), process(10.0, **more), accept_uncalibrated=True
    )
    rng = np.random.default_rng(7)

    def with_gray(plan):
        if plan.index % 3 != 1:
            return plan
        first = plan.exposures[0]
        levels = first.mask.dense(np.uint8) // 255 * rng.integers(1, 255, first.mask.shape, dtype=np.uint8)
        gray = dataclasses.replace(
            first,
            mask=LayerMask.from_dense(plan.index, levels),
            time_s=0.173,
            dose_mj_cm2=0.173 * first.dose_mj_cm2 / first.time_s,
            repeat=2,
            focus_um=0.0,
            wait_after_s=0.25,
        )
        return dataclasses.replace(plan, exposures=(first, gray))

    known = [with_gray(plan) for plan in job.layers()]
    return dataclasses.replace(job, plan_layer=MappedLayers(job.layer_source, lambda plan: known[plan.index]))


def hostile_job():
    """A job of which every text that a file could bring is hostile."""
    job = job_with_exposures("even")
    put = msgspec.structs.replace
    a, b, c, d, e = HOSTILE
    finding = Finding(
        code="top-rounded", severity="info", message=a + b, layers=(1, 2), box_um=((0.0, 0.0, 10.0), (50.0, 50.0, 20.0)), unit=c
    )
    return dataclasses.replace(
        job,
        printer=put(job.printer, name=a, description=b),
        resin=put(job.resin, name=c + b, description=a),
        process=put(job.process, name=d, description=a),
        parts=tuple(put(part, label=a + b + d + e) for part in job.parts),
        provenance=put(job.provenance, placement=b, texts={a: b, "notes": c}),
        findings=(*job.findings, finding),
        placeholders=(a, b),
    )
