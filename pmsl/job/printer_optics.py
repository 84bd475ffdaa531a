"""What a printer's optics ask of whoever reads frames made for it, and where on the plate lies what is seen in its picture."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pmsl.core.finding import Finding
from pmsl.job.print_job import FLAT_FIELD_BY_HOST
from pmsl.profiles import Printer, Process

FIELD_DISTORTION = "field-distortion"  # in `requires`: frames are warped for optics whose pixels land on no square grid


def required(printer: Printer, process: Process) -> tuple[str, ...]:
    """Return what frames made for a printer with a process ask of whoever reads them.

    Parameters
    ----------
    printer : Printer
    process : Process
    """
    asked = {FLAT_FIELD_BY_HOST: process.evened == "delegated", FIELD_DISTORTION: printer.optics.distortion is not msgspec.UNSET}
    return tuple(name for name, there in asked.items() if there)


def landed(findings: Iterable[Finding], printer: Printer) -> tuple[Finding, ...]:
    """Return findings with their boxes where the optics of a printer let them land; the same where these do not distort.

    Parameters
    ----------
    findings : iterable of Finding
        Boxes in the picture.
    printer : Printer
    """
    field_map = printer.field_map
    if field_map is None:
        return tuple(findings)
    return tuple(f if f.box_um is None else msgspec.structs.replace(f, box_um=field_map.landed_box_um(f.box_um)) for f in findings)
