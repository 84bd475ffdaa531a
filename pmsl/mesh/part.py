"""Part: a Solid at its place in the field."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.parallel import in_blocks
from pmsl.errors import MeshError, UsageError
from pmsl.mesh.solid import Solid

if TYPE_CHECKING:
    from pmsl.mesh.region import Region

__all__ = ["IDENTITY", "Part", "Solid", "as_part"]

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
    engine : str
        Name of the printer's light engine that prints it; ``""``: the first.
    regions : tuple of Region
        Shapes in the coordinates of its solid, inside which it gets light of its own; of those that overlap the last counts.
    """

    solid: Solid
    transform: np.ndarray = field(default_factory=lambda: IDENTITY)
    region: str = "bulk"
    dose_scale: float = 1.0
    label: str = ""
    engine: str = ""
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
        """Return some of the vertices in field coordinates, (n, 3) float64 [µm].

        Parameters
        ----------
        some : slice or (n,) int
            Which of them.
        """
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

    def corners_um(self, which: np.ndarray) -> np.ndarray:
        """Return the corners of some triangles in field coordinates: (n, 3, 3) float64 [µm].

        Parameters
        ----------
        which : (n,) int
            Which of them.
        """
        solid = self.solid
        if solid.of_file and len(which) and which[-1] - which[0] == len(which) - 1:
            return self.points_um(slice(3 * int(which[0]), 3 * int(which[-1]) + 3)).reshape(-1, 3, 3)
        vertices = (3 * which[:, None] + np.arange(3)).ravel() if solid.of_file else solid.faces[which].ravel()
        return self.points_um(vertices).reshape(-1, 3, 3)

    def repaired(self, repair: str = "auto", weld_um: float | None = None, pitch_um: np.ndarray | None = None) -> Part:
        """Return the part with its solid as it can be printed, in pixels of `pitch_um`; see `pmsl.mesh.repair.repair.repaired`.

        Parameters
        ----------
        repair : {"auto", "none", "strict"}, default "auto"
            Close, unite and turn what needs it; leave it; or refuse what needs anything.
        weld_um : float, optional
            How far vertices at open edges may be joined [µm], 0 for not at all.
        pitch_um : (2,) float64, optional
            Pixel size [µm], as placed; a twentieth of it is the default of `weld_um`.
        """
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
        cache, key = self.solid.results.turned_boxes_um, matrix.tobytes()
        if key not in cache:  # of copies turned alike once; moving comes last, and keeps the order of rounded numbers
            unmoved = np.eye(4)
            unmoved[:3, :3] = matrix
            cache[key] = frozen(self.solid.box_of(replace(self, transform=unmoved).points_um))
        bounds: np.ndarray = cache[key] + self.transform[:3, 3]
        return bounds


def as_part(item: Solid | Part) -> Part:
    """Return `item` as a part; a bare solid stays where its coordinates are; raises `UsageError` for what is neither."""
    if isinstance(item, Part):
        return item
    if not isinstance(item, Solid):
        raise UsageError(f"parts: {item!r:.80} is no Solid and no Part; load a file first: pmsl.load_solid(path, unit)")
    return Part(solid=item, label=item.source)
