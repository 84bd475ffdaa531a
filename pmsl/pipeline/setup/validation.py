"""What is refused before any layer: wavelengths that are known to differ, corrections that rest on values nobody gave."""

from __future__ import annotations

from collections.abc import Sequence

from pmsl.checks.profile_fit import WAVELENGTH_SLACK_NM, wavelengths_differ
from pmsl.errors import ExposureError
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.process import surfaces_placed

FIELD = ("printer.optics.flat_field", "printer.response")  # all that evening out the field rests on


def check_wavelengths(printer: Printer, resin: Resin, process: Process) -> None:
    """Refuse a resin whose Dp and Ec do not hold at the printer's wavelength.

    Where one of the two wavelengths is a placeholder a plain job gets a Finding instead: perhaps they agree. Corrections do not guess.

    Raises
    ------
    ExposureError
    """
    ours, theirs = printer.optics.wavelength_nm, resin.resin.wavelength_nm
    known = "placeholder" not in (ours.class_, theirs.class_)
    if wavelengths_differ(printer, resin) and (known or process.corrections):
        raise ExposureError(
            f"resin {resin.name} was characterised at {theirs.value:g} nm, printer {printer.name} exposes at {ours.value:g} nm "
            f"(they may differ by {WAVELENGTH_SLACK_NM:g} nm): its Dp and Ec do not hold; choose a resin measured at that wavelength"
        )


def check_corrections(printer: Printer, resin: Resin, process: Process, missing: Sequence[str], accept_uncalibrated: bool) -> None:
    """Refuse corrections that rest on what nobody gave.

    Raises
    ------
    ExposureError
        A placeholder among the values a correction rests on, unless it is accepted; a resin that does not say what becomes of lit
        liquid, for the correction of print-through.
    """
    names = process.corrections
    if not names:
        return
    by = "printthrough" if "printthrough" in names else "optimise"
    if "printthrough" in surfaces_placed(names) and resin.resin.memory is None:
        raise ExposureError(
            f"correct {by}: resin {resin.name} does not state its memory; add to its [resin] "
            'memory = { value = "enclosed", class = "placeholder", source = "…" } where lit liquid stays in place, '
            'value = "open" where recoating replaces it (pmsl profiles show NAME > mine.toml, --resin mine.toml)'
        )
    guessed = [name for name in missing if name in FIELD or set(names) != {"flatfield"}]
    if guessed and not accept_uncalibrated:
        raise ExposureError(
            f"correct {', '.join(names)}: rests on placeholder values for {', '.join(guessed)}; measure them, or say --accept-uncalibrated "
            "(accept_uncalibrated=True) to correct for a guess"
        )
