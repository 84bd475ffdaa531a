"""The light of masks in the middles of single pixels; masks are painted as levels where many pixels look at them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from pmsl.core.mask import LayerMask, Window
from pmsl.correct.solver.psf_footprint import patch_of
from pmsl.optics.convolution import spread, target_of
from pmsl.optics.field_evenness import lit
from pmsl.optics.image_formation import Projector
from pmsl.optics.psf import Lorentzian

LARGEST, PAYS = 1 << 24, 100  # pixels of a mask that is painted, at most, and beside those that look at it
KEPT = 1 << 26  # bytes of painted masks that wait for their second use, at most


class MaskLevels(NamedTuple):
    """A mask as `pmsl.kernels.solve.pixel_light` looks at it: `levels` (R, C) from column `col0` on, `near` a bit for each that is lit.

    Both are (0, 0) where painting does not pay.
    """

    levels: np.ndarray
    near: np.ndarray
    col0: int


class LightSources(NamedTuple):
    """The runs of a mask, the response and the flat field, by the names of `pmsl.kernels.solve.pixel_light`."""

    row_start: np.ndarray
    row0: int
    col: np.ndarray
    length: np.ndarray
    value: np.ndarray
    response: np.ndarray
    flat: np.ndarray


class LightAround(NamedTuple):
    """What these kernels need beside: what a pixel gets of those around it, working space, the mask as levels."""

    first: np.ndarray
    share: np.ndarray
    at: np.ndarray
    levels: np.ndarray
    near: np.ndarray
    col0: int


NOTHING = MaskLevels(np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint64), 0)


@dataclass(slots=True, eq=False)
class LevelBuffers:
    """Paints masks, from any thread, into memory that is used again and again.

    `first` and `share` are what a pixel gets of those around it (`patch_of`).
    """

    first: np.ndarray
    share: np.ndarray
    _free: list[np.ndarray] = field(default_factory=list)
    _out: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def paint(self, mask: LayerMask, pixels: int) -> MaskLevels:
        """Paint a mask that so many pixels look at, `NOTHING` where that does not pay; to be handed back with `done`."""
        window = mask.window
        rows, cols, words = window.rows, window.cols, window.cols // 64 + 1
        if rows * cols > min(LARGEST, PAYS * pixels):
            return NOTHING
        from pmsl.kernels.solve import pixel_light

        room = self._buffer((rows + 1) * words * 8 + rows * cols)
        end = (rows + 1) * words * 8
        near, levels = room[:end].view(np.uint64).reshape(rows + 1, words), room[end : end + rows * cols].reshape(rows, cols)
        pixel_light.paint(*mask.runs_8bit(), window.col0, self.first, self.share, levels, near)
        return MaskLevels(levels, near, window.col0)

    def retained(self, painted: MaskLevels) -> MaskLevels:
        """Return what is painted where it may wait for a second use; otherwise it is done with, and `NOTHING`."""
        if self._out <= KEPT:
            return painted
        self.done(painted)
        return NOTHING

    def done(self, painted: MaskLevels) -> None:
        """Take the memory back."""
        if painted is NOTHING:
            return
        room = painted.near.base
        assert room is not None
        with self._lock:
            self._out -= room.nbytes
            self._free.append(room)

    def _buffer(self, size: int) -> np.ndarray:
        """Return so many bytes, or more."""
        with self._lock:
            found = next((i for i, room in enumerate(self._free) if room.nbytes >= size), None)
            room = np.empty(size + (-size) % 8, np.uint8) if found is None else self._free.pop(found)
            if found is None:
                self._free.clear()  # too small ones
            self._out += room.nbytes
        return room


class PixelLight(msgspec.Struct, frozen=True, eq=False):
    """Gives the light of masks in the middles of pixels. `painter` is None where light comes from everywhere."""

    projector: Projector
    response: np.ndarray
    painter: LevelBuffers | None

    @classmethod
    def of(cls, projector: Projector, response: np.ndarray) -> PixelLight:
        """Make it for a projector and a gray response, (256,) float64."""
        psf = projector.psf
        return cls(projector, response, None if isinstance(psf, Lorentzian) else LevelBuffers(*patch_of(psf)))

    @property
    def near(self) -> bool:
        """Whether a pixel's light comes from near by."""
        return self.painter is not None

    def paint(self, mask: LayerMask, pixels: int) -> MaskLevels:
        """Paint a mask for so many pixels to look at, if that pays; to be handed back with `done`."""
        return NOTHING if self.painter is None else self.painter.paint(mask, pixels)

    def retained(self, painted: MaskLevels) -> MaskLevels:
        """Return what may wait for a second use: `LevelBuffers.retained`."""
        return painted if self.painter is None else self.painter.retained(painted)

    def done(self, painted: MaskLevels) -> None:
        """Hand back what is painted."""
        if self.painter is not None:
            self.painter.done(painted)

    def at(self, mask: LayerMask, pixels: np.ndarray, painted: MaskLevels | None = None) -> np.ndarray:
        """Return the relative irradiance of a mask, painted or not, in the middle of pixels, (n, 2) row and column: (n,) float64."""
        if self.painter is None:
            source = self.seen(pixels, mask.shape)
            return self.of_window(self.response[mask.within(source)], source, pixels)
        from pmsl.kernels._compiler.jit import call
        from pmsl.kernels.solve import pixel_light

        out, own = np.zeros(len(pixels)), self.paint(mask, len(pixels)) if painted is None else painted
        call(pixel_light.light_at, len(pixels), *self.sources(mask), pixels, *self.around(own), out)
        if painted is None:
            self.done(own)
        return out

    def sources(self, mask: LayerMask) -> LightSources:
        """Return what of a mask gives light."""
        flat, runs = self.projector.flat, mask.runs_8bit()
        even = np.zeros((0, 0)) if flat is None else flat
        return LightSources(runs.row_start, mask.window.row0, runs.col, runs.length, runs.value, self.response, even)

    def around(self, painted: MaskLevels) -> LightAround:
        """Return how a pixel sees it."""
        assert self.painter is not None
        first, share = self.painter.first, self.painter.share
        return LightAround(first, share, np.empty(len(share), np.int64), *painted)

    def of_window(self, light: np.ndarray, source: Window, pixels: np.ndarray) -> np.ndarray:
        """Return the same of the light in a window, (rows, cols)."""
        box = _box(pixels)
        seen = spread(lit(light, source, self.projector.flat), source, box, self.projector.psf, (0.0, 0.0))
        return np.asarray(seen[pixels[:, 0] - box.row0, pixels[:, 1] - box.col0])

    def seen(self, pixels: np.ndarray, shape: tuple[int, int]) -> Window:
        """Return the window whose light reaches pixels."""
        return target_of(_box(pixels), shape, self.projector.psf)


def _box(pixels: np.ndarray) -> Window:
    (row0, col0), (row1, col1) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
    return Window(row0, col0, row1 - row0 + 1, col1 - col0 + 1)
