"""A cut through the predicted print at a given x or y."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import Window
from pmsl.errors import UsageError
from pmsl.predict.measure.comparison import SeenLayer


@dataclass(slots=True)
class Section:
    """Collects one row or column of pixels of every layer while a job is simulated.

    Attributes
    ----------
    grid : Grid
    axis : {"x", "y"}
        The coordinate that is held.
    at_um : float
        Its value [µm]; the pixels that hold it are cut.

    Raises
    ------
    UsageError
        A place outside the part's window.
    """

    grid: Grid
    axis: Literal["x", "y"]
    at_um: float
    window: Window | None = None
    _lines: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=dict)

    def __call__(self, seen: SeenLayer) -> None:
        """Take one layer."""
        self.window = seen.window
        which = self._place(seen.window)
        share = seen.design_share
        cut = (slice(None), which) if self.axis == "x" else (which, slice(None))
        lit = seen.lit
        kept = (lit.held, which) if self.axis == "x" else (lit.held[which], slice(None))
        self._lines[lit.index] = lit.kept_dose[kept].copy(), lit.cured_of(lit.kept_front[kept]), share[cut].copy()

    def _place(self, window: Window) -> int:
        """Column (axis x) or row (axis y) of the window."""
        i = 0 if self.axis == "x" else 1
        first, count = (window.col0, window.cols) if self.axis == "x" else (window.row0, window.rows)
        which = int(np.floor((self.at_um - self.grid.origin_um[i]) / self.grid.pitch_um[i])) - first
        if not 0 <= which < count:
            low, high = self.grid.origin_um[i] + self.grid.pitch_um[i] * np.array([first, first + count])
            raise UsageError(f"section {self.axis} = {self.at_um:g} µm lies outside the part; choose from {low:g} to {high:g} µm")
        return which

    @property
    def along_um(self) -> np.ndarray:
        """(n + 1,) float64 [µm]: edges of the pixels along the cut."""
        assert self.window is not None
        i = 1 if self.axis == "x" else 0
        first, count = (self.window.row0, self.window.rows) if self.axis == "x" else (self.window.col0, self.window.cols)
        return np.asarray(self.grid.origin_um[i] + self.grid.pitch_um[i] * np.arange(first, first + count + 1))

    def _stacked(self, which: int) -> np.ndarray:
        return np.array([self._lines[k][which] for k in sorted(self._lines)])

    @property
    def dose_mj_cm2(self) -> np.ndarray:
        """(L, n) float32 [mJ/cm²]: dose at the exposure plane of every layer."""
        return self._stacked(0)

    @property
    def cured_um(self) -> np.ndarray:
        """(L, n) float32 [µm]: cured thickness, hanging from the exposure plane."""
        return self._stacked(1)

    @property
    def design_share(self) -> np.ndarray:
        """(L, n) float32: designed share of every voxel."""
        return self._stacked(2)
