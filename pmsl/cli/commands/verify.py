"""``pmsl verify``: its options; the work is in `pmsl.cli.look`."""

from __future__ import annotations

import click

from pmsl.cli import shared


@click.command("verify")
@click.argument("path", type=shared.FILE, metavar="JOB", help="A job folder or file of any format.")
@shared.panel
@shared.option("threads")
@shared.json
def verify_command(path: str, printer: str | None, pitch_um: str | None, field: str | None, threads: int | None, as_json: bool) -> None:
    """Check a job on disk from end to end: 0 sound, 3 damaged."""
    from pmsl.cli import look

    look.verify(path, pixels=shared.panel_options(printer, pitch_um, field), threads=threads, as_json=as_json)
