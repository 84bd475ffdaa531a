"""Light of several engines in one print: each with its own decay and blur, on one grid; wavelengths add as shares of their Ec.

Doses of different wavelengths never add as mJ/cm². A point is solid where Σ E_λ/Ec_λ reaches 1: every light is counted in mJ/cm² of the
first engine's, by the factor Ec/Ec_λ, and falls with depth by its own Dp. What a coarser pixel gives is laid on the grid by area.
"""

from __future__ import annotations

import math

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import Window
from pmsl.cure import CureModel
from pmsl.errors import JobError
from pmsl.exposure.dose import irradiance_mw_cm2
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.optics import Gaussian, at_points, flat_field, psf_of
from pmsl.optics.grayscale import response
from pmsl.predict.light.job_light import LitLayer, reach_um
from pmsl.predict.light.window_blur import INSIDE_PX, Blur
from pmsl.predict.measure.edge_search import edges_along
from pmsl.predict.measure.row_dedup import DedupRows

SLIVER = 1e-9  # of a pixel: a share that is rounding


def shares_along(first_um: float, pitch_um: float, n: int, own_first_um: float, own_pitch_um: float, own_n: int) -> np.ndarray:
    """Return which share of each of n pixels lies in each of another row of pixels: (n, own_n) float64.

    Parameters
    ----------
    first_um, pitch_um : float
        Where the first pixel begins, and their width [µm].
    n : int
    own_first_um, own_pitch_um : float
        The same of the other row.
    own_n : int
    """
    edges = (first_um + pitch_um * np.arange(n + 1) - own_first_um) / own_pitch_um
    ends = np.arange(own_n + 1)
    inside = np.minimum(edges[1:, None], ends[None, 1:]) - np.maximum(edges[:-1, None], ends[None, :-1])
    return np.where(inside > SLIVER, inside, 0.0) * (own_pitch_um / pitch_um)


class EngineMirrors:
    """What one engine of a job gives, laid on a window of a grid.

    Parameters
    ----------
    job : PrintJob
    engine : int
    grid : Grid
    window : Window
        Of the grid: all that is lit must lie in it.
    unit_mj_cm2 : float
        Ec that doses are counted by: those of this engine take the factor of that over its own.
    """

    def __init__(self, job: PrintJob, engine: int, grid: Grid, window: Window, unit_mj_cm2: float) -> None:
        self.printer, self.grid, self.window = job.printer_of(engine), grid, window
        self.own, self.engine = job.engines[engine].grid, engine
        self.model = CureModel.of(job.resin_of(engine))
        name = job.engines[engine].name or str(engine)
        psf = psf_of(self.printer)
        if not (self.model.linear and isinstance(psf, Gaussian)):
            raise JobError(
                f"engine {name}: several light engines are predicted together for Gaussian blur and pure absorption, without induction, "
                "scatter, reciprocity, bleaching and with enclosed memory; look at the engines one by one"
            )
        self.scale = unit_mj_cm2 / self.model.threshold_mj_cm2
        ratio = self.own.pitch_um / grid.pitch_um
        self.psf = Gaussian((psf.sigma_px[0] * float(ratio[1]), psf.sigma_px[1] * float(ratio[0])), 1.0)
        self.blur = Blur(self.psf, window)
        self._relative = response(self.printer)
        self._flat = None if job.process.evened == "delegated" else flat_field(self.printer)
        self.out_of_focus: dict[int, float] = {}

    def light(self, plan: LayerPlan, e: Exposure) -> np.ndarray:
        """Return what all repeats of an exposure give, in the unit: (R, C) float32 of the window."""
        if e.offset_um != (0.0, 0.0):
            raise JobError(f"layer {plan.index}: an exposure with offset {e.offset_um} µm; several engines are predicted without so far")
        if e.focus_um != 0.0:
            self.out_of_focus[plan.index] = max(self.out_of_focus.get(plan.index, 0.0), e.focus_um, key=abs)
        out, own = np.zeros((self.window.rows, self.window.cols), np.float32), e.mask.window
        if e.mask.empty:
            return out
        white = e.repeat * e.time_s * irradiance_mw_cm2(self.printer, e.power) * self.scale
        dose = white * self._relative[e.mask.within(own)]
        if self._flat is not None:
            dose = dose * self._flat[own.row0 : own.row0 + own.rows, own.col0 : own.col0 + own.cols]
        down, across = (self._shares(axis, *span) for axis, span in ((1, (own.row0, own.rows)), (0, (own.col0, own.cols))))
        if abs(down.sum() * self.grid.pitch_um[1] / self.own.pitch_um[1] - own.rows) > 1e-6 or (
            abs(across.sum() * self.grid.pitch_um[0] / self.own.pitch_um[0] - own.cols) > 1e-6
        ):
            raise JobError(f"layer {plan.index}: engine {self.engine} lights pixels far outside the parts' box: masks and parts differ")
        out[:] = down @ dose @ across.T
        return out

    def _shares(self, axis: int, first: int, n: int) -> np.ndarray:
        """Return the shares along x (0) or y (1) of so many of the engine's pixels."""
        g, own, w = self.grid, self.own, self.window
        at, count = (w.col0, w.cols) if axis == 0 else (w.row0, w.rows)
        begins = float(g.origin_um[axis] + at * g.pitch_um[axis]), float(own.origin_um[axis] + first * own.pitch_um[axis])
        return shares_along(begins[0], float(g.pitch_um[axis]), count, begins[1], float(own.pitch_um[axis]), n)


class SeveralEngines:
    """Pure absorption of the light of several engines; parameters as of `job_light.Absorption`."""

    def __init__(self, job: PrintJob, model: CureModel, window: Window) -> None:
        self.model, self.window, self.grid = model, window, job.grid
        self._engines = [EngineMirrors(job, i, job.grid, window, model.threshold_mj_cm2) for i in range(len(job.engines))]
        decays = ((m, m.model.decay) for m in self._engines)
        self._terms = [(m, *term) for m, decay in decays for term in zip(decay.weights, decay.lengths_um, strict=True)]
        self._light = np.zeros((len(self._terms), window.rows, window.cols), np.float32)
        self._height_um = 0.0
        self.mirrors = self._engines[0]
        widest = max((m.psf for m in self._engines), key=lambda psf: max(psf.reach_px))
        self.limit_um, self.stride_um = reach_um(widest, job.grid.pitch_um)

    def add(self, plan: LayerPlan) -> LitLayer:
        """Take the next layer toward the plate."""
        lengths = np.array([length for *_, length in self._terms])
        light = self._light * np.exp(-self._height_um / lengths)[:, None, None].astype(np.float32)
        for e in plan.exposures:
            given = self._engines[e.engine].light(plan, e)
            self.mirrors.out_of_focus.update(self._engines[e.engine].out_of_focus)
            for t, (of, weight, _) in enumerate(self._terms):
                if of.engine == e.engine:
                    light[t] += np.float32(weight) * given
        self._light, self._height_um = light, plan.thickness_um
        height, threshold, share = plan.thickness_um, self.model.threshold_mj_cm2, self.model.flush_share
        seen = np.zeros_like(light)
        for t, (of, *_) in enumerate(self._terms):
            of.blur(light[t], seen[t])
        from pmsl.kernels.light import dose as kernels

        shape = light.shape[1:]
        dose, front, half = (np.zeros(shape, np.float32) for _ in range(3))
        kernels.front_of_sum(seen, share * threshold, height / lengths, dose, half)
        kernels.front_of_sum(seen, threshold, height / lengths, dose, front)
        fraction = np.exp(-0.5 * height / lengths)

        def find(points: np.ndarray, outward: np.ndarray) -> np.ndarray:
            return edges_along(lambda at: self._level(light, fraction, at), points, outward, self.stride_um, self.limit_um)

        def inside(rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self._inside(light, lengths / height, rows, cols)

        shift = -math.log(share) * float(lengths[0] / height)
        maps = dose, *DedupRows.whole(front)
        return LitLayer(plan.index, height, plan.z_top_um, *maps, shift, len(INSIDE_PX), inside, find, half, flush_share=share)

    def _level(self, light: np.ndarray, fraction: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the logarithm of the light half-way down a layer over the threshold, at any points."""
        at_zero = Window(0, 0, self.window.rows, self.window.cols)
        total = np.zeros(len(places))
        for t, (of, *_) in enumerate(self._terms):
            total += fraction[t] * at_points(light[t].astype(np.float64), at_zero, places, of.psf)
        return np.asarray(np.log(np.maximum(total / self.model.threshold_mj_cm2, 1e-12)))

    def _inside(self, light: np.ndarray, lengths: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Front at places inside pixels, see `LitLayer`."""
        from pmsl.kernels.light import dose as kernels

        terms = np.zeros((len(self._terms), len(rows), len(INSIDE_PX) ** 2), np.float32)
        for t, (of, *_) in enumerate(self._terms):
            of.blur.inside(light[t], rows, cols, terms[t])
        front = np.zeros(terms.shape[1:], np.float32)
        kernels.front_of_sum(terms, self.model.threshold_mj_cm2, 1.0 / lengths, np.zeros_like(front), front)
        return front, np.arange(len(rows), dtype=np.int32)


def reach_of_engines(job: PrintJob) -> tuple[int, int]:
    """Return how far the light of the engine with the widest blur reaches, in pixels (y, x) of the job's grid."""
    far = np.zeros(2)
    for i, engine in enumerate(job.engines):
        psf = psf_of(job.printer_of(i))
        own = np.array(psf.reach_px if isinstance(psf, Gaussian) else (8, 8))
        far = np.maximum(far, np.ceil(own * (engine.grid.pitch_um / job.grid.pitch_um)[::-1]) + 1)
    return int(far[0]), int(far[1])
