"""Solid and Part: the geometry that enters the house."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.finding import Finding
from pmsl.core.parallel import in_blocks
from pmsl.core.soup import NO_FACES, Soup
from pmsl.core.triangles import box_of, check_triangles
from pmsl.errors import MeshError

if TYPE_CHECKING:
    from pmsl.core.health import MeshHealth
    from pmsl.core.region import Region


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solid:
    """A triangle mesh in µm. Vertices need not be merged; slicing never merges them.

    A solid `of_soup` keeps the triangles of its file; `vertices_um` and `faces` are made when first asked for, and slicing never asks.

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
    _soup: Soup | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        frozen(self.vertices_um)
        frozen(self.faces)

    if not TYPE_CHECKING:  # a type checker would believe that any name is an attribute

        def __getattr__(self, name: str) -> Any:
            """Make what a solid of a soup was not made with; only empty slots are looked for here."""
            if name not in ("vertices_um", "faces") or self._soup is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            object.__setattr__(self, name, getattr(self._soup, name)())
            return object.__getattribute__(self, name)

    @classmethod
    def of_soup(cls, soup: Soup, *, source: str, sha256: str, unit: str, findings: tuple[Finding, ...] = (), repairs: Any = ()) -> Solid:
        """Make a solid of triangles as a file has them; nothing is copied."""
        solid = object.__new__(cls)
        given = {"source": source, "sha256": sha256, "unit": unit, "findings": findings, "repairs": repairs, "_cache": {}, "_soup": soup}
        for name, value in given.items():
            object.__setattr__(solid, name, value)
        return solid

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
    def of_file(self) -> bool:
        """Whether the triangles are kept as their file has them (`of_soup`)."""
        return self._soup is not None

    @property
    def united(self) -> bool:
        """Whether repair has made one body of all that it is made of; its surface touches itself at most."""
        return any(f.code == "repaired-cavities" for f in self.findings)

    @property
    def n_faces(self) -> int:
        """Number of triangles."""
        return len(self.faces) if self._soup is None else len(self._soup.corners) // 3

    @property
    def n_vertices(self) -> int:
        """Number of vertices."""
        return len(self.triangles()[0])

    def triangles(self, some: slice | None = None) -> tuple[np.ndarray, np.ndarray, float]:
        """Return all triangles, or a block of them, as kernels take them: vertices, faces and the factor to µm.

        A soup's vertices are its corners, and its faces (0, 3): the kernels read three corners a triangle.
        """
        if self._soup is None:
            return self.vertices_um, self.faces if some is None else self.faces[some], 1.0
        corners = self._soup.corners
        return corners if some is None else corners[3 * some.start : 3 * some.stop], NO_FACES, self._soup.factor

    def points_um(self, some: slice | np.ndarray) -> np.ndarray:
        """Return some of the vertices, (n, 3) float64 [µm]; those of a soup are made anew."""
        return self.vertices_um[some] if self._soup is None else self._soup.points_um(some)

    def faces_of(self, some: slice) -> np.ndarray:
        """Return the faces of a block of triangles, (n, 3) int32; those of a soup are made anew."""
        if self._soup is None:
            return self.faces[some]
        return np.arange(3 * some.start, 3 * some.stop, dtype=np.int32).reshape(-1, 3)

    def box_of(self, points: Callable[[slice | np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the box, (2, 3) float64, of the vertices that faces use; `points` gives some of the vertices, as they shall count."""
        if self._soup is not None:
            return box_of(points, self.n_vertices)
        used = np.zeros(len(self.vertices_um), bool)
        used[self.faces] = True
        if used.all():
            return box_of(points, len(used))
        rows = np.flatnonzero(used)
        return box_of(lambda some: points(rows[some]), len(rows))

    @property
    def bounds_um(self) -> np.ndarray:
        """(2, 3) float64 [µm]: lower and upper corner over the vertices that faces use."""
        if "bounds" not in self._cache:
            vertices, _, factor = self.triangles()
            self._cache["bounds"] = frozen(self.box_of(lambda some: vertices[some]) * factor)  # order survives the factor, to the bit
        bounds: np.ndarray = self._cache["bounds"]
        return bounds

    @property
    def inside_out(self) -> bool:
        """True where the faces look inward as a whole; masks turn them, so that solids unite whatever their winding."""
        if "inside_out" not in self._cache:
            from pmsl.kernels import facets

            centre = frozen(self.bounds_um.mean(axis=0))
            volumes = in_blocks(lambda block: facets.signed_volume(*self.triangles(block), centre), self.n_faces)
            self._cache["inside_out"] = bool(sum(volumes) < 0)
        turned: bool = self._cache["inside_out"]
        return turned

    @property
    def closed(self) -> bool:
        """Whether every edge has as many faces one way as the other, or repair has made it so; found on first use."""
        from pmsl.mesh import repair as repairs

        return repairs.closed(self)

    @property
    def health(self) -> MeshHealth:
        """Watertightness, winding, bodies and volume; computed on first use."""
        if "health" not in self._cache:
            from pmsl.mesh.health import examine  # the one look upward, excused in the import contract

            self._cache["health"] = examine(self)
        health: MeshHealth = self._cache["health"]
        return health

    def repaired(self, repair: str = "auto", weld_um: float | None = None, pixel_um: float | None = None) -> Solid:
        """Return the solid as it can be printed; see `pmsl.mesh.repair.repaired`."""
        from pmsl.mesh import repair as repairs  # the other look upward

        return repairs.repaired(self, repair, weld_um, pixel_um)


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
    regions : tuple of Region
        Shapes in the coordinates of its solid, inside which it gets light of its own; of those that overlap the last counts.
    """

    solid: Solid
    transform: np.ndarray = field(default_factory=lambda: IDENTITY)
    region: str = "bulk"
    dose_scale: float = 1.0
    label: str = ""
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(self.regions))
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
        if np.array_equal(self.transform, IDENTITY):
            return self.solid.vertices_um
        placed = np.empty((self.solid.n_vertices, 3))

        def fill(some: slice) -> None:
            placed[some] = self.points_um(some)

        in_blocks(fill, len(placed))
        return frozen(placed)

    def points_um(self, some: slice | np.ndarray) -> np.ndarray:
        """Return some of the vertices in field coordinates, (n, 3) float64 [µm]."""
        v, t = self.solid.points_um(some), self.transform
        if np.array_equal(t, IDENTITY):
            return v
        placed = np.zeros(v.shape)
        for axis in range(3):
            out = placed[:, axis]
            for j in range(3):
                out += v[:, j] * t[axis, j]
            out += t[axis, 3]
        return placed

    def repaired(self, repair: str = "auto", weld_um: float | None = None, pitch_um: np.ndarray | None = None) -> Part:
        """Return the part with its solid as it can be printed, in pixels of `pitch_um`; see `pmsl.mesh.repair.repaired`."""
        pixel_um = None if pitch_um is None else float(np.min(pitch_um) / np.linalg.norm(self.transform[:3, :3], 2))
        solid, regions = self.solid.repaired(repair, weld_um, pixel_um), self.regions
        if repair != "none" and regions:
            mended = tuple(region.repaired(repair, weld_um, pixel_um) for region in regions)
            regions = regions if all(a is b for a, b in zip(regions, mended, strict=True)) else mended
        return self if solid is self.solid and regions is self.regions else replace(self, solid=solid, regions=regions)

    def bounds_um(self) -> np.ndarray:
        """Return the box of the placed part: (2, 3) float64 [µm], over the vertices that faces use."""
        matrix = self.transform[:3, :3]
        if np.array_equal(matrix, np.diag(np.diag(matrix))):  # axes stay axes: the solid's box goes along
            return np.sort(self.solid.bounds_um * np.diag(matrix) + self.transform[:3, 3], axis=0)
        cache, key = self.solid._cache, f"box {matrix.tobytes().hex()}"
        if key not in cache:  # of copies turned alike once; moving comes last, and keeps the order of rounded numbers
            unmoved = np.eye(4)
            unmoved[:3, :3] = matrix
            cache[key] = frozen(self.solid.box_of(replace(self, transform=unmoved).points_um))
        bounds: np.ndarray = cache[key] + self.transform[:3, 3]
        return bounds


def as_part(item: Solid | Part) -> Part:
    """Return `item` as a part; a bare solid stays where its coordinates are."""
    return item if isinstance(item, Part) else Part(solid=item, label=item.source)
