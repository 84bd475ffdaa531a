"""How much of every pixel lies inside parts and inside shapes at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import EMPTY, FULL, LayerMask, Window
from pmsl.masks.area_masks import PartMasks
from pmsl.masks.mask_source import RecentMasks, masks_of
from pmsl.mesh.part import Part

MaskOf = Callable[[int], LayerMask]
NO_MASK = LayerMask.from_window(0, (0, 0), EMPTY, np.zeros((0, 0), np.uint16))
MANY = 4  # masks of shapes kept: of a layer several ask for them


@dataclass(frozen=True, slots=True, eq=False)
class ShapeShares:
    """The intersection of parts with the union of shapes, layer by layer, from any thread.

    Attributes
    ----------
    parts : sequence of Part
        Those whose masks are given.
    shapes : sequence of Part
        United; at least one.
    grid : Grid
    mode : {"area", "volume"}
        As of `masks_of`.
    moved : callable, optional
        Gives parts whose contours are moved already, of parts and a range of layers; where contours are moved.
    layers : range
        Layers that the shapes may reach.

    Notes
    -----
    ``cov(A ∩ B) = cov(A) + cov(B) - cov(A ∪ B)``, all of them exact. The union is made only where the boundaries of both pass
    through one pixel; everywhere else the smaller of the two is the answer.
    """

    parts: Sequence[Part]
    shapes: Sequence[Part]
    grid: Grid
    mode: str
    moved: Callable[[Sequence[Part], range], Sequence[Part]] | None = None
    layers: range = field(init=False)
    _apart: bool = field(init=False, repr=False)
    _shape: list[RecentMasks] = field(default_factory=list, repr=False)
    _union: list[PartMasks] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        boxes, edges = boxes_of(self.shapes), self.grid.z_edges_um
        first = int(np.searchsorted(edges, boxes[:, 0, 2].min(), side="right")) - 1
        last = int(np.searchsorted(edges, boxes[:, 1, 2].max(), side="left"))
        object.__setattr__(self, "layers", range(max(first, 0), min(last, self.grid.n_layers)))
        apart = self.moved is None and not boxes_meet(boxes_of(self.parts), boxes).any()  # nothing in common, to the last bit
        object.__setattr__(self, "_apart", apart)

    def shape_mask(self, k: int) -> LayerMask:
        """Return the mask of the shapes by themselves; an empty one where they do not reach."""
        if k not in self.layers:
            return NO_MASK
        with self._lock:
            if not self._shape:
                self._shape.append(RecentMasks(masks_of(self.shapes, self.grid, self.mode, "none"), MANY))
        return self._shape[0](k)

    def levels(self, k: int, mask: LayerMask, window: Window) -> np.ndarray:
        """Return how much of the pixels of a window is covered by both.

        Parameters
        ----------
        k : int
        mask : LayerMask
            Of layer k, of the parts.
        window : Window

        Returns
        -------
        (window.rows, window.cols) uint16
            65535 is a pixel that lies inside both. Never more than either of them, never less than what they must share.
        """
        shape = self.shape_mask(k)
        if shape.empty or mask.empty or self._apart:
            return np.zeros((window.rows, window.cols), np.uint16)
        own, inner = mask.within(window, np.uint16), shape.within(window, np.uint16)
        both = np.minimum(own, inner)
        cut = (own > 0) & (own < FULL) & (inner > 0) & (inner < FULL)
        if cut.any():
            a, b = own[cut].astype(np.int64), inner[cut].astype(np.int64)
            whole = self._both().mask(k).within(window, np.uint16)[cut]
            both[cut] = np.clip(a + b - whole, np.maximum(a + b - FULL, 0), np.minimum(a, b)).astype(np.uint16)
        return np.asarray(both)

    def _both(self) -> PartMasks:
        """Return what makes masks of the union of the shapes and of the parts they may reach."""
        with self._lock:
            if not self._union:
                near = self._near() if self.moved is None else self.moved(self.parts, self.layers)
                self._union.append(masks_of([*near, *self.shapes], self.grid, self.mode, "none"))
        return self._union[0]

    def _near(self) -> list[Part]:
        """Return the parts that may share a voxel with the shapes, touching them or not: all of it must be in the union."""
        reach = np.array([*self.grid.pitch_um, float(self.grid.thickness_um.max())])
        beside = boxes_meet(boxes_of(self.parts), boxes_of(self.shapes) + np.stack([-reach, reach]))
        return [part for part, meets in zip(self.parts, beside, strict=True) if meets]


def boxes_of(parts: Sequence[Part]) -> np.ndarray:
    """Return the boxes of placed parts: (n, 2, 3) float64 [µm]."""
    return np.array([part.bounds_um() for part in parts]).reshape(-1, 2, 3)


def boxes_meet(a_um: np.ndarray, b_um: np.ndarray, beside_um: float = 0.0) -> np.ndarray:
    """Tell which boxes of a (n, 2, 3) [µm] have points in common with any of b (m, 2, 3), or in x and y are so near to it: (n,) bool."""
    reach = np.array([beside_um, beside_um, 0.0])
    out = np.zeros(len(a_um), bool)
    for box in b_um:
        out |= (a_um[:, 0] <= box[1] + reach).all(axis=1) & (a_um[:, 1] >= box[0] - reach).all(axis=1)
    return out
