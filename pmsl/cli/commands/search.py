"""``pmsl calibrate search``: the next runs of a search for settings that nobody models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from pmsl.cli import options

if TYPE_CHECKING:
    from pmsl.calibrate.search.process_search import Limit, NextRuns, Setting


@click.command("search")
@click.argument("runs", nargs=-1, metavar="[RUNS.csv...]")
@click.option(
    "--vary", multiple=True, required=True, metavar="NAME=LO,HI[,STEP]", help="A setting, its room, and what it can be told in. Repeat."
)
@click.option("--maximise", metavar="NAME", help="The column that a person enters, more is better.")
@click.option("--minimise", metavar="NAME", help="The same, less is better.")
@click.option("--limit", multiple=True, metavar="NAME>=V|NAME<=V", help="What another column of a run must keep to. Repeat.")
@click.option("--next", "count", type=int, default=1, show_default=True, metavar="N", help="How many runs.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn at random.")
@click.option("-o", "--out", type=options.FILE, metavar="NEXT.csv", help="Write the runs as a sheet to fill in.")
@options.option("force", help="Replace a sheet that is there.")
@options.json
def search_command(
    runs: tuple[str, ...],
    vary: tuple[str, ...],
    maximise: str | None,
    minimise: str | None,
    limit: tuple[str, ...],
    count: int,
    seed: int,
    out: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Choose the next runs of a search for settings of what nobody models, by a number that a person enters: yield, gloss.

    RUNS.csv have a column of each setting, of the score and of each limit, a row a run; none are needed for the first runs, which fill
    the room evenly. Then Bayesian optimisation chooses (pip install 'pmsl[calibrate]'). What light does is measured by coupons, in far
    fewer prints.
    """
    from pmsl.calibrate.search.process_search import next_runs
    from pmsl.cli.terminal import print_json, print_line, say_findings
    from pmsl.errors import UsageError
    from pmsl.files.output_file import check_new_file, write_new_text

    if (maximise is None) == (minimise is None):
        raise UsageError("give one of --maximise NAME and --minimise NAME: the column that a person enters")
    score = str(maximise or minimise)
    settings, limits = [_setting(word) for word in vary], _limits(limit)
    if out is not None:
        check_new_file(out, force, "-o")
    found = next_runs(settings, score, runs, limits, minimise is None, count, seed)
    if out is not None:
        write_new_text(out, _sheet(found, [score, *(one.name for one in limits)]))
    if as_json:
        print_json({**found.as_dict(), "sheet": out})
        return
    say_findings(found.findings)
    print_line(f"{found.runs} runs; best so far: {', '.join(f'{k} {v:.4g}' for k, v in found.best.items()) if found.best else 'none'}")
    for i in range(count):
        told = "" if found.expected[i] != found.expected[i] else f"   {score} {found.expected[i]:.4g} ± {found.sd[i]:.2g} expected"
        print_line("  " + ", ".join(f"{name} {column[i]:.5g}" for name, column in found.settings.items()) + told)


def _setting(word: str) -> Setting:
    from pmsl.calibrate.search.process_search import Setting
    from pmsl.errors import UsageError
    from pmsl.pipeline.request.option_parsing import numbers

    name, equals, room = word.rpartition("=")
    if not (name and equals):
        raise UsageError(f"--vary {word}: expected NAME=LO,HI or NAME=LO,HI,STEP, as exposure_s=0.4,1.2,0.05")
    return Setting(name, *numbers(room, f"--vary {name}", (2, 3), "0.4,1.2,0.05"))


def _limits(words: tuple[str, ...]) -> list[Limit]:
    """Read limits; both ends of a column may be given apart."""
    from pmsl.calibrate.search.process_search import Limit
    from pmsl.errors import UsageError

    ends: dict[str, dict[str, float]] = {}
    for word in words:
        found = re.fullmatch(r"\s*(\w+)\s*(>=|<=)\s*([-+.\deE]+)\s*", word)
        try:
            value = float(found[3]) if found else float("nan")
        except ValueError:
            value = float("nan")
        if found is None or value != value:
            raise UsageError(f"--limit {word}: expected NAME>=VALUE or NAME<=VALUE, as 'gloss>=40'")
        ends.setdefault(found[1], {})["low" if found[2] == ">=" else "high"] = value
    return [Limit(name, **end) for name, end in ends.items()]


def _sheet(found: NextRuns, blank: list[str]) -> str:
    """Return the runs as CSV text, what is entered left blank."""
    rows = zip(*(column.tolist() for column in found.settings.values()), strict=True)
    head = ",".join([*found.settings, *blank, "note"])
    return "\n".join([head, *(",".join(f"{value:.9g}" for value in row) + "," * (len(blank) + 1) for row in rows)]) + "\n"
