"""``pmsl convert``: a job from one format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pmsl import pipeline
from pmsl.cli.look import job_facts
from pmsl.cli.show import compiler_notice, layer_progress, say_findings
from pmsl.cli.terminal import print_json, print_line
from pmsl.errors import FindingsError
from pmsl.formats import registry
from pmsl.formats.target import check_target


def convert(
    path: str,
    out: str,
    *,
    format: str | None,
    pixels: dict[str, Any],
    lossy: bool,
    depth: int | None,
    dose: bool,
    threads: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Read a job of any format, write it in another, tell."""
    target = Path(out)
    chosen = registry.find(registry.choose(target, format))
    check_target(target, force, chosen.foreign)
    source = registry.recognise(Path(path))
    read = pipeline.read(path, source.name, **pixels)
    if depth is not None:
        read = pipeline.with_depth(read, depth)
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
        print_json({"job": out, "format": chosen.name, "from": {"file": path, "format": source.name}, **facts})
        return
    say_findings(written.findings)
    print_line(f"{out}: {written.n_layers} layers as {chosen.name}, from {path} ({source.name})")
