"""What is odd about measurements, and what they cannot tell: findings of every kind of fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import chdtrc

from pmsl.calibrate.fits.fit_result import FitResult, Parameter
from pmsl.calibrate.fits.model_fit import ModelFit
from pmsl.calibrate.fits.regression import LEVEL, FitTest, Line, against_column, against_replicates, outliers
from pmsl.core.finding import Finding

REPLICATES, STATED, SHEETS = "replicates", "the stated measuring error", "a sheet beside the others"
WHY = {
    REPLICATES: "tiles differ from it by more than repeated ones from each other",
    STATED: "tiles differ from it by more than their stated sd_um",
    SHEETS: "the sheets contradict each other, one lies off the others as a whole: another resin, day, light or instrument",
}
TOGETHER = 0.98  # correlation from which on two values are told as one


def outlier_findings(line: Line, rows: Sequence[str], y: np.ndarray, unit: str) -> list[Finding]:
    """Name measurements that lie further off than all others allow.

    Parameters
    ----------
    line : Line
    rows : sequence of str
        Where each stands.
    y : (N,) float64
        Measured.
    unit : str
    """
    said = f" {unit}" if unit else ""
    return [
        Finding(
            code="measurement-outlier",
            severity="warning",
            message=f"{rows[i]}: {y[i]:g}{said} lie {line.residuals[i]:+.3g}{said} off the curve, "
            f"{abs(line.studentised[i]):.3g} standard deviations by all others; look at that tile again, "
            "leave the row out (use = 0), or fit with --robust",
            value=float(line.residuals[i]),
            unit=unit,
        )
        for i in outliers(line)
    ]


def lack_findings(tests: Sequence[FitTest], model: str, why: Mapping[str, str], stated: bool, then: str) -> list[Finding]:
    """Say where a model is not what the measurements lie on, or that nothing says whether it is.

    Parameters
    ----------
    tests : sequence of FitTest
    model : str
        For messages, as ``C = Dp ln(E/Ec)``.
    why : mapping of str to str
        Of each test's `against`, what a failure means; those of `WHY` are known.
    stated : bool
        Whether each row states its measuring error.
    then : str
        What the values are worth where it fails.
    """
    known = {**WHY, **why}
    found = [
        Finding(
            code="lack-of-fit",
            severity="warning",
            message=f"{model} does not describe the tiles: {known[test.against]} (p = {test.p:.2g}); {then}",
            value=test.p,
            limit=LEVEL,
            unit="",
        )
        for test in tests
        if test.p * len(tests) < LEVEL
    ]
    if not any(test.against == REPLICATES for test in tests) and not stated:
        found.append(
            Finding(
                code="lack-of-fit-unknown",
                severity="info",
                message="no tile was measured twice and no sd_um is stated: whether the curve fits within the measuring error cannot be "
                "told; repeat some tiles, or state sd_um",
            )
        )
    return found


def stated_test(line: Line, weights: np.ndarray) -> FitTest:
    """Hold a fit against the measuring error that the rows state (chi-squared).

    Parameters
    ----------
    line : Line
    weights : (N,) float64
        1 / variance [1 / unit²].
    """
    square = float((weights * line.residuals**2).sum())
    return FitTest(STATED, square / line.dof, (line.dof, 10**9), float(chdtrc(line.dof, square)))


def sheet_tests(line: Line, design: np.ndarray, rows: Sequence[str], weights: np.ndarray | None) -> list[FitTest]:
    """Hold a fit against one in which a sheet lies off the others as a whole; the most telling of them, none of a single sheet.

    Parameters
    ----------
    line : Line
    design : (N, P) float64
        Its columns.
    rows : sequence of str
        Where each measurement stands, ``FILE:LINE``.
    weights : (N,) float64, optional
    """
    files = [row.rpartition(":")[0] for row in rows]
    names = sorted(set(files))
    flat = line.residuals + design @ line.coefficients
    columns = [np.array([name == one for one in files], np.float64) for name in (names if len(names) > 2 else names[1:])]
    found = [test for column in columns if (test := against_column(line, design, flat, weights, column, SHEETS)) is not None]
    if not found:
        return []
    best = min(found, key=lambda test: test.p)
    return [FitTest(best.against, best.f, best.dof, min(1.0, best.p * len(found)))]


def fit_tests(fit: ModelFit, same: np.ndarray, weights: np.ndarray | None) -> tuple[FitTest, ...]:
    """Hold a model against repeated measurements and against their stated error.

    Parameters
    ----------
    fit : ModelFit
    same : (N, K) float64
        Rows that are equal were measured under the same settings.
    weights : (N,) float64, optional
        As stated, not as a robust fit used them.
    """
    found = [against_replicates(fit.line, same, weights)]
    if weights is not None:
        found.append(stated_test(fit.line, weights))
    return tuple(test for test in found if test is not None)


def identifiability_findings(fit: ModelFit, remedies: Mapping[str, str]) -> list[Finding]:
    """Name values that the data hardly part, or say nothing of but a bound.

    Parameters
    ----------
    fit : ModelFit
    remedies : mapping of str to str
        Of each unknown, the measurement that would tell it.
    """
    found, names = [], [u.name for u in fit.unknowns]
    for i in np.flatnonzero(fit.at_bound).tolist():
        u = fit.unknowns[i]
        found.append(
            Finding(
                code="value-at-bound",
                severity="info",
                message=f"{u.name} is at its bound of {fit.values[i]:g} {u.unit}: the data allow up to {fit.intervals[i, 1]:.3g} "
                f"({95 if u.one_sided else 97.5} %, one-sided){'; ' + remedies[u.name] if u.name in remedies else ''}",
                value=float(fit.intervals[i, 1]),
                unit=u.unit,
            )
        )
    sd = np.sqrt(np.diag(fit.covariance))
    for i in range(len(names)):
        for j in range(i):
            if sd[i] > 0 and sd[j] > 0 and abs(fit.covariance[i, j]) > TOGETHER * sd[i] * sd[j]:
                remedy = next((remedies[n] for n in (names[i], names[j]) if n in remedies), "vary more")
                found.append(
                    Finding(
                        code="values-not-parted",
                        severity="warning",
                        message=f"the data hardly part {names[j]} from {names[i]} (correlation "
                        f"{fit.covariance[i, j] / (sd[i] * sd[j]):.3f}): only together they hold; {remedy}",
                        value=float(fit.covariance[i, j] / (sd[i] * sd[j])),
                        limit=TOGETHER,
                        unit="",
                    )
                )
    return found


def fit_result(
    kind: str,
    fit: ModelFit,
    source: str,
    tests: Sequence[FitTest],
    findings: Sequence[Finding],
    prediction: Mapping[str, np.ndarray],
    unit: str = "µm",
    robust: bool = False,
    tables: Mapping[str, np.ndarray] | None = None,
    measured: Mapping[str, np.ndarray] | None = None,
) -> FitResult:
    """Return what a fit of a model gives.

    Parameters
    ----------
    kind : str
    fit : ModelFit
    source : str
        Sheets with their SHA-256.
    tests, findings, prediction
        As of `FitResult`.
    unit : str
        Of what is measured.
    robust : bool
    tables : mapping of str to ndarray, optional
        Lists of values, as of `FitResult`.
    measured : mapping of str to ndarray, optional
        As of `FitResult`; left out: the settings of `prediction` where it has a row a measurement, what is predicted being its last column.
    """
    if measured is None and tables is None:
        *_, last = prediction
        measured = {**prediction, last: prediction[last] + fit.line.residuals}
    parameters = {
        u.name: Parameter(float(v), math.sqrt(fit.covariance[i, i]), (float(fit.intervals[i, 0]), float(fit.intervals[i, 1])), u.unit)
        for i, (u, v) in enumerate(zip(fit.unknowns, fit.values, strict=True))
    }
    return FitResult(
        kind=kind,
        parameters=parameters,
        covariance=fit.covariance,
        rmse=float(np.sqrt(np.mean(fit.line.residuals**2))),
        n=len(fit.line.residuals),
        lack_of_fit=tuple(tests),
        prediction=dict(prediction),
        residuals=fit.line.residuals,
        source=source,
        robust=robust,
        findings=tuple(findings),
        unit=unit,
        tables=dict(tables or {}),
        measured=dict(measured or {}),
    )
