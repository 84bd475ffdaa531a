"""``pmsl report``: the page of a job in one file."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, layer_progress, print_json, print_line, say
from pmsl.errors import UsageError


@click.command("report")
@click.argument("path", type=options.FILE, metavar="JOB", help="A job folder or file of any format.")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="FILE.html", help="The page: one file that needs nothing else.")
@click.option("--no-check", is_flag=True, help="Leave out what `pmsl check` finds; findings of the job itself stay.")
@click.option("--no-predict", is_flag=True, help="Leave the predicted print out: frames, doses and findings only.")
@click.option("--no-compare", is_flag=True, help="Of a corrected job, leave out what it would print without its corrections.")
@click.option(
    "--section", multiple=True, metavar="x=UM|y=UM", help="A cross-section there; may be given again [default: two through the middle]."
)
@options.panel
@options.option("threads")
@options.option("force", help="Replace a file that is there.")
@options.json
def report_command(
    path: str,
    out: str,
    no_check: bool,
    no_predict: bool,
    no_compare: bool,
    section: tuple[str, ...],
    printer: str | None,
    pitch_um: str | None,
    field: str | None,
    threads: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write one HTML file of a job: layers with their doses, findings, predicted print, cross-sections, where it comes from."""
    from pmsl import pipeline
    from pmsl.cli.section_option import section_place
    from pmsl.fields.on_plate import on_plate
    from pmsl.files.output_file import check_new_file
    from pmsl.formats.two_photon.voxel_sidecar import is_voxels
    from pmsl.report import write_report

    if no_predict and section:
        raise UsageError("--section cuts the predicted print; leave --no-predict out")
    check_new_file(out, force, "-o")
    if is_voxels(Path(path)):
        from pmsl.report.voxel_page import write_voxel_report  # few are

        _show(path, out, write_voxel_report(path, out, force), "slices", [], as_json)
        return
    sections = [section_place(text) for text in section]
    job = on_plate(pipeline.read(path, **options.panel_options(printer, pitch_um, field)))
    with compiler_notice(), layer_progress("reporting", as_json) as progress:
        notes = write_report(
            job,
            out,
            check=not no_check,
            predict=not no_predict,
            compare=not no_compare,
            sections=sections,
            threads=threads,
            force=force,
            progress=progress,
        )
    _show(path, out, job.n_layers, "layers", notes, as_json)


def _show(path: str, out: str, many: int, what: str, notes: list[str], as_json: bool) -> None:
    """Say what was written."""
    size = os.path.getsize(out)
    if as_json:
        print_json({"job": path, "report": out, "bytes": size, "notes": notes})
        return
    for note in notes:
        say(f"note: {note}")
    print_line(f"{out}: page of {many} {what}, {size / 1e6:.3g} MB; open it in a browser")
