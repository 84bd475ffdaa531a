"""How well depths are known: bands from the standard deviations, and covariances, that a resin states."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import UnsetType

from pmsl.cure.model import CureModel
from pmsl.profiles import Resin

NAMES = ("dp_um", "ec_mj_cm2", "induction_mj_cm2")  # what depths depend on most
ASSUMED = 0.1  # of a value that states no sd
STEP = 1e-4  # of a standard deviation: for slopes
FAINT = 1e-9  # of Ec: layers above that leave less in all are left out
DEEPEST = 200.0  # longest decays: what light cures no further than
HALVINGS = 64  # of that depth: to the last digit


@dataclass(frozen=True, slots=True, eq=False)
class ResinUncertainty:
    """How values of a resin may be off.

    Attributes
    ----------
    names : tuple of str
        Keys of its table `resin`.
    values : (N,) float64
        In their units.
    covariance : (N, N) float64
        In the units of both values.
    assumed : tuple of str
        Values that state no `sd`: ±10 % is assumed.
    correlations_unknown : bool
        Whether two or more values have an `sd` and nothing says how they vary together: as if they did not.
    """

    names: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    assumed: tuple[str, ...]
    correlations_unknown: bool

    @classmethod
    def of(cls, resin: Resin) -> ResinUncertainty:
        """Take what a profile states.

        Parameters
        ----------
        resin : Resin
        """
        stated = {name: getattr(resin.resin, name) for name in NAMES if getattr(resin.resin, name) is not None}
        names = tuple(name for name, v in stated.items() if v.value > 0)
        values = np.array([float(stated[name].value) for name in names])
        assumed = tuple(name for name in names if isinstance(stated[name].sd, UnsetType))
        sd = [ASSUMED * v if name in assumed else float(stated[name].sd) for name, v in zip(names, values.tolist(), strict=True)]
        covariance, known = np.diag(np.square(sd)), set(assumed)
        for table in [] if isinstance(resin.covariance, UnsetType) else resin.covariance:
            at = [(names.index(name), i) for i, name in enumerate(table.names) if name in names]
            for own, i in at:
                for other, j in at:
                    covariance[own, other] = table.matrix[i][j]
            known |= {names[own] for own, _ in at} if len(at) > 1 else set()
        return cls(names, values, covariance, assumed, len(set(names) - known) > 1 or (len(set(names) - known) == 1 and len(names) > 2))

    def sd_of(self, quantity: Callable[[np.ndarray], float]) -> float:
        """Return the standard deviation of a quantity, to first order ``sqrt(g C g)`` with its slopes g.

        Parameters
        ----------
        quantity : callable
            Of values as `values` has them, (N,) float64.
        """
        slopes = np.zeros(len(self.values))
        for i, step in enumerate(STEP * np.sqrt(np.diag(self.covariance))):
            off = np.zeros(len(self.values))
            off[i] = step
            slopes[i] = (quantity(self.values + off) - quantity(self.values - off)) / (2.0 * step) if step else 0.0
        return math.sqrt(max(float(slopes @ self.covariance @ slopes), 0.0))

    @property
    def reason(self) -> str:
        """What the bands rest on, in words."""
        words = [f"±{100 * ASSUMED:g} % of {' and '.join(self.assumed)} assumed, no sd stated"] if self.assumed else []
        return "; ".join([*words, *(["correlations unknown"] if self.correlations_unknown else [])]) or "from the stated sd"


class Band(msgspec.Struct, frozen=True):
    """A value with one standard deviation, in the same unit."""

    value: float
    sd: float


class DepthBands(msgspec.Struct, frozen=True):
    """What one exposure, and a thick roof, cures.

    Attributes
    ----------
    cured_depth_um : Band
        Of one exposure by itself, below its exposure plane [µm].
    print_through_um : Band
        Below the lower face of a roof of many equal layers, the exposure planes a layer apart [µm]; below 0 the roof ends above its face.
    reason : str
        What the bands rest on.
    """

    cured_depth_um: Band
    print_through_um: Band
    reason: str


def depth_bands(resin: Resin, dose_mj_cm2: float, height_um: float, irradiance_mw_cm2: float | None = None) -> DepthBands:
    """Return how deep an exposure and a thick roof cure, with bands.

    Parameters
    ----------
    resin : Resin
    dose_mj_cm2 : float
        At the exposure plane of each layer [mJ/cm²].
    height_um : float
        Thickness of the layers [µm].
    irradiance_mw_cm2 : float, optional
        Of the exposure; only where reciprocity fails it matters. Left out: that at which the resin was measured.

    Notes
    -----
    ``E A(z) = Ec`` of one exposure; ``Σ_j max(0, E A(z + (j + 1) h) - E_ind) = Ec - E_ind`` of a roof, with open memory only its
    brightest layer. Memory by contact is taken as enclosed: a sealed roof.
    """
    model, uncertainty = CureModel.of(resin), ResinUncertainty.of(resin)
    if irradiance_mw_cm2 is not None:
        dose_mj_cm2 = model.effective_mj_cm2(dose_mj_cm2, dose_mj_cm2 / irradiance_mw_cm2)

    def at(values: np.ndarray) -> CureModel:
        own = dict(zip(uncertainty.names, values.tolist(), strict=True))
        dp = own["dp_um"]
        lengths = (dp, *model.decay.lengths_um[1:])
        decay = msgspec.structs.replace(model.decay, lengths_um=lengths)
        return msgspec.structs.replace(
            model, decay=decay, ec_mj_cm2=own["ec_mj_cm2"], induction_mj_cm2=own.get("induction_mj_cm2", model.induction_mj_cm2)
        )

    def alone(values: np.ndarray) -> float:
        return _depth_um(at(values), dose_mj_cm2, height_um, 1)

    def roof(values: np.ndarray) -> float:
        changed = at(values)
        layers = 1 if changed.memory == "open" else _layers(changed, dose_mj_cm2, height_um)
        return _depth_um(changed, dose_mj_cm2, height_um, layers) - height_um

    bands = [Band(quantity(uncertainty.values), uncertainty.sd_of(quantity)) for quantity in (alone, roof)]
    return DepthBands(bands[0], bands[1], uncertainty.reason)


def _layers(model: CureModel, dose_mj_cm2: float, height_um: float) -> int:
    """Return of how many layers a roof is as good as endless."""
    faint = max(FAINT * model.ec_mj_cm2, model.induction_mj_cm2)
    depth = model.decay.longest_um * math.log(max(dose_mj_cm2 / faint, 1.0))
    if model.bleaching is not None:  # light falls less before it is faint
        depth += dose_mj_cm2 * model.bleaching.cm2_mj * model.decay.longest_um
    return 1 + min(math.ceil(depth / height_um), 100_000)


def _depth_um(model: CureModel, dose_mj_cm2: float, height_um: float, layers: int) -> float:
    """Return how far below the lowest exposure plane a stack of exposures cures [µm], 0 where it cures nothing."""
    weights, lengths = np.array(model.decay.weights), np.array(model.decay.lengths_um)
    above = height_um * np.arange(layers)[:, None]
    if model.bleaching is not None:
        return _bleached_depth_um(model, dose_mj_cm2, height_um, layers)

    def excess(depth: float) -> float:
        left = dose_mj_cm2 * np.exp(-(depth + above) / lengths) @ weights
        return float(np.maximum(left - model.induction_mj_cm2, 0.0).sum()) - model.threshold_mj_cm2

    low, high = 0.0, DEEPEST * model.decay.longest_um
    if excess(low) <= 0 or excess(high) > 0:
        return low if excess(low) <= 0 else high
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return 0.5 * (low + high)


def _bleached_depth_um(model: CureModel, dose_mj_cm2: float, height_um: float, layers: int) -> float:
    """Return the same where light bleaches what absorbs it; below the stack liquid is as it was before any light."""
    assert model.bleaching is not None
    dp, total = model.decay.lengths_um[0], 0.0
    for _ in range(layers):
        before, total = total, dose_mj_cm2 + float(model.bleaching.below(total, height_um, dp))
        if total - before <= FAINT * total:
            break
    return max(float(model.bleaching.depth_um(total, model.threshold_mj_cm2, dp)), 0.0)
