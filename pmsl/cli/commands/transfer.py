"""``pmsl calibrate transfer``: a resin measured on one machine, for use on another."""

from __future__ import annotations

import click

from pmsl.cli import options


@click.command("transfer")
@click.argument("resin", metavar="RESIN")
@click.option("--printer", required=True, metavar="NAME|FILE", help="Printer on which the resin is to be used.")
@click.option("--irradiance", required=True, type=float, metavar="MW_CM2", help="At which the resin was measured [mW/cm²].")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="PROFILE.toml", help="Profile to write.")
@options.option("force", help="Replace a file that is there.")
def transfer_command(resin: str, printer: str, irradiance: float, out: str, force: bool) -> None:
    """Write a resin that was measured on one machine as it is known on another.

    RESIN: a profile by name or file. Refused where the wavelengths are more than 7.5 nm apart. Dp and Ec stay; their standard deviations
    grow by what another wavelength and another irradiance may change, and their sources say so.
    """
    from pathlib import Path

    from pmsl.calibrate import transferred_resin
    from pmsl.cli.terminal import print_line
    from pmsl.files.output_file import check_new_file, write_new_text
    from pmsl.profiles.find import find_printer, find_resin
    from pmsl.profiles.resin import of_first_engine
    from pmsl.profiles.tables.strict_struct import Value
    from pmsl.profiles.tables.template import template

    check_new_file(out, force, "-o")
    machine, material = of_first_engine(find_printer(printer), find_resin(resin))
    made = transferred_resin(material, machine, irradiance, Path(out).stem)
    write_new_text(out, template(made))
    rows: tuple[tuple[str, Value[float], str], ...] = (("dp_um", made.resin.dp_um, "µm"), ("ec_mj_cm2", made.resin.ec_mj_cm2, "mJ/cm²"))
    for name, value, unit in rows:
        band = f" ± {value.sd:.2g}" if isinstance(value.sd, float) else ""
        print_line(f"  {name:<16} {value.value:.5g}{band} {unit}")
    print_line(f"{out}: {made.description}")
