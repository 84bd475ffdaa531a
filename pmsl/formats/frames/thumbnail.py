"""A small picture of the part for a printer's menu: seen from the light side, the higher the brighter."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.formats.frames.device_frame import turn
from pmsl.job.print_job import PrintJob
from pmsl.profiles.printer import Orientation

MOST = 64  # layers that are drawn: of a taller part evenly spaced ones
SIDE = 512  # pixels of the longer side while layers are added
INK = (255, 172, 64)  # of a printer's preview: resin on dark gray
PAPER = (32, 32, 32)
SEEN = Orientation(row="-y", col="+x")  # as the part is seen from the light side


class Thumbnail:
    """Collects layers in order from the plate up, and draws them.

    Parameters
    ----------
    job : PrintJob
    """

    def __init__(self, job: PrintJob) -> None:
        rows, cols = job.grid.shape
        scale = min(1.0, SIDE / max(rows, cols))
        self._shape = max(1, round(rows * scale)), max(1, round(cols * scale))
        self._layers, self._every = job.n_layers, -(-job.n_layers // MOST)
        self._pitch = job.grid.pitch_um * np.array([cols / self._shape[1], rows / self._shape[0]])
        self._rows, self._cols = (_bins(n, small) for n, small in zip((rows, cols), self._shape, strict=True))
        self._height = np.zeros(self._shape)

    def add(self, k: int, mask: LayerMask) -> None:
        """Lay layer k over those below: its brightness grows with its height."""
        from pmsl.kernels.runs import run_ops

        if mask.empty or k % self._every:
            return
        covered = np.zeros(self._shape, np.uint8)
        run_ops.shrink(
            *mask.runs_8bit(), mask.window.row0, *self._rows, *self._cols, np.zeros((2, int(self._cols[1][-1]) + 1), np.int64), covered
        )
        share = covered / 255
        self._height += share * ((k + 1) / self._layers - self._height)

    def picture(self, width: int, height: int) -> np.ndarray:
        """Return an RGB picture of that size, (height, width, 3) uint8: the part fills it, with a margin."""
        tall = self._height
        rows, cols = np.flatnonzero(tall.any(axis=1)), np.flatnonzero(tall.any(axis=0))
        out = np.empty((height, width, 3))
        out[:] = PAPER
        if rows.size:
            part = turn(tall[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1], SEEN)
            size = np.array([part.shape[0] * self._pitch[1], part.shape[1] * self._pitch[0]])
            fit = min(0.9 * height / size[0], 0.9 * width / size[1])
            h, w = max(1, round(size[0] * fit)), max(1, round(size[1] * fit))
            seen = part[np.ix_(np.arange(h) * part.shape[0] // h, np.arange(w) * part.shape[1] // w)][..., None]
            light = np.where(seen > 0, 0.35 + 0.65 * seen, 0.0)
            y, x = (height - h) // 2, (width - w) // 2
            out[y : y + h, x : x + w] += light * (np.array(INK) - PAPER)
        return np.rint(out).astype(np.uint8)


def _bins(n: int, small: int) -> tuple[np.ndarray, np.ndarray]:
    """Share `n` pixels out to `small`: (small,) int64 begins and ends."""
    edges = np.arange(small + 1) * n // small
    return edges[:-1], edges[1:]
