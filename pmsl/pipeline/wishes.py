"""Profile and placement options → profiles and numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from pmsl.errors import UsageError
from pmsl.mesh.weld_bound import bound_um
from pmsl.pipeline import options
from pmsl.pipeline.layout import Layout
from pmsl.pipeline.units import check_units
from pmsl.profiles import (
    DEFAULT_PRINTER,
    DEFAULT_PROCESS,
    DEFAULT_RESIN,
    Printer,
    Process,
    Resin,
    find_printer,
    find_process,
    find_resin,
)
from pmsl.profiles.change import with_values
from pmsl.profiles.strict import Value

Profile = TypeVar("Profile", Printer, Process)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Profile and placement options as they were typed; `values` by dotted name (`pmsl.profiles.change`) come last."""

    printer: str | None = None
    resin: str | None = None
    process: str | None = None
    layer_um: float | None = None
    pitch_um: str | None = None
    field: str | None = None
    irradiance: float | None = None
    unit: str = "mm"
    at: str | None = None
    rotate: str | None = None
    scale: str | None = None
    keep_place: bool = False
    coverage: Literal["area", "volume"] | None = None
    correct: str | None = None
    unreachable: Literal["keep", "lift", "drop"] | None = None
    copies: str | None = None
    spacing_um: str | None = None
    pack: float | None = None
    plates: int | None = None
    weld_um: float | None = None
    exposure_s: float | None = None
    bottom_dose_factors: str | None = None
    xy_offset_um: float | None = None
    bottom_xy_offset_um: float | None = None
    values: dict[str, Any] = dataclasses.field(default_factory=dict)

    def profiles(self) -> tuple[Printer, Resin, Process]:
        """Find the profiles and put the overrides in, each with its source."""
        printer = _override_printer(find_printer(self.printer or DEFAULT_PRINTER), self)
        process = find_process(self.process or DEFAULT_PROCESS)
        process = _override_process(process, self)
        found = with_values(printer, find_resin(self.resin or DEFAULT_RESIN), process, self.values)
        check_units(*found)  # before parts are held against a field in the wrong unit
        return found

    def weld_within_um(self, printer: Printer) -> float:
        """Return how far vertices of a mesh may be joined [µm of the mesh]: as asked for, else a twentieth of a pixel as printed."""
        if self.weld_um is not None:
            return self.weld_um
        return bound_um(min(printer.optics.pitch_um.value) / max(map(abs, options.scale(self.scale))))

    def placement(self) -> dict[str, Any]:
        """Return the options of `pmsl.place`."""
        return {
            "at_um": options.at_um(self.at),
            "rotate_deg": options.rotate_deg(self.rotate),
            "scale": options.scale(self.scale),
            "keep_place": self.keep_place,
        }

    def layout(self) -> Layout:
        """Return how the parts are laid out."""
        return Layout(
            placement=self.placement(),
            copies=options.copies(self.copies, self.pack is not None),
            spacing_um=options.spacing_um(self.spacing_um),
            clearance_um=self.pack,
            plates=self.plates,
        )

    def defaults_used(self) -> str:
        """Name the default profiles that were used, or nothing."""
        used = [
            (self.printer, "printer", DEFAULT_PRINTER),
            (self.resin, "resin", DEFAULT_RESIN),
            (self.process, "process", DEFAULT_PROCESS),
        ]
        names = [f"{word} {name}" for given, word, name in used if given is None]
        return f"defaults: {', '.join(names)}" if names else ""


def _replaced(profile: Profile, option: str, **values: Any) -> Profile:
    """Return a profile with other values; what does not go together with the rest of it is the option's fault."""
    try:
        return msgspec.structs.replace(profile, **values)
    except ValueError as err:
        raise UsageError(f"{option}: {err}") from None


def _override_process(process: Process, wishes: Wishes) -> Process:
    """Put all options in at once: whether they go together shows only then."""
    factors = options.factors(wishes.bottom_dose_factors, "--bottom-dose-factors")
    given: dict[str, dict[str, Any]] = {
        "--layer-um": {"layer_um": options.positive(wishes.layer_um, "--layer-um", "µm"), "layers": None},
        "--exposure-s": {"exposure_s": options.positive(wishes.exposure_s, "--exposure-s", "s"), "margin_um": None},
        "--bottom-dose-factors": {"bottom_dose_factors": factors},
        "--xy-offset-um": {"xy_offset_um": options.offset_um(wishes.xy_offset_um, "--xy-offset-um")},
        "--bottom-xy-offset-um": {"bottom_xy_offset_um": options.offset_um(wishes.bottom_xy_offset_um, "--bottom-xy-offset-um")},
        "--coverage": {"coverage": wishes.coverage},
        f"--correct {wishes.correct}": {"corrections": options.corrections(wishes.correct)},
        "--unreachable": {"unreachable": wishes.unreachable},
    }
    asked = {option: values for option, values in given.items() if next(iter(values.values())) is not None}
    changes = {key: value for values in asked.values() for key, value in values.items()}
    return _replaced(process, ", ".join(asked), **changes) if asked else process


def _override_printer(printer: Printer, wishes: Wishes) -> Printer:
    pitch, field = options.pitch_um(wishes.pitch_um), options.field_px(wishes.field)
    irradiance = options.positive(wishes.irradiance, "--irradiance", "mW/cm²")
    replace = msgspec.structs.replace
    if field is not None:
        dmd = replace(printer.dmd, shape=Value(value=field, class_="measured", source="--field"))
        printer = _replaced(printer, f"--field {wishes.field}", dmd=dmd)
    if pitch is not None:
        optics = replace(printer.optics, pitch_um=Value(value=pitch, class_="measured", source="--pitch-um"))
        printer = _replaced(printer, f"--pitch-um {wishes.pitch_um}", optics=optics)
    if irradiance is not None:
        if len(printer.optics.settings) != 1:
            raise UsageError(
                f"--irradiance: printer {printer.name} has {len(printer.optics.settings)} light settings; "
                "write the measured values into its TOML file"
            )
        setting = replace(printer.optics.settings[0], irradiance_mw_cm2=Value(value=irradiance, class_="measured", source="--irradiance"))
        printer = replace(printer, optics=replace(printer.optics, settings=[setting]))
    return printer
