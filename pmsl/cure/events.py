"""The dose event by event: for induction, and for open memory where no recursion holds."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pmsl.cure.layer_sequence import LayerSequence
from pmsl.cure.model import CuredLayer, CureModel, DepthDose
from pmsl.cure.newton import descend
from pmsl.cure.scatter import Scatter
from pmsl.errors import ExposureError

CLOSE = 1e-12  # relative: Newton has ended
CUT_LENGTHS = 10.0  # exp(-10) = 4.5e-5 of an event's dose is left there


class _Group(msgspec.Struct):
    """The events between two recoats: their layer, doses at its exposure plane, their highest values, how far above that plane is."""

    index: int
    doses: list[np.ndarray]
    peaks_mj_cm2: list[float]
    above_um: float


class EventSum:
    """Adds up ``Σ_e max(0, E_e(x, y, z) - E_ind)`` over the exposure events of the layers above, at depth; takes any `CureModel`.

    Parameters
    ----------
    model : CureModel
    shape : (int, int)
        (rows, cols) of every dose.
    pitch_um : (float, float), optional
        Pixel pitch in x and y [µm]; needed for scatter.
    cut_um : float, optional
        Layers whose exposure plane is further above than this are left out but for their tail (default: ten times the longest decay
        length); `omitted_mj_cm2` bounds what that costs.
    beyond_um : float, optional
        How much longer an event is held than anything is left of it (default 0), for `EventLight.reaches_um` above the exposure plane.

    Raises
    ------
    ExposureError
        Scatter together with a constant tail, which no window of layers holds; a cut not above 0.

    Notes
    -----
    An event is dropped as soon as nowhere in the field more than E_ind is left of it: it can add nothing further down, so with induction
    the sum is exact after ``Dp ln(E / E_ind)``. Where that comes later than the cut, the event leaves at the cut; of a constant tail
    ``max(0, c E - E_ind)`` stays, for every depth. Memory: one map for each event within reach, not for each layer.
    With open memory the events of one layer, which no recoat parts, are a sum of their own and the largest of these sums counts.
    """

    def __init__(
        self,
        model: CureModel,
        shape: tuple[int, int],
        pitch_um: tuple[float, float] | None = None,
        cut_um: float | None = None,
        beyond_um: float = 0.0,
    ) -> None:
        if model.scatter_um > 0 and model.decay.tail > 0:
            raise ExposureError(
                f"scatter ({model.scatter_um} µm² per µm) with a constant tail ({model.decay.tail}) has no end counted event by event; "
                "leave one of them out, or both the induction dose and open memory"
            )
        self.cut_um = CUT_LENGTHS * model.decay.longest_um if cut_um is None else cut_um
        if not self.cut_um >= 0:
            raise ExposureError(f"the cut is {cut_um} µm; it cannot be negative")
        self.model, self.beyond_um = model, beyond_um
        self._sequence = LayerSequence(shape)
        self._scatter = Scatter(model.scatter_um, pitch_um)
        self._groups: list[_Group] = []
        self._settled = np.zeros(shape)  # what is left at any depth of events beyond the cut
        self._omitted = np.zeros(len(model.decay.weights))
        self._height_um = 0.0

    @property
    def omitted_mj_cm2(self) -> float:
        """Bound of what the effective dose of the last layer lacks, at any column, through the cut [mJ/cm²]."""
        return float(self._omitted.sum())

    @property
    def n_events(self) -> int:
        """Events held at present: maps in memory."""
        return sum(len(group.doses) for group in self._groups)

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
        doses = [dose.copy() for dose in self._sequence.next_doses(index, height_um, events_mj_cm2)]
        self._omitted *= self.model.decay.factors(self._height_um)
        for group in self._groups:
            group.above_um += self._height_um
            group.doses = [self._scatter(dose, self._height_um) for dose in group.doses]
        self._groups = [group for group in self._groups if self._stays(group)]
        if doses:
            self._groups.append(_Group(index, doses, [float(dose.max(initial=0.0)) for dose in doses], 0.0))
        self._height_um = height_um
        return CuredLayer.of(index, height_um, self._light(index), self.model.threshold_mj_cm2)

    def _light(self, index: int) -> DepthDose:
        """Return the dose inside layer `index`, of all groups that are held."""
        return EventLight(self.model, [(group.doses, group.above_um) for group in self._groups], self._settled)

    def _stays(self, group: _Group) -> bool:
        """Tell whether a group is still needed; settle the tail of one that leaves at the cut."""
        decay, induction = self.model.decay, self.model.induction_mj_cm2
        if max(group.peaks_mj_cm2) * decay.fraction(max(group.above_um - self.beyond_um, 0.0)) <= induction:
            return False
        if group.above_um <= self.cut_um:
            return True
        finite = np.array([a if b < math.inf else 0.0 for a, b in zip(decay.weights, decay.lengths_um, strict=True)])
        self._omitted += sum(group.peaks_mj_cm2) * finite * decay.factors(group.above_um)
        if decay.tail > 0:
            rest = sum(np.maximum(decay.tail * dose - induction, 0.0) for dose in group.doses)
            join = np.maximum if self.model.memory == "open" else np.add
            self._settled = join(self._settled, rest)
        return False


class EventLight:
    """Effective dose inside a layer, from groups of (doses at their plane, distance of that plane above this one [µm])."""

    def __init__(self, model: CureModel, groups: list[tuple[list[np.ndarray], float]], settled: np.ndarray) -> None:
        self._model, self._groups, self._settled = model, groups, settled
        self._join: np.ufunc = np.maximum if model.memory == "open" else np.add

    def dose_mj_cm2(self, depth_um: float) -> np.ndarray:
        """Return the effective dose at that depth: (rows, cols) float64 [mJ/cm²]."""
        total = self._settled.copy()
        for doses, above_um in self._groups:
            left = self._model.decay.fraction(above_um + depth_um)
            self._join(total, sum(np.maximum(dose * left - self._model.induction_mj_cm2, 0.0) for dose in doses), out=total)
        return np.asarray(total)

    def roots_um(self, where: np.ndarray, height_um: float, threshold_mj_cm2: float) -> np.ndarray:
        """Return where the effective dose is the threshold, by Newton's method.

        Sums and maxima of ``max(0, falling exponential - constant)`` are convex: the steps from depth 0 never pass the root.
        """
        groups = [([dose.reshape(-1)[where] for dose in doses], above_um) for doses, above_um in self._groups]
        settled = self._settled.reshape(-1)[where]

        def step_um(depth_um: np.ndarray) -> np.ndarray:
            dose, slope = settled.copy(), np.zeros_like(settled)
            for doses, above_um in groups:
                self._join_slopes(dose, slope, *self._group(doses, above_um + depth_um))
            return np.asarray(np.divide(dose - threshold_mj_cm2, slope, out=np.zeros_like(dose), where=slope > 0))

        return descend(step_um, len(where), height_um)

    def reaches_um(self, where: np.ndarray, threshold_mj_cm2: float) -> np.ndarray:
        """Return how far down the effective dose reaches the threshold, also above the exposure plane and below the layer.

        Above the plane the light goes on as it falls below it. So it is as smooth across a wall as the logarithm of the light, though
        the effective dose is 0 from some place on. The model has one decay length and no tail.

        Parameters
        ----------
        where : (n,) int
            Flat places in the maps.
        threshold_mj_cm2 : float

        Returns
        -------
        (n,) float64
            Depth below the exposure plane, negative above it, -inf without light [µm].

        Notes
        -----
        With ``y = exp(-depth / Dp)`` the sum of ``max(0, E_e y - E_ind)`` is convex and made of straight pieces: Newton's steps from above
        end at the root after as many steps as pieces are passed.
        """
        (length,), induction = self._model.decay.lengths_um, self._model.induction_mj_cm2
        groups = [[dose.reshape(-1)[where] * math.exp(-above_um / length) for dose in doses] for doses, above_um in self._groups]
        sums = groups if self._join is np.maximum else [[e for doses in groups for e in doses]] if groups else []
        y = np.full(len(where), np.inf)
        for doses in sums:  # with all events counted, also those of which nothing is left, it is too large
            with np.errstate(divide="ignore"):
                y = np.minimum(y, (threshold_mj_cm2 + len(doses) * induction) / sum(doses))
        lit = np.isfinite(y)
        y = np.where(lit, y, 1.0)
        while True:
            dose, slope = np.zeros(len(where)), np.zeros(len(where))
            for doses in groups:
                over = [e * y > induction for e in doses]
                steep = np.sum([np.where(some, e, 0.0) for e, some in zip(doses, over, strict=True)], axis=0)
                self._join_slopes(dose, slope, steep * y - induction * np.sum(over, axis=0), steep)
            after = np.where(slope > 0, y - (dose - threshold_mj_cm2) / np.where(slope > 0, slope, 1.0), y)
            if not (after < y * (1.0 - CLOSE)).any():
                return np.where(lit, -length * np.log(after), -np.inf)
            y = np.minimum(after, y)

    def _group(self, doses: list[np.ndarray], depth_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return of_group(self._model, doses, depth_um)

    def _join_slopes(self, dose: np.ndarray, slope: np.ndarray, more: np.ndarray, more_slope: np.ndarray) -> None:
        """Add a group in place, or take it where it is larger."""
        if self._model.memory == "open":
            larger = more > dose
            np.copyto(slope, more_slope, where=larger)
            np.copyto(dose, more, where=larger)
        else:
            dose += more
            slope += more_slope


def of_group(model: CureModel, doses: list[np.ndarray], depth_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the effective dose of the events between two recoats at (n,) depths and how fast it falls [mJ/cm² per µm]."""
    left, falling = np.zeros_like(depth_um), np.zeros_like(depth_um)
    for weight, length in zip(model.decay.weights, model.decay.lengths_um, strict=True):
        part = weight * np.exp(-depth_um / length)
        left += part
        falling += part / length
    total, slope = np.zeros_like(depth_um), np.zeros_like(depth_um)
    for dose in doses:
        over = dose * left - model.induction_mj_cm2
        total += np.maximum(over, 0.0)
        slope += np.where(over > 0, dose * falling, 0.0)
    return total, slope
