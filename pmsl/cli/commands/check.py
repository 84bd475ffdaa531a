"""``pmsl check``: its options; the work is in `pmsl.cli.examine`."""

from __future__ import annotations

from typing import Literal

import click

from pmsl.cli import shared


@click.command("check")
@click.argument("meshes", nargs=-1, required=True, type=shared.FILE, metavar="MESH...", help="STL, OBJ, PLY or 3MF files.")
@shared.unit
@shared.repair
@click.option(
    "--fail-on",
    type=click.Choice(["info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="Findings at or above this end with exit 4.",
)
@shared.json
def check_command(meshes: tuple[str, ...], unit: str, repair: str, fail_on: Literal["info", "warning", "error"], as_json: bool) -> None:
    """Look meshes over: holes, winding, bodies that overlap, sizes; what repair would do. Nothing is written."""
    from pmsl.cli import examine

    examine.check(list(meshes), unit=unit, repair=repair, fail_on=fail_on, as_json=as_json)
