"""``pmsl calibrate propose``: the next print, by what is measured already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pmsl.calibrate.kinds import PROPOSED
from pmsl.cli import options

if TYPE_CHECKING:
    from pmsl.calibrate import Proposal


@click.command("propose")
@click.argument("kind", type=click.Choice(PROPOSED), metavar="KIND")
@click.argument("sheets", nargs=-1, required=True, metavar="DATA.csv...")
@click.option("--goal", metavar="dp|roofs|ledges|channels|walls|PART", help="What is to be surer; PART: a mesh [default: dp, or walls].")
@click.option("--tiles", type=int, metavar="N", help="How many [default: 8, of induction, roofs, renewal 12; of walls 3 doses].")
@click.option("--irradiance", type=float, metavar="MW_CM2", help="Of rows that state none [mW/cm²].")
@click.option("--range", "dose_range", metavar="LO,HI", help="Doses to choose from [mJ/cm²; default: as coupons of the kind have].")
@click.option("--layer-um", type=float, default=10.0, show_default=True, metavar="UM", help="Height of the layers of roofs, walls, PART.")
@click.option("--printer", metavar="NAME|FILE", help="Printer whose light and limits the times keep to [default: microfluidics-7.6um].")
@click.option("--resin", metavar="NAME|FILE", help="Resin: where fits begin, and of the job that -o writes [default: pegda-nps-1.0-385].")
@click.option("-o", "--out", type=options.FILE, metavar="JOB", help="Write the print: a folder, a .zip, or a printer's file.")
@click.option("--sheet", type=options.FILE, metavar="SHEET.csv", help="Write the sheet to fill in.")
@options.option("force", help="Replace a job, or a sheet, that is there.")
@options.json
def propose_command(
    kind: str,
    sheets: tuple[str, ...],
    goal: str | None,
    tiles: int | None,
    irradiance: float | None,
    dose_range: str | None,
    layer_um: float,
    printer: str | None,
    resin: str | None,
    out: str | None,
    sheet: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Propose the next print: the tiles that make what is wanted surest, by what is measured already.

    DATA.csv are the sheets that pmsl calibrate fit KIND takes. KIND working-curve: doses of films. KIND induction: doses, and into how many
    exposures. KIND roofs: doses, and cover layers. KIND renewal: the same, of tiles with a ledge and of two bars. KIND walls: doses.

    --goal dp: the penetration depth. --goal roofs: how far a thick roof cures below its design, each layer with 1.5 Ec at its far face.
    --goal ledges, channels (of KIND renewal): the same 100 µm and 1 mm from the vat, where recoats exchange liquid.
    --goal walls: how far a wall stands outside. A mesh: the same of all its roofs (of KIND walls, its walls), the error of that very part.
    What is expected is stated, also in the sheet; fit all sheets together: it says what came of it.
    """
    from pmsl import pipeline
    from pmsl.calibrate import propose, proposed_coupon
    from pmsl.calibrate.coupons.measuring_sheet import sheet_text
    from pmsl.cli.terminal import compiler_notice, print_json, say_findings
    from pmsl.errors import UsageError
    from pmsl.files.output_file import check_new_file, write_new_text
    from pmsl.pipeline.request.option_parsing import numbers
    from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_RESIN, find_printer, find_resin

    if irradiance is not None and not 0 < irradiance < float("inf"):
        raise UsageError(f"--irradiance {irradiance:g}: must be a finite number above 0 mW/cm²")
    low_high = None if dose_range is None else numbers(dose_range, "--range", (2,), "5,60")
    machine, material = find_printer(printer or DEFAULT_PRINTER), find_resin(resin or DEFAULT_RESIN)
    found = propose(
        kind, sheets, goal, tiles, machine, irradiance, None if low_high is None else (low_high[0], low_high[1]), layer_um, material
    )
    made = proposed_coupon(found, machine, material) if out or sheet else None
    if sheet is not None:
        check_new_file(sheet, force, "--sheet")
    written: tuple[Any, ...] = ()
    if made is not None and out is not None:
        with compiler_notice():
            written = pipeline.write(made.job, out, force=force).findings
    if made is not None and sheet is not None:
        write_new_text(sheet, sheet_text(made))
    if as_json:
        findings = [f.as_dict() for f in (*found.findings, *written)]
        print_json({**found.as_dict(), "job": out, "sheet": sheet, "findings": findings})
        return
    say_findings([*found.findings, *written])
    _print_proposal(found)


def _print_proposal(found: Proposal) -> None:
    """Print a proposal for a person."""
    from pmsl.cli.terminal import print_line

    count = len(found.dose_mj_cm2)
    print_line(
        f"{found.goal}: {found.value:.4g} ± {found.sd_now:.2g} {found.unit} now, ± {found.sd_expected:.2g} expected with these {count}"
    )
    print_line(f"{'doses' if found.kind == 'walls' else 'tiles'} (± {found.sd_ladder:.2g} with as many evenly spaced):")
    for one in found.settings:
        split = f", {one['events']} times" if one.get("events", 1) > 1 else ""
        cover = f" a layer, {one['cover_layers']} layers" if "cover_layers" in one else ""
        cover += ", a bar" if one.get("bar") else ""
        then = f", about {one['thickness_um']:.3g} µm thick" if "thickness_um" in one else ""
        then = f", about {one['depth_um']:.3g} µm down" if "depth_um" in one else then
        time = f"{one['time_s']:.4g} s at {found.irradiance_mw_cm2:.4g} mW/cm²"
        print_line(f"  {one['tiles']:>3} × {one['dose_mj_cm2']:.4g} mJ/cm²{cover}: {time}{split}{then}")
