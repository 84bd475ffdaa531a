"""What is doubtful about a solid: holes, edges of too many faces, winding, bodies, size.

Vertices are joined by position for this analysis only; slicing uses the triangles as they are. One
picometre counts as one position: CAD programs write zero as 1e-16 here and there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.core.finding import Finding, Severity
from pmsl.errors import MeshError
from pmsl.mesh.health_record import MeshHealth
from pmsl.mesh.shells.nesting import bodies_of, body_findings
from pmsl.mesh.shells.shells import shells_of
from pmsl.mesh.topology import Edges, body_count, edges_of, group_rows, join_vertices
from pmsl.mesh.triangle_mesh import TriangleMesh

SMALLEST_UM = 10.0
LARGEST_UM = 300_000.0
LARGEST_USE_UM = 1e12
ROUNDING = 5e-6  # of a size: a part of just the limit in single precision is not beyond it
SLIVER, NO_HEIGHT = 1e-5, 1e-6  # height over the longest edge; thinner is rounding, where edges were split
BLOCK = 1 << 17  # triangles at a time: bounds the memory

Box = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Signed volume, relative to the middle of the box, and how many triangles have no area."""

    volume_um3: float
    flat: int


def examine(solid: TriangleMesh, mended: TriangleMesh | MeshError) -> MeshHealth:
    """Look a solid over; nothing is changed.

    Parameters
    ----------
    solid : TriangleMesh
    mended : TriangleMesh or MeshError
        What repair makes of it, or why it makes nothing.

    Returns
    -------
    MeshHealth
        Triangles that use one position twice are left out of the edges and reported. Bodies are groups of
        faces joined across edges of exactly two faces. Findings carry the box of the defect [µm].
    """
    ids, points = join_vertices(solid.vertices_um)
    corners = ids[solid.faces]
    proper = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    corners = corners[proper]
    edges = edges_of(corners, len(points))
    sizes = _measure(solid)
    watertight = len(corners) > 0 and bool((edges.count == 2).all())
    consistent = not edges.askew.any()
    findings = [
        *_edge_findings(edges, points, solid),
        *_inside_out(solid, watertight and consistent, sizes),
        *_face_findings(solid, corners, points, proper, sizes),
        *_slivers(corners, points, solid),
        *_bodies(solid, mended, ids, points),
        *_size(solid),
    ]
    return MeshHealth(
        watertight=watertight,
        winding_consistent=consistent,
        bodies=body_count(edges, len(corners)),
        volume_um3=abs(sizes.volume_um3),
        findings=tuple(findings),
    )


def _measure(solid: TriangleMesh) -> _Sizes:
    low, high = solid.bounds_um
    middle, extent = (low + high) / 2, float((high - low).max())
    volume, flat = 0.0, 0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(solid.faces), BLOCK):
            a, b, c = (solid.vertices_um[solid.faces[start : start + BLOCK, i]] - middle for i in range(3))
            volume += float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0
            area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
            flat += int((area <= 1e-12 * extent * extent).sum())
    return _Sizes(volume, flat)


def _box(points: np.ndarray) -> Box:
    low, high = points.min(axis=0), points.max(axis=0)
    return tuple(float(x) for x in low), tuple(float(x) for x in high)


def _finding(code: str, severity: Severity, value: int, unit: str, box: Box, message: str) -> Finding:
    return Finding(code=code, severity=severity, message=message, box_um=box, value=float(value), limit=0.0, unit=unit)


def _bodies(solid: TriangleMesh, mended: TriangleMesh | MeshError, ids: np.ndarray, points: np.ndarray) -> list[Finding]:
    """Say how bodies lie to one another, once holes are closed. Of a mesh with coordinates beyond use nothing can be said."""
    if not np.abs(solid.bounds_um).max() < LARGEST_USE_UM:
        return []
    if isinstance(mended, MeshError):
        box = _box(np.stack(list(solid.bounds_um)))
        return [Finding(code="no-solid", severity="error", message=str(mended), box_um=box)]
    # cavities that were united overlap in the file, not in what is printed
    whole = solid if not mended.united and shells_of(solid.vertices_um, solid.faces).closed else mended
    if whole is not solid:
        ids, points = join_vertices(whole.vertices_um)
    corners = ids[whole.faces].astype(np.int32)
    return body_findings(bodies_of(points, corners), solid.source)


def _slivers(corners: np.ndarray, points: np.ndarray, solid: TriangleMesh) -> list[Finding]:
    """Say how many triangles are so slender that their normals are noise; what they cover is right all the same."""
    thin = []
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for start in range(0, len(corners), BLOCK):
            a, b, c = (points[corners[start : start + BLOCK, i]] for i in range(3))
            longest = np.max([np.einsum("ij,ij->i", e, e) for e in (b - a, c - b, a - c)], axis=0)
            height = np.linalg.norm(np.cross(b - a, c - a), axis=1)
            thin.append(start + np.flatnonzero((height < SLIVER * longest) & (height > NO_HEIGHT * longest)))
    which = np.concatenate(thin) if thin else np.zeros(0, np.int64)
    if len(which) == 0:
        return []
    box = _box(points[corners[which].ravel()])
    message = f"{solid.source}: {len(which)} triangles are slivers: their height is less than {SLIVER:g} of their length; harmless"
    return [_finding("slivers", "info", len(which), "faces", box, message)]


def _edge_findings(edges: Edges, points: np.ndarray, solid: TriangleMesh) -> list[Finding]:
    rim = edges.count == 1
    length = float(np.linalg.norm(points[edges.low[rim]] - points[edges.high[rim]], axis=1).sum())
    holes = f"edges, {length:.6g} µm long in all, have a face on one side only: the surface has holes; close them"
    kinds: list[tuple[str, np.ndarray, str]] = [
        ("open-edges", rim, holes),
        ("non-manifold-edges", edges.count > 2, "edges are shared by more than two faces: surfaces touch or overlap; unite the bodies"),
        ("inconsistent-winding", edges.askew, "edges have faces on both sides that turn opposite ways; make the normals consistent"),
    ]
    found = []
    for code, which, text in kinds:
        n = int(which.sum())
        if n:
            box = _box(points[np.concatenate([edges.low[which], edges.high[which]])])
            found.append(_finding(code, "warning", n, "edges", box, f"{solid.source}: {n} {text}"))
    return found


def _inside_out(solid: TriangleMesh, closed: bool, sizes: _Sizes) -> list[Finding]:
    if not closed or sizes.volume_um3 >= 0:
        return []
    low, high = solid.bounds_um
    message = f"{solid.source}: closed, but all normals point inward (signed volume {sizes.volume_um3:.6g} µm³); turn the normals"
    box = _box(np.stack([low, high]))
    return [
        Finding(code="inside-out", severity="warning", message=message, box_um=box, value=sizes.volume_um3, limit=0.0, unit="µm³"),
    ]


def _face_findings(solid: TriangleMesh, corners: np.ndarray, points: np.ndarray, proper: np.ndarray, sizes: _Sizes) -> list[Finding]:
    found = []
    repeats = int((~proper).sum())
    n = max(repeats, sizes.flat)
    if n:
        where = solid.vertices_um[solid.faces[~proper].ravel()] if repeats else solid.bounds_um
        message = f"{solid.source}: {n} triangles have no area ({repeats} use one position twice); harmless, they cover nothing"
        found.append(_finding("degenerate-faces", "info", n, "faces", _box(where), message))
    ids, first = group_rows(np.sort(corners, axis=1))
    n = len(corners) - len(first)
    if n:
        extra = np.bincount(ids, minlength=len(first))[ids] > 1
        box = _box(points[corners[extra].ravel()])
        message = f"{solid.source}: {n} triangles repeat another one (same corners); remove the copies"
        found.append(_finding("duplicate-faces", "warning", n, "faces", box, message))
    return found


def _size(solid: TriangleMesh) -> list[Finding]:
    low, high = solid.bounds_um
    extent = float((high - low).max())
    if SMALLEST_UM * (1 - ROUNDING) <= extent <= LARGEST_UM * (1 + ROUNDING):
        return []
    limit, side = (SMALLEST_UM, "smaller") if extent < SMALLEST_UM else (LARGEST_UM, "larger")
    message = f"{solid.source}: largest extent {extent:.6g} µm is {side} than {limit:g} µm; is the unit right (read as {solid.unit})?"
    box = _box(np.stack([low, high]))
    return [Finding(code="size-suspicious", severity="warning", message=message, box_um=box, value=extent, limit=limit, unit="µm")]
