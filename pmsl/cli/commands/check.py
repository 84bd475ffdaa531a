"""``pmsl check``: its options; the work is in `pmsl.cli.examine`."""

from __future__ import annotations

from typing import Any

import click

from pmsl.cli import shared


@click.command("check")
@click.argument("meshes", nargs=-1, required=True, type=shared.FILE, metavar="MESH...", help="STL, OBJ, PLY, 3MF, OFF or GLB files.")
@shared.options("unit", "repair", "weld_um")
@shared.option("printer", help="Whose pixel says how far vertices may be joined [default: microfluidics-7.6um].")
@shared.option("pitch_um")
@shared.option("fail_on", default="warning", help="Findings at or above this end with exit 4.")
@shared.json
def check_command(meshes: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Look meshes over: holes, winding, bodies that overlap, sizes; what repair would do. Nothing is written."""
    from pmsl.cli import examine
    from pmsl.pipeline.slice_request import SliceRequest

    examine.check(SliceRequest(meshes=list(meshes), out="job", **options), as_json=as_json)
