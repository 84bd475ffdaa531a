"""Doses and times of layers that white cannot give, or that a printer does not."""

import numpy as np
from msgspec import UNSET

from pmsl.errors import ExposureError
from pmsl.profiles.printer import Printer
from pmsl.profiles.process import Process


def check_far_face(doses: np.ndarray, heights: np.ndarray, left: np.ndarray, ec: float, key: str) -> None:
    """Refuse layers that white does not cure through; `key` of the process says how much light there is."""
    at_far_face = doses * left
    if (at_far_face < ec * (1 - 1e-12)).any():
        k = int(np.argmax(at_far_face < ec * (1 - 1e-12)))
        raise ExposureError(
            f"layer {k} ({heights[k]:g} µm): white dose {doses[k]:.4g} mJ/cm² leaves {at_far_face[k]:.4g} at its far face, "
            f"below Ec = {ec:g}: it would not stick; raise its bottom dose factor or {key}, or make the layer thinner"
        )


def check_limits(
    doses: np.ndarray, times: np.ndarray, power: float, printer: Printer, layers: np.ndarray, process: Process | None = None
) -> None:
    """Refuse exposures above the printer's limits; `layers` are their numbers, `process` what asks for their light."""
    limits = printer.limits
    for what, values, limit, unit, advice in (
        ("exposure time", times, limits.max_exposure_s.value, "s", "raise the light setting or lower the dose factors of that layer"),
        ("white dose", doses, limits.max_dose_mj_cm2.value, "mJ/cm²", "lower the dose factors or make the layer thinner"),
        ("power", np.full(len(doses), power), limits.max_power.value, "", "choose a lower light setting"),
    ):
        if (values > limit).any():
            i = int(np.argmax(values > limit))
            if process is not None and process.exposure_s is not UNSET and what != "power":
                advice = "lower exposure_s" + " or its bottom dose factor" * (i < len(process.bottom_dose_factors))
            raise ExposureError(
                f"layer {layers[i]}: {what} {values[i]:.4g} {unit} is above the limit {limit:g} {unit} of printer {printer.name}; {advice}"
            )
