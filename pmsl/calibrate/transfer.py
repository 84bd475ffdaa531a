"""A resin measured on one machine, used on another: refused at another wavelength, else with the uncertainty that this adds.

What is added to the variance of ln Dp and ln Ec, independent of what is known:

- a wavelength that is a little off: as Dp and Ec of published resins change from one wavelength to the next (11 pairs of the library);
- another irradiance: where reciprocity fails a dose counts as ``I^p t`` with p from 0.5 to 1, so that Ec changes by the ratio to 1 - p;
  the value stays that of p = 1, and what p may be, all alike, is its error.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from pmsl.checks.profile_fit import wavelengths_differ
from pmsl.cure.uncertainty import ASSUMED
from pmsl.errors import UsageError
from pmsl.profiles import Printer, Resin
from pmsl.profiles.resin import Covariance
from pmsl.profiles.tables.strict_struct import Value

DP_PER_NM, EC_PER_NM = 0.0397, 0.0252  # root mean square of the change of the logarithm, of resins published at two wavelengths
RECIPROCITY = math.sqrt(1 / 12)  # root mean square of 1 - p, p from 0.5 to 1


def transferred_resin(resin: Resin, printer: Printer, measured_mw_cm2: float, name: str | None = None) -> Resin:
    """Return a resin that was measured on another machine as it is known on this one.

    Parameters
    ----------
    resin : Resin
    printer : Printer
        On which it is to be used, with its first light setting.
    measured_mw_cm2 : float
        Irradiance at which the resin was measured [mW/cm²].
    name : str, optional
        Of the new profile (default: the old one with that of the printer).

    Returns
    -------
    Resin
        Dp and Ec as they were, with a wider `sd` and the reason in their source; a value without `sd` had ±10 %. Other values are as they
        were.

    Raises
    ------
    UsageError
        Wavelengths more than 7.5 nm apart, an irradiance of the printer that is a placeholder, or one that is no number above 0.
    """
    material, light = resin.resin, printer.optics.settings[0].irradiance_mw_cm2
    ours, theirs = printer.optics.wavelength_nm.value, material.wavelength_nm.value
    if not 0 < measured_mw_cm2 < math.inf:
        raise UsageError(f"measured at {measured_mw_cm2:g} mW/cm²: must be a finite number above 0 (--irradiance MW_CM2)")
    if wavelengths_differ(printer, resin):
        raise UsageError(
            f"resin {resin.name} was measured at {theirs:g} nm, printer {printer.name} exposes at {ours:g} nm: Dp and Ec of one say "
            "nothing of the other; print a working curve there (pmsl calibrate coupon working-curve)"
        )
    if light.class_ == "placeholder":
        raise UsageError(
            f"printer {printer.name}: its irradiance, {light.value:g} mW/cm², is a placeholder; measure it with a power meter and put it "
            "into the printer's profile"
        )
    off_nm, ratio = abs(ours - theirs), light.value / measured_mw_cm2
    added = {
        "dp_um": DP_PER_NM * off_nm,
        "ec_mj_cm2": math.hypot(EC_PER_NM * off_nm, RECIPROCITY * math.log(ratio)),
    }
    why = f"transferred from {theirs:g} nm, {measured_mw_cm2:.4g} mW/cm² to {printer.name}, {ours:g} nm, {light.value:.4g} mW/cm²"
    values = {key: _widened(getattr(material, key), more, why) for key, more in added.items()}
    changed: dict[str, Any] = {"name": name or f"{resin.name}-{printer.name}", "description": f"{resin.name}, {why}"}
    if not isinstance(resin.covariance, UnsetType):
        absolute = {key: more * getattr(material, key).value for key, more in added.items()}
        changed["covariance"] = [_with_added(table, absolute) for table in resin.covariance]
    return msgspec.structs.replace(resin, resin=msgspec.structs.replace(material, **values), **changed)


def _widened(value: Value[float], more: float, why: str) -> Value[float]:
    """Return a value with a relative error added to its own."""
    if more == 0:
        return msgspec.structs.replace(value, source=f"{value.source}; {why}: no error added")
    own = ASSUMED * value.value if isinstance(value.sd, UnsetType) else value.sd
    known = " (no sd stated: 10 % assumed)" if value.sd is UNSET else ""
    return msgspec.structs.replace(
        value, sd=math.hypot(own, more * value.value), source=f"{value.source}; {why}: {100 * more:.3g} % error added to its own{known}"
    )


def _with_added(table: Covariance, added: dict[str, float]) -> Covariance:
    """Return a covariance with independent errors added."""
    more = np.diag([added.get(name, 0.0) ** 2 for name in table.names])
    return Covariance(names=table.names, matrix=(np.array(table.matrix) + more).tolist())
