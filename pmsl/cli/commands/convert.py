"""``pmsl convert``: its options; the work is in `pmsl.cli.convert`."""

from __future__ import annotations

import click

from pmsl.cli import shared


@click.command("convert")
@click.argument("job", type=shared.FILE, metavar="JOB", help="A job folder or file of any format, told by its content.")
@click.argument("out", type=shared.FILE, metavar="OUT", help="What to write: a folder, a .zip, or a printer's file (.sl1, …).")
@shared.option("format")
@shared.panel
@shared.option("lossy")
@shared.option("depth")
@shared.option("dose")
@shared.option("threads")
@shared.option("force")
@shared.json
def convert_command(
    job: str,
    out: str,
    format: str | None,
    printer: str | None,
    pitch_um: str | None,
    field: str | None,
    lossy: bool,
    depth: int | None,
    dose: bool,
    threads: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write a job in another format; what that format cannot hold is refused, or with --lossy done and listed."""
    from pmsl.cli.convert import convert

    pixels = shared.panel_options(printer, pitch_um, field)
    convert(job, out, format=format, pixels=pixels, lossy=lossy, depth=depth, dose=dose, threads=threads, force=force, as_json=as_json)
