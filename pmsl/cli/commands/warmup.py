"""``pmsl warmup``; the work is in `pmsl.cli.run`."""

from __future__ import annotations

import click


@click.command("warmup")
def warmup_command() -> None:
    """Compile all kernels now, so that the first job need not."""
    from pmsl.cli import run

    run.warmup()
