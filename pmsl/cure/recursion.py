"""The dose of all layers above in one pass: one map a decay term, whatever the height."""

from __future__ import annotations

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.cure.decay import Decay
from pmsl.cure.layer_sequence import LayerSequence
from pmsl.cure.model import CuredLayer, CureModel
from pmsl.cure.newton import descend
from pmsl.cure.scatter import Scatter
from pmsl.errors import ExposureError


class Recursion:
    """Adds layers up from the light side down: ``S_j = B_j + exp(-h_{j+1} / Dp) S_{j+1}``, one recursion a decay term.

    Parameters
    ----------
    model : CureModel
        Without induction; with open memory only of one decay term and without scatter.
    shape : (int, int)
        (rows, cols) of every dose.
    pitch_um : (float, float), optional
        Pixel pitch in x and y [µm]; needed for scatter.

    Raises
    ------
    ExposureError
        A model for which the recursion does not hold; `EventSum` takes those.

    Notes
    -----
    Exact for exponential decay: ``D(Z) = Σ_i S_ij exp(-(Z_j - Z) / b_i)`` inside layer j is the sum over all layers above. With
    scatter S_{j+1} is blurred by ``κ h_{j+1}`` first: exact at the exposure planes; inside one layer the blur of that layer alone is
    left out. With open memory a point is solid where the exposures between two recoats cure it, so the sum becomes a maximum,
    ``S_j = max(B_j, exp(-h_{j+1} / Dp) S_{j+1})``.
    """

    def __init__(self, model: CureModel, shape: tuple[int, int], pitch_um: tuple[float, float] | None = None) -> None:
        if model.induction_mj_cm2 > 0:
            raise ExposureError(f"the recursion holds for no induction dose, not for {model.induction_mj_cm2} mJ/cm²; use EventSum")
        if model.memory == "contact":
            raise ExposureError("by contact liquid is exchanged here and not there; use ContactSum")
        if model.memory == "open" and (len(model.decay.weights) > 1 or model.scatter_um > 0):
            raise ExposureError("with open memory the recursion holds for one decay term without scatter; use EventSum")
        self.model = model
        self._sequence = LayerSequence(shape)
        self._scatter = Scatter(model.scatter_um, pitch_um)
        self._terms: list[np.ndarray] = []
        self._height_um = 0.0

    def add(self, index: int, height_um: float, *events_mj_cm2: np.ndarray) -> CuredLayer:
        """Take the next layer toward the plate and return what it becomes.

        Parameters
        ----------
        index : int
            Layer number; one less than the layer before.
        height_um : float
            Its thickness [µm].
        *events_mj_cm2 : (rows, cols) ndarray
            Areal dose of each of its exposures at its exposure plane [mJ/cm²]; none where it is not lit.

        Returns
        -------
        CuredLayer
            Its dose is read-only; more layers do not change it.

        Raises
        ------
        ExposureError
            A layer out of order, a thickness not above 0, a dose of another shape, negative or not finite.
        """
        doses = self._sequence.next_doses(index, height_um, events_mj_cm2)
        own = sum(doses[1:], doses[0]) if doses else np.zeros(self._sequence.shape)
        if self._terms:
            left = self.model.decay.factors(self._height_um)
            below = [self._scatter(term, self._height_um) * factor for term, factor in zip(self._terms, left, strict=True)]
        else:
            below = [np.zeros(self._sequence.shape) for _ in self.model.decay.weights]
        join: np.ufunc = np.maximum if self.model.memory == "open" else np.add
        for term, weight in zip(below, self.model.decay.weights, strict=True):
            join(term, own if weight == 1 else weight * own, out=term)
        self._terms = [frozen(term) for term in below]
        self._height_um = height_um
        return CuredLayer.of(index, height_um, TermLight(self._terms, self.model.decay), self.model.threshold_mj_cm2)


class TermLight:
    """Dose inside a layer as a sum of exponentials; `terms` are the maps S_ij at the exposure plane."""

    def __init__(self, terms: list[np.ndarray], decay: Decay) -> None:
        self._terms, self._decay = terms, decay

    def dose_mj_cm2(self, depth_um: float) -> np.ndarray:
        """Return the dose at that depth: (rows, cols) float64 [mJ/cm²]."""
        if depth_um == 0 and len(self._terms) == 1:
            return self._terms[0]
        first, *rest = (t * f for t, f in zip(self._terms, self._decay.factors(depth_um), strict=True))
        for term in rest:
            first += term
        return np.asarray(first)

    def roots_um(self, where: np.ndarray, height_um: float, threshold_mj_cm2: float) -> np.ndarray:
        """Return where the dose is the threshold; a logarithm for one term, else Newton's method on the logarithm of the dose.

        The logarithm of a sum of exponentials is convex: Newton's steps from depth 0 never pass the root.
        """
        terms = np.array([term.reshape(-1)[where] for term in self._terms])
        rates = 1 / np.array(self._decay.lengths_um)[:, None]
        if len(terms) == 1:
            return np.asarray(np.log(terms[0] / threshold_mj_cm2) / rates[0])

        def step_um(depth_um: np.ndarray) -> np.ndarray:
            parts = terms * np.exp(-depth_um * rates)
            dose = parts.sum(axis=0)
            return np.asarray(np.log(dose / threshold_mj_cm2) * dose / (parts * rates).sum(axis=0))

        return descend(step_um, len(where), height_um)
