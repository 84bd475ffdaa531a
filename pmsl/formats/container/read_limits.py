"""What a file may cost its reader: limits that hold for any file, however it was made. Errors name them.

A hostile file is small and unpacks to much, or says that it is large. What a file of a zip may unpack to grows with what it
takes there, up to a fixed end: a small zip costs less than 200 MB beside itself, the largest a gigabyte or two.
"""

from __future__ import annotations

from pmsl.core.grid import size_text
from pmsl.errors import JobError

MEMBERS = 1 << 18  # files of a zip: each takes 650 bytes of memory
DIRECTORY = 1 << 25  # bytes of a zip's directory
FILE = 1 << 31  # bytes of one file of a job, or of the data of a layer: a placed part of 25 million triangles
FREE = 1 << 24  # bytes a file of a zip may unpack to,
RATIO, UNPACKED = 256, 1 << 26  # or so many times what it takes, up to an end: tables of layers that are alike shrink that much
FOLDER = 1 << 36  # bytes of all placed parts of a folder: a file there may be empty on the disk
SURE = 16  # times what it takes, up to FILE
TABLE = 1 << 28  # bytes of a table that describes a job: 300 000 layers
TABLE_FREE, TABLE_A_MEMBER = 6 << 20, 1 << 12  # of one in a zip, and beside these for every file of the job
ITEMS = 1 << 23  # numbers, texts and tables in a table: each may take 120 bytes of memory
ITEMS_FREE, ITEMS_A_MEMBER, ITEMS_A_BYTE = 1 << 20, 64, 0.25  # of one in a zip, for every file of the job, and for every byte it takes
PIXELS = 1 << 30  # of a frame
TURNED_PIXELS = 1 << 27  # of a frame whose rows run along x: it is turned as a whole
RUNS = 1 << 25  # of equal pixels in a frame


def of_member(packed: int) -> int:
    """Return how many bytes a member that takes `packed` bytes of a zip may unpack to."""
    return min(max(FREE, min(RATIO * packed, UNPACKED), SURE * packed), FILE)


def of_table(packed: int, members: int) -> int:
    """Return how many bytes a table may have that takes `packed` bytes of a zip of so many members."""
    return min(max(TABLE_FREE + TABLE_A_MEMBER * members, min(RATIO * packed, UNPACKED)), TABLE)


def check_table(data: bytes, packed: int, members: int, where: str) -> None:
    """Refuse a table that holds more than it may, before it is taken apart: ``packed = 0`` for one that lies unpacked on a disk.

    Raises
    ------
    JobError
    """
    most = min(ITEMS_FREE + ITEMS_A_MEMBER * members + int(ITEMS_A_BYTE * packed), ITEMS) if packed else ITEMS
    found = data.count(b",") + data.count(b"[") + data.count(b"{")  # no fewer than there are: texts may hold some too
    if found > most:
        raise JobError(f"{where}: holds {found} numbers, texts and tables, at most {most} fit this job; it was tampered with")


def check_frame(shape: tuple[int, int], turned: bool, where: str) -> None:
    """Refuse frames of more pixels than are read; `turned`: their rows run along x.

    Raises
    ------
    JobError
    """
    most = TURNED_PIXELS if turned else PIXELS
    if shape[0] * shape[1] > most:
        how = ", whose rows run along x," if turned else ""
        raise JobError(f"{where}: frames{how} are {size_text(shape)} px, {shape[0] * shape[1]} in all; at most {most} are read")


def check_runs(many: int, where: str) -> None:
    """Refuse a frame of more runs of equal pixels than are read.

    Raises
    ------
    JobError
    """
    if many > RUNS:
        raise JobError(f"{where}: holds more than {RUNS} runs of equal pixels, the limit of one frame; it is noise, or was tampered with")


def too_large(where: str, name: str, size: int, limit: int) -> JobError:
    """Return the refusal of a file of more bytes than it may have."""
    return JobError(f"{where}: {name} has {size} bytes, at most {limit} fit this job; it was tampered with")
