"""The library of shipped profiles, and files of the user's own beside it."""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pmsl.errors import ProfileError, why_unread
from pmsl.files.file_kind import HEAD, refusal
from pmsl.files.text_file import read_text
from pmsl.profiles.printer import Printer
from pmsl.profiles.process import Process
from pmsl.profiles.resin import Resin
from pmsl.profiles.tables.schema import build, parse, tables
from pmsl.profiles.tables.strict_struct import Strict
from pmsl.profiles.two_photon import TABLE, TwoPhotonPrinter, TwoPhotonProcess, TwoPhotonResin

P = TypeVar("P", Printer, Resin, Process, TwoPhotonPrinter, TwoPhotonResin, TwoPhotonProcess)
LIBRARY = Path(__file__).with_name("library")
TWO_PHOTON = LIBRARY / "two_photon"
KINDS: dict[str, type[Strict]] = {"printer": Printer, "resin": Resin, "process": Process}
TWO_PHOTON_KINDS: dict[str, type[Strict]] = {"printer": TwoPhotonPrinter, "resin": TwoPhotonResin, "process": TwoPhotonProcess}


@cache
def _shipped_texts(folder: Path = LIBRARY) -> dict[str, dict[str, str]]:
    """Kind → name → TOML text, in the order of the file names."""
    texts: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
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
    files = (folder / f"{word}-{name}.toml" for folder in (LIBRARY, TWO_PHOTON))
    return next((file.read_text(encoding="utf-8") for file in files if file.is_file()), None)


def library() -> dict[str, list[str]]:
    """Return the shipped names: ``{"printer": [...], "resin": [...], "process": [...]}``."""
    return {kind: list(names) for kind, names in _shipped_texts().items()}


def two_photon_library() -> dict[str, list[str]]:
    """Return the shipped names of what writes with two photons, by kind as `library`."""
    return {kind: list(names) for kind, names in _shipped_texts(TWO_PHOTON).items()}


def descriptions(word: str) -> dict[str, str]:
    """Return name and description of the shipped profiles of a kind, those of two-photon writing last."""
    shipped = {**_shipped_texts()[word], **_shipped_texts(TWO_PHOTON)[word]}
    return {name: str(tomllib.loads(text)["description"]) for name, text in shipped.items()}


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
    shipped = [*_shipped_texts().values(), *_shipped_texts(TWO_PHOTON).values()]
    for names in shipped:
        if name in names:
            return names[name]
    raise _unknown("profile", name, [n for names in shipped for n in names])


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
    table = tables(text, name)
    word = table["schema"].split(".")[1].split("/")[0]
    return template(parse(text, (TWO_PHOTON_KINDS if TABLE in table else KINDS)[word], f"{word} {name}"))


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


def find_two_photon_printer(name_or_path: str | Path) -> TwoPhotonPrinter:
    """Find a two-photon writer: a profile with a table ``[two_photon]``.

    Parameters
    ----------
    name_or_path : str or Path
        As of `find_printer`.

    Raises
    ------
    ProfileError
        As `find_printer`; a profile without that table.
    """
    return _find(name_or_path, TwoPhotonPrinter, "printer")


def find_two_photon_resin(name_or_path: str | Path) -> TwoPhotonResin:
    """Find a resin for two-photon writing: a profile with a table ``[two_photon]``.

    Parameters
    ----------
    name_or_path : str or Path
        As of `find_resin`.

    Raises
    ------
    ProfileError
        As `find_resin`; a profile without that table.
    """
    return _find(name_or_path, TwoPhotonResin, "resin")


def find_two_photon_process(name_or_path: str | Path) -> TwoPhotonProcess:
    """Find a process of two-photon writing: a profile with a table ``[two_photon]``.

    Parameters
    ----------
    name_or_path : str or Path
        As of `find_process`.

    Raises
    ------
    ProfileError
        As `find_process`; a profile without that table.
    """
    return _find(name_or_path, TwoPhotonProcess, "process")


def is_two_photon(word: str, name_or_path: str | Path) -> bool:
    """Tell whether a profile of a kind ("printer", "resin", "process") has a table ``[two_photon]``; raises as the one that finds it."""
    return TABLE in _table(str(name_or_path), word)


def _find(name_or_path: str | Path, kind: type[P], word: str) -> P:
    name = str(name_or_path)
    table = _table(name, word)
    _check_light(table, kind, f"{word} {Path(name).name}", word)
    made = build(table, kind, f"{word} {Path(name).name}")
    if isinstance(made, Printer) and _shipped(word, name) is None:
        from pmsl.profiles.tables.flat_field_image import check_image

        check_image(made, f"{word} {Path(name).name}")
    return made


def _check_light(table: dict[str, Any], kind: type[Strict], where: str, word: str) -> None:
    """Refuse a profile of the other kind of light: what writes voxels has no frames, what projects has no voxels to write."""
    voxels = kind in TWO_PHOTON_KINDS.values()
    if voxels == (TABLE in table):
        return
    if voxels:
        known = ", ".join(two_photon_library()[word])
        raise ProfileError(f"{where}: has no table [{TABLE}], so it is none of two-photon writing; the library has {known}")
    raise ProfileError(
        f"{where}: has a table [{TABLE}]: it writes voxels with two photons and has no frames; it goes with a printer, a resin and a "
        "process that have this table, into the formats gwl and voxel-npy of `pmsl slice`"
    )


def _table(name: str, word: str) -> dict[str, Any]:
    """Return what a profile's TOML says."""
    shipped = _shipped(word, name)
    if shipped is not None:
        return tables(shipped, f"{word} {name}")
    path = Path(name)
    if not (path.suffix == ".toml" or os.path.exists(path)):
        raise _unknown(word, name, [*_shipped_texts()[word], *_shipped_texts(TWO_PHOTON)[word]])
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as err:
        other = refusal(f"{word} {path.name}", err.object[:HEAD], "TOML") if isinstance(err, UnicodeDecodeError) else None
        raise ProfileError(other or f"{word} {name}: cannot be read as a TOML file: {why_unread(err)}") from err
    table = tables(text, f"{word} {path.name}")
    from pmsl.profiles.tables.linked_files import put_in

    put_in(table, path.parent, f"{word} {path.name}")
    return table


def _unknown(word: str, name: str, known: list[str]) -> ProfileError:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return ProfileError(f"{word} {name!r} is not in the library and is no file; {hint} (`pmsl profiles` lists them, a path ends in .toml)")
