"""The light of two layers, pixel by pixel: in doses where both jobs know them, else in seconds of white light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import EMPTY, LayerMask, Window, around
from pmsl.exposure import DoseMaker
from pmsl.exposure.dose import irradiance_mw_cm2
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.report.difference.alignment import FLOAT32_NOISE, NO_SHIFT, EngineAlignment, Place, PlacePair, aligned, place_pairs
from pmsl.report.difference.records import AREA, LightDifference
from pmsl.report.page.layer_table import doses_known

NOISE = 1e-9  # of white
BAND_PX = 1 << 22  # held against each other at a time


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
            self.strongest = self.job.printer.optics.largest_irradiance_mw_cm2

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
        row0, col0 = inside.row0 - window.row0, inside.col0 - window.col0
        cut = self.flat[inside.row0 : inside.row0 + inside.rows, inside.col0 : inside.col0 + inside.cols]
        total[row0 : row0 + inside.rows, col0 : col0 + inside.cols] *= cut
        return total


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
    tolerance : float
        Share of a layer's white light by which pixels may differ, and of areas where pixels are of other sizes.
    tolerance_um : float
        Length by which stage offsets may differ [µm].
    alignment : tuple of EngineAlignment
        How the pixels of each engine lie on each other.
    """

    a: PrintJob
    b: PrintJob
    tolerance: float = 0.0
    tolerance_um: float = 0.0
    alignment: tuple[EngineAlignment, ...] = ()
    unit: str = field(init=False)
    noise: float = field(init=False)
    meters: tuple[LightMeter, LightMeter] = field(init=False)
    _same_field: bool = field(init=False)

    def __post_init__(self) -> None:
        doses = doses_known(self.a) and doses_known(self.b)
        self.unit, self.noise = ("mJ/cm²", NOISE) if doses else ("s of white", FLOAT32_NOISE)
        self.meters = LightMeter(self.a, doses), LightMeter(self.b, doses)
        a, b = (meter.flat for meter in self.meters)
        self._same_field = a is b is None or (a is not None and b is not None and np.array_equal(a, b))

    @classmethod
    def of(cls, a: PrintJob, b: PrintJob, tolerance: float = 0.0, tolerance_um: float = 0.0) -> LightComparison:
        """Return the comparison of two jobs whose fields are laid on each other."""
        return cls(a, b, tolerance, tolerance_um, aligned(a, b))

    def grid(self, engine: int) -> Grid:
        """Return the grid of an engine, of the first job that has it."""
        return next(job.engines[engine].grid for job in (self.a, self.b) if engine < len(job.engines))

    def layer(self, a: LayerPlan, b: LayerPlan) -> LightDifference | None:
        """Return how the light of two layers differs; None where it does not."""
        pairs = self.places(a, b)
        found = [self._place(a.index, pair) for pair in pairs if self._aligned(pair.engine).same_pixels]
        other = sorted({pair.engine for pair in pairs if not self._aligned(pair.engine).same_pixels})
        some = [one for one in (*found, *(self._area(a, b, engine) for engine in other)) if one is not None]
        if not some:
            return None
        return msgspec.structs.replace(max(some, key=lambda one: one.share), n_px=sum(one.n_px for one in some))

    def places(self, a: LayerPlan, b: LayerPlan) -> list[PlacePair]:
        """Return the light of two layers by where it falls."""
        ours, theirs = (meter.of_places(plan) for meter, plan in zip(self.meters, (a, b), strict=True))
        return place_pairs(ours, theirs, self.tolerance_um)

    def maps(self, pair: PlacePair, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Return the light at a place, in a window of the first job, of both: (rows, cols) float64 each."""
        moved = _moved(window, self._aligned(pair.engine).shift)
        return self.meters[0].map(pair.a, window, pair.engine), self.meters[1].map(pair.b, moved, pair.engine)

    def _aligned(self, engine: int) -> EngineAlignment:
        return self.alignment[engine] if engine < len(self.alignment) else EngineAlignment()

    def _area(self, a: LayerPlan, b: LayerPlan, engine: int) -> LightDifference | None:
        """Hold the lit areas of layers of other pixels against each other."""
        x, y = (_area_um2(job, plan, engine) for job, plan in ((self.a, a), (self.b, b)))
        least = max(job.engines[engine].grid.pixel_um2 for job in (self.a, self.b))
        if abs(x - y) <= max(least, self.tolerance * max(x, y)):
            return None
        share = abs(x - y) / max(x, y)
        return LightDifference(layer=a.index, largest=abs(x - y), share=share, unit=AREA, n_px=0, a=x, b=y, engine=engine)

    def _place(self, layer: int, pair: PlacePair) -> LightDifference | None:
        shift = self._aligned(pair.engine).shift
        if self._same(pair.a, pair.b, shift):
            return None
        windows = [light.mask.window for light in pair.a]
        windows += [_moved(light.mask.window, (-shift[0], -shift[1])) for light in pair.b if light.mask.window.rows]
        whole, engine = around(windows), pair.engine
        white = max(sum(float(light.levels[-1]) for light in lights) for lights in (pair.a, pair.b))
        if whole == EMPTY or white == 0.0:
            return None
        n, most, box = 0, (0.0, 0.0, 0.0, 0, 0), None
        many = max(1, BAND_PX // whole.cols)
        for row0 in range(whole.row0, whole.row0 + whole.rows, many):
            band = Window(row0, whole.col0, min(many, whole.row0 + whole.rows - row0), whole.cols)
            x, y = self.maps(pair, band)
            gap = np.abs(x - y)
            rows, cols = np.nonzero(gap > (self.tolerance + self.noise) * white)
            if not rows.size:
                continue
            n += rows.size
            r, c = (int(i) for i in np.unravel_index(int(gap.argmax()), gap.shape))
            most = max(most, (float(gap[r, c]), float(x[r, c]), float(y[r, c]), band.row0 + r, band.col0 + c))
            here = Window(band.row0 + int(rows.min()), band.col0 + int(cols.min()), int(np.ptp(rows)) + 1, int(np.ptp(cols)) + 1)
            box = here if box is None else around((box, here))
        if box is None:
            return None
        grid = self.grid(engine)
        at = grid.origin_um + grid.pitch_um * (most[4] + 0.5, most[3] + 0.5)
        low = grid.origin_um + grid.pitch_um * (box.col0, box.row0)
        high = low + grid.pitch_um * (box.cols, box.rows)
        return LightDifference(
            layer=layer, largest=most[0], share=most[0] / white, unit=self.unit if engine == 0 else "s of white", n_px=n,
            a=most[1], b=most[2], engine=engine, offset_um=pair.offset_um,
            at_um=(float(at[0]), float(at[1])), box_um=((float(low[0]), float(low[1])), (float(high[0]), float(high[1]))),
        )  # fmt: skip

    def _same(self, ours: Sequence[_Light], theirs: Sequence[_Light], shift: tuple[int, int]) -> bool:
        """Tell whether the light is the same without painting it: equal masks, light of levels and fields."""
        if shift != NO_SHIFT or len(ours) != len(theirs):
            return False
        return self._same_field and all(
            np.array_equal(x.levels, y.levels) and x.mask.window == y.mask.window and _equal_runs(x.mask, y.mask)
            for x, y in zip(ours, theirs, strict=True)
        )


def _moved(window: Window, by: tuple[int, int]) -> Window:
    return window._replace(row0=window.row0 + by[0], col0=window.col0 + by[1])


def _area_um2(job: PrintJob, plan: LayerPlan, engine: int) -> float:
    """Return the largest area that an exposure of an engine lights."""
    pixel_um2 = job.engines[engine].grid.pixel_um2
    return max((e.mask.sum_px() * pixel_um2 for e in plan.exposures if e.engine == engine), default=0.0)


def _equal_runs(a: LayerMask, b: LayerMask) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.runs_8bit(), b.runs_8bit(), strict=True))
