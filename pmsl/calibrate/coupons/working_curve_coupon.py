"""The coupon of a working curve: tiles on glass or film, one exposure each, at doses spaced by what is known of the resin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from pmsl.calibrate.coupons.tile_layout import TileLayout, tile_layout
from pmsl.core.grid import Grid
from pmsl.cure import CureModel
from pmsl.errors import UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import Engine, PartRecord, PrintJob, Provenance
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.optics import LightSetting
from pmsl.profiles.placeholders import placeholders
from pmsl.version import __version__

LOWEST, HIGHEST = 1.5, 12.0  # doses, in Ec
MOST_TILES = 999
BLOCK = ((0, 2, 1), (0, 3, 2), (4, 5, 6), (4, 6, 7), (0, 1, 5), (0, 5, 4), (1, 2, 6), (1, 6, 5), (2, 3, 7), (2, 7, 6), (3, 0, 4), (3, 4, 7))
ROOM = 1.3  # of the thickest tile: height of the layer


@dataclass(frozen=True, slots=True, eq=False)
class WorkingCurveCoupon:
    """A job of tiles, and what each gets.

    Attributes
    ----------
    job : PrintJob
        One layer, one exposure a tile.
    layout : TileLayout
    time_s, dose_mj_cm2, irradiance_mw_cm2, power : (N,) float64
        Of each tile; times in whole frames where the engine is locked to them.
    expected_um : (N,) float64
        Thickness by the resin's profile [µm].
    """

    job: PrintJob
    layout: TileLayout
    time_s: np.ndarray
    dose_mj_cm2: np.ndarray
    irradiance_mw_cm2: np.ndarray
    power: np.ndarray
    expected_um: np.ndarray


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
    low, high = _range(printer, settings, model.ec_mj_cm2, dose_range_mj_cm2)
    order = _spread(count)
    ladder = np.tile(np.geomspace(low, high, doses), repeats * len(settings))[order]
    setting = np.repeat(np.arange(len(settings)), doses * repeats)[order]
    light = np.array([s.irradiance_mw_cm2.value for s in settings])[setting]
    power = np.array([s.power for s in settings])[setting]
    dose, time = whole_frames(ladder, light, printer)
    expected = np.array([model.decay.lengths_um[0] * math.log(max(e / model.ec_mj_cm2, 1.0)) for e in dose])
    layout = tile_layout(
        count, printer.field_px, printer.optics.pitch_um.value, printer.optics.psf.width_px(printer.optics.pitch_um.value), tile_um
    )
    height = float(np.ceil(ROOM * max(float(expected.max()), 10.0)))
    job = _job(printer, resin, process, layout, height, (time, dose, power))
    return WorkingCurveCoupon(job, layout, time, dose, light, power, expected)


def _settings(printer: Printer, powers: Sequence[float] | None) -> list[LightSetting]:
    known = {s.power: s for s in printer.optics.settings}
    if powers is None:
        return [printer.optics.settings[0]]
    for power in powers:
        if power not in known:
            raise UsageError(f"power {power:g} is no light setting of printer {printer.name}; it has {', '.join(f'{p:g}' for p in known)}")
    return [known[power] for power in dict.fromkeys(powers)]


def _range(printer: Printer, settings: Sequence[LightSetting], ec: float, given: tuple[float, float] | None) -> tuple[float, float]:
    """Return the lowest and highest dose; as given within the printer's limits, else as far as these go."""
    limits = printer.limits
    most = min(limits.max_dose_mj_cm2.value, *(limits.max_exposure_s.value * s.irradiance_mw_cm2.value for s in settings))
    if given is None:
        if most < 3 * LOWEST * ec:
            raise UsageError(
                f"printer {printer.name} gives at most {most:.4g} mJ/cm² an exposure, too little for a curve from {LOWEST * ec:.4g} mJ/cm² "
                "(1.5 Ec) on; choose a stronger light setting, or give the doses (--doses-mj-cm2 LO,HI)"
            )
        return LOWEST * ec, min(HIGHEST * ec, most)
    low, high = given
    if not 0 < low < high:
        raise UsageError(f"doses from {low:g} to {high:g} mJ/cm²: expected a lower and a higher one, above 0")
    if high > most * (1 + 1e-9):
        raise UsageError(f"doses up to {high:g} mJ/cm²: printer {printer.name} gives at most {most:.4g} an exposure")
    return low, high


def _spread(count: int) -> np.ndarray:
    """Return an order that spreads doses over the field, so that uneven light does not look like a curve: steps of the golden ratio."""
    return np.argsort((np.arange(count) * 0.6180339887498949) % 1.0, kind="stable")


def _job(
    printer: Printer, resin: Resin, process: Process, layout: TileLayout, height_um: float, light: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> PrintJob:
    grid = Grid(origin_um=(0.0, 0.0), pitch_um=printer.optics.pitch_um.value, shape=printer.field_px, z_edges_um=np.array([0.0, height_um]))
    process = msgspec.structs.replace(
        process, name="working-curve", layer_um=height_um, layers=None, corrections=(), bottom_dose_factors=()
    )
    time, dose, power = light

    def plan(k: int) -> LayerPlan:
        exposures = tuple(
            Exposure(mask=layout.mask(i), time_s=float(t), dose_mj_cm2=float(d), power=float(p))
            for i, (t, d, p) in enumerate(zip(time, dose, power, strict=True))
        )
        return LayerPlan(index=k, z_top_um=height_um, thickness_um=height_um, motion=process.motion.at(k), exposures=exposures)

    parts = tuple(_tile_part(layout, grid, i, float(dose[i]), height_um) for i in range(len(dose)))
    missing = tuple(dict.fromkeys(name for p in np.unique(power) for name in placeholders(printer, resin, float(p))))
    return PrintJob(
        engines=(Engine(grid=grid, wavelength_nm=printer.optics.wavelength_nm.value, orientation=printer.turn),),
        printer=printer,
        resin=resin,
        process=process,
        provenance=Provenance(version=__version__, inputs=(), placement="coupon working-curve"),
        parts=tuple(_record(part) for part in parts),
        n_layers=1,
        plan_layer=plan,
        design_of=lambda: parts,
        placeholders=missing,
    )


def _tile_part(layout: TileLayout, grid: Grid, i: int, dose: float, height_um: float) -> Part:
    """Return a tile and its number as blocks."""
    boxes = np.array(layout.rectangles(i), np.float64)  # row, column, rows, columns
    low = boxes[:, 1::-1] * grid.pitch_um + grid.origin_um
    high = low + boxes[:, 3:1:-1] * grid.pitch_um
    corners = [
        [(a, b, c) for c in (0.0, height_um) for a, b in _around(*lo, *hi)] for lo, hi in zip(low.tolist(), high.tolist(), strict=True)
    ]
    faces = np.concatenate([np.array(BLOCK) + 8 * k for k in range(len(boxes))])
    label = f"tile {i + 1}: {dose:.4g} mJ/cm²"
    return Part(solid=Solid.from_arrays(np.array(corners).reshape(-1, 3), faces, source=label), label=label)


def _around(x0: float, y0: float, x1: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _record(part: Part) -> PartRecord:
    low, high = part.bounds_um().tolist()
    return PartRecord(label=part.label, sha256=part.solid.sha256, bounds_um=(tuple(low), tuple(high)))
