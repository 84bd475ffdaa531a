"""What a fit gives: parameters with their uncertainty, tests, predictions, findings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pmsl.calibrate.fits.regression import FitTest
from pmsl.core.finding import Finding


@dataclass(frozen=True, slots=True)
class Parameter:
    """A fitted value.

    Attributes
    ----------
    value, sd : float
        In `unit`; `sd` is one standard deviation.
    interval95 : tuple of float
        Lower and upper end: value ± Student's t × sd.
    unit : str
    """

    value: float
    sd: float
    interval95: tuple[float, float]
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class FitResult:
    """The outcome of a fit.

    Attributes
    ----------
    kind : str
        Of the coupon, e.g. ``"working-curve"``.
    parameters : dict of Parameter
        By name.
    covariance : (P, P) float64
        Of the parameters, in their order and units.
    rmse : float
        Root of the mean square of the residuals, in `unit`.
    n : int
        Measurements used.
    lack_of_fit : tuple of FitTest
        Tests of the model; empty where the data cannot tell.
    prediction : dict of ndarray
        Points of the fitted curve: ``dose_mj_cm2`` or ``time_s``, ``thickness_um``, ``sd_um`` of the curve, ``low_um`` and ``high_um`` of
        the 95 % interval of a further measurement; of other kinds what is named there. Columns of equal length.
    residuals : (N,) float64
        Measured less fitted, in `unit`.
    source : str
        Sheets with their SHA-256.
    robust : bool
        Whether far measurements were held back.
    findings : tuple of Finding
    unit : str
        Of what was measured, e.g. ``"µm"``.
    measured : dict of (N,) ndarray
        Settings of the measurements used, and what was measured last, in `unit`; empty where measurements have none to be drawn over.
    tables : dict of ndarray
        Lists of values: ``response`` (256,), relative to white; ``flat_field`` (rows, cols), of mean 1, with ``flat_field_sd``.
    """

    kind: str
    parameters: dict[str, Parameter]
    covariance: np.ndarray
    rmse: float
    n: int
    lack_of_fit: tuple[FitTest, ...]
    prediction: dict[str, np.ndarray]
    residuals: np.ndarray
    source: str
    robust: bool = False
    findings: tuple[Finding, ...] = ()
    unit: str = "µm"
    tables: dict[str, np.ndarray] = field(default_factory=dict)
    measured: dict[str, np.ndarray] = field(default_factory=dict)

    def correlation(self, one: str, other: str) -> float:
        """Return the correlation of two parameters.

        Parameters
        ----------
        one, other : str
        """
        names = list(self.parameters)
        i, j = names.index(one), names.index(other)
        return float(self.covariance[i, j] / math.sqrt(self.covariance[i, i] * self.covariance[j, j]))

    def with_findings(self, *more: Finding) -> FitResult:
        """Return the same with further findings.

        Parameters
        ----------
        *more : Finding
        """
        return replace(self, findings=(*self.findings, *more))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        return {
            "kind": self.kind,
            "parameters": {
                name: {
                    "value": p.value if math.isfinite(p.value) else "inf",
                    "sd": p.sd,
                    "interval95": [v if math.isfinite(v) else None for v in p.interval95],
                    "unit": p.unit,
                }
                for name, p in self.parameters.items()
            },
            "covariance": {"names": list(self.parameters), "matrix": self.covariance.tolist()},
            "rmse": self.rmse,
            "n": self.n,
            "lack_of_fit": [
                {"against": t.against, "f": None if math.isinf(t.f) else t.f, "dof": list(t.dof), "p": t.p} for t in self.lack_of_fit
            ],
            "prediction": [
                dict(zip(self.prediction, row, strict=True))
                for row in zip(*(column.tolist() for column in self.prediction.values()), strict=True)
            ],
            "residuals": self.residuals.tolist(),
            "unit": self.unit,
            "tables": {name: table.tolist() for name, table in self.tables.items()},
            "source": self.source,
            "robust": self.robust,
            "findings": [f.as_dict() for f in self.findings],
        }
