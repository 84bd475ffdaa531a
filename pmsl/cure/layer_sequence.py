"""Layers as they come in: from the light side down, none left out, one shape, doses that can be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pmsl.errors import ExposureError


class LayerSequence:
    """Checks every layer against the one before.

    Parameters
    ----------
    shape : (int, int)
        (rows, cols) of every dose.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._next: int | None = None

    def next_doses(self, index: int, height_um: float, events_mj_cm2: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the doses as float64; raises `ExposureError` for a layer that is not the next or a dose that cannot be."""
        if self._next is not None and index != self._next:
            raise ExposureError(
                f"layer {index} comes after layer {self._next + 1}; layers are fed from the light side down and none left out: "
                f"expected layer {self._next}"
            )
        if index < 0:
            raise ExposureError(f"layer {index}: the layer on the plate is layer 0")
        if not 0 < height_um < math.inf:
            raise ExposureError(f"layer {index}: thickness is {height_um} µm; it must be above 0 and finite")
        doses = [self._dose(index, dose) for dose in events_mj_cm2]
        self._next = index - 1
        return doses

    def _dose(self, index: int, given: np.ndarray) -> np.ndarray:
        dose = np.asarray(given)
        if dose.shape != self.shape or dose.dtype.kind not in "fiu":
            raise ExposureError(
                f"layer {index}: dose is {dose.dtype} of shape {dose.shape}; expected numbers of shape {self.shape} [mJ/cm²]"
            )
        dose = dose.astype(np.float64, copy=False)
        if dose.size and not (dose.min() >= 0 and dose.max() < math.inf):
            at = int(np.argmax(~((dose >= 0) & (dose < math.inf))))
            row, col = divmod(at, self.shape[1])
            raise ExposureError(
                f"layer {index}: dose is {dose[row, col]} mJ/cm² at row {row}, column {col}; it must be finite and not below 0"
            )
        return dose
