"""``pmsl simulate``: its options; the work is in `pmsl.cli.simulate`."""

from __future__ import annotations

from typing import Literal

import click

from pmsl.cli import shared


@click.command("simulate")
@click.argument("path", type=shared.FILE, metavar="JOB", help="A job folder or a job .zip.")
@click.option("--design", multiple=True, type=shared.FILE, metavar="MESH", help="Mesh the job was made of, where the job holds no design.")
@shared.option("unit")
@shared.option("weld_um")
@click.option("--pictures", type=shared.FILE, metavar="DIR", help="Folder for pictures of layers, sections, doses.")
@click.option("--layers", metavar="A:B", help="Layers that get a picture [default: 8 of all].")
@click.option("--section", multiple=True, metavar="x=UM|y=UM", help="Also a picture of the cut there; may be given again.")
@click.option("--mesh", type=shared.FILE, metavar="OUT.stl", help="Write the predicted solid as a mesh.")
@click.option(
    "--fail-on",
    type=click.Choice(["info", "warning", "error"]),
    default="error",
    show_default=True,
    help="Findings at or above this end with exit 4.",
)
@click.option("--force", is_flag=True, help="Replace pictures and a mesh that are there already.")
@shared.option("threads")
@shared.json
def simulate_command(
    path: str,
    design: tuple[str, ...],
    unit: str,
    weld_um: float | None,
    pictures: str | None,
    layers: str | None,
    section: tuple[str, ...],
    mesh: str | None,
    fail_on: Literal["info", "warning", "error"],
    force: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Predict what a job prints, and hold it against the design: edges, heights, channels, lost features, doses."""
    from pmsl.cli import simulate

    pages = simulate.Drawn(pictures=pictures, sections=section, layers=layers, mesh=mesh, force=force)
    simulate.run(path, design, pages, unit=unit, weld_um=weld_um, fail_on=fail_on, threads=threads, as_json=as_json)
