"""Open meshes as they are (`--repair none`): gaps of their contours closed in each layer, and how much of it that leaves in doubt.

A contour that ends somewhere goes on where another begins: each end is joined to a beginning by a straight segment, the shortest first. So
every row closes, and what a missing wall smears is a chord. A contour that a chord would only fold back onto itself waits until nothing
else is left. A gap no longer than `LOCAL_PX` is closed in place; what half circles over the longer ones hold is counted as doubtful.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.mesh.part import Part
from pmsl.slicing.boundary_defects import Defects

LOCAL_PX = 1.0
SECTIONS = 8  # of a slab, where its volume does not close
LEAK = 2.0**-30  # a row that ends further from zero than this does not close
SMALL = 0.25  # of the parts' box: a layer of less area is held against that
NEAREST = 8  # beginnings that an end is held against at a time
BLOCK = 256  # ends, each held against all beginnings
STRAIGHT = 0.9  # a chord this long, beside its contour, would fold it onto itself


def bridges(segments: np.ndarray) -> np.ndarray:
    """Close the contours of a layer.

    Parameters
    ----------
    segments : (n, 4) float64 [px]
        x0, y0, x1, y1, solid on the left.

    Returns
    -------
    (m, 4) float64
        Segments that close them, the same whatever the order of `segments`; none where they are closed.
    """
    points, at = np.unique(segments.reshape(-1, 2), axis=0, return_inverse=True)
    tail, head = at.reshape(-1, 2).T
    excess = np.bincount(head, minlength=len(points)) - np.bincount(tail, minlength=len(points))
    if not excess.any():
        return np.zeros((0, 4))
    ends, begins = (np.repeat(np.arange(len(points)), np.maximum(sign * excess, 0)) for sign in (1, -1))
    pairs = _Contours(points, tail, head).joined(ends, begins)
    return np.concatenate([points[pairs[:, 0]], points[pairs[:, 1]]], axis=1)


class _Contours:
    """Contours that are joined end by end: to which each point belongs, and how long they are."""

    def __init__(self, points: np.ndarray, tail: np.ndarray, head: np.ndarray) -> None:
        self._own = _groups(len(points), tail, head)
        count = len(points)
        length = np.linalg.norm(points[head] - points[tail], axis=1)
        self._length = np.bincount(self._own[tail], length, count).tolist()
        self._root = list(range(count))
        self._points = points

    def _of(self, point: int) -> int:
        root = int(self._own[point])
        while self._root[root] != root:
            self._root[root] = self._root[self._root[root]]
            root = self._root[root]
        return root

    def joined(self, ends: np.ndarray, begins: np.ndarray) -> np.ndarray:
        """Join every end to a beginning: pairs of points (m, 2)."""
        made: list[tuple[int, int]] = []
        folds = False
        while len(ends):
            before = len(made)
            free = [np.ones(len(ends), bool), np.ones(len(begins), bool)]
            for i, j, gap in self._nearest(ends, begins):
                if not (free[0][i] and free[1][j]):
                    continue
                a, b = self._of(ends[i]), self._of(begins[j])
                if a == b and not folds and gap > STRAIGHT * self._length[a] > 0:
                    continue
                free[0][i] = free[1][j] = False
                made.append((int(ends[i]), int(begins[j])))
                if a != b:
                    self._root[b] = a
                    self._length[a] += self._length[b]
                self._length[a] += gap
            folds = len(made) == before
            ends, begins = ends[free[0]], begins[free[1]]
        return np.array(made, np.int64).reshape(-1, 2)

    def _nearest(self, ends: np.ndarray, begins: np.ndarray) -> list[tuple[int, int, float]]:
        """List ends with the beginnings nearest to each, and the other way round, the nearest first."""
        a, b = self._points[ends], self._points[begins]
        found = [_near(a, b), _near(b, a)[[1, 0, 2]]]
        i, j, gap = np.concatenate(found, axis=1)
        order = np.lexsort((j, i, gap))
        return list(zip(i[order].astype(int).tolist(), j[order].astype(int).tolist(), gap[order].tolist(), strict=True))


def _near(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return, for each point of a, the points of b that are nearest: number in a, number in b, how far (3, n)."""
    k, out = min(NEAREST, len(b)), []
    for start in range(0, len(a), BLOCK):
        away = np.linalg.norm(a[start : start + BLOCK, None] - b, axis=2)
        which = np.argsort(away, axis=1, kind="stable")[:, :k] if k == len(b) else np.argpartition(away, k - 1, axis=1)[:, :k]
        one = np.repeat(np.arange(len(away)), k)
        out.append(np.stack([one + start, which.ravel(), away[one, which.ravel()]]))
    return np.concatenate(out, axis=1)


def _groups(n: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a number for every point, the same for those that lines from a to b join: (n,) int64."""
    label = np.arange(n)
    while True:
        low, high = np.minimum(label[a], label[b]), np.maximum(label[a], label[b])
        if (low == high).all():
            return label
        np.minimum.at(label, high, low)
        while (label[label] != label).any():
            label = label[label]


def rows_across(made: np.ndarray, rows: int, longer_px: float = 0.0) -> np.ndarray:
    """Tell which rows lie across bridges longer than so much: (rows,) bool."""
    out = np.zeros(rows + 1, np.int64)
    long = made[np.hypot(made[:, 2] - made[:, 0], made[:, 3] - made[:, 1]) > longer_px]
    low, high = np.minimum(long[:, 1], long[:, 3]), np.maximum(long[:, 1], long[:, 3])
    first = np.floor(low)
    np.add.at(out, np.clip(first, 0, rows).astype(np.int64), 1)
    np.add.at(out, np.clip(np.maximum(np.ceil(high), first + 1), 0, rows).astype(np.int64), -1)
    across: np.ndarray = out[:-1].cumsum() > 0
    return across


class TouchedCells(Protocol):
    """Touched cells of a layer; see ``pmsl.masks.sweep.Cells``."""

    first: int
    last: int
    start: np.ndarray
    sums: np.ndarray
    beyond: np.ndarray


class Dense(Protocol):
    """Turns touched cells into coverage; see ``pmsl.masks.mask_builder.MaskBuilder``."""

    def dense(self, c: Any) -> np.ndarray:
        """Return the coverage of a layer's cells: (rows, cols) float64."""


class Cut(Protocol):
    """Cuts slabs at several heights; see ``pmsl.masks.masks_of``."""

    def section(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the coverage of section k and what closed its gaps."""


class ContourGaps:
    """Knows the gaps of open meshes layer by layer.

    Parameters
    ----------
    parts : sequence of Part
    grid : Grid
    sections : Cut or None
        For volumes: cuts every slab `SECTIONS` times.
    """

    def __init__(self, parts: Sequence[Part], grid: Grid, sections: Cut | None) -> None:
        boxes = np.array([part.bounds_um() for part in parts])
        size = boxes[:, 1].max(axis=0) - boxes[:, 0].min(axis=0)
        self._least_px = SMALL * float(size[0] * size[1]) / grid.pixel_um2
        self._shape, self._sections = grid.shape, sections

    def resolved(self, k: int, cells: TouchedCells, rows: Dense) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the coverage of slab k, the rows that do not close as the mean of its sections has them; which these are; its bridges."""
        out = rows.dense(cells)
        open_ = _leaks(cells, self._shape[0])
        found = [self._sections.section(k * SECTIONS + i) for i in range(SECTIONS)] if self._sections is not None else []
        made = np.concatenate([np.zeros((0, 4)), *(b for _, b in found)])
        open_ |= rows_across(made, self._shape[0])
        if open_.any():
            out[open_] = np.mean([coverage[open_] for coverage, _ in found], axis=0)
        return out, open_, made

    def levels(self, k: int, cells: TouchedCells, rows: Dense) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the 16-bit levels of slab k, which rows do not close, and what closed its sections."""
        coverage, open_, made = self.resolved(k, cells, rows)
        snapped = np.floor(np.minimum(np.abs(coverage), 1.0) * 2.0**32 + 0.5).astype(np.int64)
        return ((snapped * 65535 + (1 << 31)) >> 32).astype(np.uint16), open_, made

    def said(self, defects: Defects, mask: LayerMask, open_: np.ndarray, made: np.ndarray) -> Defects:
        """Return the defects of a layer some of whose rows are open, and what closed its gaps."""
        across = np.flatnonzero(open_)
        if len(across) == 0:
            return defects
        ends = made[:, 0::2] if len(made) else np.array([0, self._shape[1]])
        x = np.clip([ends.min(), ends.max()], 0, self._shape[1] - 1).astype(int).tolist()
        doubtful = min(self._doubtful_px(made) / max(mask.sum_px(), self._least_px, 1e-300), 1.0)
        place = {"first_row": int(across[0]), "last_row": int(across[-1]), "first_col": x[0], "last_col": x[1]}
        return msgspec.structs.replace(defects, rows=len(across), doubtful=doubtful, **place)

    def _doubtful_px(self, made: np.ndarray) -> float:
        """Return what half circles over the bridges longer than a pixel hold [px]: about as much as the missing walls may have."""
        square = (made[:, 2] - made[:, 0]) ** 2 + (made[:, 3] - made[:, 1]) ** 2
        share = 1.0 if self._sections is None else 1.0 / SECTIONS
        return share * np.pi / 8 * float(square[square > LOCAL_PX**2].sum())


def _leaks(cells: TouchedCells, rows: int) -> np.ndarray:
    """Tell which rows do not close: (rows,) bool."""
    out = np.zeros(rows, bool)
    if cells.last > cells.first:
        own = cells.start[cells.first : cells.last + 1]
        cover = np.concatenate([[0.0], np.cumsum(cells.sums[: own[-1], 0])])
        out[cells.first : cells.last] = np.abs(np.diff(cover[own]) + cells.beyond[cells.first : cells.last]) > LEAK
    return out
