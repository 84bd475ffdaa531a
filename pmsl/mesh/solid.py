"""Solid: the geometry that enters the house."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pmsl.mesh.triangle_mesh import TriangleMesh

if TYPE_CHECKING:
    import trimesh

    from pmsl.mesh.health_record import MeshHealth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solid(TriangleMesh):
    """A triangle mesh in µm that is to be printed: it can be asked for its health, and for what will be printed of it.

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
    results : SolidResults
        What is known of it already; a solid made of this one with `dataclasses.replace` begins anew.
    """

    @classmethod
    def from_trimesh(cls, mesh: trimesh.Trimesh | trimesh.Scene, unit: str | None = None, source: str = "trimesh") -> Solid:
        """Make a solid of a mesh or scene of trimesh; it keeps none of its arrays.

        Parameters
        ----------
        mesh : trimesh.Trimesh or trimesh.Scene
            Of a scene all instances are taken, where their transforms place them, and what is no mesh is left out.
        unit : {"um", "mm", "cm", "m", "inch"}, optional
            What its numbers mean. By default what its ``units`` say, and mm where they are None.
        source : str
            Name used in messages and in the job.

        Returns
        -------
        Solid
            Every triangle as it is there: nothing is merged, moved or dropped.

        Raises
        ------
        UsageError
            `unit`, or what ``units`` say, is not one of those above.
        MeshError
            No mesh, no triangle, an index out of range, a coordinate that is not finite, a transform that flattens, more than 20 000
            instances or more than 20 million triangles in a scene of fewer.
        """
        from pmsl.mesh.trimesh_exchange import arrays_um  # and this as well

        vertices_um, faces, used = arrays_um(mesh, unit, source)
        return replace(cls.from_arrays(vertices_um, faces, source), unit=used)

    def to_trimesh(self, unit: str = "mm") -> trimesh.Trimesh:
        """Return the solid as a mesh of trimesh, with arrays of its own.

        Parameters
        ----------
        unit : {"um", "mm", "cm", "m", "inch"}
            What the numbers of the mesh shall mean; its ``units`` say so. What it exports as GLB has to be in "m".

        Returns
        -------
        trimesh.Trimesh
            The same vertices, faces and order (``process=False``): vertices of an STL are not merged.

        Raises
        ------
        UsageError
            `unit` is not one of those above.
        """
        from pmsl.mesh.trimesh_exchange import trimesh_of

        return trimesh_of(self.vertices_um, self.faces, unit)

    @property
    def closed(self) -> bool:
        """Whether every edge has as many faces one way as the other, or repair has made it so; found on first use."""
        from pmsl.mesh.repair import repair as repairs

        return repairs.closed(self)

    @property
    def health(self) -> MeshHealth:
        """Watertightness, winding, bodies and volume; computed on first use."""
        from pmsl.mesh.repair import repair as repairs

        return repairs.health(self)

    def repaired(self, repair: str = "auto", weld_um: float | None = None, pixel_um: float | None = None) -> Solid:
        """Return the solid as it can be printed; see `pmsl.mesh.repair.repair.repaired`.

        Parameters
        ----------
        repair : {"auto", "none", "strict"}, default "auto"
            Close, unite and turn what needs it; leave it; or refuse what needs anything.
        weld_um : float, optional
            How far vertices at open edges may be joined [µm], 0 for not at all.
        pixel_um : float, optional
            Pixel in coordinates of the solid [µm]; a twentieth of it is the default of `weld_um`.
        """
        from pmsl.mesh.repair import repair as repairs

        return repairs.repaired(self, repair, weld_um, pixel_um)
