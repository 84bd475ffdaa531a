"""What may be joined to close cracks, and whether it does any harm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.mesh.box_tree import BoxTree

WALL = 10.0  # how many times as far as a joint is wide the other side of a wall or a gap must be
MOST_AROUND = 2000  # faces around a vertex that are held against one another
ALONG = 0.5  # cosine within which a sheet lies across, and faces its normal


@dataclass(slots=True, eq=False)
class Joints:
    """What may be joined at one tolerance: clusters of vertices, and vertices that split edges. Numbers of joints: clusters, then splits.

    `to` (n,) is the vertex each becomes, `cluster` (n,) its joint or -1, `wide` (j,) how far a joint's vertices move [µm], `split`
    (s, 3) face, side and vertex of each split, `alive` (j,) what was not undone.
    """

    to: np.ndarray
    cluster: np.ndarray
    wide: np.ndarray
    split: np.ndarray
    alive: np.ndarray

    @property
    def clusters(self) -> int:
        """How many joints are clusters; the others are splits."""
        return len(self.alive) - len(self.split)

    def target(self) -> np.ndarray:
        """Return the vertex each becomes, as far as joints are alive."""
        ids = np.arange(len(self.to))
        on = (self.cluster >= 0) & self.alive[np.maximum(self.cluster, 0)]
        return np.where(on, self.to, ids)


class Checks:
    """Holds joints against the faces near open edges: `tree` has them as they were, `to` what each vertex has become so far."""

    points: np.ndarray
    tree: BoxTree
    to: np.ndarray
    origin: np.ndarray
    first: float

    def conflicts(self, joints: Joints, corners: np.ndarray) -> np.ndarray:
        """Tell which joints make two corners of a face one."""
        bad = np.zeros(len(joints.alive), bool)
        a, b, c = corners.T
        flat = corners[(a == b) | (b == c) | (c == a)]
        mine = joints.cluster[flat.ravel()]
        bad[mine[mine >= 0]] = True
        splits = np.isin(joints.target()[joints.split[:, 2]], flat)
        bad[joints.clusters :] |= splits
        return bad

    def walls(self, joints: Joints) -> np.ndarray:
        """Tell which joints have the other side of a wall or a gap near by."""
        bad = np.zeros(len(joints.alive), bool)
        on = np.flatnonzero(joints.alive)
        if len(on) == 0:
            return bad
        at = np.empty(len(joints.alive), np.int64)
        at[joints.cluster[joints.cluster >= 0]] = joints.to[joints.cluster >= 0]
        at[joints.clusters :] = joints.split[:, 2]
        pairs, nearest = self.tree.near(self.points[at[on]], WALL * joints.wide[on])
        joint, face = on[pairs[:, 0]], pairs[:, 1]
        away = nearest[:, 3]
        own = (joints.target()[self.to][self.tree.faces] if len(face) else self.tree.faces).astype(np.int64)
        far = away > self.first  # what is nearer touches
        far &= (own[face] != at[joint][:, None]).all(axis=1)
        far &= ~np.isin(joint * len(own) + face, self._divided_by(joints))
        joint, face, away, point = joint[far], face[far], away[far], nearest[far, :3]
        normals = normals_of(self.points, self.tree.faces)
        across = np.abs(np.einsum("ij,ij->i", point - self.points[at[joint]], normals[face])) >= ALONG * away
        joint, face = joint[across], face[across]
        if len(joint) == 0:
            return bad
        corner = np.argsort(own.ravel(), kind="stable")  # faces around every vertex
        begin = np.searchsorted(own.ravel()[corner], at[joint])
        many = np.searchsorted(own.ravel()[corner], at[joint], side="right") - begin
        row = np.repeat(np.arange(len(joint)), many)
        around = corner[np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many) + begin[row]] // 3
        facing = np.abs(np.einsum("ij,ij->i", normals[around], normals[face[row]])) >= ALONG
        bad[joint[row[facing]]] = True
        return bad

    def folds(self, joints: Joints) -> np.ndarray:
        """Tell which clusters would join sheets that lie over one another: faces of different vertices, one across the other."""
        bad = np.zeros(len(joints.alive), bool)
        before = self.to[self.tree.faces]
        joint = joints.cluster[before].ravel()
        sides = np.flatnonzero(joint >= 0)
        sides = sides[joints.alive[joint[sides]]]
        sides = sides[np.argsort(joint[sides], kind="stable")]
        many = np.bincount(joint[sides], minlength=len(joints.alive))
        begin = np.cumsum(many) - many
        many[many > MOST_AROUND] = 0
        counts = many[joint[sides]]
        one = np.repeat(sides, counts)
        other = sides[np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts) + begin[joint[one]]]
        apart = before.ravel()[one] != before.ravel()[other]
        one, other = one[apart], other[apart]
        wide = joints.wide[joint[one]]
        over = self._over(one, other, wide)
        bad[joint[one[(over < WALL * wide) & (over > self.first)]]] = True  # what is nearer touches
        return bad

    def _over(self, one: np.ndarray, other: np.ndarray, wide: np.ndarray) -> np.ndarray:
        """Return how far the face of a side `one` lies from that of `other` where it lies over it, both seen from their tails; else inf."""
        faces, points = self.tree.faces, self.points
        at = [points[faces[s // 3, s % 3]] for s in (one, other)]
        legs = [[points[faces[s // 3, (s + k) % 3]] - p for k in (1, 2)] for s, p in zip((one, other), at, strict=True)]
        a, b = legs[1]
        normal = np.cross(a, b)
        area = np.maximum(np.linalg.norm(normal, axis=1), 1e-300)
        normal /= area[:, None]
        middle = (legs[0][0] + legs[0][1]) / 3
        s = np.einsum("ij,ij->i", np.cross(middle, b), normal) / area
        t = np.einsum("ij,ij->i", np.cross(a, middle), normal) / area
        near = np.minimum(1.0, 0.5 / np.maximum(s + t, 1e-300))  # a point of it that is over the other
        clear = (near * s * area > 2 * wide * np.linalg.norm(b, axis=1)) & (near * t * area > 2 * wide * np.linalg.norm(a, axis=1))
        off = np.abs(np.einsum("ij,ij->i", at[0] + near[:, None] * middle - at[1], normal))
        return np.where((s > 0) & (t > 0) & clear, off, np.inf)

    def _divided_by(self, joints: Joints) -> np.ndarray:
        """List which joint divides which face, or holds a vertex that does: joint * faces + face, as the faces were."""
        face = self.origin[joints.split[:, 0]]
        cluster, n = joints.cluster[joints.split[:, 2]], len(self.tree.faces)
        own = np.arange(joints.clusters, len(joints.alive))
        return np.concatenate([own * n + face, (cluster * n + face)[cluster >= 0]])

    def useless(self, joints: Joints, corners: np.ndarray, was_open: np.ndarray, splits: np.ndarray) -> np.ndarray:
        """Tell which joints close no edge, or fold faces onto one another."""
        n = len(self.points)
        ends = ends_of(corners)
        keys = keys_of(ends, n)
        mended = was_open.ravel() & ~single_sides(corners, n).ravel() & (ends[:, 0] != ends[:, 1])
        label = np.full(n, -1)  # joint of every vertex that others became
        label[joints.to[joints.cluster >= 0]] = joints.cluster[joints.cluster >= 0]
        mine = np.stack([label[ends[:, 0]], label[ends[:, 1]], splits.ravel(), np.roll(splits, 1, axis=1).ravel()], axis=1)
        mine[~joints.alive[mine]] = -1
        wide = np.where(mine >= 0, joints.wide[np.maximum(mine, 0)], 0.0).max(axis=1)
        order = np.flatnonzero(mended)
        order = order[np.argsort(keys[order], kind="stable")]
        start = np.flatnonzero(np.concatenate([np.ones(min(len(order), 1), bool), keys[order][1:] != keys[order][:-1]]))
        two = start[np.diff(np.append(start, len(order))) == 2]
        first, second = order[two], order[two + 1]
        opening = self._opening(corners, first, second)
        folded = (opening < WALL * np.maximum(wide[first], wide[second])) & (opening > self.first)
        bad = np.ones(len(joints.alive), bool)
        bad[mine[mended][mine[mended] >= 0]] = False
        for side in (first[folded], second[folded]):
            bad[mine[side][mine[side] >= 0]] = True
        return bad

    def _opening(self, corners: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return how far apart the far corners of two faces lie that meet at a side of each; inf where they do not fold back [µm]."""
        a, b = self.points[corners[first // 3, first % 3]], self.points[corners[first // 3, (first + 1) % 3]]
        along = (b - a) / np.maximum(np.linalg.norm(b - a, axis=1), 1e-300)[:, None]
        away = []
        for side in (first, second):
            far = self.points[corners[side // 3, (side + 2) % 3]] - a
            away.append(far - np.einsum("ij,ij->i", far, along)[:, None] * along)
        p, q = (np.linalg.norm(u, axis=1) for u in away)
        across = np.linalg.norm(np.cross(*away), axis=1) / np.maximum(np.maximum(p, q), 1e-300)
        return np.where(np.einsum("ij,ij->i", *away) > 0, across, np.inf)


def ends_of(corners: np.ndarray) -> np.ndarray:
    """Tail and head of the three sides of every face: (3 F, 2)."""
    return np.stack([corners, np.roll(corners, -1, axis=1)], axis=2).reshape(-1, 2)


def keys_of(ends: np.ndarray, n: int) -> np.ndarray:
    """Return one number for the ends of a side, whichever way it runs."""
    keys: np.ndarray = ends.min(axis=1) * n + ends.max(axis=1)
    return keys


def single_sides(corners: np.ndarray, n: int) -> np.ndarray:
    """Tell which sides no other face has: (F, 3) bool."""
    _, edge, many = np.unique(keys_of(ends_of(corners), n), return_inverse=True, return_counts=True)
    single: np.ndarray = many[edge] == 1
    return single.reshape(-1, 3)


def normals_of(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (F, 3); 0 where a face has no area."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    out: np.ndarray = normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)[:, None]
    return out
