"""The next print: the tiles that say most of what is wanted, by the Fisher information they add to what is measured already.

A tile of dose E adds ``g gᵀ / σ²`` to the information of Dp and Ec, g the slopes of its thickness ``C = Dp ln(E / Ec)`` and σ its error;
the variance of a wanted value of slopes c is then ``cᵀ M⁻¹ c`` (`pmsl.calibrate.tile_choice`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pmsl.calibrate.coupons.coupon_job import Coupon, TileExposure, most_dose_mj_cm2
from pmsl.calibrate.coupons.film_coupon import film_coupon, tiles_of
from pmsl.calibrate.coupons.tile_layout import well_spread
from pmsl.calibrate.coupons.working_curve_coupon import COLUMNS, MOST_TILES, NOTES, dose_range
from pmsl.calibrate.kinds import PROPOSED
from pmsl.calibrate.measurements import WorkingCurveData, read_working_curve
from pmsl.calibrate.tile_choice import chosen_tiles, sd_of
from pmsl.calibrate.working_curve import fit_working_curve
from pmsl.core.finding import Finding
from pmsl.cure import print_through_um
from pmsl.errors import MeasurementError, UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_PROCESS, DEFAULT_RESIN, Printer, Process, Resin, find_printer, find_process, find_resin

GOALS = ("dp", "roofs")
CANDIDATES = 33  # doses, spaced evenly over their logarithm
FAR_FACE = 1.5  # dose at the far face of a roof's layers, in Ec
STEP = 1e-5  # of a value: for slopes


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """Tiles of a next print, and what they are expected to tell.

    Attributes
    ----------
    kind, goal : str
        Of the coupon; what is wanted.
    dose_mj_cm2, time_s, thickness_um : (N,) float64
        Of each tile: dose and time of its exposure, and the thickness that the fit expects; from the lowest dose up.
    irradiance_mw_cm2 : float
        Of the printer's first light setting, at which the times hold.
    value : float
        What is wanted, by the measurements so far, in `unit`.
    sd_now, sd_expected : float
        Its standard deviation by the measurements so far, and with these tiles.
    sd_ladder : float
        With as many tiles evenly spaced over the logarithm of the same doses.
    unit : str
    source : str
        Sheets with their SHA-256.
    findings : tuple of Finding
        Of the fit.
    """

    kind: str
    goal: str
    dose_mj_cm2: np.ndarray
    time_s: np.ndarray
    thickness_um: np.ndarray
    irradiance_mw_cm2: float
    value: float
    sd_now: float
    sd_expected: float
    sd_ladder: float
    unit: str
    source: str
    findings: tuple[Finding, ...] = ()

    @property
    def settings(self) -> list[tuple[int, float, float, float]]:
        """Tiles that are alike, as one: how many, dose [mJ/cm²], time [s], expected thickness [µm]."""
        _, first, many = np.unique(self.dose_mj_cm2, return_index=True, return_counts=True)
        columns = (self.dose_mj_cm2, self.time_s, self.thickness_um)
        return [(n, *(float(column[i]) for column in columns)) for i, n in zip(first.tolist(), many.tolist(), strict=True)]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        names = ("tiles", "dose_mj_cm2", "time_s", "thickness_um")
        return {
            "kind": self.kind,
            "goal": self.goal,
            "settings": [dict(zip(names, row, strict=True)) for row in self.settings],
            "irradiance_mw_cm2": self.irradiance_mw_cm2,
            "value": self.value,
            "sd_now": self.sd_now,
            "sd_expected": self.sd_expected,
            "sd_ladder": self.sd_ladder,
            "unit": self.unit,
            "source": self.source,
            "findings": [f.as_dict() for f in self.findings],
        }


def propose(
    kind: str,
    sheets: str | Path | Sequence[str | Path],
    goal: str = "dp",
    tiles: int = 8,
    printer: Printer | None = None,
    irradiance_mw_cm2: float | None = None,
    dose_range_mj_cm2: tuple[float, float] | None = None,
    layer_um: float = 10.0,
) -> Proposal:
    """Choose the tiles of the next print that make what is wanted surest.

    Parameters
    ----------
    kind : str
        One of `pmsl.calibrate.kinds.PROPOSED`.
    sheets : path, or sequence of paths
        What is measured already: CSV files, joined (`read_working_curve`).
    goal : {"dp", "roofs"}
        Dp [µm], or how far a roof of many layers of `layer_um`, each with 1.5 Ec at its far face, cures below its design [µm].
    tiles : int
        How many, 1 to 999.
    printer : Printer, optional
        Whose irradiance, limits and frames the times keep to. Left out: the default.
    irradiance_mw_cm2 : float, optional
        Of rows that state none [mW/cm²].
    dose_range_mj_cm2 : (float, float), optional
        Lowest and highest dose to choose from [mJ/cm²]; left out: 1.5 to 12 Ec by the fit, as far as the printer's limits go.
    layer_um : float
        Height of the layers of a roof [µm].

    Returns
    -------
    Proposal

    Raises
    ------
    MeasurementError
        What `fit_working_curve` refuses, measurements without an irradiance, or without any error.
    UsageError
        Another kind or goal, a number of tiles or a height that is none, doses beyond the printer's limits.
    """
    _check(kind, goal, tiles, layer_um)
    machine = printer or find_printer(DEFAULT_PRINTER)
    data = read_working_curve([sheets] if isinstance(sheets, (str, Path)) else sheets, irradiance_mw_cm2)
    result = fit_working_curve(data)
    if "ec_mj_cm2" not in result.parameters:
        raise MeasurementError(
            "the measurements have no irradiance: no dose can be proposed; give --irradiance, or a column irradiance_mw_cm2"
        )
    values = np.array([result.parameters[name].value for name in ("dp_um", "ec_mj_cm2")])
    error_um = _error_um(result.residuals, data)
    if not error_um > 1e-9 * values[0]:
        raise MeasurementError(
            f"the measurements lie on the curve to the last digit: they have no error that tiles could reduce; {data.source}"
        )
    at = [list(result.parameters).index(name) for name in ("dp_um", "ec_mj_cm2")]
    known = np.linalg.inv(result.covariance[np.ix_(at, at)])
    doses, times, light = _candidates(machine, float(values[1]), dose_range_mj_cm2)
    slopes, wanted = _slopes(values, doses) / error_um, goal_slopes(goal, values, layer_um)
    chosen = chosen_tiles(known, slopes, wanted, tiles)
    ladder = _slopes(values, np.geomspace(doses[0], doses[-1], tiles)) / error_um
    return Proposal(
        kind=kind,
        goal=goal,
        dose_mj_cm2=doses[chosen],
        time_s=times[chosen],
        thickness_um=values[0] * np.log(doses[chosen] / values[1]),
        irradiance_mw_cm2=light,
        value=goal_value(goal, values, values, layer_um),
        sd_now=sd_of(known, wanted),
        sd_expected=sd_of(known + slopes[chosen].T @ slopes[chosen], wanted),
        sd_ladder=sd_of(known + ladder.T @ ladder, wanted),
        unit="µm",
        source=data.source,
        findings=result.findings,
    )


def proposed_coupon(
    proposal: Proposal, printer: Printer | None = None, resin: Resin | None = None, process: Process | None = None
) -> Coupon:
    """Make the print that is proposed, and its sheet; the sheet joins those before it in `pmsl.calibrate.fit`.

    Parameters
    ----------
    proposal : Proposal
    printer, resin, process : Printer, Resin, Process, optional
        The printer it was made for; left out: the defaults.

    Raises
    ------
    UsageError
        No room on the field, doses beyond the printer's limits.
    """
    profiles = (
        printer or find_printer(DEFAULT_PRINTER),
        resin or find_resin(DEFAULT_RESIN),
        process or find_process(DEFAULT_PROCESS),
    )
    count = len(proposal.dose_mj_cm2)
    order, layout = well_spread(count), tiles_of(count, profiles[0])
    dose, light = proposal.dose_mj_cm2[order], proposal.irradiance_mw_cm2
    rows = tuple({"tile": i + 1, "time_s": t, "irradiance_mw_cm2": light} for i, t in enumerate(proposal.time_s[order].tolist()))
    notes = (
        *NOTES,
        f"Expected of {proposal.goal}, fitted with the sheets before: +- {proposal.sd_expected:.3g} um; now +- {proposal.sd_now:.3g} um.",
    )

    def shots() -> list[TileExposure]:
        return [TileExposure(layout.mask(i), float(dose[i])) for i in range(count)]

    return film_coupon("working-curve", profiles, layout, COLUMNS, rows, notes, float(dose.max()), shots)


def goal_value(goal: str, values: np.ndarray, nominal: np.ndarray, layer_um: float) -> float:
    """Return what is wanted, of Dp [µm] and Ec [mJ/cm²], at the doses that `nominal` asks for.

    Parameters
    ----------
    goal : {"dp", "roofs"}
    values, nominal : (2,) float64
    layer_um : float
    """
    dp, ec = values.tolist()
    if goal == "dp":
        return float(dp)
    dose = FAR_FACE * float(nominal[1]) * math.exp(layer_um / float(nominal[0]))
    return print_through_um(math.inf, layer_um, dp, dp * math.log(dose / ec))


def goal_slopes(goal: str, values: np.ndarray, layer_um: float) -> np.ndarray:
    """Return the slopes of what is wanted by Dp and Ec, doses held: (2,) float64.

    Parameters
    ----------
    goal : {"dp", "roofs"}
    values : (2,) float64
    layer_um : float
    """
    steps = STEP * np.diag(values)
    ends = [[goal_value(goal, values + sign * step, values, layer_um) for sign in (1, -1)] for step in steps]
    return np.array([(up - down) / (2 * float(step.sum())) for (up, down), step in zip(ends, steps, strict=True)])


def _check(kind: str, goal: str, tiles: int, layer_um: float) -> None:
    for word, given, known in (("kind", kind, PROPOSED), ("goal", goal, GOALS)):
        if given not in known:
            raise UsageError(f"no proposal of {word} {given!r}; known: {', '.join(known)}")
    if not 1 <= tiles <= MOST_TILES:
        raise UsageError(f"{tiles} tiles: expected 1 to {MOST_TILES} (--tiles N)")
    if not 0 < layer_um < 500:
        raise UsageError(f"layers of {layer_um:g} µm: expected a height above 0, below 500 µm (--layer-um UM)")


def _candidates(printer: Printer, ec: float, given: tuple[float, float] | None) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the doses to choose from, as the printer gives them, their times, and its irradiance."""
    setting = printer.optics.settings[0]
    low, high = dose_range(printer, [setting], ec, given)
    if low <= ec:
        raise UsageError(
            f"doses from {low:.4g} mJ/cm² on: by the measurements nothing cures up to {ec:.4g} mJ/cm²; begin above (--range LO,HI)"
        )
    light = setting.irradiance_mw_cm2.value
    doses, times = whole_frames(np.geomspace(low, high, CANDIDATES), light, printer)
    _, first = np.unique(times, return_index=True)
    first = first[doses[first] <= most_dose_mj_cm2(printer) * (1 + 1e-9)]  # frames round up
    if not len(first):
        raise UsageError(
            f"doses from {low:.4g} to {high:.4g} mJ/cm²: printer {printer.name} gives none of them in whole frames; choose lower ones"
        )
    return doses[first], times[first], light


def _slopes(values: np.ndarray, doses: np.ndarray) -> np.ndarray:
    """Return the slopes of thickness by Dp and Ec: (N, 2) float64."""
    dp, ec = values.tolist()
    return np.column_stack([np.log(doses / ec), np.full(len(doses), -dp / ec)])


def _error_um(residuals: np.ndarray, data: WorkingCurveData) -> float:
    """Return the error of a further tile, as the residuals tell it; of median weight where errors are stated."""
    weights = np.ones(len(residuals)) if np.isnan(data.sd_um).any() else data.sd_um**-2.0
    return math.sqrt(float((weights * residuals**2).sum()) / (len(residuals) - 2) / float(np.median(weights)))
