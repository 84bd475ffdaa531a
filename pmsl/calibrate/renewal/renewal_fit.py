"""Renewal and reach from roofs at known ways from the vat: under a ledge or in a channel liquid is exchanged, in a cavity it is not.

Below a roof at the way d from the vat every recoat leaves the share ``1 - r exp(-d / reach)`` of the dose of liquid; where it cures is a
closed form (`cured_um` of `pmsl.calibrate.fits.cure_fit`). What is exchanged beyond ``exp(-layer / Dp)`` changes nothing: each layer adds
less than is lost. So the fit goes by ``1 - r`` and ``1 / reach``, which begin at 0, and either may be one-sided.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pmsl.calibrate.fits.cure_fit import REMEDIES, ROOFS, CureRows, cure_tests, cured_um, first_guess, read_cure_rows
from pmsl.calibrate.fits.fit_findings import fit_result, identifiability_findings, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult, Parameter
from pmsl.calibrate.fits.model_fit import ModelFit, Predict, Unknown, fit_model
from pmsl.calibrate.fits.working_curve import WHY
from pmsl.calibrate.kinds.kind import FitOptions
from pmsl.calibrate.sheets import ABOVE, SheetFormat
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError

LEDGES = SheetFormat("renewal", {**ROOFS.columns, "port_um": ABOVE}, ROOFS.measured, ROOFS.needed, ROOFS.noun, ROOFS.lengths)
SHEETS = ("renewal", "roofs", "working-curve", "induction")
KEPT, PER_UM = "1 - renewal", "1 / reach_um"
SHORTEST_UM, MUCH_PER_UM = 5.0, 0.02  # of the reach; what is much of its inverse
RENEWALS = (0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)
REACHES_UM = (math.inf, 5000.0, 2000.0, 1000.0, 500.0, 250.0, 120.0, 60.0, 30.0)
STARTS = 4
EQUAL = 1e-9  # sums of squares that differ by less, relative
CONTACT = {
    KEPT: "where more is exchanged than exp(-layer / Dp) roofs are as if all were; coupon renewal with lower layers tells more",
    PER_UM: "measure channels farther from their port: coupon renewal on a printer with a longer field",
}


def fit_renewal(paths: Sequence[Path], options: FitOptions) -> FitResult:
    """Fit renewal and reach, with Dp and Ec, and E_ind where films of known dose join.

    Parameters
    ----------
    paths : sequence of Path
        Sheets of ledges, of which rows without ``port_um`` are sealed; of roofs, working curves, induction.
    options : FitOptions

    Raises
    ------
    MeasurementError
        No roof that is open to the vat, or none that is sealed, besides what `fit_model` refuses.
    """
    rows = read_cure_rows(paths, options, SHEETS, LEDGES)
    ported = ~np.isnan(rows.port_um)
    if not ported.any():
        raise MeasurementError(f"{rows.source}: no row has a port_um: all roofs are sealed, and tell nothing of what recoats exchange")
    if ported.all():
        raise MeasurementError(
            f"{rows.source}: all rows have a port_um: without sealed roofs (port_um blank) or films, light and exchange cannot be parted; "
            "measure the cavities too, or add the sheet of a working curve"
        )
    search = _RenewalSearch(rows, options)
    fit = search.best()
    tests = cure_tests(fit, rows)
    findings = [*rows.findings, *outlier_findings(fit.line, rows.row, rows.y_um, "µm")]
    findings += lack_findings(
        tests, "the model of light, threshold and exchange", WHY, rows.weights is not None, "its values hold for these tiles at best"
    )
    findings += identifiability_findings(fit, {**REMEDIES, **CONTACT}) + search.findings()
    prediction = {
        "dose_mj_cm2": rows.dose_mj_cm2,
        "cover_layers": rows.cover_layers,
        "port_um": np.where(ported, rows.port_um, 0.0),
        "depth_um": rows.y_um - fit.line.residuals,
    }
    result = fit_result("renewal", fit, rows.source, tests, findings, prediction, "µm", options.robust)
    result = _in_profiles_words(result)
    return result.with_findings(*_unseen(result))


class _RenewalSearch:
    """The model of all rows, and where searches for its optimum begin."""

    def __init__(self, rows: CureRows, options: FitOptions) -> None:
        self._rows, self._options, material = rows, options, options.resin.resin
        self._films = bool((rows.cover_layers == 0).any())
        self._held = 0.0 if self._films or material.induction_mj_cm2 is None else material.induction_mj_cm2.value
        dp, ec = first_guess(rows, material.dp_um.value, material.ec_mj_cm2.value) if self._films else _known(options)
        self._cure = [Unknown("dp_um", "µm", dp, 0.02 * dp, 50 * dp), Unknown("ec_mj_cm2", "mJ/cm²", ec, 1e-3 * ec, 1e3 * ec)]
        if self._films:
            self._cure.append(Unknown("induction_mj_cm2", "mJ/cm²", 0.1 * ec, 0.0, 1e3 * ec))
        self._open = ~np.isnan(rows.port_um)
        self._port_um = np.where(self._open, rows.port_um, 0.0)

    def best(self) -> ModelFit:
        """Return the best fit; without a reach where nothing is exchanged."""
        sealed, cure = self._sealed()
        tried = []
        for renewal, reach_um in self._starts(cure):
            with contextlib.suppress(MeasurementError):
                tried.append(self._fitted(cure, 1 - renewal, 1 / reach_um, profiles=False))
        least = min((_squares(fit) for fit in tried), default=math.inf)
        if not least < sealed * (1 - EQUAL):
            return self._fit([*self._started(cure), Unknown("renewal", "", 0.0, 0.0, 1.0, 1.0)], self._of_renewal)
        alike = [fit for fit in tried if _squares(fit) <= least * (1 + EQUAL)]
        values = min((fit.values for fit in alike), key=lambda values: (values[-2], values[-1]))  # most is exchanged, farthest
        return self._fitted(values[:-2], float(values[-2]), float(values[-1]))

    def findings(self) -> list[Finding]:
        """Say what was held."""
        if self._films:
            return []
        return [
            Finding(
                code="value-held",
                severity="info",
                message=f"E_ind is held at {self._held:g} mJ/cm², the resin's; the sheet of a working curve beside this one tells it",
                value=self._held,
                unit="mJ/cm²",
            )
        ]

    def _started(self, cure: np.ndarray) -> list[Unknown]:
        """Return the unknowns of light and threshold, with where to begin."""
        return [dataclasses.replace(u, start=max(float(v), u.low)) for u, v in zip(self._cure, cure, strict=True)]

    def _fitted(self, cure: np.ndarray, kept: float, per_um: float, profiles: bool = True) -> ModelFit:
        more = [
            Unknown(KEPT, "", kept, 0.0, 1.0, 1.0, one_sided=False),
            Unknown(PER_UM, "1/µm", per_um, 0.0, 1 / SHORTEST_UM, MUCH_PER_UM, one_sided=False),
        ]
        return self._fit([*self._started(cure), *more], self._depths, profiles)

    def _fit(self, unknowns: Sequence[Unknown], predict: Predict, profiles: bool = True) -> ModelFit:
        remedy = "measure ledges and channels under more layers: coupon renewal"
        return fit_model(predict, unknowns, self._rows.y_um, self._rows.weights, self._options.robust, remedy, profiles)

    def _depths(self, values: np.ndarray) -> np.ndarray:
        """Return where all rows cure: (N,) float64 [µm]."""
        induction = values[2] if self._films else self._held
        share = np.where(self._open, (1 - values[-2]) * np.exp(-values[-1] * self._port_um), 0.0)
        rows = self._rows
        return cured_um(
            np.array([values[0], values[1], induction, 0.0]), rows.dose_mj_cm2, rows.events, rows.cover_layers, rows.layer_um, share
        )

    def _of_renewal(self, values: np.ndarray) -> np.ndarray:
        """Return the same of a renewal that reaches anywhere."""
        return self._depths(np.array([*values[:-1], 1 - values[-1], 0.0]))

    def _sealed(self) -> tuple[float, np.ndarray]:
        """Return the sum of squares if nothing is exchanged, and light and threshold by the rows that are sealed."""
        closed = ~self._open
        n = len(self._cure)

        def predict(cure: np.ndarray) -> np.ndarray:
            return self._depths(np.array([*cure, 1.0, 0.0]))

        try:
            weights = None if self._rows.weights is None else self._rows.weights[closed]
            own = fit_model(lambda v: predict(v)[closed], self._cure, self._rows.y_um[closed], weights, profiles=False).values
        except MeasurementError:
            own = np.array([u.start for u in self._cure])
        try:
            return _squares(self._fit(self._started(own), predict, profiles=False)), own[:n]
        except MeasurementError:
            return math.inf, own[:n]

    def _squares(self, values: np.ndarray) -> float:
        root = 1.0 if self._rows.weights is None else np.sqrt(self._rows.weights)
        left = root * (self._depths(values) - self._rows.y_um)
        return float(left @ left)

    def _starts(self, cure: np.ndarray) -> list[tuple[float, float]]:
        """Return the best of a table of renewals and reaches, and full renewal that reaches anywhere."""
        pairs = itertools.product(RENEWALS, REACHES_UM)
        table = sorted(pairs, key=lambda one: self._squares(np.array([*cure, 1 - one[0], 1 / one[1]])))
        return [(1.0, math.inf), *table[:STARTS]]


def _known(options: FitOptions) -> tuple[float, float]:
    material = options.resin.resin
    return material.dp_um.value, material.ec_mj_cm2.value


def _unseen(result: FitResult) -> list[Finding]:
    """Say where the data do not show that anything is exchanged."""
    if "reach_um" not in result.parameters or result.parameters["renewal"].interval95[0] > 0:
        return []
    return [
        Finding(
            code="values-not-parted",
            severity="warning",
            message="nothing says that anything is exchanged: a renewal of 0 describes the tiles as well (95 %), and with it any reach; "
            "state memory 'enclosed', or measure more ledges: coupon renewal",
            value=result.parameters["renewal"].value,
            unit="",
        )
    ]


def _squares(fit: ModelFit) -> float:
    weights = 1.0 if fit.weights is None else fit.weights
    return float((weights * fit.line.residuals**2).sum())


def _in_profiles_words(result: FitResult) -> FitResult:
    """Return the same with renewal and reach in place of what was fitted."""
    names = list(result.parameters)
    if KEPT not in names:
        return result
    kept, inverse = (result.parameters[name] for name in (KEPT, PER_UM))
    low, high = (1 - end for end in kept.interval95[::-1])
    far, near = (math.inf if end <= 0 else 1 / end for end in inverse.interval95)
    endless = inverse.value <= 0
    slope = 0.0 if endless else -1 / inverse.value**2
    changed = {
        **{name: result.parameters[name] for name in names[:-2]},
        "renewal": Parameter(1 - kept.value, kept.sd, (max(low, 0.0), min(high, 1.0)), ""),
        "reach_um": Parameter(math.inf if endless else 1 / inverse.value, abs(slope) * inverse.sd, (near, far), "µm"),
    }
    turn = np.diag([*np.ones(len(names) - 2), -1.0, slope])
    return dataclasses.replace(result, parameters=changed, covariance=turn @ result.covariance @ turn)
