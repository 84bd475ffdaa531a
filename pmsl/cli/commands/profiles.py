"""``pmsl profiles`` and ``pmsl profiles show``: the profiles that are shipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from pmsl.cli import options
from pmsl.cli.terminal import print_json, print_line, print_lines

if TYPE_CHECKING:
    from pmsl.profiles import Printer, Process, Resin


@click.group("profiles", invoke_without_command=True)
@options.json
@click.pass_context
def profiles_command(context: click.Context, as_json: bool) -> None:
    """List the printers, resins and processes that are shipped, or show one."""
    if context.invoked_subcommand is not None:
        return
    from pmsl.profiles import find_printer, find_process, find_resin, library

    names = library()
    plural = {"printer": "printers", "resin": "resins", "process": "processes"}
    found: dict[str, Callable[[str], Printer | Resin | Process]] = {"printer": find_printer, "resin": find_resin, "process": find_process}
    entries = {plural[kind]: [{"name": n, "description": found[kind](n).description} for n in names[kind]] for kind in names}
    if as_json:
        print_json(entries)
        return
    for kind, rows in entries.items():
        print_line(kind)
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            print_line(f"  {row['name']:<{width}} {row['description']}")


@profiles_command.command("show")
@click.argument("name", metavar="NAME", help="Library name.")
def show_command(name: str) -> None:
    """Print a profile as TOML, to save, edit and pass back by path."""
    from pmsl.profiles import library_template

    print_lines(library_template(name))
