"""Soup: the triangles of a file, each with corners of its own, as the file has them."""

from __future__ import annotations

import msgspec
import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.parallel import in_blocks

NO_FACES = frozen(np.empty((0, 3), np.int32))


class Soup(msgspec.Struct, frozen=True, eq=False):
    """Triangles in the precision and the unit of their file: a third of the memory of vertices in µm with faces.

    Attributes
    ----------
    corners : (3F, 3) float32
        Corners 3i, 3i + 1 and 3i + 2 are triangle i; finite, read-only.
    factor : float
        Makes them µm, in double precision.
    """

    corners: np.ndarray
    factor: float

    def __post_init__(self) -> None:
        frozen(self.corners)

    def points_um(self, some: slice | np.ndarray) -> np.ndarray:
        """Return some of the corners, (n, 3) float64 [µm]."""
        points: np.ndarray = np.multiply(self.corners[some], self.factor, dtype=np.float64)
        return points

    def vertices_um(self) -> np.ndarray:
        """Return all corners, (3F, 3) float64 [µm], read-only."""
        out = np.empty(self.corners.shape)

        def convert(some: slice) -> None:
            np.multiply(self.corners[some], self.factor, out=out[some], dtype=np.float64)

        in_blocks(convert, len(out))
        return frozen(out)

    def faces(self) -> np.ndarray:
        """Return what corners make each triangle, (F, 3) int32, read-only: they count up."""
        return frozen(np.arange(len(self.corners), dtype=np.int32).reshape(-1, 3))
