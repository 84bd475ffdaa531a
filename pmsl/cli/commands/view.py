"""``pmsl view``: look through a job, or a mesh as it would be sliced, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, print_line, say, say_findings

if TYPE_CHECKING:
    from pmsl.job.print_job import PrintJob


@click.command("view")
@click.argument("path", type=options.FILE, metavar="MESH|JOB", help="A mesh, or a job folder or file of any format.")
@options.profiles
@options.options("coverage", "unreachable", "irradiance", "unit", "repair", "weld_um")
@options.options("at", "rotate", "scale", "keep_place", "copies", "spacing_um", "fields")
@options.doses
@options.options("depth", "correct", "accept_uncalibrated")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of this machine [default: any that is free].")
@click.option("--no-browser", is_flag=True, help="Open no browser; print the address only.")
@click.pass_context
def view_command(context: click.Context, /, path: str, port: int, no_browser: bool, **settings: Any) -> None:
    """Look through a job in a browser, served by this machine to itself; a mesh is sliced as you look. Ends with the page, or Ctrl-C."""
    import webbrowser

    from pmsl.report.viewer.served_job import ServedJob
    from pmsl.report.viewer.server import Viewer
    from pmsl.report.viewer.view_page import view_page

    with compiler_notice():
        job = _job_of(context, path, settings)
        served = ServedJob(job)
        viewer = Viewer(view_page(job), served, port)
        served.warm_up()
    viewer.start()
    print_line(f"{path}: {job.n_layers} layers at {viewer.address}")
    try:
        if not no_browser and not webbrowser.open(viewer.address):
            say("no browser was found here: open the address above in one on this machine")
        say("the address works once; Ctrl-C ends, and so does closing the page")
        viewer.wait()
    except KeyboardInterrupt:
        pass
    finally:
        viewer.close()


def _job_of(context: click.Context, path: str, settings: dict[str, Any]) -> PrintJob:
    """Read a job, or prepare that of a mesh: its layers are made when they are looked at."""
    from pmsl import pipeline
    from pmsl.fields.on_plate import on_plate
    from pmsl.formats import registry
    from pmsl.pipeline import slice_jobs
    from pmsl.pipeline.slice_request import SliceRequest

    if registry.is_job(Path(path)):
        panel = ("printer", "pitch_um", "field")
        options.refuse_options(context, settings.keys() - panel, f"{path} is a job, which is sliced already; leave what slices meshes out")
        return on_plate(pipeline.read(path, **options.panel_options(*(settings[name] for name in panel))))
    request = SliceRequest(meshes=[path], out="job", **settings)
    if request.defaults_used():
        say(request.defaults_used())
    job = slice_jobs.prepare_job(request).job
    say_findings(job.findings)
    return on_plate(job)
