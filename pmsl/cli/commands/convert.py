"""``pmsl convert``: a job from one format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, layer_progress, print_json, print_line, say_findings
from pmsl.errors import FindingsError


@click.command("convert")
@click.argument("job", type=options.FILE, metavar="JOB", help="A job folder or file of any format, told by its content.")
@click.argument("out", type=options.FILE, metavar="OUT", help="What to write: a folder, a .zip, or a printer's file (.sl1, …).")
@options.option("format")
@options.panel
@options.option("lossy")
@options.option("depth")
@options.option("dose")
@options.option("threads")
@options.option("force")
@options.json
def convert_command(
    job: str,
    out: str,
    format: str | None,
    printer: str | None,
    pitch_um: str | None,
    field: str | None,
    depth: int | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Write a job in another format; what that format cannot hold is refused, or with --lossy done and listed."""
    from pmsl import pipeline
    from pmsl.cli.job_facts import job_facts
    from pmsl.formats import registry
    from pmsl.formats.container.atomic_write import check_target

    pixels = options.panel_options(printer, pitch_um, field)
    target = Path(out)
    chosen = registry.find(registry.choose(target, format))
    check_target(target, how["force"], chosen.foreign)
    source = registry.recognise(Path(job))
    read = pipeline.read(job, source.name, **pixels)
    if depth is not None:
        read = pipeline.with_depth(read, depth)
    try:
        with compiler_notice(), layer_progress("converting", as_json) as progress:
            written = pipeline.write(read, target, format=chosen.name, progress=progress, **how)
    except FindingsError as err:
        say_findings(err.findings)
        raise
    if as_json:
        facts: dict[str, Any] = job_facts(read, written.findings, written.estimate)
        print_json({"job": out, "format": chosen.name, "from": {"file": job, "format": source.name}, **facts})
        return
    say_findings(written.findings)
    print_line(f"{out}: {written.n_layers} layers as {chosen.name}, from {job} ({source.name})")
