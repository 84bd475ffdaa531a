"""The light of two layers, pixel by pixel: in doses where both jobs know them, else in seconds of white light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pmsl.core.mask import EMPTY, LayerMask, Window, around
from pmsl.exposure import DoseMaker
from pmsl.exposure.dose import irradiance_mw_cm2
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.report.difference.records import LightDifference
from pmsl.report.page.layer_table import doses_known

NOISE = 1e-9  # of white
BAND_PX = 1 << 22  # held against each other at a time
Place = tuple[int, tuple[float, float]]  # engine and stage offset: exposures of one place add up
NO_SHIFT = (0, 0)


class _Light(NamedTuple):
    """What an exposure gives: its mask, and the light of every 8-bit level."""

    mask: LayerMask
    levels: np.ndarray


@dataclass(slots=True)
class LightMeter:
    """The light that exposures of a job give.

    Attributes
    ----------
    job : PrintJob
    doses : bool
        In mJ/cm², by response and flat field; else in seconds of white light at the strongest setting, by bytes.
    flat : (rows, cols) float64 or None
    """

    job: PrintJob
    doses: bool
    flat: np.ndarray | None = None
    levels: np.ndarray = field(default_factory=lambda: np.arange(256) / 255)
    strongest: float = 1.0

    def __post_init__(self) -> None:
        if self.doses:
            maker = DoseMaker.of(self.job)
            self.flat, self.levels = maker.projector.flat, maker.response
        else:
            self.strongest = max(s.irradiance_mw_cm2.value for s in self.job.printer.optics.settings)

    def light(self, e: Exposure) -> _Light:
        """Return the light of an exposure; that of another engine than the first in seconds in any case."""
        known = {s.power for s in self.job.printer.optics.settings}
        power = irradiance_mw_cm2(self.job.printer, e.power) if e.power in known else self.strongest
        white = e.time_s * e.repeat * (power if self.doses and e.engine == 0 else power / self.strongest)
        return _Light(e.mask, white * self.levels)

    def of_places(self, plan: LayerPlan) -> dict[Place, list[_Light]]:
        """Return the light of a layer by where it falls."""
        out: dict[Place, list[_Light]] = {}
        for e in plan.exposures:
            out.setdefault((e.engine, e.offset_um), []).append(self.light(e))
        return out

    def map(self, lights: Sequence[_Light], window: Window, engine: int) -> np.ndarray:
        """Return the light in a window: (rows, cols) float64."""
        total = np.zeros((window.rows, window.cols))
        for light in lights:
            total += light.levels[_levels(light.mask, window)]
        if self.flat is None or engine != 0:
            return total
        rows, cols = self.flat.shape
        inside = _inside(window, (rows, cols))
        field_here = np.ones(total.shape)
        row0, col0 = inside.row0 - window.row0, inside.col0 - window.col0
        cut = self.flat[inside.row0 : inside.row0 + inside.rows, inside.col0 : inside.col0 + inside.cols]
        field_here[row0 : row0 + inside.rows, col0 : col0 + inside.cols] = cut
        return np.asarray(total * field_here)


def _inside(window: Window, shape: tuple[int, int]) -> Window:
    row0, col0 = max(window.row0, 0), max(window.col0, 0)
    row1, col1 = min(window.row0 + window.rows, shape[0]), min(window.col0 + window.cols, shape[1])
    return Window(row0, col0, max(row1 - row0, 0), max(col1 - col0, 0))


def _levels(mask: LayerMask, window: Window) -> np.ndarray:
    """Return the 8-bit levels of a mask in a window that may reach beyond its grid."""
    inside = _inside(window, mask.shape)
    if inside == window:
        return mask.within(window)
    out = np.zeros((window.rows, window.cols), np.uint8)
    if inside.rows and inside.cols:
        row0, col0 = inside.row0 - window.row0, inside.col0 - window.col0
        out[row0 : row0 + inside.rows, col0 : col0 + inside.cols] = mask.within(inside)
    return out


@dataclass(slots=True)
class LightComparison:
    """Holds the light of layers of two jobs against each other.

    Attributes
    ----------
    a, b : PrintJob
        Of equal pixels.
    tolerance : float
        Share of a layer's white light by which pixels may differ.
    shift : (int, int)
        (rows, cols) from a pixel of the first job to that of the second which lights the same place.
    """

    a: PrintJob
    b: PrintJob
    tolerance: float = 0.0
    shift: tuple[int, int] = NO_SHIFT
    unit: str = field(init=False)
    meters: tuple[LightMeter, LightMeter] = field(init=False)

    def __post_init__(self) -> None:
        doses = doses_known(self.a) and doses_known(self.b)
        self.unit = "mJ/cm²" if doses else "s of white"
        self.meters = LightMeter(self.a, doses), LightMeter(self.b, doses)

    def layer(self, a: LayerPlan, b: LayerPlan) -> LightDifference | None:
        """Return how the light of two layers differs; None where it does not."""
        ours, theirs = (meter.of_places(plan) for meter, plan in zip(self.meters, (a, b), strict=True))
        found = [self._place(a.index, place, ours.get(place, []), theirs.get(place, [])) for place in dict.fromkeys((*ours, *theirs))]
        some = [one for one in found if one is not None]
        if not some:
            return None
        most = max(some, key=lambda one: one.share)
        lows, highs = np.array([one.box_um[0] for one in some]), np.array([one.box_um[1] for one in some])
        (x0, y0), (x1, y1) = lows.min(axis=0).tolist(), highs.max(axis=0).tolist()
        return LightDifference(
            layer=a.index, largest=most.largest, share=most.share, unit=most.unit, n_px=sum(one.n_px for one in some),
            a=most.a, b=most.b, at_um=most.at_um, box_um=((x0, y0), (x1, y1)),
        )  # fmt: skip

    def maps(self, a: LayerPlan, b: LayerPlan, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return the light of the first engine in a window of the first job, of both: (rows, cols) float64 each; offsets as if none."""
        lights = [[meter.light(e) for e in plan.exposures if e.engine == 0] for meter, plan in zip(self.meters, (a, b), strict=True)]
        return self.meters[0].map(lights[0], window, 0), self.meters[1].map(lights[1], self._moved(window, self.shift), 0)

    def _moved(self, window: Window, by: tuple[int, int]) -> Window:
        return window._replace(row0=window.row0 + by[0], col0=window.col0 + by[1])

    def _place(self, layer: int, place: Place, ours: Sequence[_Light], theirs: Sequence[_Light]) -> LightDifference | None:
        if self._same(ours, theirs):
            return None
        back = -self.shift[0], -self.shift[1]
        windows = [light.mask.window for light in ours]
        windows += [self._moved(light.mask.window, back) for light in theirs if light.mask.window.rows]
        whole, engine = around(windows), place[0]
        white = max(sum(float(light.levels[-1]) for light in lights) for lights in (ours, theirs))
        if whole == EMPTY or white == 0.0:
            return None
        grid = self.a.engines[engine].grid if engine < len(self.a.engines) else self.a.grid
        n, most, box = 0, (0.0, 0.0, 0.0, 0, 0), None
        many = max(1, BAND_PX // whole.cols)
        for row0 in range(whole.row0, whole.row0 + whole.rows, many):
            band = Window(row0, whole.col0, min(many, whole.row0 + whole.rows - row0), whole.cols)
            x = self.meters[0].map(ours, band, engine)
            y = self.meters[1].map(theirs, self._moved(band, self.shift), engine)
            gap = np.abs(x - y)
            rows, cols = np.nonzero(gap > (self.tolerance + NOISE) * white)
            if not rows.size:
                continue
            n += rows.size
            r, c = (int(i) for i in np.unravel_index(int(gap.argmax()), gap.shape))
            most = max(most, (float(gap[r, c]), float(x[r, c]), float(y[r, c]), band.row0 + r, band.col0 + c))
            here = Window(band.row0 + int(rows.min()), band.col0 + int(cols.min()), int(np.ptp(rows)) + 1, int(np.ptp(cols)) + 1)
            box = here if box is None else around((box, here))
        if box is None:
            return None
        at = grid.origin_um + grid.pitch_um * (most[4] + 0.5, most[3] + 0.5)
        low = grid.origin_um + grid.pitch_um * (box.col0, box.row0)
        high = low + grid.pitch_um * (box.cols, box.rows)
        unit = self.unit if engine == 0 else "s of white"
        return LightDifference(
            layer=layer, largest=most[0], share=most[0] / white, unit=unit, n_px=n, a=most[1], b=most[2],
            at_um=(float(at[0]), float(at[1])), box_um=((float(low[0]), float(low[1])), (float(high[0]), float(high[1]))),
        )  # fmt: skip

    def _same(self, ours: Sequence[_Light], theirs: Sequence[_Light]) -> bool:
        """Tell whether the light is the same without painting it: equal masks, equal light of levels, an even field."""
        flats = [meter.flat for meter in self.meters]
        if self.shift != NO_SHIFT or len(ours) != len(theirs):
            return False
        even = all(flat is None for flat in flats) or (all(flat is not None for flat in flats) and np.array_equal(*flats))  # type: ignore[arg-type]
        return even and all(
            np.array_equal(x.levels, y.levels) and x.mask.window == y.mask.window and _equal_runs(x.mask, y.mask)
            for x, y in zip(ours, theirs, strict=True)
        )


def _equal_runs(a: LayerMask, b: LayerMask) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.runs_8bit(), b.runs_8bit(), strict=True))
