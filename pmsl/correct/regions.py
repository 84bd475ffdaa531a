"""Doses of their own for edges, roofs, membranes and single parts: every pixel of a layer's images gets its region's factor.

Recipe of the PyMFCAD printers (openmfd): an edge image is ``dilate(mask, d)`` without ``erode(mask, e)``, a roof image
``erode(mask, r)`` without what lies over material in all of the n layers before. A pixel is material where the part covers half
of it or more; erosion and dilation are by discs, and beyond the field there is no material. Below the first layer is the plate: it
counts as material.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window, around
from pmsl.correct.morphology import disc, grown_window, largest_within, shrunk
from pmsl.profiles.process import Regions

Image = tuple[LayerMask, float]
MaskOf = Callable[[int], LayerMask]
Where = Callable[[int, Window], np.ndarray]
HALF = 32768
EDGE, ROOF, MEMBRANE = 1, 2, 3  # codes; bulk is 0
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
    only : mapping of str to callable
        Of factors (``"edge"``, ``"roof"``, ``"membrane"``) that do not hold everywhere: which pixels of a window of layer k they hold for.
    """

    regions: Regions
    grid: Grid
    scales: tuple[float, ...] = (1.0,)
    only: Mapping[str, Where] = field(default_factory=dict)

    @classmethod
    def of(
        cls, regions: Regions | None, grid: Grid, scales: Sequence[float], only: Mapping[str, Where] | None = None, always: bool = False
    ) -> RegionDoses | None:
        """Prepare the factors; None where every pixel gets the ordinary dose, unless they are wanted `always`."""
        wanted, groups = regions or Regions(), tuple(sorted(set(scales)))
        return None if not always and groups == (1.0,) and wanted.plain else cls(wanted, grid, groups, only or {})

    @property
    def most(self) -> float:
        """Largest factor that any pixel gets."""
        r = self.regions
        return max(factor for factor in (r.bulk, r.edge, r.roof, r.membrane) if factor is not None) * max(self.scales)

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
        codes, table = self._codes(k, window, mask_of, group_masks)
        added: list[Image] = []
        if self._reach_px != (0, 0):
            levels = mask.within(window, np.uint16)
            beside = largest_within(levels, self._dilation) - levels
            added = [(_cut(mask, window, np.where(self._holds("edge", k, window), beside, np.uint16(0))), 1.0)]
        out = []
        for image, factor in (*images, *added):
            levels = image.within(window, np.uint16)
            for code in np.flatnonzero(np.bincount(codes[levels > 0])).tolist():
                out.append((_cut(image, window, np.where(codes == code, levels, np.uint16(0))), factor * float(table[code])))
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
        codes, table = self._codes(k, window, mask_of, group_masks)
        return np.asarray(table[codes])

    def _codes(self, k: int, window: Window, mask_of: MaskOf, group_masks: Sequence[LayerMask]) -> tuple[np.ndarray, np.ndarray]:
        """Return a code for the region and part of every pixel, (window.rows, window.cols) uint16, and the factor of each code."""
        r = self.regions
        own = np.array([r.bulk if factor is None else factor for factor in (r.bulk, r.edge, r.roof, r.membrane)])
        codes = np.zeros((window.rows, window.cols), np.uint16)
        if r.edge is not None:
            eroded = self._eroded([k], window, mask_of, _radius(r.edge_erode_px, r.edge_erode_um, self.grid.pitch_um))
            codes[~eroded & self._holds("edge", k, window)] = EDGE
        if r.roof is not None:
            roof = self._roof(k, window, mask_of) & self._holds("roof", k, window)
            codes[roof if own[ROOF] <= own[EDGE] or r.edge is None else roof & (codes != EDGE)] = ROOF
        if r.membrane is not None:
            codes[self._membranes(k, mask_of, window) & self._holds("membrane", k, window)] = MEMBRANE
        if len(self.scales) == 1:
            return codes, own * self.scales[0]
        group, scales = self._groups(window, group_masks)
        return codes + np.uint16(len(own)) * group, np.outer(scales, own).reshape(-1)

    def _holds(self, name: str, k: int, window: Window) -> np.ndarray:
        """Return for which pixels of a window of layer k a factor holds: bool, of its shape or of none where that is all."""
        where = self.only.get(name)
        return np.asarray(True) if where is None else where(k, window)

    def _eroded(self, layers: Sequence[int], window: Window, mask_of: MaskOf, radius_px: tuple[float, float]) -> np.ndarray:
        """Return the material that all of some layers have inside a window, eroded, which is what all of them have when eroded.

        What lies beyond the window counts, beyond the field is no material.
        """
        erosion = disc(radius_px)
        wide = grown_window(window, (len(erosion) // 2, int(erosion.max())), self.grid.shape)
        down, right = window.row0 - wide.row0, window.col0 - wide.col0
        solid = np.ones((wide.rows, wide.cols), bool)
        for j in layers:
            solid &= mask_of(j).within(wide, np.uint16) >= HALF
        return shrunk(solid, erosion)[down : down + window.rows, right : right + window.cols]

    def _roof(self, k: int, window: Window, mask_of: MaskOf) -> np.ndarray:
        """Return the layer's eroded material that does not lie over eroded material in all of the layers before."""
        r = self.regions
        radius = _radius(r.roof_erode_px, r.roof_erode_um, self.grid.pitch_um)
        before = range(max(0, k - r.roof_layers), k)
        if not before:
            return np.zeros((window.rows, window.cols), bool)
        return np.asarray(self._eroded([k], window, mask_of, radius) & ~self._eroded(before, window, mask_of, radius))

    def _membranes(self, k: int, mask_of: MaskOf, window: Window) -> np.ndarray:
        """Return where the material around layer k is no thicker than `membrane_um`."""
        solid = mask_of(k).within(window, np.uint16) >= HALF
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

    def _groups(self, window: Window, group_masks: Sequence[LayerMask]) -> tuple[np.ndarray, np.ndarray]:
        """Return the group of parts of every pixel, uint16, and the scale of every group; 0, of scale 1, is none."""
        group = np.zeros((window.rows, window.cols), np.uint16)
        beside = disc((float(max(NEAR_PX, self._reach_px[0])), float(max(NEAR_PX, self._reach_px[1]))))
        known = np.zeros(group.shape, bool)
        for near in (False, True):  # what a part covers; then what lies beside one
            most = np.zeros(group.shape)
            for i, (own, mask) in enumerate(zip(self.scales, group_masks, strict=True), 1):  # of equals the higher scale wins
                levels = mask.within(window, np.uint16)
                weight = own * (largest_within(levels, beside) if near else levels)
                larger = (weight >= most) & (weight > 0) & ~known
                most[larger], group[larger] = weight[larger], i
            known = most > 0
        return group, np.array([1.0, *self.scales])


def _radius(px: float | None, um: float | None, pitch_um: np.ndarray) -> tuple[float, float]:
    """Return a radius in pixels (along y, along x)."""
    if um is not None:
        return um / float(pitch_um[1]), um / float(pitch_um[0])
    return px or 0.0, px or 0.0


def _cut(mask: LayerMask, window: Window, levels: np.ndarray) -> LayerMask:
    return LayerMask.from_window(mask.index, mask.shape, window, levels)
