"""TriangleMesh: what is in a mesh, and what is measured of it in one pass; `Solid` adds what takes a library or a repair."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.finding import Finding
from pmsl.core.parallel import blocks_of, call_each
from pmsl.errors import MeshError
from pmsl.mesh.solid_results import SolidResults
from pmsl.mesh.triangle_checks import box_of, check_triangles
from pmsl.mesh.triangle_soup import NO_FACES, Soup


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TriangleMesh:
    """A triangle mesh in µm. Vertices need not be merged; slicing never merges them.

    A mesh `of_soup` keeps the triangles of its file; `vertices_um` and `faces` are made when first asked for, and slicing never asks.

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
    results : SolidResults
        What is known of it already; a solid made of this one with `dataclasses.replace` begins anew.
    """

    vertices_um: np.ndarray
    faces: np.ndarray
    source: str = "arrays"
    sha256: str = ""
    unit: str = "um"
    findings: tuple[Finding, ...] = ()
    repairs: tuple[str, ...] = ()
    results: SolidResults[TriangleMesh] = field(default_factory=SolidResults, init=False, repr=False)
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
    def of_soup(cls, soup: Soup, *, source: str, sha256: str, unit: str, findings: tuple[Finding, ...] = (), repairs: Any = ()) -> Self:
        """Make a solid of triangles as a file has them; nothing is copied.

        Parameters
        ----------
        soup : Soup
            Corners as the file has them, and the factor to µm.
        source, sha256, unit, findings, repairs
            As the attributes.
        """
        solid = object.__new__(cls)
        own = {"source": source, "sha256": sha256, "unit": unit, "findings": findings, "repairs": repairs}
        for name, value in (own | {"results": SolidResults(), "_soup": soup}).items():
            object.__setattr__(solid, name, value)
        return solid

    @classmethod
    def from_arrays(cls, vertices_um: Any, faces: Any, source: str = "arrays") -> Self:
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

        Parameters
        ----------
        some : slice, optional
            Which triangles (default: all).
        """
        if self._soup is None:
            return self.vertices_um, self.faces if some is None else self.faces[some], 1.0
        corners = self._soup.corners
        return corners if some is None else corners[3 * some.start : 3 * some.stop], NO_FACES, self._soup.factor

    def points_um(self, some: slice | np.ndarray) -> np.ndarray:
        """Return some of the vertices, (n, 3) float64 [µm]; those of a soup are made anew.

        Parameters
        ----------
        some : slice or (n,) int
            Which of them.
        """
        return self.vertices_um[some] if self._soup is None else self._soup.points_um(some)

    def faces_of(self, some: slice) -> np.ndarray:
        """Return the faces of a block of triangles, (n, 3) int32; those of a soup are made anew.

        Parameters
        ----------
        some : slice
            Which triangles.
        """
        if self._soup is None:
            return self.faces[some]
        return np.arange(3 * some.start, 3 * some.stop, dtype=np.int32).reshape(-1, 3)

    def box_of(self, points: Callable[[slice | np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the box, (2, 3) float64, of the vertices that faces use; `points` gives some of the vertices, as they shall count.

        Parameters
        ----------
        points : callable
            Takes a slice or (n,) int of the vertices; gives (n, 3) float64.
        """
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
        if self.results.bounds_um is None:
            vertices, _, factor = self.triangles()
            self.results.bounds_um = frozen(self.box_of(lambda some: vertices[some]) * factor)  # order survives the factor, to the bit
        return self.results.bounds_um

    def flat_heights_um(self, transform: np.ndarray) -> np.ndarray:
        """Return the heights of the horizontal triangles that have an area, (n,) float64 [µm], in order.

        Parameters
        ----------
        transform : (4, 4) float64
            Where the mesh stands.
        """
        from pmsl.kernels.mesh import mesh_stats

        blocks, out = blocks_of(self.n_faces), np.empty(self.n_faces)
        counts = call_each(mesh_stats.flat_heights, ((*self.triangles(some), transform, 1e-2, out[some]) for some in blocks))
        return np.concatenate([out[some][:n] for some, n in zip(blocks, counts, strict=True)])

    @property
    def inside_out(self) -> bool:
        """True where the faces look inward as a whole; masks turn them, so that solids unite whatever their winding."""
        return self.sextuple_volume_um3 < 0

    @property
    def sextuple_volume_um3(self) -> float:
        """Six times the volumes between triangles and the middle of the box [µm³]: of what a closed mesh encloses; below 0 inside out."""
        if self.results.sextuple_volume_um3 is None:
            from pmsl.kernels.mesh import mesh_stats

            centre = frozen(self.bounds_um.mean(axis=0))
            volumes = call_each(mesh_stats.signed_volume, ((*self.triangles(block), centre) for block in blocks_of(self.n_faces)))
            self.results.sextuple_volume_um3 = float(sum(volumes))
        return self.results.sextuple_volume_um3
