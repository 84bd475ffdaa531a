"""Doses of parts and regions on a plate of several fields: each field is given its images in a window with what they look at around it."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import get_args

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.correct.modifiers import RegionShares
from pmsl.correct.regions import NEAR_PX, RegionDoses
from pmsl.fields.tiles import FieldLayout, Tile
from pmsl.fields.windows import window_of
from pmsl.masks import masks_of
from pmsl.masks.mask_source import RecentMasks
from pmsl.mesh.region import FactorName, ImageSetting
from pmsl.pipeline.setup.job_setup import JobSetup
from pmsl.pipeline.setup.region_light import RegionalLight
from pmsl.profiles import Process
from pmsl.profiles.process import Regions

Image = tuple[LayerMask, float]
LAYERS_KEPT = 24  # masks of each window
PIXEL_LENGTHS = "edge_erode", "edge_dilate", "roof_erode"


@dataclass(eq=False)
class FieldDoses:
    """Gives the images of a field.

    Attributes
    ----------
    setup : JobSetup
        Of the plate; it has regions.
    process : Process
    layout : FieldLayout
    keep : int
        Windows kept: each holds the parts made ready.
    """

    setup: JobSetup
    process: Process
    layout: FieldLayout
    keep: int
    _known: OrderedDict[tuple[float, float], RegionalLight] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        dilated_um = max((region.dilate_um for part in self.setup.parts for region in part.regions), default=0.0)
        self.margin_px = NEAR_PX + margin_px(self.process.regions or Regions(), dilated_um, self.layout.pitch_um)

    def images(self, tile: Tile, k: int) -> tuple[list[Image], list[ImageSetting] | None]:
        """Return the images of a field of layer k, each with its dose factor, and how each is shown, as `RegionalLight.images`."""
        window = window_of(self.layout, tile, k, self.margin_px)
        light = self._light(window.grid(self.setup.grid.z_edges_um, self.layout.pitch_um))
        mask, shape = light.recent(k), (self.layout.y.field_px, self.layout.x.field_px)
        if mask.empty:
            return [(window.cut(mask, shape), 1.0)], None
        images, settings = light.images(k, mask)
        return [(window.cut(image, shape), factor) for image, factor in images], settings

    def _light(self, grid: Grid) -> RegionalLight:
        """Return what gives the images of a window; those used last are kept."""
        x, y = grid.origin_um.tolist()
        with self._lock:
            known = self._known.get((x, y))
            if known is not None:
                self._known.move_to_end((x, y))
                return known
        made = self._of(grid)
        with self._lock:
            self._known[x, y] = made
            while len(self._known) > self.keep:
                self._known.popitem(last=False)
        return made

    def _of(self, grid: Grid) -> RegionalLight:
        s, mode = self.setup, self.process.coverage
        shares = None if s.modifiers is None else RegionShares(s.parts, grid, mode, s.ladder.power, s.offset)
        held = {} if shares is None else {name: shares.holds(name) for name in get_args(FactorName)}
        only = {name: where for name, where in held.items() if where is not None}
        regions = RegionDoses.of(self.process.regions, grid, [part.dose_scale for part in s.parts], only, always=True)
        assert regions is not None
        scales = () if len(regions.scales) == 1 else regions.scales
        grown = None if s.offset is None else s.offset.grown()  # a group says whose a pixel is, the mask what is lit
        groups = [masks_of([p for p in s.parts if p.dose_scale == scale], grid, mode, "none", grown) for scale in scales]
        recent = RecentMasks(masks_of(s.parts, grid, mode, "none", s.offset), LAYERS_KEPT)
        return RegionalLight(regions, recent, groups, s.ladder, LAYERS_KEPT, shares)


def margin_px(regions: Regions, dilated_um: float, pitch_um: tuple[float, float]) -> int:
    """Return how many pixels around a field decide which doses its own get.

    Parameters
    ----------
    regions : Regions
        Of the process.
    dilated_um : float
        How far the light of regions that meshes draw reaches beyond these [µm].
    pitch_um : (float, float)
    """
    lengths = [dilated_um / min(pitch_um)]
    for name in PIXEL_LENGTHS:
        px, um = getattr(regions, f"{name}_px"), getattr(regions, f"{name}_um")
        lengths.append(px if px is not None else 0.0 if um is None else um / min(pitch_um))
    return math.ceil(sum(lengths)) + 1
