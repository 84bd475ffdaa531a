"""Solid and Part: the geometry that enters the house."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.finding import Finding
from pmsl.core.parallel import in_blocks
from pmsl.errors import MeshError


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshHealth:
    """What is known about a solid beyond its triangles (computed only when asked).

    Attributes
    ----------
    watertight : bool
        Every edge is shared by exactly two faces.
    winding_consistent : bool
        Neighbouring faces run through their common edge in opposite directions.
    bodies : int
        Groups of faces connected across edges.
    volume_um3 : float
        Absolute value of the signed volume [µm³]; meaningful when watertight.
    findings : tuple of Finding
        What a user should know, positions in µm.
    """

    watertight: bool
    winding_consistent: bool
    bodies: int
    volume_um3: float
    findings: tuple[Finding, ...] = ()


def check_triangles(vertices: np.ndarray, faces: np.ndarray, source: str) -> None:
    """Refuse what is not a mesh: no triangle, a number that is not finite, an index out of range.

    Parameters
    ----------
    vertices : (V, 3) ndarray of float
    faces : (F, 3) ndarray of int
    source : str
        Name used in the message.

    Raises
    ------
    MeshError
    """
    if len(faces) == 0:
        raise MeshError(f"{source}: no triangle in it; nothing to slice")
    if not np.isfinite(vertices).all():
        bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
        raise MeshError(
            f"{source}: {len(bad)} of {len(vertices)} vertices are not finite (first: vertex {bad[0]} = {vertices[bad[0]].tolist()}); "
            "export the mesh again"
        )
    low, high = int(faces.min()), int(faces.max())
    if low < 0 or high >= len(vertices):
        raise MeshError(f"{source}: face index {low if low < 0 else high} is outside 0..{len(vertices) - 1}; the file is damaged")


def _box(vertices: np.ndarray, faces: np.ndarray | None) -> np.ndarray:
    """Lower and upper corner of the vertices that faces use, or of all: (2, 3)."""
    if faces is not None:
        used = np.zeros(len(vertices), bool)
        used[faces] = True
        if not used.all():
            vertices = vertices[used]
    return np.array([_extreme(np.min, vertices), _extreme(np.max, vertices)])


def _extreme(reach: Callable[..., np.ndarray], vertices: np.ndarray) -> np.ndarray:
    """Least or greatest x, y and z: (3,). Rows of 1024 vertices side by side are thirty times as fast as one vertex a row."""
    whole = len(vertices) // 1024 * 1024
    if whole == 0:
        return reach(vertices, axis=0)
    wide = reach(vertices[:whole].reshape(-1, 3072), axis=0).reshape(-1, 3)
    return reach(np.concatenate([wide, vertices[whole:]]), axis=0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solid:
    """A triangle mesh in µm. Vertices need not be merged; slicing never merges them.

    Attributes
    ----------
    vertices_um : (V, 3) float64
        Vertex positions [µm], read-only.
    faces : (F, 3) int32
        Vertex indices; counter-clockwise seen from outside. Read-only.
    source : str
        File name (no folder) or a description.
    sha256 : str
        Of the source file; of the arrays when there is no file.
    unit : str
        Unit the file was read in.
    findings : tuple of Finding
        What loading noticed, and what was repaired.
    repairs : tuple of str
        What was changed of the file's mesh; none of a mesh as it was read.
    """

    vertices_um: np.ndarray
    faces: np.ndarray
    source: str = "arrays"
    sha256: str = ""
    unit: str = "um"
    findings: tuple[Finding, ...] = ()
    repairs: tuple[str, ...] = ()
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        frozen(self.vertices_um)
        frozen(self.faces)

    @classmethod
    def from_arrays(cls, vertices_um: Any, faces: Any, source: str = "arrays") -> Solid:
        """Make a solid from arrays.

        Parameters
        ----------
        vertices_um : (V, 3) array_like of float
            Vertex positions [µm].
        faces : (F, 3) array_like of int
            Vertex indices of the triangles.
        source : str
            Name used in messages and in the job.

        Returns
        -------
        Solid

        Raises
        ------
        MeshError
            Wrong shape, no triangle, index out of range, or a coordinate that is not finite.
        """
        vertices = np.array(vertices_um, dtype=np.float64, order="C")
        given = np.asarray(faces)
        if vertices.ndim != 2 or vertices.shape[1] != 3:
            raise MeshError(f"{source}: vertices have shape {vertices.shape}; expected (V, 3)")
        if given.ndim != 2 or given.shape[1] != 3 or given.dtype.kind not in "iu":
            raise MeshError(
                f"{source}: faces have shape {given.shape} and type {given.dtype}; expected (F, 3) integers (split polygons into triangles)"
            )
        check_triangles(vertices, given, source)
        indices = np.array(given, dtype=np.int32, order="C")
        digest = hashlib.sha256(vertices.tobytes() + indices.tobytes()).hexdigest()
        return cls(vertices_um=vertices, faces=indices, source=source, sha256=digest)

    @property
    def bounds_um(self) -> np.ndarray:
        """(2, 3) float64 [µm]: lower and upper corner over the vertices that faces use."""
        if "bounds" not in self._cache:
            self._cache["bounds"] = frozen(_box(self.vertices_um, None if self._cache.get("soup") else self.faces))
        bounds: np.ndarray = self._cache["bounds"]
        return bounds

    @property
    def inside_out(self) -> bool:
        """True where the faces look inward as a whole; masks turn them, so that solids unite whatever their winding."""
        if "inside_out" not in self._cache:
            from pmsl.kernels import facets

            centre = frozen(self.bounds_um.mean(axis=0))
            volumes = in_blocks(lambda block: facets.signed_volume(self.vertices_um, self.faces[block], centre), len(self.faces))
            self._cache["inside_out"] = bool(sum(volumes) < 0)
        turned: bool = self._cache["inside_out"]
        return turned

    @property
    def health(self) -> MeshHealth:
        """Watertightness, winding, bodies and volume; computed on first use."""
        if "health" not in self._cache:
            from pmsl.mesh.health import examine  # the one look upward, excused in the import contract

            self._cache["health"] = examine(self)
        health: MeshHealth = self._cache["health"]
        return health

    def repaired(self, repair: str = "auto") -> Solid:
        """Return the solid as it can be printed; see `pmsl.mesh.repair.repaired`."""
        from pmsl.mesh import repair as repairs  # the other look upward

        return repairs.repaired(self, repair)


IDENTITY = frozen(np.eye(4))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A solid at a place in the field; several parts may share one solid.

    Attributes
    ----------
    solid : Solid
    transform : (4, 4) float64
        Solid coordinates to field coordinates [µm]; affine, last row ``0 0 0 1``.
    region : str
        What the part is for ("bulk" for ordinary material).
    dose_scale : float
        Factor on the dose of this part.
    label : str
        Name of the part in the job.
    """

    solid: Solid
    transform: np.ndarray = field(default_factory=lambda: IDENTITY)
    region: str = "bulk"
    dose_scale: float = 1.0
    label: str = ""

    def __post_init__(self) -> None:
        transform = np.array(self.transform, dtype=np.float64)
        if transform.shape != (4, 4) or not np.isfinite(transform).all() or not np.array_equal(transform[3], (0, 0, 0, 1)):
            raise MeshError(f"part {self.label}: the transform must be a finite 4 × 4 affine matrix with last row 0 0 0 1")
        if np.linalg.det(transform[:3, :3]) == 0:
            raise MeshError(f"part {self.label}: the transform flattens the part; its determinant is 0")
        object.__setattr__(self, "transform", frozen(transform))

    @property
    def mirrored(self) -> bool:
        """True where the transform turns the part inside out unless its faces are turned with it."""
        return bool(np.linalg.det(self.transform[:3, :3]) < 0)

    def placed_um(self) -> np.ndarray:
        """Return the vertices in field coordinates, (V, 3) float64 [µm].

        Notes
        -----
        Written out by component instead of a matrix product: BLAS may round equal rows
        differently, and equal vertices of neighbouring triangles must stay equal bit for bit.
        """
        v, t = self.solid.vertices_um, self.transform
        if np.array_equal(t, IDENTITY):
            return v
        placed = np.zeros(v.shape)
        for axis in range(3):
            out = placed[:, axis]
            for j in range(3):
                out += v[:, j] * t[axis, j]
            out += t[axis, 3]
        return frozen(placed)

    def repaired(self, repair: str = "auto") -> Part:
        """Return the part with its solid as it can be printed; see `pmsl.mesh.repair.repaired`."""
        solid = self.solid.repaired(repair)
        return self if solid is self.solid else replace(self, solid=solid)

    def bounds_um(self) -> np.ndarray:
        """Return the box of the placed part: (2, 3) float64 [µm], over the vertices that faces use."""
        matrix = self.transform[:3, :3]
        if np.array_equal(matrix, np.diag(np.diag(matrix))):  # axes stay axes: the solid's box goes along
            return np.sort(self.solid.bounds_um * np.diag(matrix) + self.transform[:3, 3], axis=0)
        return _box(self.placed_um(), None if self.solid._cache.get("soup") else self.solid.faces)


def as_part(item: Solid | Part) -> Part:
    """Return `item` as a part; a bare solid stays where its coordinates are."""
    return item if isinstance(item, Part) else Part(solid=item, label=item.source)


def crossing_heights(parts: Sequence[Part], most: int) -> np.ndarray | None:
    """Return the heights at which shells pass through one another; see `pmsl.mesh.overlap.crossing_heights`."""
    from pmsl.mesh import overlap

    return overlap.crossing_heights(parts, most)


def united(parts: Sequence[Part]) -> Solid | None:
    """Return the union of parts as one solid in field coordinates, None where that cannot be had; see `pmsl.mesh.boolean.united`."""
    from pmsl.mesh import boolean  # another look upward

    return boolean.united(parts)
