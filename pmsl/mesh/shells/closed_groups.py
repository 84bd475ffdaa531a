"""The closed surfaces that a closed mesh is made of, where more than two faces meet at edges too."""

from __future__ import annotations

import msgspec
import numpy as np

from pmsl.core.arrays import linked_groups

SAME_ANGLE = 1e-9
ORDERS = 8  # of edges, tried
FEW_JOINTS = 500  # edges where several orders are tried: some 10 ms each


def closed_groups(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Number the closed surfaces that a closed mesh is made of.

    Surfaces go on across edges of two faces. Where more meet, they go on so that the material between the two sides of each is least: two
    blocks that touch are two, a cavity that touches a wall is not part of it. Where that is the same, as it is where bodies overlap, faces
    go together that hang together elsewhere.

    Parameters
    ----------
    corners : (F, 3) int
        Vertex ids; equal positions have one id.
    points : (n, 3) float64
        Positions of the ids.

    Returns
    -------
    (F,) int32
        Number of every face's surface, in the order of their first faces.
    """
    n = len(corners)
    tail, head = corners.T.ravel().astype(np.int64), np.roll(corners, -1, axis=1).T.ravel().astype(np.int64)
    face, apex, way = np.tile(np.arange(n), 3), np.roll(corners, -2, axis=1).T.ravel(), np.where(tail < head, 1, -1)
    _, edge, count = np.unique(np.minimum(tail, head) * len(points) + np.maximum(tail, head), return_inverse=True, return_counts=True)
    order = np.argsort(edge, kind="stable")
    begin = np.concatenate([[0], np.cumsum(count)])
    two = begin[:-1][count == 2]
    label = _joined(np.stack([face[order[two]], face[order[two + 1]]], axis=1), n)
    joints = []
    for e in np.flatnonzero(count > 2).tolist():
        half = order[begin[e] : begin[e + 1]]
        if tail[half[0]] != head[half[0]] and _open_at(label[face[half]].tolist(), way[half].tolist()):
            a, b = sorted((int(tail[half[0]]), int(head[half[0]])))
            joints.append(_joint(points[a], points[b], points[apex[half]], way[half], face[half]))
    return _across(joints, label) if joints else label


def _joined(pairs: np.ndarray, n: int) -> np.ndarray:
    """Number the groups of n things that pairs (p, 2) join: (n,) int32, in the order of their first ones."""
    return linked_groups(pairs, n)[1].astype(np.int32)


def _open_at(surfaces: list[int], way: list[int]) -> bool:
    """Tell whether one of the surfaces that meet at an edge ends there."""
    net = dict.fromkeys(surfaces, 0)
    for surface, step in zip(surfaces, way, strict=True):
        net[surface] += step
    return any(net.values())


class _Joint(msgspec.Struct, frozen=True, eq=False):
    """The faces at an edge where more than two meet.

    Attributes
    ----------
    forth, back : list of int
        Faces that run through it forth, and back: as many.
    wedge : (k, k) float64
        Angle of the material between each of `forth` and each of `back`.
    """

    forth: list[int]
    back: list[int]
    wedge: np.ndarray

    @property
    def certain(self) -> bool:
        """Whether of two ways to pair its faces one leaves less material: ways differ by full turns."""
        w = self.wedge
        return len(w) == 2 and abs(w[0, 0] + w[1, 1] - w[0, 1] - w[1, 0]) > 1.0


def _joint(a: np.ndarray, b: np.ndarray, apex: np.ndarray, way: np.ndarray, face: np.ndarray) -> _Joint:
    """Look along the edge ab at its faces, which have their third corners at `apex` and run through it forth (`way` 1) or back."""
    along = (b - a) / max(float(np.linalg.norm(b - a)), 1e-300)
    arm = apex - a - ((apex - a) @ along)[:, None] * along
    side = arm[0] / max(float(np.linalg.norm(arm[0])), 1e-300)
    angle = np.arctan2(arm @ np.cross(along, side), arm @ side)
    forth, back = np.flatnonzero(way > 0), np.flatnonzero(way < 0)
    wedge = (angle[forth, None] - angle[None, back]) % (2 * np.pi)  # material lies behind a face that runs forth, before one that runs back
    wedge[(wedge < SAME_ANGLE) | (wedge > 2 * np.pi - SAME_ANGLE)] = 2 * np.pi
    return _Joint(face[forth].tolist(), face[back].tolist(), wedge)


def _across(joints: list[_Joint], label: np.ndarray) -> np.ndarray:
    """Join surfaces `label` (F,) across edges.

    What is certain comes first. The other edges follow in a few orders, and the one counts that leaves the most surfaces: two bodies
    that are taken for one wind twice around what both enclose, and no boolean takes that.
    """
    surfaces = _Merged(label)
    for joint in joints:
        if joint.certain:
            surfaces.pair(joint)
    rest = [joint for joint in joints if not joint.certain]
    rng = np.random.default_rng(0)
    best, most = label, 0
    for i in range(ORDERS if len(rest) <= FEW_JOINTS else 1):
        tried = surfaces.copy()
        for j in rng.permutation(len(rest)).tolist() if i else range(len(rest)):
            tried.pair(rest[j])
        found = tried.numbered()
        if (many := int(found.max()) + 1) > most:
            best, most = found, many
    return best


class _Merged:
    """Surfaces that are joined one after the other."""

    def __init__(self, label: np.ndarray, parent: list[int] | None = None) -> None:
        self._label = label
        self._parent = list(range(int(label.max()) + 1)) if parent is None else parent

    def copy(self) -> _Merged:
        """Return the same surfaces, to be joined in another way."""
        return _Merged(self._label, self._parent.copy())

    def of(self, face: int) -> int:
        """Return the surface of a face."""
        parent, s = self._parent, int(self._label[face])
        while parent[s] != s:
            parent[s] = parent[parent[s]]
            s = parent[s]
        return s

    def pair(self, joint: _Joint) -> None:
        """Join the surfaces that meet at an edge, if one ends there: by the least material, else as they are joined."""
        from scipy.optimize import linear_sum_assignment

        ones, others = [self.of(f) for f in joint.forth], [self.of(f) for f in joint.back]
        k = len(ones)
        if not _open_at(ones + others, [1] * k + [-1] * k):
            return
        apart = np.array(ones)[:, None] != np.array(others)
        i, j = linear_sum_assignment(joint.wedge + apart / k)  # in all less than a turn, by which sums of angles differ
        for a, b in zip(i.tolist(), j.tolist(), strict=True):
            self._parent[self.of(joint.forth[a])] = self.of(joint.back[b])

    def numbered(self) -> np.ndarray:
        """Number every face's surface, in the order of their first faces: (F,) int32."""
        roots = np.array([self.of(f) for f in np.unique(self._label, return_index=True)[1].tolist()])[self._label]
        _, first, which = np.unique(roots, return_index=True, return_inverse=True)
        number: np.ndarray = np.argsort(np.argsort(first))[which].astype(np.int32)
        return number
