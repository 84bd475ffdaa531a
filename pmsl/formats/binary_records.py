"""Files of fixed records: their layout, reading with every length held against the file's own, writing and reading back."""

from __future__ import annotations

import hashlib
import math
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pmsl.errors import JobError, OutputError
from pmsl.formats.container import read_limits

Read = Callable[[int, int, str], bytes]


class BinaryRecord:
    """Named fields one after another, no gaps.

    Parameters
    ----------
    order : {">", "<"}
        Of the bytes of each number.
    fields : str
        ``name:code`` with `struct`'s codes B, H, I and f, blanks between; ``32s`` is text, filled up with zeros.
    """

    def __init__(self, order: str, fields: str) -> None:
        pairs = [field.split(":") for field in fields.split()]
        self.names = [name for name, _ in pairs]
        self._texts = {name for name, code in pairs if code.endswith("s")}
        self._floats = [name for name, code in pairs if code == "f"]
        self._struct = struct.Struct(order + "".join(code for _, code in pairs))
        self.size = self._struct.size
        kinds = {"B": "u1", "H": "u2", "I": "u4", "f": "f4"}
        self._dtype = np.dtype([(name, f"S{code[:-1]}" if code.endswith("s") else order + kinds[code]) for name, code in pairs])

    def pack(self, **values: Any) -> bytes:
        """Return the bytes of a record; fields that are not given are zero.

        Raises
        ------
        OutputError
            A number its field cannot hold.
        """
        unknown = set(values) - set(self.names)
        if unknown:
            raise TypeError(f"no field {sorted(unknown)}")
        row = [values.get(name, b"" if name in self._texts else 0) for name in self.names]
        try:
            return self._struct.pack(*row)
        except (struct.error, OverflowError) as err:
            raise OutputError(f"a number does not fit its field ({err}); this format cannot hold the job, choose another") from err

    def unpack(self, data: bytes, where: str) -> dict[str, Any]:
        """Return the fields of a record; `JobError` for a float that is not finite."""
        values = dict(zip(self.names, self._struct.unpack(data), strict=True))
        if not all(math.isfinite(values[name]) for name in self._floats):
            self.table(data, where)  # says which
        return values

    def table(self, data: bytes | bytearray, where: str) -> np.ndarray:
        """Return the fields of records one after another as a structured array; `JobError` for a float that is not finite."""
        rows = np.frombuffer(data, self._dtype)
        for name in self._floats:
            wrong = np.flatnonzero(~np.isfinite(rows[name]))
            if wrong.size:
                record = f" of record {wrong[0]}" if len(rows) > 1 else ""
                raise JobError(f"{where}: {name}{record} is {rows[name][wrong[0]]}; the file is damaged, copy or slice it again")
        return rows


class ChunkReader:
    """A file read piece by piece, from any thread; it is open only while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.size = os.stat(path).st_size
        except OSError as err:
            raise JobError(f"{path}: cannot be read ({err.strerror or err})") from err

    def read(self, at: int, size: int, what: str) -> bytes:
        """Return `size` bytes from offset `at`; raises `JobError` where they are not all inside the file, or it cannot be read."""
        with self.reading() as read:
            return read(at, size, what)

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """Give `read` for many pieces of the file, opened once."""
        try:
            with open(self.path, "rb") as file:

                def read(at: int, size: int, what: str) -> bytes:
                    if at < 0 or size < 0 or at + size > self.size:
                        raise JobError(
                            f"{self.path}: {what} would lie at bytes {at} to {at + size}, the file has {self.size}; "
                            "it is cut off or damaged, copy or slice it again"
                        )
                    if size > read_limits.FILE:
                        raise JobError(f"{self.path}: {what} takes {size} bytes, at most {read_limits.FILE} are read; the file is damaged")
                    file.seek(at)
                    data = file.read(size)
                    if len(data) != size:
                        raise JobError(f"{self.path}: became shorter while it was read; copy it again")
                    return data

                yield read
        except OSError as err:
            raise JobError(f"{self.path}: cannot be read ({err.strerror or err})") from err


class Draft:
    """A file written piece by piece, some places a second time, and read back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end = 0
        self._hashes: dict[int, tuple[int, bytes]] = {}  # offset → size, hash
        self._file = open(path, "wb")  # noqa: SIM115  (closed by __exit__)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, data: bytes) -> int:
        """Write at the end; return the offset."""
        at = self.end
        self.put(at, data)
        return at

    def put(self, at: int, data: bytes) -> None:
        """Write at an offset: the end, or where a piece of that size begins already."""
        self._file.seek(at)
        self._file.write(data)
        self._hashes[at] = len(data), hashlib.sha256(data).digest()
        self.end = max(self.end, at + len(data))

    def check(self) -> None:
        """Read everything back; raises `JobError` where it is not what was written."""
        self._file.flush()
        with ChunkReader(self.path).reading() as read:
            for at, (size, digest) in self._hashes.items():
                if hashlib.sha256(read(at, size, "what was written")).digest() != digest:
                    raise JobError(f"{self.path}: what was read back is not what was written; the disk is not to be trusted")


def text(value: str, size: int) -> bytes:
    """Return `value` as ASCII that leaves room for a zero in a field of `size` bytes; other letters become question marks."""
    return value.encode("ascii", "replace")[: size - 1]


def text_of(field: bytes) -> str:
    """Return the text of a field, up to its first zero."""
    return field.split(b"\0")[0].decode("ascii", "replace")


def decimals(values: np.ndarray) -> np.ndarray:
    """Return float64 of the shortest decimals that 32-bit floats stand for: 0.01 for the float next to it."""
    return np.array([float(str(v)) for v in np.asarray(values, np.float32).reshape(-1)], np.float64)
