"""``pmsl calibrate decays``: Dp and further decays of a resin from the spectrum of the light and the absorbance of the resin."""

from __future__ import annotations

import click

from pmsl.cli import options


@click.command("decays")
@click.argument("spectrum", metavar="SPECTRUM.csv")
@click.argument("absorbance", metavar="ABSORBANCE.csv")
@click.option("--path-um", required=True, type=float, metavar="UM", help="Thickness of the film whose absorbance was measured [µm].")
@click.option("--resin", default=None, metavar="NAME|FILE", help="Resin whose decays are replaced; needed with -o.")
@click.option("-o", "--out", default=None, type=options.FILE, metavar="PROFILE.toml", help="Profile to write.")
@options.option("force", help="Replace a file that is there.")
@options.json
def decays_command(spectrum: str, absorbance: str, path_um: float, resin: str | None, out: str | None, force: bool, as_json: bool) -> None:
    """Find how light of a measured spectrum falls in a resin of measured absorbance.

    SPECTRUM.csv: wavelength_nm, power (any unit, for a nanometre). ABSORBANCE.csv: wavelength_nm, absorbance (decadic, of a film of
    --path-um). Wavelengths ascend. Prints Dp and further decays, as few as come within 0.2 % of what all wavelengths leave; -o writes them
    into a copy of --resin, whose Ec stays: measure it with this light.
    """
    from pathlib import Path

    from pmsl.calibrate import read_spectral_decay, resin_of_spectrum
    from pmsl.cli.terminal import print_json, print_line
    from pmsl.errors import UsageError
    from pmsl.files.output_file import check_new_file, write_new_text
    from pmsl.profiles.find import find_resin
    from pmsl.profiles.tables.template import template

    if (out is None) != (resin is None):
        raise UsageError("--resin and -o belong together: whose decays are replaced, and what is written")
    if out is not None:
        check_new_file(out, force, "-o")
    found, source = read_spectral_decay(spectrum, absorbance, path_um)
    if out is not None and resin is not None:
        write_new_text(out, template(resin_of_spectrum(find_resin(resin), found, source, Path(out).stem)))
    terms = [(a, b) for a, b in zip(found.decay.weights, found.decay.lengths_um, strict=True)]
    if as_json:
        print_json(
            {
                "wavelength_nm": found.wavelength_nm,
                "initial_depth_um": found.initial_depth_um,
                "decay": [{"share": a, "length_um": b if b < float("inf") else None} for a, b in terms],
                "largest_relative_error": found.error,
                "source": source,
            }
        )
        return
    print_line(f"  light of {found.wavelength_nm:.1f} nm in the mean; at first it falls to 1/e in {found.initial_depth_um:.4g} µm")
    for share, length in terms:
        print_line(f"  {100 * share:6.3f} %  {'does not fall' if length == float('inf') else f'falls to 1/e in {length:.5g} µm'}")
    print_line(f"  within {100 * found.error:.2g} % of all wavelengths by themselves, down to a thousandth of the light")
    if out is not None:
        print_line(f"{out}: measure Ec with this light; it is still that of {resin}")
