"""``pmsl calibrate``: test prints, and measurements → values with their uncertainty, for profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pmsl.calibrate.kinds import NAMES
from pmsl.cli import options
from pmsl.cli.commands.decays import decays_command
from pmsl.cli.commands.propose import propose_command
from pmsl.cli.commands.search import search_command
from pmsl.cli.commands.transfer import transfer_command

if TYPE_CHECKING:
    from pmsl.calibrate import Coupon, FitResult
    from pmsl.calibrate.kinds.kind import CouponOptions
    from pmsl.core.finding import Severity

MOST_LINES = 24


@click.group("calibrate")
def calibrate_command() -> None:
    """Measure a printer and a resin: fit what test prints say."""


calibrate_command.add_command(propose_command)
calibrate_command.add_command(transfer_command)
calibrate_command.add_command(search_command)
calibrate_command.add_command(decays_command)


@calibrate_command.command("coupon")
@click.argument("kind", type=click.Choice(NAMES), metavar="KIND")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="JOB", help="Job to write: a folder, a .zip, or a printer's file.")
@click.option("--sheet", type=options.FILE, metavar="SHEET.csv", help="Also write the sheet to fill in.")
@click.option("--drawing", type=options.FILE, metavar="FILE.svg", help="Also draw where to measure.")
@click.option("--printer", metavar="NAME|FILE", help="Printer [default: microfluidics-7.6um].")
@click.option("--resin", metavar="NAME|FILE", help="Resin whose values space the doses [default: pegda-nps-1.0-385].")
@click.option("--doses", type=int, metavar="N", help="How many doses [default: as the kind needs; of a working curve 8].")
@click.option("--repeats", type=int, metavar="N", help="Tiles of each setting [default: as the kind needs; of a working curve 3].")
@click.option("--range", "dose_range", metavar="LO,HI", help="Lowest and highest dose [mJ/cm²; default: in Ec, within the limits].")
@click.option("--powers", metavar="P[,P…]", help="Light settings, every dose at each [default: the printer's first].")
@click.option("--tile-um", type=float, metavar="UM", help="Side of a tile [default: what there is room for, 1 mm at most].")
@click.option("--levels", metavar="G[,G…]", help="gray: levels, 255 among them.")
@click.option("--events", metavar="N[,N…]", help="induction: into how many exposures a dose is split [default: 1,2,4].")
@click.option("--layer-um", type=float, metavar="UM", help="roofs, renewal, bottom: height of a layer [default: 10].")
@click.option("--cover-layers", metavar="N[,N…]", help="roofs, renewal: layers over the channels [default: 1,2,3,5,8,12,20,40].")
@click.option("--slab-heights", metavar="F[,F…]", help="roofs: where in a slab roofs lie, 0 to below 1, in layers [default: 0].")
@click.option("--focus-um", metavar="UM[,UM…]", help="focus: offsets [default: -60 to 60 in steps of 20].")
@click.option("--factors", metavar="F[,F…]", help="bottom: dose factors of the first layer [default: 1,1.5,2.5,5,10].")
@click.option("--wait-s", type=float, metavar="S", help="induction: dark time before each further event [default: 30].")
@options.option("force", help="Replace a job, or a sheet, that is there.")
@options.json
def coupon_command(
    kind: str,
    out: str,
    sheet: str | None,
    drawing: str | None,
    printer: str | None,
    resin: str | None,
    force: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Write a test print, and the sheet to fill in with what is measured on it.

    KIND working-curve: numbered tiles, one exposure each, on glass or film, measured for thickness.

    KIND induction: one dose in 1, 2, 4 events with waits, measured for thickness.

    KIND gray: gray levels at several doses, measured for thickness.

    KIND uniformity: tiles of one dose all over the field, measured for thickness; a power meter or a camera needs no print.

    KIND walls: lines, gaps, dots and holes at three doses on glass, measured for width.

    KIND scale: tiles all over the field, measured from middle to middle, by print and by light; their places tell the distortion.

    KIND seams: verniers across the seams of neighbouring fields, for printers with an xy stage.

    KIND focus: fine lines all over the field, each tile at its own focus offset.

    KIND bottom: pillars of two heights, the first layer at rising doses.

    KIND daily: four films and two tiles of lines, in five minutes.

    KIND roofs: closed channels under 1 to 40 layers at three doses, measured from floor to roof.

    KIND renewal: side-open ledges and sealed cavities under 1 to 40 layers at two doses, channels 0.1 to 10 mm from their port.
    """
    from pmsl import pipeline
    from pmsl.calibrate import coupon
    from pmsl.calibrate.coupons.measuring_sheet import drawing_text, sheet_text
    from pmsl.cli.terminal import compiler_notice, print_json, print_line, say_findings
    from pmsl.files.output_file import check_new_file, write_new_text
    from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_RESIN, find_printer, find_resin

    made = coupon(kind, find_printer(printer or DEFAULT_PRINTER), find_resin(resin or DEFAULT_RESIN), None, _coupon_options(how))
    for name, path in (("--sheet", sheet), ("--drawing", drawing)):
        if path is not None:
            check_new_file(path, force, name)
    with compiler_notice():
        written = pipeline.write(made.job, out, force=force)
    if sheet is not None:
        write_new_text(sheet, sheet_text(made))
    if drawing is not None:
        write_new_text(drawing, drawing_text(made))
    if as_json:
        print_json({"job": out, "sheet": sheet, "drawing": drawing, **_facts(made), "findings": [f.as_dict() for f in written.findings]})
        return
    say_findings(written.findings)
    side = made.layout.tile_px * made.job.grid.pitch_um
    tiles = f", {made.layout.count} tiles of {side[0]:.4g} × {side[1]:.4g} µm" if made.layout.count else ""
    print_line(f"{out}: coupon {kind} {made.digest}{tiles}")
    if sheet is not None:
        print_line(f"{sheet}: sheet to fill in, then: pmsl calibrate fit {kind} {sheet} -o my-profile.toml")


def _coupon_options(how: dict[str, Any]) -> CouponOptions:
    """Read the options of a coupon."""
    from pmsl.calibrate.kinds.kind import CouponOptions
    from pmsl.errors import UsageError
    from pmsl.pipeline.request.option_parsing import numbers, positive

    def listed(name: str, example: str, whole: bool = False) -> Any:
        if how.get(name) is None:
            return None
        found = numbers(how[name], f"--{name.replace('_', '-')}", range(1, 200), example)
        if whole and any(value != round(value) for value in found):
            raise UsageError(f"--{name.replace('_', '-')} {how[name]}: expected whole numbers, as {example}")
        return [round(value) for value in found] if whole else found

    low_high = None if how["dose_range"] is None else numbers(how["dose_range"], "--range", (2,), "5,60")
    return CouponOptions(
        doses=how["doses"],
        repeats=how["repeats"],
        dose_range_mj_cm2=None if low_high is None else (low_high[0], low_high[1]),
        powers=listed("powers", "0.1,1"),
        tile_um=positive(how["tile_um"], "--tile-um", "µm"),
        levels=listed("levels", "64,128,255", whole=True),
        events=listed("events", "1,2,4", whole=True),
        layer_um=positive(how["layer_um"], "--layer-um", "µm"),
        cover_layers=listed("cover_layers", "1,5,20", whole=True),
        slab_heights=listed("slab_heights", "0,0.25,0.5,0.75"),
        focus_um=listed("focus_um", "-40,-20,0,20,40"),
        factors=listed("factors", "1,2,5"),
        wait_s=positive(how["wait_s"], "--wait-s", "s"),
    )


def _facts(made: Coupon) -> dict[str, Any]:
    """Return what a coupon is, for JSON."""
    exposures = [e for plan in made.job.layers() for e in plan.exposures]
    doses = [e.dose_mj_cm2 for e in exposures]
    return {
        "coupon": made.digest,
        "tiles": made.layout.count,
        "tile_um": made.layout.tile_px * float(min(made.job.grid.pitch_um)),
        "dose_mj_cm2": [min(doses), max(doses)],
        "time_s": [e.time_s for e in exposures],
        "rows": [dict(row) for row in made.rows],
    }


@calibrate_command.command("fit")
@click.argument("kind", type=click.Choice(NAMES), metavar="KIND")
@click.argument("sheets", nargs=-1, required=True, metavar="DATA.csv...")
@click.option("--irradiance", type=float, metavar="MW_CM2", help="Of rows that state none [mW/cm²].")
@click.option("--robust", is_flag=True, help="Hold far measurements back instead of naming them only.")
@click.option("--printer", metavar="NAME|FILE", help="Printer whose other values the profile keeps [default: microfluidics-7.6um].")
@click.option("--resin", metavar="NAME|FILE", help="Resin whose other values the profile keeps [default: pegda-nps-1.0-385].")
@click.option("--job", type=options.FILE, metavar="JOB", help="The coupon that was printed: a sheet of another one is refused.")
@click.option("-o", "--out", type=options.FILE, metavar="PROFILE.toml", help="Write the fitted values as a profile, of resin or printer.")
@click.option("--pictures", type=options.FILE, metavar="DIR", help="Folder for pictures: data, curve and band, residuals, values.")
@click.option("--resin-out", type=options.FILE, metavar="RESIN.toml", help="Of a fit of printer and resin (scale): write the resin here.")
@options.option("force", help="Replace a file that is there.")
@options.option("fail_on", default="error", help="Findings at or above this end with exit 4.")
@options.json
def fit_command(
    kind: str,
    sheets: tuple[str, ...],
    irradiance: float | None,
    robust: bool,
    printer: str | None,
    resin: str | None,
    job: str | None,
    out: str | None,
    resin_out: str | None,
    pictures: str | None,
    force: bool,
    fail_on: Severity,
    as_json: bool,
) -> None:
    """Fit a model to sheets of measurements.

    DATA.csv are sheets of the coupon KIND, or of one's own with its columns; several sheets join in one fit, of induction and gray also
    those of working curves. Columns of all kinds: sd_um (measuring error), replicate, use (0 leaves a row out), note.

    KIND working-curve: time_s or dose_mj_cm2, thickness_um; optional irradiance_mw_cm2. Gives Dp, Ec.

    KIND induction: also events, wait_s; time_s is of one event. Gives Dp, Ec, E_ind.

    KIND gray: level, and thickness_um (with doses), first_cure_s or reading. Gives the gray response, for a printer.

    KIND uniformity: x_um, y_um, and reading or thickness_um; or a picture (PNG, TIFF). Gives the flat field, for a printer.

    KIND walls: feature (line, gap, dot, hole), angle_deg, width_px, width_um, with doses. Gives blur, Ec, the microscope's bias.

    KIND scale: method (print, light), axis (x, y, up, down), length_px, length_um. Gives pitch, shrinkage, skew; or method, x_px, y_px,
    x_um, y_um of marks. Gives the distortion (keystone, radial, scale, skew), for a printer.

    KIND seams: seam, axis (x, y), moved_um, off_um. Gives the errors of the xy stage, for a printer.

    KIND focus: x_um, y_um, focus_um, width_um (or another measure of sharpness). Gives the best focus, and the tilt of the field.

    KIND bottom: factor, layers, layer_um, and stuck, height_um, foot_um. Gives zero of the plate, shrinkage in z, foot, what sticks.

    KIND daily: thickness_um of films, width_px and width_um of lines, with doses. Says what differs from the profiles, by how much.

    KIND roofs: cover_layers, layer_um, channel_um, gap_um, with doses, and a working curve. Gives Dp, Ec, E_ind, tail.

    KIND renewal: as roofs, with port_um, the way to the vat (blank: sealed). Gives renewal, reach, Dp, Ec, E_ind; no tail.
    """
    from pmsl import pipeline
    from pmsl.calibrate import fit
    from pmsl.cli.terminal import print_json, print_line, say_findings
    from pmsl.core.finding import reaches
    from pmsl.errors import FindingsError, UsageError
    from pmsl.files.output_file import check_new_file, write_new_text
    from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_RESIN
    from pmsl.profiles.find import find_printer, find_resin

    if irradiance is not None and not 0 < irradiance < float("inf"):
        raise UsageError(f"--irradiance {irradiance:g}: must be a finite number above 0 mW/cm²")
    bases = find_printer(printer or DEFAULT_PRINTER), find_resin(resin or DEFAULT_RESIN)
    for name, path in (("-o", out), ("--resin-out", resin_out)):
        if path is not None:
            check_new_file(path, force, name)
    result = fit(kind, sheets, *bases, irradiance, robust, None if job is None else pipeline.read(job))
    say_findings(result.findings)
    if pictures is not None:
        from pmsl.report.fit_plots import write_fit_plots

        write_fit_plots(result, pictures, force)
    failed = reaches(result.findings, fail_on)
    if as_json:
        print_json({**result.as_dict(), "fail_on": fail_on})
    else:
        _print_result(result)
    if failed:
        raise FindingsError(f"there are findings at or above --fail-on {fail_on}; no profile is written", result.findings)
    for text, path, said in [_profile(kind, result, bases, path, name) for name, path in (("-o", out), ("--resin-out", resin_out)) if path]:
        write_new_text(path, text)
        if not as_json:
            print_line(f"{path}: {said}")


def _profile(kind: str, result: FitResult, bases: tuple[Any, Any], out: str, option: str) -> tuple[str, str, str]:
    """Return the profile that a fit makes, its file, and a line about it."""
    from pathlib import Path

    from pmsl.calibrate.kinds import kind_of
    from pmsl.errors import UsageError
    from pmsl.profiles.tables.template import template

    found = kind_of(kind)
    words = (
        [("resin", found.resin, bases[1])]
        if option == "--resin-out"
        else [("printer", found.printer, bases[0]), ("resin", found.resin, bases[1])]
    )
    for word, write, base in words:
        if write is not None:
            return template(write(base, result, Path(out).stem)), out, f"{word} profile; other values are those of {base.name}"
    raise UsageError(f"{option} {out}: what {kind} gives stands in no such profile; leave it out")


def _print_result(result: FitResult) -> None:
    """Print a fit for a person."""
    from pmsl.cli.terminal import print_line

    off = f"{result.rmse:.3g} {result.unit}".strip()
    print_line(f"{result.kind}: {result.n} measurements, {off} from the curve (rms){', robust' if result.robust else ''}")
    for name, p in list(result.parameters.items())[:MOST_LINES]:
        low, high = p.interval95
        print_line(f"  {name:<16} {p.value:.5g} ± {p.sd:.2g} {p.unit}   95 %: {low:.5g} to {high:.5g}")
    names = list(result.parameters)
    if len(names) > 1 and min(result.parameters[name].sd for name in names[:2]) > 0:
        print_line(f"  correlation of {names[0]} and {names[1]}: {result.correlation(*names[:2]):.3f}")
    for test in result.lack_of_fit:
        print_line(f"  held against {test.against}: p = {test.p:.3g}")
