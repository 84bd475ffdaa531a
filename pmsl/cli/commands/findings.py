"""``pmsl findings``: what the findings of all commands mean."""

from __future__ import annotations

from typing import Any

import click

from pmsl.cli import options


@click.command("findings")
@click.argument("code", required=False, metavar="[CODE]")
@options.json
def findings_command(code: str | None, as_json: bool) -> None:
    """List what pmsl can find in a mesh, a job or a print: severity, meaning; of one CODE also what to do."""
    if code is not None:
        _print_one(code, as_json)
    elif as_json:
        _print_json_list()
    else:
        _print_table()


def _print_one(code: str, as_json: bool) -> None:
    """Print a code with its meaning and remedy; raises `UsageError` with near matches where there is none of this name."""
    from pmsl.cli.terminal import print_json, print_line
    from pmsl.core.finding_codes import CODES
    from pmsl.errors import UsageError

    if code not in CODES:
        import difflib

        near = difflib.get_close_matches(code, CODES, n=3, cutoff=0.5)
        advice = f"did you mean {' or '.join(near)}?" if near else "pmsl findings lists all"
        raise UsageError(f"no finding has the code {code!r}; {advice}")
    if as_json:
        print_json(_facts(code))
        return
    known = CODES[code]
    print_line(f"{code} ({' or '.join(known.severities)})")
    print_line(f"  {known.meaning}")
    print_line(f"  {known.remedy}")


def _print_json_list() -> None:
    from pmsl.cli.terminal import print_json
    from pmsl.core.finding_codes import CODES

    print_json({"findings": [_facts(code) for code in CODES]})


def _print_table() -> None:
    from pmsl.cli.terminal import print_line
    from pmsl.core.finding_codes import GROUPS

    for heading, codes in GROUPS.items():
        print_line(heading)
        for code, known in codes.items():
            print_line(f"  {code:<27} {'/'.join(known.severities):<13} {known.meaning}")


def _facts(code: str) -> dict[str, Any]:
    from pmsl.core.finding_codes import CODES

    return {"code": code, **CODES[code]._asdict()}
