"""A job's files as a folder or as a zip: two sinks, two sources, same names inside."""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Protocol

from pmsl.core.parallel import ordered_map
from pmsl.errors import JobError

ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed: the same job is the same bytes on any day
MOST_MEMBERS = 1 << 18
DIRECTORY = 1 << 25  # bytes of a zip's directory: each of its entries costs ten times its size in memory
RATIO, FREE = 64, 1 << 24  # what a member without a limit of its own may unpack to: so many times its size, or so many bytes
END, LOCATOR, END64 = 22, 20, 56  # bytes of a zip's end records
TEXT = 6 << 20  # bytes a table of any job may have (as objects it takes 25 times as much),
TEXT_A_MEMBER = 1 << 12  # and beside these for every file of the job


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

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return the bytes of one file; raises `JobError` where it is missing, damaged, or has more than `limit` bytes."""

    def text(self, name: str) -> bytes:
        """Return the bytes of a table that describes the job; how many it may have grows with the number of files."""


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
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True)

    def add(self, name: str, data: bytes) -> None:
        """Write one member with a fixed date and fixed attributes."""
        info = zipfile.ZipInfo(name, ZIP_DATE)
        info.create_system = 3  # the same bytes on Windows
        info.external_attr = 0o644 << 16
        if name.endswith((".json", ".ply", ".ini")):
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

    def text(self, name: str) -> bytes:
        """Return the bytes of a table; on a disk it is as large as it looks."""
        return self.read(name)

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return the bytes of one file."""
        inside(name)
        path = self._folder / name
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            raise JobError(f"{path}: is no ordinary file; the job was tampered with")
        try:
            if limit is not None and os.path.getsize(path) > limit:
                raise _too_large(str(path), name, os.path.getsize(path), limit)
            return path.read_bytes()
        except OSError as err:
            raise JobError(
                f"{self._folder / name}: cannot be read ({err.strerror or err}); the job is not whole, copy or slice it again"
            ) from err


class ZipSource:
    """Reads a zip, also from several threads; a hostile one costs no more memory than the limits above."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # zipfile counts its open members without one
        try:
            _check_directory(path)
            self._zip = zipfile.ZipFile(path)
        except JobError:
            raise
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as err:
            raise JobError(f"{path}: not a whole zip ({err}); copy or slice it again") from err
        seen: set[str] = set()
        for name in self._zip.namelist():
            if name.casefold() in seen:
                raise JobError(f"{path}: holds {name} twice; the job was tampered with")
            seen.add(name.casefold())

    def names(self) -> set[str]:
        """Every member that is a file."""
        return {name for name in self._zip.namelist() if not name.endswith("/")}

    def text(self, name: str) -> bytes:
        """Return the bytes of a table."""
        inside(name)
        packed = self._zip.NameToInfo[name].compress_size if name in self._zip.NameToInfo else 0
        return self.read(name, max(TEXT + TEXT_A_MEMBER * len(self._zip.filelist), 2 * packed))

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return the bytes of one member; the zip's own CRC is checked on the way."""
        inside(name)
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            raise JobError(f"{self._path}: {name} is missing; the job is not whole, copy or slice it again") from None
        most = max(FREE, RATIO * info.compress_size) if limit is None else limit
        if info.file_size > most:
            raise _too_large(str(self._path), name, info.file_size, most)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise JobError(f"{self._path}: {name} is compressed in a way ({info.compress_type}) that no job is; the job was tampered with")
        try:
            with self._lock:
                return self._zip.read(name)  # never more than file_size
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error) as err:
            raise JobError(f"{self._path}: {name} cannot be read ({err}); the job is damaged, copy or slice it again") from err


def frame_limit(shape: tuple[int, int]) -> int:
    """Return how many bytes the PNG of a frame of (rows, cols) may have: its pixels, stored without compression, and a little."""
    pixels = shape[0] * (shape[1] + 1)
    return pixels + pixels // 1000 + (1 << 20)


def _too_large(where: str, name: str, size: int, limit: int) -> JobError:
    return JobError(f"{where}: {name} has {size} bytes, at most {limit} fit this job; it was tampered with")


def _check_directory(path: Path) -> None:
    """Refuse a zip whose directory would take too much memory, before it is read.

    The end record is looked for as zipfile does it: without a comment at the very end, else the last one within 64 KiB.
    """
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        reach = min(size, END + (1 << 16) + LOCATOR + END64)
        file.seek(size - reach)
        tail = file.read(reach)
    at = len(tail) - END if tail[-END : -END + 4] == b"PK\5\6" and tail[-2:] == b"\0\0" else tail.rfind(b"PK\5\6")
    if at < 0 or at + END > len(tail):
        raise JobError(f"{path}: not a whole zip (its directory is missing); copy or slice it again")
    members, table = struct.unpack_from("<HI", tail, at + 10)
    wide = tail.rfind(b"PK\6\6", 0, at)
    if tail[max(0, at - LOCATOR) : at][:4] == b"PK\6\7" and wide >= 0 and wide + END64 <= len(tail):
        members, table = struct.unpack_from("<QQ", tail, wide + 32)
    if members > MOST_MEMBERS or table > DIRECTORY:
        raise JobError(f"{path}: a zip of {members} files, its directory of {table} bytes; at most {MOST_MEMBERS} and {DIRECTORY} are read")


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


def check_written(source: Source, hashes: dict[str, str], threads: int) -> None:
    """Read every file back before the job gets its name."""

    def same(name: str) -> bool:
        return hashlib.sha256(source.read(name)).hexdigest() == hashes[name]

    for name, sound in zip(hashes, ordered_map(same, hashes, threads), strict=True):
        if not sound:
            raise JobError(f"{name}: what was read back is not what was written; the disk is not to be trusted")
