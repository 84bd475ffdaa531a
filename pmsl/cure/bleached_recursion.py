"""The dose of all layers above where light bleaches what absorbs it: one map, whatever the height."""

from __future__ import annotations

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.cure.bleaching import Bleaching
from pmsl.cure.layer_sequence import LayerSequence
from pmsl.cure.model import CuredLayer, CureModel
from pmsl.errors import ExposureError


class BleachedRecursion:
    """Adds layers up from the light side down: ``S_j = B_j + T(S_{j+1}, h_{j+1})``, T what `Bleaching.below` makes of a dose.

    Parameters
    ----------
    model : CureModel
        With bleaching.
    shape : (int, int)
        (rows, cols) of every dose.

    Notes
    -----
    Exact: what is left of the absorber at a place hangs on the dose it had in all, and a slab has had none when its own exposure begins;
    so all light that passed a slab falls in it like one exposure of as much.
    """

    def __init__(self, model: CureModel, shape: tuple[int, int]) -> None:
        if model.bleaching is None:
            raise ExposureError("the resin does not bleach; use Recursion")
        self.model, self._bleaching = model, model.bleaching
        self._sequence = LayerSequence(shape)
        self._dose: np.ndarray | None = None
        self._height_um = 0.0

    def add(self, index: int, height_um: float, *events_mj_cm2: np.ndarray) -> CuredLayer:
        """Take the next layer toward the plate and return what it becomes; as `Recursion.add`.

        Parameters
        ----------
        index : int
            The layer: the one below that of the last call.
        height_um : float
            Its thickness [µm].
        *events_mj_cm2 : (rows, cols) float64
            Dose of each of its exposures at the exposure plane [mJ/cm²].
        """
        doses = self._sequence.next_doses(index, height_um, events_mj_cm2)
        own = sum(doses, np.zeros(self._sequence.shape))
        if self._dose is not None:
            own = own + self._bleaching.below(self._dose, self._height_um, self.model.decay.lengths_um[0])
        self._dose, self._height_um = frozen(own), height_um
        return CuredLayer.of(index, height_um, BleachedLight(self._dose, self.model, self._bleaching), self.model.threshold_mj_cm2)


class BleachedLight:
    """Dose inside a layer that has had `dose` (rows, cols) in all at its exposure plane."""

    def __init__(self, dose: np.ndarray, model: CureModel, bleaching: Bleaching) -> None:
        self._dose, self._bleaching, self._dp_um = dose, bleaching, model.decay.lengths_um[0]

    def dose_mj_cm2(self, depth_um: float) -> np.ndarray:
        """Return the dose at that depth: (rows, cols) float64 [mJ/cm²]."""
        return self._dose if depth_um == 0 else self._bleaching.below(self._dose, depth_um, self._dp_um)

    def roots_um(self, where: np.ndarray, height_um: float, threshold_mj_cm2: float) -> np.ndarray:
        """Return where the dose is the threshold, of the columns at flat indices `where`."""
        return self._bleaching.depth_um(self._dose.reshape(-1)[where], threshold_mj_cm2, self._dp_um)

    def reaches_um(self, threshold_mj_cm2: float) -> np.ndarray:
        """Return how far down the dose reaches the threshold, also above the plane and below the layer: (rows, cols) float64 [µm]."""
        return self._bleaching.depth_um(self._dose, threshold_mj_cm2, self._dp_um)
