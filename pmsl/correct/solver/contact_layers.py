"""Light of the layers above where liquid is exchanged by contact: layer by layer, with what every recoat leaves of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pmsl.core.mask import Window
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.influence_rows import Pixels
from pmsl.cure.contact_pass import ContactShares

FAINT = 1e-5  # of the threshold: a layer that brings less is not looked at any more
NEARLY = 0.97  # of the threshold: what lacks is rounding of grays, and no exposure that is washed away afterwards is to make up for it
HALVINGS = 44
FAR_UP_UM = 1000.0


class PointCells(NamedTuple):
    """Where points are: the layer of each, and the number of its pixel; whether they are points of walls."""

    layer: np.ndarray | int
    pixel: np.ndarray
    walls: bool = False


class Exchange(NamedTuple):
    """What recoats exchange of a whole job, in a window of the field."""

    shares: ContactShares
    window: Window


class BlockExchange:
    """The same at the numbered pixels of a block; without an `exchange` all liquid keeps its dose."""

    def __init__(self, exchange: Exchange | None, pixels: Pixels) -> None:
        self._exchange, self._n = exchange, len(pixels.row)
        self._known: dict[tuple[int, int], np.ndarray] = {}
        self.renewal = 0.0 if exchange is None else exchange.shares.renewal
        if exchange is None:
            return
        row, col = pixels.row - exchange.window.row0, pixels.col - exchange.window.col0
        self._inside = (row >= 0) & (row < exchange.window.rows) & (col >= 0) & (col < exchange.window.cols)
        self._at = row[self._inside], col[self._inside]

    @classmethod
    def nothing(cls) -> BlockExchange:
        """Return one that knows of no exchange."""
        return cls(None, Pixels.around(np.zeros((1, 1), bool), Window(0, 0, 1, 1), 0, (1, 1)))

    def with_renewal(self, renewal: float) -> BlockExchange:
        """Return the same where a recoat exchanges more or less of what it reaches: voids close as they do by the resin's own renewal."""
        if renewal == self.renewal:
            return self
        other = copy.copy(self)  # what was looked up is shared: it does not depend on the renewal
        other.renewal = renewal
        return other

    def left(self, cells: PointCells, first: int, last: int) -> np.ndarray | float:
        """Return what the recoats after exposures `first` to `last` - 1 leave of the dose of liquid at points: (N,) float64."""
        if self._exchange is None:
            return 1.0
        layer = np.broadcast_to(cells.layer, cells.pixel.shape)
        out = np.ones(len(cells.pixel))
        for j in np.unique(layer):
            mine = layer == j
            for k in range(first, last):
                out[mine] *= 1.0 - self.renewal * self._of(int(j), k)[cells.pixel[mine]]
        return out

    def _of(self, j: int, k: int) -> np.ndarray:
        found = self._known.get((j, k))
        if found is None:
            assert self._exchange is not None
            found = np.zeros(self._n + 1)
            share = self._exchange.shares.share(j, k)
            if share is not None:
                found[:-1][self._inside] = share[self._at]
            self._known[j, k] = found
        return found

    def forget(self, above: int) -> None:
        """Let go of layers from `above` on."""
        for key in [key for key in self._known if key[0] >= above]:
            del self._known[key]


class ContactLayers:
    """Light of the layers from `k` + 1 on at n places, in time; `k` is the last that was not yet added.

    Parameters
    ----------
    law : Law
    exchange : BlockExchange
    k : int
        The first layer that will be added.
    dp_um : float, optional
        Another Dp than the resin's.
    views : callable, optional
        What points see of a layer's light from so far above, where that is not the same as of their own (`Spot.views`).
    """

    def __init__(
        self,
        law: Law,
        exchange: BlockExchange,
        k: int,
        dp_um: float | None = None,
        views: Callable[[np.ndarray, float], np.ndarray] | None = None,
    ) -> None:
        self._law, self._exchange, self._k, self._dp_um, self._views = law, exchange, k, dp_um, views
        self._layers: list[tuple[int, np.ndarray, float]] = []  # as they come in time: number, light, plane above this one

    def fall(self, um: float) -> None:
        """Go down to a plane so far below."""
        self._k -= 1
        stays = []
        for k, own, above_um in self._layers:
            if float(self._law.left_at(above_um + um, self._dp_um)) * float(own.max(initial=0.0)) > FAINT * self._law.threshold_mj_cm2:
                stays.append((k, own, above_um + um))
        self._layers = stays

    def add(self, own: np.ndarray) -> None:
        """Take the dose of the layer at this plane."""
        self._layers.insert(0, (self._k, own.copy(), 0.0))

    def maps(self) -> list[np.ndarray]:
        """Return the layers that still count."""
        return [own if self._views is None else self._views(own, above_um) for _, own, above_um in self._layers]

    def dose(self, seen: np.ndarray, depth_um: np.ndarray | float, cells: PointCells | None = None) -> np.ndarray:
        """Return the dose that counts: what is missing to the threshold is what an exposure of this layer has to bring.

        An exposure's own dose E is left of after each recoat, P of it by layer n, and there A_n came to it meanwhile: the point cures
        where ``P_n E + A_n`` reaches the threshold T for any n; so ``T - (T - A_n) / P_n`` counts as if it were kept, the most of all n.
        """
        assert cells is not None
        threshold, at = self._law.threshold_mj_cm2, self._k
        most, dose, left = np.zeros(seen.shape[1]), np.zeros(seen.shape[1]), np.ones(seen.shape[1])
        for (k, _, above_um), light in zip(self._layers, seen, strict=True):
            stays = self._exchange.left(cells, at, k)
            dose, left, at = dose * stays + self._own(light, above_um + depth_um), left * stays, k
            with np.errstate(divide="ignore"):
                counts = np.where(dose >= NEARLY * threshold, dose, threshold - (threshold - dose) / left)
            most = np.maximum(most, counts)
        return most

    def most(self, seen: np.ndarray, depth_um: np.ndarray | float, cells: PointCells) -> np.ndarray:
        """Return the largest dose that liquid there ever has, this layer's own light included if it was added."""
        return self.followed(seen, depth_um, cells)(np.zeros(seen.shape[1]))

    def followed(self, seen: np.ndarray, depth_um: np.ndarray | float, cells: PointCells) -> Callable[[np.ndarray], np.ndarray]:
        """Return what gives the largest dose that liquid there ever has if it gets so much (N,) before all that was added."""
        events, at = [], self._k
        for (k, _, above_um), light in zip(self._layers, seen, strict=True):
            events.append((self._exchange.left(cells, at, k), self._own(light, above_um + depth_um)))
            at = k

        def most(first: np.ndarray) -> np.ndarray:
            dose, largest = first, first
            for stays, brought in events:
                dose = dose * stays + brought
                largest = np.maximum(largest, dose)
            return largest

        return most

    def _own(self, light: np.ndarray, depth_um: np.ndarray | float) -> np.ndarray:
        """Return the effective dose that is left of light so far below its plane."""
        return np.asarray(np.maximum(light * self._law.left_at(depth_um, self._dp_um) - self._law.induction_mj_cm2, 0.0))

    def depth_um(self, seen: np.ndarray, threshold_mj_cm2: float) -> np.ndarray | None:
        """Return None: it depends on where the points are."""
        return None

    def front_um(
        self, seen: np.ndarray, depth_um: np.ndarray, threshold_mj_cm2: float, lowest_um: np.ndarray, cells: PointCells
    ) -> np.ndarray:
        """Return how far below `depth_um` (N,) the largest dose falls to the threshold, as `accumulated_dose.front_um`."""
        lengths = self._law.lengths_um_of(self._dp_um)
        if len(lengths) == 1 and self._law.induction_mj_cm2 == 0:
            with np.errstate(divide="ignore"):
                front = lengths[0] * np.log(self.most(seen, 0.0, cells) / threshold_mj_cm2) - depth_um
            front = np.minimum(front, lowest_um)
            return np.where(front < -FAR_UP_UM, -math.inf, front)
        high, low = np.full(len(depth_um), -FAR_UP_UM), lowest_um.copy()
        none = self.most(seen, depth_um + high, cells) < threshold_mj_cm2
        for _ in range(HALVINGS):
            middle = 0.5 * (high + low)
            enough = self.most(seen, depth_um + middle, cells) >= threshold_mj_cm2
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        return np.where(none, -math.inf, 0.5 * (high + low))


class StraightUpLayers(ContactLayers):
    """The same where nobody followed the liquid: the way to the vat leads straight up, until something cures in that column.

    Ways that lead aside, to the open end of a channel or out from under a ledge, are not seen.
    """

    def __init__(self, law: Law, renewal: float, reach_um: float, k: int) -> None:
        super().__init__(law, BlockExchange.nothing(), k)
        self._renewal, self._reach_um = renewal, reach_um

    def most(self, seen: np.ndarray, depth_um: np.ndarray | float, cells: PointCells) -> np.ndarray:
        """Return the largest dose that liquid there ever has."""
        n = seen.shape[1]
        dose, most, shut = np.zeros(n), np.zeros(n), np.zeros(n, bool)
        planes: list[tuple[float, np.ndarray]] = []  # of the layers so far: height above this one, dose of the column there
        stays: np.ndarray | float = 1.0
        before_um = 0.0
        for (_, _, above_um), light in zip(self._layers, seen, strict=True):
            dose = dose * stays + self._own(light, above_um + depth_um)
            most = np.maximum(most, dose)
            if not shut.all():
                planes = [(at, of_plane * self._left(before_um - at, shut) + self._own(light, above_um - at)) for at, of_plane in planes]
                planes.append((above_um, self._own(light, 0.0)))
                for _, of_plane in planes:
                    shut = shut | (of_plane >= self._law.threshold_mj_cm2)
            stays, before_um = self._left(above_um + depth_um, shut), above_um
        return most

    def _left(self, way_um: np.ndarray | float, shut: np.ndarray) -> np.ndarray:
        """Return what a recoat leaves of the dose of liquid so far below the vat."""
        return 1.0 - np.where(shut, 0.0, self._renewal * np.exp(-np.asarray(way_um) / self._reach_um))
