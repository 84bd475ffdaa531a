"""Whole exact frames in plain numpy, to hold the frames of any tool against.

Signed areas of a section's segments in closed form, float64. Where a row's winding leaves 0 and 1 (shells that overlap, open
edges) signed areas are not the union: such rows are made of 256 sub-scanlines of exact span ends, solid where the winding is
not 0, which is off by at most half a gray level of 255.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from exact import section
from meshes import RECORD

PIXELS_AT_ONCE = 2_000_000
FEW, MANY = 32, 256  # sub-scanlines a row: to see what the winding does, and to stand in for the area
PARTLY = 0.01  # gray levels: less is a face on a pixel's side, as exact as the file's float32


@dataclass(frozen=True)
class Raster:
    """Pixels of a field whose lower corner is at x = y = 0."""

    nx: int
    ny: int
    pitch_um: float


def triangles_um(path: Path) -> np.ndarray:
    """Return the corners of a binary STL in mm, (F, 3, 3) [µm]."""
    count = np.fromfile(path, "<u4", 1, offset=80)[0]
    return 1000.0 * np.fromfile(path, RECORD, count, offset=84)["corners"].astype(np.float64)


def bands(raster: Raster) -> list[tuple[int, int]]:
    """Split the rows so that a band stays small."""
    step = max(1, PIXELS_AT_ONCE // raster.nx)
    return [(r, min(r + step, raster.ny)) for r in range(0, raster.ny, step)]


def section_px(triangles: np.ndarray, z_um: float, raster: Raster) -> np.ndarray:
    """Cut triangles at a plane: (S, 2, 2) segments in pixels, solid on the left."""
    z = triangles[:, :, 2]
    return section(triangles[(z.min(axis=1) < z_um) & (z.max(axis=1) >= z_um)], z_um) / raster.pitch_um


def coverage(segments: np.ndarray, rows: tuple[int, int], nx: int) -> np.ndarray:
    """Return the covered area of every pixel of rows [first, last), row 0 at the smallest y."""
    near = segments[(segments[:, :, 1].max(axis=1) > rows[0]) & (segments[:, :, 1].min(axis=1) < rows[1])]
    area = _signed_area(_clipped(near, rows), rows, nx)
    line, _, after, sign = _crossings(near, rows, FEW)
    odd = np.zeros(len(area), bool)
    odd[line[(after < 0) | (after > 1) | (after - sign < 0)] // FEW] = True
    odd |= ((area < -1e-6) | (area > 1.0 + 1e-6)).any(axis=1) | (np.abs(area[:, -1]) > 1.0 - 1e-6)
    for row in np.flatnonzero(odd):
        area[row] = _spans(near, (rows[0] + row, rows[0] + row + 1), nx)
    return np.clip(area, 0.0, 1.0)


def _clipped(segments: np.ndarray, rows: tuple[int, int]) -> np.ndarray:
    """Cut segments to what lies between two heights."""
    a, d = segments[:, 0], segments[:, 1] - segments[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.sort((np.array(rows)[None] - a[:, 1:]) / d[:, 1:], axis=1).clip(0.0, 1.0)
    t[d[:, 1] == 0.0] = (0.0, 1.0)
    out = a[:, None] + t[:, :, None] * d[:, None]
    out[:, :, 1] = out[:, :, 1].clip(*rows)
    return out


def _signed_area(segments: np.ndarray, rows: tuple[int, int], nx: int) -> np.ndarray:
    """Add up what each piece of a segment within one pixel leaves on that pixel and on those right of it."""
    which, t = _cuts(segments)
    end = np.append(t[1:], 1.0)
    end[np.append(which[1:] != which[:-1], True)] = 1.0
    a, d = segments[which, 0], (segments[:, 1] - segments[:, 0])[which]
    middle = a + (0.5 * (t + end))[:, None] * d
    height = (end - t) * -d[:, 1]  # a segment that goes down has its solid on the right
    row = np.clip(np.floor(middle[:, 1]).astype(np.int64) - rows[0], 0, rows[1] - rows[0] - 1)
    x = np.clip(middle[:, 0], 0.0, nx)  # what lies left of the field covers from column 0
    col = np.floor(x).astype(np.int64)
    at = row * (nx + 2) + col
    size = (rows[1] - rows[0]) * (nx + 2)
    own = height * (col + 1 - x)
    change = np.bincount(at, own, size) + np.bincount(at + 1, height - own, size)
    return change.reshape(-1, nx + 2).cumsum(axis=1)[:, :nx]


def _cuts(segments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (segment, parameter) of the start of every piece between whole x and y, in order."""
    which, cuts = [np.arange(len(segments))], [np.zeros(len(segments))]
    for axis in (0, 1):
        a, b = segments[:, 0, axis], segments[:, 1, axis]
        first = np.floor(np.minimum(a, b)).astype(np.int64) + 1
        many = np.maximum(np.ceil(np.maximum(a, b)).astype(np.int64) - first, 0)
        of, whole = _expanded(first, many)
        which.append(of)
        cuts.append((whole - a[of]) / (b - a)[of])
    which, cuts = np.concatenate(which), np.concatenate(cuts)
    order = np.lexsort((cuts, which))
    return which[order], cuts[order]


def _expanded(first: np.ndarray, many: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (index, number) of first[i], first[i] + 1, ... many[i] of them, for all i."""
    of = np.repeat(np.arange(len(many)), many)
    return of, np.arange(len(of)) - np.repeat(many.cumsum() - many, many) + first[of]


def _crossings(segments: np.ndarray, rows: tuple[int, int], per_row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return line, x, winding after, and its change, of every crossing of sub-scanlines, in order of line and x."""
    a, b = segments[:, 0], segments[:, 1]
    low, high = (np.ceil((f(a[:, 1], b[:, 1]) - rows[0]) * per_row - 0.5) for f in (np.minimum, np.maximum))
    lines = (rows[1] - rows[0]) * per_row
    low, high = (v.clip(0, lines).astype(np.int64) for v in (low, high))
    of, line = _expanded(low, high - low)
    y = rows[0] + (line + 0.5) / per_row
    x = a[of, 0] + (y - a[of, 1]) / (b - a)[of, 1] * (b - a)[of, 0]
    sign = np.where(b[of, 1] < a[of, 1], 1, -1)
    order = np.lexsort((x, line))
    line, x, sign = line[order], x[order], sign[order]
    after = sign.cumsum()
    starts = np.flatnonzero(np.diff(line, prepend=-1))
    after -= np.repeat(after[starts] - sign[starts], np.diff(starts, append=len(line)))  # an open line leaves nothing to the next
    return line, x, after, sign


def _spans(segments: np.ndarray, rows: tuple[int, int], nx: int) -> np.ndarray:
    """Return one row's covered area from the spans of many sub-scanlines whose winding is not 0."""
    _, x, after, sign = _crossings(segments, rows, MANY)
    edge = np.where((after - sign == 0) & (after != 0), 1.0, np.where((after == 0) & (after - sign != 0), -1.0, 0.0)) / MANY
    x = np.clip(x, 0.0, nx)
    col = np.floor(x).astype(np.int64)
    own = edge * (col + 1 - x)
    return (np.bincount(col, own, nx + 2) + np.bincount(col + 1, edge - own, nx + 2)).cumsum()[:nx]


def errors(
    exact: Callable[[tuple[int, int]], np.ndarray], frames: Sequence[np.ndarray], rows: Sequence[tuple[int, int]]
) -> list[tuple[float, float, int]]:
    """Hold 8-bit frames (row 0 at the smallest y) against exact rows.

    Returns
    -------
    list of (float, float, int)
        For each frame: the largest error [gray levels of 255], the sum of squares over pixels partly covered, their number.
    """
    worst, squares, count = np.zeros(len(frames)), np.zeros(len(frames)), 0
    for band in rows:
        wanted = 255.0 * exact(band)
        partly = (wanted > PARTLY) & (wanted < 255.0 - PARTLY)
        count += int(partly.sum())
        for i, frame in enumerate(frames):
            off = np.abs(frame[slice(*band)] - wanted)
            worst[i] = max(worst[i], off.max())
            squares[i] += (off[partly] ** 2).sum()
    return [(float(w), float(s), count) for w, s in zip(worst, squares, strict=True)]


def summed(told: Sequence[list[tuple[float, float, int]]]) -> list[tuple[float, float]]:
    """Return the largest and the RMS error of each frame's tool over several layers of `errors`."""
    tools = list(zip(*told, strict=True))
    return [(max(w for w, _, _ in one), float(np.sqrt(sum(s for _, s, _ in one) / max(sum(n for _, _, n in one), 1)))) for one in tools]
