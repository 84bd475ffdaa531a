"""The way in: a path and a unit become a Solid."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from pmsl.core.arrays import frozen
from pmsl.errors import MeshError, UsageError
from pmsl.files.file_kind import HEAD, refusal
from pmsl.mesh.readers.common import UNITS_UM, RawMesh, RawSoup
from pmsl.mesh.solid import Solid
from pmsl.mesh.triangle_checks import check_triangles

__all__ = ["READERS", "UNITS_UM", "load_solid"]

Reader = Callable[[Any, str, str], RawMesh | RawSoup]
READERS = {  # imported when needed; trimesh with the last two, which it reads
    ".stl": "readers.stl.read_stl",
    ".obj": "readers.obj.read_obj",
    ".ply": "readers.ply.read_ply",
    ".3mf": "threemf.threemf.read_3mf",
    ".off": "readers.off.read_off",
    ".glb": "readers.glb.read_glb",
}


def load_solid(path: str | os.PathLike[str], unit: str = "mm") -> Solid:
    """Read a mesh file.

    Parameters
    ----------
    path : path-like
        An ``.stl`` (binary or ASCII), ``.obj``, ``.ply``, ``.3mf``, ``.off`` (ASCII) or ``.glb`` file; upper or lower case.
    unit : {"um", "mm", "cm", "m", "inch"}
        What the numbers of the file mean. A 3MF file says so itself, those of GLB are metres, and that wins.

    Returns
    -------
    Solid
        All solids of the file as one, in µm, every triangle as the file has it. `source` is the file name
        without its folder, `sha256` that of the file's bytes, `findings` what loading noticed.

    Raises
    ------
    UsageError
        `unit` is not one of those above.
    MeshError
        The file is missing, not readable, of another kind, damaged or without a triangle.
    """
    if unit not in UNITS_UM:
        raise UsageError(f"unknown unit {unit!r}; use one of {', '.join(UNITS_UM)}")
    file = Path(path)
    data = _content(file)
    name = file.name.encode("utf-8", "backslashreplace").decode("utf-8")  # names outside Unicode must survive JSON
    reader = _choose(file, data, name)
    with ThreadPoolExecutor(max_workers=1) as pool:  # hashing lets go of the GIL
        digest = pool.submit(lambda: hashlib.sha256(data).hexdigest())
        try:
            raw = reader(data, name, unit)
            if isinstance(raw, RawMesh):
                check_triangles(raw.vertices_um, raw.faces, name)
        except MeshError as err:  # perhaps it is something else altogether
            raise _other_kind(file, data, name) or err from None
    if isinstance(raw, RawSoup):
        return Solid.of_soup(raw.soup, source=name, sha256=digest.result(), unit=raw.unit, findings=raw.findings)
    solid = Solid(
        vertices_um=frozen(raw.vertices_um),
        faces=frozen(raw.faces),
        source=name,
        sha256=digest.result(),
        unit=raw.unit,
        findings=raw.findings,
    )
    if not raw.repairs:
        return solid
    whole = solid.repaired()  # all of it, as what was mended counts as repaired from here on
    return replace(whole, repairs=(*raw.repairs, *whole.repairs))


def _other_kind(file: Path, data: bytes, name: str) -> MeshError | None:
    """Return the refusal of a file whose content is plainly of another kind than its suffix says."""
    suffix, head = file.suffix.lower(), data[:HEAD]
    if (suffix, head[:3]) == (".ply", b"ply") or (suffix, head[:4]) in ((".3mf", b"PK\x03\x04"), (".glb", b"glTF")):
        return None
    if suffix == ".stl" and head.lstrip()[:5].lower() == b"solid":
        return None
    text = refusal(name, head, f"a {suffix} mesh")
    return None if text is None else MeshError(text)


def _content(file: Path) -> bytes:
    """Return the bytes of the file: read, not mapped, as the system kills who looks at a mapped file that others cut meanwhile."""
    try:
        if file.is_dir():
            raise MeshError(f"{file}: is a folder; give a mesh file ({_formats()})")
        if file.exists() and not file.is_file():
            raise MeshError(f"{file}: not a regular file; give a mesh file ({_formats()})")
        if file.exists() and file.suffix.lower() not in READERS:
            raise MeshError(f"{file}: {file.suffix or 'no suffix'} is not a mesh format pmsl reads; readable are {_formats()}")
        with file.open("rb") as opened:
            found = os.fstat(opened.fileno())
            if found.st_size == 0:
                raise MeshError(f"{file}: the file is empty (0 bytes); export or copy it again")
            data = opened.read(found.st_size)
            now = os.fstat(opened.fileno())
            if (len(data), now.st_size, now.st_mtime_ns) != (found.st_size, found.st_size, found.st_mtime_ns):
                raise MeshError(
                    f"{file}: was changed while it was read ({found.st_size} bytes, then {now.st_size}); wait until it is written whole"
                )
            return data
    except FileNotFoundError as error:
        raise MeshError(f"{file}: no such file; check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise MeshError(f"{str(file)!r}: cannot be read ({error}); check the path and the permissions") from error


def _formats() -> str:
    return ", ".join(READERS)


def _choose(file: Path, data: bytes, name: str) -> Reader:
    """Return the reader for the suffix, unless the content is plainly of another kind."""
    suffix = file.suffix.lower()
    content = {b"PK\x03\x04": ".3mf", b"ply\n": ".ply", b"ply\r": ".ply", b"glTF": ".glb"}.get(data[:4], suffix)
    if content != suffix:
        kind = {".3mf": "a zip archive, as 3MF files are", ".ply": "a PLY file", ".glb": "a binary glTF file"}[content]
        raise MeshError(f"{name}: named {suffix}, but its content is {kind}; if so, rename it to {content}")
    module, _, function = READERS[suffix].rpartition(".")
    reader: Reader = getattr(import_module(f"pmsl.mesh.{module}"), function)
    return reader
