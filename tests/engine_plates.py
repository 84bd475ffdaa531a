"""A printer of two light engines, a resin that knows both wavelengths, and parts on both, for tests."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

import pmsl
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Printer, Process, Resin, find_printer, find_process, find_resin
from pmsl.profiles.light_engine import LightEngineProfile
from pmsl.profiles.optics import LightSetting
from pmsl.profiles.resin import AtWavelength
from tests.field_plates import measured
from tests.solids import box

replace = msgspec.structs.replace
COARSE, FINE = "coarse", "fine"
COARSE_UM, FINE_UM = 7.6, 2.0


def two_engine_printer(coarse: tuple[int, int] = (40, 50), fine: tuple[int, int] = (60, 80), **fine_engine: Any) -> Printer:
    """405 nm and 7.6 µm over the plate, 385 nm and 2 µm in a corner of it at (100, 60) µm."""
    plain = find_printer("pmsl-10um")

    def optics(pitch_um: float, wavelength_nm: float, irradiance: float, power: float) -> Any:
        setting = LightSetting(power=power, irradiance_mw_cm2=measured(irradiance))
        psf = replace(plain.optics.psf, sigma_pitch=measured(0.36))
        return replace(
            plain.optics, pitch_um=measured((pitch_um, pitch_um)), wavelength_nm=measured(wavelength_nm), settings=[setting], psf=psf
        )

    second = {
        "name": FINE,
        "origin_um": measured((100.0, 60.0)),
        "dmd": replace(plain.dmd, shape=measured(fine)),
        "optics": optics(FINE_UM, 385.0, 40.0, 1.0),
        "settle_s": measured(0.5),
        **fine_engine,
    }
    return replace(
        plain,
        dmd=replace(plain.dmd, shape=measured(coarse)),
        optics=optics(COARSE_UM, 405.0, 20.0, 1.0),
        engine_name=COARSE,
        engine=[LightEngineProfile(**second)],
    )


def two_wavelength_resin(dp_405_um: float = 60.0, ec_405: float = 12.0, dp_385_um: float = 30.0, ec_385: float = 8.0) -> Resin:
    plain = find_resin("pr48-405")
    material = replace(plain.resin, dp_um=measured(dp_405_um), ec_mj_cm2=measured(ec_405))
    row = AtWavelength(wavelength_nm=measured(385.0), dp_um=measured(dp_385_um), ec_mj_cm2=measured(ec_385))
    return replace(plain, resin=material, wavelength=[row])


def plain_process(**more: Any) -> Process:
    return replace(find_process("default"), bottom_dose_factors=(), layer_um=10.0, **more)


def parts_on_both(coarse_box: Any = ((20, 20, 0), (90, 200, 30)), fine_box: Any = ((120, 80, 0), (200, 150, 50))) -> list[pmsl.Part]:
    """A block on the coarse engine, a taller one on the fine engine."""
    return [pmsl.Part(solid=box(*coarse_box), label="body"), pmsl.Part(solid=box(*fine_box), label="detail", engine=FINE)]


def two_engine_job(parts: Any = None, printer: Printer | None = None, resin: Resin | None = None, **more: Any) -> PrintJob:
    job = pmsl.prepare(
        parts_on_both() if parts is None else parts, printer or two_engine_printer(), resin or two_wavelength_resin(), plain_process(**more)
    )
    return dataclasses.replace(job)
