"""Light that is chosen for several resins at once: the worst of them is as little off as can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pmsl.correct.solver.accumulated_dose import Above, BrightestLayers, Depth, NoDose, enclosed
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import BlockExchange, ContactLayers, PointCells

STEPS = 14  # of regula falsi
EXACT = 1e-9  # of the dose: no step is needed any more


class PossibleResin(NamedTuple):
    """A resin as it may be, and by contact what share of the liquid is renewed."""

    law: Law
    renewal: float


Dose = Callable[[np.ndarray], np.ndarray]


class RobustLayers:
    """Light of the layers above in liquid that may be one or another.

    What the next layer gives is chosen so that the resin with the most dose, in its own thresholds, is off as far as the one with the
    least. A face is off by ``Dp ln ρ`` where the dose is ρ thresholds; a straight wall under a Gaussian spot by ``σ Φ⁻¹(1 - 1 / (2 ρ))``,
    so there the inverses of the two ρ have the mean 1. `dose` says it as `Above` does for one resin: as if what is missing were missing
    to the threshold of the nominal one.

    Parameters
    ----------
    law : Law
        The nominal one.
    resins : sequence of PossibleResin
        All that are reckoned with.
    exchange : BlockExchange
        Of a resin by contact.
    n : int
        Places.
    k : int
        The first layer that will be added.
    """

    def __init__(self, law: Law, resins: tuple[PossibleResin, ...], exchange: BlockExchange, n: int, k: int) -> None:
        self._law, self._resins = law, resins
        self._lights: dict[tuple[object, ...], Above] = {}
        self._keys = []
        for one in resins:
            key = one.law.memory, one.law.lengths_um.tobytes(), one.law.induction_mj_cm2, one.renewal
            self._keys.append(key)
            if key not in self._lights:
                self._lights[key] = _light(one, exchange, n, k)

    def fall(self, um: float) -> None:
        """Go down to a plane so far below."""
        for light in self._lights.values():
            light.fall(um)

    def add(self, own: np.ndarray) -> None:
        """Take the dose of the layer at this plane."""
        for light in self._lights.values():
            light.add(own)

    def maps(self) -> list[np.ndarray]:
        """Return the maps of all of them, one after the other."""
        return [each for light in self._lights.values() for each in light.maps()]

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return None: no closed form."""
        return None

    def dose(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None = None) -> np.ndarray:
        """Return the dose that stands for all: what is missing from it to the nominal threshold is what this layer is to bring."""
        n = seen.shape[1]
        doses = self._doses(seen, depth_um, cells)
        asked = [(one.law.threshold_mj_cm2 + one.law.induction_mj_cm2) / one.law.left_at(depth_um) for one in self._resins]
        most = np.broadcast_to(np.max([np.broadcast_to(a, n) for a in asked], axis=0), n)

        walls = cells is not None and cells.walls
        steeper = [one.law.dp_um / self._law.dp_um for one in self._resins]

        def over(own: np.ndarray) -> np.ndarray:
            """0 where the resin with the most dose is off as far as that with the least, above 0 with more."""
            relative = np.array([dose(own) / one.law.threshold_mj_cm2 for dose, one in zip(doses, self._resins, strict=True)])
            if not walls:
                errors = [r**power for r, power in zip(relative, steeper, strict=True)]
                return np.asarray(np.min(errors, axis=0) * np.max(errors, axis=0) - 1.0)
            least, most = relative.min(axis=0), relative.max(axis=0)
            return np.asarray(np.where(most < 1.0, np.minimum(most, least) - 1.0, least * most - 0.5 * (least + most)))

        nothing = over(np.zeros(n))
        own = _root(over, most, nothing)
        law = self._law
        brought = np.maximum(own * law.left_at(depth_um) - law.induction_mj_cm2, 0.0)
        enough = law.threshold_mj_cm2 * np.sqrt(np.maximum(nothing, 0.0) + 1.0)  # more than that is too much for all of them
        return np.asarray(np.where(nothing >= 0, enough, law.threshold_mj_cm2 - brought))

    def _doses(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None) -> list[Dose]:
        """Return for each resin what dose its liquid has at most once this layer gives (N,) at its plane."""
        parts, at = {}, 0
        for key, light in self._lights.items():
            many = len(light.maps())
            parts[key] = seen[at : at + many]
            at += many
        of_light: dict[tuple[object, ...], Dose] = {}
        for key, one in zip(self._keys, self._resins, strict=True):
            if key not in of_light:
                of_light[key] = _dose(one.law, self._lights[key], parts[key], depth_um, cells)
        return [of_light[key] for key in self._keys]


def _light(one: PossibleResin, exchange: BlockExchange, n: int, k: int) -> Above:
    if one.law.memory == "contact":
        return ContactLayers(one.law, exchange.with_renewal(one.renewal), k)
    return BrightestLayers(one.law, n) if one.law.memory == "open" else enclosed(one.law, n)


def _dose(law: Law, light: Above, seen: np.ndarray, depth_um: Depth, cells: PointCells | None) -> Dose:
    """Return what dose liquid has at most, by what this layer gives."""

    def brought(own: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(own * law.left_at(depth_um) - law.induction_mj_cm2, 0.0))

    if isinstance(light, ContactLayers):
        assert cells is not None
        follow = light.followed(seen, depth_um, cells)
        return lambda own: follow(brought(own))
    given = np.zeros(seen.shape[1]) if isinstance(light, NoDose) else light.dose(seen, depth_um, cells)
    if law.memory == "open":
        return lambda own: np.maximum(given, brought(own))
    return lambda own: given + brought(own)


def _root(over: Dose, most: np.ndarray, at_nothing: np.ndarray) -> np.ndarray:
    """Return where a function that grows from `at_nothing` below 0 to above 0 at `most` is 0, by regula falsi (Illinois)."""
    low, high = np.zeros(len(most)), most.copy()
    f_low, f_high = np.minimum(at_nothing, -1e-300), np.maximum(over(high), 0.0)
    side, at = np.zeros(len(most), np.int8), high
    for _ in range(STEPS):
        at = (low * f_high - high * f_low) / (f_high - f_low)
        f = over(at)
        up = f >= 0
        f_low = np.where(up & (side > 0), 0.5 * f_low, f_low)
        f_high = np.where(~up & (side < 0), 0.5 * f_high, f_high)
        high, f_high = np.where(up, at, high), np.where(up, f, f_high)
        low, f_low = np.where(up, low, at), np.where(up, f_low, f)
        side = np.where(up, 1, -1).astype(np.int8)
        if np.all(np.abs(f) <= EXACT):
            break
    return at
