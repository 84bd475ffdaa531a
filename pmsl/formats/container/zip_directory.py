"""How many files does a zip say that it has? Asked before its directory is read."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from pmsl.errors import JobError
from pmsl.formats.container import read_limits

END, LOCATOR, END64 = 22, 20, 56  # bytes of a zip's end records
ENTRY = b"PK\1\2"  # what every entry of a zip's directory begins with


def check_directory(path: Path) -> None:
    """Refuse a zip whose directory would take too much memory, before it is read; its entries are counted, what it says of them may lie.

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
        if table <= read_limits.DIRECTORY:
            before = min(size, table + reach)
            file.seek(size - before)
            members = max(members, file.read(before).count(ENTRY))
    if members > read_limits.MEMBERS or table > read_limits.DIRECTORY:
        most = f"at most {read_limits.MEMBERS} and {read_limits.DIRECTORY} are read"
        raise JobError(f"{path}: a zip of {members} files, its directory of {table} bytes; {most}")
