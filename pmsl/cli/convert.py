"""``pmsl convert``: a job from one format to another."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer


def convert_command(
    job: Annotated[str, typer.Argument(help="A job folder or file of any format, told by its content.", metavar="JOB")],
    out: Annotated[str, typer.Argument(help="What to write: a folder, a .zip, or a printer's file (.sl1, …).", metavar="OUT")],
    format: Annotated[
        Optional[str], typer.Option("--format", help="Format [default: by suffix; a folder or .zip is native].", metavar="NAME")
    ] = None,
    lossy: Annotated[bool, typer.Option("--lossy", help="Do what the format cannot hold as well as it can, and list it.")] = False,
    dose: Annotated[bool, typer.Option("--dose", help="Also write the dose map of every layer.")] = False,
    threads: Annotated[
        Optional[int], typer.Option("--threads", min=1, help="Layers worked on at a time [default: one a processor].", metavar="N")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a job of the same format, or an empty folder.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable result on standard output.")] = False,
) -> None:
    """Write a job in another format; what that format cannot hold is refused, or with --lossy done and listed."""
    _convert(job, out, format=format, lossy=lossy, dose=dose, threads=threads, force=force, as_json=json)


def _convert(path: str, out: str, *, format: str | None, lossy: bool, dose: bool, threads: int | None, force: bool, as_json: bool) -> None:
    from pathlib import Path

    from pmsl import pipeline
    from pmsl.cli.look import job_facts
    from pmsl.cli.show import compiler_notice, layer_progress, plain, print_json, say_findings
    from pmsl.errors import FindingsError
    from pmsl.formats import registry
    from pmsl.formats.target import check_target

    target = Path(out)
    chosen = registry.find(registry.choose(target, format))
    check_target(target, force, chosen.foreign)
    source = registry.recognise(Path(path))
    read = source.read(Path(path))
    try:
        with compiler_notice(), layer_progress("converting", as_json) as progress:
            written = pipeline.write(
                read, target, format=chosen.name, dose=dose, threads=threads, force=force, lossy=lossy, progress=progress
            )
    except FindingsError as err:
        say_findings(err.findings)
        raise
    if as_json:
        facts: dict[str, Any] = job_facts(read, written.findings, written.estimate)
        print_json({"job": plain(out), "format": chosen.name, "from": {"file": plain(path), "format": source.name}, **facts})
        return
    say_findings(written.findings)
    print(f"{out}: {written.n_layers} layers as {chosen.name}, from {path} ({source.name})")
