"""One simulated layer after the other, held against the design."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import Window
from pmsl.core.runs import painted
from pmsl.cure import CureModel
from pmsl.job.print_job import PrintJob
from pmsl.job.printer_optics import landed
from pmsl.kernels.light.dose import NOTHING
from pmsl.kernels.solve.pixel_flags import RECALLED
from pmsl.predict import findings
from pmsl.predict.features.channels import openings
from pmsl.predict.features.lost_features import LostFeatures
from pmsl.predict.features.ports import Outside
from pmsl.predict.light.event_model import Layered
from pmsl.predict.light.job_light import NO_MAP, Absorption, LitLayer, focus_findings
from pmsl.predict.measure.design_layers import DesignLayer, DesignLayers
from pmsl.predict.measure.face_matching import FaceMatcher
from pmsl.predict.measure.weighted_quantiles import DOSE_BINS, CentredHistogram, dose_edges, dose_quantiles
from pmsl.predict.model_facts import model_facts
from pmsl.predict.prediction import QUANTILES, DoseHistogram, Prediction
from pmsl.predict.remedies import remedies_of

if TYPE_CHECKING:
    from pmsl.predict.light.engines_light import SeveralEngines

EPE_STEP_PX = 2.0**-14
INSIDE_PX = 1e-2  # beside a probe: a pixel wholly solid there says that the wall lies inside another shell
DARK = 1e-6  # of the threshold: darker void counts as not lit


@dataclass(frozen=True, slots=True, eq=False)
class SeenLayer:
    """One layer as those who watch a simulation see it; what it holds is overwritten when the next one is taken.

    Attributes
    ----------
    lit : LitLayer
        Dose and cure front.
    design : DesignLayer or None
    window : Window
        Pixels of the grid the maps cover.
    threshold_mj_cm2 : float
    """

    lit: LitLayer
    design: DesignLayer | None
    window: Window
    threshold_mj_cm2: float

    @property
    def design_share(self) -> np.ndarray:
        """(R, C) float32: the designed share of every voxel."""
        assert self.design is not None
        row0, col0, rows, cols = self.window
        return self.design.mask.dense(np.float32)[row0 : row0 + rows, col0 : col0 + cols]


def cure_sum(job: PrintJob, window: Window, ahead: int) -> Absorption | Layered | SeveralEngines:
    """Return what adds up the exposures of a job, so many layers ahead: at the mirrors where the blur can wait, else event by event."""
    model = CureModel.of(job.resin_of(0))
    if len(job.engines) > 1:
        from pmsl.predict.light.engines_light import SeveralEngines  # few jobs have several

        return SeveralEngines(job, model, window)
    return Absorption(job, model, window, ahead) if model.linear and not job.drawn else Layered(job, model, window)


class Comparison:
    """Adds a job up layer by layer and compares each with the design.

    Parameters
    ----------
    job : PrintJob
    design : DesignLayers
    window : Window
    ahead : int
        How many layers may be lit while one is compared.
    """

    def __init__(self, job: PrintJob, design: DesignLayers, window: Window, ahead: int) -> None:
        self.job, self.design, self.window = job, design, window
        self.sum = cure_sum(job, window, ahead)
        self.columns, self.lost = FaceMatcher(window), LostFeatures(job.grid, window)
        self.pitch = np.array(job.grid.pitch_um)
        px = float(self.pitch.min())
        self.edges = CentredHistogram(EPE_STEP_PX * px, self.sum.limit_um + px)
        self.probes = 0
        self.sums, self.solid, self.void = np.zeros(6), np.zeros(DOSE_BINS, np.int64), np.zeros(DOSE_BINS, np.int64)
        self.volumes = np.zeros(6)
        n = window.rows * window.cols
        self._missing, self._uneven = np.zeros((3, n), np.int32), np.zeros((3, n), np.int32)
        self._states = np.zeros((3, 3, (window.cols + 7) // 8 * 8), np.uint8)
        self._calm = np.zeros((3, -(-window.cols // RECALLED)), np.int32)
        self._uneven_design, self._counts = np.zeros(n, np.float32), np.zeros(2, np.int64)

    def add(self, lit: LitLayer, edges_um: np.ndarray, here: DesignLayer, below: DesignLayer | None) -> SeenLayer:
        """Take the next layer toward the plate as `cure_sum` lit it, where its edges are, its design and that of the layer below it."""
        if lit.index == self.job.n_layers - 1:
            self.columns.stamp(here.walls_px, lit.index)
            self._add_above(lit)
        if below is not None:
            self.columns.stamp(below.walls_px, lit.index - 1)
        n, between = self._compare(lit, here)
        self.lost.add(lit, self._missing[:, :n], between, here.mask, self.columns.slot)
        self.columns.match(lit, here.surface)
        self.edges.add(edges_um)
        self.probes += len(edges_um)
        return SeenLayer(lit, here, self.window, self.sum.model.threshold_mj_cm2)

    def _add_above(self, lit: LitLayer) -> None:
        """Compare what sticks out above the last layer with nothing printed."""
        above = self.design.above()
        if above is not None:
            surface, height_um, voxels = above
            nothing = np.full((1, self.window.cols), NOTHING, np.float32)
            dark = nothing, np.zeros(self.window.rows, np.int32)
            empty = replace(lit, index=lit.index + 1, z_top_um=lit.z_top_um + height_um, height_um=height_um, half=NO_MAP)
            self.columns.match(replace(empty, kept_front=dark[0], held=dark[1]), surface)
            self.volumes[[1, 3]] += voxels * height_um

    def _compare(self, lit: LitLayer, here: DesignLayer) -> tuple[int, np.ndarray]:
        """Compare; return how many pixels are missing or filled, and (2, m) pixels of which only something beside the middle is printed."""
        from pmsl.kernels.compare import compare_voxels

        runs, window = here.mask.runs(), self.window
        self.sums[:] = 0.0
        steady, calm, calm_dose = self._calm
        arrays = compare_voxels.VoxelComparisonArrays(
            front=lit.kept_front, half=lit.half, held=lit.held, states=self._states, eight=self._states.view(np.uint64), steady=steady,
            calm=calm, calm_dose=calm_dose, shift=lit.shift, bits=lit.kept_dose.view(np.int32), recalled=lit.recalled,
            z_top=lit.z_top_um, height=lit.height_um, row_start=runs.row_start, col=runs.col, length=runs.length, level=runs.value,
            row0=here.mask.window.row0 - window.row0, col0=-window.col0, sums=self.sums, solid=self.solid, void=self.void,
            slot=self.columns.slot, records=self.columns.records, low=self.columns.low, lost=self._missing, edge=self._uneven,
            edge_design=self._uneven_design, counts=self._counts,
        )  # fmt: skip
        compare_voxels.compare(*arrays)
        lost, listed = self._counts.tolist()
        between = self._compare_edges(lit, here, listed)
        self.volumes += self.sums * lit.height_um
        return int(lost), between

    def _compare_edges(self, lit: LitLayer, here: DesignLayer, listed: int) -> np.ndarray:
        """Look into the pixels that `compare_voxels.compare` listed."""
        from pmsl.kernels.compare import compare_subpixel

        ours, edge, share, n = self.columns, self._uneven, self._uneven_design, lit.points
        inside, which = lit.inside(*edge[:2, :listed])
        found, corners, partly = np.empty((len(inside), 4)), np.empty(n * n), np.empty(listed, np.int64)
        places = inside, which, found, corners, n
        maps = lit.kept_front, lit.half, lit.held, lit.shift
        left = compare_subpixel.compare_edges(*places, edge, share, *maps, self.sums, ours.slot, ours.records, partly)
        partly, within = partly[:left], here.within
        designed = within.cells(edge[0, partly], edge[1, partly], self.window)
        pieces = np.empty(len(within.plane) * designed.shape[2])
        compare_subpixel.common(*places, share, partly, designed, within.depths, within.plane, pieces, self.sums)
        lit_partly = np.flatnonzero(found[which, 0] > 0.0) if self._counts[0] else partly[:0]
        rows, cols = edge[:2, lit_partly]
        return np.asarray(edge[:2, lit_partly[lit.kept_front[lit.held[rows], cols] <= 0.0]])

    def edges_um(self, lit: LitLayer, here: DesignLayer) -> np.ndarray:
        """Find the printed edges of a layer at every probe, as `LitLayer.edges`; nothing is counted yet."""
        points, outward = probes_along(here.walls_px, self.pitch)
        if self.design.many_shells and len(points) and not here.mask.empty:
            kept = self._on_surface(points, outward, here)
            points, outward = points[kept], outward[kept]
        return lit.edges(points - (self.window.row0, self.window.col0), outward) if len(points) else np.zeros(0)

    def _on_surface(self, points: np.ndarray, outward: np.ndarray, here: DesignLayer) -> np.ndarray:
        """Tell which probes lie on the surface of the united shells: the pixel just outside of them is not full."""
        runs, window = here.mask.runs(), here.mask.window
        levels = painted(runs._replace(col=runs.col - np.int32(window.col0)), runs.value, 0, (window.rows, window.cols))
        beside = np.floor(points + INSIDE_PX * self.pitch.min() * outward).astype(np.int64) - (window.row0, window.col0)
        inside = np.clip(beside, 0, np.array(levels.shape) - 1)
        return np.asarray((levels[inside[:, 0], inside[:, 1]] < 65535) | (inside != beside).any(axis=1))

    def result(self) -> Prediction:
        """Return what was found, after the last layer."""
        voids = self.columns.finish()
        px2 = self.job.grid.pixel_um2
        volume = self.volumes * px2
        outside = Outside(self.columns.rim, self.columns.shut, self.lost.plugged)
        channels, lost = openings(voids, self.design, self.window, outside), self.lost.features()
        if (field_map := self.job.printer.field_map) is not None:
            for item in (*channels, *lost):
                item["box_um"] = [list(corner) for corner in field_map.landed_box_um(item["box_um"])]
        edges, (missed, merged) = self.edges, self.edges.missed.tolist()
        walls = {"median": edges.median(), "median_abs": edges.absolute(0.5), "p95_abs": edges.absolute(0.95)}
        walls |= {"probes": self.probes, "lost": missed, "merged": merged}
        faces = {
            "up": _z_error(self.columns.up, px2, self.columns.tallies[:2]),
            "down": _z_error(self.columns.down, px2, self.columns.tallies[2:]),
        }
        return Prediction(
            iou=float(volume[0] / volume[1]) if volume[1] > 0 else None,
            design_um3=float(volume[3]),
            printed_um3=float(volume[2]),
            outside_um3=float(volume[4]),
            gelled_void_um3=float(volume[5]),
            epe_um=walls,
            z_error_um=faces,
            openings=channels,
            lost=lost,
            dose_mj_cm2=self._doses(),
            model=model_facts(self.job, self.sum.model, not isinstance(self.sum, Layered), self.window),
            findings=(*self._of_profiles(), *self._of_shapes(walls, faces, channels, lost)),
        )

    def _of_shapes(self, walls: dict[str, Any], faces: dict[str, Any], channels: list[Any], lost: list[Any]) -> Iterator[Finding]:
        """Say as findings what matters of the print."""
        grid, last, low = self.job.grid, self.job.n_layers - 1, findings.low_doses(self.job)
        remedies = remedies_of(self.job)
        yield from findings.of_lost(lost, grid, remedies, low)
        yield from findings.of_openings(channels, grid, remedies, self.sum.model.flush_share)
        pitch_um, layer_um = float(grid.pitch_um.min()), float(np.median(grid.thickness_um))
        tallies = {"wall": self.edges, "up": self.columns.up, "down": self.columns.down}
        errors = findings.of_errors(walls, faces, tallies, pitch_um, layer_um, self.design.box_um(), (0, last), remedies, low)
        yield from landed(errors, self.job.printer)

    def _doses(self) -> dict[str, Any]:
        """Quantiles of doses in solid and void, and the histogram."""
        model = self.sum.model
        shares = tuple(QUANTILES.values())
        self.void[: np.searchsorted(dose_edges(), DARK * model.threshold_mj_cm2)] = 0
        used = np.flatnonzero(self.solid + self.void)
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 0)
        edges = dose_edges()[first : last + 1]
        return {
            "threshold": model.threshold_mj_cm2,
            "ec": model.ec_mj_cm2,
            "solid": dict(zip(QUANTILES, dose_quantiles(self.solid, shares), strict=True)),
            "void": dict(zip(QUANTILES, dose_quantiles(self.void, shares), strict=True)),
            "histogram": DoseHistogram(edges, self.solid[first:last].copy(), self.void[first:last].copy()),
        }

    def _of_profiles(self) -> Iterator[Finding]:
        """Say what the prediction rests on."""
        if self.job.resin.resin.memory is None:
            yield Finding(
                code="memory-assumed",
                severity="info",
                message=f"resin {self.job.resin.name} does not say what recoating does: liquid is taken to keep its dose (memory = "
                '"enclosed"), as in closed channels; in open overhangs less is cured',
            )
        if not self.job.calibrated:
            yield Finding(
                code="not-calibrated",
                severity="warning",
                message=f"the prediction rests on placeholder values for {', '.join(self.job.placeholders)}: "
                "measure these before you trust it",
            )
        yield from focus_findings(self.sum.mirrors.out_of_focus)
        if self.columns.voids_left_out:
            yield Finding(
                code="openings-incomplete",
                severity="warning",
                message="so many columns lie below roofs that openings were looked for in the lower part only",
                value=float(self.columns.voids_left_out),
                limit=0.0,
                unit="px",
            )


def _z_error(tally: CentredHistogram, px2: float, without: np.ndarray) -> dict[str, Any]:
    return {
        "median": tally.median(),
        "median_abs": tally.absolute(0.5),
        "p95_abs": tally.absolute(0.95),
        "area_um2": tally.weight * px2,
        "merged_um2": float(without[0]) * px2,
        "lost_um2": float(without[1]) * px2,
    }


def probes_along(walls_px: np.ndarray, pitch_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Set a probe at every pixel of length of walls.

    Returns
    -------
    (P, 2) float64, (P, 2) float64
        Places (y, x) in pixels, and what a place moves by for 1 µm out of the solid.
    """
    from pmsl.kernels._compiler.jit import call
    from pmsl.kernels.compare import edge_probes

    lengths = np.hypot((walls_px[:, 2] - walls_px[:, 0]) * pitch_um[0], (walls_px[:, 3] - walls_px[:, 1]) * pitch_um[1])
    room = int(lengths.sum() / pitch_um.min()) + 2
    points, outward = np.zeros((room, 2)), np.zeros((room, 2))
    n = call(edge_probes.probes, room, walls_px, len(walls_px), pitch_um, 0.5, points, outward)
    return points[:n], outward[:n]
