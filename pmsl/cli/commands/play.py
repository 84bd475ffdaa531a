"""``pmsl play``: its options; the work is in `pmsl.cli.playing`."""

from __future__ import annotations

import click

from pmsl.cli import shared


@click.command("play")
@click.argument("path", type=shared.FILE, metavar="JOB", help="A job folder or file of any format, told by its content.")
@click.option(
    "--engine",
    default="simulated",
    show_default=True,
    metavar="NAME",
    help="simulated, or package.module:factory of a real machine.",
)
@click.option("--arm", is_flag=True, help="A real engine may give light.")
@click.option("--start", type=int, metavar="K", help="Layer to begin with.")
@click.option("--record", type=shared.FILE, metavar="FILE", help="Record of every light [default: played.jsonl on a real engine].")
@click.option("--resume", is_flag=True, help="Go on from the record; what was lit is not lit again.")
@click.option("--again", is_flag=True, help="With --resume: what was lit may be lit again.")
@click.option("--relight", type=int, metavar="LAYER", help="With --resume: the light of that layer that is in doubt is given again.")
@click.option("--skip", type=int, metavar="LAYER", help="With --resume: the light of that layer that is in doubt is left as it is.")
@click.option("--accept-uncalibrated", is_flag=True, help="Play a job whose doses rest on placeholders on a real engine.")
@shared.json
def play_command(
    path: str,
    engine: str,
    arm: bool,
    start: int | None,
    record: str | None,
    resume: bool,
    again: bool,
    relight: int | None,
    skip: int | None,
    accept_uncalibrated: bool,
    as_json: bool,
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
        relight=relight,
        skip=skip,
        accept_uncalibrated=accept_uncalibrated,
        as_json=as_json,
    )
