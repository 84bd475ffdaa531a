"""Light of the layers above at places of one layer: added up as it falls, or kept layer by layer where the resin tells events apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from pmsl.correct.solver.attenuation import Law
    from pmsl.correct.solver.contact_layers import PointCells

Depth = np.ndarray | float
Views = Callable[[np.ndarray, float], np.ndarray]
FAINT = 1e-6  # of a layer's light: less from further up is left out where layers are told apart
FAR_UP_UM = 1000.0  # a front that would lie further up is none
HALVINGS = 44  # of that and the height of a face: below a nanometre


class Above(Protocol):
    """What the layers above bring to n places, at and below the exposure plane of one layer; doses are effective ones."""

    def fall(self, um: float) -> None:
        """Go down to a plane so far below."""

    def add(self, own: np.ndarray) -> None:
        """Take the dose (n,) of the layer at this plane [mJ/cm²]."""

    def maps(self) -> list[np.ndarray]:
        """Return what a point may see instead of places: (n,) each."""

    def dose(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None = None) -> np.ndarray:
        """Return the dose so far below the plane of what is `seen` of every map, (maps, N): (N,) [mJ/cm²].

        `cells` says where the points are, for what depends on it.
        """

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return how far below the plane the dose is the threshold, (N,) [µm]; None where there is no closed form."""


def above_of(law: Law, n: int, views: Views | None = None) -> Above:
    """Return what gathers the light of layers at n places from the light side down.

    `views` says what points see of the light of a layer that far above, where that is not the same as of their own (`Spot.views`).
    """
    if law.memory == "open":
        return NoDose()
    if views is not None and law.induction_mj_cm2 == 0:
        return ViewedSums(law, views)
    return enclosed(law, n, views=views)


def enclosed(law: Law, n: int, dp_um: float | None = None, views: Views | None = None) -> Above:
    """Return what adds up in liquid that keeps its dose; another Dp than the resin's where one is given."""
    return InductionLayers(law, dp_um, views) if law.induction_mj_cm2 > 0 else DecaySums(law, n, dp_um)


def itself(own: np.ndarray, above_um: float) -> np.ndarray:
    """Return the light of a layer as it is: the same view from any height."""
    return own


class NoDose:
    """Recoating replaced the liquid: a layer starts anew."""

    def fall(self, um: float) -> None:
        """Nothing falls."""

    def add(self, own: np.ndarray) -> None:
        """Nothing stays."""

    def maps(self) -> list[np.ndarray]:
        """Return none."""
        return []

    def dose(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None = None) -> np.ndarray:
        """Return 0."""
        return np.zeros(seen.shape[1])

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return -inf."""
        return np.full(seen.shape[1], -math.inf)


class DecaySums:
    """Pure absorption: one map a decay term, ``S_j = B_j + exp(-h / b) S_{j+1}``."""

    def __init__(self, law: Law, n: int, dp_um: float | None = None) -> None:
        self._weights, self._lengths = law.weights[:, None], law.lengths_um_of(dp_um)[:, None]
        self._terms = np.zeros((len(law.weights), n))

    def fall(self, um: float) -> None:
        """Go down to a plane so far below."""
        self._terms *= np.exp(-um / self._lengths)

    def add(self, own: np.ndarray) -> None:
        """Take the dose of the layer at this plane."""
        self._terms += self._weights * own

    def maps(self) -> list[np.ndarray]:
        """Return the terms."""
        return list(self._terms)

    def dose(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None = None) -> np.ndarray:
        """Return the sum of the terms there."""
        return np.asarray((seen * np.exp(-np.asarray(depth_um) / self._lengths)).sum(axis=0))

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return where one term is the threshold."""
        if len(seen) > 1:
            return None
        with np.errstate(divide="ignore"):
            return np.asarray(self._lengths[0] * np.log(seen[0] / threshold_mj_cm2))


class ViewedSums:
    """Pure absorption where light is seen otherwise from further up: layer by layer, one map a decay term."""

    def __init__(self, law: Law, views: Views) -> None:
        self._weights, self._lengths, self._views = law.weights, law.lengths_um, views
        self._layers: list[tuple[np.ndarray, float]] = []

    def fall(self, um: float) -> None:
        """Go down to a plane so far below."""
        least = -math.log(FAINT) * float(self._lengths.max())
        self._layers = [(own, above_um + um) for own, above_um in self._layers if above_um + um <= least]

    def add(self, own: np.ndarray) -> None:
        """Take the dose of the layer at this plane."""
        self._layers.append((own.copy(), 0.0))

    def maps(self) -> list[np.ndarray]:
        """Return the terms, of every view."""
        if not self._layers:
            return []
        seen = [(self._views(own, above_um), self._weights * np.exp(-above_um / self._lengths)) for own, above_um in self._layers]
        return [np.sum([shares[term] * light for light, shares in seen], axis=0) for term in range(len(self._weights))]

    def dose(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None = None) -> np.ndarray:
        """Return the sum of the terms there."""
        if not len(seen):
            return np.zeros(seen.shape[1])
        return np.asarray((seen * np.exp(-np.asarray(depth_um) / self._lengths[:, None])).sum(axis=0))

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return None."""
        return None


class InductionLayers:
    """Induction: every layer pays it again at every depth, ``Σ max(0, E_e(z) - E_ind)``; a layer is kept until it cannot any more."""

    def __init__(self, law: Law, dp_um: float | None = None, views: Views | None = None) -> None:
        self._law, self._dp_um, self._views = law, dp_um, views or itself
        self._own: list[np.ndarray] = []
        self._above_um: list[float] = []

    def fall(self, um: float) -> None:
        """Go down to a plane so far below."""
        stays = []
        for own, above_um in zip(self._own, self._above_um, strict=True):
            left = float(self._law.left_at(above_um + um, self._dp_um)) * float(own.max(initial=0.0))
            if left > self._law.induction_mj_cm2:
                stays.append((own, above_um + um))
        self._own, self._above_um = [own for own, _ in stays], [above_um for _, above_um in stays]

    def add(self, own: np.ndarray) -> None:
        """Take the dose of the layer at this plane."""
        self._own.append(own.copy())
        self._above_um.append(0.0)

    def maps(self) -> list[np.ndarray]:
        """Return the layers that still count."""
        return [self._views(own, above_um) for own, above_um in zip(self._own, self._above_um, strict=True)]

    def dose(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None = None) -> np.ndarray:
        """Return what is left of the events there, each less its induction."""
        total = np.zeros(seen.shape[1])
        for light, above_um in zip(seen, self._above_um, strict=True):
            left = self._law.left_at(np.asarray(depth_um) + above_um, self._dp_um)
            total += np.maximum(light * left - self._law.induction_mj_cm2, 0.0)
        return total

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return None."""
        return None


class BrightestLayers:
    """Of every place the layer that is brightest there: what decides where recoating replaces liquid."""

    def __init__(self, law: Law, n: int, dp_um: float | None = None) -> None:
        self._law, self._dp_um = law, dp_um
        self._own, self._above_um = np.zeros(n), np.zeros(n)

    def fall(self, um: float) -> None:
        """Go down to a plane so far below."""
        self._above_um += um

    def add(self, own: np.ndarray) -> None:
        """Take the dose of the layer at this plane."""
        brighter = own >= self._own * self._law.left_at(self._above_um, self._dp_um)
        self._own[brighter], self._above_um[brighter] = own[brighter], 0.0

    def maps(self) -> list[np.ndarray]:
        """Return dose and height of the brightest layers."""
        return [self._own, self._above_um]

    def dose(self, seen: np.ndarray, depth_um: Depth, cells: PointCells | None = None) -> np.ndarray:
        """Return what is left of them there, less the induction."""
        own, above_um = seen
        left = self._law.left_at(above_um + depth_um, self._dp_um)
        return np.asarray(np.maximum(own * left - self._law.induction_mj_cm2, 0.0))

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return where the brightest layer is the threshold, of one decay term."""
        lengths, (own, above_um) = self._law.lengths_um_of(self._dp_um), seen
        if len(lengths) > 1:
            return None
        with np.errstate(divide="ignore"):
            return np.asarray(lengths[0] * np.log(own / (threshold_mj_cm2 + self._law.induction_mj_cm2)) - above_um)


def front_um(above: Above, seen: np.ndarray, depth_um: np.ndarray, threshold_mj_cm2: float, lowest_um: np.ndarray) -> np.ndarray:
    """Return how far below `depth_um` (N,) the dose of what is `seen` (maps, N) falls to the threshold [µm].

    At least ``-FAR_UP_UM``, where that is too far up -inf; at most `lowest_um` (N,).
    """
    known = above.depth_um(seen, threshold_mj_cm2)
    if known is not None:
        front = np.minimum(known - depth_um, lowest_um)
        return np.where(front < -FAR_UP_UM, -math.inf, front)
    high, low = np.full(len(depth_um), -FAR_UP_UM), lowest_um.copy()
    none = above.dose(seen, depth_um + high) < threshold_mj_cm2
    for _ in range(HALVINGS):
        middle = 0.5 * (high + low)
        enough = above.dose(seen, depth_um + middle) >= threshold_mj_cm2
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    return np.where(none, -math.inf, 0.5 * (high + low))
