"""The blur of a window of mirrors: the light in the middles of its pixels, and inside them."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import Window
from pmsl.optics import Gaussian, Psf, at_points, spread
from pmsl.predict.measure.row_dedup import DedupRows

TABLE_PER_PX = 512  # linear between: 1e-6 of white at σ = 0.36 px
SEEN_SIGMA = 5.5  # light from further away counts for less than 2e-8 of white
INSIDE_PX = (-0.5, -0.25, 0.0, 0.25, 0.5)  # places in an uneven pixel, along each axis: shares of it come out within 3e-4 of all
TOGETHER = 256  # uneven pixels of a row looked at together
NO_BLOCKS = np.zeros((0, 0), np.uint8)


class Blur:
    """The blur of a window of mirrors, seen in the middles of its pixels."""

    def __init__(self, psf: Psf, window: Window) -> None:
        self.psf, self.window = psf, window
        if isinstance(psf, Gaussian):
            reach = psf.reach_px
            self.taps = [np.zeros(1 + n + n % 2, np.float32) for n in reach]
            for axis in (0, 1):
                self.taps[axis][: reach[axis] + 1] = psf.line(np.arange(reach[axis] + 1.0), axis, mean=False)
            self.none = np.zeros(window.cols, np.float32)
            self.line = np.zeros(window.cols + 2 * (len(self.taps[1]) - 1), np.float32)
            self.reach = [SEEN_SIGMA * sigma + 0.5 for sigma in psf.sigma_px]
            at = [np.arange(int((far + 1.5) * TABLE_PER_PX)) / TABLE_PER_PX for far in self.reach]
            self.tables = [psf.line(places, axis, mean=False) for axis, places in enumerate(at)]

            seen = [min(int(SEEN_SIGMA * sigma + 1.0), n) for sigma, n in zip(psf.sigma_px, reach, strict=True)]
            around = [np.arange(n, -n - 1.0, -1.0) for n in seen]
            self.places = [
                np.array([psf.line(apart + place, axis, mean=False) for place in INSIDE_PX]) for axis, apart in enumerate(around)
            ]

    @property
    def folds(self) -> bool:
        """Whether `see_one` takes and makes folded maps (`pmsl.kernels.compare.row_dedup`)."""
        return isinstance(self.psf, Gaussian)

    def inside(self, light: np.ndarray, rows: np.ndarray, cols: np.ndarray, out: np.ndarray) -> None:
        """Write the light, not folded, at places inside pixels into `out` (E, 25) float32."""
        if isinstance(self.psf, Gaussian):
            from pmsl.kernels.light import dose

            dose.inside(
                *DedupRows.whole(light), rows, cols, *self.places, np.zeros((len(INSIDE_PX), TOGETHER + self.places[1].shape[1])), out
            )
            return
        middle = np.stack([rows, cols], axis=1)[:, None, :] + 0.5
        places = middle + np.array([(v, u) for v in INSIDE_PX for u in INSIDE_PX])
        at_zero = Window(0, 0, self.window.rows, self.window.cols)
        out[:] = np.maximum(at_points(light, at_zero, places.reshape(-1, 2), self.psf), 0.0).reshape(out.shape)

    def blocks(self) -> np.ndarray:
        """Make room to tell what is recalled, as ``pmsl.kernels.light.blur_reuse.see_one`` does."""
        from pmsl.kernels.solve.pixel_flags import RECALLED

        return np.zeros((self.window.rows, -(-self.window.cols // RECALLED)), np.uint8) if isinstance(self.psf, Gaussian) else NO_BLOCKS

    def see_one(
        self, light: DedupRows, threshold: float, lengths: float, seen: np.ndarray, front: DedupRows, recalled: np.ndarray
    ) -> np.ndarray:
        """Write the light in the middles of all pixels and its front into `seen` and `front`; return which blocks are recalled."""
        from pmsl.kernels.light import blur_reuse, dose

        bits, scratch = seen.view(np.int32), scratch_of(seen.shape[1])
        if isinstance(self.psf, Gaussian):
            alike = np.zeros((3, recalled.shape[1]), np.int64)
            sums = *self.taps, self.none, self.line
            values, held = light
            own = seen, bits, front.values, recalled, front.held
            blur_reuse.see_one(values, values.view(np.int32), held, *sums, threshold, lengths, alike, *scratch, *own)
        else:
            self(light.values, seen)
            dose.front_of_one(seen, bits, threshold, lengths, *scratch, front.values)
        return recalled

    def inside_once(self, light: DedupRows, rows: np.ndarray, cols: np.ndarray, recalled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the light at places inside pixels, (U, 25) float32, and (E,) int32, which of them each has."""
        out, which = np.empty((len(rows), len(INSIDE_PX) ** 2), np.float32), np.empty(len(rows), np.int32)
        if not isinstance(self.psf, Gaussian):
            self.inside(light.values, rows, cols, out)
            which[:] = np.arange(len(rows))
            return out, which
        from pmsl.kernels.light import blur_reuse

        latest, starts = np.empty(self.window.cols, np.int32), np.empty(len(rows), np.uint8)
        lines = np.zeros((len(INSIDE_PX), TOGETHER + self.places[1].shape[1]))
        n = blur_reuse.inside(*light, rows, cols, *self.places, lines, recalled, latest, starts, which, out)
        return out[:n], which

    def __call__(self, light: np.ndarray, seen: np.ndarray) -> None:
        """Write the light in the middles of all pixels into `seen`."""
        if isinstance(self.psf, Gaussian):
            from pmsl.kernels.light import dose

            dose.blur(light, *self.taps, self.none, self.line, seen)
        else:
            seen[:] = np.maximum(spread(light, self.window, self.window, self.psf, (0.0, 0.0)), 0.0)


def scratch_of(pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a byte a pixel of a row, and the same memory eight bytes at a time."""
    places = np.zeros(-(-pixels // 8), np.uint64)
    return places.view(np.uint8), places
