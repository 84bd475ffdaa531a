"""Pixels of layers, from the light side down → pieces that hang together, with box, layers and volume."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class Component:
    """What hangs together so far.

    Attributes
    ----------
    low, high : (2,) int
        Box (row, col) in pixels of the window.
    layers : list of int
        Lowest and highest layer.
    volume : float
        Shares of pixels times heights [px · µm].
    pixels : float
        Most pixels of one layer.
    first, last : float
        Shares of the highest layer and of the lowest one [px].
    into : Component or None
        The piece this one became part of.
    """

    low: np.ndarray
    high: np.ndarray
    layers: list[int]
    volume: float = 0.0
    pixels: float = 0.0
    first: float = 0.0
    last: float = 0.0
    into: Component | None = None

    def root(self) -> Component:
        """Return the piece this one became part of."""
        at = self
        while at.into is not None:
            at = at.into
        return at

    def grow(self, low: np.ndarray, high: np.ndarray, k: int, pixels: float, share: float, height_um: float) -> None:
        """Add pixels of layer k."""
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        self.last = share + (self.last if k == self.layers[0] else 0.0)
        self.first += share if k == self.layers[1] else 0.0
        self.layers = [min(self.layers[0], k), max(self.layers[1], k)]
        self.volume += share * height_um
        self.pixels = max(self.pixels, pixels)

    def swallow(self, other: Component) -> None:
        """Become one with another piece."""
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        self.first = max(self.first, other.first)
        self.last += other.last
        self.layers = [min(self.layers[0], other.layers[0]), max(self.layers[1], other.layers[1])]
        self.volume += other.volume
        self.pixels = max(self.pixels, other.pixels)
        other.into = self


@dataclass(slots=True)
class ComponentTracker:
    """Collects pixels layer by layer, from the light side down; those that touch in a layer or from one to the next are one piece."""

    _all: list[Component] = field(default_factory=list)
    _above: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    _corner: tuple[int, int] = (0, 0)
    _names: list[Component] = field(default_factory=list)

    def add(self, k: int, height_um: float, rows: np.ndarray, cols: np.ndarray, share: np.ndarray) -> None:
        """Add the pixels (n,) of layer k, and the share that counts of each."""
        if not len(rows):
            self._names = []
            return
        from scipy import ndimage

        corner = int(rows.min()), int(cols.min())
        weight = np.zeros((int(rows.max()) - corner[0] + 1, int(cols.max()) - corner[1] + 1))
        weight[rows - corner[0], cols - corner[1]] = share
        label, n = ndimage.label(weight > 0, np.ones((3, 3)))
        names = self._join(label, corner, n)
        pixels = np.bincount(label.reshape(-1), minlength=n + 1)
        shares = np.bincount(label.reshape(-1), weight.reshape(-1), minlength=n + 1)
        for i, box in enumerate(ndimage.find_objects(label), start=1):
            low = np.array([box[0].start + corner[0], box[1].start + corner[1]])
            high = np.array([box[0].stop + corner[0], box[1].stop + corner[1]])
            piece = names[i]
            if piece is None:
                piece = names[i] = Component(low, high, [k, k])
                self._all.append(piece)
            piece.root().grow(low, high, k, float(pixels[i]), float(shares[i]), height_um)
        self._above, self._corner, self._names = label, corner, [p for p in names if p is not None]

    def _join(self, label: np.ndarray, corner: tuple[int, int], n: int) -> list[Component | None]:
        """Give the pieces of a layer the names of those they touch in the layer above; name 0 is nothing's."""
        names: list[Component | None] = [None] * (n + 1)
        if self._names:
            low = np.maximum(corner, self._corner)
            high = np.minimum(np.add(corner, label.shape), np.add(self._corner, self._above.shape))
            if (low < high).all():
                here, there = (
                    of[low[0] - at[0] : high[0] - at[0], low[1] - at[1] : high[1] - at[1]]
                    for of, at in ((label, corner), (self._above, self._corner))
                )
                both = (here > 0) & (there > 0)
                for a, b in np.unique(np.stack([here[both], there[both]]), axis=1).T:
                    old = self._names[b - 1].root()
                    mine = names[a]
                    if mine is None:
                        names[a] = old
                    elif mine.root() is not old:
                        mine.root().swallow(old)
        return names

    def largest_first(self) -> list[Component]:
        """Return the pieces, largest volume first."""
        return sorted((p for p in self._all if p.into is None), key=lambda p: -p.volume)
