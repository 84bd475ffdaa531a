"""Pixels where the design has material and nothing is printed → lost walls, membranes and tips."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import Window

WALL_RATIO = 3.0  # a wall is that much longer than thick


@dataclass(slots=True)
class _Feature:
    """What is lost in one piece so far: box in pixels and layers, volume [px · µm], largest area [px], and what swallowed it."""

    low: np.ndarray
    high: np.ndarray
    layers: list[int]
    volume: float = 0.0
    area: float = 0.0
    into: _Feature | None = None

    def root(self) -> _Feature:
        """Return the piece this one became part of."""
        at = self
        while at.into is not None:
            at = at.into
        return at

    def take(self, low: np.ndarray, high: np.ndarray, k: int, area: float, height_um: float) -> None:
        """Add an area of layer k."""
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        self.layers = [min(self.layers[0], k), max(self.layers[1], k)]
        self.volume += area * height_um
        self.area = max(self.area, area)

    def swallow(self, other: _Feature) -> None:
        """Become one with another piece."""
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        self.layers = [min(self.layers[0], other.layers[0]), max(self.layers[1], other.layers[1])]
        self.volume += other.volume
        self.area = max(self.area, other.area)
        other.into = self


@dataclass(slots=True)
class Lost:
    """Collects missing pixels layer by layer, from the light side down; pieces that touch from layer to layer are one.

    Attributes
    ----------
    grid : Grid
    window : Window
    """

    grid: Grid
    window: Window
    _all: list[_Feature] = field(default_factory=list)
    _above: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    _corner: tuple[int, int] = (0, 0)
    _names: list[_Feature] = field(default_factory=list)

    def add(self, k: int, rows: np.ndarray, cols: np.ndarray) -> None:
        """Take the missing pixels (n,) of layer k, in the window."""
        if not len(rows):
            self._names = []
            return
        from scipy import ndimage

        corner = int(rows.min()), int(cols.min())
        missing = np.zeros((int(rows.max()) - corner[0] + 1, int(cols.max()) - corner[1] + 1), bool)
        missing[rows - corner[0], cols - corner[1]] = True
        label, n = ndimage.label(missing, np.ones((3, 3)))
        names = self._join(label, corner, n)
        areas = np.bincount(label.reshape(-1), minlength=n + 1)
        for i, box in enumerate(ndimage.find_objects(label), start=1):
            low = np.array([box[0].start + corner[0], box[1].start + corner[1]])
            high = np.array([box[0].stop + corner[0], box[1].stop + corner[1]])
            if names[i] is None:
                names[i] = _Feature(low, high, [k, k])
                self._all.append(names[i])
            names[i].root().take(low, high, k, float(areas[i]), float(self.grid.thickness_um[k]))
        self._above, self._corner, self._names = label, corner, names

    def _join(self, label: np.ndarray, corner: tuple[int, int], n: int) -> list[Any]:
        """Give the pieces of a layer the names of those they touch in the layer above."""
        names: list[_Feature | None] = [None] * (n + 1)
        if self._names:
            low = np.maximum(corner, self._corner)
            high = np.minimum(np.add(corner, label.shape), np.add(self._corner, self._above.shape))
            if (low < high).all():
                here = label[low[0] - corner[0] : high[0] - corner[0], low[1] - corner[1] : high[1] - corner[1]]
                there = self._above[
                    low[0] - self._corner[0] : high[0] - self._corner[0], low[1] - self._corner[1] : high[1] - self._corner[1]
                ]
                both = (here > 0) & (there > 0)
                for a, b in np.unique(np.stack([here[both], there[both]]), axis=1).T:
                    old = self._names[b].root()
                    mine = names[a]
                    if mine is None:
                        names[a] = old
                    elif mine.root() is not old:
                        mine.root().swallow(old)
        return names

    def features(self) -> list[dict[str, Any]]:
        """Return what is lost, largest volume first: kind, ``box_um``, ``layers``, ``volume_um3``."""
        kept = sorted((f for f in self._all if f.into is None), key=lambda f: -f.volume)
        return [self._told(f) for f in kept]

    def _told(self, f: _Feature) -> dict[str, Any]:
        pitch, origin, edges = self.grid.pitch_um, self.grid.origin_um, self.grid.z_edges_um
        first = np.array([self.window.col0, self.window.row0])
        low, high = (f.low[::-1] + first) * pitch + origin, (f.high[::-1] + first) * pitch + origin
        z = float(edges[f.layers[0]]), float(edges[f.layers[1] + 1])
        longest = float((high - low).max())
        thick = f.area * self.grid.pixel_um2 / longest
        kind = "membrane" if z[1] - z[0] < thick else "wall" if longest >= WALL_RATIO * thick else "tip"
        return {
            "kind": kind,
            "box_um": [[*low.tolist(), z[0]], [*high.tolist(), z[1]]],
            "layers": list(f.layers),
            "volume_um3": f.volume * self.grid.pixel_um2,
        }
