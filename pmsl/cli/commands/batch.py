"""``pmsl batch``: its options; the work is in `pmsl.cli.batch`."""

from __future__ import annotations

from typing import Any

import click

from pmsl.cli import shared


@click.command("batch")
@click.argument("file", type=shared.FILE, metavar="FILE.toml")
@click.option("--dry-run", is_flag=True, help="Slice a few layers of each job, predict what it costs, and write nothing.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Jobs at a time, each in its own process [default: one a processor].")
@click.option("--memory", metavar="SIZE", help="What all processes together may take, as 8GB; a job that cannot fit is refused.")
@shared.option(
    "fail_on",
    default=None,
    show_default=False,
    help="Findings at or above this stop a job that does not say it itself [default: error].",
)
@click.option("--force", is_flag=True, help="Replace jobs in the out folder that no batch made, or that were changed since.")
@shared.json
def batch_command(file: str, **options: Any) -> int:
    """Slice all jobs of a batch file; run it again to go on where it ended."""
    from pmsl.cli import batch

    return batch.run(file, **options)
