"""Which values a dose rests on nobody measured or published."""

from __future__ import annotations

from typing import Any

from pmsl.profiles.printer import Laser, Printer
from pmsl.profiles.resin import Resin
from pmsl.profiles.tables.strict_struct import Value


def placeholders(printer: Printer, resin: Resin, power: float) -> tuple[str, ...]:
    """Name the values the dose rests on that are placeholders: irradiance, blur, flat field, gray response, and of the resin."""
    setting = next(s for s in printer.optics.settings if s.power == power)
    psf, flat, response = printer.optics.psf, printer.optics.flat_field, printer.response
    named: dict[str, Any] = {
        "printer.optics.irradiance_mw_cm2": setting.irradiance_mw_cm2,
        "printer.optics.psf.sigma": psf.sigma_pitch or psf.sigma_um,
        "printer.optics.psf.gamma": psf.gamma_pitch or psf.gamma_um,
        "printer.optics.psf.fill": psf.fill,
        "printer.optics.psf.samples": psf.samples,
        "printer.optics.psf.step": psf.step_pitch or psf.step_um,
        "printer.optics.flat_field": None if flat is None else flat.grid or flat.image or flat.vignetting,
        "printer.response": response.gamma or response.table,
        "resin.dp_um": resin.resin.dp_um,
        "resin.ec_mj_cm2": resin.resin.ec_mj_cm2,
        "resin.induction_mj_cm2": resin.resin.induction_mj_cm2,
        "resin.extra_decays": resin.resin.extra_decays,
        "resin.tail": resin.resin.tail,
    }
    if isinstance(laser := printer.laser, Laser):  # what the optics say of it follows from these
        named = {f"printer.laser.{name}": getattr(laser, name) for name in ("power_mw", "w0_um")} | {
            name: value for name, value in named.items() if name.startswith("resin.")
        }
    if resin.resin.by_contact:
        named |= {"resin.renewal": resin.resin.renewal, "resin.reach_um": resin.resin.reach_um}
    optional = ("reciprocity", "reciprocity_mw_cm2", "bleach_share", "bleach_cm2_mj")
    named |= {f"resin.{name}": value for name in optional if isinstance(value := getattr(resin.resin, name), Value)}
    return tuple(name for name, value in named.items() if value is not None and value.class_ == "placeholder")
