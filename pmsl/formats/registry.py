"""Which format a name, a path or a file means. Formats are imported when they are asked for, not before."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pmsl.errors import JobError, UsageError
from pmsl.files.file_kind import refusal
from pmsl.formats.protocol import HEAD, FileSignature, Format, PanelFormat

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pmsl.formats.adapt.panel import Panel
    from pmsl.job.print_job import PrintJob

GROUP = "pmsl.formats"  # entry points of other packages


class BuiltInFormat(msgspec.Struct, frozen=True):
    """A format of the house: its name, the suffixes that choose it when writing, and where its object is."""

    name: str
    suffixes: tuple[str, ...]
    home: str

    def load(self) -> Format:
        """Import it."""
        module, _, attribute = self.home.partition(":")
        made: Format = getattr(import_module(module), attribute)
        return made


SHIPPED = (  # of formats that share a suffix the first is chosen by it; content is looked at in this order
    BuiltInFormat("native", (".zip",), "pmsl.formats.native:FORMAT"),
    BuiltInFormat("sl1", (".sl1", ".sl1s"), "pmsl.formats.sl1:FORMAT"),
    BuiltInFormat("sl1-prusa", (), "pmsl.formats.sl1:PRUSA_SL1"),
    BuiltInFormat("sl1s-prusa", (), "pmsl.formats.sl1:PRUSA_SL1S"),
    BuiltInFormat("nanodlp", (".nanodlp",), "pmsl.formats.nanodlp:FORMAT"),
    BuiltInFormat("byu", (), "pmsl.formats.byu:FORMAT"),
    BuiltInFormat("goo", (".goo",), "pmsl.formats.goo:FORMAT"),
    BuiltInFormat("ctb", (".ctb",), "pmsl.formats.ctb:PLAIN"),
    BuiltInFormat("ctb-xor", (".ctb",), "pmsl.formats.ctb:XOR"),
    BuiltInFormat("ome-zarr", (".zarr",), "pmsl.formats.ome_zarr:FORMAT"),
    BuiltInFormat("ome-tiff", (".tif", ".tiff"), "pmsl.formats.ometiff:FORMAT"),
    BuiltInFormat("svg", (".svg",), "pmsl.formats.contourfiles:SVG"),
    BuiltInFormat("cli", (".cli",), "pmsl.formats.contourfiles:CLI"),
    BuiltInFormat("cli-binary", (), "pmsl.formats.contourfiles:CLI_BINARY"),  # read as cli: its header says which of the two it is
    BuiltInFormat("3mf-slices", (), "pmsl.formats.contourfiles:THREEMF"),  # .3mf is a mesh unless it is asked for by name
)
WITHOUT_FRAMES = (  # what two photons write: no job of frames goes into them, and none comes out
    BuiltInFormat("voxel-npy", (".npy",), "pmsl.formats.two_photon:VOXEL_NPY"),
    BuiltInFormat("gwl", (".gwl",), "pmsl.formats.two_photon:GWL"),
)
OWN = (*SHIPPED, *WITHOUT_FRAMES)
CONTOURS = tuple(s.name for s in SHIPPED if s.home.startswith("pmsl.formats.contourfiles:"))  # they cut the parts where they are


def choose(path: Path, name: str | None) -> str:
    """Return the name of the format for writing `path`: by name, else by suffix (``.zip`` or none is native).

    Raises
    ------
    UsageError
        An unknown name, or a suffix that belongs to no format.
    """
    if name is not None:
        if not any(shipped.name == name for shipped in OWN) and name not in names():
            raise UsageError(f"format {name!r} is not known; known: {', '.join(names())}")
        return name
    suffix = path.suffix.lower()
    if not re.fullmatch(r"\.[a-z][a-z0-9]{0,7}", suffix):
        return "native"
    for shipped in OWN:
        if suffix in shipped.suffixes:
            return shipped.name
    for other in _others():
        if suffix in other.suffixes:
            return other.name
    known = sorted({s for shipped in OWN for s in shipped.suffixes})
    raise UsageError(
        f"{path.name}: no format writes {suffix!r} files; name a folder or a file ending in {', '.join(known)}, "
        "or say --format native to make a folder of that name"
    )


def names() -> tuple[str, ...]:
    """Return the names of all formats, those of other packages too; imports none of them."""
    own = [shipped.name for shipped in OWN]
    return (*own, *sorted({entry.name for entry in entry_points(group=GROUP)} - set(own)))


def find(name: str) -> Format:
    """Import a format by name; raises `UsageError` where there is none or another package's cannot be used."""
    for shipped in OWN:
        if shipped.name == name:
            return shipped.load()
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return _load(entry)
    raise UsageError(f"format {name!r} is not known; known: {', '.join(names())}")


def recognise(path: Path) -> Format:
    """Tell by its content what format a file or folder is.

    Raises
    ------
    JobError
        There is nothing, it cannot be read, or no format knows it.
    """
    seen = look(path)
    found = _knows(seen)
    if found is None:
        if seen.folder or seen.names:
            raise JobError(f"{path}: no job.json in it, so it is no pmsl job, and no other format knows it ({', '.join(names())})")
        known = ", ".join(names())
        if (other := refusal(str(path), seen.head, "a job")) is not None:
            raise JobError(other)
        raise JobError(f"{path}: begins with {seen.head[:4]!r}: not a zip, and no other format knows it ({known}); copy or slice it again")
    return found


def read(format: Format, path: Path, panel: Panel | None) -> PrintJob:
    """Read a file of a format; raises `UsageError` where a panel is given and its files say theirs themselves."""
    if panel is None:
        return format.read(path)
    return _of_panels(format, path, panel).read(path, panel)


def check_uses_panel(format: Format, path: Path, panel: Panel | None) -> None:
    """Refuse a panel for a format whose files say theirs themselves."""
    if panel is not None:
        _of_panels(format, path, panel)


def _of_panels(format: Format, path: Path, panel: Panel) -> PanelFormat:
    if isinstance(format, PanelFormat) and format.uses_panel:
        return format
    raise UsageError(f"{path}: {format.name} files state their pixels themselves; leave out {panel.source}")


def is_job(path: Path) -> bool:
    """Tell whether a path is a job rather than a mesh: a folder, a suffix that jobs are written with, or content a format knows."""
    suffix = path.suffix.lower()
    if os.path.isdir(path) or any(suffix in shipped.suffixes for shipped in OWN):
        return True
    if suffix in (".stl", ".obj", ".ply", ".3mf", ".off", ".glb") or not os.path.isfile(path):
        return False
    try:
        return _knows(look(path)) is not None
    except JobError:
        return False


def look(path: Path) -> FileSignature:
    """Look at a file or folder without reading it; raises `JobError` where there is none, or a zip is not whole."""
    from pmsl.formats.container.containers import ZipSource

    if not os.path.exists(path):
        raise JobError(f"{path}: no such file or folder, or no permission to look; give a job folder or a job file")
    try:
        if os.path.isdir(path):
            with os.scandir(path) as entries:
                return FileSignature(path, True, b"", frozenset(entry.name for entry in entries))
        if not os.path.isfile(path):  # a pipe would be waited for
            raise JobError(f"{path}: is no ordinary file; give a job folder or a job file")
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as err:
        raise JobError(f"{path}: cannot be read ({err.strerror or err})") from err
    if not head:
        raise JobError(f"{path}: the file is empty (0 bytes); copy or slice it again")
    if head.startswith(b"PK"):
        return FileSignature(path, False, head, frozenset(ZipSource(path).names()))
    return FileSignature(path, False, head, frozenset())


def entry_points(group: str) -> list[EntryPoint]:
    """Return the entry points of other packages; what finds them takes longer to import than to slice a small layer."""
    from importlib.metadata import entry_points as all_of

    return list(all_of(group=group))


def _knows(seen: FileSignature) -> Format | None:
    for shipped in OWN:
        made = shipped.load()
        if made.recognises(seen):
            return made
    return next((made for made in _others() if made.recognises(seen)), None)


def _others() -> Iterator[Format]:
    """Load the formats of other packages."""
    own = {shipped.name for shipped in OWN}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        if entry.name not in own:
            yield _load(entry)


def _load(entry: EntryPoint) -> Format:
    """Load a format of another package, and see that it is one."""
    try:
        made = entry.load()
    except Exception as err:  # whatever the other package raises
        raise UsageError(f"format {entry.name!r} of another package ({entry.value}) cannot be loaded: {err}; mend or remove it") from err
    missing = [
        word for word in ("name", "suffixes", "capability", "recognises", "foreign", "write", "read", "verify") if not hasattr(made, word)
    ]
    if missing or made.name != entry.name:
        what = f"it has no {', '.join(missing)}" if missing else f"it calls itself {made.name!r}"
        raise UsageError(f"format {entry.name!r} of another package ({entry.value}) is none: {what}; mend or remove it")
    loaded: Format = made
    return loaded
