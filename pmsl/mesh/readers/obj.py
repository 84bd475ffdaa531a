"""Wavefront OBJ: the `v` and `f` lines, read by us.

trimesh is silent where it matters here: relative indices count from the end of the file instead of
from their line, faces of six corners pass for textured triangles, a `v` followed by a tab is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.readers.common import UNITS_UM, BadNumber, RawMesh, fan, parse_floats, plain_text, scale

# free-form geometry: a surface is lost when these are skipped
SURFACES = frozenset(b"surf curv curv2 cstype scrv bzp cdc cdp bsp res".split())
# appearance, grouping, points and lines: nothing is lost for a solid
HARMLESS = frozenset(
    b"vt vn vp p l o g s mg usemtl mtllib usemap maplib bevel c_interp d_interp lod shadow_obj trace_obj ctech stech".split()
)
LONGEST_INDEX = 18  # digits
TRUNCATING = 16  # offending lines named in a message


@dataclass(slots=True)
class _Lines:
    """What the lines of a file hold; the line numbers serve the messages."""

    corners: list[bytes] = field(default_factory=list)
    corner_lines: list[int] = field(default_factory=list)
    polygons: list[list[int]] = field(default_factory=list)
    polygon_lines: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)


def read_obj(data: bytes, name: str, unit: str) -> RawMesh:
    """Read an OBJ file; all objects and groups become one mesh.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        Name used in messages.
    unit : str
        Key of `UNITS_UM`.

    Returns
    -------
    RawMesh
        Vertices as in the file; polygons split into fans (n corners give n-2 triangles).

    Raises
    ------
    MeshError
        A coordinate that is no finite number, an index of 0 or out of range, a face of fewer than three corners,
        free-form surfaces, or no face at all; the message names the line.
    """
    text = plain_text(data, name)
    if b"\0" in text:
        raise MeshError(f"{name}: not an OBJ file: it holds NUL bytes, OBJ is text; export it again")
    lines = _Lines()
    for number, line in _logical_lines(text):
        words = line.split()
        if words:
            _parse_line(lines, words, number, name)
    if not lines.polygons:
        raise MeshError(f"{name}: no face in it ({len(lines.corner_lines)} vertices); nothing to slice; export it as a triangle mesh")
    vertices = _vertices(lines, name)
    _check_range(lines, len(vertices), name)
    faces = fan(lines.polygons).astype(np.int32)
    return RawMesh(vertices_um=scale(vertices, UNITS_UM[unit]), faces=faces, unit=unit, findings=_findings(lines, name))


def _logical_lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the first line, line), lines that end in a backslash joined with the next."""
    pending, first = b"", 0
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.endswith(b"\\"):
            pending, first = pending + line[:-1] + b" ", first or number
        elif pending:
            yield first, pending + line
            pending, first = b"", 0
        else:
            yield number, line
    if pending:
        yield first, pending


def _parse_line(lines: _Lines, words: list[bytes], number: int, name: str) -> None:
    """File one line under what it is."""
    key = words[0]
    if key == b"v":
        if len(words) < 4:
            raise MeshError(f"{name}: line {number}: a vertex of {len(words) - 1} coordinates; it needs 3; the file is damaged")
        lines.corners += words[1:4]
        lines.corner_lines.append(number)
    elif key == b"f" or key == b"fo":
        polygon = _polygon(words, len(lines.corner_lines), number, name)
        single = _one_round(polygon)
        if len(single) < len(polygon):
            lines.repeated.append(number)
        lines.polygons.append(single)
        lines.polygon_lines.append(number)
    elif key in SURFACES:
        raise MeshError(
            f"{name}: line {number}: free-form geometry ({key.decode()!r}) is not supported; export the part as a triangle mesh"
        )
    elif key not in HARMLESS and not key.startswith(b"#"):
        lines.unknown.append(number)


def _polygon(words: list[bytes], known: int, number: int, name: str) -> list[int]:
    """Return vertex indices from 0; a negative reference counts back from the vertices read so far."""
    polygon = []
    for word in words[1:]:
        if word.startswith(b"#"):
            break
        reference = word.partition(b"/")[0]
        if not reference.removeprefix(b"-").isdigit() or len(reference) > LONGEST_INDEX:
            shown = word[:40].decode("utf-8", "backslashreplace")
            raise MeshError(f"{name}: line {number}: {shown!r} is no vertex reference; the file is damaged; export it again")
        index = int(reference)
        if index == 0 or index < -known:
            raise MeshError(f"{name}: line {number}: vertex index {index} does not exist ({known} vertices so far, counted from 1)")
        polygon.append(index - 1 if index > 0 else known + index)
    if len(polygon) < 3:
        raise MeshError(f"{name}: line {number}: a face of {len(polygon)} corners; it needs 3; the file is damaged; export it again")
    return polygon


def _one_round(polygon: list[int]) -> list[int]:
    """Return one round of a polygon that runs the same round again and again."""
    n = len(polygon)
    if n < 6 or polygon.count(polygon[0]) == 1:
        return polygon
    for period in range(3, n // 2 + 1):
        if n % period == 0 and polygon == polygon[:period] * (n // period):
            return polygon[:period]
    return polygon


def _vertices(lines: _Lines, name: str) -> np.ndarray:
    try:
        return parse_floats(lines.corners).reshape(-1, 3)
    except BadNumber as error:
        line = lines.corner_lines[error.index // 3]
        raise MeshError(f"{name}: line {line}: coordinate {error}; export the mesh again") from error


def _check_range(lines: _Lines, count: int, name: str) -> None:
    highest = max(max(p) for p in lines.polygons)
    if highest < count:
        return
    which = next(i for i, p in enumerate(lines.polygons) if max(p) >= count)
    index = max(lines.polygons[which]) + 1
    raise MeshError(
        f"{name}: line {lines.polygon_lines[which]}: vertex index {index} does not exist, the file has {count} vertices; "
        "it is cut off or damaged; export it again"
    )


def _findings(lines: _Lines, name: str) -> tuple[Finding, ...]:
    found = []
    if lines.unknown:
        where = _some(lines.unknown)
        message = f"{name}: {len(lines.unknown)} lines of unknown kind were not read (line {where}); check that the part is whole"
        found.append(Finding(code="unknown-lines", severity="warning", message=message, value=float(len(lines.unknown)), unit="lines"))
    if lines.repeated:
        message = f"{name}: {len(lines.repeated)} faces run the same round several times (line {_some(lines.repeated)}); one round was kept"
        found.append(Finding(code="repeated-polygon", severity="info", message=message, value=float(len(lines.repeated)), unit="faces"))
    return tuple(found)


def _some(numbers: list[int]) -> str:
    shown = ", ".join(str(n) for n in numbers[:TRUNCATING])
    return shown + ", ..." if len(numbers) > TRUNCATING else shown
