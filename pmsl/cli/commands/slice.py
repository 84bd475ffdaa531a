"""``pmsl slice``: its options; the work is in `pmsl.cli.run`."""

from __future__ import annotations

from typing import Any

import click

from pmsl.cli import shared


@click.command("slice")
@click.argument(
    "meshes", nargs=-1, required=True, type=shared.FILE, metavar="MESH...", help="STL, OBJ, PLY or 3MF files; placed as one group."
)
@click.option(
    "-o", "--out", required=True, type=shared.FILE, metavar="OUT", help="Job to write: a folder, a .zip, or a printer's file (.sl1, …)."
)
@shared.format
@shared.profiles
@click.option(
    "--coverage",
    type=click.Choice(["area", "volume"]),
    help="Gray is area in mid-slab, or volume of the slab [default: as the process says].",
)
@click.option(
    "--unreachable",
    type=click.Choice(["keep", "lift", "drop"]),
    help="Grays away from white that never cure [default: as the process says].",
)
@shared.irradiance
@shared.unit
@shared.repair
@shared.weld
@click.option("--at", metavar="X,Y", help="Where the lower corner of the group's box goes [µm].")
@shared.rotate
@shared.scale
@click.option("--keep-place", is_flag=True, help="Coordinates as in the file; nothing is moved.")
@click.option(
    "--copies",
    metavar="NXxNY|FILE|N",
    help="An array of copies; a .csv or .toml list of them; with --pack: how many of each.",
)
@click.option("--spacing-um", metavar="SX,SY", help="Gap between the boxes of an array's copies [µm; default: 10 pixels].")
@click.option("--pack", type=float, metavar="CLEARANCE_UM", help="Place each mesh by itself, none nearer to another than this [µm].")
@click.option("--plates", type=click.IntRange(min=1), metavar="N", help="Fields that --pack may fill; their jobs are OUT-1, OUT-2, …")
@shared.doses
@shared.threads
@click.option("--processes", type=click.IntRange(min=1), metavar="N", help="Make the layers in N processes instead of threads.")
@click.option("--scheduler", metavar="ADDRESS", help="Make them on a Dask cluster: tcp://HOST:PORT, or local (with --processes N).")
@shared.depth
@shared.dose
@click.option("--no-design", is_flag=True, help="Leave the placed parts out of the job.")
@click.option("--correct", metavar="LIST", help="Light that lands on the design: any of edges, printthrough, flatfield, or none.")
@click.option("--accept-uncalibrated", is_flag=True, help="Correct although values it rests on are placeholders.")
@click.option(
    "--png",
    type=click.Choice(["fast", "small"]),
    default="fast",
    show_default=True,
    help="Frames written fast, or searched long for smaller files; the pixels are the same.",
)
@click.option("--preview", type=shared.FILE, metavar="FILE.png", help="Write a contact sheet of masks and a side view.")
@click.option(
    "--fail-on",
    type=click.Choice(["info", "warning", "error"]),
    default="error",
    show_default=True,
    help="Findings at or above this stop the job (exit 4).",
)
@shared.force
@shared.lossy
@shared.json
def slice_command(meshes: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Slice meshes into a print job: gray masks, exposure times, motion."""
    from pmsl.cli import run
    from pmsl.pipeline.order import Order

    run.slice_job(Order(meshes=list(meshes), **options), as_json=as_json)
