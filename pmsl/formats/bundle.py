"""A job's files as a folder or as a zip: two sinks, two sources, same names inside."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Protocol

from pmsl.errors import JobError

ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed: the same job is the same bytes on any day


class Sink(Protocol):
    """Where a job's files are written."""

    any_thread: bool
    """Whether files may be added from any thread, in any order."""

    def add(self, name: str, data: bytes) -> None:
        """Write one file."""

    def close(self) -> None:
        """Finish."""


class Source(Protocol):
    """Where a job's files are read."""

    def names(self) -> set[str]:
        """Every file inside, with `/` between folders."""

    def read(self, name: str) -> bytes:
        """Return the bytes of one file; raises `JobError` where it is missing or damaged."""


class FolderSink:
    """Writes into a folder that exists."""

    any_thread = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[str] = set()

    def add(self, name: str, data: bytes) -> None:
        """Write one file, making its folder when it is the first in it."""
        folder = os.path.dirname(name)
        if folder not in self._made:
            os.makedirs(self._folder / folder, exist_ok=True)
            self._made.add(folder)
        with open(os.path.join(self._folder, name), "wb") as file:
            file.write(data)

    def close(self) -> None:
        """Nothing is left to do."""


class ZipSink:
    """Writes a zip; members are stored, their bytes are compressed already."""

    any_thread = False

    def __init__(self, path: Path) -> None:
        import zipfile

        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True)

    def add(self, name: str, data: bytes) -> None:
        """Write one member with a fixed date and fixed attributes."""
        import zipfile

        info = zipfile.ZipInfo(name, ZIP_DATE)
        info.create_system = 3  # the same bytes on Windows
        info.external_attr = 0o644 << 16
        if name.endswith((".json", ".ply")):
            info.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(info, data)

    def close(self) -> None:
        """Write the zip's directory."""
        self._zip.close()


class FolderSource:
    """Reads a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        """Every file below the folder."""
        return {p.relative_to(self._folder).as_posix() for p in self._folder.rglob("*") if p.is_file()}

    def read(self, name: str) -> bytes:
        """Return the bytes of one file."""
        inside(name)
        path = self._folder / name
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            raise JobError(f"{path}: is no ordinary file; the job was tampered with")
        try:
            return path.read_bytes()
        except OSError as err:
            raise JobError(
                f"{self._folder / name}: cannot be read ({err.strerror or err}); the job is not whole, copy or slice it again"
            ) from err


class ZipSource:
    """Reads a zip, also from several threads."""

    def __init__(self, path: Path) -> None:
        import zipfile

        self._path = path
        self._lock = threading.Lock()  # zipfile counts its open members without one
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as err:
            raise JobError(f"{path}: not a whole zip ({err}); copy or slice it again") from err
        seen: set[str] = set()
        for name in self._zip.namelist():
            if name.casefold() in seen:
                raise JobError(f"{path}: holds {name} twice; the job was tampered with")
            seen.add(name.casefold())

    def names(self) -> set[str]:
        """Every member that is a file."""
        return {name for name in self._zip.namelist() if not name.endswith("/")}

    def read(self, name: str) -> bytes:
        """Return the bytes of one member; the zip's own CRC is checked on the way."""
        import zipfile

        inside(name)
        try:
            with self._lock:
                return self._zip.read(name)
        except KeyError:
            raise JobError(f"{self._path}: {name} is missing; the job is not whole, copy or slice it again") from None
        except (OSError, zipfile.BadZipFile, zipfile.zlib.error, EOFError, NotImplementedError, RuntimeError) as err:  # type: ignore[attr-defined]
            raise JobError(f"{self._path}: {name} cannot be read ({err}); the job is damaged, copy or slice it again") from err


def inside(name: str) -> None:
    """Refuse a path that leaves the job."""
    if name.startswith("/") or any(c in name for c in "\\:\0") or ".." in name.split("/"):
        raise JobError(f"{name!r} is no path inside a job; the job was tampered with")


def open_source(path: Path) -> Source:
    """Open a job folder or zip.

    Raises
    ------
    JobError
        Nothing is there, or it holds no job.json.
    """
    if not os.path.exists(path):
        raise JobError(f"{path}: no such file or folder, or no permission to look; give a job folder or a job .zip")
    source: Source = FolderSource(path) if os.path.isdir(path) else ZipSource(path)
    if "job.json" not in source.names():
        raise JobError(f"{path}: no job.json in it, so it is no pmsl job")
    return source
