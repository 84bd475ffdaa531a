"""``pmsl profiles`` and ``pmsl profiles show``; the work is in `pmsl.cli.library`."""

from __future__ import annotations

import click

from pmsl.cli import shared


@click.group("profiles", invoke_without_command=True)
@shared.json
@click.pass_context
def profiles_command(context: click.Context, as_json: bool) -> None:
    """List the printers, resins and processes that are shipped, or show one."""
    from pmsl.cli import library

    if context.invoked_subcommand is None:
        library.profiles(as_json=as_json)


@profiles_command.command("show")
@click.argument("name", metavar="NAME", help="Library name.")
def show_command(name: str) -> None:
    """Print a profile as TOML, to save, edit and pass back by path."""
    from pmsl.cli import library

    library.show_profile(name)
