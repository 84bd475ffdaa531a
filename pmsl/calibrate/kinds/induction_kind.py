"""The kind ``induction``: one dose in 1, 2, 4 events with waits; what each event spends on oxygen, jointly with the working curve."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pmsl.calibrate.coupons.coupon_job import Coupon, TileExposure, most_dose_mj_cm2, rectangles_mask
from pmsl.calibrate.coupons.film_coupon import film_coupon, tiles_of
from pmsl.calibrate.coupons.tile_layout import well_spread
from pmsl.calibrate.fits.cure_fit import fit_cure, read_cure_rows
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.profile_update import measured_resin
from pmsl.core.finding import Finding
from pmsl.cure import CureModel
from pmsl.errors import UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.profiles import Printer, Process, Resin

COLUMNS = ("tile", "time_s", "events", "wait_s", "irradiance_mw_cm2", "thickness_um")
EVENTS, DOSES, REPEATS, WAIT_S = (1, 2, 4), 4, 2, 30.0
LOWEST, HIGHEST = 4.0, 12.0  # of Ec: with half of it spent on oxygen, four events of the lowest still cure
NOTES = (
    "Every tile gets its dose in so many events of time_s, with a dark time of wait_s before each further one. Rinse and post-treat all "
    "tiles alike. Measure thickness_um in the middle of each tile, from glass or film; its number stands above it. Fit it together with "
    "the sheet of a working curve of the same resin and day: pmsl calibrate fit induction THIS.csv WORKING-CURVE.csv",
)


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    ec, most = CureModel.of(resin).ec_mj_cm2, most_dose_mj_cm2(printer)
    low, high = options.dose_range_mj_cm2 or (LOWEST * ec, min(HIGHEST * ec, most))
    counts, wait_s = tuple(options.events or EVENTS), WAIT_S if options.wait_s is None else options.wait_s
    if not 0 < low < high or len(set(counts)) < 2 or min(counts) < 1 or wait_s < 0:
        raise UsageError(
            f"coupon induction: doses {low:g} to {high:g}, events {counts}, wait {wait_s:g} s: expected rising doses, two counts"
        )
    doses = np.geomspace(low, high, options.doses or DOSES).tolist()
    settings = list(itertools.product(doses, counts)) * (options.repeats or REPEATS)
    settings = [settings[i] for i in well_spread(len(settings))]
    return induction_coupon((printer, resin, process), settings, wait_s, options.tile_um)


def induction_coupon(
    profiles: tuple[Printer, Resin, Process],
    settings: Sequence[tuple[float, int]],
    wait_s: float = WAIT_S,
    tile_um: float | None = None,
    notes: Sequence[str] = NOTES,
) -> Coupon:
    """Make a coupon of films whose dose is split.

    Parameters
    ----------
    profiles : (Printer, Resin, Process)
    settings : sequence of (float, int)
        Of every tile: dose of all its exposures [mJ/cm²], how many.
    wait_s : float
        Dark time before each further one [s].
    tile_um : float, optional
        Side of a tile [µm].
    notes : sequence of str
        For the sheet.

    Raises
    ------
    UsageError
        No room on the field, doses beyond the printer's limits.
    """
    printer = profiles[0]
    layout = tiles_of(len(settings), printer, tile_um)
    light = printer.optics.settings[0].irradiance_mw_cm2.value
    events = [n for _, n in settings]
    once, time = whole_frames(np.array([dose / n for dose, n in settings]), light, printer)
    rows = tuple(
        {"tile": i + 1, "time_s": t, "events": n, "wait_s": wait_s if n > 1 else 0.0, "irradiance_mw_cm2": light}
        for i, (n, t) in enumerate(zip(events, time.tolist(), strict=True))
    )

    def shots() -> list[TileExposure]:
        out = []
        for turn in range(max(events)):  # all tiles once, then all that get more: they wait together
            lit = [i for i, n in enumerate(events) if turn < n]
            for i in lit:
                tile = rectangles_mask(0, layout.shape, [layout.tile(i)])
                out.append(TileExposure(tile, float(once[i]), wait_before_s=wait_s if turn > 0 and i == lit[0] else 0.0))
        return out

    highest = float((once * events).max())
    return film_coupon("induction", profiles, layout, COLUMNS, rows, notes, highest, shots, [f"{n}x" for n in events])


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    rows = read_cure_rows(paths, options, ("induction", "working-curve"))
    result = fit_cure("induction", rows, ("induction_mj_cm2",), options)
    waits = rows.wait_s[(rows.events > 1) & ~np.isnan(rows.wait_s)]
    if len(waits) == 0:
        return result
    said = Finding(
        code="value-holds-for",
        severity="info",
        message=f"E_ind holds for dark times of {waits.min():g} s between events, and longer: in shorter ones less oxygen comes back",
        value=float(waits.min()),
        unit="s",
    )
    return result.with_findings(said)


KIND = Kind(
    name="induction",
    options=frozenset({"doses", "repeats", "dose_range_mj_cm2", "tile_um", "events", "wait_s"}),
    coupon=_coupon,
    fit=_fit,
    resin=measured_resin,
)
