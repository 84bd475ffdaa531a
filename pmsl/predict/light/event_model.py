"""Scatter, induction, reciprocity, bleaching, open memory and memory by contact: every event is blurred before it is added up.

Three points a pixel each way. Slower than `light.Absorption`, whose single map cannot tell events apart. The dose is exact at those
points; edges are read off a cubic through them: within 0.002 px of the exact edge for a Gaussian of σ = 0.36 px.
"""

from __future__ import annotations

import math

import numpy as np

from pmsl.core.mask import Window
from pmsl.cure import CuredLayer, CureModel, EventSum, Recursion, accumulation
from pmsl.cure.bleached_recursion import BleachedLight, BleachedRecursion
from pmsl.cure.contact_sum import ContactLight, ContactSum
from pmsl.cure.events import EventLight
from pmsl.cure.scatter import Scatter
from pmsl.errors import JobError
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.kernels.light.dose import EVERYTHING, NOTHING
from pmsl.optics import psf_of, spread
from pmsl.optics.drawn_dose import add_drawing
from pmsl.predict.light.contact_exchange import shares_of
from pmsl.predict.light.job_light import LitLayer, Mirrors, reach_um
from pmsl.predict.light.window_blur import INSIDE_PX
from pmsl.predict.measure.edge_search import edges_along
from pmsl.predict.measure.row_dedup import DedupRows

AROUND = 4  # points beside an edge that a cubic there may look at
BEYOND_LENGTHS = 1.5  # of the decay: half a pixel outside of an edge so much less light is seen
POINTS = 3  # a pixel along each axis; odd, so that one lies in the middle


class Layered:
    """Any `CureModel`; parameters as of `light.Absorption`."""

    def __init__(self, job: PrintJob, model: CureModel, window: Window) -> None:
        self.model, self.window, self.grid = model, window, job.grid
        if job.drawn and (model.memory == "contact" or model.reciprocity != 1):
            what = "memory 'contact'" if model.memory == "contact" else f"reciprocity {model.reciprocity:g}"
            raise JobError(f"resin {job.resin.name} has {what}: predictions of drawn layers hold without it, so far")
        self.mirrors = Mirrors(job, window)
        self.psf = psf_of(job.printer)
        px, py = job.grid.pitch_um.tolist()
        beyond_um = BEYOND_LENGTHS * model.decay.longest_um
        shape, pitch_um = (window.rows * POINTS, window.cols * POINTS), (px / POINTS, py / POINTS)
        if model.memory == "contact":
            shares = shares_of(job, model, self.mirrors, self.psf)
            self.sum: Recursion | EventSum | BleachedRecursion = ContactSum(model, shape, shares.left, pitch_um, beyond_um=beyond_um)
        else:
            self.sum = accumulation(model, shape, pitch_um, beyond_um)
        self._scatter = Scatter(model.scatter_um, pitch_um)
        self.limit_um, self.stride_um = reach_um(self.psf, self.grid.pitch_um)

    def add(self, plan: LayerPlan) -> LitLayer:
        """Take the next layer toward the plate."""
        events = []
        for exposure in plan.exposures:
            events += [self.model.effective_mj_cm2(self._event(plan, exposure), exposure.time_s)] * exposure.repeat
        cured = self.sum.add(plan.index, plan.thickness_um, *events)
        lengths = self.model.decay.lengths_um[0] / plan.thickness_um
        front = front_of(cured, self.model.threshold_mj_cm2, lengths)
        if isinstance(cured.light, EventLight) and len(self.model.decay.weights) == 1:
            _go_on(front, cured.light, self.model.threshold_mj_cm2, plan.thickness_um)
        middle = slice(POINTS // 2, None, POINTS)

        half_way, near = self._half_way(cured, front, lengths), 4.0 * lengths  # a cubic cannot follow where light ends

        def find(points: np.ndarray, outward: np.ndarray) -> np.ndarray:
            return edges_along(lambda at: cubic(half_way, POINTS * at - 0.5, near) - 0.5, points, outward, self.stride_um, self.limit_um)

        def inside(rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            first = np.stack([rows, cols], axis=1)[:, None, :] + 0.5
            places = first + np.array([(v, u) for v in INSIDE_PX for u in INSIDE_PX])
            seen = cubic(front, POINTS * places.reshape(-1, 2) - 0.5, near)
            return np.asarray(seen.reshape(len(rows), len(INSIDE_PX) ** 2), np.float32), np.arange(len(rows), dtype=np.int32)

        delivered = cured.light.delivered_mj_cm2() if isinstance(cured.light, ContactLight) else cured.dose_mj_cm2
        dose = np.ascontiguousarray(delivered[middle, middle], np.float32)
        gelled_mj_cm2 = self.model.flush_share * self.model.threshold_mj_cm2
        half = self._gelled(cured, gelled_mj_cm2, lengths)
        thin = np.ascontiguousarray(front[middle, middle], np.float32)
        share = self.model.flush_share
        shift, places = -math.log(share) * lengths, (len(INSIDE_PX), inside, find)
        maps = dose, *DedupRows.whole(thin)
        return LitLayer(plan.index, plan.thickness_um, plan.z_top_um, *maps, shift, *places, half, flush_share=share)

    def _event(self, plan: LayerPlan, exposure: Exposure) -> np.ndarray:
        """Return the dose of one exposure at the points of every pixel: (3 R, 3 C) float64."""
        if exposure.drawing is not None:
            px, py = self.grid.pitch_um.tolist()
            drawn = np.zeros((self.window.rows * POINTS, self.window.cols * POINTS))
            add_drawing(drawn, exposure.drawing, (self.window.col0 * px, self.window.row0 * py), (px / POINTS, py / POINTS))
            return drawn
        light = np.zeros((self.window.rows, self.window.cols), np.float32)
        self.mirrors.add(DedupRows.whole(light), 1.0, plan, exposure)
        return self._seen(light)

    def _gelled(self, cured: CuredLayer, gelled_mj_cm2: float, lengths: float) -> np.ndarray:
        """Return the front of what is gelled in the middles of pixels: (R, C) float32."""
        middle = slice(POINTS // 2, None, POINTS)
        if isinstance(cured.light, ContactLight) and cured.light.falls_alike:
            reach = cured.light.reaches_um(gelled_mj_cm2, (middle, middle)) / cured.height_um
            return np.clip(reach, NOTHING, EVERYTHING).astype(np.float32)
        gelled = CuredLayer.of(cured.index, cured.height_um, cured.light, gelled_mj_cm2)
        return front_of(gelled, gelled_mj_cm2, lengths)[middle, middle].astype(np.float32)

    def _half_way(self, cured: CuredLayer, front: np.ndarray, lengths: float) -> np.ndarray:
        """Return a front that is right half-way up the layer, where edges are looked for: light has scattered in the layer itself, too."""
        if self.model.scatter_um == 0:
            return front
        height, threshold = cured.height_um, self.model.threshold_mj_cm2
        dose = self._scatter(cured.dose_at_mj_cm2(0.5 * height), 0.5 * height)
        with np.errstate(divide="ignore"):
            return np.asarray(np.clip(0.5 + lengths * np.log(dose / threshold), NOTHING, EVERYTHING))

    def _seen(self, light: np.ndarray) -> np.ndarray:
        """Return a dose at the mirrors at the points of every pixel: (3 R, 3 C) float64."""
        out = np.zeros((self.window.rows * POINTS, self.window.cols * POINTS))
        inside = (np.arange(POINTS) + 0.5) / POINTS - 0.5
        for i, v in enumerate(inside):
            for j, u in enumerate(inside):
                out[i::POINTS, j::POINTS] = np.maximum(spread(light, self.window, self.window, self.psf, (float(v), float(u))), 0.0)
        return out


def front_of(cured: CuredLayer, threshold_mj_cm2: float, lengths: float) -> np.ndarray:
    """Return the front of a cured layer, gone on beyond the slab with one decay of `lengths` slabs: (rows, cols) float64."""
    height = cured.height_um
    if isinstance(cured.light, BleachedLight):
        return np.asarray(np.clip(cured.light.reaches_um(threshold_mj_cm2) / height, NOTHING, EVERYTHING))
    if isinstance(cured.light, ContactLight) and cured.light.falls_alike:
        return np.asarray(np.clip(cured.light.reaches_um(threshold_mj_cm2) / height, NOTHING, EVERYTHING))
    top, bottom = cured.dose_mj_cm2, cured.dose_at_mj_cm2(height)
    with np.errstate(divide="ignore"):
        below = lengths * np.log(top / threshold_mj_cm2)
        above = 1.0 + lengths * np.log(bottom / threshold_mj_cm2)
    inside = np.where(cured.cured_um >= height, np.maximum(above, 1.0), cured.cured_um / height)
    return np.asarray(np.clip(np.where(cured.cured_um > 0, inside, np.minimum(below, 0.0)), NOTHING, EVERYTHING))


def _go_on(front: np.ndarray, light: EventLight, threshold_mj_cm2: float, height_um: float) -> None:
    """Let the front near edges go on as the light does, not as what induction leaves of it: a cubic cannot follow where that ends."""
    from scipy import ndimage

    low, high = (reach(front, size=2 * AROUND + 1) for reach in (ndimage.minimum_filter, ndimage.maximum_filter))
    near = np.flatnonzero((low < 1.0) & (high > 0.0))
    if near.size:
        reaches = light.reaches_um(near, threshold_mj_cm2) / height_um
        front.reshape(-1)[near] = np.clip(reaches, NOTHING, EVERYTHING)


def cubic(values: np.ndarray, places: np.ndarray, limit: float = np.inf) -> np.ndarray:
    """Read (R, C) values, clipped to ±`limit`, at (N, 2) places (row, column), sample (0, 0) at (0, 0), by cubics: (N,) float64.

    The border's samples go on outside.
    """
    from pmsl.kernels.compare import cubic_reading

    out = np.empty(len(places))
    cubic_reading.cubic(np.ascontiguousarray(values, np.float64), -limit, limit, np.ascontiguousarray(places, np.float64), out)
    return out
