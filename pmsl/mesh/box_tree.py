"""Triangles that pass through one another or come near points, by a tree of boxes over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST = 40_000_000  # pairs tested at most: a few seconds


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """Triangles that cross.

    Attributes
    ----------
    count : int
        Pairs found.
    pairs : (n, 2) int32
        The first of them.
    box_um : (2, 3) float64
        Where they are.
    complete : bool
        False where there were too many to test.
    """

    count: int
    pairs: np.ndarray
    box_um: np.ndarray
    complete: bool


@dataclass(frozen=True, slots=True, eq=False)
class BoxTree:
    """A tree of boxes over some triangles of a mesh."""

    vertices: np.ndarray
    faces: np.ndarray
    order: np.ndarray
    boxes: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, faces: np.ndarray, which: np.ndarray) -> BoxTree:
        """Build the tree over the triangles `which` (n,) of a mesh."""
        from pmsl.kernels.mesh import triangle_pairs

        order = which[np.argsort(_along_curve(vertices, faces[which]), kind="stable")].astype(np.int32)
        leaves = 1 << max((len(order) + triangle_pairs.LEAF - 1) // triangle_pairs.LEAF - 1, 0).bit_length()
        boxes = np.empty((2 * leaves, 6))
        triangle_pairs.tree(vertices, faces, order, boxes)
        return cls(vertices, faces, order, boxes)

    def crossed_by(self, asked: np.ndarray, label: np.ndarray, other: bool, rim: bool = False, most: int = MOST) -> Crossings:
        """Find triangles of the tree that the triangles `asked` (m,) pass through.

        With `other` only those of another label, with `rim` also those whose edges meet.
        """
        from pmsl.kernels.mesh import triangle_pairs

        pairs, counts = np.zeros((1 << 16, 2), np.int32), np.zeros(2, np.int64)
        box = np.array([[np.inf] * 3, [-np.inf] * 3])
        triangle_pairs.find(
            *triangle_pairs.TrianglePairArrays(
                vertices=self.vertices,
                faces=self.faces,
                label=label,
                asked=asked.astype(np.int32),
                order=self.order,
                boxes=self.boxes,
                other=int(other),
                rim=int(rim),
                stack=np.zeros(128, np.int64),
                most=most,
                pairs=pairs,
                box=box,
                counts=counts,
            )
        )
        count, tested = counts.tolist()
        return Crossings(count, pairs[:count], box, tested < most)

    def near(self, points: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the triangles of the tree that come as near as `reach` (n,) to `points` (n, 3).

        Returns
        -------
        pairs : (p, 2) int64
            Number of the point and of the triangle.
        nearest : (p, 4) float64
            The triangle's point that is nearest, and how far it is [µm].
        """
        from pmsl.kernels.mesh import near_triangles

        room = 1 << 12
        while True:
            pairs, nearest = np.empty((room, 2), np.int64), np.empty((room, 4))
            n = near_triangles.pairs(
                *near_triangles.NearTriangleArrays(
                    vertices=self.vertices,
                    faces=self.faces,
                    order=self.order,
                    boxes=self.boxes,
                    points=points,
                    reach=reach,
                    stack=np.zeros(128, np.int64),
                    scratch=np.zeros((2, 3)),
                    found=pairs,
                    nearest=nearest,
                )
            )
            if n <= room:
                return pairs[:n], nearest[:n]
            room = n


def heights_of_crossings(corners_um: np.ndarray, label: np.ndarray | None = None) -> np.ndarray:
    """Find the heights at which triangles pass through one another.

    Parameters
    ----------
    corners_um : (n, 3, 3) float64
        The triangles [µm].
    label : (n,) int32, optional
        Only triangles of different labels count, and then also those whose edges meet; left out, any two.

    Returns
    -------
    (m, 2) float64
        Ranges of z [µm].
    """
    every, apart = np.arange(len(corners_um), dtype=np.int32), label is not None
    tree = BoxTree.of(corners_um.reshape(-1, 3), np.arange(3 * len(every), dtype=np.int32).reshape(-1, 3), every)
    z = corners_um[tree.crossed_by(every, every if label is None else label, other=apart, rim=apart).pairs, :, 2]  # (m, 2, 3)
    return np.stack([z.min(axis=2).max(axis=1), z.max(axis=2).min(axis=1)], axis=1)


def _along_curve(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Place of each triangle along a Morton curve: (n,) uint64."""
    centre = vertices[faces].sum(axis=1) if len(faces) else np.zeros((0, 3))
    low = centre.min(axis=0, initial=np.inf)
    span = max(float((centre.max(axis=0, initial=-np.inf) - low).max(initial=0.0)), 1e-300)
    key = np.zeros(len(faces), np.uint64)
    for axis in range(3):
        cell = ((centre[:, axis] - low[axis]) / span * 1023).astype(np.uint64)
        for bit in range(10):
            key |= ((cell >> np.uint64(bit)) & np.uint64(1)) << np.uint64(3 * bit + axis)
    return key
