"""CrossingIndex: parts and a grid made ready to be cut at any layer, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.parallel import blocks_of, call_each, in_blocks
from pmsl.errors import GridError
from pmsl.mesh.part import Part, as_part
from pmsl.mesh.solid import Solid

MAX_REACH_PX = 2.0**32
BESIDE_PX = 8.0  # of the rows of a grid: triangles farther off are no part of what is seen there
BLOCK = 1 << 14  # triangles at a time: stays in the cache
FEW = 1 << 17  # triangles whose shells are found by their edges
LATE = 1 << 15  # corners
MIX = tuple(np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))

Order = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # first, last, by_last, node_start, level_start


class SlabTriangles(msgspec.Struct):
    """The triangles of one layer, `picked[:n]` among `corners`, with their shells in `labels`; and room of one thread to put them."""

    corners: np.ndarray
    picked: np.ndarray
    n: int
    labels: np.ndarray | None
    own: np.ndarray
    own_labels: np.ndarray

    @classmethod
    def empty(cls) -> SlabTriangles:
        """Make room for a first layer."""
        return cls(np.zeros((0, 9)), np.zeros(1024, np.int32), 0, None, np.zeros((0, 9)), np.zeros(0, np.int32))


class CrossingIndex(msgspec.Struct, frozen=True, eq=False):
    """The triangles of all parts that cross a plane of the grid, in pixels, as an interval tree.

    Memory is O(triangles); `segments` costs what it returns. Read-only after it is made: threads may share it.
    See ``pmsl.kernels.geometry.plane_crossings`` for the layout.
    """

    planes_um: np.ndarray
    corners: np.ndarray
    first: np.ndarray
    last: np.ndarray
    by_last: np.ndarray
    node_start: np.ndarray
    level_start: np.ndarray
    part: np.ndarray

    def segments(self, k: int, out: np.ndarray) -> tuple[np.ndarray, int]:
        """Cut layer k at its middle plane.

        Parameters
        ----------
        k : int
            Layer number.
        out : (S, 4) float64
            Scratch to write into; replaced by a larger one where S is too small.

        Returns
        -------
        (S', 4) float64, int
            The array written [px] and how many rows of it count: x0, y0, x1, y1 with solid on the left.
        """
        from pmsl.kernels.geometry import plane_crossings

        while True:
            n = plane_crossings.cut_layer(*self.of_layer(k), out)
            if n <= len(out):
                return out, n
            out = np.zeros((n + n // 2, 4))

    def of_layer(self, k: int) -> tuple[Any, ...]:
        """Return the first arguments of ``pmsl.kernels.geometry.plane_crossings.cut_layer`` for layer k."""
        return k, self.planes_um[k], self.corners, self.first, self.last, self.by_last, self.node_start, self.level_start

    def triangles(self, k: int, out: np.ndarray) -> tuple[np.ndarray, int]:
        """List the rows of `corners` that belong to layer k: (P,) int32 scratch, replaced where too small, and how many."""
        from pmsl.kernels.geometry import plane_crossings

        while True:
            n = plane_crossings.pick_layer(k, self.first, self.last, self.by_last, self.node_start, self.level_start, out)
            if n <= len(out):
                return out, n
            out = np.zeros(n + n // 2, np.int32)

    def slab(self, k: int, labels: np.ndarray | None, out: SlabTriangles) -> None:
        """Put the triangles of layer k into `out`, and their shells where `labels` has those of all (`shells`)."""
        out.picked, out.n = self.triangles(k, out.picked)
        out.corners, out.labels = self.corners, labels

    def whole(self) -> CrossingIndex:
        """Return the index that has every triangle: this one."""
        return self

    def shells(self) -> np.ndarray:
        """Number the shells: (M,) int32, equal for triangles of one part that hang together across edges; of many by equal corners.

        Where more than two triangles meet at an edge they do not hang together by it. A triangle that repeats another one belongs to a
        shell of its own: a solid twice is two shells.
        """
        labels = self._shells_by_corners() if len(self.corners) > FEW else self._shells_by_edges()
        copies = self.copies()
        if len(copies):
            labels[copies] = labels.max() + 1
        return labels

    def copies(self) -> np.ndarray:
        """Find the triangles that have the corners of an earlier one, in any order: (n,) int64."""
        return _copies(self.corners)

    def _shells_by_corners(self) -> np.ndarray:
        """A third of the time and of the memory; bodies that touch at a corner are one shell."""
        from pmsl.kernels.mesh import shells

        labels = np.empty(len(self.corners), np.int32)
        n, room = -1, 1 << (len(self.corners) * 3 // 4 + 3).bit_length()  # a closed mesh has half as many corners as triangles
        while n < 0:
            n = shells.label(self.corners, self.part, *_table(room), *_table(LATE), labels)
            room *= 2
        return labels

    def _shells_by_edges(self) -> np.ndarray:
        from pmsl.kernels.mesh import watertight

        labels, n = np.empty(len(self.corners), np.int32), 0
        for part in range(int(self.part.max(initial=0)) + 1):
            mine = np.flatnonzero(self.part == part)
            faces, own = np.arange(3 * len(mine), dtype=np.int32).reshape(-1, 3), np.empty(len(mine), np.int32)
            room = 1 << (4 * len(mine) + 3).bit_length()
            table = np.empty(room, np.uint64), np.full(room, -1, np.int32), np.empty(room, np.int32)
            count = watertight.shells(self.corners[mine].reshape(-1, 3), faces, *table, own, np.zeros(2, np.uint64))
            labels[mine] = own + n
            n += count
        return labels


def _table(room: int) -> tuple[np.ndarray, np.ndarray]:
    """Make an empty table of so many keys, each with a number."""
    return np.zeros(room, np.uint64), np.zeros(room, np.int32)


def _copies(corners: np.ndarray) -> np.ndarray:
    """Find the triangles (M, 9) that have the corners of an earlier one, in any order."""
    keys = np.empty(len(corners), np.uint64)

    def fill(some: slice) -> None:
        for start in range(some.start, some.stop, BLOCK):
            block = slice(start, min(start + BLOCK, some.stop))
            bits = (corners[block] + 0.0).view(np.uint64)  # -0 is 0
            keys[block] = _mixed(*(bits[:, axis] + bits[:, axis + 3] + bits[:, axis + 6] for axis in range(3)))

    in_blocks(fill, len(corners))
    ordered = np.sort(keys)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(again) == 0:
        return np.empty(0, np.int64)
    some = np.flatnonzero(np.isin(keys, again))  # in these the sums of corners are equal: now the corners themselves
    bits = (corners[some] + 0.0).view(np.uint64).reshape(-1, 3, 3)
    corner = _mixed(*(bits[:, :, axis] for axis in range(3)))
    strong = (corner * corner).sum(axis=1)  # a square, for equal sums must not add up to equal ones
    order = np.argsort(strong, kind="stable")
    copies: np.ndarray = some[order[1:][strong[order[1:]] == strong[order[:-1]]]]
    return copies


def _mixed(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """64-bit hash of three numbers each. Round numbers have their bits at the upper end only: each step takes these down."""
    out: np.ndarray = np.zeros_like(x)
    for more, factor in ((x, MIX[0]), (y, MIX[1]), (z, MIX[2])):
        out += more
        out ^= out >> np.uint64(32)
        out *= factor
        out ^= out >> np.uint64(29)
    out *= MIX[1]
    out ^= out >> np.uint64(32)
    return out


def index_crossings(parts: Sequence[Solid | Part], grid: Grid, slabs: bool = False, rows_only: bool = False) -> CrossingIndex:
    """Make the index of every triangle of `parts` that crosses a middle plane of `grid`, or reaches into one of its slabs.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; where their coordinates are.
    grid : Grid
    slabs : bool
        Index by slabs, for volumes, instead of by middle planes.
    rows_only : bool
        Leave triangles out that lie beside the rows of the grid, as where it is a strip of a plate: contours do not close then, rows do.

    Returns
    -------
    CrossingIndex

    Raises
    ------
    GridError
        A part reaches further than 2**32 pixels from the field's corner.
    """
    planes = grid.mid_planes_um
    placed = [as_part(item) for item in parts]
    for part in placed:
        check_range(part, grid)
    found = [_crossing(part, grid.z_edges_um if slabs else planes, slabs) for part in placed]
    if rows_only:
        near = [_in_rows(part, grid, *each) for part, each in zip(placed, found, strict=True)]
        found = near if any(len(first) for _, first, _ in near) else found
    picked, ends = [chosen for chosen, _, _ in found], np.cumsum([len(first) for _, first, _ in found])
    first, last = (arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for arrays in list(zip(*found, strict=True))[1:])
    del found
    slots, order = _ordered(first, last, len(planes))
    del first, last  # before the corners are made: memory given back is memory that need not be cleared
    corners, part_of = np.empty((len(slots), 9)), np.zeros(len(slots), np.int32)
    for i, (part, chosen, begin, end) in enumerate(zip(placed, picked, [0, *ends[:-1]], ends, strict=True)):
        if i > 0:
            part_of[slots[begin:end]] = i
        _gather(part, grid, chosen, slots[begin:end], corners)
    return CrossingIndex(planes, corners, *order, part_of)


def _ordered(first: np.ndarray, last: np.ndarray, n_planes: int) -> tuple[np.ndarray, Order]:
    """Order triangles by their ranges: the place of each, then what the index keeps besides planes and corners."""
    from pmsl.kernels.geometry import plane_crossings

    levels = max(n_planes - 1, 0).bit_length() + 1
    width = 1 << (levels - 1)
    start, start_last = (np.empty(levels * width + 1, np.int32) for _ in range(2))
    slots, first_sorted, last_sorted, by_last = (np.empty_like(first) for _ in range(4))
    plane_crossings.slots_of(first, last, width, start, start_last, slots, first_sorted, last_sorted, by_last)
    return slots, (first_sorted, last_sorted, by_last, *_nodes(start, levels, n_planes))


def _gather(part: Part, grid: Grid, picked: np.ndarray, slots: np.ndarray, corners: np.ndarray) -> None:
    """Place the picked triangles of a part into their rows of `corners`; scattered writes wait for memory, so on threads."""
    from pmsl.kernels.geometry import plane_crossings

    solid, frame = part.solid, (part.transform, grid.origin_um, grid.pitch_um, part.mirrored != part.solid.inside_out)
    call_each(
        plane_crossings.gather,
        (
            (*solid.triangles(None if len(picked) else block), *frame, picked[block], slots[block], corners)
            for block in blocks_of(len(slots))
        ),
    )


def check_range(part: Part, grid: Grid) -> None:
    """Refuse coordinates so far off that pixels could not be told apart in double precision."""
    reach = float(np.abs((part.bounds_um()[:, :2] - grid.origin_um) / grid.pitch_um).max())
    if not reach <= MAX_REACH_PX:
        raise GridError(
            f"part {part.label or part.solid.source} reaches {reach:.3g} px from the field's corner; "
            f"limit {MAX_REACH_PX:.3g}: check unit and pitch"
        )


def _in_rows(part: Part, grid: Grid, picked: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leave out what `_crossing` picked beside the rows of a grid that is a strip or a window of a plate: rows do not know each other."""
    low, high = grid.origin_um[1] + grid.pitch_um[1] * np.array([-BESIDE_PX, grid.shape[0] + BESIDE_PX])
    box = part.bounds_um()[:, 1]
    if box[0] >= low and box[1] <= high:
        return picked, first, last
    if not len(picked):
        picked = np.arange(len(first), dtype=np.int32)
    near = np.empty(len(picked), bool)
    for start in range(0, len(picked), BLOCK):
        y = part.corners_um(picked[start : start + BLOCK])[:, :, 1]
        near[start : start + BLOCK] = (y.max(axis=1) >= low) & (y.min(axis=1) <= high)
    if near.sum() == part.solid.n_faces:
        return np.empty(0, np.int32), first, last
    return picked[near], first[near], last[near]


def _nodes(start: np.ndarray, levels: int, n_planes: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the triangles of each node begin, and the first node of every level: level l has a node for 2**l planes."""
    width = 1 << (levels - 1)
    many = [((n_planes - 1) >> level) + 1 for level in range(levels)]
    begins = [start[level * width + (np.arange(n) << level)] for level, n in enumerate(many)]
    return np.concatenate([*begins, start[-1:]]).astype(np.int64), np.cumsum([0, *many[:-1]]).astype(np.int64)


def _crossing(part: Part, planes: np.ndarray, slabs: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles of one part that cross a plane (or touch a slab), the first and the last each does: three (M,) int32.

    The triangles are (0,) where all do.
    """
    from pmsl.kernels.geometry import plane_crossings

    solid = part.solid
    first, last = np.empty(solid.n_faces, np.int32), np.empty(solid.n_faces, np.int32)
    ranges = plane_crossings.slab_ranges if slabs else plane_crossings.plane_ranges

    blocks = blocks_of(solid.n_faces)
    counts = call_each(ranges, ((*solid.triangles(some), part.transform, planes, first[some], last[some]) for some in blocks))
    total = sum(counts)
    if total == solid.n_faces:
        return np.empty(0, np.int32), first, last
    picked = np.empty(total, np.int32)
    end = 0
    for block, n in zip(blocks, counts, strict=True):  # moved together where they are, a block at a time: no copies of whole arrays
        chosen = np.flatnonzero(first[block] <= last[block])
        to = slice(end, end + n)
        picked[to], first[to], last[to] = block.start + chosen, first[block][chosen], last[block][chosen]
        end = to.stop
    return picked, first[:end], last[:end]
