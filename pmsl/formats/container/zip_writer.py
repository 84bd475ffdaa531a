"""A zip, written from front to end: the bytes are those that `zipfile` writes.

`zipfile` comes back to the head of every member: it goes to the system seven times for one, and each time lets other threads have the
interpreter's lock. Here sizes and checksums are known before a head is written.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from zipfile import ZipInfo

ZIP64 = (1 << 31) - 1  # sizes and places beyond need the longer form
MOST_MEMBERS = (1 << 16) - 1  # in the shorter form
NEEDS_64 = 45  # version of zip that knows the longer form
UTF8 = 0x800  # flag of a name outside ASCII
MEMBER = "<4s4B4HL2L5H2L"
END, END_64, END_64_PLACE = "<4s4H2LH", "<4sQ2H2L4Q", "<4sLQL"


class ZipWriter:
    """Writes members one after the other, then their directory; `file` is at its beginning, and is left open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members: list[ZipInfo] = []
        self._at = 0

    def add(self, member: ZipInfo, data: bytes | bytearray) -> None:
        """Write a member, stored or deflated as `member` says; its sizes, checksum and place are filled in."""
        member.file_size, member.CRC = len(data), zlib.crc32(data)
        if member.compress_type:
            packer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -15)
            data = packer.compress(data) + packer.flush()
        member.compress_size, member.header_offset = len(data), self._at
        head = member.FileHeader(zip64=member.file_size * 1.05 > ZIP64)  # as much as deflating may add
        self._file.write(head)
        self._file.write(data)
        self._at += len(head) + len(data)
        self._members.append(member)

    def close(self) -> None:
        """Write the directory."""
        start = self._at
        for member in self._members:
            self._write(_entry(member))
        count, size = len(self._members), self._at - start
        if count > MOST_MEMBERS or start > ZIP64 or size > ZIP64:
            place = self._at
            self._write(struct.pack(END_64, b"PK\6\6", 44, NEEDS_64, NEEDS_64, 0, 0, count, count, size, start))
            self._write(struct.pack(END_64_PLACE, b"PK\6\7", 0, place, 1))
        few, short, near = min(count, 0xFFFF), min(size, 0xFFFFFFFF), min(start, 0xFFFFFFFF)
        self._write(struct.pack(END, b"PK\5\6", 0, 0, few, few, short, near, 0))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._at += len(data)


def _entry(member: ZipInfo) -> bytes:
    """Return the entry of a member in the directory."""
    sizes, place, long = (member.compress_size, member.file_size), member.header_offset, list[int]()
    if max(sizes) > ZIP64:
        long, sizes = [member.file_size, member.compress_size], (0xFFFFFFFF, 0xFFFFFFFF)
    if place > ZIP64:
        long, place = [*long, place], 0xFFFFFFFF
    extra = struct.pack(f"<HH{len(long)}Q", 1, 8 * len(long), *long) if long else b""
    least = NEEDS_64 if long else 0
    year, month, day, hour, minute, second = member.date_time
    name, flag = member.filename.encode(), 0 if member.filename.isascii() else UTF8
    head = struct.pack(
        MEMBER,
        b"PK\1\2",
        max(least, member.create_version),
        member.create_system,
        max(least, member.extract_version),
        0,
        flag,
        member.compress_type,
        hour << 11 | minute << 5 | second // 2,
        year - 1980 << 9 | month << 5 | day,
        member.CRC,
        *sizes,
        len(name),
        len(extra),
        0,  # no comment
        0,  # all on one disk
        member.internal_attr,
        member.external_attr,
        place,
    )
    return head + name + extra
