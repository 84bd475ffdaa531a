"""``pmsl slice`` and ``pmsl warmup``: the commands that make something."""

from __future__ import annotations

import time

from pmsl import pipeline
from pmsl.cli.look import job_facts
from pmsl.cli.show import clock, compiler_notice, layer_progress, plain, print_json, say, say_findings, size_mm
from pmsl.errors import FindingsError
from pmsl.pipeline.order import Order, check, made_ready, put_on_disk


def slice_job(order: Order, *, as_json: bool) -> None:
    """``pmsl slice``: carry an order out, draw its preview, tell."""
    began = time.perf_counter()
    check(order)
    wishes = order.wishes()
    if wishes.defaults_used() and not as_json:
        say(wishes.defaults_used())
    try:
        with compiler_notice():
            ready = made_ready(order)
            with layer_progress("slicing", as_json) as progress:
                written = put_on_disk(order, ready, progress)
            if order.preview is not None:
                from pmsl.report import contact_sheet

                contact_sheet(ready.job, order.preview)
    except FindingsError as err:
        if as_json:
            print_json({"job": None, "error": str(err), "findings": [f.as_dict() for f in err.findings]})
        say_findings(err.findings)
        raise
    seconds = time.perf_counter() - began
    if as_json:
        facts = job_facts(ready.job, written.findings, written.estimate)
        print_json({"job": plain(order.out), "format": order.chosen_format().name, **facts, "seconds": round(seconds, 3)})
        return
    say_findings(written.findings)
    e, placed, out = written.estimate, ready.placed, order.out
    moved = f"; {placed.how}, shifted by ({placed.shift_um[0]:.3g}, {placed.shift_um[1]:.3g}) µm" if placed.shift_um else f"; {placed.how}"
    print(f"{out}: {ready.job.n_layers} layers, {size_mm(*placed.bounds_um)}{moved}")
    print(f"{out}: print time {clock(e.print_time_s)}, resin {e.resin_ml * 1000:.4g} µl, sliced in {seconds:.1f} s")


def warmup() -> None:
    """``pmsl warmup``."""
    from pmsl.predict.warm import warmup as warm_predictions

    began = time.perf_counter()
    with compiler_notice():
        pipeline.warmup()
        warm_predictions()
    print(f"kernels ready in {time.perf_counter() - began:.1f} s")
