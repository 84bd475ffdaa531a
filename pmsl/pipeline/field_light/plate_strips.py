"""Plain masks of fields: those of a row are cut out of one strip where pixels lie on one grid, others are made one by one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.fields.tiles import FieldLayout, Tile
from pmsl.fields.windows import FieldWindow, in_strip, window_of
from pmsl.masks import masks_of
from pmsl.masks.area_masks import PartMasks
from pmsl.pipeline.setup.job_setup import JobSetup
from pmsl.slicing.boundary_defects import Defects


@dataclass(eq=False)
class PlateStrips:
    """Makes the masks of fields.

    Attributes
    ----------
    setup : JobSetup
        Of the plate.
    layout : FieldLayout
    coverage : str
    keep : int
        How many strips or fields are kept ready: each holds the triangles in its rows.
    """

    setup: JobSetup
    layout: FieldLayout
    coverage: str
    keep: int
    _makers: OrderedDict[tuple[float, float], PartMasks] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def masks(self, tiles: Sequence[Tile], k: int) -> Iterator[tuple[Tile, LayerMask, tuple[Defects, Grid] | None]]:
        """Yield the masks of fields of layer k, in rows, and what is doubtful about each strip or field, with its grid, once.

        Parameters
        ----------
        tiles : sequence of Tile
            In rows.
        k : int
        """
        shape = self.layout.y.field_px, self.layout.x.field_px
        made: tuple[tuple[float, float], LayerMask] | None = None
        for tile in tiles:
            window = in_strip(self.layout, tile, k) if self.layout.on_one_grid else window_of(self.layout, tile, k, 0)
            doubtful = None
            if made is None or made[0] != window.corner_um:
                maker = self._maker(window)
                mask, defects = maker.mask_and_defects(k)
                made, doubtful = (window.corner_um, mask), (defects, maker.grid)
            yield tile, window.cut(made[1], shape), doubtful

    def _maker(self, window: FieldWindow) -> PartMasks:
        """Return what makes the masks of a window; those used last are kept."""
        with self._lock:
            known = self._makers.get(window.corner_um)
            if known is not None:
                self._makers.move_to_end(window.corner_um)
                return known
        grid = window.grid(self.setup.grid.z_edges_um, self.layout.pitch_um)
        made = masks_of(self.setup.parts, grid, self.coverage, "none", self.setup.offset)
        with self._lock:
            self._makers[window.corner_um] = made
            while len(self._makers) > self.keep:
                self._makers.popitem(last=False)
        return made
