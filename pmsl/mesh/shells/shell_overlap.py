"""At which heights shells pass through one another: there they may overlap within a pixel, where no sum of a row shows it.

Triangles are looked at in blocks, and only those kept that lie near another shell: a file of millions needs no vertices for this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from pmsl.mesh.alike import alike
from pmsl.mesh.part import Part
from pmsl.mesh.shells.shells import Shells, known_boxes_um, known_shells, one_closed_body

MOST_SHELLS = 20_000
BLOCK = 1 << 15  # triangles at a time: stays in the cache
CELLS = 128  # along each axis, to see which shells come near one another
MANY = 1 << 16  # triangles worth that look
MOST_LARGE = 1 << 15  # triangles marked one by one, as they span many cells
ROOM = 1e-9  # of a box: what placing it may round


def crossing_heights(parts: Sequence[Part], most: int) -> np.ndarray | None:
    """Find the heights at which shells of parts, or of one part, pass through one another.

    Parameters
    ----------
    parts : sequence of Part
    most : int
        Triangles that are worth a look.

    Returns
    -------
    (n, 2) float64 or None
        Ranges of z [µm], in field coordinates; None where more than `most` triangles lie where boxes of shells meet.
    """
    out, left = [], most
    for together in groups_that_meet(parts):
        if len(together) == 1 and one_closed_body(together[0].solid):
            continue
        near = _near(together)
        if near is None or len(near) > left:
            return None
        left -= len(near)
        out.append(near.heights())
    return np.concatenate([np.zeros((0, 2)), *out])


def may_coincide(parts: Sequence[Part]) -> bool:
    """Tell whether triangles may be there twice: more than two meet at an edge of a part, or boxes of parts are the same."""
    boxes = {part.bounds_um().tobytes() for part in parts}
    return len(boxes) < len(parts) or any(s is not None and s.touching for s in (part.solid.results.shells for part in parts))


def groups_that_meet(parts: Sequence[Part]) -> list[list[Part]]:
    """Part the parts: those whose boxes meet others together; of copies that stand alone one, for they are alike at every height."""
    boxes = np.array([part.bounds_um() for part in parts])
    low, high = boxes[:, 0], boxes[:, 1]
    meets = np.array([((low <= h).all(axis=1) & (high >= w).all(axis=1)).sum() > 1 for w, h in boxes])
    alone = [part for part, met in zip(parts, meets, strict=True) if not met]
    out = [[alone[i]] for (i, *_) in alike(alone)]
    return [*out, [part for part, met in zip(parts, meets, strict=True) if met]] if meets.any() else out


def _near(parts: Sequence[Part]) -> _Near | None:
    """Find the triangles where boxes of shells meet; None where there are too many shells."""
    found = [known_shells(part.solid) for part in parts]
    if sum(s.count for s in found) < 2:
        return _Near(parts, [], [])
    boxes = np.concatenate([placed_shell_boxes_um(part) for part in parts])
    if len(boxes) > MOST_SHELLS:
        return None
    meet = _meeting(boxes)
    return _Near.of(parts, found, boxes, meet) if len(meet) else _Near(parts, [], [])


def placed_shell_boxes_um(part: Part) -> np.ndarray:
    """Return boxes that hold the placed shells, (n, 2, 3) float64 [µm]: where the part is turned, those of their turned boxes."""
    own = known_boxes_um(part.solid)
    ends = np.stack([own[:, [x, y, z], [0, 1, 2]] for x in (0, 1) for y in (0, 1) for z in (0, 1)], axis=1)  # (n, 8, 3)
    placed = ends @ part.transform[:3, :3].T + part.transform[:3, 3]
    low, high = placed.min(axis=1), placed.max(axis=1)
    room = ROOM * np.maximum(np.abs(low), np.abs(high)).max(axis=1, keepdims=True)
    return np.stack([low - room, high + room], axis=1)


def _meeting(boxes: np.ndarray) -> np.ndarray:
    """Shells and where their boxes meet those of others: rows of shell, low x, y, z, high x, y, z."""
    low, high = boxes[:, 0], boxes[:, 1]
    columns = [(np.ascontiguousarray(low[:, axis]), np.ascontiguousarray(high[:, axis])) for axis in range(3)]
    by_low = np.argsort(columns[0][0], kind="stable")  # along x few boxes are left, along y and z of those alone
    ends = np.searchsorted(columns[0][0][by_low], columns[0][1], side="right")
    rows = []
    for i, box in enumerate(boxes):
        near = by_low[: ends[i]]
        near = near[columns[0][1][near] >= box[0, 0]]
        for axis in (1, 2):
            least, most = columns[axis]
            near = near[(least[near] <= box[1, axis]) & (most[near] >= box[0, axis])]
        others = near[near != i]
        if len(others):  # one box around all places where others reach into it
            rows.append([i, *np.maximum(low[others], box[0]).min(axis=0), *np.minimum(high[others], box[1]).max(axis=0)])
    return np.array(rows).reshape(-1, 7)


class _Near(msgspec.Struct, frozen=True, eq=False):
    """Triangles that may come near another shell: for every part its number of those, and the shell of each, counted over all parts."""

    parts: Sequence[Part]
    which: list[np.ndarray]
    label: list[np.ndarray]

    @classmethod
    def of(cls, parts: Sequence[Part], found: Sequence[Shells], boxes: np.ndarray, meet: np.ndarray) -> _Near:
        """Take the triangles that reach into the place where the box of their shell meets others."""
        low, high = np.full((len(boxes), 3), np.inf), np.full((len(boxes), 3), -np.inf)
        shell = meet[:, 0].astype(int)
        low[shell], high[shell] = meet[:, 1:4], meet[:, 4:]
        which, labels, first = [], [], 0
        for part, shells in zip(parts, found, strict=True):
            kept = [np.zeros(0, np.int32)]
            for start in range(0, part.solid.n_faces, BLOCK):
                block = np.arange(start, min(start + BLOCK, part.solid.n_faces), dtype=np.int32)
                corners, own = part.corners_um(block), first + shells.label[block]
                least, most = _ends(corners)
                kept.append(block[((least <= high[own]) & (most >= low[own])).all(axis=1)])
            which.append(np.concatenate(kept))
            labels.append(first + shells.label[which[-1]])
            first += shells.count
        return cls(parts, which, labels)

    def __len__(self) -> int:
        return sum(len(w) for w in self.which)

    def heights(self) -> np.ndarray:
        """Find the heights at which they pass through one another: (n, 2) float64."""
        if len(self) == 0:
            return np.zeros((0, 2))
        corners, label = (self.beside_others() if len(self) > MANY else self).all()
        from pmsl.mesh.box_tree import heights_of_crossings

        return heights_of_crossings(corners, label)

    def blocks(self) -> Iterator[tuple[int, slice, np.ndarray, np.ndarray]]:
        """Yield part, slice of its triangles, their placed corners (n, 3, 3) and shells (n,)."""
        for i, (part, which, label) in enumerate(zip(self.parts, self.which, self.label, strict=True)):
            for start in range(0, len(which), BLOCK):
                some = slice(start, start + BLOCK)
                yield i, some, part.corners_um(which[some]), label[some]

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the placed corners (n, 3, 3) float64 and the shells (n,) int32 of all."""
        found = [(corners, label) for _, _, corners, label in self.blocks()]
        if not found:
            return np.zeros((0, 3, 3)), np.zeros(0, np.int32)
        corners, labels = zip(*found, strict=True)
        return np.concatenate(corners), np.concatenate(labels)

    def beside_others(self) -> _Near:
        """Keep those that share a cell of a coarse grid with a triangle of another shell."""
        grid = _Cells.around(self)
        large = 0
        for _, _, corners, label in self.blocks():
            large += grid.mark(corners, label, MOST_LARGE - large)
            if large > MOST_LARGE:
                return self
        kept: list[list[np.ndarray]] = [[np.zeros(0, bool)] for _ in self.parts]
        for i, _, corners, _ in self.blocks():
            kept[i].append(grid.shared_by(corners))
        masks = [np.concatenate(k) for k in kept]
        return _Near(self.parts, *([a[m] for a, m in zip(arrays, masks, strict=True)] for arrays in (self.which, self.label)))


class _Cells(msgspec.Struct, frozen=True, eq=False):
    """A coarse grid: the first shell seen in each cell, -1 for none, and whether another one was."""

    low: np.ndarray
    step: np.ndarray
    first: np.ndarray
    shared: np.ndarray

    @classmethod
    def around(cls, near: _Near) -> _Cells:
        """Lay an empty grid around triangles."""
        ends = [_ends(corners) for _, _, corners, _ in near.blocks()]
        low, high = np.min([a.min(axis=0) for a, _ in ends], axis=0), np.max([b.max(axis=0) for _, b in ends], axis=0)
        step = np.maximum((high - low) / CELLS, 1e-300)
        return cls(low, step, np.full((CELLS,) * 3, -1, np.int32), np.zeros((CELLS,) * 3, bool))

    def span(self, corners: np.ndarray) -> np.ndarray:
        """Return the first and the last cell of each triangle along each axis: (n, 2, 3) int32."""
        ends = np.stack(_ends(corners), axis=1)
        ends -= self.low
        ends /= self.step
        cells: np.ndarray = ends.astype(np.int32).clip(0, CELLS - 1)
        return cells

    def _places(self, span: np.ndarray, large: np.ndarray) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        """Yield triangles, and a cell of each or all cells of one."""
        small = np.flatnonzero(~large)
        for way in np.ndindex(2, 2, 2):
            yield small, tuple(span[small, way[axis], axis] for axis in range(3))
        for i in np.flatnonzero(large):
            yield slice(i, i + 1), tuple(slice(a, b + 1) for a, b in span[i].T)

    def mark(self, corners: np.ndarray, label: np.ndarray, most: int) -> int:
        """Enter triangles of shells `label` (n,); return how many span several cells. Nothing is done where these are more than `most`."""
        span = self.span(corners)
        large = _spans_many(span)
        many = int(large.sum())
        if many > most:
            return many
        for which, cells in self._places(span, large):
            own = label[which]
            before = self.first[cells]
            self.first[cells] = np.where(before < 0, own, before)
            other = self.first[cells] != own  # of several in one cell the last was entered, and the others differ
            if isinstance(which, slice):
                self.shared[cells] |= other
            else:
                self.shared[tuple(c[other] for c in cells)] = True
        return many

    def shared_by(self, corners: np.ndarray) -> np.ndarray:
        """Tell which triangles touch a cell of several shells: (n,) bool."""
        out, span = np.zeros(len(corners), bool), self.span(corners)
        for which, cells in self._places(span, _spans_many(span)):
            found = self.shared[cells]
            out[which] |= found.any() if isinstance(which, slice) else found
        return out


def _ends(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest x, y and z of every triangle: two (n, 3). One corner after the other: far faster than an axis."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    return np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)


def _spans_many(span: np.ndarray) -> np.ndarray:
    large: np.ndarray = (span[:, 1] - span[:, 0] > 1).any(axis=1)
    return large
