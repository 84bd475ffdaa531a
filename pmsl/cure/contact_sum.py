"""The dose of liquid that is exchanged by contact: event by event in time, with what every recoat leaves of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pmsl.cure.events import EventSum, of_group
from pmsl.cure.model import CureModel, DepthDose
from pmsl.cure.newton import descend
from pmsl.errors import ExposureError

AT_ONCE = 1 << 15  # points that are followed through all events before the next
Left = Callable[[int, int], np.ndarray | float]


class ContactSum(EventSum):
    """Adds layers up from the light side down, as `EventSum`, for memory by contact.

    Parameters
    ----------
    model : CureModel
        By contact, without a constant tail.
    shape : (int, int)
        (rows, cols) of every dose.
    left : callable
        ``left(j, k)``: what the recoat after exposure k leaves of the dose of liquid in layer j, 0 to 1: (rows / n, cols / n) of pixels
        with n points along each axis, or one number (`ContactShares.left`).
    pitch_um, cut_um, beyond_um
        As of `EventSum`.

    Raises
    ------
    ExposureError
        A constant tail: no window of layers holds what it brings to liquid that is exchanged.

    Notes
    -----
    The dose of liquid is ``L_k = left(k - 1) L_{k-1} + E_k``; a point is solid once any L_k reaches the threshold. So what is added up
    is the largest L_k: it decides where resin is solid, whatever liquid would have become after that. With one decay, and no induction,
    it falls with depth as a dose does.
    """

    def __init__(
        self,
        model: CureModel,
        shape: tuple[int, int],
        left: Left,
        pitch_um: tuple[float, float] | None = None,
        cut_um: float | None = None,
        beyond_um: float = 0.0,
    ) -> None:
        check_contact(model)
        super().__init__(model, shape, pitch_um, cut_um, beyond_um)
        self._left = left

    def _light(self, index: int) -> DepthDose:
        events: list[Event] = []
        at = index
        for group in reversed(self._groups):  # as they come in time
            left: np.ndarray | float = 1.0
            while at < group.index:
                left = left * self._left(index, at)
                at += 1
            events.append((group.doses, group.above_um, left))
        return ContactLight(self.model, self._sequence.shape, events)


Event = tuple[list[np.ndarray], float, np.ndarray | float]


def check_contact(model: CureModel) -> None:
    """Refuse what memory by contact cannot have."""
    if model.decay.tail > 0:
        raise ExposureError(
            f"memory is 'contact' and a tail of {model.decay.tail:g} of the light reaches any depth: no number of layers holds what it "
            "brings to liquid; give the tail as one of extra_decays with a length, or leave it out"
        )


class ContactLight:
    """The largest effective dose that liquid inside a layer ever has, from events in time.

    Parameters
    ----------
    model : CureModel
    shape : (int, int)
    events : list of (doses, float, ndarray or float)
        Events between two recoats: doses at their plane, distance of that plane above this one, what is left by then of the dose before.

    Attributes
    ----------
    falls_alike : bool
        Whether all doses fall with depth alike, so that the exposure plane says everything: one decay, no induction.
    """

    def __init__(self, model: CureModel, shape: tuple[int, int], events: list[Event]) -> None:
        self._model, self._shape, self._events = model, shape, events
        self.falls_alike = len(model.decay.weights) == 1 and model.decay.tail == 0 and model.induction_mj_cm2 == 0
        self._at_plane: tuple[np.ndarray, np.ndarray] | None = None

    def dose_mj_cm2(self, depth_um: float) -> np.ndarray:
        """Return the largest dose that liquid at that depth ever has: (rows, cols) float64 [mJ/cm²]."""
        if depth_um == 0:
            return self._plane()[0]
        if self.falls_alike:
            return np.asarray(self._plane()[0] * self._model.decay.fraction(depth_um))
        return self._followed(depth_um)[0]

    def delivered_mj_cm2(self) -> np.ndarray:
        """Return the dose at the exposure plane: all of what is solid by then, of liquid the largest it had: (rows, cols) float64."""
        most, delivered = self._plane()
        return np.where(most >= self._model.threshold_mj_cm2, delivered, most)

    def reaches_um(self, threshold_mj_cm2: float, at: tuple[slice, slice] = (slice(None), slice(None))) -> np.ndarray:
        """Return how far down `falls_alike` light reaches a threshold [µm]: float64, below 0 above the plane, -inf without any.

        Parameters
        ----------
        threshold_mj_cm2 : float
        at : (slice, slice)
            Of which points.
        """
        with np.errstate(divide="ignore"):
            return np.asarray(self._model.decay.lengths_um[0] * np.log(self._plane()[0][at] / threshold_mj_cm2))

    def _plane(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what is followed at the exposure plane, once."""
        if self._at_plane is None:
            self._at_plane = self._followed(0.0)
        return self._at_plane

    def _followed(self, depth_um: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest dose of liquid, and the last one where what is solid keeps its own; a few rows at a time, for the caches."""
        most, delivered = np.zeros(self._shape), np.zeros(self._shape)
        n = self._points()
        step = n * max(1, AT_ONCE // (n * self._shape[1]))
        for first in range(0, self._shape[0], step):
            rows = slice(first, min(first + step, self._shape[0]))
            self._follow_rows(rows, n, depth_um, most[rows], delivered[rows])
        return most, delivered

    def _follow_rows(self, rows: slice, n: int, depth_um: float, most: np.ndarray, delivered: np.ndarray) -> None:
        """Follow some rows; `n` points of a pixel along each axis have one exchange."""
        dose, own, more = (np.zeros_like(most) for _ in range(3))
        liquid = np.ones(most.shape, bool)
        by_pixel = dose.reshape(len(dose) // n, n, -1, n)
        for doses, above_um, left in self._events:
            self._brought(doses, rows, float(self._model.decay.fraction(above_um + depth_um)), own, more)
            if isinstance(left, np.ndarray):
                np.multiply(by_pixel, left[rows.start // n : rows.stop // n, None, :, None], out=by_pixel)
            elif left != 1.0:
                dose *= left
            np.copyto(delivered, dose, where=liquid)  # what is solid keeps its own
            delivered += own
            dose += own
            np.maximum(most, dose, out=most)
            np.less(most, self._model.threshold_mj_cm2, out=liquid)

    def _brought(self, doses: list[np.ndarray], rows: slice, fraction: float, own: np.ndarray, more: np.ndarray) -> None:
        """Put what some exposures bring into `own`, each less its induction."""
        for i, one in enumerate(doses):
            into = more if i else own
            np.multiply(one[rows], fraction, out=into)
            if self._model.induction_mj_cm2 > 0:
                into -= self._model.induction_mj_cm2
                np.maximum(into, 0.0, out=into)
            if i:
                own += more

    def roots_um(self, where: np.ndarray, height_um: float, threshold_mj_cm2: float) -> np.ndarray:
        """Return where that dose is the threshold, by Newton's method: like sums, the largest of sums is convex in depth."""
        if self.falls_alike:
            most = self._plane()[0].reshape(-1)[where]
            return np.asarray(self._model.decay.lengths_um[0] * np.log(most / threshold_mj_cm2))
        events = [([one.reshape(-1)[where] for one in doses], above, self._at(left, where)) for doses, above, left in self._events]

        def step_um(depth_um: np.ndarray) -> np.ndarray:
            dose, slope = np.zeros(len(where)), np.zeros(len(where))
            most, of_most = dose.copy(), slope.copy()
            for doses, above_um, left in events:
                own, own_slope = of_group(self._model, doses, above_um + depth_um)
                dose, slope = own + dose * left, own_slope + slope * left
                of_most = np.where(dose > most, slope, of_most)
                most = np.maximum(most, dose)
            return np.asarray(np.divide(most - threshold_mj_cm2, of_most, out=np.zeros_like(most), where=of_most > 0))

        return descend(step_um, len(where), height_um)

    def _points(self) -> int:
        """Return how many points a pixel has along each axis: one exchange is that of a pixel."""
        shapes = [left.shape[0] for _, _, left in self._events if isinstance(left, np.ndarray)]
        return self._shape[0] // shapes[0] if shapes else 1

    def _at(self, left: np.ndarray | float, where: np.ndarray) -> np.ndarray | float:
        """Return it at flat places."""
        if not isinstance(left, np.ndarray):
            return left
        n = self._shape[0] // left.shape[0]
        return np.asarray(left[where // self._shape[1] // n, where % self._shape[1] // n])
