"""The images of a layer, split between the regions of its parts; pixels on their boundaries by covered share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import FULL, LayerMask, Window, around
from pmsl.correct.modifiers.level_groups import LevelGroups, scaled
from pmsl.correct.modifiers.placed_regions import MaskOf, sites_of
from pmsl.masks.shape_shares import boxes_meet, boxes_of
from pmsl.mesh.part import Part
from pmsl.mesh.region import ORDINARY, Region, RegionImage

if TYPE_CHECKING:
    from pmsl.slicing.offset import ContourOffset

Image = tuple[LayerMask, float]
HALF = 32768


class _Share(NamedTuple):
    """What a region has of a window's pixels: of the parts, of the pixel itself, and of the parts in its collar; uint16."""

    region: int
    part: np.ndarray
    pixel: np.ndarray
    collar: np.ndarray | None


class RegionShares:
    """The regions of the parts of one job, and what each has of a layer; from any thread.

    Parameters
    ----------
    parts : sequence of Part
        Repaired, at their place.
    grid : Grid
    mode : {"area", "volume"}
    ordinary_power : float
        Light setting of the process.
    offset : ContourOffset, optional
        Moves the contours of the parts, not those of regions.

    Attributes
    ----------
    regions : tuple of Region
        Those of all parts, in the order they are named.
    """

    def __init__(self, parts: Sequence[Part], grid: Grid, mode: str, ordinary_power: float, offset: ContourOffset | None = None) -> None:
        self.parts, self.grid, self.mode = tuple(parts), grid, mode
        self.regions = regions_of(parts)
        self.settings = tuple(region.setting(ordinary_power) for region in self.regions)
        self._number = {region.key: j for j, region in enumerate(self.regions)}
        self._sites = sites_of(self.parts, self.regions, grid, mode, offset)

    @property
    def changes_light(self) -> bool:
        """Whether any region changes anything."""
        ordinary = all(setting == ORDINARY for setting in self.settings)
        return not ordinary or any(region.factors or region.dilate_um or region.scale != 1.0 for region in self.regions)

    @property
    def largest(self) -> float:
        """Most that a pixel's dose factor is multiplied by, collars of one over another included."""
        scales = [region.scale for region in self.regions if region.lights]
        return max([1.0, *scales]) + sum(region.scale for region in self.regions if region.dilate_um)

    def placed(self, j: int) -> tuple[Part, ...]:
        """Return the shapes of region j, one for each place its parts stand at."""
        return tuple(shape for site in self._sites for shape in site.shapes.get(j, ()))

    def owners(self, j: int) -> tuple[Part, ...]:
        """Return the parts that region j belongs to."""
        return tuple(part for part in self.parts if any(self._number[r.key] == j for r in part.regions))

    def split(self, k: int, images: Sequence[Image], mask: LayerMask, mask_of: MaskOf) -> list[RegionImage]:
        """Split the images of a layer.

        Parameters
        ----------
        k : int
        images : sequence of (LayerMask, float)
            Of layer k, each with its dose factor; a pixel that several light is shared out among them.
        mask : LayerMask
            Of layer k, as the parts have it.
        mask_of : callable
            The same of any layer.

        Returns
        -------
        list of RegionImage
            What no region claims comes first, with the factors of the images; then the regions' own, in the order they are named.
            Their levels add up to those of the images, collars apart.
        """
        shares = self._shares(k, mask, mask_of)
        if not shares:
            return [RegionImage(image, factor, ORDINARY) for image, factor in images]
        window = around([image.window for image, _ in images])
        reach = around([mask.window, window])
        whole = mask.within(reach, np.uint16)
        board = LevelGroups(k, mask.shape, window)
        for image, factor in images:
            levels = image.within(window, np.uint16)
            left = levels.copy()
            for at, share in shares:
                here, inner = _overlap(window, at)
                if here is None:
                    continue
                part = whole[_moved(window, reach, here)]
                taken = np.minimum(scaled(levels[here], part, share.part[inner], share.pixel[inner]), left[here])
                left[here] -= taken
                region = self.regions[share.region]
                board.add(here, taken, factor * region.scale, self.settings[share.region], share.region)
                if share.collar is not None:
                    collar = scaled(levels[here], part, share.collar[inner], np.zeros_like(part))
                    board.add(here, collar, factor * region.scale, self.settings[share.region], share.region)
            board.add((slice(None), slice(None)), left, factor, ORDINARY, -1)
        return board.pieces() or [RegionImage(image, factor, ORDINARY) for image, factor in images]

    def factors(self, k: int, window: Window, mask: LayerMask, mask_of: MaskOf) -> np.ndarray:
        """Return the mean factor of the regions in every pixel of a window, 1 outside of all: (rows, cols) float64."""
        levels = mask.within(window, np.uint16)
        rest, out = levels.astype(np.float64), np.zeros(levels.shape)
        for at, share in self._shares(k, mask, mask_of):
            here, inner = _overlap(window, at)
            if here is not None:
                out[here] += self.regions[share.region].scale * share.part[inner]
                rest[here] -= share.part[inner]
        return np.where(levels > 0, (out + rest) / np.maximum(levels, 1), 1.0)

    def holds(self, name: str) -> Callable[[int, Window], np.ndarray] | None:
        """Return what tells, of layer k and a window, which pixels lie at least by half in regions that name a factor of the process.

        None where no region names it: it holds everywhere.
        """
        named = tuple(j for j, region in enumerate(self.regions) if name in region.factors)
        if not named:
            return None

        def within(k: int, window: Window) -> np.ndarray:
            out = np.zeros((window.rows, window.cols), bool)
            for site in self._sites:
                inside = site.inside((name, *named))
                if inside is not None and not inside.shape_mask(k).empty:
                    out |= inside.shape_mask(k).within(window, np.uint16) >= HALF
            return out

        return within

    def touched(self, j: int, mask_of: MaskOf) -> tuple[int, ...]:
        """Return layers in which region j covers some of its parts: of its lowest, middle and highest, else the first that is found."""
        layers = sorted({k for site in self._sites if (i := site.inside((j,))) is not None for k in i.layers})
        if not layers:
            return ()
        first = dict.fromkeys([layers[0], layers[len(layers) // 2], layers[-1]])
        found = tuple(k for k in first if self._touches(j, k, mask_of))
        return tuple(sorted(found)) or next(((k,) for k in layers if k not in first and self._touches(j, k, mask_of)), ())

    def _touches(self, j: int, k: int, mask_of: MaskOf) -> bool:
        for site in self._sites:
            inside = site.inside((j,))
            if inside is not None and not inside.shape_mask(k).empty:
                shape, own = inside.shape_mask(k), (site.own_mask or mask_of)(k)
                if inside.levels(k, own, shape.window).any():
                    return True
        return False

    def overlap(self, i: int, j: int) -> tuple[int, int] | None:
        """Return first and last layer in which regions i and j, both with light of their own, share material for certain."""
        found: list[int] = []
        for site in self._sites:
            a, b = site.inside((i,)), site.inside((j,))
            if a is None or b is None or not boxes_meet(boxes_of(a.shapes), boxes_of(b.shapes)).any():
                continue
            for k in range(max(a.layers.start, b.layers.start), min(a.layers.stop, b.layers.stop)):
                one, other = a.shape_mask(k), b.shape_mask(k)
                window = around([one.window, other.window])
                if window.rows and (one.within(window, np.uint16).astype(np.int64) + other.within(window, np.uint16) > FULL + 2).any():
                    found.append(k)
        return (min(found), max(found)) if found else None

    def _shares(self, k: int, mask: LayerMask, mask_of: MaskOf) -> list[tuple[Window, _Share]]:
        """Return what every region has of layer k, the last named first, each in a window of its own.

        Of regions j..n together the parts hold as much as the union of these shapes does; a region has what the ones named after it
        leave of that.
        """
        out: list[tuple[Window, _Share]] = []
        for site in self._sites:
            own = mask if site.own_mask is None else site.own_mask(k)
            active = [j for j in sorted(site.shapes) if self.regions[j].lights and site.reaches(j, k)]
            if not active or own.empty:
                continue
            window = site.window(active, k)
            if window.rows == 0:
                continue
            before = np.zeros((2, window.rows, window.cols), np.uint16)
            for place in range(len(active) - 1, -1, -1):
                inside = site.inside(tuple(active[place:]))
                assert inside is not None
                covered = np.array([inside.levels(k, own, window), inside.shape_mask(k).within(window, np.uint16)])
                covered = np.maximum(covered, before)  # rounded: what is added is never below nothing
                part, pixel = covered - before
                out.append((window, _Share(active[place], part, pixel, site.collar(active[place], k, own, window))))
                before = covered
        return out


def regions_of(parts: Sequence[Part]) -> tuple[Region, ...]:
    """Return the regions of parts, those that copies share once, in the order they are named."""
    return tuple({region.key: region for part in parts for region in part.regions}.values())


def _overlap(window: Window, at: Window) -> tuple[tuple[slice, slice] | None, tuple[slice, slice]]:
    """Return where two windows overlap, as slices of each; None for the first where they do not."""
    row0, col0 = max(window.row0, at.row0), max(window.col0, at.col0)
    row1, col1 = min(window.row0 + window.rows, at.row0 + at.rows), min(window.col0 + window.cols, at.col0 + at.cols)
    none = (slice(0, 0), slice(0, 0))
    if row1 <= row0 or col1 <= col0:
        return None, none
    spot = Window(row0, col0, row1 - row0, col1 - col0)
    return _within(window, spot), _within(at, spot)


def _within(window: Window, spot: Window) -> tuple[slice, slice]:
    row, col = spot.row0 - window.row0, spot.col0 - window.col0
    return slice(row, row + spot.rows), slice(col, col + spot.cols)


def _moved(window: Window, reach: Window, here: tuple[slice, slice]) -> tuple[slice, slice]:
    """Return slices of a window as those of a larger one around it."""
    down, right = window.row0 - reach.row0, window.col0 - reach.col0
    rows, cols = here
    return slice(rows.start + down, rows.stop + down), slice(cols.start + right, cols.stop + right)
