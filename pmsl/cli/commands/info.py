"""``pmsl info``: its options; the work is in `pmsl.cli.look`."""

from __future__ import annotations

from typing import Any

import click

from pmsl.cli import shared


@click.command("info")
@click.argument("path", type=shared.FILE, metavar="MESH|JOB", help="A mesh, or a job folder or file of any format.")
@shared.profiles
@shared.options("irradiance", "unit", "repair", "weld_um", "rotate", "scale")
@shared.doses
@shared.json
def info_command(path: str, as_json: bool, **options: Any) -> None:
    """Show what a mesh or a job is: sizes, volume, layers, print time, resin, findings."""
    from pmsl.cli import look
    from pmsl.pipeline.slice_request import SliceRequest

    look.info(SliceRequest(meshes=[path], out="job", **options), as_json=as_json)
