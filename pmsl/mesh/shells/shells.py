"""Shells of a mesh, and what they are to one another: which look inward, which lie in which. Cheap enough for every mesh."""

from __future__ import annotations

import msgspec
import numpy as np

from pmsl.mesh.shells.closed_groups import closed_groups
from pmsl.mesh.solid_results import Shells as Shells
from pmsl.mesh.topology import group_rows
from pmsl.mesh.triangle_mesh import TriangleMesh

FEW = 1 << 17  # triangles whose shells are found by their edges; of more, by stretches of the file
OUTWARD, CAVITY, TURN = range(3)  # how a shell looks
NOTHING = 1e-9  # volume over area**1.5 of a shell that encloses nothing


def shells_of(vertices: np.ndarray, faces: np.ndarray, few: int = FEW) -> Shells:
    """Find the shells of a mesh, and whether it is closed.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int32
    few : int
        A mesh of more triangles is parted only where a stretch of the file is closed by itself.

    Returns
    -------
    Shells
    """
    from pmsl.kernels.mesh import watertight

    label, total = np.empty(len(faces), np.int32), np.zeros(2, np.uint64)
    if len(faces) > few:
        count = watertight.stretches(vertices, faces, label, total)
        return Shells(bool(total[0] == 0), int(count), label)
    room = 1 << (4 * len(faces) + 3).bit_length()
    table = np.empty(room, np.uint64), np.full(room, -1, np.int32), np.empty(room, np.int32)
    count = watertight.shells(vertices, faces, *table, label, total)
    if total[0] == 0 and total[1]:
        ids, first = group_rows((vertices + 0.0).view(np.int64))  # + 0: -0 is 0
        label = closed_groups(ids[faces], vertices[first])
        count = label.max() + 1
    return Shells(bool(total[0] == 0), int(count), label, bool(total[1]))


def inverse_copies(vertices: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures) -> np.ndarray:
    """Tell which shells look inward and repeat, face by face, one that looks outward: (n,) bool. Their faces look both ways."""
    if not shells.touching:
        return np.zeros(shells.count, bool)
    ids, _ = group_rows((vertices + 0.0).view(np.int64))
    same, _ = group_rows(np.sort(ids[faces], axis=1))
    outward = np.zeros(int(same.max()) + 1, bool)
    outward[same[(m.volume_um3 > 0)[shells.label]]] = True
    repeats = np.bincount(shells.label, outward[same], shells.count) == np.bincount(shells.label, minlength=shells.count)
    copies: np.ndarray = repeats & (m.volume_um3 < 0) & ~m.hollow
    return copies


def one_closed_body(solid: TriangleMesh) -> bool:
    """Tell, of a large soup, that it is closed and no stretch of it is by itself: it needs no repair, and no vertices are made for that."""
    if not solid.of_file or solid.n_faces <= FEW:
        return False
    if solid.results.one_closed_body is None:
        from pmsl.kernels.mesh import watertight

        total = np.empty(1, np.uint64)
        solid.results.one_closed_body = bool(watertight.stretches_of_soup(solid.triangles()[0], total) == 1 and total[0] == 0)
    return solid.results.one_closed_body


def known_shells(solid: TriangleMesh, arrays: tuple[np.ndarray, np.ndarray] | None = None, few: int | None = None) -> Shells:
    """Return the shells of a solid, found once.

    Parameters
    ----------
    solid : TriangleMesh
    arrays : ((V, 3) float64, (F, 3) int32), optional
        Its vertices and faces, where the caller has them: those of a soup are made anew each time.
    few : int, optional
        As of `shells_of`: look for them anew, whatever is known, and know that from now on.
    """
    if solid.results.shells is None or few is not None:
        vertices, faces = arrays_of(solid) if arrays is None else arrays
        solid.results.shells = shells_of(vertices, faces, FEW if few is None else few)
    return solid.results.shells


def known_boxes_um(solid: TriangleMesh, measured: Measures | None = None) -> np.ndarray:
    """Return the boxes of a solid's shells, (n, 2, 3) float64 [µm], found once; `measured` where the caller has looked already."""
    if solid.results.shell_boxes_um is None or measured is not None:
        m = measures_of(*arrays_of(solid), known_shells(solid)) if measured is None else measured
        solid.results.shell_boxes_um = m.box_um
    return solid.results.shell_boxes_um


def arrays_of(solid: TriangleMesh) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) float64 [µm] and faces (F, 3) int32; those of a soup are made here, and not kept."""
    return solid.points_um(slice(None)), solid.faces_of(slice(0, solid.n_faces))


class Measures(msgspec.Struct, frozen=True, eq=False):
    """What shells are like; arrays have one entry a shell.

    Attributes
    ----------
    volume_um3 : (n,) float64
        Signed; positive where most of the mesh looks the same way.
    area_um2 : (n,) float64
    box_um : (n, 2, 3) float64
    widest : (n,) int32
        The largest triangle.
    turned : bool
        The mesh as a whole looks inward; volumes count as if it were turned.
    """

    volume_um3: np.ndarray
    area_um2: np.ndarray
    box_um: np.ndarray
    widest: np.ndarray
    turned: bool

    @property
    def hollow(self) -> np.ndarray:
        """Shells that enclose nothing: (n,) bool."""
        hollow: np.ndarray = np.abs(self.volume_um3) <= NOTHING * self.area_um2**1.5
        return hollow


def measures_of(vertices: np.ndarray, faces: np.ndarray, shells: Shells) -> Measures:
    """Measure every shell of a mesh."""
    from pmsl.kernels.mesh import watertight

    n = shells.count
    volume, area, box, widest = np.empty(n), np.empty(n), np.empty((n, 2, 3)), np.empty(n, np.int32)
    centre = vertices[faces[0, 0]].copy()
    with np.errstate(over="ignore", invalid="ignore"):
        watertight.measure(vertices, faces, shells.label, centre, volume, area, box, widest, np.empty(n))
        turned = bool(volume.sum() < 0)
    return Measures(-volume if turned else volume, area, box, widest, turned)


def inward(vertices: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures) -> tuple[np.ndarray, np.ndarray]:
    """Find the shells that look inward.

    Returns
    -------
    looks : (n,) int8
        `OUTWARD`, also where a shell encloses nothing; `CAVITY` where it lies wholly inside one outward shell; `TURN` where it looks
        inward and does not.
    holder : (n,) int64
        The smallest outward shell around a cavity, -1 for others.
    """
    out, holder = np.zeros(shells.count, np.int8), np.full(shells.count, -1)
    reversed_ = np.flatnonzero((m.volume_um3 < 0) & ~m.hollow)
    out[reversed_] = TURN
    around = _boxes_around(reversed_, m)
    if len(around) == 0:
        return out, holder
    inner, outer = around[_winding(vertices, faces, shells, m, around) != 0].T
    members = np.split(np.argsort(shells.label, kind="stable"), np.cumsum(np.bincount(shells.label, minlength=shells.count))[:-1])
    holders = np.unique(outer)
    for shell in holders[np.argsort(m.volume_um3[holders], kind="stable")]:
        held = inner[(outer == shell) & (out[inner] == TURN)]
        near = _near(vertices, faces, members[shell], m.box_um[held])
        from pmsl.mesh.box_tree import BoxTree

        tree = BoxTree.of(vertices, faces, near)
        for cavity in held:
            if len(near) == 0 or tree.crossed_by(members[cavity], shells.label, other=True).count == 0:
                out[cavity], holder[cavity] = CAVITY, shell
    return out, holder


def _boxes_around(reversed_: np.ndarray, m: Measures) -> np.ndarray:
    """Pairs of a reversed shell and a larger outward one whose box holds its box: (p, 2)."""
    outward = np.flatnonzero((m.volume_um3 > 0) & ~m.hollow)
    pairs = []
    for shell in reversed_:
        low, high = m.box_um[shell]
        holds = (m.box_um[outward, 0] <= low).all(axis=1) & (m.box_um[outward, 1] >= high).all(axis=1)
        holds &= m.volume_um3[outward] > -m.volume_um3[shell]
        pairs += [(shell, other) for other in outward[holds]]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _winding(vertices: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures, pairs: np.ndarray) -> np.ndarray:
    """How often the second shell of each pair winds around a point of the first: (p,) float64."""
    from pmsl.mesh.shells.winding import winding_at

    return winding_at(vertices, faces, vertices[faces[m.widest[pairs[:, 0]]]].mean(axis=1), shells.label, pairs[:, 1])


def _near(vertices: np.ndarray, faces: np.ndarray, which: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Triangles of `which` whose boxes reach into the box around `boxes`."""
    corners = vertices[faces[which]]
    low, high = boxes[:, 0].min(axis=0, initial=np.inf), boxes[:, 1].max(axis=0, initial=-np.inf)
    near: np.ndarray = which[((corners.min(axis=1) <= high) & (corners.max(axis=1) >= low)).all(axis=1)]
    return near
