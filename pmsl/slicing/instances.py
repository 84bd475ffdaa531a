"""Copies: parts of one solid that differ only in where they stand. What is found of one holds, moved, for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.mesh.alike import alike
from pmsl.mesh.part import Part
from pmsl.slicing.plane_index import CrossingIndex, SlabTriangles, check_range, index_crossings


class InstanceIndex(msgspec.Struct, frozen=True, eq=False):
    """The index of one part, and how far its copies are from it, (n, 2) float64 [px]; or of several parts without copies.

    The first shift is 0, 0: the part itself.
    """

    index: CrossingIndex
    shifts_px: np.ndarray

    @property
    def many(self) -> int:
        """How often it is there."""
        return len(self.shifts_px)

    def move(self, first: np.ndarray, axes: tuple[int, ...], out: np.ndarray) -> None:
        """Write what the other copies have for the rows of the first, one after another; `axes` says which axis each column is."""
        if len(first) and self.many > 1:
            shifts = np.concatenate([self.shifts_px[1:], np.zeros((self.many - 1, 1))], axis=1)[:, None, axes]
            np.add(first, shifts, out=out.reshape(self.many - 1, *first.shape))


X, Y, Z = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class CopyIndex:
    """Parts and a grid made ready to be cut at any layer, as `CrossingIndex` is; memory is that of the parts that differ.

    The first of several copies is cut, and its crossing points are moved in pixels: within 2**-50 of a copy's distance from where
    its own triangles would give them, that is 1e-11 px in any field. Equal points of neighbouring triangles stay equal, so rows close.

    Attributes
    ----------
    parts : tuple of Part
    grid : Grid
    slabs : bool
    groups : tuple of InstanceIndex
    """

    parts: tuple[Part, ...]
    grid: Grid
    slabs: bool
    groups: tuple[InstanceIndex, ...]
    _whole: list[CrossingIndex] = field(default_factory=list, init=False, repr=False)

    def whole(self) -> CrossingIndex:
        """Return the index of the triangles of all copies: as much memory as they have."""
        if not self._whole:
            self._whole.append(index_crossings(self.parts, self.grid, self.slabs))
        return self._whole[0]

    def segments(self, k: int, out: np.ndarray) -> tuple[np.ndarray, int]:
        """Cut layer k at its middle plane; as `CrossingIndex.segments`."""
        from pmsl.kernels.geometry import plane_crossings

        at = 0
        for group in self.groups:
            while True:
                n = plane_crossings.cut_layer(*group.index.of_layer(k), out[at:])
                end = at + n * group.many
                if end <= len(out):
                    break
                larger = np.empty((end + end // 2, 4))
                larger[:at] = out[:at]
                out = larger
            group.move(out[at : at + n], (X, Y, X, Y), out[at + n : end])
            at = end
        return out, at

    def slab(self, k: int, labels: np.ndarray | None, out: SlabTriangles) -> None:
        """Put the triangles of layer k into `out`; as `CrossingIndex.slab`."""
        at, row, shell = 0, 0, 0
        for group in self.groups:
            out.picked, n = group.index.triangles(k, out.picked)
            end = at + n * group.many
            if len(out.own) < end:
                larger = np.empty((end + end // 2, 9))
                larger[:at] = out.own[:at]
                out.own = larger
            some = out.picked[:n]
            np.take(group.index.corners, some, axis=0, out=out.own[at : at + n], mode="clip")  # other modes copy twice
            group.move(out.own[at : at + n], (X, Y, Z) * 3, out.own[at + n : end])
            if labels is not None:
                mine = labels[row : row + len(group.index.corners)]
                if len(out.own_labels) < len(out.own):
                    out.own_labels = np.concatenate([out.own_labels[:at], np.empty(len(out.own) - at, np.int32)])
                count = int(mine.max(initial=-1)) + 1
                each = shell + count * np.arange(group.many, dtype=np.int32)
                out.own_labels[at:end] = (mine[some][None, :] + each[:, None]).reshape(-1)
                shell += count * group.many
            row += len(group.index.corners)
            at = end
        if len(out.picked) < at:
            out.picked = np.empty(at + at // 2, np.int32)
        out.picked[:at] = np.arange(at, dtype=np.int32)
        out.corners, out.labels, out.n = out.own, None if labels is None else out.own_labels, at

    def shells(self) -> np.ndarray:
        """Number the shells of the first of every group of copies: (M,) int32, for `slab`; the others have as many of their own."""
        return np.concatenate([group.index.shells() for group in self.groups])


def index_parts(parts: Sequence[Part], grid: Grid, slabs: bool = False, rows_only: bool = False) -> CrossingIndex | CopyIndex:
    """Make the index of parts; of copies only one is indexed.

    Parameters
    ----------
    parts : sequence of Part
        Where their coordinates are.
    grid : Grid
    slabs : bool
        Index by slabs, for volumes, instead of by middle planes.
    rows_only : bool
        As of `index_crossings`; not of copies.

    Returns
    -------
    CrossingIndex or CopyIndex
        `index_crossings` where no part is there twice.

    Raises
    ------
    GridError
        As `index_crossings`.
    """
    groups = alike(parts)
    if all(len(group) == 1 for group in groups):
        return index_crossings(parts, grid, slabs, rows_only)
    for part in parts:
        check_range(part, grid)
    single = [parts[i] for (i, *more) in groups if not more]
    made = [InstanceIndex(index_crossings(single, grid, slabs), np.zeros((1, 2)))] if single else []
    for group in groups:
        if len(group) > 1:
            at_um = np.array([parts[i].transform[:2, 3] for i in group])
            made.append(InstanceIndex(index_crossings([parts[group[0]]], grid, slabs), (at_um - at_um[0]) / grid.pitch_um))
    return CopyIndex(tuple(parts), grid, slabs, tuple(made))
