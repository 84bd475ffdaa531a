"""Films and roofs together: how deep light cures, by one event or several, under one layer or many; Dp, Ec, induction and tail.

A film of dose E in n events is as thick as ``A(z) = (Ec + (n - 1) E_ind) / E`` says, A the share of light that is left at depth z;
a roof of N layers reaches as far below its designed face as ``Σ max(0, E A(d + k h) - E_ind) = Ec - E_ind`` says: closed forms, both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, identifiability_findings, lack_findings, outlier_findings, sheet_tests
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.model_fit import ModelFit, Unknown, fit_model
from pmsl.calibrate.fits.regression import FitTest, against_column
from pmsl.calibrate.fits.working_curve import BENT, IRRADIANCE, RATIO, WHY
from pmsl.calibrate.kinds.kind import FitOptions
from pmsl.calibrate.measurements import exposures
from pmsl.calibrate.sheet_findings import uncured
from pmsl.calibrate.sheets import ABOVE, FROM, SheetFormat, check_kind, columns_of, joined, read_sheets, text_of
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError

FILM = SheetFormat(
    "induction",
    {"time_s": ABOVE, "dose_mj_cm2": ABOVE, "thickness_um": FROM, "irradiance_mw_cm2": ABOVE, "events": ABOVE, "wait_s": FROM},
    ("thickness_um",),
    (("time_s", "dose_mj_cm2"),),
    "a thickness",
    ("thickness_um",),
)
ROOFS = SheetFormat(
    "roofs",
    {
        **dict.fromkeys(("time_s", "dose_mj_cm2", "irradiance_mw_cm2", "layer_um", "cover_layers", "channel_um"), ABOVE),
        **dict.fromkeys(("reference_um", "reference_design_um", "roof_design_um"), ABOVE),
        "gap_um": FROM,
    },
    ("gap_um",),
    (("time_s", "dose_mj_cm2"), ("cover_layers",), ("layer_um",), ("channel_um",)),
    "a gap",
    ("gap_um", "layer_um", "channel_um"),
)
FAR = 600.0  # decay lengths: a roof that light closes at any depth
SHALLOWEST = 1e-12
REMEDIES = {
    "induction_mj_cm2": "print one dose in 1, 2 and 4 events: coupon induction",
    "tail": "print roofs of many layers at three doses, with a working curve: coupon roofs",
    "dp_um": "print a wider range of doses: coupon working-curve",
    "ec_mj_cm2": "print a wider range of doses: coupon working-curve",
}


@dataclass(frozen=True, slots=True, eq=False)
class CureRows:
    """Films and roofs, measured.

    Attributes
    ----------
    y_um : (N,) float64
        Thickness of films; of roofs how far they came down below their designed face.
    dose_mj_cm2 : (N,) float64
        Of all events of a film; of each layer of a roof.
    events : (N,) float64
        Of a film; 1 of roofs.
    cover_layers : (N,) float64
        Of a roof; 0 of films.
    layer_um : (N,) float64
        Of a roof; 0 of films.
    light_mw_cm2, wait_s : (N,) float64
        nan where not known.
    port_um : (N,) float64
        Way along the liquid below a roof to the vat; nan where it is sealed, and of films.
    lit_um, design_um : (N,) float64
        From floor to what is lit of a roof, and to where it was designed; nan of films, and where it is not stated.
    weights : (N,) float64 or None
    row : tuple of str
    source : str
    findings : tuple of Finding
    """

    y_um: np.ndarray
    dose_mj_cm2: np.ndarray
    events: np.ndarray
    cover_layers: np.ndarray
    layer_um: np.ndarray
    light_mw_cm2: np.ndarray
    wait_s: np.ndarray
    port_um: np.ndarray
    lit_um: np.ndarray
    design_um: np.ndarray
    weights: np.ndarray | None
    row: tuple[str, ...]
    source: str
    findings: tuple[Finding, ...]


def cured_um(
    values: np.ndarray,
    dose: np.ndarray,
    events: np.ndarray,
    cover: np.ndarray,
    layer_um: np.ndarray,
    exchanged: np.ndarray | None = None,
) -> np.ndarray:
    """Return how deep light cures: thickness of films, depth below the designed face of roofs.

    Parameters
    ----------
    values : (4,) float64
        Dp [µm], Ec, E_ind [mJ/cm²], tail.
    dose, events, cover, layer_um : (N,) float64
        As of `CureRows`.
    exchanged : (N,) float64, optional
        Share of the liquid below a roof that each recoat exchanges; left out: none, it is sealed.

    Returns
    -------
    (N,) float64
        [µm]; below 0 where light does not suffice.
    """
    dp, ec, induction, tail = values.tolist()
    out = np.empty(len(dose))
    film = cover == 0
    left = (ec + (events[film] - 1) * induction) / dose[film]
    out[film] = -dp * np.log(np.clip((left - tail) / (1 - tail), math.exp(-FAR), None))
    roof = ~film
    if roof.any():
        q = np.exp(-layer_um[roof] / dp)
        many = np.arange(1, int(cover[roof].max()) + 1)[:, None]
        # the events are ever weaker: their sum is the largest of the sums of the first m, each straight in exp(-d / Dp)
        if exchanged is None:
            light, count = q * (1 - q**many) / (1 - q), many
        else:
            light, count = _left_of_events(q, 1 - exchanged[roof], len(many))
        depth = (ec - induction + count * (induction - tail * dose[roof])) / ((1 - tail) * dose[roof] * light)
        depth = np.where(many <= cover[roof], depth, np.inf).min(axis=0)
        out[roof] = -dp * np.log(np.clip(depth, SHALLOWEST, None))
    return out


def _left_of_events(q: np.ndarray, kept: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what is left of the light, and of the number, of the first 1 to `most` events, a recoat between each: (most, N) float64."""
    light, count = np.zeros((most, len(q))), np.zeros((most, len(q)))
    at, number, power = np.zeros(len(q)), np.zeros(len(q)), np.ones(len(q))
    for m in range(most):
        power = power * q
        at, number = kept * at + power, kept * number + 1
        light[m], count[m] = at, number
    return light, count


def read_cure_rows(paths: Sequence[Path], options: FitOptions, kinds: Sequence[str], roofs: SheetFormat = ROOFS) -> CureRows:
    """Read sheets of films and of roofs, joined.

    Parameters
    ----------
    paths : sequence of Path
    options : FitOptions
    kinds : sequence of str
        Whose sheets may come.
    roofs : SheetFormat
        Of those that have a gap.
    """
    parts = []
    for path in paths:
        text = text_of(Path(path))
        check_kind(text, Path(path).name, kinds)
        gaps = "gap_um" in columns_of(text)
        data = read_sheets([path], roofs if gaps else FILM, kinds)
        values = data.values
        values["events"] = np.ones(len(data)) if gaps else np.where(np.isnan(values["events"]), 1.0, values["events"])
        for name in () if gaps else ("cover_layers", "layer_um"):
            values[name] = np.zeros(len(data))
        values["open"] = values["gap_um" if gaps else "thickness_um"]
        values["depth_um"] = _roof_depths(values, data.row) if gaps else values["thickness_um"]
        _, values["light"], values["dose"] = exposures(data, options.irradiance_mw_cm2, values["events"])
        for i in np.flatnonzero(np.isnan(values["dose"])).tolist():
            raise MeasurementError(f"{data.row[i]}: no irradiance; give irradiance_mw_cm2 in every row, or --irradiance")
        parts.append(data)
    data = joined(parts)
    used = data.values["open"] > 0
    findings = [*data.findings, *uncured([row for row, use in zip(data.row, used, strict=True) if not use])]
    blank, names = np.full(len(data), math.nan), ("depth_um", "dose", "events", "cover_layers", "layer_um", "light", "wait_s", "port_um")
    more = ("channel_um", "roof_design_um")
    depth, dose, events, cover, layer, light, wait, port = (data.values.get(name, blank)[used] for name in names)
    lit, design = (data.values.get(name, blank)[used] for name in more)
    weights = data.weights()
    rows = tuple(row for row, use in zip(data.row, used, strict=True) if use)
    some = None if weights is None else weights[used]
    return CureRows(depth, dose, events, cover, layer, light, wait, port, lit, design, some, rows, data.source, tuple(findings))


def _roof_depths(values: dict[str, np.ndarray], rows: Sequence[str]) -> np.ndarray:
    """Return how far roofs came down, by their gap and the floor-to-floor reference of the tile."""
    for name in ("cover_layers", "layer_um", "channel_um"):
        for i in np.flatnonzero(np.isnan(values[name])).tolist():
            raise MeasurementError(f"{rows[i]}: no {name}; every row of roofs has one")
    if (np.isnan(values["reference_um"]) != np.isnan(values["reference_design_um"])).any():
        i = int(np.flatnonzero(np.isnan(values["reference_um"]) != np.isnan(values["reference_design_um"]))[0])
        if np.isnan(values["reference_design_um"][i]):
            raise MeasurementError(f"{rows[i]}: reference_um without reference_design_um, what it was designed as")
    offset = values["reference_um"] - values["reference_design_um"]
    gap = values["gap_um"] - np.where(np.isnan(offset), 0.0, offset)
    for i in np.flatnonzero(gap > 1.5 * values["channel_um"]).tolist():
        raise MeasurementError(
            f"{rows[i]}: gap_um is {gap[i]:g}, the channel was designed {values['channel_um'][i]:g} µm high; a roof cures down, not up: "
            "is that another tile, or another unit?"
        )
    return np.asarray(values["channel_um"] - gap)


def fit_cure(kind: str, rows: CureRows, free: Sequence[str], options: FitOptions) -> FitResult:
    """Fit Dp, Ec and what else is free to films and roofs.

    Parameters
    ----------
    kind : str
        Of the coupon.
    rows : CureRows
    free : sequence of str
        Beside ``dp_um`` and ``ec_mj_cm2``: ``induction_mj_cm2``, ``tail``.
    options : FitOptions

    Raises
    ------
    MeasurementError
        Fewer measurements than parameters, or parameters that the data cannot part.
    """
    material = options.resin.resin
    dp, ec = first_guess(rows, material.dp_um.value, material.ec_mj_cm2.value)
    unknowns = [
        Unknown("dp_um", "µm", dp, 0.02 * dp, 50 * dp),
        Unknown("ec_mj_cm2", "mJ/cm²", ec, 1e-3 * ec, 1e3 * ec),
        Unknown("induction_mj_cm2", "mJ/cm²", 0.1 * ec, 0.0, 1e3 * ec),
        Unknown("tail", "", 0.002, 0.0, 0.5),
    ]
    at = [i for i, u in enumerate(unknowns) if i < 2 or u.name in free]

    def predict(some: np.ndarray) -> np.ndarray:
        values = np.zeros(4)
        values[at] = some
        return cured_um(values, rows.dose_mj_cm2, rows.events, rows.cover_layers, rows.layer_um)

    fit = fit_model(predict, [unknowns[i] for i in at], rows.y_um, rows.weights, options.robust, remedy=_remedy(free))
    values = dict(zip([unknowns[i].name for i in at], fit.values.tolist(), strict=True))
    if values.get("induction_mj_cm2", 0.0) >= values["ec_mj_cm2"]:
        raise MeasurementError(
            f"the induction dose would be {values['induction_mj_cm2']:.3g} mJ/cm², not below "
            f"Ec = {values['ec_mj_cm2']:.3g}, which includes it: the sheets contradict each other, or columns are mixed up; {rows.source}"
        )
    tests = cure_tests(fit, rows)
    findings = [*rows.findings, *outlier_findings(fit.line, rows.row, rows.y_um, "µm")]
    findings += lack_findings(
        tests, "the model of light and threshold", WHY, rows.weights is not None, "its values hold for these tiles at best"
    )
    findings += identifiability_findings(fit, REMEDIES)
    prediction = {
        "dose_mj_cm2": rows.dose_mj_cm2,
        "events": rows.events,
        "cover_layers": rows.cover_layers,
        "depth_um": predict(fit.values),
    }
    return fit_result(kind, fit, rows.source, tests, findings, prediction, "µm", options.robust)


def _remedy(free: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(REMEDIES[name] for name in free)) or REMEDIES["dp_um"]


def first_guess(rows: CureRows, dp: float, ec: float) -> tuple[float, float]:
    """Return Dp and Ec by a straight line through films of few events, else as known."""
    film = (rows.cover_layers == 0) & (rows.events == rows.events.min())
    x, y = np.log(rows.dose_mj_cm2[film]), rows.y_um[film]
    if film.sum() < 3 or np.ptp(x) < 0.1:
        return dp, ec
    slope, height = np.polyfit(x, y, 1).tolist()
    return (slope, math.exp(-height / slope)) if slope > 0 and abs(height / slope) < 50 else (dp, ec)


def cure_tests(fit: ModelFit, rows: CureRows) -> tuple[FitTest, ...]:
    """Hold the model against repetitions, stated errors, a bent curve of films, and the irradiance."""
    light = np.where(np.isnan(rows.light_mw_cm2), 1.0, rows.light_mw_cm2)
    varies = not np.isnan(rows.light_mw_cm2).any() and light.max() > RATIO * light.min()
    settings = [
        np.log(rows.dose_mj_cm2),
        rows.events,
        rows.cover_layers,
        rows.layer_um,
        np.where(np.isnan(rows.port_um), -1.0, rows.port_um),
    ]
    found = list(fit_tests(fit, np.column_stack([*settings, np.log(light)] if varies else settings), rows.weights))
    flat = fit.line.residuals + fit.design @ fit.line.coefficients
    film = rows.cover_layers == 0
    at = np.log(rows.dose_mj_cm2)
    columns = {BENT: np.where(film, (at - at[film].mean()) ** 2, 0.0)} if film.sum() > 3 else {}
    columns |= {IRRADIANCE: np.log(light)} if varies else {}
    found += [t for name, c in columns.items() if (t := against_column(fit.line, fit.design, flat, rows.weights, c, name)) is not None]
    return (*found, *sheet_tests(fit.line, fit.design, rows.row, rows.weights))
