"""What the optics do not make: designed, and nothing is printed there or around; void, and all is printed there and around."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.predict.features.void_pieces import Component, ComponentTracker
from pmsl.predict.light.job_light import LitLayer

LONG = 3.0  # times as long as thick: a wall, a gap, a pillar
HALF = 0.5  # of a voxel: less beside what is printed above or below is where a face lies in its layer
SHRINKS = 0.5  # of the area lower down: a tip
AROUND = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
OPEN_RIM = 0.25  # of what is around a filled void is void that is not filled: it is a wall too far out


@dataclass(slots=True)
class _Missing:
    """Missing pixels of one layer, some of which the layer below may still explain."""

    k: int
    rows: np.ndarray
    cols: np.ndarray
    share: np.ndarray


@dataclass(slots=True)
class LostFeatures:
    """Collects missing and filled pixels layer by layer, from the light side down.

    Attributes
    ----------
    grid : Grid
    window : Window
    plugged : (R, C) bool
        Columns, open to the light, in which a void is filled on all sides at some height.
    """

    grid: Grid
    window: Window
    plugged: np.ndarray = field(init=False)
    _missing: ComponentTracker = field(default_factory=ComponentTracker)
    _filled: ComponentTracker = field(default_factory=ComponentTracker)
    _waits: _Missing | None = None
    _above: tuple[np.ndarray, np.ndarray] | None = None
    _last: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Make the maps; `_last`: the layer in which a pixel was last missing."""
        shape = self.window.rows, self.window.cols
        self.plugged, self._last = np.zeros(shape, bool), np.full(shape, -1, np.int32)

    def add(self, lit: LitLayer, listed: np.ndarray, between: np.ndarray, mask: LayerMask, slot: np.ndarray) -> None:
        """Add the pixels that ``pmsl.kernels.compare.compare_voxels.compare`` listed of a layer.

        Parameters
        ----------
        lit : LitLayer
        listed : (3, n) int32
            Rows and columns in the window; design of 65535, or void below 0.
        between : (2, m) int32
            Pixels of which something is printed though nothing is in their middles.
        mask : LayerMask
            The design.
        slot : (R, C) int32
            Which columns have a roof above, see `FaceMatcher`; others are -1.
        """
        front = lit.kept_front, lit.held
        self._settle(front)
        rows, cols, level = listed
        share, height = np.abs(level) / 65535.0, float(self.grid.thickness_um[lit.index])
        above = np.zeros(len(rows)) if self._above is None or not len(rows) else _most(*self._above, rows, cols)
        missing = (level > 0) & ((share >= HALF) | (above < 1.0))
        missing[missing] = ~_beside(rows[missing], cols[missing], between)
        self._waits = _Missing(lit.index, rows[missing], cols[missing], share[missing])
        filled = (level < 0) & (share >= HALF)
        if self._above is not None:
            filled |= (level < 0) & (self._above[0][self._above[1][rows], cols] >= 1.0)
        filled[filled] = slot[rows[filled], cols[filled]] < 0
        filled[filled] = self._enclosed(rows[filled], cols[filled], mask)
        self.plugged[rows[filled], cols[filled]] = True
        self._filled.add(lit.index, height, rows[filled], cols[filled], share[filled])
        self._above = front

    def _settle(self, front: tuple[np.ndarray, np.ndarray] | None) -> None:
        """Add the missing pixels of the layer before, but where its design only reaches a little above what is printed."""
        w = self._waits
        if w is None:
            return
        stays = w.share >= HALF
        if front is not None and len(w.rows):
            stays |= (_most(*front, w.rows, w.cols) <= 0.0) | (self._last[w.rows, w.cols] == w.k + 1)
        self._last[w.rows[stays], w.cols[stays]] = w.k
        self._missing.add(w.k, float(self.grid.thickness_um[w.k]), w.rows[stays], w.cols[stays], w.share[stays])
        self._waits = None

    def _enclosed(self, rows: np.ndarray, cols: np.ndarray, mask: LayerMask) -> np.ndarray:
        """Tell which filled pixels belong to a void that is filled from rim to rim."""
        if not len(rows):
            return np.zeros(0, bool)
        from scipy import ndimage

        row0, col0 = int(rows.min()) - 1, int(cols.min()) - 1
        shape = int(rows.max()) - row0 + 2, int(cols.max()) - col0 + 2
        filled = np.zeros(shape, bool)
        filled[rows - row0, cols - col0] = True
        label, n = ndimage.label(filled, np.ones((3, 3)))
        void = ~filled & (_within(mask, row0 + self.window.row0, col0 + self.window.col0, shape) < HALF)
        own = label[rows - row0, cols - col0].astype(np.int64)  # times the pixels of the box: more than 32 bits hold
        around = [(rows - row0 + i) * shape[1] + cols - col0 + j for i, j in AROUND]
        rims = [~filled.ravel()[pixel] for pixel in around]
        beside = np.concatenate([own[rim] * filled.size + pixel[rim] for pixel, rim in zip(around, rims, strict=True)])
        piece, pixel = np.divmod(np.unique(beside), filled.size)  # a pixel beside several pieces counts for each
        open_share = np.bincount(piece, void.ravel()[pixel], n + 1)[1:] / np.bincount(piece, minlength=n + 1)[1:]
        return np.asarray(open_share[own - 1] < OPEN_RIM)

    def features(self) -> list[dict[str, Any]]:
        """Return what is lost, largest volume first.

        Returns
        -------
        list of dict
            ``kind`` ("wall", "membrane", "pillar" or "tip" where material is missing, "gap" or "hole" where a void is filled), ``box_um``,
            ``layers``, ``volume_um3``, ``size_um``: how thick or wide it is designed.
        """
        self._settle(None)
        found = [self._feature(p, _solid_kind) for p in self._missing.largest_first()] + [
            self._feature(p, _void_kind) for p in self._filled.largest_first()
        ]
        return sorted(found, key=lambda f: -f["volume_um3"])

    def _feature(self, piece: Component, kind: Any) -> dict[str, Any]:
        pitch, origin, edges = self.grid.pitch_um, self.grid.origin_um, self.grid.z_edges_um
        first = np.array([self.window.col0, self.window.row0])
        low, high = (piece.low[::-1] + first) * pitch + origin, (piece.high[::-1] + first) * pitch + origin
        z = float(edges[piece.layers[0]]), float(edges[piece.layers[1] + 1])
        longest = float((high - low).max())
        thick = piece.pixels * self.grid.pixel_um2 / longest
        name, volume = kind(piece, z[1] - z[0], longest, thick), piece.volume * self.grid.pixel_um2
        return {
            "kind": name,
            "box_um": [[*low.tolist(), z[0]], [*high.tolist(), z[1]]],
            "layers": list(piece.layers),
            "volume_um3": volume,
            "size_um": _size_um(name, volume, z[1] - z[0], longest, piece.pixels * self.grid.pixel_um2),
        }


def _solid_kind(piece: Component, height_um: float, longest_um: float, thick_um: float) -> str:
    if height_um < thick_um:
        return "membrane"
    if longest_um >= LONG * thick_um:
        return "wall"
    return "pillar" if height_um >= LONG * thick_um and piece.first > SHRINKS * piece.last else "tip"


def _void_kind(piece: Component, height_um: float, longest_um: float, thick_um: float) -> str:
    return "gap" if longest_um >= LONG * thick_um else "hole"


def _size_um(kind: str, volume_um3: float, height_um: float, longest_um: float, area_um2: float) -> float:
    """Thickness of a wall or a membrane, width of a gap, side of a square as large as the section of anything else."""
    if kind == "membrane":
        return volume_um3 / area_um2
    section_um2 = volume_um3 / height_um
    return section_um2 / longest_um if kind in ("wall", "gap") else math.sqrt(section_um2)


def _most(front: np.ndarray, held: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Highest front in and around pixels."""
    last_row, last_col = len(held) - 1, front.shape[1] - 1
    most = np.full(len(rows), -np.inf, np.float32)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            np.maximum(most, front[held[np.clip(rows + i, 0, last_row)], np.clip(cols + j, 0, last_col)], out=most)
    return most


def _beside(rows: np.ndarray, cols: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which pixels are, or are beside, one of some others."""
    if not len(rows) or not others.shape[1]:
        return np.zeros(len(rows), bool)
    low = np.minimum(others.min(axis=1), (rows.min(), cols.min())) - 1
    shape = np.maximum(others.max(axis=1), (rows.max(), cols.max())) + 2 - low
    near = np.zeros(shape, bool)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            near[others[0] - low[0] + i, others[1] - low[1] + j] = True
    return np.asarray(near[rows - low[0], cols - low[1]])


def _within(mask: LayerMask, row0: int, col0: int, shape: tuple[int, int]) -> np.ndarray:
    """Designed share in a box of pixels of the grid, 0 outside the field."""
    out = np.zeros(shape, np.float32)
    begin = np.maximum((row0, col0), 0)
    end = np.minimum(np.add((row0, col0), shape), mask.shape)
    here = tuple(slice(a - o, b - o) for a, b, o in zip(begin.tolist(), end.tolist(), (row0, col0), strict=True))
    out[here] = mask.within(Window(*begin.tolist(), *(end - begin).tolist()), np.float32)
    return out
