"""``pmsl profiles``: the shelf of shipped profiles."""

from __future__ import annotations

from collections.abc import Callable

from pmsl.cli.terminal import print_json, print_line, print_lines
from pmsl.profiles import Printer, Process, Resin, find_printer, find_process, find_resin, library, library_template


def profiles(*, as_json: bool) -> None:
    """``pmsl profiles``: the library."""
    names = library()
    plural = {"printer": "printers", "resin": "resins", "process": "processes"}
    found: dict[str, Callable[[str], Printer | Resin | Process]] = {"printer": find_printer, "resin": find_resin, "process": find_process}
    entries = {plural[kind]: [{"name": n, "description": found[kind](n).description} for n in names[kind]] for kind in names}
    if as_json:
        print_json(entries)
        return
    for kind, rows in entries.items():
        print_line(kind)
        for row in rows:
            print_line(f"  {row['name']:<22} {row['description']}")


def show_profile(name: str) -> None:
    """``pmsl profiles show``."""
    print_lines(library_template(name))
