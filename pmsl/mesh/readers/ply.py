"""PLY, ASCII and binary of both byte orders: the vertices and the faces.

Read by us because checking is nearly all of it: trimesh takes a short ASCII file for a whole one
and refuses binary files that mix triangles and quads.
"""

from __future__ import annotations

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.readers.common import UNITS_UM, RawMesh, brief, fan, scale
from pmsl.mesh.readers.ply_body import INDEX_NAMES, Columns, PlyError, PlyHeader, ascii_columns, binary_columns, read_header

TAIL = 64  # bytes that may follow the last element


def read_ply(data: bytes, name: str, unit: str) -> RawMesh:
    """Read a PLY file.

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
        A header that is none, counts that do not fit the data, no faces, an index out of range, a polygon of fewer than three corners.
    """
    try:
        header = read_header(data)
        reader = ascii_columns if header.encoding == "ascii" else binary_columns
        columns, rest = reader(header, data)
        findings = _trailing(header, rest, name)
        vertices = _vertices(columns)
        faces = _faces(columns, len(vertices))
    except PlyError as error:
        raise MeshError(f"{name}: {brief(error)}; export or copy it again") from error
    return RawMesh(vertices_um=scale(vertices, UNITS_UM[unit]), faces=faces, unit=unit, findings=findings)


def _trailing(header: PlyHeader, rest: bytes, name: str) -> tuple[Finding, ...]:
    if not rest.strip():
        return ()
    if header.encoding == "ascii" or (len(rest) > TAIL and rest.count(0) != len(rest)):
        raise PlyError(f"{len(rest)} bytes follow the {header.summary()} that the header promises; its counts are wrong")
    message = f"{name}: {len(rest)} bytes follow the last element and were not read; harmless if the part is complete"
    return (Finding(code="trailing-bytes", severity="warning", message=message, value=float(len(rest)), limit=0.0, unit="bytes"),)


def _vertices(columns: dict[str, Columns]) -> np.ndarray:
    vertex = columns.get("vertex", {})
    missing = [axis for axis in "xyz" if not isinstance(vertex.get(axis), np.ndarray)]
    if missing:
        raise PlyError(f"its vertices have no {', '.join(missing)}")
    with np.errstate(invalid="ignore"):  # what is no number is refused by `load_solid`
        return np.stack([np.asarray(vertex[axis], dtype=np.float64) for axis in "xyz"], axis=1)


def _faces(columns: dict[str, Columns], count: int) -> np.ndarray:
    """Return the triangles, (F, 3) int32, after checking every index."""
    face = columns.get("face", {})
    key = next((k for k in INDEX_NAMES if k in face), None)
    if key is None or len(face[key]) == 0:
        if "tristrips" in columns:
            raise PlyError("triangle strips are not supported; export faces")
        raise PlyError("no faces in it: a point cloud cannot be sliced")
    polygons = face[key]
    shortest = polygons.shape[1] if isinstance(polygons, np.ndarray) else min(len(p) for p in polygons)
    if shortest < 3:
        raise PlyError(f"a face of {shortest} corners; it needs 3")
    try:
        triangles = _fan_table(polygons) if isinstance(polygons, np.ndarray) else fan(polygons)
    except OverflowError as error:  # uint64
        raise PlyError("a vertex index beyond 2**63") from error
    low, high = int(triangles.min()), int(triangles.max())
    if low < 0 or high >= count:
        wrong = low if low < 0 else high
        where = int(np.flatnonzero((triangles == wrong).any(axis=1))[0])
        raise PlyError(f"vertex index {wrong} in triangle {where} is outside 0..{count - 1}")
    return triangles.astype(np.int32)


def _fan_table(polygons: np.ndarray) -> np.ndarray:
    """Split n polygons of equal corner count k, (n, k), into (n * (k-2), 3) triangles in order."""
    n, k = polygons.shape
    table = np.empty((n, k - 2, 3), dtype=np.int64)
    table[:, :, 0] = polygons[:, :1]
    table[:, :, 1] = polygons[:, 1:-1]
    table[:, :, 2] = polygons[:, 2:]
    return table.reshape(-1, 3)
