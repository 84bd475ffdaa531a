"""Fitted values → a resin profile: class measured, standard deviation, covariance, and the sheets as their source."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from pmsl.calibrate.fit_result import FitResult
from pmsl.errors import MeasurementError
from pmsl.profiles.resin import Covariance, Resin
from pmsl.profiles.strict_struct import Value


def measured_resin(resin: Resin, result: FitResult, name: str | None = None) -> Resin:
    """Return a resin with the values of a fit.

    Parameters
    ----------
    resin : Resin
        Whose other values are kept.
    result : FitResult
        Of a working curve with doses.
    name : str, optional
        Of the new profile (default: the old one with ``-measured``).

    Raises
    ------
    MeasurementError
        The fit has no dose, only a time.
    """
    if "ec_mj_cm2" not in result.parameters:
        raise MeasurementError("the fit has a critical time, no dose: without an irradiance it makes no profile; give --irradiance")
    source = f"{result.kind} of {result.n} tiles, {result.source}"
    names = [key for key in result.parameters if key in resin.resin.__struct_fields__]
    values: dict[str, Any] = {
        key: Value(value=result.parameters[key].value, class_="measured", source=source, sd=result.parameters[key].sd) for key in names
    }
    at = [list(result.parameters).index(key) for key in names]
    matrix = result.covariance[np.ix_(at, at)].tolist()
    replace = msgspec.structs.replace
    material = replace(resin.resin, **values)
    return replace(
        resin,
        name=name or f"{resin.name.removesuffix('-measured')}-measured",
        description=f"{resin.name}, with values measured by pmsl calibrate",
        resin=material,
        covariance=[Covariance(names=names, matrix=matrix)],
    )
