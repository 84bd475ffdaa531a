"""Options that override profiles → profiles, each value with its source."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET

from pmsl.errors import UsageError
from pmsl.pipeline.request import option_parsing
from pmsl.profiles import Printer, Process
from pmsl.profiles.process import Unreachable
from pmsl.profiles.tables.strict_struct import Value

Profile = TypeVar("Profile", Printer, Process)


def _replaced(profile: Profile, option: str, **values: Any) -> Profile:
    """Return a profile with other values; what does not go together with the rest of it is the option's fault."""
    try:
        return msgspec.structs.replace(profile, **values)
    except ValueError as err:
        raise UsageError(f"{option}: {err}") from None


def override_process(
    process: Process,
    *,
    layer_um: float | None,
    layer_heights: str | None,
    exposure_s: float | None,
    bottom_dose_factors: str | None,
    xy_offset_um: float | None,
    bottom_xy_offset_um: float | None,
    coverage: Literal["area", "volume"] | None,
    correct: str | None,
    unreachable: Unreachable | None,
) -> Process:
    """Put all options of a process in at once: whether they go together shows only then.

    Parameters
    ----------
    process : Process
    layer_um, layer_heights, exposure_s, bottom_dose_factors, xy_offset_um, bottom_xy_offset_um, coverage, correct, unreachable
        Fields of `SliceRequest`; None leaves what the process says.

    Raises
    ------
    UsageError
        An option that is none, or does not go with the rest of the process.
    """
    factors = option_parsing.factors(bottom_dose_factors, "--bottom-dose-factors")
    if layer_um is not None and layer_heights is not None:
        raise UsageError("--layer-um and --layer-heights exclude each other: one height for all, or heights that follow the geometry")
    asked: dict[str, dict[str, Any]] = {
        "--layer-um": {"layer_um": option_parsing.positive(layer_um, "--layer-um", "µm"), "layers": None},
        "--layer-heights": {"layers": option_parsing.layer_heights(layer_heights)},
        "--exposure-s": {"exposure_s": option_parsing.positive(exposure_s, "--exposure-s", "s"), "margin_um": None},
        "--bottom-dose-factors": {"bottom_dose_factors": factors},
        "--xy-offset-um": {"xy_offset_um": option_parsing.offset_um(xy_offset_um, "--xy-offset-um")},
        "--bottom-xy-offset-um": {"bottom_xy_offset_um": option_parsing.offset_um(bottom_xy_offset_um, "--bottom-xy-offset-um")},
        "--coverage": {"coverage": coverage},
        f"--correct {correct}": {"corrections": option_parsing.corrections(correct)},
        "--unreachable": {"unreachable": unreachable},
    }
    set_by = {option: values for option, values in asked.items() if next(iter(values.values())) is not None}
    changes = {key: value for values in set_by.values() for key, value in values.items()}
    return _replaced(process, ", ".join(set_by), **changes) if set_by else process


def override_printer(printer: Printer, *, pitch_um: str | None, field: str | None, irradiance: float | None) -> Printer:
    """Put the options of a printer in, each with its source.

    Parameters
    ----------
    printer : Printer
    pitch_um, field, irradiance
        Fields of `SliceRequest`; None leaves what the printer says.

    Raises
    ------
    UsageError
        An option that is none, or does not go with the rest of the printer.
    """
    pitch, shape = option_parsing.pitch_um(pitch_um), option_parsing.field_px(field)
    irradiance = option_parsing.positive(irradiance, "--irradiance", "mW/cm²")
    asked = {"--pitch-um": pitch, "--field": shape, "--irradiance": irradiance}
    option = next((name for name, value in asked.items() if value is not None), None)
    if printer.several and option is not None:
        raise UsageError(
            f"{option}: printer {printer.name} has the light engines {', '.join(printer.engine_names)}, each with its own; "
            "write the values into its TOML file"
        )
    if printer.laser is not UNSET and irradiance is not None:
        raise UsageError(f"--irradiance: printer {printer.name} has a laser; write its power_mw and w0_um into its TOML file")
    replace = msgspec.structs.replace
    if shape is not None:
        dmd = replace(printer.dmd, shape=Value(value=shape, class_="measured", source="--field"))
        printer = _replaced(printer, f"--field {field}", dmd=dmd)
    if pitch is not None:
        optics = replace(printer.optics, pitch_um=Value(value=pitch, class_="measured", source="--pitch-um"))
        printer = _replaced(printer, f"--pitch-um {pitch_um}", optics=optics)
    if irradiance is not None:
        if len(printer.optics.settings) != 1:
            raise UsageError(
                f"--irradiance: printer {printer.name} has {len(printer.optics.settings)} light settings; "
                "write the measured values into its TOML file"
            )
        setting = replace(printer.optics.settings[0], irradiance_mw_cm2=Value(value=irradiance, class_="measured", source="--irradiance"))
        printer = replace(printer, optics=replace(printer.optics, settings=[setting]))
    return printer
