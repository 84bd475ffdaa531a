"""``pmsl check``: its options; the work is in `pmsl.cli.examine`."""

from __future__ import annotations

from typing import Literal

import click

from pmsl.cli import shared


@click.command("check")
@click.argument("meshes", nargs=-1, required=True, type=shared.FILE, metavar="MESH...", help="STL, OBJ, PLY or 3MF files.")
@shared.unit
@shared.repair
@shared.weld
@click.option("--printer", metavar="P", help="Whose pixel says how far vertices may be joined [default: microfluidics-7.6um].")
@click.option("--pitch-um", metavar="P|PX,PY", help="Pixel pitch at the image plane [µm].")
@click.option(
    "--fail-on",
    type=click.Choice(["info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="Findings at or above this end with exit 4.",
)
@shared.json
def check_command(
    meshes: tuple[str, ...],
    unit: str,
    repair: str,
    weld_um: float | None,
    printer: str | None,
    pitch_um: str | None,
    fail_on: Literal["info", "warning", "error"],
    as_json: bool,
) -> None:
    """Look meshes over: holes, winding, bodies that overlap, sizes; what repair would do. Nothing is written."""
    from pmsl.cli import examine
    from pmsl.pipeline.wishes import Wishes

    wishes = Wishes(printer=printer, pitch_um=pitch_um, unit=unit, weld_um=weld_um)
    examine.check(list(meshes), wishes, repair=repair, fail_on=fail_on, as_json=as_json)
