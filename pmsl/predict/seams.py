"""What a stage that is off does at the seams of a plate of fields: jogs of edges, and doses against those of a stage that is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pmsl.core.arrays import evenly
from pmsl.core.finding import Finding
from pmsl.core.mask import Window, around
from pmsl.cure import CureModel
from pmsl.exposure.dose import irradiance_mw_cm2
from pmsl.fields.stage_error import FinePlate, StageError, jogs_um, off_of_layer, on_fine_plate
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.optics import Lorentzian, psf_of, spread
from pmsl.optics.grayscale import response

MOST_LAYERS = 4  # that doses are looked at in
ROWS = 256  # fine pixels at a time, about
LIT = 0.9  # of white at the mirrors: less is an edge, or a gray
FAR_PX = 8  # from an edge, of a Lorentzian
MOST_DOSE = 0.05  # that a dose may be off by without a warning


class _Range:
    """The least and the most of what was seen."""

    def __init__(self) -> None:
        self.least = self.most = 0.0

    def add(self, values: np.ndarray) -> None:
        """Take some values."""
        if values.size:
            self.least, self.most = min(self.least, float(values.min())), max(self.most, float(values.max()))

    def as_dict(self) -> dict[str, float]:
        """Return both."""
        return {"least": self.least, "most": self.most}


def seam_facts(job: PrintJob, error: StageError) -> dict[str, Any]:
    """Return what a stage that is off does to a job of several fields, as `Prediction.seams` says it.

    Parameters
    ----------
    job : PrintJob
    error : StageError

    Raises
    ------
    JobError
        As `on_fine_plate`.
    """
    off, meant = on_fine_plate(job, error), on_fine_plate(job, error, moved=False)
    seams = [k for k in range(job.n_layers) if len(job.bare(k).exposures) > 1]
    jog = gap = 0.0
    places, pixels = _Range(), _Range()
    for k in (seams[i] for i in evenly(len(seams), MOST_LAYERS)):
        jogs = jogs_um(off_of_layer(job, error, k))
        jog, gap = max(jog, jogs[0]), max(gap, jogs[1])
        for at_places, of_pixels in _SeamDoses(job, off).of_layer(off.job.bare(k), meant.job.bare(k)):
            places.add(at_places)
            pixels.add(of_pixels)
    return {
        "stage_error_um": error.um,
        "seed": error.seed,
        "parts_of_a_pixel": off.parts,
        "rounded_um": off.rounded_um,
        "jog_um": jog,
        "gap_um": gap,
        "dose": places.as_dict(),
        "pixel_dose": pixels.as_dict(),
    }


def seam_findings(facts: dict[str, Any] | None, pitch_um: float) -> Iterator[Finding]:
    """Say how far edges jog and doses are off; a warning where that is more than half a pixel, or `MOST_DOSE`."""
    if facts is None:
        return
    dose = max(-facts["dose"]["least"], facts["dose"]["most"])
    how = "in the worst case" if facts["seed"] is None else f"at random (seed {facts['seed']})"
    text = (
        f"with a stage that is off by {facts['stage_error_um']:g} µm {how} edges jog by up to {facts['jog_um']:.3g} µm where they cross a "
        f"seam, and doses there are off by {facts['dose']['least']:+.2%} to {facts['dose']['most']:+.2%}"
    )
    bad = facts["jog_um"] > 0.5 * pitch_um or dose > MOST_DOSE
    yield Finding(
        code="stage-off", severity="warning" if bad else "info", message=text, value=facts["jog_um"], limit=0.5 * pitch_um, unit="µm"
    )


class _SeamDoses:
    """Doses of single layers on a fine plate, over those with all fields in place."""

    def __init__(self, job: PrintJob, off: FinePlate) -> None:
        self._printer, self._parts, self._shape = job.printer, off.parts, off.job.grid.shape
        self._response, self._psf = response(job.printer), psf_of(off.job.printer)
        self._induction = CureModel.of(job.resin).induction_mj_cm2
        self._reach = (FAR_PX * off.parts,) * 2 if isinstance(self._psf, Lorentzian) else self._psf.reach_px

    def of_layer(self, off: LayerPlan, meant: LayerPlan) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield what is too much, relative, away from edges: in middles of fine pixels (n,), and of means over pixels (m,)."""
        lit, n = around(e.mask.window for e in meant.exposures), self._parts
        if not lit.rows:
            return
        step = max(ROWS // n, 1) * n
        row0, col0 = lit.row0 // n * n, lit.col0 // n * n
        cols = -(-(lit.col0 + lit.cols - col0) // n) * n
        for row in range(row0, lit.row0 + lit.rows, step):
            window = Window(row, col0, min(step, self._shape[0] - row), cols)
            inside = self._away_from_edges(meant, window)
            if not inside.any():
                continue
            a, b = self._effective(off, window), self._effective(meant, window)
            whole = inside.reshape(-1, n, cols // n, n).all(axis=(1, 3))
            a_mean, b_mean = (x.reshape(-1, n, cols // n, n).mean(axis=(1, 3))[whole] for x in (a, b))
            yield a[inside] / b[inside] - 1.0, a_mean / b_mean - 1.0

    def _away_from_edges(self, plan: LayerPlan, window: Window) -> np.ndarray:
        """Tell which places of a window are white as far as light comes from: (rows, cols) bool."""
        from scipy import ndimage

        down, across = (2 * reach + self._parts for reach in self._reach)  # of either stage
        wide = Window(window.row0 - down, window.col0 - across, window.rows + 2 * down, window.cols + 2 * across)
        light = np.zeros((wide.rows, wide.cols), np.float32)
        for e in plan.exposures:
            part = _common(e.mask.window, wide)
            if part.rows > 0 and part.cols > 0:
                light[_at(part, wide)] += self._response[e.mask.within(part)]
        white = ndimage.minimum_filter(light >= LIT, size=(2 * down + 1, 2 * across + 1), mode="constant", cval=0)
        return np.asarray(white[down : down + window.rows, across : across + window.cols])

    def _effective(self, plan: LayerPlan, window: Window) -> np.ndarray:
        """Return the effective dose of a layer's own exposures at the exposure plane, in the middles of fine pixels [mJ/cm²]."""
        total, (down, across) = np.zeros((window.rows, window.cols)), self._reach
        for e in plan.exposures:
            seen = Window(window.row0 - down, window.col0 - across, window.rows + 2 * down, window.cols + 2 * across)
            source = _common(e.mask.window, seen)
            if source.rows <= 0 or source.cols <= 0:
                continue
            reached = Window(source.row0 - down, source.col0 - across, source.rows + 2 * down, source.cols + 2 * across)
            target = _common(window, reached)
            light = e.time_s * irradiance_mw_cm2(self._printer, e.power) * self._response[e.mask.within(source)]
            given = np.maximum(spread(light, source, target, self._psf, (0.0, 0.0)) - self._induction, 0.0)
            total[_at(target, window)] += e.repeat * given
        return total


def _common(a: Window, b: Window) -> Window:
    """Return what two windows share; below 0 rows or columns where that is nothing."""
    row0, col0 = max(a.row0, b.row0), max(a.col0, b.col0)
    row1, col1 = min(a.row0 + a.rows, b.row0 + b.rows), min(a.col0 + a.cols, b.col0 + b.cols)
    return Window(row0, col0, row1 - row0, col1 - col0)


def _at(part: Window, whole: Window) -> tuple[slice, slice]:
    row, col = part.row0 - whole.row0, part.col0 - whole.col0
    return slice(row, row + part.rows), slice(col, col + part.cols)
