"""Tiles that could be printed next, within the limits of a printer, and what each would say of the values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pmsl.calibrate.coupons.coupon_job import most_dose_mj_cm2
from pmsl.calibrate.coupons.walls_coupon import TAUS, WIDTHS
from pmsl.calibrate.coupons.working_curve_coupon import dose_range
from pmsl.calibrate.fits.cure_fit import cured_um
from pmsl.calibrate.fits.wall_widths import GAP, LINE, features_of, widths_um
from pmsl.calibrate.kinds.induction_kind import EVENTS, HIGHEST, LOWEST
from pmsl.calibrate.kinds.roofs_kind import COVERS
from pmsl.calibrate.next_print.goals import roof_dose_mj_cm2, slopes_of
from pmsl.calibrate.next_print.known_values import KnownValues
from pmsl.calibrate.renewal.renewal_coupon import FAR_UM, LEDGE_AT, NEAR_UM, PLACES, part_side_px
from pmsl.errors import UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.profiles import Printer
from pmsl.profiles.response import response

CANDIDATES, FEW = 33, 9  # doses, spaced evenly over their logarithm; where a second setting is chosen as well
SURE = 0.7  # of its design: features nearer to vanishing seem to tell more than any microscope sees
LIGHTEST, STRONGEST = 0.7, 2.0  # doses of roofs, in that of a white layer
ON_FIELD = 0.8  # of a field's length: how far from their port channels reach


class CandidateTiles(NamedTuple):
    """Tiles to choose from.

    Attributes
    ----------
    columns : dict of (K,) ndarray
        ``dose_mj_cm2`` and ``time_s`` of one exposure, and what else a kind sets: ``events``, ``cover_layers``; ``thickness_um`` or
        ``depth_um`` that is expected.
    slopes : (K, M, P) float64
        Of what each measures by each value, over its error.
    light_mw_cm2 : float
        Of the printer's first setting, at which the times hold.
    """

    columns: dict[str, np.ndarray]
    slopes: np.ndarray
    light_mw_cm2: float


def candidate_tiles(known: KnownValues, printer: Printer, given: tuple[float, float] | None, layer_um: float) -> CandidateTiles:
    """Return the tiles that could be printed.

    Parameters
    ----------
    known : KnownValues
    printer : Printer
    given : (float, float), optional
        Lowest and highest dose of a tile [mJ/cm²].
    layer_um : float
        Of roofs.

    Raises
    ------
    UsageError
        Doses beyond the printer's limits, or that cure nothing.
    """
    if known.kind == "walls":
        return _walls(known, printer, given)
    if known.kind == "renewal":
        return _ledges(known, printer, given, layer_um)
    ec, dp = float(known.values[1]), float(known.values[0])
    second: tuple[int, ...] = {"induction": EVENTS, "roofs": COVERS}.get(known.kind, (1,))
    white = roof_dose_mj_cm2(dp, ec, layer_um)
    own = {"induction": (LOWEST * ec, HIGHEST * ec), "roofs": (LIGHTEST * white, STRONGEST * white)}.get(known.kind)
    dose, time, light = _doses(printer, ec, given, own, CANDIDATES if len(second) == 1 else FEW)
    if known.kind == "induction":
        return _films(known, printer, dose, second, light)
    pairs = np.array(list(itertools.product(range(len(dose)), second)))
    at, count = pairs[:, 0], pairs[:, 1].astype(np.float64)
    cover, layer = (count, np.full(len(count), layer_um)) if known.kind == "roofs" else (np.zeros(len(count)), np.zeros(len(count)))

    def predict(values: np.ndarray) -> np.ndarray:
        return cured_um(known.cure(values), dose[at], np.ones(len(at)), cover, layer)

    expected = predict(known.values)
    more = {"cover_layers": pairs[:, 1], "depth_um": expected} if known.kind == "roofs" else {"thickness_um": expected}
    return CandidateTiles({"dose_mj_cm2": dose[at], "time_s": time[at], **more}, _over(known, predict), light)


def _films(known: KnownValues, printer: Printer, dose: np.ndarray, second: tuple[int, ...], light: float) -> CandidateTiles:
    """Return films whose dose is split into events; times are of one."""
    pairs = np.array(list(itertools.product(dose, second)))
    once, time = whole_frames(pairs[:, 0] / pairs[:, 1], light, printer)
    events, blank = pairs[:, 1], np.zeros(len(pairs))

    def predict(values: np.ndarray) -> np.ndarray:
        return cured_um(known.cure(values), once * events, events, blank, blank)

    lasting = predict(known.values) > 0
    columns = {"dose_mj_cm2": once, "time_s": time, "events": events.astype(np.int64), "thickness_um": predict(known.values)}
    return CandidateTiles({name: column[lasting] for name, column in columns.items()}, _over(known, predict)[lasting], light)


def _ledges(known: KnownValues, printer: Printer, given: tuple[float, float] | None, layer_um: float) -> CandidateTiles:
    """Return tiles with a cavity and a ledge, and bars with a channel to one port."""
    ec, white = float(known.values[1]), roof_dose_mj_cm2(known.values[0], known.values[1], layer_um)
    dose, time, light = _doses(printer, ec, given, (LIGHTEST * white, STRONGEST * white), FEW)
    part_um = part_side_px(printer) * max(printer.optics.pitch_um.value)
    near, length = LEDGE_AT * part_um, max(printer.field_px) * min(printer.optics.pitch_um.value)
    square = np.array([math.inf, near, *[math.nan] * (PLACES - 2)])
    bar = np.geomspace(max(NEAR_UM, near), max(min(FAR_UM, ON_FIELD * length), NEAR_UM, near), PLACES)
    rows = list(itertools.product((0, 1), range(len(dose)), COVERS))
    bars, at, covers = (np.array([row[i] for row in rows]) for i in range(3))
    ways = np.where(bars[:, None] == 1, bar, square).ravel()
    which, measured = np.repeat(np.arange(len(rows)), PLACES), ~np.isnan(ways)
    ones = np.ones(len(ways))

    def predict(values: np.ndarray) -> np.ndarray:
        share = known.exchanged(values, np.where(measured, ways, math.inf))
        return cured_um(known.cure(values), dose[at[which]], ones, covers[which].astype(np.float64), layer_um * ones, share)

    slopes = np.where(measured[:, None], slopes_of(predict, known.values), 0.0) / known.error_um
    columns = {
        "dose_mj_cm2": dose[at],
        "time_s": time[at],
        "cover_layers": covers,
        "bar": bars,
        "depth_um": predict(known.values)[::PLACES],
    }
    return CandidateTiles(columns, slopes.reshape(len(rows), PLACES, -1), light)


def _walls(known: KnownValues, printer: Printer, given: tuple[float, float] | None) -> CandidateTiles:
    """Return groups of tiles of one dose, told by their lines and gaps along x and y."""
    at_ec = known.names.index("ec_mj_cm2")
    ec = float(known.values[at_ec])
    dose, time, light = _doses(printer, ec, given, (ec / max(TAUS), ec / min(TAUS)), CANDIDATES)
    rows = list(itertools.product(range(len(dose)), (LINE, GAP), (0.0, 90.0), WIDTHS))
    which = np.array([row[0] for row in rows])
    names, angles, widths = (np.array([row[i] for row in rows]) for i in (1, 2, 3))
    features = features_of(names, angles, widths, dose[which], printer.optics.pitch_um.value, response(printer))
    sign = np.where(features.dark, -1.0, 1.0)

    def predict(values: np.ndarray) -> np.ndarray:
        return np.asarray(widths_um(features, values[0], values[at_ec], known.names[0] == "gamma_px") + sign * values[-1])

    size = widths_um(features, known.values[0], ec, known.names[0] == "gamma_px")
    lasting = size > SURE * widths * features.pitch_um
    slopes = np.where(lasting[:, None], slopes_of(predict, known.values), 0.0) / known.error_um
    return CandidateTiles({"dose_mj_cm2": dose, "time_s": time}, slopes.reshape(len(dose), -1, len(known.values)), light)


def _over(known: KnownValues, predict: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return slopes_of(predict, known.values)[:, None, :] / known.error_um


def _doses(
    printer: Printer, ec: float, given: tuple[float, float] | None, own: tuple[float, float] | None, count: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the doses to choose from, as the printer gives them, their times, and its irradiance."""
    setting, most = printer.optics.settings[0], most_dose_mj_cm2(printer)
    low, high = dose_range(printer, [setting], ec, given) if given or own is None else (min(own[0], most), min(own[1], most))
    if low <= ec or not math.isfinite(low):
        raise UsageError(
            f"doses from {low:.4g} mJ/cm² on: by the measurements nothing cures up to {ec:.4g} mJ/cm²; begin above (--range LO,HI)"
        )
    light = setting.irradiance_mw_cm2.value
    doses, times = whole_frames(np.geomspace(low, high, count), light, printer)
    _, first = np.unique(times, return_index=True)
    first = first[doses[first] <= most * (1 + 1e-9)]  # frames round up
    if not len(first):
        raise UsageError(
            f"doses from {low:.4g} to {high:.4g} mJ/cm²: printer {printer.name} gives none of them in whole frames; choose lower ones"
        )
    return doses[first], times[first], light
