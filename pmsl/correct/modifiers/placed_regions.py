"""Parts that have regions, and the shapes of these where the parts stand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window, around
from pmsl.masks.mask_source import RecentMasks, masks_of
from pmsl.masks.shape_shares import ShapeShares, boxes_meet, boxes_of
from pmsl.mesh.part import IDENTITY, Part
from pmsl.mesh.region import Region

if TYPE_CHECKING:
    from pmsl.slicing.offset import ContourOffset

MaskOf = Callable[[int], LayerMask]
Which = tuple[int | str, ...]
LAYERS_KEPT = 4  # masks of the parts of a site


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Parts with regions of which none reaches other parts.

    Attributes
    ----------
    parts : tuple of Part
    shapes : mapping of int to tuple of Part
        Placed shapes of each region, by its number.
    dilate_um : mapping of int to float
        How far the light of each region reaches beyond these.
    grid : Grid
    mode : {"area", "volume"}
    own_mask : callable or None
        Gives the mask of these parts alone in any layer; None where they are all parts of the job.
    offset : ContourOffset or None
        Moves the contours of the parts.
    """

    parts: tuple[Part, ...]
    shapes: Mapping[int, tuple[Part, ...]]
    dilate_um: Mapping[int, float]
    grid: Grid
    mode: str
    own_mask: MaskOf | None = None
    offset: ContourOffset | None = None
    _made: dict[Which, ShapeShares | None] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def inside(self, which: Which) -> ShapeShares | None:
        """Return what knows the intersection of the parts with the union of some regions; None without shapes.

        `which` are numbers of regions; behind ``"dilated"`` one that is dilated, behind the name of a factor any.
        """
        with self._lock:
            if which not in self._made:
                numbers = [j for j in which if isinstance(j, int)]
                shapes = tuple(shape for j in numbers for shape in self.shapes.get(j, ()))
                if which[0] == "dilated":
                    shapes = self._dilated(shapes, self.dilate_um[numbers[0]])
                moved = None if self.offset is None else self._moved
                self._made[which] = ShapeShares(self.parts, shapes, self.grid, self.mode, moved) if shapes else None
            return self._made[which]

    def reaches(self, j: int, k: int) -> bool:
        """Tell whether region j has anything of layer k, material or not."""
        inside = self.inside((j,))
        return inside is not None and not inside.shape_mask(k).empty

    def window(self, numbers: Sequence[int], k: int) -> Window:
        """Return the window that regions and their collars fill in layer k."""
        known = [self.inside(which) for j in numbers for which in ((j,), ("dilated", j))]
        return around([inside.shape_mask(k).window for inside in known if inside is not None])

    def collar(self, j: int, k: int, own: LayerMask, window: Window) -> np.ndarray | None:
        """Return how much of the parts lies beside region j, as far as it is dilated; None where it is not."""
        inner, outer = self.inside((j,)), self.inside(("dilated", j))
        if outer is None or inner is None:
            return None
        inside = inner.levels(k, own, window)
        return np.asarray(np.maximum(outer.levels(k, own, window), inside) - inside)

    def _dilated(self, shapes: tuple[Part, ...], distance_um: float) -> tuple[Part, ...]:
        if distance_um == 0.0 or not shapes:
            return ()
        from pmsl.slicing.offset import ContourOffset

        offset = ContourOffset(np.full(self.grid.n_layers, distance_um), self.grid.pitch_um)
        return self._walls(shapes, ShapeShares(self.parts, shapes, self.grid, self.mode).layers, offset)

    def _moved(self, parts: Sequence[Part], layers: range) -> tuple[Part, ...]:
        """Return parts whose contours are moved already, in some layers."""
        assert self.offset is not None
        return self._walls(parts, layers, self.offset)

    def _walls(self, parts: Sequence[Part], layers: range, offset: ContourOffset) -> tuple[Part, ...]:
        from pmsl.slicing.moved_walls import walls

        solid = walls(parts, self.grid, layers, offset)
        return () if solid is None else (Part(solid=solid, transform=IDENTITY, label="walls"),)


def sites_of(parts: Sequence[Part], regions: Sequence[Region], grid: Grid, mode: str, offset: ContourOffset | None = None) -> list[Site]:
    """Group parts by their regions and where these stand; all are one site where no region comes near parts that are not its own."""
    number = {region.key: j for j, region in enumerate(regions)}
    dilate = {j: region.dilate_um for j, region in enumerate(regions)}
    grown = 0.0 if offset is None else max(float(offset.distance_um.max()), 0.0)
    groups: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        groups.setdefault((tuple(r.key for r in part.regions), part.transform.tobytes()), []).append(part)
    apart = [(members, {number[r.key]: (_shape(r, members[0]),) for r in members[0].regions}) for members in groups.values()]
    if not _reach_others(apart, {j: distance + grown for j, distance in dilate.items()}):
        shapes: dict[int, tuple[Part, ...]] = {}
        for _, own in apart:
            for j, placed in own.items():
                shapes[j] = shapes.get(j, ()) + placed
        return [Site(tuple(parts), shapes, dilate, grid, mode, None, offset)]
    masks = [_mask_of(members, grid, mode, offset) if own else None for members, own in apart]
    return [Site(tuple(members), own, dilate, grid, mode, mask, offset) for (members, own), mask in zip(apart, masks, strict=True) if own]


def _shape(region: Region, part: Part) -> Part:
    """Place the shape of a region where its part stands."""
    return replace(part, solid=region.solid, regions=(), dose_scale=1.0, label=region.label)


def _mask_of(parts: Sequence[Part], grid: Grid, mode: str, offset: ContourOffset | None) -> MaskOf:
    """Return what gives the mask of some parts in any layer; made when the first is asked for."""
    made: list[RecentMasks] = []
    lock = threading.Lock()

    def mask_of(k: int) -> LayerMask:
        with lock:
            if not made:
                made.append(RecentMasks(masks_of(parts, grid, mode, "none", offset), LAYERS_KEPT))
        return made[0](k)

    return mask_of


def _reach_others(apart: Sequence[tuple[Sequence[Part], Mapping[int, tuple[Part, ...]]]], reach_um: Mapping[int, float]) -> bool:
    """Tell whether the box of a region of some parts meets that of a part of others."""
    boxes = boxes_of([part for members, _ in apart for part in members])
    group = np.repeat(np.arange(len(apart)), [len(members) for members, _ in apart])
    for i, (_, shapes) in enumerate(apart):
        for j, placed in shapes.items():
            if boxes_meet(boxes[group != i], boxes_of(placed), reach_um[j]).any():
                return True
    return False
