"""``pmsl play``: play a job, on the simulated machine, or, armed, on a real one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmsl.cli import options
from pmsl.cli.terminal import LogProgress, compiler_notice, is_log, print_json, print_line, say, say_findings
from pmsl.core.measure_text import clock
from pmsl.errors import HostError, PmslError, UsageError

if TYPE_CHECKING:
    from pmsl.host import Clock, LightEngine, Stage, Status
    from pmsl.job.pauses import Pause
    from pmsl.job.print_job import PrintJob

SIMULATED = "simulated"
RECORD = "played.jsonl"


@click.command("play")
@click.argument("path", type=options.FILE, metavar="JOB", help="A job folder or file of any format, told by its content.")
@click.option(
    "--engine",
    default=SIMULATED,
    show_default=True,
    metavar="NAME",
    help="simulated, or package.module:factory of a real machine.",
)
@click.option("--arm", is_flag=True, help="A real engine may give light.")
@click.option("--start", type=int, metavar="K", help="Layer to begin with.")
@click.option("--record", type=options.FILE, metavar="FILE", help="Record of every light [default: played.jsonl on a real engine].")
@click.option("--resume", is_flag=True, help="Go on from the record; what was lit is not lit again.")
@click.option("--again", is_flag=True, help="With --resume: what was lit may be lit again.")
@click.option("--relight", type=int, metavar="LAYER", help="With --resume: the light of that layer that is in doubt is given again.")
@click.option("--skip", type=int, metavar="LAYER", help="With --resume: the light of that layer that is in doubt is left as it is.")
@click.option("--accept-pauses", is_flag=True, help="Do not wait for Enter where the job pauses; each pause is said.")
@click.option("--accept-uncalibrated", is_flag=True, help="Play a job whose doses rest on placeholders on a real engine.")
@options.json
def play_command(path: str, engine: str, arm: bool, record: str | None, accept_pauses: bool, as_json: bool, **given: Any) -> int:
    """Play a job: everything is verified, then moved and lit, layer by layer; dark on every way out."""
    from pmsl import pipeline
    from pmsl.formats.container.layer_writer import merged
    from pmsl.host import Options, Player

    real = engine != SIMULATED
    if real and not arm:
        raise UsageError(f"--engine {engine} is a real engine: it gives light; say --arm too when the machine is ready for it")
    if arm and not real:
        raise UsageError("--arm is for a real engine; the simulated one needs none")
    kept = Path(record) if record is not None else Path(RECORD) if real else None
    settings = Options(record=kept, **given)
    with compiler_notice():
        job = pipeline.read(path)
        on_pause = _at_pauses(job.pauses, accept_pauses)
        engines, stage, waits = _machine(job, engine)
        with _live(as_json) as show:
            player = Player(job, engines, stage, settings, clock=waits, on_status=show, on_pause=on_pause)
            try:
                status = player.run()
            except KeyboardInterrupt:
                at = player.status
                go_on = "" if kept is None else f"; go on with --resume --record {str(kept)}{_doubt(kept)}"
                say(f"cancelled at layer {at.layer} of {at.n_layers}, {at.light_s:.1f} s of light given; the light is out{go_on}")
                raise
    if as_json:
        print_json({"job": path, "engine": engine, "record": None if kept is None else str(kept), **status.as_dict()})
        return 0 if status.state == "done" else 130
    say_findings(merged(status.findings))  # a lamp that drifts is a finding of every layer
    print_line(
        f"{path}: {status.state}, {status.layers_done} of {status.n_layers} layers, {status.exposures_done} exposures, "
        f"{status.light_s:.1f} s of light in {clock(status.elapsed_s)}{' (simulated)' if not real else ''}"
    )
    return 0 if status.state == "done" else 130


def _at_pauses(pauses: Sequence[Pause], accept: bool) -> Callable[[Pause], None]:
    """Return what waits for the operator at a pause; refuse a print whose pauses nobody would see."""
    if pauses and not accept and (sys.stdin is None or not sys.stdin.isatty()):
        first = pauses[0]
        raise UsageError(
            f"the job pauses before layer {first.before_layer} ({first.message}), and standard input is no terminal where Enter could be "
            "pressed; play it at a terminal, or say --accept-pauses where what it asks for needs no wait"
        )

    def at(pause: Pause) -> None:
        where = f"pause before layer {pause.before_layer}: {pause.message}"
        if accept:
            say(f"{where}; not waited for (--accept-pauses)")
            return
        say(f"{where}; it is dark, the plate is lifted: press Enter when it is done")
        if not sys.stdin.readline():
            raise HostError(f"{where}: standard input ended before Enter was pressed; it stays dark, go on from the record")

    return at


def _doubt(record: Path) -> str:
    """Say what else is needed to go on where a light was cut off."""
    from pmsl.host.record.play_log import read_record

    with contextlib.suppress(PmslError):
        played = read_record(record)
        if played.last is not None and played.last.key in played.doubt:
            k = played.last.layer
            return f", and --relight {k} or --skip {k} for the light that was cut off"
    return ""


def _machine(job: PrintJob, engine: str) -> tuple[Sequence[LightEngine], Stage, Clock | None]:
    """Return engines, stage, and the clock waits are measured with."""
    from pmsl import host
    from pmsl.host.machine.engine_factory import call_factory
    from pmsl.host.machine.machine_check import problems_of

    if engine == SIMULATED:
        machine = host.Simulation(job)
        return machine.engines, machine.stage, machine.clock
    try:
        made = call_factory(engine, job)
    except PmslError:
        raise
    except Exception as err:
        raise HostError(f"{engine}: the machine could not be made ({type(err).__name__}: {err}); look at its supply and cables") from err
    if not (isinstance(made, tuple) and len(made) == 2):
        raise UsageError(f"{engine}: returned {type(made).__name__}; expected (engine, stage), or ((engine, …), stage)")
    engines = tuple(made[0]) if isinstance(made[0], Sequence) else (made[0],)
    for one, kind, what in (*((e, host.LightEngine, "engine") for e in engines), (made[1], host.Stage, "stage")):
        if problem := problems_of(one, kind):
            raise UsageError(f"{engine}: its {what} {problem}; see pmsl.host.LightEngine and Stage")
    return engines, made[1], None


@contextmanager
def _live(quiet: bool) -> Iterator[Callable[[Status], None] | None]:
    """Draw layers, state, light and time left on a terminal; say layers in a log file; nothing in a pipe."""
    if quiet or sys.stderr is None or not (sys.stderr.isatty() or is_log(sys.stderr)):
        yield None
        return
    if not sys.stderr.isatty():
        yield _logged()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    state, left = TextColumn("{task.fields[state]:<10}"), TextColumn("{task.fields[left]}")
    columns: tuple[Any, ...] = (state, BarColumn(), MofNCompleteColumn(), TextColumn("layers"), left)
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("play", total=None, state="", left="")

        def show(s: Status) -> None:
            if s.state == "paused":  # who waits for it says so
                return
            done = s.layer + 1 if s.state == "checking" else s.layers_done
            left = (
                f"{s.light_s:.1f} s of light"
                + ("" if s.left_s is None else f", {clock(s.left_s)} left")
                + (f", {s.late} late" if s.late else "")
            )
            bar.update(task, completed=done, total=s.n_layers, state=s.state, left="" if s.state == "checking" else left)
            if s.message:
                say(s.message)

        yield show


def _logged() -> Callable[[Status], None]:
    """Return what says in a log file how far a print is, and what happens in it."""
    lines = {"checking": LogProgress("checking"), "playing": LogProgress("playing")}
    seen: dict[str, int] = {}

    def show(s: Status) -> None:
        if s.state == "paused":
            return
        kind = "checking" if s.state == "checking" else "playing"
        done = s.layer + 1 if kind == "checking" else s.layers_done
        if seen.get(kind) != done:
            seen[kind] = done
            lines[kind](done, s.n_layers)
        if s.message:
            say(s.message)

    return show
