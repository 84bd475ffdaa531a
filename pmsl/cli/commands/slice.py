"""``pmsl slice``: its options; the work is in `pmsl.cli.run`."""

from __future__ import annotations

from typing import Any

import click

from pmsl.cli import shared
from pmsl.pipeline.request_fields import request_fields

MESHES, OUT = (request_fields()[name] for name in ("meshes", "out"))


@click.command("slice")
@click.argument("meshes", nargs=-1, required=True, type=shared.FILE, metavar=MESHES.metavar, help=MESHES.text)
@click.option("-o", "--out", required=True, type=shared.FILE, metavar=OUT.metavar, help=OUT.text)
@shared.option("format")
@shared.profiles
@shared.options("coverage", "unreachable", "irradiance", "unit", "repair", "weld_um")
@shared.options("at", "rotate", "scale", "keep_place", "copies", "spacing_um", "pack", "plates")
@shared.doses
@shared.options("threads", "processes", "scheduler", "depth", "dose", "no_design", "correct", "accept_uncalibrated", "png", "preview")
@shared.options("fail_on", "force", "lossy")
@shared.json
def slice_command(meshes: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Slice meshes into a print job: gray masks, exposure times, motion."""
    from pmsl.cli import run
    from pmsl.pipeline.slice_request import SliceRequest

    run.slice_job(SliceRequest(meshes=list(meshes), **options), as_json=as_json)
