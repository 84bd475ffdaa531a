"""Corrector: parts, printer, resin and white doses → the corrected images of any layer, always the same bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import EMPTY, LayerMask, Window
from pmsl.core.part import Part, Solid, as_part
from pmsl.core.runs import runs_of
from pmsl.correct.block import Block, Setup, Solved
from pmsl.correct.found import assumed_memory, findings_of, overhang_findings
from pmsl.correct.law import LEFT, Law
from pmsl.correct.predicted import Prediction
from pmsl.correct.rows import Spot
from pmsl.correct.surface import FaceFinder
from pmsl.errors import UsageError
from pmsl.masks import MaskMaker, surface_heights
from pmsl.optics import flat_field, levels_of, psf_of, response
from pmsl.profiles import Printer, Resin

CORRECTIONS = ("edges", "printthrough", "flatfield")
FEWEST = 32  # layers of a block
KEPT = 3  # blocks


class Corrector:
    """Corrects the masks of a job so that side walls and faces land where they are designed.

    Layers are solved from the light side down, each knowing the light of those above it. So that any layer can be asked for
    alone, they are solved in fixed blocks, each begun `halo` layers above its last: bytes do not depend on the order of access
    or on threads.

    Parameters
    ----------
    parts : sequence of Solid or Part
    grid : Grid
        Of the printer's shape.
    printer : Printer
        Its point spread, flat field and gray response.
    resin : Resin
        dp_um, ec_mj_cm2 and memory: "printthrough" needs it stated, without it "edges" take it as enclosed.
    white_dose_mj_cm2 : (L,) array_like of float
        What a white pixel gets in each layer [mJ/cm²].
    corrections : sequence of str
        "edges": side walls, up to 30° from vertical. "printthrough": faces that look at the plate. "flatfield": evens the field.
    coverage : {"area", "volume"}
        What the gray of uncorrected pixels means.
    roof_layers : int
        0: over a face layers are white, then one is gray, then dark, which cures as much as can be. n: over the n layers next to it
        they are equally gray instead (the roof dose factor), where that is enough.
    block : int, optional
        Layers of a block, instead of at least 32 and twice the halo. Other blocks may give other bytes within `error_bound`.

    Raises
    ------
    UsageError
        No correction, an unknown one, one given twice, flatfield without a flat field, or a grid of another shape than the device.
    ExposureError
        A resin, printer or doses that corrections cannot reckon with.

    Attributes
    ----------
    halo : int
        Most layers on the light side that are solved with a block and not kept.
    error_bound : float
        Largest dose that layers beyond the halo would add, in Ec.
    block_layers : int
        Layers of a block: those of one block are solved by one thread, so give each thread a block.
    latency_layers : int
        Most layers that are solved when a first layer of a block is asked for.
    """

    def __init__(
        self,
        parts: Sequence[Solid | Part],
        grid: Grid,
        printer: Printer,
        resin: Resin,
        white_dose_mj_cm2: Sequence[float] | np.ndarray,
        corrections: Sequence[str] = ("edges", "printthrough"),
        coverage: Literal["area", "volume"] = "area",
        roof_layers: int = 0,
        block: int | None = None,
    ) -> None:
        self.corrections = _checked(corrections)
        _check_wishes(coverage, roof_layers, "printthrough" in self.corrections, block)
        if grid.shape != printer.dmd.shape.value:
            raise UsageError(f"the grid has {grid.shape} pixels, printer {printer.name} {printer.dmd.shape.value}; use its")
        self.grid, self._coverage = grid, coverage
        self._maker = MaskMaker(parts, grid, "area")
        self._volume = MaskMaker(parts, grid, "volume") if coverage == "volume" or "printthrough" in self.corrections else None
        self._even, self.dose_factor, flat = self._evened(parts, flat_field(printer))
        self._response = response(printer)
        self._setup: Setup | None = None
        self._memory_stated = resin.resin.memory is not None
        self.halo, self.error_bound, self.block_layers = 0, 0.0, block or FEWEST
        if self.corrections != ("flatfield",):
            faces, edges = "printthrough" in self.corrections, "edges" in self.corrections
            law = Law.of(resin, grid, np.asarray(white_dose_mj_cm2, dtype=np.float64), faces)
            finder = FaceFinder(self._volume.index, grid) if faces and self._volume is not None else None
            spot = Spot.of(psf_of(printer))
            self._setup = Setup(grid, law, spot, self._maker, finder, roof_layers, edges, flat, self._response)
            self.halo, self.error_bound = _halo(law, grid.n_layers)
            self.block_layers = block or max(FEWEST, 2 * self.halo)
        self.latency_layers = self.block_layers + self.halo
        self._blocks: OrderedDict[int, dict[int, Solved]] = OrderedDict()
        self._busy: dict[int, threading.Lock] = {}
        self._lock = threading.Lock()

    def images(self, k: int) -> list[tuple[LayerMask, float]]:
        """Return the corrected images of layer `k`: each a mask and the factor on the layer's white dose.

        Masks are what the device is asked to show: 8-bit gray levels, after the inverse of its response.
        """
        base = self._base(k)
        if self._setup is None:
            return [(self._levelled(base, None), self.dose_factor)]
        return [(self._levelled(base, self._solved(k)), self.dose_factor)]

    def findings(self, k: int) -> tuple[Finding, ...]:
        """Return what is doubtful about layer `k`; see `job_findings` for the rest."""
        return () if self._setup is None else findings_of(self._solved(k).prediction, self.grid, k)

    def job_findings(self) -> tuple[Finding, ...]:
        """Return what is doubtful before any layer."""
        setup = self._setup
        if setup is None:
            return ()
        found = () if self._memory_stated else (assumed_memory(),)
        return found if setup.finder is None else found + overhang_findings(setup.finder, setup.law, self.grid)

    def prediction(self, k: int) -> Prediction:
        """Return what is predicted of layer `k`: doses on its walls, errors of its faces also for other memory, Ec and Dp."""
        return Prediction.nothing() if self._setup is None else self._solved(k).prediction

    def _solved(self, k: int) -> Solved:
        """Return layer k's solution; its block is solved once, by the first thread that asks."""
        assert self._setup is not None
        number = k // self.block_layers
        with self._lock:
            busy = self._busy.setdefault(number, threading.Lock())
        with busy:
            with self._lock:
                found = self._blocks.get(number)
                if found is not None:
                    self._blocks.move_to_end(number)
            if found is None:
                first = number * self.block_layers
                block = Block(self._setup, first, min(first + self.block_layers, self.grid.n_layers))
                found = {layer.index: layer for layer in block.layers()}
                with self._lock:
                    self._blocks[number] = found
                    while len(self._blocks) > KEPT:
                        self._blocks.popitem(last=False)
        return found[k]

    def _base(self, k: int) -> LayerMask:
        """Return the mask of layer k before corrections; a surface inside the slab that faces the light is on if it fills half of it."""
        if self._coverage == "area" or self._volume is None:
            return self._maker.mask(k)
        mask = self._volume.mask(k)
        heights = surface_heights(self._volume, self._volume.grid, k)
        up = heights.up_share >= 0.5
        levels = mask.dense(np.uint16)
        row, col = heights.row[up], heights.col[up]
        levels[row, col] = np.where(levels[row, col] >= 32768, 65535, 0)
        return LayerMask.from_dense(k, levels)

    def _levelled(self, base: LayerMask, solved: Solved | None) -> LayerMask:
        """Return the mask the device is asked for: levels near surfaces, evened, after the inverse response."""
        k, (rows, cols) = base.index, self.grid.shape
        levels = base.dense(np.uint16)
        plain = np.array_equal(self._response, np.arange(256) / 255)
        if solved is not None:
            light = (self._response[solved.levels] * 65535 + 0.5).astype(np.uint16)
            levels[solved.pixels.row, solved.pixels.col] = 257 * solved.levels.astype(np.uint16) if self._even is None else light
        if self._even is not None:
            asked = levels_of(levels * (self._even / 65535.0), self._response).astype(np.uint16) * np.uint16(257)
            return LayerMask.from_dense(k, asked)
        if not plain:
            table = levels_of(np.arange(65536) / 65535.0, self._response).astype(np.uint16) * np.uint16(257)
            kept = levels.copy()
            levels = table[levels]
            if solved is not None:
                levels[solved.pixels.row, solved.pixels.col] = kept[solved.pixels.row, solved.pixels.col]
        window = _around(base.window, EMPTY if solved is None else solved.pixels.window, (rows, cols))
        return LayerMask.from_runs(k, (rows, cols), window.row0, runs_of(levels, window))

    def _evened(self, parts: Sequence[Solid | Part], flat: np.ndarray | None) -> tuple[np.ndarray | None, float, np.ndarray | None]:
        """Return the gray that evens the field (or None), the factor on the white dose, and the unevenness that is left."""
        if "flatfield" not in self.corrections:
            return None, 1.0, flat
        if flat is None:
            raise UsageError(
                "correction flatfield: the printer gives no optics.flat_field to even out; measure one, or leave flatfield out"
            )
        boxes = np.array([as_part(p).bounds_um()[:, :2] for p in parts])
        low = np.floor((boxes[:, 0].min(axis=0) - self.grid.origin_um) / self.grid.pitch_um).astype(int) - 4
        high = np.ceil((boxes[:, 1].max(axis=0) - self.grid.origin_um) / self.grid.pitch_um).astype(int) + 4
        rows, cols = self.grid.shape
        window = Window(max(low[1], 0), max(low[0], 0), min(high[1], rows), min(high[0], cols))
        least = float(flat[window.row0 : window.rows, window.col0 : window.cols].min())
        return np.minimum(least / flat, 1.0), 1.0 / least, None


def _around(a: Window, b: Window, shape: tuple[int, int]) -> Window:
    """Return the smallest window of the field that holds both; empty ones do not count."""
    given = [w for w in (a, b) if w.rows and w.cols]
    if not given:
        return EMPTY
    row0, col0 = max(min(w.row0 for w in given), 0), max(min(w.col0 for w in given), 0)
    rows = min(max(w.row0 + w.rows for w in given), shape[0]) - row0
    cols = min(max(w.col0 + w.cols for w in given), shape[1]) - col0
    return Window(row0, col0, rows, cols) if rows > 0 and cols > 0 else EMPTY


def _checked(corrections: Sequence[str]) -> tuple[str, ...]:
    """Return the corrections in the house's order; refuses none, unknown ones and repetitions."""
    given = [corrections] if isinstance(corrections, str) else list(corrections)
    unknown = [c for c in given if c not in CORRECTIONS]
    if unknown:
        raise UsageError(f"correction {unknown[0]!r} is not one of {', '.join(CORRECTIONS)}")
    if not given or len(set(given)) < len(given):
        raise UsageError(f"corrections {given} name none, or one twice; name each of {', '.join(CORRECTIONS)} at most once")
    return tuple(c for c in CORRECTIONS if c in given)


def _check_wishes(coverage: str, roof_layers: int, faces: bool, block: int | None) -> None:
    """Refuse what is not offered."""
    if coverage not in ("area", "volume"):
        raise UsageError(f"coverage {coverage!r} is not one of area, volume")
    if roof_layers < 0 or (roof_layers and not faces):
        raise UsageError(f"roof_layers is {roof_layers}; it is 0 or more, and above 0 only with printthrough")
    if block is not None and block < 1:
        raise UsageError(f"block is {block}; a block has 1 layer or more")


def _halo(law: Law, n_layers: int) -> tuple[int, float]:
    """Return the most layers that a halo has, and the largest dose [Ec] of the layers beyond it."""
    tops = [law.halo_top(k) for k in range(n_layers)]
    beyond = (LEFT * law.most_mj_cm2[top] / law.ec_mj_cm2 for top in tops if top < n_layers)
    return max(top - 1 - k for k, top in enumerate(tops)), float(max(beyond, default=0.0))
