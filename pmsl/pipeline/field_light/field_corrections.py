"""Corrections of a plate of several fields: every field is solved in a window with as much around it as surfaces look at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.correct import Corrector
from pmsl.correct.face_prediction import FacePrediction
from pmsl.correct.findings import findings_of
from pmsl.correct.optimise.optimise_findings import optimised_findings
from pmsl.correct.optimise.optimiser import OptimisedWalls
from pmsl.correct.wall_prediction import sample_of
from pmsl.errors import UsageError
from pmsl.fields.tiles import PHASES, Axis, FieldLayout, Tile
from pmsl.fields.windows import FieldWindow, window_of
from pmsl.optics import Lorentzian, psf_of
from pmsl.profiles import Printer, Process, Resin

MARGIN_REACHES, LEAST_MARGIN_PX = 6, 16  # around a field: what is pushed at a window's edge is not felt so far inside
MOST_BLOCKS = 2  # kept of each window


class SolvedField(NamedTuple):
    """A corrected layer of a window: its mask, what is predicted of the field's own part, and what solving that again came to."""

    mask: LayerMask
    prediction: FacePrediction
    optimised: OptimisedWalls | None


def check_corrections(printer: Printer, resin: Resin, process: Process) -> None:
    """Refuse corrections that a window around a field does not hold; raises `UsageError`."""
    names, memory = [name for name in process.corrections if name != "flatfield"], resin.resin.memory
    asked = {
        "a psf of kind 'lorentzian', whose light comes from other fields": isinstance(psf_of(printer), Lorentzian),
        "resin.memory 'contact', whose liquid hangs together across fields": memory is not None and memory.value == "contact",
        "an uneven field that nobody evens out (add flatfield)": printer.optics.flat_field is not None and process.evened is None,
    }
    for what, there in asked.items():
        if names and there:
            raise UsageError(f"--fields: corrections ({', '.join(names)}) are not offered with {what}; leave one of the two out")


@dataclass(eq=False)
class FieldCorrections:
    """Corrects the masks of fields.

    A window is solved by a `Corrector` of its own, block by block: what a block says of a field does not depend on who asks when. Masks of
    the last blocks are kept, those of all fields that layers have in common.

    Attributes
    ----------
    plate : Corrector
        Of the whole plate, which solves nothing: what does not depend on the window.
    grid : Grid
        Of the plate.
    layout : FieldLayout
    corrector_of : callable
        Makes the corrector of a grid.
    tiles : callable
        The fields of a layer that parts reach into.
    keep_correctors : int
        How many of single windows are kept: each holds the parts made ready.
    placed_faces : bool
        Whether faces that look at the plate are placed.
    """

    plate: Corrector
    grid: Grid
    layout: FieldLayout
    corrector_of: Callable[[Grid], Corrector]
    tiles: Callable[[int], list[Tile]]
    keep_correctors: int
    placed_faces: bool
    _solved: OrderedDict[tuple[tuple[float, float], int], dict[int, SolvedField]] = field(default_factory=OrderedDict)
    _correctors: OrderedDict[tuple[float, float], Corrector] = field(default_factory=OrderedDict)
    _busy: dict[tuple[tuple[float, float], int], threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.margin_px = max(LEAST_MARGIN_PX, MARGIN_REACHES * self.plate.reach_px)

    @property
    def halo(self) -> int:
        """Most layers that are solved with a block and not kept."""
        return self.plate.halo

    @property
    def error_bound(self) -> float:
        """Largest dose that layers beyond the halo would add, in Ec."""
        return self.plate.error_bound

    @property
    def block_layers(self) -> int:
        """Layers of a block."""
        return self.plate.block_layers

    @property
    def latency_layers(self) -> int:
        """Most layers that are solved, of every field, when a first layer of a block is asked for."""
        return self.plate.latency_layers

    @property
    def exchange(self) -> None:
        """Not by contact."""
        return None

    def prepare(self, k: int) -> None:
        """Solve all fields of a layer; threads that come here together share them."""
        waiting = []
        for tile in self.tiles(k):
            if not self._solve(tile, k, wait=False):
                waiting.append(tile)
        for tile in waiting:
            self._solve(tile, k, wait=True)

    def mask(self, tile: Tile, k: int) -> LayerMask:
        """Return the corrected mask of a field of layer `k`, at its place there."""
        window = self._window(tile, k)
        return window.cut(self._solve(tile, k, wait=True)[k].mask, (self.layout.y.field_px, self.layout.x.field_px))

    def findings(self, k: int) -> tuple[Finding, ...]:
        """Return what is doubtful about layer `k`, of all fields together."""
        solved = [self._solve(tile, k, wait=True)[k] for tile in self.tiles(k)]
        found = findings_of(_joined([one.prediction for one in solved]), self.plate.cases, self.grid, k, self.placed_faces)
        again = [one.optimised for one in solved if one.optimised is not None and len(one.optimised.at_px)]
        return found + (optimised_findings(_joined_walls(again), self.grid, k) if again else ())

    def first_findings(self) -> tuple[Finding, ...]:
        """Return the findings of the layers that are solved first."""
        return tuple(f for k in range(min(self.block_layers, self.grid.n_layers)) for f in self.findings(k))

    def layers_up_to_the_last_lit(self) -> int:
        """Count the layers up to the last one with light in any field; see `Corrector.layers_up_to_the_last_lit`."""
        n = self.grid.n_layers
        while n > 0 and all(self._corrector(self._window(t, n - 1)).last_mask(n).black_at_8_bit for t in self.tiles(n - 1)):
            n -= 1
        return n

    def _window(self, tile: Tile, k: int) -> FieldWindow:
        return window_of(self.layout, tile, k, self.margin_px)

    def _corrector(self, window: FieldWindow) -> Corrector:
        """Return the corrector of a window; those used last are kept."""
        with self._lock:
            known = self._correctors.get(window.corner_um)
            if known is not None:
                self._correctors.move_to_end(window.corner_um)
                return known
        made = self.corrector_of(window.grid(self.grid.z_edges_um, self.layout.pitch_um))
        with self._lock:
            self._correctors[window.corner_um] = made
            while len(self._correctors) > self.keep_correctors:
                self._correctors.popitem(last=False)
        return made

    def _solve(self, tile: Tile, k: int, wait: bool) -> dict[int, SolvedField]:
        """Return the layers of the block of layer k of a field; without `wait` nothing where another thread solves it."""
        window = self._window(tile, k)
        key = window.corner_um, k // self.block_layers
        found = self._known(key)
        if found is not None:
            return found
        with self._lock:
            busy = self._busy.setdefault(key, threading.Lock())
        if not busy.acquire(blocking=wait):
            return {}
        try:
            found = self._known(key)
            if found is None:
                found = dict(self._layers(tile, window, key[1]))
                with self._lock:
                    self._solved[key] = found
                    while len(self._solved) > MOST_BLOCKS * PHASES * len(self.layout.tiles(k)):
                        self._busy.pop(self._solved.popitem(last=False)[0], None)
        finally:
            busy.release()
        return found

    def _known(self, key: tuple[tuple[float, float], int]) -> dict[int, SolvedField] | None:
        with self._lock:
            found = self._solved.get(key)
            if found is not None:
                self._solved.move_to_end(key)
            return found

    def _layers(self, tile: Tile, window: FieldWindow, number: int) -> Iterator[tuple[int, SolvedField]]:
        """Yield the layers of a block in which the field has this window."""
        corner_px = np.array(window.corner_um[::-1]) / self.layout.pitch_um[::-1]
        for mask, solved in self._corrector(window).solved_block(number):
            k = mask.index
            here = self.layout.tile(tile.col, tile.row, k)
            if self._window(here, k).corner_um != window.corner_um:
                continue
            own = _Own(corner_px, *(_between_bands(a, i, k) for a, i in ((self.layout.y, tile.row), (self.layout.x, tile.col))))
            yield k, SolvedField(mask, own.prediction(solved.prediction), own.optimised(solved.optimised))


class _Own(NamedTuple):
    """What a field has for itself of a window at `corner_px` (y, x): between the middles of the bands that it shares, rows and columns."""

    corner_px: np.ndarray
    rows: tuple[float, float]
    cols: tuple[float, float]

    def within(self, at_px: np.ndarray) -> np.ndarray:
        """Tell which points (y, x) of the plate it has: (N,) bool."""
        (top, bottom), (left, right) = self.rows, self.cols
        return np.asarray((at_px[:, 0] >= top) & (at_px[:, 0] < bottom) & (at_px[:, 1] >= left) & (at_px[:, 1] < right))

    def prediction(self, found: FacePrediction) -> FacePrediction:
        """Return what is predicted of it, at places of the plate."""
        walls, faces = found.walls_px + self.corner_px, found.faces_px + np.rint(self.corner_px).astype(np.int64)
        own, own_faces = self.within(walls), self.within(faces + 0.5)
        sampled = own[sample_of(len(own))]
        return FacePrediction(
            found.wall_misses[own],
            walls[own],
            found.narrow[own],
            faces[own_faces],
            {case: errors[own_faces] for case, errors in found.face_errors_um.items()},
            {case: lost[own_faces] for case, lost in found.lost.items()},
            {case: errors[sampled] if len(sampled) == len(errors) else errors for case, errors in found.wall_errors_px.items()},
        )

    def optimised(self, found: OptimisedWalls | None) -> OptimisedWalls | None:
        """Return the same of walls that were solved again."""
        if found is None:
            return None
        at_px = found.at_px + self.corner_px
        own = self.within(at_px)
        points = {name: getattr(found, name)[own] for name in ("before_px", "after_px", "length_px")}
        return replace(found, at_px=at_px[own], **points)


def _between_bands(axis: Axis, i: int, layer: int) -> tuple[float, float]:
    """Return where the middles of the bands of field i are along an axis [px on the plate]; without end where there are none."""
    low = -np.inf if i == 0 else axis.band_start_px(i, layer) + 0.5 * axis.band_px
    high = np.inf if i == axis.count - 1 else axis.band_start_px(i + 1, layer) + 0.5 * axis.band_px
    return float(low), float(high)


def _joined(parts: Sequence[FacePrediction]) -> FacePrediction:
    """Return one prediction of all fields."""
    parts = [part for part in parts if part.wall_errors_px or part.face_errors_um]
    if not parts:
        return FacePrediction.nothing()

    def cases(name: str) -> dict[str, np.ndarray]:
        return {case: np.concatenate([getattr(part, name)[case] for part in parts]) for case in getattr(parts[0], name)}

    def of_all(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    arrays = of_all("wall_misses"), of_all("walls_px"), of_all("narrow"), of_all("faces_px")
    return FacePrediction(*arrays, cases("face_errors_um"), cases("lost"), cases("wall_errors_px"))


def _joined_walls(parts: Sequence[OptimisedWalls]) -> OptimisedWalls:
    """Return what solving the walls of all fields again has come to; places near seams count in each field that sees them."""
    lengths = np.array([part.length_px.sum() for part in parts])
    top, bottom = (lengths @ np.array([part.lean_px for part in parts]) / lengths.sum()).tolist()
    places, taken, unsettled = (sum(getattr(part, name) for part in parts) for name in ("neighbourhoods", "taken", "unsettled_px"))
    names = "before_px", "after_px", "length_px", "at_px"
    before, after, length, at = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return OptimisedWalls(places, taken, unsettled, before, after, length, at, (top, bottom))
