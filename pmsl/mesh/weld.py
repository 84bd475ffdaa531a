"""Cracks: vertices that were meant to be one and differ by rounding, joined so far as that closes the surface and no further.

The tolerance grows from what single precision leaves (`FIRST`) to the bound, doubling. At each step vertices at which the surface
ends may join others of them; then, from the least tolerance on again, vertices that lie along open edges split these. What is joined must

    close edges                 two sides that ended become one edge
    keep every face             no two corners of one face are joined
    leave walls and gaps alone  a sheet that lies across, as the other side of a wall or a gap does, is `WALL` times as far as the joint is
                                wide, and faces that meet at a joined edge open that far

and is undone where it does not. So a crack is closed at the least tolerance that does it, and a thin gap beside it keeps its sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.mesh.boxtree import BoxTree

FIRST, MOST_FIRST_UM = 2e-6, 0.5  # of the extent: what single precision and a few decimals leave between vertices meant to be one
PIXELS = 1 / 20  # the bound, in pixels
USUAL_PIXEL_UM = 7.6  # where no pixel is known: that of the printer which is used where none is named
SLACK = 1e-9
MORE, COARSE = 16.0, 1e-3  # times the bound, and share of the extent: how far a refused mesh is looked at for cracks
WALL = 10.0  # how many times as far as a joint is wide the other side of a wall or a gap must be
MOST_AROUND = 2000  # faces around a vertex that are held against one another
ALONG = 0.5  # cosine within which a sheet lies across, and faces its normal


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


def bound_um(pixel_um: float | None) -> float:
    """Return how far vertices may be joined where nobody says it [µm]: a twentieth of a pixel."""
    return (USUAL_PIXEL_UM if pixel_um is None else pixel_um) * PIXELS


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
    single = _sides_single(corners, len(points))
    rim = np.zeros(len(points), bool)
    rim[_ends(corners)[single.ravel()]] = True
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
    single = int(_sides_single(corners, len(points)).sum())
    usual = max(bound, bound_um(None))
    done = welded(points, corners, min(MORE * usual, COARSE * float(np.ptp(points, axis=0).max())))
    if done is None or done.within_um <= bound or 2 * int(_sides_single(done.corners, len(points)).sum()) > single:
        return None
    return float(f"{done.within_um * 1.005:.3g}")  # not below it, rounded


@dataclass(slots=True, eq=False)
class _Joints:
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
        return len(self.alive) - len(self.split)

    def target(self) -> np.ndarray:
        """Return the vertex each becomes, as far as joints are alive."""
        ids = np.arange(len(self.to))
        on = (self.cluster >= 0) & self.alive[np.maximum(self.cluster, 0)]
        return np.where(on, self.to, ids)


class _Work:
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
        ends = _ends(corners)
        found: np.ndarray = _sides_single(corners, len(self.points)) & (self.rim[ends[:, 0]] & self.rim[ends[:, 1]]).reshape(-1, 3)
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
                self._conflicts(joints, corners)
                | self._walls(joints)
                | self._folds(joints)
                | self._useless(joints, corners, was_open, splits)
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

    def _proposed(self, open_: np.ndarray, level: float, divide: bool) -> _Joints:
        """Find what lies within `level`."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components
        from scipy.spatial import cKDTree

        n = len(self.points)
        ends = _ends(self.corners)[open_.ravel()]
        rim = np.unique(ends)
        pairs = rim[cKDTree(self.points[rim]).query_pairs(level * (1 + SLACK), output_type="ndarray").reshape(-1, 2)]
        pairs = pairs[~np.isin(_keys(pairs, n), _keys(_ends(self.corners), n))]  # not of one face
        joined = np.unique(pairs)
        links = coo_array((np.ones(len(pairs), np.int8), np.searchsorted(joined, pairs.T)), shape=(len(joined), len(joined)))
        count, label = connected_components(links, directed=False) if len(joined) else (0, np.zeros(0, np.int64))
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
        return _Joints(to, cluster, wide, split, moved <= self.bound * (1 + SLACK))

    def _along_edges(self, open_: np.ndarray, rim: np.ndarray, level: float, to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find vertices of the rim that lie along open sides: face, side and what the vertex becomes (s, 3), and how far off (s,)."""
        face, side = np.nonzero(open_)
        ends = _ends(self.corners)[open_.ravel()]
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

    def _applied(self, joints: _Joints, open_: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
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

    def _conflicts(self, joints: _Joints, corners: np.ndarray) -> np.ndarray:
        """Tell which joints make two corners of a face one."""
        bad = np.zeros(len(joints.alive), bool)
        a, b, c = corners.T
        flat = corners[(a == b) | (b == c) | (c == a)]
        mine = joints.cluster[flat.ravel()]
        bad[mine[mine >= 0]] = True
        splits = np.isin(joints.target()[joints.split[:, 2]], flat)
        bad[joints.clusters :] |= splits
        return bad

    def _walls(self, joints: _Joints) -> np.ndarray:
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
        normals = _normals(self.points, self.tree.faces)
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

    def _folds(self, joints: _Joints) -> np.ndarray:
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

    def _divided_by(self, joints: _Joints) -> np.ndarray:
        """List which joint divides which face, or holds a vertex that does: joint * faces + face, as the faces were."""
        face = self.origin[joints.split[:, 0]]
        cluster, n = joints.cluster[joints.split[:, 2]], len(self.tree.faces)
        own = np.arange(joints.clusters, len(joints.alive))
        return np.concatenate([own * n + face, (cluster * n + face)[cluster >= 0]])

    def _useless(self, joints: _Joints, corners: np.ndarray, was_open: np.ndarray, splits: np.ndarray) -> np.ndarray:
        """Tell which joints close no edge, or fold faces onto one another."""
        n = len(self.points)
        ends = _ends(corners)
        keys = _keys(ends, n)
        mended = was_open.ravel() & ~_sides_single(corners, n).ravel() & (ends[:, 0] != ends[:, 1])
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


def _ends(corners: np.ndarray) -> np.ndarray:
    """Tail and head of the three sides of every face: (3 F, 2)."""
    return np.stack([corners, np.roll(corners, -1, axis=1)], axis=2).reshape(-1, 2)


def _keys(ends: np.ndarray, n: int) -> np.ndarray:
    """Return one number for the ends of a side, whichever way it runs."""
    keys: np.ndarray = ends.min(axis=1) * n + ends.max(axis=1)
    return keys


def _sides_single(corners: np.ndarray, n: int) -> np.ndarray:
    """Tell which sides no other face has: (F, 3) bool."""
    _, edge, many = np.unique(_keys(_ends(corners), n), return_inverse=True, return_counts=True)
    single: np.ndarray = many[edge] == 1
    return single.reshape(-1, 3)


def _normals(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (F, 3); 0 where a face has no area."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    out: np.ndarray = normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)[:, None]
    return out


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
