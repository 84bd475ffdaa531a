"""Columns of a job from the light side down: Z errors of horizontal faces, and the voids below roofs."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import Window
from pmsl.masks import SurfaceSums
from pmsl.predict.light.job_light import LitLayer
from pmsl.predict.measure.design_layers import ON_PLATE_UM
from pmsl.predict.measure.weighted_quantiles import CentredHistogram

STEP_UM, REACH_UM = 2.0**-9, 1024.0
FAR = 1 << 30
FIELDS = 9  # of a record, and of a void; see ``pmsl.kernels.compare.compare_voxels`` and ``void_records``
MOST_VOIDS = 4_000_000


class FaceMatcher:
    """Maps and records of all columns of a window.

    Parameters
    ----------
    window : Window
    """

    def __init__(self, window: Window) -> None:
        shape = window.rows, window.cols
        self.window = window
        self.up, self.down = CentredHistogram(STEP_UM, REACH_UM), CentredHistogram(STEP_UM, REACH_UM)
        self.tallies = np.zeros(4)
        self.near = np.full(shape, FAR, np.int32)
        self.slot, self.records = np.full(shape, -1, np.int32), np.zeros((1024, FIELDS))
        self.opened = np.zeros(window.rows, np.int32)
        self.low, self.top = np.full(shape, np.inf, np.float32), np.full(shape, -np.inf, np.float32)
        self.rim, self.shut = np.zeros(shape, np.float32), np.full(shape, -np.inf, np.float32)
        self._free, self._counts = np.arange(1024, dtype=np.int32), np.array([1024, 0, 0])
        self._waits, self._roofed, self._waiting = np.full(shape, -1, np.int32), np.full(shape, FAR, np.int32), np.zeros((1024, 8))
        self._done = np.zeros((4096, FIELDS))
        self._above = np.full((1, window.cols), -1.0, np.float32), np.zeros(window.rows, np.int32)
        self.voids_left_out = 0

    def stamp(self, walls_px: np.ndarray, k: int) -> None:
        """Mark the columns within a pixel of a wall of layer k; called for the layer below before `match`."""
        from pmsl.kernels.compare import edge_probes

        edge_probes.stamp(walls_px, len(walls_px), self.window.row0, self.window.col0, k, self.near)

    def match(self, layer: LitLayer, surface: SurfaceSums) -> None:
        """Match the faces of a layer, after ``pmsl.kernels.compare.compare_voxels.compare`` went over it."""
        from pmsl.kernels.compare import face_matching

        z_low = layer.z_top_um - layer.height_um
        front = layer.kept_front, layer.held
        self._settle(layer.index, layer.z_top_um, layer.height_um, *front)
        self._reserve(*(int(surface.length[surface.sums[:, side] > face_matching.SLIVER].sum()) for side in (0, 2)))
        above, held_above = self._above
        arrays = face_matching.FaceMatchingArrays(
            start=surface.start,
            col=surface.col,
            length=surface.length,
            sums=surface.sums,
            low_um=surface.low_um,
            high_um=surface.high_um,
            row0=self.window.row0,
            col0=self.window.col0,
            k=layer.index,
            plate=ON_PLATE_UM,
            z_low=z_low,
            z_top=layer.z_top_um,
            front=layer.kept_front,
            half=layer.half,
            held=layer.held,
            shift=layer.shift,
            above=above,
            held_above=held_above,
            wall=self.near,
            slot=self.slot,
            opened=self.opened,
            free=self._free,
            counts=self._counts,
            records=self.records,
            low=self.low,
            top=self.top,
            rim=self.rim,
            shut=self.shut,
            waits=self._waits,
            roofed=self._roofed,
            waiting=self._waiting,
            down=self.down.bins,
            down_used=self.down.used,
            up=self.up.bins,
            up_used=self.up.used,
            step=self.down.step,
            tallies=self.tallies,
            done=self._done,
        )
        face_matching.faces(*arrays)
        self._above = front

    def _settle(self, k: int, z_top_um: float, height_um: float, front: np.ndarray, held: np.ndarray) -> None:
        """Count the faces looking up that are known by now."""
        from pmsl.kernels._compiler.jit import call
        from pmsl.kernels.compare import face_matching, void_records

        found, waiting = (self.up.bins, self.up.used, self.up.step, self.tallies), int(self._counts[void_records.WAITING])
        call(
            face_matching.settle,
            waiting,
            front,
            held,
            k,
            z_top_um,
            height_um,
            self._waits,
            self._roofed,
            self._waiting,
            self._counts,
            *found,
        )

    def _reserve(self, opening: int, closing: int) -> None:
        """Make room for so many more records, and for so many more voids and waiting faces."""
        free, waiting, done = self._counts.tolist()
        if free < opening:
            have, more = len(self.records), max(opening, len(self.records))
            self.records = _grown(self.records, have, have + more)
            self._free = _grown(self._free, free, have + more)
            self._free[free : free + more] = np.arange(have, have + more)
            self._counts[0] = free + more
        if waiting + closing > len(self._waiting):
            self._waiting = _grown(self._waiting, waiting, 2 * waiting + closing)
        if done + closing > MOST_VOIDS:
            self.voids_left_out += done
            self._counts[2] = done = 0
        if done + closing > len(self._done):
            self._done = _grown(self._done, done, 2 * done + closing)

    def finish(self) -> np.ndarray:
        """Close what reaches the plate; return all voids below roofs.

        Returns
        -------
        (V, 9) float64
            Row and column in the window; floor, roof, open height, height that flushes [µm]; share of the pixel that is void by
            design, open, flushing.
        """
        from pmsl.kernels.compare import void_records

        self._reserve(0, int(self.opened.sum()))
        void_records.rest(
            *void_records.VoidRecordArrays(
                plate=0.0,
                slack=ON_PLATE_UM,
                slot=self.slot,
                opened=self.opened,
                free=self._free,
                counts=self._counts,
                records=self.records,
                down=self.down.bins,
                down_used=self.down.used,
                step=self.down.step,
                tallies=self.tallies,
                done=self._done,
            )
        )
        self._settle(-1, 0.0, 0.0, *self._above)
        return self._done[: self._counts[2]]


def _grown(array: np.ndarray, used: int, size: int) -> np.ndarray:
    """Return a longer array whose first `used` rows are those of `array`."""
    out = np.zeros((size, *array.shape[1:]), array.dtype)
    out[:used] = array[:used]
    return out
