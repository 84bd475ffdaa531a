"""What a job is made of, as one hash; and what lies at its target, as another."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import msgspec

from pmsl.errors import MeshError
from pmsl.formats import registry
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.version import __version__

ELSEWHERE = (
    "meshes",
    "out",
    "force",
    "threads",
    "preview",
    "printer",
    "resin",
    "process",
    "copies",
    "region",
    "regions",
    "processes",
    "scheduler",
)  # no bytes depend on them, or they come resolved
BLOCK = 1 << 20


class FileHashes:
    """Hashes of mesh files; each is read once as long as its size and time stay."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], str]] = {}

    def of(self, path: str) -> str:
        """Return the sha256 of a file; raises `MeshError` where it cannot be read."""
        try:
            seen = _stamp(path)
            known = self._known.get(path)
            if known is None or known[0] != seen:
                with open(path, "rb") as file:
                    known = seen, hashlib.file_digest(file, "sha256").hexdigest()
                self._known[path] = known
        except OSError as err:
            raise MeshError(f"{path}: cannot be read ({err.strerror or err}); check the name of the mesh") from err
        return known[1]

    def unchanged(self, path: str) -> bool:
        """Tell whether a file is still the one that was read."""
        try:
            return path in self._known and self._known[path][0] == _stamp(path)
        except OSError:
            return False


def _stamp(path: str) -> tuple[int, int, int]:
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
        raise OSError(errno.EINVAL, "is no ordinary file", path)
    return found.st_size, found.st_mtime_ns, found.st_ino


def identity(request: SliceRequest, files: FileHashes) -> str:
    """Return a hash of all that the bytes of a job depend on: meshes, profiles as resolved, options, version.

    Raises
    ------
    PmslError
        A mesh or profile that cannot be read, an option that is none.
    """
    options = {key: value for key, value in msgspec.structs.asdict(request).items() if key not in ELSEWHERE}
    facts: dict[str, Any] = {
        "version": __version__,
        "options": options,
        "format": [registry.choose(Path(request.out), request.format), Path(request.out).suffix.lower()],
        "profiles": list(request.profiles()),
        "copies": msgspec.to_builtins(request.layout().copies),
        "meshes": [[Path(mesh).name, files.of(mesh)] for mesh in request.meshes],
    }
    if regions := request.region_tables():
        facts["regions"] = [[msgspec.structs.replace(table, mesh=Path(table.mesh).name), files.of(table.mesh)] for table in regions]
    return hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()


def read_of(request: SliceRequest) -> list[str]:
    """Return the mesh files that an order reads, those of regions included."""
    return [*request.meshes, *(table.mesh for table in request.region_tables())]


def fingerprint(path: Path) -> str:
    """Return a hash of what lies at a target, cheap for folders: names and sizes, and the bytes of job.json, which has every frame's hash.

    Nothing there gives an empty text.
    """
    digest = hashlib.sha256()
    try:
        if path.is_symlink():
            return "link"
        if path.is_file():
            with open(path, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        for folder, inner, names in os.walk(path, onerror=_stop):
            inner.sort()
            for name in sorted(names):
                place = os.path.join(folder, name)
                digest.update(f"{os.path.relpath(place, path)}\0{os.path.getsize(place)}\n".encode("utf-8", "surrogateescape"))
        if (path / "job.json").is_file():
            digest.update((path / "job.json").read_bytes())
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _stop(err: OSError) -> None:
    raise err
