"""Write the pages that are made from the code: keys.md from the schemas, commands.md from click, findings.md and files.md.

Usage: python docs/generate.py    (in an environment with pmsl; a test holds the pages against what it makes)
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
import msgspec

from pmsl.batch import batch_file as batch
from pmsl.cli import main
from pmsl.cli.app import app
from pmsl.mesh.placing.copies import Copy, PackedCopy
from pmsl.pipeline.request.region_file import RegionTable
from pmsl.pipeline.slice_request import TEXTS, SliceRequest
from pmsl.profiles import Printer, Process, Resin, TwoPhotonPrinter, TwoPhotonProcess, TwoPhotonResin
from pmsl.profiles.tables.keys import STATED, ProfileKey, keys_of_struct, summary
from pmsl.profiles.tables.toml_text import toml_value
from pmsl.report.findings_page import findings_page

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "pmsl"
MADE = "<!-- Made by docs/generate.py: change the code, not this page. -->\n"
COLUMNS = "| key | type | unit | default | limits | meaning |\n|---|---|---|---|---|---|"

KEYS = """\
# Every key of profiles, batches and lists

Profiles, batches, lists of copies and of regions are TOML. A key that is not known is refused, with the nearest one that is.

`pmsl profiles show NAME > mine.toml` prints a shipped profile with all its keys; edit it and pass the file instead of the name
(`--printer mine.toml`). A single value needs no file: a [batch](floor.md) changes it by its dotted name, `"resin.dp_um" = 40`.

A **physical value** says where it comes from, `{ value = 20.9, class = "published", source = "spectral analysis" }`: measured on this
machine or of this resin, published, or a placeholder, which is only plausible. A job that rests on a placeholder says `calibrated: false`.
Its type below is followed by "with source".

*required*: must be there. *left out*: nothing stands for it. Units are those of the key's name. `version 2` keys need the schema of that
version, `schema = "pmsl.process/2"`; version 1 is read as well.
"""


def keys_page() -> str:
    """Return docs/keys.md."""
    parts = [MADE, KEYS]
    parts += [_profile("Printer", "pmsl.printer", Printer), _profile("Resin", "pmsl.resin", Resin)]
    parts += [_profile("Process", "pmsl.process", Process), _batch()]
    table = "Printers, resins and processes with a table `[two_photon]`"
    parts.append(f"## Two-photon writing\n\n{table}; see [two_photon.md](two_photon.md).\n")
    for title, struct in (("Printer", TwoPhotonPrinter), ("Resin", TwoPhotonResin), ("Process", TwoPhotonProcess)):
        parts.append(_profile(f"{title} of two-photon writing", f"pmsl.{title.lower()}", struct))
    parts.append("## Lists of copies\n\n`--copies FILE`: a CSV with these columns, or a TOML with a table `[[copies]]` for each copy.\n")
    parts.append(_table(keys_of_struct(Copy)))
    parts.append("With `--pack`, which finds the places:\n\n" + _table(keys_of_struct(PackedCopy)))
    parts.append(f"## Lists of regions\n\n`--regions FILE.toml`, or in a job of a batch. {summary(RegionTable)}\n")
    parts.append(_table(keys_of_struct(RegionTable)))
    return "\n".join(parts)


def _profile(title: str, schema: str, struct: type[msgspec.Struct]) -> str:
    versions = next(key for key in keys_of_struct(struct) if key.name == "schema").type_text
    parts = [f"## {title}\n\n`schema` is {versions.replace(', ', ' or ')}.\n"]
    parts.extend(_tables(struct, ""))
    return "\n".join(parts)


def _tables(struct: type[msgspec.Struct], place: str) -> Iterator[str]:
    """Yield the keys of a table, then the tables in it."""
    keys = keys_of_struct(struct)
    plain = [key for key in keys if (key.table is None or key.sourced) and key.name != "schema"]
    if plain:
        yield _table(plain)
    for key in keys:
        if key.table is None or key.sourced:
            continue
        inside = f"{place}.{key.name}" if place else key.name
        many = hasattr(key.kind, "item_type")
        absent = "" if key.required else " The table may be left out."
        yield f"### `{'[' * (1 + many)}{inside}{']' * (1 + many)}`\n\n{_cell(summary(key.table))}{absent}\n"
        yield from _tables(key.table, inside)


def _batch() -> str:
    """Return the keys of a batch file: its own, and the options of `pmsl slice`."""
    rows = []
    for key in keys_of_struct(SliceRequest):
        if key.name not in batch.OPTIONS:
            continue
        typed = "text" if key.name not in TEXTS else "text, number or list"
        kind = typed if key.type_text == "text" else key.type_text
        limits = ", ".join(filter(None, (key.limits_text, key.version_text)))
        rows.append((f"`{key.name}`", kind, key.unit, _default(key), limits, key.meaning))
    own = [(f"`{name}`", kind, "", "required" if name == "name" else "left out", "", batch.MEANINGS[name]) for name, kind in OWN]
    head = (
        "## Batch\n\nThe file as a whole; [floor.md](floor.md) has an example.\n\n"
        + _table(keys_of_struct(batch.BatchDocument))
        + "\nA `[[job]]` has a name, and the options of `pmsl slice`, with underscores; those that are texts there may be numbers and lists"
        " here, `at = [1000, 500]`. Paths are relative to the file. `[defaults]` has the same keys but for `name` and `sweep`.\n\n"
    )
    return head + _rows([*own, *rows])


OWN = (("name", "text"), ("sweep", "table"))


def _table(keys: list[ProfileKey]) -> str:
    return _rows(
        (
            f"`{key.name}`",
            key.type_text + (", with source" if key.sourced else ""),
            key.unit,
            _default(key),
            ", ".join(filter(None, (key.limits_text, key.version_text))),
            re.sub(STATED.replace("[\\];]", "\\]"), "", key.meaning),
        )
        for key in keys
    )


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join([COLUMNS, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)]) + "\n"


def _default(key: ProfileKey) -> str:
    if key.required:
        return "required"
    return "left out" if key.default is None else f"`{toml_value(msgspec.to_builtins(key.default))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def commands_page() -> str:
    """Return docs/commands.md."""
    parts = [MADE, f"# Commands\n\n{app.help}\n"]
    parts.append("`pmsl COMMAND --help` says the same. Results go to standard output, everything else to standard error.\n")
    codes = (inspect.getdoc(main) or "").split("\n\n")[1].replace("\n", " ").rstrip(".")
    parts.append("## Exit codes\n\n| code | |\n|---|---|")
    parts.extend("| {} | {} |".format(*code.split(" ", 1)) for code in codes.split(", "))
    parts.append("")
    context = click.Context(app, info_name="pmsl")
    for name in app.list_commands(context):
        parts.extend(_command(app.get_command(context, name), name, context))
    return "\n".join(parts)


def _command(command: click.Command, name: str, above: click.Context) -> Iterator[str]:
    """Yield a command's section, then those of its own commands."""
    context = click.Context(command, info_name=name, parent=above)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## `{context.command_path}`\n\n{' '.join((command.help or '').split())}\n\n```text\n{usage}\n```\n"
    rows = [(param.make_metavar(context), param.help) for param in command.params if isinstance(param, click.Argument)]
    rows += [record for param in command.params if isinstance(param, click.Option) and (record := param.get_help_record(context))]
    if rows:
        yield "| argument, option | meaning |\n|---|---|"
        yield "\n".join(f"| `{_cell(what)}` | {_cell(text or '')} |" for what, text in rows) + "\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _command(command.get_command(context, inner), inner, context)


FILES = """\
# Every file

What each file of `pmsl/` is for, by its first line. [map.md](map.md) has the floors, and which may import which.
"""


def files_page() -> str:
    """Return docs/files.md."""
    parts = [MADE, FILES]
    folders = sorted({path.parent for path in PACKAGE.rglob("*.py")}, key=lambda folder: folder.relative_to(PACKAGE).parts)
    for folder in folders:
        own = _first_line(folder / "__init__.py") if (folder / "__init__.py").is_file() else ""
        name = f"pmsl/{folder.relative_to(PACKAGE).as_posix()}/".replace("/./", "/")
        parts.append(f"## `{name}`\n\n{own}\n")
        files = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
        if files:
            parts.append("| file | |\n|---|---|")
            parts.extend(f"| `{path.name}` | {_cell(_first_line(path))} |" for path in files)
            parts.append("")
    return "\n".join(parts)


def _first_line(path: Path) -> str:
    """Return the first sentence of a file's docstring, in one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


PAGES: dict[str, Callable[[], str]] = {
    "keys.md": keys_page,
    "commands.md": commands_page,
    "findings.md": findings_page,
    "files.md": files_page,
}


def write_pages() -> None:
    """Write all pages."""
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_pages()
