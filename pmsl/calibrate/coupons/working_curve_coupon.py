"""The coupon of a working curve: tiles on glass or film, one exposure each, at doses spaced by what is known of the resin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from pmsl.calibrate.coupons.coupon_job import (
    Coupon,
    TileExposure,
    coupon_grid,
    coupon_job,
    digest_of,
    most_dose_mj_cm2,
    prism_of,
    prism_part,
)
from pmsl.calibrate.coupons.film_coupon import film_height_um, tiles_of
from pmsl.calibrate.coupons.tile_layout import TileLayout, well_spread
from pmsl.core.grid import Grid
from pmsl.cure import CureModel
from pmsl.errors import UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.mesh.part import Part
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.optics import LightSetting

LOWEST, HIGHEST = 1.5, 12.0  # doses, in Ec
MOST_TILES = 999
COLUMNS = ("tile", "time_s", "irradiance_mw_cm2", "thickness_um")
NOTES = (
    "Rinse and post-treat all tiles alike. Measure thickness_um in the middle of each tile, from glass or film; its number stands above "
    "it. Leave a lost tile blank; measure some twice (add rows); sd_um is your measuring error, where you know it.",
)
EMPTY = partial(np.zeros, 0)


@dataclass(frozen=True, slots=True, eq=False)
class WorkingCurveCoupon(Coupon):
    """A job of tiles, one layer, one exposure a tile, and what each gets.

    Attributes
    ----------
    time_s, dose_mj_cm2, irradiance_mw_cm2, power : (N,) float64
        Of each tile; times in whole frames where the engine is locked to them.
    expected_um : (N,) float64
        Thickness by the resin's profile [µm].
    """

    time_s: np.ndarray = field(default_factory=EMPTY)
    dose_mj_cm2: np.ndarray = field(default_factory=EMPTY)
    irradiance_mw_cm2: np.ndarray = field(default_factory=EMPTY)
    power: np.ndarray = field(default_factory=EMPTY)
    expected_um: np.ndarray = field(default_factory=EMPTY)


def working_curve_coupon(
    printer: Printer,
    resin: Resin,
    process: Process,
    doses: int = 8,
    repeats: int = 3,
    dose_range_mj_cm2: tuple[float, float] | None = None,
    powers: Sequence[float] | None = None,
    tile_um: float | None = None,
) -> WorkingCurveCoupon:
    """Make the coupon of a working curve.

    Parameters
    ----------
    printer, resin, process : Printer, Resin, Process
        Their values space the doses; they may be placeholders.
    doses : int
        How many, spaced evenly over their logarithm.
    repeats : int
        Tiles of each; repeated ones tell whether the curve fits.
    dose_range_mj_cm2 : (float, float), optional
        Lowest and highest [mJ/cm²]; left out: 1.5 to 12 Ec, as far as the printer's limits go.
    powers : sequence of float, optional
        Light settings, every dose at each: two whose irradiances differ ten times show whether reciprocity holds. Left out: the first.
    tile_um : float, optional
        Side of a tile [µm].

    Raises
    ------
    UsageError
        Too few or too many tiles, no room for them, a range that is none or beyond the printer's limits, a power that the printer has not.
    """
    settings = _settings(printer, powers)
    count = doses * repeats * len(settings)
    if doses < 3 or repeats < 1 or count > MOST_TILES:
        raise UsageError(
            f"{doses} doses, {repeats} repeats, {len(settings)} powers: at least 3 doses and 1 repeat, at most {MOST_TILES} tiles"
        )
    model = CureModel.of(resin)
    low, high = dose_range(printer, settings, model.ec_mj_cm2, dose_range_mj_cm2)
    order = well_spread(count)
    ladder = np.tile(np.geomspace(low, high, doses), repeats * len(settings))[order]
    setting = np.repeat(np.arange(len(settings)), doses * repeats)[order]
    light = np.array([s.irradiance_mw_cm2.value for s in settings])[setting]
    power = np.array([s.power for s in settings])[setting]
    dose, time = whole_frames(ladder, light, printer)
    expected = np.array([model.decay.lengths_um[0] * math.log(max(e / model.ec_mj_cm2, 1.0)) for e in dose])
    layout = tiles_of(count, printer, tile_um)
    height = float(film_height_um(float(expected.max())))
    grid = coupon_grid(printer, [height])
    rows = tuple(
        {"tile": i + 1, "time_s": float(t), "irradiance_mw_cm2": float(f)} for i, (t, f) in enumerate(zip(time, light, strict=True))
    )

    def shots(_: int) -> list[TileExposure]:
        return [TileExposure(layout.mask(i), float(dose[i]), float(power[i])) for i in range(count)]

    parts = [_tile_part(layout, grid, i, float(dose[i]), height) for i in range(count)]
    job = coupon_job("working-curve", digest_of(COLUMNS, rows), (printer, resin, process), grid, shots, parts)
    middles = tuple((t.col0 + t.cols / 2, t.row0 + t.rows / 2, "") for t in map(layout.tile, range(count)))
    notes = (*NOTES, f"Expected by the profiles: {expected.min():.3g} to {expected.max():.3g} um.")
    return WorkingCurveCoupon("working-curve", job, layout, COLUMNS, rows, notes, middles, time, dose, light, power, expected)


def _settings(printer: Printer, powers: Sequence[float] | None) -> list[LightSetting]:
    known = {s.power: s for s in printer.optics.settings}
    if powers is None:
        return [printer.optics.settings[0]]
    for power in powers:
        if power not in known:
            raise UsageError(f"power {power:g} is no light setting of printer {printer.name}; it has {', '.join(f'{p:g}' for p in known)}")
    return [known[power] for power in dict.fromkeys(powers)]


def dose_range(printer: Printer, settings: Sequence[LightSetting], ec: float, given: tuple[float, float] | None) -> tuple[float, float]:
    """Return the lowest and highest dose; as given within the printer's limits, else as far as these go."""
    most = most_dose_mj_cm2(printer, settings)
    if given is None:
        if most < 3 * LOWEST * ec:
            raise UsageError(
                f"printer {printer.name} gives at most {most:.4g} mJ/cm² an exposure, too little for a curve from {LOWEST * ec:.4g} mJ/cm² "
                "(1.5 Ec) on; choose a stronger light setting, or give the doses (--range LO,HI)"
            )
        return LOWEST * ec, min(HIGHEST * ec, most)
    low, high = given
    if not 0 < low < high:
        raise UsageError(f"doses from {low:g} to {high:g} mJ/cm²: expected a lower and a higher one, above 0")
    if high > most * (1 + 1e-9):
        raise UsageError(f"doses up to {high:g} mJ/cm²: printer {printer.name} gives at most {most:.4g} an exposure")
    return low, high


def _tile_part(layout: TileLayout, grid: Grid, i: int, dose: float, height_um: float) -> Part:
    """Return a tile and its number as blocks."""
    return prism_part([prism_of(grid, r, 0.0, height_um) for r in layout.rectangles(i)], f"tile {i + 1}: {dose:.4g} mJ/cm²")
