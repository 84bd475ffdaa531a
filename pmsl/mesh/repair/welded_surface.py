"""A surface in work: vertices joined, faces that count nothing or twice taken out, winding made to agree, holes closed.

Each step returns what it changed; none moves a vertex further than vertices are joined.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pmsl.mesh.repair.fill_holes import close, loops_of, missing_edges
from pmsl.mesh.repair.weld import first_um, welded
from pmsl.mesh.topology import Edges, edges_of, group_rows, join_vertices
from pmsl.mesh.triangle_mesh import TriangleMesh

PATCHES = 1000  # more are not turned against one another

Box = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Change:
    """What a step changed: a code, how many, of what, where [µm], in words."""

    code: str
    count: int
    unit: str
    box_um: Box
    text: str


def holes_closed(loops: list[list[int]], faces: np.ndarray, areas: np.ndarray, points: np.ndarray) -> Change:
    """Say that holes, loops of `points` (n, 3) [µm], were closed with faces of these `areas` [µm²]."""
    rim = np.concatenate([np.array(loop) for loop in loops])
    whole, largest = areas.sum() * 1e-6, areas.max() * 1e-6
    text = f"of {len(rim)} edges closed with {len(faces)} faces, {whole:.3g} mm² in all, the largest {largest:.3g} mm²"
    low, high = points[rim].min(axis=0), points[rim].max(axis=0)
    return Change("holes", len(loops), "holes", (tuple(low.tolist()), tuple(high.tolist())), text)


@dataclass(slots=True, eq=False)
class Surface:
    """Points (n, 3) float64 [µm], corners of faces (F, 3) int64, which faces are new, and what was changed."""

    points: np.ndarray
    corners: np.ndarray
    added: np.ndarray
    changes: list[Change] = field(default_factory=list)

    @classmethod
    def of(cls, solid: TriangleMesh) -> Surface:
        """Join the vertices of a solid by position; faces that use one position twice are left out."""
        ids, points = join_vertices(solid.points_um(slice(None)))  # of a soup made here, and not kept
        surface = cls(points, ids[solid.faces_of(slice(0, solid.n_faces))], np.zeros(solid.n_faces, bool))
        surface.drop_degenerate()
        return surface

    def note(self, code: str, count: int, unit: str, vertices: np.ndarray, text: str) -> None:
        """Add to the changes; `vertices` are those concerned."""
        where = self.points[vertices.ravel()]
        low, high = where.min(axis=0), where.max(axis=0)
        box = (tuple(low.tolist()), tuple(high.tolist()))
        self.changes.append(Change(code, count, unit, box, text))

    def edges(self) -> Edges:
        """Return the edges of the faces."""
        return edges_of(self.corners, len(self.points))

    def keep(self, which: np.ndarray) -> None:
        """Keep those faces."""
        self.corners, self.added = self.corners[which], self.added[which]

    def drop_degenerate(self) -> None:
        """Take out faces that use one vertex twice: they cover nothing."""
        a, b, c = self.corners.T
        self.keep((a != b) & (b != c) & (c != a))

    def drop_duplicates(self) -> None:
        """Keep one of the faces with equal corners; none where the surface is whole without them: they are two sides of nothing."""
        ids, first = group_rows(np.sort(self.corners, axis=1))
        if len(first) == len(ids):
            return
        many = np.bincount(ids, minlength=len(first))
        first = np.unique(ids, return_index=True)[1]
        kept = np.zeros(len(ids), bool)
        kept[first] = True
        rolled = np.argmin(self.corners, axis=1)
        after = self.corners[np.arange(len(ids)), (rolled + 1) % 3] < self.corners[np.arange(len(ids)), (rolled + 2) % 3]
        mixed = (np.bincount(ids, after, len(first)) > 0) & (np.bincount(ids, after, len(first)) < many)
        if mixed.any():
            kept[first[mixed]] = self._needed(many[ids] == 1, first[mixed])
        self.note("duplicate-faces", int((~kept).sum()), "faces", self.corners[~kept], "repeat another face; taken out")
        self.keep(kept)

    def _needed(self, single: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Tell which of `faces` the surface of the faces `single` lacks: it ends at an edge of theirs, or has none of them."""
        rest = edges_of(self.corners[single], len(self.points))
        keys = rest.low * len(self.points) + rest.high
        order = np.argsort(keys)
        ends, whole = np.zeros(len(faces), bool), np.zeros(len(faces), bool)
        for i in range(3 if len(keys) else 0):
            a, b = self.corners[faces, i], self.corners[faces, (i + 1) % 3]
            key = np.minimum(a, b) * len(self.points) + np.maximum(a, b)
            at = order[np.minimum(np.searchsorted(keys[order], key), len(keys) - 1)]
            found, odd = keys[at] == key, rest.count[at] % 2 == 1
            ends |= found & odd
            whole |= found & ~odd
        return ends | ~whole

    def weld(self, bound_um: float) -> bool:
        """Close cracks: join vertices at which the surface ends, none moved further than `bound_um`. Tell whether there were any."""
        done = welded(self.points, self.corners, bound_um)
        if done is None:
            return False
        text = f"at open edges joined to others within {done.within_um:.3g} µm"
        if done.within_um > min(first_um(self.points), bound_um):
            text += f", the farthest {done.farthest_um:.3g} µm away; up to {bound_um:.3g} µm are allowed"
        self.note("cracks", len(done.moved), "vertices", done.moved, text)
        self.points, self.corners, self.added = done.points, done.corners, self.added[done.origin]
        return True

    def agree(self) -> None:
        """Turn the fewer faces of each patch so that neighbours agree."""
        from pmsl.kernels.mesh import orient_and_fill

        edges = self.edges()
        n = len(self.corners)
        parent, size, turn = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.bool_)
        orient_and_fill.agree(edges.pairs, edges.same_way, parent, size, turn)
        if turn.any():
            self.note("winding", int(turn.sum()), "faces", self.corners[turn], "ran against their neighbours; turned")
            self.turn(turn)
        self._agree_patches(parent)

    def turn(self, which: np.ndarray) -> None:
        """Turn faces over."""
        self.corners[which] = self.corners[which][:, ::-1]

    def _agree_patches(self, patch: np.ndarray) -> None:
        """Turn patches that meet others only where more than two faces do, where that leaves fewer edges without their opposite."""
        names = np.unique(patch)
        edges = self.edges()
        if len(names) < 2 or len(names) > PATCHES or not edges.net.any():
            return
        open_edges = np.abs(edges.net).sum()
        for name in names:
            mine = patch == name
            self.turn(mine)
            now = np.abs(self.edges().net).sum()
            if now >= open_edges:
                self.turn(mine)
            else:
                open_edges = now
                self.note("winding", int(mine.sum()), "faces", self.corners[mine], "ran against their neighbours; turned")

    def close_holes(self) -> None:
        """Close what is open with the least surface."""
        loops = loops_of(missing_edges(self.edges()))
        if not loops:
            return
        faces, middles, areas = close(loops, self.points)
        self.changes.append(holes_closed(loops, faces, areas, self.points))
        self.points = np.concatenate([self.points, middles])
        self.corners = np.concatenate([self.corners, faces])
        self.added = np.concatenate([self.added, np.ones(len(faces), bool)])

    def faces(self) -> np.ndarray:
        """Return the corners as (F, 3) int32."""
        return np.ascontiguousarray(self.corners, dtype=np.int32)
