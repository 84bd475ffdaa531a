"""``pmsl calibrate``: measurements → values with their uncertainty, for profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pmsl.cli import options

if TYPE_CHECKING:
    from pmsl.calibrate import FitResult
    from pmsl.core.finding import Severity

KINDS = ("working-curve",)


@click.group("calibrate")
def calibrate_command() -> None:
    """Measure a printer and a resin: fit what test prints say."""


@calibrate_command.command("coupon")
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="JOB", help="Job to write: a folder, a .zip, or a printer's file.")
@click.option("--sheet", type=options.FILE, metavar="SHEET.csv", help="Also write the sheet to fill in.")
@click.option("--printer", metavar="NAME|FILE", help="Printer [default: microfluidics-7.6um].")
@click.option("--resin", metavar="NAME|FILE", help="Resin whose values space the doses [default: pegda-nps-1.0-385].")
@click.option("--doses", type=int, default=8, show_default=True, metavar="N", help="How many doses.")
@click.option("--repeats", type=int, default=3, show_default=True, metavar="N", help="Tiles of each dose.")
@click.option("--range", "dose_range", metavar="LO,HI", help="Lowest and highest dose [mJ/cm²; default: 1.5 to 12 Ec, within the limits].")
@click.option("--powers", metavar="P[,P…]", help="Light settings, every dose at each [default: the printer's first].")
@click.option("--tile-um", type=float, metavar="UM", help="Side of a tile [default: what there is room for, 1 mm at most].")
@options.option("force", help="Replace a job, or a sheet, that is there.")
@options.json
def coupon_command(
    kind: str,
    out: str,
    sheet: str | None,
    printer: str | None,
    resin: str | None,
    doses: int,
    repeats: int,
    dose_range: str | None,
    powers: str | None,
    tile_um: float | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write a test print, and the sheet to fill in with what is measured on it.

    KIND working-curve: numbered tiles, one exposure each, to be cured on glass or film and measured for thickness.
    """
    from pmsl import pipeline
    from pmsl.calibrate.coupons.measuring_sheet import working_curve_sheet
    from pmsl.calibrate.coupons.working_curve_coupon import working_curve_coupon
    from pmsl.cli.terminal import compiler_notice, print_json, print_line, say_findings
    from pmsl.files.output_file import check_new_file, write_new_text
    from pmsl.pipeline.request.option_parsing import numbers, positive
    from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_PROCESS, DEFAULT_RESIN, find_printer, find_process, find_resin

    low_high = None if dose_range is None else numbers(dose_range, "--range", (2,), "5,60")
    coupon = working_curve_coupon(
        find_printer(printer or DEFAULT_PRINTER),
        find_resin(resin or DEFAULT_RESIN),
        find_process(DEFAULT_PROCESS),
        doses,
        repeats,
        None if low_high is None else (low_high[0], low_high[1]),
        None if powers is None else numbers(powers, "--powers", range(1, 100), "0.1,1"),
        positive(tile_um, "--tile-um", "µm"),
    )
    if sheet is not None:
        check_new_file(sheet, force, "--sheet")
    with compiler_notice():
        written = pipeline.write(coupon.job, out, force=force)
    if sheet is not None:
        write_new_text(sheet, working_curve_sheet(coupon))
    low, high = coupon.dose_mj_cm2.min(), coupon.dose_mj_cm2.max()
    if as_json:
        print_json(
            {
                "job": out,
                "sheet": sheet,
                "tiles": len(coupon.time_s),
                "tile_um": coupon.layout.tile_px * float(min(coupon.job.grid.pitch_um)),
                "dose_mj_cm2": [float(low), float(high)],
                "time_s": coupon.time_s.tolist(),
                "findings": [f.as_dict() for f in written.findings],
            }
        )
        return
    say_findings(written.findings)
    side = coupon.layout.tile_px * coupon.job.grid.pitch_um
    print_line(
        f"{out}: {len(coupon.time_s)} tiles of {side[0]:.4g} × {side[1]:.4g} µm, {low:.4g} to {high:.4g} mJ/cm², "
        f"{coupon.time_s.min():.3g} to {coupon.time_s.max():.3g} s"
    )
    if sheet is not None:
        print_line(f"{sheet}: sheet to fill in, then: pmsl calibrate fit {kind} {sheet} -o my-resin.toml")


@calibrate_command.command("fit")
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("sheets", nargs=-1, required=True, metavar="DATA.csv...")
@click.option("--irradiance", type=float, metavar="MW_CM2", help="Of rows that state none [mW/cm²].")
@click.option("--robust", is_flag=True, help="Hold far measurements back instead of naming them only.")
@click.option("--resin", metavar="NAME|FILE", help="Resin whose other values the profile keeps [default: pegda-nps-1.0-385].")
@click.option("-o", "--out", type=options.FILE, metavar="PROFILE.toml", help="Write the fitted values as a resin profile.")
@options.option("force", help="Replace a file that is there.")
@options.option("fail_on", default="error", help="Findings at or above this end with exit 4.")
@options.json
def fit_command(
    kind: str,
    sheets: tuple[str, ...],
    irradiance: float | None,
    robust: bool,
    resin: str | None,
    out: str | None,
    force: bool,
    fail_on: Severity,
    as_json: bool,
) -> None:
    """Fit a model to sheets of measurements.

    KIND working-curve: cured thickness over dose, C = Dp ln(E/Ec). DATA.csv has a header with time_s or dose_mj_cm2, and thickness_um;
    optional irradiance_mw_cm2, sd_um, replicate, use. Several sheets join in one fit.
    """
    from pathlib import Path

    from pmsl.calibrate import fit_working_curve
    from pmsl.calibrate.profile_update import measured_resin
    from pmsl.cli.terminal import print_json, print_line, say_findings
    from pmsl.core.finding import reaches
    from pmsl.errors import FindingsError, UsageError
    from pmsl.files.output_file import check_new_file, write_new_text
    from pmsl.profiles import DEFAULT_RESIN
    from pmsl.profiles.find import find_resin
    from pmsl.profiles.template import template

    if irradiance is not None and not 0 < irradiance < float("inf"):
        raise UsageError(f"--irradiance {irradiance:g}: must be a finite number above 0 mW/cm²")
    base = find_resin(resin or DEFAULT_RESIN)
    if out is not None:
        check_new_file(out, force, "-o")
    result = fit_working_curve(sheets, irradiance, robust)
    say_findings(result.findings)
    failed = reaches(result.findings, fail_on)
    if as_json:
        print_json({**result.as_dict(), "fail_on": fail_on})
    else:
        _print_result(result)
    if failed:
        raise FindingsError(f"there are findings at or above --fail-on {fail_on}; no profile is written", result.findings)
    if out is not None:
        write_new_text(out, template(measured_resin(base, result, Path(out).stem)))
        if not as_json:
            print_line(f"{out}: resin profile; other values are those of {base.name}")


def _print_result(result: FitResult) -> None:
    """Print a fit for a person."""
    from pmsl.cli.terminal import print_line

    print_line(f"{result.kind}: {result.n} measurements, {result.rmse:.3g} µm from the curve (rms){', robust' if result.robust else ''}")
    for name, p in result.parameters.items():
        low, high = p.interval95
        print_line(f"  {name:<10} {p.value:.5g} ± {p.sd:.2g} {p.unit}   95 %: {low:.5g} to {high:.5g}")
    names = list(result.parameters)
    if len(names) > 1:
        print_line(f"  correlation of {names[0]} and {names[1]}: {result.correlation(*names[:2]):.3f}")
    for test in result.lack_of_fit:
        print_line(f"  held against {test.against}: p = {test.p:.3g}")
