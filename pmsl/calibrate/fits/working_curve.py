"""The working curve of a resin: cured thickness over dose, C = Dp ln(E / Ec) (Jacobs 1992), fitted as the straight line that it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pmsl.calibrate.fits.fit_findings import lack_findings, outlier_findings, sheet_tests, stated_test
from pmsl.calibrate.fits.fit_result import FitResult, Parameter
from pmsl.calibrate.fits.regression import (
    FitTest,
    Line,
    against_column,
    against_replicates,
    fit_line,
    huber_weights,
    student,
)
from pmsl.calibrate.measurements import WorkingCurveData, read_working_curve
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError

POINTS = 25
BENT, IRRADIANCE = "a bent curve", "irradiance beside dose"
WHY = {
    BENT: "the thickness bends over the logarithm of the dose: an absorber that bleaches, a second decay, or a wrong zero",
    IRRADIANCE: "equal doses at other irradiances cure other thicknesses: reciprocity fails (E = I^p t)",
}
RATIO = 1.05  # irradiances that differ by less are one


def fit_working_curve(
    data: WorkingCurveData | str | Path | Sequence[str | Path], irradiance_mw_cm2: float | None = None, robust: bool = False
) -> FitResult:
    """Fit Dp and Ec to cured thicknesses.

    Parameters
    ----------
    data : WorkingCurveData, path, or sequence of paths
        Measurements, or their sheets (`read_working_curve`).
    irradiance_mw_cm2 : float, optional
        Of rows that state none [mW/cm²].
    robust : bool
        Hold far measurements back (Huber weights) instead of naming them only.

    Returns
    -------
    FitResult
        ``dp_um`` [µm]; ``ec_mj_cm2`` [mJ/cm²] where doses are known, ``tc_s`` [s] where times are, at one irradiance. Least squares on
        the thickness, unweighted unless every row states ``sd_um``. A single exposure gives the same curve whatever the induction dose
        is: Ec includes it.

    Raises
    ------
    MeasurementError
        A sheet that is not valid, no more measurements than parameters, doses that are all alike, thickness that does not grow with dose.
    """
    if not isinstance(data, WorkingCurveData):
        data = read_working_curve([data] if isinstance(data, (str, Path)) else data, irradiance_mw_cm2)
    known = not np.isnan(data.dose_mj_cm2).any()
    exposure = data.dose_mj_cm2 if known else data.time_s
    weights = None if np.isnan(data.sd_um).any() else data.sd_um**-2.0
    x, y = np.column_stack([np.ones(len(exposure)), np.log(exposure)]), data.thickness_um
    plain = fit_line(x, y, weights)
    used = huber_weights(x, y, weights) if robust else weights
    line = fit_line(x, y, used) if robust else plain
    if line.coefficients[1] <= 0:
        raise MeasurementError(
            f"thickness falls with dose (Dp would be {line.coefficients[1]:.4g} µm): are the columns, or the tiles, mixed up? {data.source}"
        )
    parameters, covariance = _parameters(line, data, known)
    tests = _tests(plain, x, data, weights)
    return FitResult(
        kind="working-curve",
        parameters=parameters,
        covariance=covariance,
        rmse=float(np.sqrt(np.mean(line.residuals**2))),
        n=len(y),
        lack_of_fit=tests,
        prediction=_prediction(line, exposure, "dose_mj_cm2" if known else "time_s", weights),
        measured={"dose_mj_cm2" if known else "time_s": exposure, "thickness_um": y},
        residuals=line.residuals,
        source=data.source,
        robust=robust,
        findings=(*data.findings, *_findings(plain, data, tests, known, weights is not None)),
    )


def curve_sd_um(result: FitResult, dose_mj_cm2: float) -> float:
    """Return the standard deviation of the fitted curve at a dose [µm], the covariance of its parameters taken into account.

    Parameters
    ----------
    result : FitResult
        Of a working curve with doses.
    dose_mj_cm2 : float
    """
    names = list(result.parameters)
    dp, ec = result.parameters["dp_um"].value, result.parameters["ec_mj_cm2"].value
    slope = np.zeros(len(names))
    slope[names.index("dp_um")], slope[names.index("ec_mj_cm2")] = math.log(dose_mj_cm2 / ec), -dp / ec
    return float(np.sqrt(slope @ result.covariance @ slope))


def _parameters(line: Line, data: WorkingCurveData, known: bool) -> tuple[dict[str, Parameter], np.ndarray]:
    """Return Dp and the critical exposure, and their covariance: C = a + b ln E, so that Dp = b and ln Ec = -a / b."""
    a, b = line.coefficients.tolist()
    critical = math.exp(-a / b)
    values: dict[str, tuple[float, str]] = {"dp_um": (b, "µm")}
    jacobian = [[0.0, 1.0]]
    one = _one_irradiance(data)
    if known:
        values["ec_mj_cm2"] = critical, "mJ/cm²"
        jacobian.append([-critical / b, critical * a / b**2])
    if not known or (one is not None and not np.isnan(data.time_s).any()):
        scale = 1.0 if not known or one is None else 1.0 / one
        values["tc_s"] = critical * scale, "s"
        jacobian.append([-critical * scale / b, critical * scale * a / b**2])
    turn = np.array(jacobian)
    covariance = turn @ line.covariance @ turn.T
    t, out = student(line.dof), {}
    for i, (name, (value, unit)) in enumerate(values.items()):
        sd = math.sqrt(covariance[i, i])
        out[name] = Parameter(value, sd, (value - t * sd, value + t * sd), unit)
    return out, covariance


def _one_irradiance(data: WorkingCurveData) -> float | None:
    """Return the irradiance of all rows, None where they differ or are not known."""
    given = data.irradiance_mw_cm2
    return None if np.isnan(given).any() or given.max() > given.min() * (1 + 1e-9) else float(given[0])


def _tests(line: Line, x: np.ndarray, data: WorkingCurveData, weights: np.ndarray | None) -> tuple[FitTest, ...]:
    """Hold the curve against what the measurements say of their error, a bend, and the irradiance."""
    y, at = data.thickness_um, x[:, 1]
    irradiance = data.irradiance_mw_cm2
    varies = not np.isnan(irradiance).any() and irradiance.max() > RATIO * irradiance.min()
    tiles = np.column_stack([x, np.log(irradiance)]) if varies else x
    repeated = against_replicates(line, tiles if varies else x, weights)
    bend = against_column(line, x, y, weights, (at - at.mean()) ** 2, BENT)
    power = against_column(line, x, y, weights, np.log(irradiance), IRRADIANCE) if varies else None
    found = [test for test in (repeated, bend, power) if test is not None]
    if weights is not None:
        found.append(stated_test(line, weights))
    found += sheet_tests(line, x, data.row, weights)
    return tuple(found)


def _prediction(line: Line, exposure: np.ndarray, name: str, weights: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return points of the curve, with the interval of a further measurement (of median weight)."""
    at = np.geomspace(exposure.min(), exposure.max(), POINTS)
    x = np.column_stack([np.ones(POINTS), np.log(at)])
    middle, sd = x @ line.coefficients, np.sqrt(np.einsum("ij,jk,ik->i", x, line.covariance, x))
    error = line.spread if weights is None else line.spread / math.sqrt(float(np.median(weights)))
    reach = student(line.dof) * np.hypot(sd, error)
    return {name: at, "thickness_um": middle, "sd_um": sd, "low_um": middle - reach, "high_um": middle + reach}


def _findings(line: Line, data: WorkingCurveData, tests: Sequence[FitTest], known: bool, stated: bool) -> list[Finding]:
    """Say what is odd about the data, and what they cannot tell."""
    found = outlier_findings(line, data.row, data.thickness_um, "µm")
    found += lack_findings(tests, "C = Dp ln(E/Ec)", WHY, stated, "Dp and Ec hold for the middle of the doses at best")
    if not known:
        found.append(
            Finding(
                code="irradiance-unknown",
                severity="warning",
                message="no irradiance: the critical exposure is a time, tc_s, and holds for this light alone; measure it and give "
                "--irradiance MW_CM2, or a column irradiance_mw_cm2",
            )
        )
    return found
