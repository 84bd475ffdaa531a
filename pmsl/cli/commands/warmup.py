"""``pmsl warmup``: compile all kernels."""

from __future__ import annotations

import time

import click

from pmsl.cli.terminal import compiler_notice, print_line


@click.command("warmup")
def warmup_command() -> None:
    """Compile all kernels now, so that the first job need not."""
    from pmsl import pipeline
    from pmsl.predict.warmup import warmup as warm_predictions

    began = time.perf_counter()
    with compiler_notice(everything=True):
        pipeline.warmup()
        warm_predictions()
    print_line(f"kernels ready in {time.perf_counter() - began:.1f} s")
