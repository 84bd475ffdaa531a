"""Doses of their own for edges, roofs, membranes and single parts: every pixel of a layer's images gets its region's factor.

Recipe of the PyMFCAD printers (openmfd): an edge image is ``dilate(mask, d)`` without ``erode(mask, e)``, a roof image
``erode(mask, r)`` without what lies over material in all of the n layers before. A pixel is material where the part covers half
of it or more; erosion and dilation are by discs, and beyond the field there is no material. Below the first layer is the plate: it
counts as material.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window, around
from pmsl.correct.shapes import disc, grown_window, largest_within, shrunk
from pmsl.profiles.process import Regions

Image = tuple[LayerMask, float]
MaskOf = Callable[[int], LayerMask]
HALF = 32768
NEAR_PX = 2  # light so near a part counts as its own


@dataclass(frozen=True, slots=True, eq=False)
class RegionDoses:
    """Factors of the regions of every layer, prepared once for a job.

    Attributes
    ----------
    regions : Regions
        Factors and sizes.
    grid : Grid
    scales : tuple of float
        Dose scales of the parts that differ, one a group of parts; one scale for all where there is one entry.
    """

    regions: Regions
    grid: Grid
    scales: tuple[float, ...] = (1.0,)

    @classmethod
    def of(cls, regions: Regions | None, grid: Grid, scales: Sequence[float]) -> RegionDoses | None:
        """Prepare the factors; None where every pixel gets the ordinary dose."""
        wanted, groups = regions or Regions(), tuple(sorted(set(scales)))
        return None if groups == (1.0,) and wanted.plain else cls(wanted, grid, groups)

    def apply(self, k: int, images: Sequence[Image], mask_of: MaskOf, group_masks: Sequence[LayerMask] = ()) -> list[Image]:
        """Give every pixel of a layer's images the factor of its region.

        Parameters
        ----------
        k : int
            Layer.
        images : sequence of (LayerMask, float)
            Of that layer, each with its dose factor.
        mask_of : callable
            Mask of any layer of the grid, as the part has it.
        group_masks : sequence of LayerMask
            Masks of layer k of the parts of every scale, in the order of `scales`; not needed where there is one.

        Returns
        -------
        list of (LayerMask, float)
            The images cut by region, each factor times the region's; an edge that is dilated adds one.
        """
        mask = mask_of(k)
        window = around([grown_window(mask.window, self._reach_px, self.grid.shape), *(image.window for image, _ in images)])
        factors = self.factors(k, window, mask_of, group_masks)
        added: list[Image] = []
        if self._reach_px != (0, 0):
            levels = mask.within(window, np.uint16)
            added = [(_cut(mask, window, largest_within(levels, self._dilation) - levels), 1.0)]
        out = []
        for image, factor in (*images, *added):
            levels = image.within(window, np.uint16)
            for own in np.unique(factors[levels > 0]).tolist():
                out.append((_cut(image, window, np.where(factors == own, levels, np.uint16(0))), factor * own))
        return out or list(images)

    @property
    def _dilation(self) -> np.ndarray:
        r = self.regions
        return disc((0.0, 0.0) if r.edge is None else _radius(r.edge_dilate_px, r.edge_dilate_um, self.grid.pitch_um))

    @property
    def _reach_px(self) -> tuple[int, int]:
        return len(self._dilation) // 2, int(self._dilation.max())

    def factors(self, k: int, window: Window, mask_of: MaskOf, group_masks: Sequence[LayerMask] = ()) -> np.ndarray:
        """Return the factor of every pixel inside a window of layer k: (window.rows, window.cols) float64; parameters as of `apply`.

        Notes
        -----
        Where edge and roof overlap the lower factor wins; a membrane has its own. Factors of parts multiply: a pixel that parts
        share has that of the part whose scale times its coverage there is largest.
        """
        r = self.regions
        solid = mask_of(k).within(window, np.uint16) >= HALF
        factors = np.full(solid.shape, r.bulk)
        edge = np.zeros(solid.shape, bool)
        if r.edge is not None:
            edge = ~self._eroded(k, window, mask_of, _radius(r.edge_erode_px, r.edge_erode_um, self.grid.pitch_um))
            factors[edge] = r.edge
        if r.roof is not None:
            roof = self._roof(k, window, mask_of)
            factors[roof] = np.where(edge[roof], np.minimum(factors[roof], r.roof), r.roof)
        if r.membrane is not None:
            factors[self._membranes(k, mask_of, window, solid)] = r.membrane
        return factors * self._scale(window, group_masks)

    def _eroded(self, k: int, window: Window, mask_of: MaskOf, radius_px: tuple[float, float]) -> np.ndarray:
        """Return the material of a layer inside a window, eroded; what lies beyond the window counts, beyond the field is none."""
        erosion = disc(radius_px)
        wide = grown_window(window, (len(erosion) // 2, int(erosion.max())), self.grid.shape)
        down, right = window.row0 - wide.row0, window.col0 - wide.col0
        whole = shrunk(mask_of(k).within(wide, np.uint16) >= HALF, erosion)
        return whole[down : down + window.rows, right : right + window.cols]

    def _roof(self, k: int, window: Window, mask_of: MaskOf) -> np.ndarray:
        """Return the layer's eroded material that does not lie over eroded material in all of the layers before."""
        r = self.regions
        radius = _radius(r.roof_erode_px, r.roof_erode_um, self.grid.pitch_um)
        carried = np.ones((window.rows, window.cols), bool)
        for j in range(max(0, k - r.roof_layers), k):
            carried &= self._eroded(j, window, mask_of, radius)
        return np.asarray(self._eroded(k, window, mask_of, radius) & ~carried)

    def _membranes(self, k: int, mask_of: MaskOf, window: Window, solid: np.ndarray) -> np.ndarray:
        """Return where the material around layer k is no thicker than `membrane_um`."""
        limit, heights = self.regions.membrane_um or 0.0, self.grid.thickness_um
        thick = np.where(solid, heights[k], math.inf)
        for step in (-1, 1):
            still, j, passed = solid.copy(), k + step, float(heights[k])
            while passed <= limit and still.any():
                if not 0 <= j < self.grid.n_layers:
                    thick[still] = math.inf if j < 0 else thick[still]  # on the plate
                    break
                still &= mask_of(j).within(window, np.uint16) >= HALF
                thick[still] += heights[j]
                passed, j = passed + float(heights[j]), j + step
        return np.asarray(thick <= limit * (1 + 1e-9))

    def _scale(self, window: Window, group_masks: Sequence[LayerMask]) -> np.ndarray | float:
        """Return the parts' factor of every pixel; beside the parts that of the part next to it, 1 where there is none."""
        if len(self.scales) == 1:
            return self.scales[0]
        scale = np.ones((window.rows, window.cols))
        beside = disc((float(max(NEAR_PX, self._reach_px[0])), float(max(NEAR_PX, self._reach_px[1]))))
        known = np.zeros(scale.shape, bool)
        for near in (False, True):
            most = np.zeros(scale.shape)
            for own, mask in zip(self.scales, group_masks, strict=True):  # from the lowest scale up: of equals the higher wins
                levels = mask.within(window, np.uint16)
                weight = own * (largest_within(levels, beside) if near else levels)
                larger = (weight >= most) & (weight > 0) & ~known
                most[larger], scale[larger] = weight[larger], own
            known = most > 0
        return scale


def _radius(px: float | None, um: float | None, pitch_um: np.ndarray) -> tuple[float, float]:
    """Return a radius in pixels (along y, along x)."""
    if um is not None:
        return um / float(pitch_um[1]), um / float(pitch_um[0])
    return px or 0.0, px or 0.0


def _cut(mask: LayerMask, window: Window, levels: np.ndarray) -> LayerMask:
    return LayerMask.from_window(mask.index, mask.shape, window, levels)
