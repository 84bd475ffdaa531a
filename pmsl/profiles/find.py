"""The library of shipped profiles, and files of the user's own beside it."""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TypeVar

from pmsl.errors import ProfileError, why_unread
from pmsl.files.file_kind import HEAD, refusal
from pmsl.files.text_file import read_text
from pmsl.profiles.printer import Printer
from pmsl.profiles.process import Process
from pmsl.profiles.resin import Resin
from pmsl.profiles.tables.schema import build, parse, tables
from pmsl.profiles.tables.strict_struct import Strict

P = TypeVar("P", Printer, Resin, Process)
LIBRARY = Path(__file__).with_name("library")
KINDS: dict[str, type[Strict]] = {"printer": Printer, "resin": Resin, "process": Process}


@cache
def _shipped_texts() -> dict[str, dict[str, str]]:
    """Kind → name → TOML text, in the order of the file names."""
    texts: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    folder = LIBRARY
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            text = entry.read_text(encoding="utf-8")
            table = tomllib.loads(text)
            texts[table["schema"].split(".")[1].split("/")[0]][table["name"]] = text
    return texts


def _shipped(word: str, name: str) -> str | None:
    """Return the TOML text of one shipped profile, whose file is named after kind and name: the rest of the library is left alone."""
    if not re.fullmatch(r"[a-z0-9.-]{1,64}", name):
        return None
    file = LIBRARY / f"{word}-{name}.toml"
    return file.read_text(encoding="utf-8") if file.is_file() else None


def library() -> dict[str, list[str]]:
    """Return the shipped names: ``{"printer": [...], "resin": [...], "process": [...]}``."""
    return {kind: list(names) for kind, names in _shipped_texts().items()}


def library_text(name: str) -> str:
    """Return the TOML text of a shipped profile, to save, edit and pass back by path.

    Parameters
    ----------
    name : str

    Raises
    ------
    ProfileError
        No profile of that name.
    """
    for names in _shipped_texts().values():
        if name in names:
            return names[name]
    raise _unknown("profile", name, [n for names in _shipped_texts().values() for n in names])


def library_template(name: str) -> str:
    """Return a shipped profile as TOML that names every key, with meaning, unit and default; see `pmsl.profiles.tables.template`.

    Parameters
    ----------
    name : str

    Raises
    ------
    ProfileError
        No profile of that name.
    """
    from pmsl.profiles.tables.template import template

    text = library_text(name)
    word = tables(text, name)["schema"].split(".")[1].split("/")[0]
    return template(parse(text, KINDS[word], f"{word} {name}"))


def find_printer(name_or_path: str | Path) -> Printer:
    """Find a printer.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped profile (``pmsl profiles`` lists them), or a TOML file.

    Returns
    -------
    Printer

    Raises
    ------
    ProfileError
        No such name or file, a key that is unknown or missing, a value of the wrong type or out of range.
    """
    return _find(name_or_path, Printer, "printer")


def find_resin(name_or_path: str | Path) -> Resin:
    """Find a resin.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped profile (``pmsl profiles`` lists them), or a TOML file.

    Returns
    -------
    Resin

    Raises
    ------
    ProfileError
        No such name or file, a key that is unknown or missing, a value of the wrong type or out of range.
    """
    return _find(name_or_path, Resin, "resin")


def find_process(name_or_path: str | Path) -> Process:
    """Find a process.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped profile (``pmsl profiles`` lists them), or a TOML file.

    Returns
    -------
    Process

    Raises
    ------
    ProfileError
        No such name or file, a key that is unknown or missing, a value of the wrong type or out of range.
    """
    return _find(name_or_path, Process, "process")


def _find(name_or_path: str | Path, kind: type[P], word: str) -> P:
    name = str(name_or_path)
    shipped = _shipped(word, name)
    if shipped is not None:
        return parse(shipped, kind, f"{word} {name}")
    path = Path(name)
    if not (path.suffix == ".toml" or os.path.exists(path)):
        raise _unknown(word, name, list(_shipped_texts()[word]))
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as err:
        other = refusal(f"{word} {path.name}", err.object[:HEAD], "TOML") if isinstance(err, UnicodeDecodeError) else None
        raise ProfileError(other or f"{word} {name}: cannot be read as a TOML file: {why_unread(err)}") from err
    table = tables(text, f"{word} {path.name}")
    from pmsl.profiles.tables.linked_files import put_in

    put_in(table, path.parent, f"{word} {path.name}")
    made = build(table, kind, f"{word} {path.name}")
    if isinstance(made, Printer):
        from pmsl.profiles.tables.flat_field_image import check_image

        check_image(made, f"{word} {path.name}")
    return made


def _unknown(word: str, name: str, known: list[str]) -> ProfileError:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return ProfileError(f"{word} {name!r} is not in the library and is no file; {hint} (`pmsl profiles` lists them, a path ends in .toml)")
