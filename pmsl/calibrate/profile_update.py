"""Fitted values → profiles of resins and printers: class measured, standard deviation, covariance, and the sheets as their source."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import numpy as np

from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.errors import MeasurementError
from pmsl.profiles import Printer
from pmsl.profiles.resin import Covariance, Resin
from pmsl.profiles.tables.strict_struct import Value

Table = TypeVar("Table", bound=msgspec.Struct)


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
    names = [key for key in result.parameters if key in resin.resin.__struct_fields__]
    names = [key for key in names if key != "tail" or result.parameters[key].value > 0]  # a profile leaves out a tail of nothing
    values: dict[str, Any] = {key: measured(result, key) for key in names}
    list_of = list(result.parameters)
    spread = [key for key in names if result.parameters[key].sd > 0]
    at = [list_of.index(key) for key in spread]
    matrix = result.covariance[np.ix_(at, at)].tolist()
    replace = msgspec.structs.replace
    made = measured_resin_values(resin, name, **values)
    return replace(made, covariance=[Covariance(names=spread, matrix=matrix)]) if len(spread) > 1 else made


def measured_resin_values(resin: Resin, name: str | None, **values: Any) -> Resin:
    """Return a resin with some values of its own replaced.

    Parameters
    ----------
    resin : Resin
        Whose other values are kept.
    name : str, optional
        Of the new profile (default: the old one with ``-measured``).
    **values
        By key of the table ``resin``.

    Raises
    ------
    MeasurementError
        Values that no resin can have.
    """
    return _valid(
        resin,
        name=name or f"{resin.name.removesuffix('-measured')}-measured",
        description=f"{resin.name}, with values measured by pmsl calibrate",
        resin=_valid(resin.resin, **values),
    )


def _valid(table: Table, **values: Any) -> Table:
    """Return a table of a profile with other values; what was measured may be what it cannot have."""
    try:
        return msgspec.structs.replace(table, **values)
    except ValueError as err:
        raise MeasurementError(
            f"the fitted values make no profile: {err}; are columns mixed up, or was it measured from the other side?"
        ) from err


def measured(result: FitResult, key: str) -> Value[float]:
    """Return a fitted value as profiles have it.

    Parameters
    ----------
    result : FitResult
    key : str
        Name of the parameter.
    """
    found = result.parameters[key]
    return Value(value=found.value, class_="measured", source=source_text(result), sd=found.sd)


def source_text(result: FitResult) -> str:
    """Return where fitted values come from, for profiles."""
    return f"{result.kind} of {result.n} measurements, {result.source}"


def measured_printer(printer: Printer, name: str | None, **changes: Any) -> Printer:
    """Return a printer with tables of a fit in place of its own.

    Parameters
    ----------
    printer : Printer
        Whose other values are kept.
    name : str, optional
        Of the new profile (default: the old one with ``-measured``).
    **changes
        Tables of the profile, as ``response``, ``optics``.

    Raises
    ------
    MeasurementError
        Values that no printer can have.
    """
    return _valid(
        printer,
        name=name or f"{printer.name.removesuffix('-measured')}-measured",
        description=f"{printer.name}, with values measured by pmsl calibrate",
        **changes,
    )
