"""Does a process ask for what its printer does: pictures that are shown, or lines that a laser draws?"""

from __future__ import annotations

from msgspec import UNSET

from pmsl.errors import UsageError
from pmsl.profiles import Printer, Process


def check_technique(printer: Printer, process: Process, fields: bool = False) -> None:
    """Refuse a process that is not of the printer's technique.

    Parameters
    ----------
    printer : Printer
    process : Process
    fields : bool
        Whether a plate of several fields is asked for.

    Raises
    ------
    UsageError
    """
    draws, hatches = printer.laser is not UNSET, process.hatch is not UNSET
    if draws and not hatches:
        raise UsageError(
            f"printer {printer.name} draws with a laser, process {process.name} shows pictures: it has no [hatch]; take process laser, or "
            "add it"
        )
    if hatches and not draws:
        raise UsageError(
            f"process {process.name} draws with a laser ([hatch]), printer {printer.name} shows pictures: it has no [laser]; take printer "
            "laser-405, or one of your own with that table"
        )
    if draws and fields:
        raise UsageError(f"printer {printer.name} draws with a laser, and --fields is of pictures: leave it out")
