"""What a laser draws in a layer, as a file of a native job: numbers of points of all lines, then their points, in one zlib stream.

Little-endian: of every line, group after group as job.json lists them, how many points it has (uint32), then x and y of all points
(float64, µm). The numbers of lines and points of each group stand in job.json.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np

from pmsl.errors import JobError
from pmsl.job.drawing import Drawing, DrawnLines, Kind
from pmsl.profiles.printer import Positive
from pmsl.profiles.tables.strict_struct import Strict

MOST_POINTS = 1 << 26  # of a layer
Many = Annotated[int, msgspec.Meta(ge=1, le=MOST_POINTS)]


class DrawnLinesDoc(Strict, frozen=True, kw_only=True):
    """Lines of one kind, drawn with one power at the resin and one speed; how many they are, and how many points they have."""

    kind: Kind
    power_mw: Positive
    speed_um_s: Positive
    lines: Many
    points: Many


class DrawingDoc(Strict, frozen=True, kw_only=True):
    """What a laser draws instead of a picture: `file` is a path inside the job, `groups` what it holds, in the order it is drawn."""

    file: str
    file_sha256: str
    w0_um: Positive
    groups: list[DrawnLinesDoc]


def group_docs(drawing: Drawing) -> list[DrawnLinesDoc]:
    """Return what job.json says of a drawing."""
    return [
        DrawnLinesDoc(kind=g.kind, power_mw=g.power_mw, speed_um_s=g.speed_um_s, lines=len(g), points=len(g.points_um))
        for g in drawing.groups
    ]


def encode(drawing: Drawing) -> bytes:
    """Return the bytes of the file of a drawing."""
    counts = [np.diff(group.start).astype("<u4").tobytes() for group in drawing.groups]
    points = [group.points_um.astype("<f8").tobytes() for group in drawing.groups]
    return zlib.compress(b"".join(counts + points), 6)


def decode(data: bytes, doc: DrawingDoc, where: str) -> Drawing:
    """Read the file of a drawing; raises `JobError` where it is not what job.json says of it."""
    lines, points = sum(g.lines for g in doc.groups), sum(g.points for g in doc.groups)
    size = 4 * lines + 16 * points
    if points > MOST_POINTS:
        raise JobError(f"{where}: {points} points of lines, at most {MOST_POINTS} of a layer are read; the job is damaged")
    unpack = zlib.decompressobj()
    try:
        raw = unpack.decompress(data, size + 1)
    except zlib.error as err:
        raise JobError(f"{where}: cannot be unpacked ({err}); it is damaged") from err
    if len(raw) != size or not unpack.eof or unpack.unused_data:
        raise JobError(f"{where}: does not hold the {lines} lines and {points} points that job.json says; it is damaged")
    counts, xy = np.frombuffer(raw, "<u4", lines).astype(np.int64), np.frombuffer(raw, "<f8", 2 * points, 4 * lines).reshape(-1, 2)
    if not np.isfinite(xy).all():
        raise JobError(f"{where}: a point of a line is no number; it is damaged")
    return Drawing(doc.w0_um, tuple(_groups(doc.groups, counts, xy.astype(np.float64), where)))


def _groups(docs: Sequence[DrawnLinesDoc], counts: np.ndarray, xy: np.ndarray, where: str) -> list[DrawnLines]:
    out, line, point = [], 0, 0
    for doc in docs:
        start = np.concatenate([[0], np.cumsum(counts[line : line + doc.lines])])
        try:
            out.append(DrawnLines(doc.kind, doc.power_mw, doc.speed_um_s, xy[point : point + doc.points].copy(), start))
        except JobError as err:
            raise JobError(f"{where}: {err}; it is damaged") from err
        line, point = line + doc.lines, point + doc.points
    return out
