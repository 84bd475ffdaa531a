"""What a user should know about profiles, doses and heights before light."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import UNSET

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.resin import WAVELENGTH_SLACK_NM as WAVELENGTH_SLACK_NM

HEIGHT_SLACK = 1e-3  # of a layer
SLACK_UM = 1e-3  # a nanometre
MOST_NAMED = 5  # regions in a message


def profile_findings(printer: Printer, resin: Resin, missing: Sequence[str]) -> Iterator[Finding]:
    """Yield what does not fit between printer and resin, and that the dose is not calibrated."""
    if missing:
        yield Finding(
            code="not-calibrated",
            severity="warning",
            message=f"placeholder values for {', '.join(missing)}: masks are exact, "
            "but times and doses are a guess until these are measured",
        )
    if wavelengths_differ(printer, resin):
        ours, theirs = printer.optics.wavelength_nm.value, resin.resin.wavelength_nm.value
        yield Finding(
            code="wavelength-mismatch",
            severity="warning",
            message=f"resin {resin.name} was characterised at {theirs:g} nm, printer {printer.name} exposes at {ours:g} nm: "
            "its Dp and Ec do not hold; choose a resin measured at that wavelength",
            value=ours,
            limit=theirs,
            unit="nm",
        )


def wavelengths_differ(printer: Printer, resin: Resin) -> bool:
    """Tell whether the resin was characterised at another wavelength than the printer exposes with."""
    return abs(printer.optics.wavelength_nm.value - resin.resin.wavelength_nm.value) > WAVELENGTH_SLACK_NM


def dose_findings(resin: Resin, doses_mj_cm2: np.ndarray) -> Iterator[Finding]:
    """Yield the layers whose white dose the resin's working curve was not measured with; doses (L,) [mJ/cm²]."""
    if resin.resin.dose_range_mj_cm2 is None:
        return
    low, high = resin.resin.dose_range_mj_cm2.value
    for outside, worst, limit in ((doses_mj_cm2 < low, np.min, low), (doses_mj_cm2 > high, np.max, high)):
        if outside.any():
            layers = np.flatnonzero(outside)
            yield Finding(
                code="dose-outside-measured",
                severity="warning",
                message=f"resin {resin.name} was measured from {low:g} to {high:g} mJ/cm²; the white dose of these layers lies outside, "
                "where its Dp and Ec are a guess; measure the working curve there, or change layer_um or dose factors",
                layers=(int(layers[0]), int(layers[-1])),
                value=float(worst(doses_mj_cm2)),
                limit=limit,
                unit="mJ/cm²",
            )


def exposure_findings(process: Process, grid: Grid) -> Iterator[Finding]:
    """Yield that layers of several heights get one dose, for the process says a time instead of a margin."""
    low, high = float(grid.thickness_um.min()), float(grid.thickness_um.max())
    if process.exposure_s is not UNSET and high - low > SLACK_UM:
        yield Finding(
            code="one-exposure-for-heights",
            severity="info",
            message=f"exposure_s = {process.exposure_s:g} s is the same for layers of {low:g} to {high:g} µm: thin ones are cured deeper "
            "into what lies below; give margin_um instead, or leave both out, and doses follow the heights",
            value=low,
            limit=high,
            unit="µm",
        )


def weak_findings(weak: np.ndarray, factors: np.ndarray, regions: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield that dose factors leave layers (`weak`, their numbers) below Ec at their far face when shown by themselves.

    `regions` are labels of those without which they would not be.
    """
    if len(weak):
        raised = "the dose scale of the part or the factor of bulk"
        if regions:
            more = f" and {len(regions) - MOST_NAMED} more" if len(regions) > MOST_NAMED else ""
            raised = f"the dose_scale of region{'s' * (len(regions) > 1)} {', '.join(regions[:MOST_NAMED])}{more}"
        yield Finding(
            code="weak-layers",
            severity="warning",
            message=f"dose factors leave {len(weak)} layers below Ec at their far face: they hold to the layer before only by the light "
            f"of the layers after them; raise {raised}, or margin_um",
            layers=(int(weak.min()), int(weak.max())),
            value=float(factors[weak].min()),
            limit=1.0,
            unit="of the ordinary dose",
        )
