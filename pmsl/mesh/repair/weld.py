"""Cracks: vertices that were meant to be one and differ by rounding, joined so far as that closes the surface and no further.

The tolerance grows from what single precision leaves (`FIRST`) to the bound, doubling. At each step vertices at which the surface
ends may join others of them; then, from the least tolerance on again, vertices that lie along open edges split these. What is joined must

    close edges                 two sides that ended become one edge
    keep every face             no two corners of one face are joined
    leave walls and gaps alone  a sheet that lies across, as the other side of a wall or a gap does, is ten times as far as the joint is
                                wide, and faces that meet at a joined edge open that far

and is undone where it does not. So a crack is closed at the least tolerance that does it, and a thin gap beside it keeps its sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.core.arrays import linked_groups
from pmsl.mesh.box_tree import BoxTree
from pmsl.mesh.repair.joints import Checks, Joints, ends_of, keys_of, single_sides
from pmsl.mesh.repair.weld_bound import bound_um

FIRST, MOST_FIRST_UM = 2e-6, 0.5  # of the extent: what single precision and a few decimals leave between vertices meant to be one
SLACK = 1e-9
MORE, COARSE = 16.0, 1e-3  # times the bound, and share of the extent: how far a refused mesh is looked at for cracks


@dataclass(frozen=True, slots=True, eq=False)
class Welded:
    """A surface with cracks closed.

    Attributes
    ----------
    points : (n, 3) float64
        Where vertices were joined beyond what single precision leaves: the mean of the corners that met; else as given.
    corners : (F, 3) int64
        Faces; one whose edge was split is several.
    origin : (F,) int64
        The face each comes from.
    moved : (m,) int64
        Vertices that were joined to another, or to an edge.
    within_um, farthest_um : float
        The tolerance that was needed, and how far the farthest vertex moved.
    """

    points: np.ndarray
    corners: np.ndarray
    origin: np.ndarray
    moved: np.ndarray
    within_um: float
    farthest_um: float


def first_um(points: np.ndarray) -> float:
    """Return the least tolerance for `points` (n, 3) [µm]."""
    return min(FIRST * float(np.ptp(points, axis=0).max()), MOST_FIRST_UM)


def welded(points: np.ndarray, corners: np.ndarray, bound: float) -> Welded | None:
    """Close the cracks of a surface.

    Parameters
    ----------
    points : (n, 3) float64
    corners : (F, 3) int64
        Three different vertices each.
    bound : float
        How far a vertex may move at most [µm].

    Returns
    -------
    Welded or None
        None where nothing was joined.
    """
    single = single_sides(corners, len(points))
    rim = np.zeros(len(points), bool)
    rim[ends_of(corners)[single.ravel()]] = True
    if bound <= 0 or not rim.any():
        return None
    near = rim[corners].any(axis=1)  # all faces of an edge that has an end at the rim are among these
    work = _Work(points, corners[near], rim, bound, min(first_um(points), bound))
    within = 0.0
    for divide in (False, True):  # few meshes have vertices along edges
        level = work.first
        while level > 0:
            if work.join(level, divide):
                within = max(within, level)
            level = 0.0 if level >= bound else min(2 * level, bound)
    if within == 0.0:
        return None
    if within > work.first:
        work.settle()
    moved, farthest = work.moves()
    origin = np.concatenate([np.flatnonzero(~near), np.flatnonzero(near)[work.origin]])
    order = np.argsort(origin, kind="stable")
    return Welded(work.settled, np.concatenate([corners[~near], work.corners])[order], origin[order], moved, within, farthest)


def farther(points: np.ndarray, corners: np.ndarray, bound: float) -> float | None:
    """Return the tolerance above `bound`, up to `MORE` times as far, that closes most open sides; or None."""
    single = int(single_sides(corners, len(points)).sum())
    usual = max(bound, bound_um(None))
    done = welded(points, corners, min(MORE * usual, COARSE * float(np.ptp(points, axis=0).max())))
    if done is None or done.within_um <= bound or 2 * int(single_sides(done.corners, len(points)).sum()) > single:
        return None
    return float(f"{done.within_um * 1.005:.3g}")  # not below it, rounded


class _Work(Checks):
    """The faces near open edges, as they are joined."""

    def __init__(self, points: np.ndarray, corners: np.ndarray, rim: np.ndarray, bound: float, first: float) -> None:
        self.points, self.corners, self.rim, self.bound, self.first = points, corners, rim, bound, first
        self.origin = np.arange(len(corners))
        self.to = np.arange(len(points))
        self.settled = points
        self.slid = np.full(len(points), -1.0)  # how far a vertex was from the edge it split
        faces = np.ascontiguousarray(corners, np.int32)
        self.tree = BoxTree.of(points, faces, np.arange(len(faces)))

    def settle(self) -> None:
        """Put joined vertices in the mean of their corners."""
        joined = np.bincount(self.to, minlength=len(self.points)) > 1
        self.settled = np.where(joined[:, None], self._means(self.to), self.points)

    def _means(self, to: np.ndarray) -> np.ndarray:
        """Return the mean of the corners that become each vertex: (n, 3)."""
        n = len(self.points)
        many = np.bincount(self.tree.faces.ravel(), minlength=n)
        total = np.maximum(np.bincount(to, many, n), 1)
        return np.stack([np.bincount(to, many * x, n) for x in self.points.T], axis=1) / total[:, None]

    def moves(self) -> tuple[np.ndarray, float]:
        """Return the vertices that were joined, and how far the farthest moved."""
        away = np.maximum(np.linalg.norm(self.settled[self.to] - self.points, axis=1), self.slid)
        moved = np.flatnonzero((away > 0) | (self.slid >= 0))
        return moved, float(away.max(initial=0.0))

    def open_sides(self, corners: np.ndarray) -> np.ndarray:
        """Tell which sides have no partner: (F, 3) bool."""
        ends = ends_of(corners)
        found: np.ndarray = single_sides(corners, len(self.points)) & (self.rim[ends[:, 0]] & self.rim[ends[:, 1]]).reshape(-1, 3)
        return found

    def join(self, level: float, divide: bool) -> bool:
        """Join what may be joined within `level`, with `divide` also to edges; tell whether anything was."""
        open_ = self.open_sides(self.corners)
        if not open_.any():
            return False
        joints = self._proposed(open_, level, divide)
        while joints.alive.any():
            corners, origin, was_open, splits = self._applied(joints, open_)
            bad = (
                self.conflicts(joints, corners) | self.walls(joints) | self.folds(joints) | self.useless(joints, corners, was_open, splits)
            )
            if not (bad & joints.alive).any():
                target = joints.target()
                self.to = target[self.to]
                on = joints.alive[joints.clusters :]
                np.maximum.at(self.slid, joints.split[on, 2], joints.wide[joints.clusters :][on])
                self.corners, self.origin = corners, self.origin[origin]
                return True
            joints.alive &= ~bad
        return False

    def _proposed(self, open_: np.ndarray, level: float, divide: bool) -> Joints:
        """Find what lies within `level`."""
        from scipy.spatial import cKDTree

        n = len(self.points)
        ends = ends_of(self.corners)[open_.ravel()]
        rim = np.unique(ends)
        pairs = rim[cKDTree(self.points[rim]).query_pairs(level * (1 + SLACK), output_type="ndarray").reshape(-1, 2)]
        pairs = pairs[~np.isin(keys_of(pairs, n), keys_of(ends_of(self.corners), n))]  # not of one face
        joined = np.unique(pairs)
        count, label = linked_groups(np.searchsorted(joined, pairs), len(joined))
        to, cluster = np.arange(n), np.full(n, -1)
        to[joined] = joined[np.unique(label, return_index=True)[1][label]] if len(joined) else joined
        cluster[joined] = label
        split, away = self._along_edges(open_, rim, level, to) if divide else (np.zeros((0, 3), np.int64), np.zeros(0))
        wide, moved = np.zeros(count + len(split)), np.zeros(count + len(split))
        now = to[self.to]
        mine = cluster[self.to]  # of every vertex as it was read
        on = mine >= 0
        np.maximum.at(wide, mine[on], np.linalg.norm(self.points[now[on]] - self.points[on], axis=1))
        np.maximum.at(moved, mine[on], np.linalg.norm(self._means(now)[now[on]] - self.points[on], axis=1))
        wide[count:] = moved[count:] = away
        return Joints(to, cluster, wide, split, moved <= self.bound * (1 + SLACK))

    def _along_edges(self, open_: np.ndarray, rim: np.ndarray, level: float, to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find vertices of the rim that lie along open sides: face, side and what the vertex becomes (s, 3), and how far off (s,)."""
        face, side = np.nonzero(open_)
        ends = ends_of(self.corners)[open_.ravel()]
        edges = np.ascontiguousarray(ends[:, [0, 1, 1]], np.int32)
        found, nearest = BoxTree.of(self.points, edges, np.arange(len(edges))).near(self.points[rim], np.full(len(rim), level))
        v, e = rim[found[:, 0]], found[:, 1]
        at, off = self.points[v], nearest[:, 3]
        clear = (to[v][:, None] != to[self.corners[face[e]]]).all(axis=1)
        clear &= np.minimum(*(np.linalg.norm(self.points[ends[e, k]] - at, axis=1) for k in (0, 1))) > self.bound  # or they may be one
        split, one = np.unique(np.stack([face[e], side[e], to[v]], axis=1)[clear], axis=0, return_inverse=True)
        away = np.zeros(len(split))
        np.maximum.at(away, one.ravel(), off[clear])
        return split, away

    def _applied(self, joints: Joints, open_: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the faces as joined, where each comes from, which of their sides were open, and at which split a side ends (or -1)."""
        number = np.flatnonzero(joints.alive[joints.clusters :])
        split = joints.split[number]
        target = joints.target()
        faces = np.unique(split[:, 0])
        whole = np.ones(len(self.corners), bool)
        whole[faces] = False
        made: list[tuple[list[int], int, list[bool], list[int]]] = []
        bounds = np.searchsorted(split[:, 0], np.append(faces, len(self.corners))).tolist()
        for face, first, last in zip(faces.tolist(), bounds[:-1], bounds[1:], strict=True):
            made += _divided(self.points, self.corners[face], open_[face], split[first:last], number[first:last] + joints.clusters, face)
        kept = np.flatnonzero(whole)
        corners = np.concatenate([self.corners[kept], np.array([m[0] for m in made], np.int64).reshape(-1, 3)])
        origin = np.concatenate([kept, np.array([m[1] for m in made], np.int64)])
        was_open = np.concatenate([open_[kept], np.array([m[2] for m in made], bool).reshape(-1, 3)])
        splits = np.concatenate([np.full((len(kept), 3), -1), np.array([m[3] for m in made], np.int64).reshape(-1, 3)])
        return target[corners], origin, was_open, splits


def _divided(
    points: np.ndarray, face: np.ndarray, open_: np.ndarray, split: np.ndarray, number: np.ndarray, origin: int
) -> list[tuple[list[int], int, list[bool], list[int]]]:
    """Divide a face at vertices along its sides: for every piece its corners, the face, which sides were open, at which split each ends."""
    ring: list[tuple[int, bool, int]] = []  # a corner, whether the side after it is open, the split that the corner is
    tips = []
    for side in range(3):
        tail, head = int(face[side]), int(face[(side + 1) % 3])
        tips.append(len(ring))
        ring.append((tail, bool(open_[side]), -1))
        mine = np.flatnonzero(split[:, 1] == side)
        along = (points[split[mine, 2]] - points[tail]) @ (points[head] - points[tail])
        ring += [(int(split[i, 2]), True, int(number[i])) for i in mine[np.lexsort((split[mine, 2], along))]]
    # the corner whose opposite side holds most: a fan from it leaves the fewest pieces without area
    sizes = [(tips[(k + 2) % 3] - tips[(k + 1) % 3]) % len(ring) for k in range(3)]
    top = tips[int(np.argmax(sizes))]
    walk = ring[top:] + ring[:top]
    pieces = []
    for i in range(1, len(walk) - 1):
        tip, one, two = walk[0], walk[i], walk[i + 1]
        sides_open = [tip[1] and i == 1, one[1], two[1] and i == len(walk) - 2]
        pieces.append(([tip[0], one[0], two[0]], origin, sides_open, [one[2], two[2], tip[2]]))
    return pieces
