"""What a printer lifts layers from, and where that is written.

Light does not depend on it. So a job made for a shipped printer does not repeat what the shipped profile of that name says of it, and is
the same file as before there was the key; who reads the job looks it up.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import msgspec
from msgspec import UNSET

from pmsl.profiles.find import find_printer, library
from pmsl.profiles.printer import Printer

Release = Literal["window", "film", "free-surface"]


def release_of(printer: Printer) -> Release | None:
    """Return what a printer lifts layers from: its own word, else that of the shipped printer of its name; None where nobody says.

    Parameters
    ----------
    printer : Printer
    """
    if printer.stage.release is not UNSET:
        return printer.stage.release
    return _shipped_release(printer.name)


def recorded(printer: Printer) -> Printer:
    """Return a printer as a job holds it: without `release` where the shipped printer of its name says the same.

    Parameters
    ----------
    printer : Printer
    """
    if printer.stage.release is UNSET or printer.stage.release != _shipped_release(printer.name):
        return printer
    return msgspec.structs.replace(printer, stage=msgspec.structs.replace(printer.stage, release=UNSET))


@cache
def _shipped_release(name: str) -> Release | None:
    if name not in library()["printer"]:
        return None
    said = find_printer(name).stage.release
    return None if said is UNSET else said
