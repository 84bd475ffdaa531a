"""``pmsl verify``: say whether a job on disk is sound."""

from __future__ import annotations

import click

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, layer_progress, print_json, print_line, say
from pmsl.errors import JobError


@click.command("verify")
@click.argument("path", type=options.FILE, metavar="JOB", help="A job folder or file of any format.")
@options.panel
@options.option("threads")
@options.json
def verify_command(path: str, printer: str | None, pitch_um: str | None, field: str | None, threads: int | None, as_json: bool) -> None:
    """Check a job on disk from end to end: 0 sound, 3 damaged."""
    from pmsl import pipeline

    pixels = options.panel_options(printer, pitch_um, field)
    with compiler_notice(), layer_progress("verifying", as_json) as progress:
        problems = pipeline.verify(path, progress, threads, **pixels)
    if as_json:
        print_json({"job": path, "sound": not problems, "problems": problems})
    for problem in problems:
        say(problem)
    if problems:
        raise JobError(f"{path}: {len(problems)} {'problem' if len(problems) == 1 else 'problems'} found; copy or slice the job again")
    if not as_json:
        print_line(f"{path}: sound")
