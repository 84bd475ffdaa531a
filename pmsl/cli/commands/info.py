"""``pmsl info``: its options; the work is in `pmsl.cli.look`."""

from __future__ import annotations

from typing import Any

import click

from pmsl.cli import shared


@click.command("info")
@click.argument("path", type=shared.FILE, metavar="MESH|JOB", help="A mesh, or a job folder or file of any format.")
@shared.profiles
@shared.irradiance
@shared.unit
@shared.repair
@shared.weld
@shared.rotate
@shared.scale
@shared.doses
@shared.json
def info_command(
    path: str, repair: str, dose_scale: str | None, region: list[str], regions: str | None, as_json: bool, **wishes: Any
) -> None:
    """Show what a mesh or a job is: sizes, volume, layers, print time, resin, findings."""
    from pmsl.cli import look
    from pmsl.cli.regions import Doses
    from pmsl.pipeline.wishes import Wishes

    doses = Doses(dose_scale, region, regions)
    look.info(path, Wishes(**wishes, at=None, keep_place=False), doses, repair=repair, as_json=as_json)
