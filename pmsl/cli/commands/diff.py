"""``pmsl diff``: what two jobs have and have not in common."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, layer_progress, print_json, print_line, say
from pmsl.errors import OutputError, UsageError

if TYPE_CHECKING:
    from pmsl.report.difference.light_difference import LightComparison
    from pmsl.report.difference.records import JobDiff, JobDifference

DIFFERENT = 4
ROWS = 12  # of a kind, on a terminal


@click.command("diff")
@click.argument("a", type=options.FILE, metavar="A", help="A job folder or file of any format.")
@click.argument("b", type=options.FILE, metavar="B", help="Another one, of the same format or another.")
@click.option(
    "--tolerance-dose",
    type=float,
    default=0.0,
    show_default=True,
    help="Share by which doses, of what white gets, times and lit areas may differ.",
)
@click.option(
    "--tolerance-um",
    type=float,
    default=0.0,
    show_default=True,
    help="By how much heights, lifts, offsets and boxes of parts may differ [µm].",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Compare only this: grid, heights, light, times, motion, profiles or design; may be given again.",
)
@click.option("--pictures", type=options.FILE, metavar="DIR", help="Folder for pictures of the layers whose light differs most.")
@click.option("--most", type=click.IntRange(min=1), default=8, show_default=True, help="How many layers get a picture.")
@options.panel
@options.option("threads")
@options.option("force", help="Replace pictures that are there already.")
@options.json
@click.pass_context
def diff_command(
    context: click.Context,
    a: str,
    b: str,
    tolerance_dose: float,
    tolerance_um: float,
    kinds: tuple[Any, ...],
    pictures: str | None,
    most: int,
    printer: str | None,
    pitch_um: str | None,
    field: str | None,
    threads: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compare two jobs: what changed in light, times, motion and profiles, layer by layer. 0: alike, 4: different."""
    from pmsl.pipeline.default_panel import read_with_default_panel
    from pmsl.report.difference.job_diff import compare_jobs

    if pictures is not None:
        _check_folder(pictures, force)
    pixels = options.panel_options(printer, pitch_um, field)
    jobs = read_with_default_panel(a, **pixels), read_with_default_panel(b, **pixels)
    with compiler_notice(), layer_progress("comparing", as_json) as progress:
        found, light = compare_jobs(*jobs, tolerance_dose, tolerance_um, kinds, threads, progress)
        drawn = [] if pictures is None else _draw(light, found, (a, b), Path(pictures), most)
    if as_json:
        print_json({"a": a, "b": b, "tolerance_dose": tolerance_dose, "tolerance_um": tolerance_um, **found.as_dict(), "pictures": drawn})
    else:
        _print_diff(found, a, b)
        for name in drawn:
            print_line(f"picture   {name}")
    if not found.alike:
        context.exit(DIFFERENT)


def _check_folder(pictures: str, force: bool) -> None:
    """Refuse a folder for pictures that cannot be one, or that holds files already, before anything is compared."""
    if os.path.isdir(pictures):
        if os.listdir(pictures) and not force:
            raise UsageError(f"--pictures {pictures}: the folder is not empty; choose another one, or --force to replace pictures in it")
        return
    above = next(path for path in (Path(pictures).absolute(), *Path(pictures).absolute().parents) if os.path.lexists(path))
    if not above.is_dir():
        raise UsageError(f"--pictures {pictures}: {above} is no folder; name a folder for the pictures, or one that can be made")


def _draw(light: LightComparison, found: JobDiff, names: tuple[str, str], folder: Path, most: int) -> list[str]:
    """Draw the layers whose light differs most; pictures of an earlier comparison go."""
    from pmsl.report.difference.diff_pictures import diff_picture, picture_names, remove_pictures

    if folder.is_dir():
        remove_pictures(folder)
    chosen = picture_names(found.light, most)
    if not chosen:
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise OutputError(f"--pictures {folder}: cannot be made ({err.strerror or err}); choose another folder") from err
    labels = (Path(names[0]).name, Path(names[1]).name)
    for one, name in chosen:
        diff_picture(light, one, labels, folder / name)
    return [str(folder / name) for _, name in chosen]


def _print_diff(found: JobDiff, a: str, b: str) -> None:
    """Print what differs for a person."""
    from pmsl.report.difference.records import KINDS

    for note in found.notes:
        say(f"note: {note}")
    if found.alike:
        print_line(f"{a} and {b} are alike; light compared in {found.light_unit}")
        return
    for kind in KINDS:
        some = [one for one in found.differences if one.kind == kind]
        for one in some[:ROWS]:
            print_line(f"{kind:<9} {_light_line(found) if kind == 'light' else _line(one)}")
        if len(some) > ROWS:
            print_line(f"{kind:<9} and {len(some) - ROWS} more; --json has all")


def _line(one: JobDifference) -> str:
    where = "" if one.layers is None else f" in {_layers(one.layers, one.n_layers)}"
    return f"{one.key}: {_values(one.a, one.b)}{where}"


def _layers(span: tuple[int, int], n: int) -> str:
    if n == 1:
        return f"layer {span[0]}"
    return f"layers {span[0]} to {span[1]}" if span[1] - span[0] + 1 == n else f"{n} layers between {span[0]} and {span[1]}"


def _light_line(found: JobDiff) -> str:
    most = max(found.light, key=lambda one: one.share)
    where = _layers((found.light[0].layer, found.light[-1].layer), len(found.light))
    words = f"{_values(most.a, most.b, 5)} {most.unit}, {most.share_words}"
    if most.n_px:
        engine = f" of engine {most.engine}" if most.engine else ""
        offset = " at offset {:g}, {:g} µm".format(*most.offset_um) if any(most.offset_um) else ""
        px = f"{most.n_px} px differ"
        words += f", at x {most.at_um[0]:.6g}, y {most.at_um[1]:.6g} µm{engine}{offset} in layer {most.layer} ({px})"
    return f"{words}; in {where}"


def _values(a: Any, b: Any, digits: int = 6) -> str:
    """Return two values side by side, numbers with as many digits as it takes to tell them apart."""
    both: tuple[str, str] = ("", "")
    for n in (digits, 9, 12, 17):
        both = _value(a, n), _value(b, n)
        if both[0] != both[1]:
            break
    return " → ".join(both)


def _value(value: Any, digits: int) -> str:
    if value is None:
        return "nothing"
    text = f"{value:.{digits}g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else text[:60] + "…"
