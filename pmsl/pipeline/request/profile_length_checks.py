"""Lengths that look as if they were typed in another unit: refused where no machine has them, asked about where few have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.errors import ProfileError
from pmsl.profiles import Printer, Process, Resin

LEAST_LAYER_UM, LEAST_PITCH_UM, MOST_PITCH_UM = 0.05, 0.06, 1000.0
LAYERS_A_PIXEL, ODD_LAYERS_A_PIXEL = 50, 20  # thinner layers than such a part of a pixel are refused, asked about
DP_UM, WAVELENGTH_NM = (0.5, 20_000.0), (100.0, 3000.0)
SLOW_S = 120.0  # motion of one layer


def check_units(printer: Printer, resin: Resin, process: Process) -> None:
    """Refuse profiles with lengths that were meant in another unit.

    Raises
    ------
    ProfileError
        It names the value, what it was read as, and what it would be if it was mm (nm, µm).
    """
    pitch = min(printer.optics.pitch_um.value)
    if pitch < LEAST_PITCH_UM:
        raise _question(f"printer {printer.name}: pitch_um", pitch, "a pixel smaller than light can draw", "mm", 1e3, "--pitch-um")
    if max(printer.optics.pitch_um.value) > MOST_PITCH_UM:
        large = max(printer.optics.pitch_um.value)
        raise _question(f"printer {printer.name}: pitch_um", large, f"a pixel of {large / 1000:g} mm", "nm", 1e-3, "--pitch-um")
    _check_range(f"resin {resin.name}: dp_um", resin.resin.dp_um.value, DP_UM, "mm", "m")
    _check_wavelength(f"printer {printer.name}: wavelength_nm", printer.optics.wavelength_nm.value)
    _check_wavelength(f"resin {resin.name}: wavelength_nm", resin.resin.wavelength_nm.value)
    thin = min(process.heights_um)
    if thin < max(LEAST_LAYER_UM, pitch / LAYERS_A_PIXEL):
        said = f"a layer of {thin * 1000:g} nm beside pixels of {pitch:g} µm, {1e6 / thin:.6g} layers a mm"
        raise _question(f"process {process.name}: {_key(process)}", thin, said, "mm", 1e3, "--layer-um")


def unit_findings(printer: Printer, process: Process, grid: Grid) -> Iterator[Finding]:
    """Yield lengths of a process that few machines have: they may have been meant in another unit."""
    pitch, thin, thick = min(printer.optics.pitch_um.value), float(grid.thickness_um.min()), float(grid.thickness_um.max())
    if thin < pitch / ODD_LAYERS_A_PIXEL:
        (layers,) = np.nonzero(grid.thickness_um < thin * (1 + 1e-9))
        text = f"{_key(process)}: layers of {thin:g} µm beside pixels of {pitch:g} µm make {grid.n_layers} layers"
        yield _finding(text, thin, pitch / ODD_LAYERS_A_PIXEL, "µm", f"{thin * 1000:g}", (int(layers[0]), int(layers[-1])))
    motion = process.motion.last  # of the layers after the first ones
    if 0 < motion.lift_um < thick:
        text = f"motion.lift_um: a lift of {motion.lift_um:g} µm, less than a layer of {thick:g} µm, does not free what was just cured"
        yield _finding(text, motion.lift_um, thick, "µm", f"{motion.lift_um * 1000:g}")
    for key in ("lift_um_s", "retract_um_s"):
        speed = getattr(motion, key)
        if motion.duration_s > SLOW_S and motion.lift_um / speed > 0.25 * motion.duration_s:
            text = f"motion.{key}: at {speed:g} µm/s a lift of {motion.lift_um:g} µm takes {motion.lift_um / speed:.4g} s in every layer"
            yield _finding(text, speed, motion.lift_um / SLOW_S, "µm/s", f"{speed * 1000:g}", unit="mm/s")
    for key, value in _small_lengths(process):
        if 0 < value < pitch / ODD_LAYERS_A_PIXEL:
            text = f"{key}: {value:g} µm is next to nothing beside pixels of {pitch:g} µm and layers of {thin:g} µm"
            yield _finding(text, value, pitch / ODD_LAYERS_A_PIXEL, "µm", f"{value * 1000:g}")


def _small_lengths(process: Process) -> Iterator[tuple[str, float]]:
    """Yield lengths that are of the order of a pixel or a layer, where they are given."""
    if process.margin_um is not None:
        yield "margin_um", process.margin_um
    for key in ("membrane_um", "edge_erode_um", "edge_dilate_um", "roof_erode_um") if process.regions is not None else ():
        value = getattr(process.regions, key)
        if value is not None:
            yield f"regions.{key}", value


def _key(process: Process) -> str:
    return "layer_um" if process.layers is None else "layers"


def _check_range(name: str, value: float, limits: tuple[float, float], low_unit: str, high_unit: str) -> None:
    if value < limits[0]:
        raise _question(name, value, f"below {limits[0]:g} µm, which no resin has", low_unit, 1e3, "")
    if value > limits[1]:
        raise ProfileError(f"{name} = {value:g} is in µm: above {limits[1]:g} µm, which no resin has; is it in nm or {high_unit}?")


def _check_wavelength(name: str, value: float) -> None:
    low, high = WAVELENGTH_NM
    if value < low:
        raise ProfileError(f"{name} = {value:g} is in nm: no light engine has it; if µm were meant, write {value * 1000:g}")
    if value > high:
        raise ProfileError(f"{name} = {value:g} is in nm: no light engine has it; if Å were meant, write {value / 10:g}")


def _question(name: str, value: float, what: str, unit: str, factor: float, option: str) -> ProfileError:
    typed = f" ({option})" if option else ""
    question = f"is the unit right? If {value:g} {unit} was meant, write {value * factor:g}"
    return ProfileError(f"{name} = {value:g}{typed} is in µm: {what}; {question}")


def _finding(
    text: str, value: float, limit: float, shown: str, instead: str, layers: tuple[int, int] | None = None, unit: str = "mm"
) -> Finding:
    message = f"{text}; is the unit right? It is read in {shown}: if {unit} was meant, write {instead}"
    return Finding(code="unit-suspicious", severity="warning", message=message, layers=layers, value=value, limit=limit, unit=shown)
