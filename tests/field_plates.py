"""Printers that move, and plates of fields, for tests."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from pmsl.profiles import Printer, Process, Resin, find_printer, find_process, find_resin
from pmsl.profiles.printer import XyStage
from pmsl.profiles.process import Fields
from pmsl.profiles.tables.strict_struct import Value

replace = msgspec.structs.replace


def measured(value: Any) -> Value[Any]:
    return Value(value=value, class_="measured", source="a test")


def moving_printer(
    shape: tuple[int, int],
    pitch_um: float,
    step_um: float = 0.1,
    travel_um: tuple[float, float] = (1e6, 1e6),
    error: tuple[float, ...] | None = None,
    pace: tuple[float, float, float] | None = None,
    **optics: Any,
) -> Printer:
    """A small printer whose stage moves along x and y."""
    plain = find_printer("pmsl-10um")
    more = {} if error is None else {"error": measured(error)}
    more |= {} if pace is None else {name: measured(v) for name, v in zip(("speed_um_s", "accel_um_s2", "settle_s"), pace, strict=True)}
    xy = XyStage(travel_um=measured(travel_um), step_um=measured(step_um), **more)
    return replace(
        plain,
        dmd=replace(plain.dmd, shape=measured(shape)),
        optics=replace(plain.optics, pitch_um=measured((pitch_um, pitch_um)), **optics),
        stage=replace(plain.stage, xy=xy),
    )


def process_with(**fields: Any) -> Process:
    """The default process with fields that join so; without bottom doses."""
    return replace(find_process("default"), bottom_dose_factors=(), fields=Fields(**fields))


def resin_with(induction_share: float, dp_um: float = 20.0, layer_um: float = 10.0) -> Resin:
    """A resin whose induction dose is so much of the white dose of layers of that height."""
    plain = find_resin("pr48-405")
    white = 1.5 * 10.0 * float(np.exp(layer_um / dp_um))
    material = replace(
        plain.resin,
        dp_um=measured(dp_um),
        ec_mj_cm2=measured(10.0),
        induction_mj_cm2=measured(induction_share * white) if induction_share else None,
    )
    return replace(plain, resin=material)
