"""DoseMap: the dose every pixel of one layer receives from that layer's own exposures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pmsl.core.mask import Window


@dataclass(frozen=True, slots=True, eq=False)
class DoseMap:
    """Dose of one layer at its exposure plane, mean over each pixel; of a drawn layer, in the middle of each.

    Attributes
    ----------
    index : int
        Layer number.
    shape : (int, int)
        (rows, cols) of the grid.
    window : Window
        Where the dose is not zero.
    dose : (window.rows, window.cols) float32
        [mJ/cm²]; row 0 is the smallest y.
    at : {"mirror", "plane"}
        "mirror": time × irradiance × gray response × flat field; "plane": after the optics' blur.
    """

    index: int
    shape: tuple[int, int]
    window: Window
    dose: np.ndarray
    at: Literal["mirror", "plane"] = "mirror"

    def dense(self) -> np.ndarray:
        """Return the dose of the whole field: (rows, cols) float32 [mJ/cm²], row 0 at the smallest y."""
        out = np.zeros(self.shape, np.float32)
        row0, col0, rows, cols = self.window
        out[row0 : row0 + rows, col0 : col0 + cols] = self.dose
        return out
