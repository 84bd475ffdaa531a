"""A job's files as a folder or as a zip: two sinks, two sources, same names inside."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pmsl.core.parallel import ordered_map
from pmsl.errors import JobError
from pmsl.formats.container import read_limits
from pmsl.formats.container.zip_directory import check_directory
from pmsl.formats.container.zip_writer import ZipWriter

if TYPE_CHECKING:
    from zipfile import ZipInfo

ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed: the same job is the same bytes on any day
BUFFER = 1 << 20  # bytes of a zip that are written at a time
PIECE = 1 << 20  # bytes read at a time where only their hash is wanted


class Sink(Protocol):
    """Where a job's files are written."""

    any_thread: bool
    """Whether files may be added from any thread, in any order."""

    def add(self, name: str, data: bytes | bytearray) -> None:
        """Write one file."""

    def close(self) -> None:
        """Finish."""


class FileSource(Protocol):
    """Where a job's files are read."""

    def names(self) -> set[str]:
        """Every file inside, with `/` between folders."""

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return the bytes of one file; raises `JobError` where it is missing, damaged, or has more than `limit` bytes."""

    def text(self, name: str) -> bytes:
        """Return the bytes of a table that describes the job; how many it may have grows with the number of files."""

    def sha256(self, name: str) -> str:
        """Return the hash of one file, read a piece at a time; raises `JobError` as `read` does."""

    def size_bytes(self, name: str) -> int:
        """Return how many bytes a file has; raises `JobError` where it is missing or has more than it may."""

    def most_bytes(self) -> int:
        """Return how many bytes files beside frames may have together."""


class FolderSink:
    """Writes into a folder that exists."""

    any_thread = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[str] = set()

    def add(self, name: str, data: bytes | bytearray) -> None:
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
    """Writes a zip; members are stored, their bytes are compressed already, unless all are to be `deflated`."""

    any_thread = False

    def __init__(self, path: Path, deflated: bool = False) -> None:
        self._deflated = deflated
        self._file = open(path, "wb", buffering=BUFFER)  # noqa: SIM115 — closed with the zip
        self._zip = ZipWriter(self._file)

    def add(self, name: str, data: bytes | bytearray) -> None:
        """Write one member with a fixed date and fixed attributes."""
        import zipfile

        info = zipfile.ZipInfo(name, ZIP_DATE)
        info.create_system = 3  # the same bytes on Windows
        info.external_attr = 0o644 << 16
        if self._deflated or name.endswith((".json", ".ply", ".ini")):
            info.compress_type = zipfile.ZIP_DEFLATED
        self._zip.add(info, data)

    def close(self) -> None:
        """Write the zip's directory."""
        try:
            self._zip.close()
        finally:
            self._file.close()


class FolderSource:
    """Reads a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        """Every file below the folder."""
        found, below = set(), [""]
        while below:
            under = below.pop()
            with contextlib.suppress(PermissionError), os.scandir(self._folder / under) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        below.append(f"{under}{entry.name}/")
                    elif entry.is_file():
                        found.add(under + entry.name)
        return found

    def text(self, name: str) -> bytes:
        """Return the bytes of a table."""
        data = self.read(name, read_limits.TABLE)
        read_limits.check_table(data, 0, 0, str(self._folder / name))
        return data

    def sha256(self, name: str) -> str:
        """Return the hash of one file."""
        try:
            with open(self._ordinary(name), "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as err:
            raise self._unreadable(name, err) from err

    def size_bytes(self, name: str) -> int:
        """Return how many bytes a file has."""
        path = self._ordinary(name)
        try:
            if (size := os.path.getsize(path)) > read_limits.FILE:
                raise read_limits.too_large(str(path), name, size, read_limits.FILE)
            return size
        except OSError as err:
            raise self._unreadable(name, err) from err

    def most_bytes(self) -> int:
        """Return how many bytes files beside frames may have together: those of a folder, which unpacks nothing, all they have."""
        return read_limits.FOLDER

    def _ordinary(self, name: str) -> Path:
        """Return the path of a file; refuse what is none."""
        inside(name)
        path = self._folder / name
        try:
            ordinary = stat.S_ISREG(os.lstat(path).st_mode)  # one look for every file of a job
        except (OSError, ValueError):  # who opens it says what is wrong
            return path
        if not ordinary:
            raise JobError(f"{path}: is no ordinary file; the job was tampered with")
        return path

    def _unreadable(self, name: str, err: OSError) -> JobError:
        return JobError(f"{self._folder / name}: cannot be read ({err.strerror or err}); the job is not whole, copy or slice it again")

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return the bytes of one file."""
        path = self._ordinary(name)
        try:
            size, most = os.path.getsize(path), read_limits.FILE if limit is None else limit
            if size > most:
                raise read_limits.too_large(str(path), name, size, most)
            return path.read_bytes()
        except OSError as err:
            raise self._unreadable(name, err) from err


class ZipSource:
    """Reads a zip, also from several threads; a hostile one costs no more memory than the limits above."""

    def __init__(self, path: Path) -> None:
        import zipfile

        self._path = path
        self._lock = threading.Lock()  # zipfile counts its open members without one
        try:
            check_directory(path)
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
        info, members = self._member(name), len(self._zip.filelist)
        data = self._read(info, read_limits.of_table(info.compress_size, members))
        read_limits.check_table(data, info.compress_size, members, f"{self._path}/{name}")
        return data

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Return the bytes of one member; the zip's own CRC is checked on the way."""
        info = self._member(name)
        return self._read(info, min(read_limits.of_member(info.compress_size), read_limits.FILE if limit is None else limit))

    def _read(self, info: ZipInfo, most: int) -> bytes:
        if info.file_size > most:
            raise read_limits.too_large(str(self._path), info.filename, info.file_size, most)
        with self._damage_reported(info.filename):
            return self._zip.read(info.filename)  # never more than file_size

    def sha256(self, name: str) -> str:
        """Return the hash of one member."""
        self._member(name)
        found = hashlib.sha256()
        with self._damage_reported(name), self._zip.open(name) as member:
            while piece := member.read(PIECE):
                found.update(piece)
        return found.hexdigest()

    def size_bytes(self, name: str) -> int:
        """Return how many bytes a member unpacks to."""
        info = self._member(name)
        if info.file_size > (most := read_limits.of_member(info.compress_size)):
            raise read_limits.too_large(str(self._path), name, info.file_size, most)
        return info.file_size

    def most_bytes(self) -> int:
        """Return how many bytes members beside frames may have together: what the zip itself takes says it, as members may share bytes."""
        return max(read_limits.FREE, read_limits.RATIO * os.path.getsize(self._path))

    def _member(self, name: str) -> ZipInfo:
        """Return the entry of a member; refuse what no job has."""
        import zipfile

        inside(name)
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            raise JobError(f"{self._path}: {name} is missing; the job is not whole, copy or slice it again") from None
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise JobError(f"{self._path}: {name} is compressed in a way ({info.compress_type}) that no job is; the job was tampered with")
        return info

    @contextmanager
    def _damage_reported(self, name: str) -> Iterator[None]:
        """Hold the lock; turn what zipfile raises for damaged members into a `JobError`."""
        import zipfile

        try:
            with self._lock:
                yield
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error) as err:
            raise JobError(f"{self._path}: {name} cannot be read ({err}); the job is damaged, copy or slice it again") from err


def frame_limit(shape: tuple[int, int]) -> int:
    """Return how many bytes the PNG of a frame of (rows, cols) may have: its pixels, stored without compression, and a little."""
    pixels = shape[0] * (shape[1] + 1)
    return pixels + pixels // 1000 + (1 << 20)


def inside(name: str) -> None:
    """Refuse a path that leaves the job."""
    if name.startswith("/") or any(c in name for c in "\\:\0") or ".." in name.split("/"):
        raise JobError(f"{name!r} is no path inside a job; the job was tampered with")


def open_source(path: Path) -> FileSource:
    """Open a job folder or zip.

    Raises
    ------
    JobError
        Nothing is there, or it holds no job.json.
    """
    if not os.path.exists(path):
        raise JobError(f"{path}: no such file or folder, or no permission to look; give a job folder or a job .zip")
    source: FileSource = FolderSource(path) if os.path.isdir(path) else ZipSource(path)
    if "job.json" not in source.names():
        raise JobError(f"{path}: no job.json in it, so it is no pmsl job")
    return source


def check_written(source: FileSource, hashes: dict[str, str], threads: int) -> None:
    """Read every file back before the job gets its name."""

    def same(name: str) -> bool:
        return source.sha256(name) == hashes[name]

    for name, sound in zip(hashes, ordered_map(same, hashes, threads), strict=True):
        if not sound:
            raise JobError(f"{name}: what was read back is not what was written; the disk is not to be trusted")
