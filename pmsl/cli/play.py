"""Options of ``pmsl play``; the work is in `playing`, imported when the command starts."""

from __future__ import annotations

from typing import Annotated, Optional

from pmsl.cli import declare as typer


def play_command(
    path: Annotated[str, typer.Argument(help="A job folder or a job .zip.", metavar="JOB")],
    engine: Annotated[
        str, typer.Option("--engine", help="simulated, or package.module:factory of a real machine.", metavar="NAME")
    ] = "simulated",
    arm: Annotated[bool, typer.Option("--arm", help="A real engine may give light.")] = False,
    start: Annotated[Optional[int], typer.Option("--start", min=0, help="Layer to begin with.", metavar="K")] = None,
    record: Annotated[
        Optional[str], typer.Option("--record", help="Record of every light [default: played.jsonl on a real engine].", metavar="FILE")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the record; what was lit is not lit again.")] = False,
    again: Annotated[bool, typer.Option("--again", help="With --resume: what was lit may be lit again.")] = False,
    accept_uncalibrated: Annotated[
        bool, typer.Option("--accept-uncalibrated", help="Play a job whose doses rest on placeholders on a real engine.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable result on standard output.")] = False,
) -> int:
    """Play a job: everything is verified, then moved and lit, layer by layer; dark on every way out."""
    from pmsl.cli import playing

    return playing.play(
        path,
        engine=engine,
        arm=arm,
        start=start,
        record=record,
        resume=resume,
        again=again,
        accept_uncalibrated=accept_uncalibrated,
        as_json=json,
    )
