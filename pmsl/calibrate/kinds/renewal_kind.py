"""The kind ``renewal``: side-open ledges and channels with a port under 1 to 40 layers at two doses: what recoats exchange, how far in."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.kinds.kind import Kind
from pmsl.calibrate.profile_update import measured, measured_resin, source_text
from pmsl.calibrate.renewal.renewal_coupon import renewal_coupon
from pmsl.calibrate.renewal.renewal_fit import fit_renewal
from pmsl.profiles import Resin
from pmsl.profiles.tables.strict_struct import Value


def _resin(resin: Resin, result: FitResult, name: str | None) -> Resin:
    """Return a resin whose liquid is exchanged by contact, or keeps its dose if none is; a tail, with which that cannot be, is left out."""
    made, source = measured_resin(resin, result, name), source_text(result)
    values: dict[str, Any] = {"tail": None}
    if "reach_um" not in result.parameters:
        values |= {"memory": Value(value="enclosed", class_="measured", source=source), "renewal": msgspec.UNSET}
    else:
        values["memory"] = Value(value="contact", class_="measured", source=source)
        if math.isinf(result.parameters["reach_um"].value):
            values["reach_um"] = Value(value="inf", class_="measured", source=source)
        else:
            values["reach_um"] = measured(result, "reach_um")
    return msgspec.structs.replace(made, resin=msgspec.structs.replace(made.resin, **values))


KIND = Kind(
    name="renewal",
    options=frozenset({"repeats", "dose_range_mj_cm2", "layer_um", "cover_layers"}),
    coupon=renewal_coupon,
    fit=fit_renewal,
    resin=_resin,
)
