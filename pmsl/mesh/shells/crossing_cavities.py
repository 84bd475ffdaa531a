"""Cavities that cross, repeat or nest, or lie across several bodies: the solid is the union of the bodies less that of the cavities.

A mesh whose cavities lie apart, each in one body, needs none of this: its winding number is 1 in the material and 0 elsewhere, and
masks take it as it is. Where inward shells meet, winding is 1 - 2 = -1 in what both enclose, and the solid is made anew:

    level 0: outward shells            less the inward shells inside their union
    level 1: those inside a cavity     less the inward shells inside *their* union, and so on

An inward shell that reaches out of the union of the bodies is no cavity: it is turned, and said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pmsl.mesh.box_tree import BoxTree
from pmsl.mesh.shells.closed_groups import closed_groups
from pmsl.mesh.shells.manifolds import arrays_of, manifold_of
from pmsl.mesh.shells.shells import CAVITY, OUTWARD, Measures, Shells, measures_of
from pmsl.mesh.shells.winding import largest, winding_at
from pmsl.mesh.topology import join_vertices, without_copies

if TYPE_CHECKING:
    from manifold3d import Manifold

SAMPLES = 32  # points beside a shell where its surroundings are looked at
INSET = 1e-6  # of the extent: how far beside its surface
SLACK = 1e-6  # of a shell's volume: what may reach out of others by rounding
ROUNDING = 2.0**-22  # of the largest coordinate: how far single precision may move a face
MOST_ASKED = 300_000  # triangles of inward shells that are held against others: a second
MOST = 3_000_000  # triangles: more would take minutes

Box = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Hollowed:
    """A mesh whose cavities lie apart.

    Attributes
    ----------
    points : (n, 3) float64
    faces : (F, 3) int32
    cavities : int
        How many inward shells were cut out together.
    turned : int
        How many inward shells are no cavities, and were turned.
    copies : int
        Faces left out because they repeat others.
    reaching : int
        Bodies of which a cavity that is not theirs alone cuts a part away.
    box_um, turned_box_um : (2, 3) float64
        Box around these cavities, and around what was turned.
    """

    points: np.ndarray
    faces: np.ndarray
    cavities: int
    turned: int
    copies: int
    reaching: int
    box_um: np.ndarray
    turned_box_um: np.ndarray


def meet(points: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures, looks: np.ndarray) -> bool:
    """Tell whether some inward shell touches another shell or itself, or has other surroundings than one body.

    Parameters
    ----------
    points : (n, 3) float64; faces : (F, 3) int32; shells, m
        As `pmsl.mesh.shells.shells.shells_of` and `measures_of` give them.
    looks : (n,) int8
        As `pmsl.mesh.shells.shells.inward` gives it.
    """
    own = np.array([s for s in np.flatnonzero(looks != OUTWARD).tolist() if looks[s] == CAVITY or len(_neighbours(m, s))], np.int64)
    if len(own) == 0:
        return False
    mine = np.isin(shells.label, own)
    near = _triangles_near(points, faces, shells, m, own)
    for which, other in ((near, True), (mine, False)):
        asked = np.flatnonzero(mine & which)
        if len(asked) == 0 or len(asked) > MOST_ASKED:
            continue
        crossings = BoxTree.of(points, faces, np.flatnonzero(which)).crossed_by(asked, shells.label, other=other, rim=other)
        if crossings.count or not crossings.complete:
            return True
    members = np.split(np.argsort(shells.label, kind="stable"), np.cumsum(np.bincount(shells.label, minlength=shells.count))[:-1])
    beside = [_beside(points, faces, members[s], m, s, own) for s in own.tolist()]
    material, void = (np.concatenate(side) for side in zip(*beside, strict=True))
    winding = winding_at(points, faces, np.concatenate([material, void])) * (-1 if m.turned else 1)
    return bool((winding[: len(material)] != 1).any() or (winding[len(material) :] != 0).any())


def _neighbours(m: Measures, shell: int) -> np.ndarray:
    """Return the other shells that enclose something and whose boxes meet that of a shell."""
    low, high = m.box_um[shell]
    near = (m.box_um[:, 0] <= high).all(axis=1) & (m.box_um[:, 1] >= low).all(axis=1) & ~m.hollow
    near[shell] = False
    return np.flatnonzero(near)


def _triangles_near(points: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures, own: np.ndarray) -> np.ndarray:
    """Tell which triangles reach into a place where the box of an inward shell (`own`) meets that of another shell: (F,) bool."""
    low, high = np.full((shells.count, 3), np.inf), np.full((shells.count, 3), -np.inf)
    for s in own.tolist():
        meets = _neighbours(m, s)
        at = np.maximum(m.box_um[meets, 0], m.box_um[s, 0]), np.minimum(m.box_um[meets, 1], m.box_um[s, 1])
        for which, box in ((meets, at), (np.full(len(meets), s), at)):
            np.minimum.at(low, which, box[0])
            np.maximum.at(high, which, box[1])
    a, b, c = (points[faces[:, i]] for i in range(3))
    least, most = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    near: np.ndarray = ((least <= high[shells.label]) & (most >= low[shells.label])).all(axis=1)
    return near


def _beside(
    points: np.ndarray, faces: np.ndarray, which: np.ndarray, m: Measures, shell: int, near: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return points of the material around an inward shell, and of the void in it: two (s, 3), beside its largest faces.

    Faces in the box of another inward shell come first.
    """
    corners = points[faces[which]]
    middle = corners.mean(axis=1)
    others = m.box_um[near[near != shell]]
    shared = np.zeros(len(which), bool)
    for low, high in others[((others[:, 0] <= m.box_um[shell, 1]) & (others[:, 1] >= m.box_um[shell, 0])).all(axis=1)]:
        shared |= ((middle >= low) & (middle <= high)).all(axis=1)
    _, at, normal, _ = largest(corners, SAMPLES, shared)
    step = INSET * float(np.ptp(m.box_um[shell], axis=0).max()) * (-normal if m.turned else normal)
    return at - step, at + step


def hollowed(points: np.ndarray, faces: np.ndarray, turned_whole: bool, slack_um: float = 0.0) -> Hollowed | None:
    """Cut the union of the cavities out of the union of the bodies.

    Parameters
    ----------
    points : (n, 3) float64
    faces : (F, 3) int32
        Of a closed mesh.
    turned_whole : bool
        The mesh as a whole looks inward, copies included.
    slack_um : float
        How far corners may have been joined: shells that pass through themselves no deeper than that are taken as they are.

    Returns
    -------
    Hollowed or None
        None where some shell cannot be made a manifold, or there are more than `MOST` triangles.
    """
    if len(faces) > MOST:
        return None
    ids, points = join_vertices(points)
    corners = ids[faces].astype(np.int32)
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    stays = without_copies(corners, len(points))
    copies = int((~stays).sum())
    corners = corners[stays]
    label = closed_groups(corners, points)
    shells = Shells(True, int(label.max()) + 1, label)
    m = measures_of(points, corners, shells)
    volume = m.volume_um3 if m.turned == turned_whole else -m.volume_um3
    corners = corners[:, ::-1] if turned_whole else corners
    bodies: dict[int, Manifold] = {}
    voids: dict[int, Manifold] = {}
    for s in np.flatnonzero(~m.hollow).tolist():
        outward = bool(volume[s] > 0)
        own = corners[label == s]
        body = manifold_of(points, own if outward else own[:, ::-1], slack_um)
        if body is None:
            return None
        (bodies if outward else voids)[s] = body
    solid, cavities, turned, reaching = _levels(bodies, voids)
    new_points, new_faces = arrays_of(solid)
    new_faces = new_faces[:, ::-1] if turned_whole else new_faces
    return Hollowed(
        points=new_points,
        faces=new_faces,
        cavities=len(cavities),
        turned=len(turned),
        copies=copies,
        reaching=reaching,
        box_um=_around(m.box_um, cavities),
        turned_box_um=_around(m.box_um, turned),
    )


def _around(boxes: np.ndarray, which: list[int]) -> np.ndarray:
    chosen = boxes[which] if which else np.zeros((1, 2, 3))
    return np.stack([chosen[:, 0].min(axis=0), chosen[:, 1].max(axis=0)])


def _levels(bodies: dict[int, Manifold], voids: dict[int, Manifold]) -> tuple[Manifold, list[int], list[int], int]:
    """Return the solid, the shells that are cavities, those that are none, and how many bodies lose something to a cavity across them."""
    cavities = [s for s in voids if s in _inside(voids, _union(bodies.values()))]
    turned = [s for s in voids if s not in cavities]
    level = {**bodies, **{s: voids[s] for s in turned}}
    left = {s: voids[s] for s in cavities}
    terms: list[Manifold] = []
    reaching = 0
    while level:
        islands = _inside(level, _union(left.values()))
        islands = islands if len(islands) < len(level) or not terms else set()
        inner = {s: level[s] for s in islands}
        deeper = _inside(left, _union(inner.values()))
        own = {s: left[s] for s in left if s not in deeper}
        outer = {s: level[s] for s in level if s not in islands}
        cut = _union(own.values())
        reaching += _reaching(outer, own)
        terms.append(_union(outer.values()) - cut)
        level, left = inner, {s: left[s] for s in deeper}
    return _union(terms), cavities, turned, reaching


def _union(bodies: Iterable[Manifold]) -> Manifold:
    from manifold3d import Manifold, OpType

    return Manifold.batch_boolean(list(bodies), OpType.Add)


def _inside(shells: dict[int, Manifold], whole: Manifold) -> set[int]:
    """Return which shells lie in `whole`, but for what rounding leaves."""
    if not shells or whole.is_empty():
        return set()
    rest = _union(shells.values()) - whole
    if rest.volume() <= min(map(_slack_um3, shells.values())):
        return set(shells)
    return {s for s, body in shells.items() if (body - whole).volume() <= _slack_um3(body)}


def _slack_um3(body: Manifold) -> float:
    """Return how much of a shell that is flush with others may lie outside of them by rounding."""
    reach = float(np.abs(body.bounding_box()).max())
    return max(SLACK * float(body.volume()), ROUNDING * reach * float(body.surface_area()))


def _reaching(bodies: dict[int, Manifold], cavities: dict[int, Manifold]) -> int:
    """Count the bodies that reach into a cavity which lies wholly in another one."""
    out = set()
    for void in cavities.values():
        near = {s: body for s, body in bodies.items() if _boxes_meet(void, body)}
        if len(near) < 2:
            continue
        rest = {s: (void - body).volume() for s, body in near.items()}
        slack = _slack_um3(void)
        if min(rest.values()) <= slack:
            out |= {s for s, left in rest.items() if slack < left < void.volume() - slack}
    return len(out)


def _boxes_meet(one: Manifold, other: Manifold) -> bool:
    a, b = np.array(one.bounding_box()), np.array(other.bounding_box())
    return bool((a[:3] < b[3:]).all() and (b[:3] < a[3:]).all())
