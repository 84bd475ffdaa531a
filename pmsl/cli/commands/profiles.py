"""``pmsl profiles`` and ``pmsl profiles show``: the profiles that are shipped."""

from __future__ import annotations

import click

from pmsl.cli import options
from pmsl.cli.terminal import print_json, print_line, print_lines


@click.group("profiles", invoke_without_command=True)
@options.json
@click.pass_context
def profiles_command(context: click.Context, as_json: bool) -> None:
    """List the printers, resins and processes that are shipped, or show one."""
    if context.invoked_subcommand is not None:
        return
    from pmsl.profiles import library
    from pmsl.profiles.find import descriptions

    plural = {"printer": "printers", "resin": "resins", "process": "processes"}
    entries = {plural[kind]: [{"name": n, "description": text} for n, text in descriptions(kind).items()] for kind in library()}
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
