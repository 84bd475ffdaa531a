"""What a page shows of a prediction, collected while a job is simulated: the cured share of every layer at screen resolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pmsl.core.mask import LayerMask, Window
from pmsl.job.print_job import PrintJob
from pmsl.predict import SeenLayer
from pmsl.predict.light.job_light import LitLayer
from pmsl.report.page.blocks import PageBlock, base64_text, packed
from pmsl.report.page.overlay_size import STEPS, fitted

SCREEN_PX = (720, 1120)  # rows and columns a picture of a layer has at most
VOLUME_CELLS = 1_500_000
VOLUME_LAYERS = 160


@dataclass(slots=True)
class PredictedLayers:
    """Collects, of every simulated layer, the shares of its pixels that are cured and designed, as means of squares of pixels.

    Attributes
    ----------
    job : PrintJob
    window : Window
        Pixels of the grid that are predicted.
    factor : int
        A square has so many pixels along each side.
    squares : int
        So many squares along each side are one where layers are stored.
    cured, designed : (Z, R, C) float32
        The same, coarser, for a picture of the solid: mean shares of its cells.
    """

    job: PrintJob
    window: Window
    with_design: bool
    factor: int = 1
    coarse: int = 1
    squares: int = 1
    cured: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
    designed: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
    _layers: dict[int, bytes] = field(default_factory=dict)
    _filled: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        rows, cols = self.window.rows, self.window.cols
        self.factor = max(1, -(-rows // SCREEN_PX[0]), -(-cols // SCREEN_PX[1]))
        bins = min(self.job.n_layers, VOLUME_LAYERS)
        while (-(-rows // (self.factor * self.coarse))) * (-(-cols // (self.factor * self.coarse))) * bins > VOLUME_CELLS:
            self.coarse += 1
        n_rows, n_cols = (-(-n // self.coarse) for n in self.shape)
        self.cured, self.designed = (np.zeros((bins, n_rows, n_cols), np.float32) for _ in range(2))
        self._filled = np.zeros(bins)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols) of squares."""
        return -(-self.window.rows // self.factor), -(-self.window.cols // self.factor)

    @property
    def cell_px(self) -> int:
        """Pixels along a side of a cell of the volumes."""
        return self.factor * self.coarse

    def __call__(self, seen: SeenLayer) -> None:
        """Add one layer of a simulation."""
        assert seen.design is not None
        self.add(seen.lit, seen.design.mask)

    def add(self, lit: LitLayer, design: LayerMask | None) -> None:
        """Add one layer and its design, where there is one."""
        cured = self._cured(lit)
        designed = np.zeros(self.shape, np.float32) if design is None else shrunk(design, self.window, self.factor) / np.float32(255)
        shares = (np.rint(cured * STEPS).astype(np.uint8) << 4) | np.rint(designed * STEPS).astype(np.uint8)
        self._layers[lit.index] = packed(shares)
        z = lit.index * len(self._filled) // self.job.n_layers
        self._filled[z] += 1
        for volume, share in ((self.cured, cured), (self.designed, designed)):
            volume[z] += _means(_means(share, self.coarse, 0), self.coarse, 1)

    def _cured(self, lit: LitLayer) -> np.ndarray:
        kept, which = np.unique(lit.held, return_inverse=True)
        columns = _means(np.clip(lit.kept_front[kept], 0.0, 1.0), self.factor, 1)  # rows that are alike once
        return np.asarray(_means(columns[which], self.factor, 0), np.float32)

    def finish(self, most_bytes: int) -> None:
        """Make means of what was added up in the volumes, and let the layers fit in so many bytes."""
        self._layers, self.squares = fitted(self._layers, self.shape, most_bytes)
        n = np.maximum(self._filled, 1)[:, None, None].astype(np.float32)
        self.cured, self.designed = self.cured / n, self.designed / n

    def facts(self) -> dict[str, Any]:
        """Return how the layers are stored, ready for JSON."""
        row0, col0, _, _ = self.window
        rows, cols = (-(-n // self.squares) for n in self.shape)
        factor = self.factor * self.squares
        return {"row0": row0, "col0": col0, "rows": rows, "cols": cols, "factor": factor, "design": self.with_design}

    def blocks(self) -> list[PageBlock]:
        """Return the layers from the plate up: a byte a square, cured share in the high and designed share in the low four bits."""
        return [PageBlock(f"cured-{k}", base64_text(self._layers[k])) for k in sorted(self._layers)]


def shrunk(mask: LayerMask, window: Window, factor: int) -> np.ndarray:
    """Return the mean 8-bit levels of squares of a window: (rows, cols) uint8, row 0 at the smallest y; made from runs."""
    from pmsl.kernels.runs import run_ops

    row0, col0, rows, cols = window
    bins = []
    for first, n in ((row0, rows), (col0, cols)):
        low = np.arange(first, first + n, factor, dtype=np.int64)
        bins.append((low, np.minimum(low + factor, first + n)))
    out = np.zeros((len(bins[0][0]), len(bins[1][0])), np.uint8)
    run_ops.shrink(*mask.runs_8bit(), mask.window.row0, *bins[0], *bins[1], np.zeros((2, cols + 1), np.int64), out)
    return out


def _means(values: np.ndarray, factor: int, axis: int) -> np.ndarray:
    """Return means of `factor` neighbours along an axis; of those that are there, at the end."""
    if factor == 1:
        return values
    starts = np.arange(0, values.shape[axis], factor)
    counts = np.minimum(starts + factor, values.shape[axis]) - starts
    sums = np.add.reduceat(values, starts, axis=axis)
    return np.asarray(sums / counts.reshape((-1, 1) if axis == 0 else (1, -1)), np.float32)
