"""Corrector: parts, printer, resin and white doses → the corrected images of any layer, always the same bytes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, around, in_field
from pmsl.correct.corrector_arguments import CORRECTIONS as CORRECTIONS
from pmsl.correct.corrector_arguments import check_arguments, check_plain, checked
from pmsl.correct.exchange_iteration import SettledExchange, settled
from pmsl.correct.face_prediction import FacePrediction
from pmsl.correct.findings import assumed_memory, findings_of, light_findings, overhang_findings, relief_findings
from pmsl.correct.optimise.optimise_findings import optimised_findings
from pmsl.correct.prediction_cases import PredictionCases
from pmsl.correct.solved_blocks import SolvedBlocks
from pmsl.correct.solver.attenuation import Law, check_relief
from pmsl.correct.solver.layer_block import Block, LayerSolution
from pmsl.correct.solver.robust_dose import PossibleResin
from pmsl.correct.solver.solver_setup import SolverSetup
from pmsl.correct.solver.target_surfaces import FaceFinder
from pmsl.correct.solver.wide_spots import spot_of
from pmsl.cure import CureModel
from pmsl.errors import UsageError
from pmsl.masks import VolumeMasks, masks_of, surface_heights
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.optics import flat_field, psf_of
from pmsl.optics.grayscale import fine_levels_of, response
from pmsl.profiles import Printer, Resin
from pmsl.profiles.process import surfaces_placed

FEWEST = 32  # layers of a block


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
        "edges": side walls, up to 30° from vertical. "printthrough": faces that look at the plate. "flatfield" beside them: the
        field will be evened out, by `pmsl.correct.flat_field` or the host, and counts as even here. "robust" beside them: grays for
        which the worst of all resins that the profile may stand for is least off (`PredictionCases.robust`). "optimise": both, unless
        edges alone are named, and levels near walls that these leave off, at corners, tips and features under 3 px, are solved again
        together; not beside "robust".
    coverage : {"area", "volume"}
        What the gray of uncorrected pixels means.
    roof_layers : int
        0: over a face layers are white, then one is gray, then dark, which cures as much as can be. n: over the n layers next to it
        they are equally gray instead (the roof dose factor), where that is enough and leaves nothing liquid between them.
    block : int, optional
        Layers of a block, instead of at least 32 and twice the halo. Other blocks may give other bytes within `error_bound`.

    Raises
    ------
    UsageError
        Neither edges, printthrough nor optimise, an unknown correction, one given twice, or a grid of another shape than the device.
    ExposureError
        A resin, printer or doses that corrections cannot reckon with.

    Attributes
    ----------
    halo : int
        Most layers on the light side that are solved with a block and not kept.
    error_bound : float
        Largest dose that layers beyond the halo would add, in Ec.
    block_layers : int
        Layers of a block: those of one block are solved by one thread. A thread that has to wait for one has the next solved meanwhile.
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
        self.corrections = checked(corrections)
        optimise, placed = "optimise" in self.corrections, surfaces_placed(self.corrections)
        faces, edges = "printthrough" in placed, "edges" in placed
        check_arguments(coverage, roof_layers, faces, block)
        if grid.shape != printer.field_px:
            raise UsageError(f"the grid has {grid.shape} pixels, printer {printer.name} {printer.field_px}; use its")
        self.grid, self._coverage = grid, coverage
        self._maker = masks_of(parts, grid, "area")
        self._volume = VolumeMasks(parts, grid)
        self._response = response(printer)
        self._memory_stated = resin.resin.memory is not None
        law = Law.of(resin, grid, np.asarray(white_dose_mj_cm2, dtype=np.float64), faces)
        finder, cases = FaceFinder(self._volume.index.whole(), grid), PredictionCases.of(resin, law)
        flat = None if "flatfield" in self.corrections else flat_field(printer)
        robust = tuple(PossibleResin(case.law, case.renewal) for case in cases.robust(resin)) if "robust" in self.corrections else ()
        if robust:
            law = law.widest()
        if roof_layers:
            check_relief(law, roof_layers, robust=bool(robust), optimise=optimise)
        spot = spot_of(psf_of(printer), law, grid, bool(robust))
        if optimise:
            check_plain(law, spot)
        self._setup = SolverSetup(
            grid, law, spot, self._maker, finder, cases, roof_layers, edges, faces, flat, self._response, None, robust, optimise
        )
        self.halo, self.error_bound = law.halo()
        self.block_layers = block or max(FEWEST, 2 * self.halo)
        self.latency_layers = self.block_layers + self.halo
        self._blocks = SolvedBlocks(self._solve, self.block_layers, grid.n_layers)
        self._by_contact = CureModel.of(resin) if law.memory == "contact" else None
        self._settled: SettledExchange | None = None
        self._settling = threading.Lock()

    @property
    def cases(self) -> PredictionCases:
        """What walls and faces are predicted for."""
        return self._setup.cases

    @property
    def reach_px(self) -> int:
        """How far from a surface pixels are placed for it."""
        return self._setup.spot.reach

    @property
    def exchange(self) -> SettledExchange | None:
        """What recoats exchange, by contact: found, once for the job, when it is first asked for; None with any other memory."""
        if self._by_contact is None:
            return None
        with self._settling:
            if self._settled is None:
                self._settled = settled(self._setup, self._by_contact, self._base, self._levelled, self.block_layers)
                self._setup = replace(self._setup, exchange=self._settled.exchange)
            return self._settled

    def images(self, k: int) -> list[tuple[LayerMask, float]]:
        """Return the corrected images of layer `k`: each a mask and the factor on the layer's white dose.

        Masks are what the device is asked to show: 8-bit gray levels, after the inverse of its response.

        Parameters
        ----------
        k : int
            Layer, from 0.
        """
        return [(self._levelled(self._base(k), self._blocks.layer(k)), 1.0)]

    def layers_up_to_the_last_lit(self) -> int:
        """Count the layers up to the last one with light; each is solved as the last of the job, for those above it are not printed."""
        return next((n for n in range(self.grid.n_layers, 0, -1) if not self.last_mask(n).black_at_8_bit), 0)

    def solved_block(self, number: int) -> Iterator[tuple[LayerMask, LayerSolution]]:
        """Yield the corrected mask and the solution of every layer of a block, from its last; they are not kept here.

        Parameters
        ----------
        number : int
            Of the block: layer k is in block ``k // block_layers``.
        """
        first = number * self.block_layers
        for solved in Block(self._setup, first, min(first + self.block_layers, self.grid.n_layers)).layers():
            yield self._levelled(self._base(solved.index), solved), solved

    def last_mask(self, n_layers: int) -> LayerMask:
        """Return the corrected mask of the last layer of a job, where those above it are not printed.

        Parameters
        ----------
        n_layers : int
            Of that job.
        """
        (solved,) = Block(self._setup.up_to(n_layers), n_layers - 1, n_layers).layers()
        return self._levelled(self._base(n_layers - 1), solved)

    def findings(self, k: int) -> tuple[Finding, ...]:
        """Return what is doubtful about layer `k`; see `job_findings` for the rest.

        Parameters
        ----------
        k : int
            Layer, from 0.
        """
        setup, solved = self._setup, self._blocks.layer(k)
        light = findings_of(solved.prediction, setup.cases, self.grid, k, setup.printthrough)
        return light + optimised_findings(solved.optimised, self.grid, k)

    def first_findings(self) -> tuple[Finding, ...]:
        """Return the findings of the layers that are solved first, those of one block: what a user sees before any layer is made."""
        return tuple(f for k in range(min(self.block_layers, self.grid.n_layers)) for f in self.findings(k))

    def job_findings(self) -> tuple[Finding, ...]:
        """Return what is doubtful before any layer."""
        setup = self._setup
        found = (() if self._memory_stated else (assumed_memory(),)) + light_findings(self._maker.index.whole(), self.grid)
        if not setup.printthrough:
            return found
        return found + overhang_findings(setup.finder, setup.law, self.grid) + relief_findings(setup.finder, setup.law, setup.roof_layers)

    def prediction(self, k: int) -> FacePrediction:
        """Return what is predicted of layer `k`: doses on its walls, errors of its faces also for other memory, Ec and Dp.

        Parameters
        ----------
        k : int
            Layer, from 0.
        """
        return self._blocks.layer(k).prediction

    def _solve(self, number: int) -> dict[int, LayerSolution]:
        """Solve a block; what recoats exchange comes before the first one."""
        if self._settled is None:
            _ = self.exchange
        first = number * self.block_layers
        block = Block(self._setup, first, min(first + self.block_layers, self.grid.n_layers))
        return {layer.index: layer for layer in block.layers()}

    def _base(self, k: int) -> LayerMask:
        """Return the mask of layer k before corrections; a surface inside the slab that faces the light is on if it fills half of it."""
        if self._coverage == "area":
            return self._maker.mask(k)
        mask = self._volume.mask(k)
        heights = surface_heights(self._volume, self._volume.grid, k)
        up = heights.up_share >= 0.5
        levels = mask.dense(np.uint16)
        row, col = heights.row[up], heights.col[up]
        levels[row, col] = np.where(levels[row, col] >= 32768, 65535, 0)
        return LayerMask.from_dense(k, levels)

    def _levelled(self, base: LayerMask, solved: LayerSolution) -> LayerMask:
        """Return the mask the device is asked for: levels near surfaces, and of others the inverse response of their coverage."""
        pixels = solved.pixels
        window = in_field(around((base.window, pixels.window)), self.grid.shape)
        levels = np.require(base.within(window, np.uint16), requirements="W")
        if not np.array_equal(self._response, np.arange(256) / 255):
            levels = fine_levels_of(np.arange(65536) / 65535, self._response)[levels]
        levels[pixels.row - window.row0, pixels.col - window.col0] = 257 * solved.levels.astype(np.uint16)
        return LayerMask.from_window(base.index, self.grid.shape, window, levels)
