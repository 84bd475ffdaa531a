"""A job's exposures from the light side down → dose and cure front of every layer, at the exposure plane.

Pure absorption, with one or several decays: every layer has the same blur, so the blur is taken after the layers are added up. Adding up is
one map a decay, at the mirrors; the dose anywhere, also inside a pixel, is that map seen through the blur. Scatter, induction, reciprocity,
bleaching and open memory do not let the blur wait: `pmsl.predict.light.event_model` adds up blurred events for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import Window
from pmsl.core.runs import Runs
from pmsl.cure import CureModel
from pmsl.cure.model import FLUSH_SHARE
from pmsl.errors import JobError
from pmsl.exposure.dose import irradiance_mw_cm2
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.optics import Gaussian, Psf, at_points, flat_field, psf_of
from pmsl.optics.grayscale import response
from pmsl.predict.light.window_blur import INSIDE_PX, NO_BLOCKS, TABLE_PER_PX, Blur
from pmsl.predict.measure.edge_search import edges_along
from pmsl.predict.measure.row_dedup import DedupRows

DARK = 1e-12  # of Ec: less light is none
NO_MAP = np.zeros((0, 0), np.float32)
Finder = Callable[[np.ndarray, np.ndarray], np.ndarray]
Insides = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class LitLayer:
    """One layer once all layers on its light side are exposed.

    Maps are overwritten when the next layer is taken, `kept_front` and `held` two layers later.

    Attributes
    ----------
    index : int
    height_um, z_top_um : float
        Thickness and exposure plane [µm].
    kept_dose : (R, C) float32
        In the middle of every pixel of the window, at the exposure plane [mJ/cm²]; effective dose where the resin has induction.
    kept_front : (R, C) float32
        Cured thickness in slabs, gone on beyond the slab (`pmsl.kernels.light.dose`).
    held : (R,) int32
        Which row of these two (and of `half`) holds each, see `pmsl.kernels.compare.row_dedup`.
    half : (R, C) float32, or (0, 0)
        The same for what is too thick to be flushed (`flush_share` of the threshold); without it ``front + shift``.
    recalled : (R, B) uint8, or (0, 0)
        See ``pmsl.kernels.light.blur_reuse.see_one``.
    shift : float
        See ``pmsl.kernels.compare.compare_voxels.compare``.
    points : int
        Places known inside a pixel along each axis.
    inside : callable
        (E,) rows and columns of pixels of the window, row by row → (U, points²) float32, the front at even places from border to border,
        and (E,) int32, which of them each pixel has; new ones in turn.
    edges : callable
        (P, 2) points (y, x) in pixels of the window and (P, 2) outward normals [px/µm] → (P,) signed distances of the printed edge at half
        height [µm]; inf where the solid goes on, -inf where there is none.
    """

    index: int
    height_um: float
    z_top_um: float
    kept_dose: np.ndarray
    kept_front: np.ndarray
    held: np.ndarray
    shift: float
    points: int
    inside: Insides
    edges: Finder
    half: np.ndarray = field(default_factory=lambda: NO_MAP)
    recalled: np.ndarray = field(default_factory=lambda: NO_BLOCKS)
    flush_share: float = FLUSH_SHARE

    @property
    def dose(self) -> np.ndarray:
        """(R, C) float32 [mJ/cm²]: every row of `kept_dose`."""
        return np.asarray(self.kept_dose[self.held])

    @property
    def front(self) -> np.ndarray:
        """(R, C) float32: every row of `kept_front`."""
        return np.asarray(self.kept_front[self.held])

    @property
    def cured_um(self) -> np.ndarray:
        """(R, C) float32 [µm]: cured thickness, hanging from the exposure plane."""
        return self.cured_of(self.front)

    def cured_of(self, front: np.ndarray) -> np.ndarray:
        """Return the cured thickness where the front is so [µm]."""
        return np.asarray(np.clip(front, 0.0, 1.0) * np.float32(self.height_um))


class Mirrors:
    """What the mirrors of one engine give: dose of an exposure in a window of the field.

    Parameters
    ----------
    job : PrintJob
    window : Window
        All that is lit must lie in it.

    Attributes
    ----------
    out_of_focus : dict of int to float
        Layers with an exposure out of focus, and by how much it is [µm].
    """

    def __init__(self, job: PrintJob, window: Window) -> None:
        self.job, self.window = job, window
        self.relative = response(job.printer)
        self.least = float(DARK * job.resin.resin.ec_mj_cm2.value)
        flat = None if job.process.evened == "delegated" else flat_field(job.printer)  # the host evens it
        row0, col0, rows, cols = window
        self.out_of_focus: dict[int, float] = {}
        self.flat = NO_MAP if flat is None else np.ascontiguousarray(flat[row0 : row0 + rows, col0 : col0 + cols], np.float32)

    def levels_mj_cm2(self, exposure: Exposure) -> np.ndarray:
        """Return the dose of every gray level of one event: (256,) float32 [mJ/cm²]."""
        white = exposure.time_s * irradiance_mw_cm2(self.job.printer, exposure.power)
        return np.asarray(white * self.relative, np.float32)

    def fall(self, before: DedupRows, light: DedupRows, factor: float) -> None:
        """Write ``factor * before`` into `light`."""
        from pmsl.kernels.light import dose

        none = Runs(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8))
        dose.advance(*before, *light, float(factor), self.least, 0.0, *none, np.zeros(256, np.float32), 0, 0, self.flat)

    def add(
        self, light: DedupRows, weight: float, plan: LayerPlan, exposure: Exposure, before: DedupRows | None = None, factor: float = 1.0
    ) -> None:
        """Add an exposure to `light`, in place, or to ``factor * before`` where that is given."""
        from pmsl.kernels.light import dose

        self._check(plan, exposure)
        row0, levels = exposure.mask.window.row0 - self.window.row0, self.levels_mj_cm2(exposure)
        runs = exposure.mask.runs_8bit()
        if before is None:
            light.unfold()
        maps = *(before or (NO_MAP, light.held)), *light
        dose.advance(*maps, float(factor), self.least, float(weight), *runs, levels, row0, -self.window.col0, self.flat)

    def _check(self, plan: LayerPlan, exposure: Exposure) -> None:
        """Refuse what is not predicted so far, and light where no part is."""
        lit, window = exposure.mask.window, self.window
        if exposure.engine != 0 or exposure.offset_um != (0.0, 0.0):
            raise JobError(
                f"layer {plan.index}: an exposure with engine {exposure.engine}, offset {exposure.offset_um} µm; "
                "predictions hold for the first engine, without offsets, so far"
            )
        if exposure.focus_um != 0.0:
            self.out_of_focus[plan.index] = max(self.out_of_focus.get(plan.index, 0.0), exposure.focus_um, key=abs)
        low_row, low_col = lit.row0 - window.row0, lit.col0 - window.col0
        if lit.rows and not (0 <= low_row <= window.rows - lit.rows and 0 <= low_col <= window.cols - lit.cols):
            raise JobError(
                f"layer {plan.index} lights pixels (row, column) from ({lit.row0}, {lit.col0}), {lit.rows} × {lit.cols}, far outside the "
                f"parts' box ({window.row0}, {window.col0}), {window.rows} × {window.cols}: masks and parts do not belong together"
            )


def focus_findings(out_of_focus: Mapping[int, float]) -> Iterator[Finding]:
    """Say that exposures out of focus are predicted with the blur of those in focus: how much wider it is nobody stated."""
    if out_of_focus:
        most = max(out_of_focus.values(), key=abs)
        yield Finding(
            code="out-of-focus",
            severity="warning",
            message=f"{len(out_of_focus)} layers have an exposure out of focus, by up to {most:g} µm: predicted as if in focus, "
            "its real edges are softer",
            layers=(min(out_of_focus), max(out_of_focus)),
            value=most,
            limit=0.0,
            unit="µm",
        )


class Absorption:
    """Pure absorption with one or several decays, enclosed memory.

    Parameters
    ----------
    job : PrintJob
    model : CureModel
    window : Window
    ahead : int
        How many layers may be lit while one is compared.
    """

    def __init__(self, job: PrintJob, model: CureModel, window: Window, ahead: int) -> None:
        self.model, self.window, self.grid = model, window, job.grid
        self.mirrors = Mirrors(job, window)
        self.psf: Psf = psf_of(job.printer)
        shape = window.rows, window.cols
        self._blur = Blur(self.psf, window)
        folds = self._blur.folds and len(model.decay.weights) == 1
        self._light = [DedupRows.dark((len(model.decay.weights), *shape), folds) for _ in range(max(ahead + 1, 2))]
        self._seen = [(np.zeros(shape, np.float32), self._blur.blocks()) for _ in range(ahead + 1)]
        self._fronts = [DedupRows.whole(np.zeros(shape, np.float32)) for _ in range(ahead + 2)]  # a layer is compared with the one above it
        self._height_um = 0.0
        self.limit_um, self.stride_um = reach_um(self.psf, self.grid.pitch_um)

    def add(self, plan: LayerPlan) -> LitLayer:
        """Take the next layer toward the plate."""
        before, light = self._light[(plan.index + 1) % len(self._light)], self._light[plan.index % len(self._light)]
        factors = self.model.decay.factors(self._height_um)
        for last, term, factor, weight in zip(before.terms(), light.terms(), factors, self.model.decay.weights, strict=True):
            if not plan.exposures:
                self.mirrors.fall(last, term, factor)
            above: DedupRows | None = last
            for exposure in plan.exposures:
                self.mirrors.add(term, weight * exposure.repeat, plan, exposure, above, factor)
                above = None
        self._height_um = height = plan.thickness_um
        (dose, blocks), front = self._seen[plan.index % len(self._seen)], self._fronts[plan.index % len(self._fronts)]
        lengths = np.array(self.model.decay.lengths_um)
        threshold = self.model.threshold_mj_cm2
        half, recalled = NO_MAP, NO_BLOCKS
        longest = float(lengths[0] / height)
        if len(lengths) == 1:
            recalled = self._blur.see_one(light.terms()[0], threshold, longest, dose, front, blocks)
        else:
            half = self._front_of_sum(light.values, dose, threshold, height / lengths, front.values)
        fraction = self.model.decay.factors(0.5 * height)

        def find(points: np.ndarray, outward: np.ndarray) -> np.ndarray:
            return self._edges(light, fraction, threshold, points, outward)

        def inside(rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self._inside(light, lengths / height, threshold, rows, cols, recalled)

        n, share = len(INSIDE_PX), self.model.flush_share
        shift = -math.log(share) * longest
        return LitLayer(plan.index, height, plan.z_top_um, dose, *front, shift, n, inside, find, half, recalled, share)

    def _front_of_sum(self, light: np.ndarray, dose: np.ndarray, threshold: float, rates: np.ndarray, front: np.ndarray) -> np.ndarray:
        from pmsl.kernels.light import dose as kernels

        terms = np.zeros_like(light)
        for term, seen in zip(light, terms, strict=True):
            self._blur(term, seen)
        half = np.zeros_like(front)
        kernels.front_of_sum(terms, self.model.flush_share * threshold, rates, dose, half)
        kernels.front_of_sum(terms, threshold, rates, dose, front)
        return half

    def _inside(
        self, light: DedupRows, lengths: np.ndarray, threshold: float, rows: np.ndarray, cols: np.ndarray, recalled: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Front at places inside pixels, see `LitLayer`."""
        from pmsl.kernels._compiler.jit import call
        from pmsl.kernels.light import dose as kernels

        if len(lengths) == 1:
            seen, which = self._blur.inside_once(light.terms()[0], rows, cols, recalled)
            front = np.empty_like(seen)
            places = seen.reshape(-1), seen.view(np.int32).reshape(-1)
            call(kernels.front_of_points, seen.size, *places, threshold, float(lengths[0]), front.reshape(-1))
            return front, which
        terms = np.zeros((len(lengths), len(rows), len(INSIDE_PX) ** 2), np.float32)
        for term, seen in zip(light.values, terms, strict=True):
            self._blur.inside(term, rows, cols, seen)
        front = np.zeros(terms.shape[1:], np.float32)
        kernels.front_of_sum(terms, threshold, 1.0 / lengths, np.zeros_like(front), front)
        return front, np.arange(len(rows), dtype=np.int32)

    def _edges(self, light: DedupRows, fraction: np.ndarray, threshold: float, points: np.ndarray, outward: np.ndarray) -> np.ndarray:
        """Edges exactly: the mirrors' light seen through the blur at any point."""
        if isinstance(self.psf, Gaussian):
            from pmsl.kernels.compare import edge_probes

            offset = np.zeros(len(points))
            reach = self._blur.reach
            weights = [np.zeros(int(2 * r) + 1) for r in reach]
            edge_probes.edges(
                *edge_probes.EdgeProbeArrays(
                    light=light.values,
                    held=light.held,
                    factors=fraction,
                    threshold=threshold,
                    points=points,
                    outward=outward,
                    stride=self.stride_um,
                    limit=self.limit_um,
                    table_y=self._blur.tables[0],
                    table_x=self._blur.tables[1],
                    per_px=float(TABLE_PER_PX),
                    reach_y=reach[0],
                    reach_x=reach[1],
                    weight_y=weights[0],
                    weight_x=weights[1],
                    offset=offset,
                )
            )
            return offset
        seen = np.tensordot(fraction, light.values.astype(np.float64), axes=1)
        at_zero = Window(0, 0, self.window.rows, self.window.cols)

        def level(places: np.ndarray) -> np.ndarray:
            return np.asarray(np.log(np.maximum(at_points(seen, at_zero, places, self.psf) / threshold, 1e-12)))

        return edges_along(level, points, outward, self.stride_um, self.limit_um)


def reach_um(psf: Psf, pitch_um: np.ndarray) -> tuple[float, float]:
    """Return how far from the design an edge is looked for, and in which steps [µm]: four pixels, or five σ of a wide blur."""
    px = float(pitch_um.min())
    wide = 5 * max(psf.sigma_px) if isinstance(psf, Gaussian) else 4.0
    return max(4.0, wide) * px, 0.5 * px
