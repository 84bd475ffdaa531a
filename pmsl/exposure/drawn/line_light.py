"""The dose of every layer → power and speed of its borders, hatches and skins."""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec import UNSET

from pmsl.core.grid import Grid
from pmsl.cure import CureModel
from pmsl.cure.drawn_line import MJ_CM2, hatch_gain, line_dose_mj_cm2
from pmsl.errors import ExposureError
from pmsl.exposure.dose_limits import check_far_face
from pmsl.exposure.drawn.outline_inset import OutlineLight, insets_um
from pmsl.exposure.planning import Ladder
from pmsl.job.drawing import Kind
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.laser import Hatch
from pmsl.profiles.printer import Laser

SLACK = 1 + 1e-9
WIDEST_W0 = 2.0  # spacing beyond which light between lines is less than a third of that on them
FINEST_W0 = 0.01  # spacing below which there are only more lines: the light of a tenth of the radius is even to 1e-9


class LineLight(msgspec.Struct, frozen=True, eq=False):
    """How one kind of line is drawn in each layer: (L,) float64 each [mW, µm/s]; `gain` is the least dose of it over that of one line."""

    power_mw: np.ndarray
    speed_um_s: np.ndarray
    spacing_um: float
    gain: float

    def line_mj_cm2(self, w0_um: float) -> np.ndarray:
        """Return the dose on one line by itself in each layer [mJ/cm²]."""
        return np.asarray(line_dose_mj_cm2(1.0, 1.0, w0_um) * self.power_mw / self.speed_um_s)


class DrawnLight(msgspec.Struct, frozen=True, eq=False):
    """The light of a drawn job.

    Attributes
    ----------
    laser : Laser
    hatch : Hatch
    kinds : dict
        Of border, hatch and skin, how its lines are drawn.
    dose_mj_cm2 : (L,) float64
        The least dose that hatches leave, which is what a layer's ordinary dose is.
    inset_um : (L,) float64
        How far the outermost border is inside of the part.
    """

    laser: Laser
    hatch: Hatch
    kinds: dict[Kind, LineLight]
    dose_mj_cm2: np.ndarray
    inset_um: np.ndarray

    @property
    def w0_um(self) -> float:
        """Radius of the spot [µm]."""
        return self.laser.w0_um.value

    @property
    def hatches_begin_um(self) -> float:
        """How far hatches end inside of the outermost border [µm]."""
        return hatches_begin_um(self.hatch, self.w0_um)

    @property
    def skin_layers(self) -> int:
        """Layers of a skin; 0 where there is none."""
        return 0 if self.hatch.skin is UNSET else self.hatch.skin.layers

    def angle_deg(self, k: int) -> float:
        """Return the direction of the hatches of layer k."""
        return (self.hatch.angle_deg + k * self.hatch.angle_step_deg) % 360.0


def drawn_light(grid: Grid, ladder: Ladder, printer: Printer, resin: Resin, process: Process) -> DrawnLight:
    """Find power and speed of all lines of a job, and how far its outlines are moved inward.

    Parameters
    ----------
    grid : Grid
        Its slabs.
    ladder : Ladder
        The ordinary dose of every layer.
    printer, resin, process : Printer, Resin, Process
        A printer with a laser, a process with hatches.

    Returns
    -------
    DrawnLight

    Raises
    ------
    ExposureError
        A speed or a power that the laser does not have; a layer that lines do not cure through; a border that does not cure to its outline.

    Notes
    -----
    A power and a speed that are both given make the dose; the first layers, by `bottom_dose_factors`, are then drawn slower. Else the
    layer's dose, the far-face rule's, is what a line by itself leaves on it (borders), and what hatches leave where they leave least.
    """
    assert printer.laser is not UNSET and process.hatch is not UNSET
    laser, hatch, w0 = printer.laser, process.hatch, printer.laser.w0_um.value
    factors = np.ones(grid.n_layers)
    n = min(len(process.bottom_dose_factors), grid.n_layers)
    factors[:n] = process.bottom_dose_factors[:n]
    between = hatch_gain(hatch.spacing_um, w0, 0.5)
    border_mw = hatch.power_mw if hatch.border_power_mw is None else hatch.border_power_mw
    finding = _Rule(laser, ladder, factors)
    kinds: dict[Kind, LineLight] = {"hatch": finding.lines("hatch", hatch.power_mw, hatch.speed_um_s, hatch.spacing_um, between)}
    if hatch.borders:
        kinds["border"] = finding.lines("border", border_mw, hatch.border_speed_um_s, hatch.border_steps_um, 1.0)
    if hatch.skin is not UNSET:
        skin = hatch.skin
        spacing = hatch.spacing_um if skin.spacing_um is None else skin.spacing_um
        power = hatch.power_mw if skin.power_mw is None else skin.power_mw
        speed = hatch.speed_um_s if skin.speed_um_s is None else skin.speed_um_s
        kinds["skin"] = finding.lines("skin", power, speed, spacing, hatch_gain(spacing, w0, 0.5))
    dose = kinds["hatch"].line_mj_cm2(w0) * between
    check_far_face(dose, grid.thickness_um, ladder.left, ladder.cure.ec_mj_cm2, "the power, or lower the speed of hatches or their spacing")
    inset = np.full(grid.n_layers, hatch.inset_um or 0.0)
    if hatch.inset_um is None:
        inset = insets_um(grid, CureModel.of(resin), _outline(kinds, laser, hatch))
    return DrawnLight(laser, hatch, kinds, dose, inset)


class _Rule(msgspec.Struct, frozen=True):
    """Finds power and speed of a kind of line in all layers."""

    laser: Laser
    ladder: Ladder
    factors: np.ndarray

    def lines(self, kind: Kind, power_mw: float | None, speed_um_s: float | None, spacing_um: float, gain: float) -> LineLight:
        laser, most = self.laser, self.laser.power_mw.value
        w0, fastest = laser.w0_um.value, laser.max_um_s.value
        if kind != "border" and spacing_um < FINEST_W0 * w0:
            raise ExposureError(
                f"{kind} lines are {spacing_um:g} µm apart, at least {FINEST_W0 * w0:g} µm is offered, a hundredth of the spot's radius "
                f"({w0:g} µm): give a larger spacing_um"
            )
        wanted = self.ladder.dose_mj_cm2 / max(gain, 1e-300)  # on one line
        line = line_dose_mj_cm2(1.0, 1.0, w0)
        if power_mw is not None and speed_um_s is not None:
            power, speed = np.full(len(wanted), power_mw), speed_um_s / self.factors
        elif speed_um_s is not None:
            speed = np.full(len(wanted), speed_um_s)
            power = wanted * speed / line
        else:
            power = np.full(len(wanted), most if power_mw is None else power_mw)
            speed = line * power / wanted
            if power_mw is None:  # less of it where the fastest spot leaves too much
                power, speed = np.where(speed > fastest, power * fastest / speed, power), np.minimum(speed, fastest)
        wide = "" if kind == "border" or spacing_um <= WIDEST_W0 * w0 else f"; its lines are {spacing_um / w0:.3g} radii of the spot apart"
        self._check(kind, power, speed, wide, power_mw is None)
        return LineLight(power, speed, spacing_um, gain)

    def _check(self, kind: Kind, power: np.ndarray, speed: np.ndarray, wide: str, of_speed: bool) -> None:
        laser = self.laser
        limits = (
            ("power", power, 0.0, laser.power_mw.value, "mW", "draw slower, or with less spacing; where it is given, lower power_mw"),
            ("speed", speed, laser.min_um_s.value, laser.max_um_s.value, "µm/s", "change its power with it, or leave the speed out"),
        )
        for what, values, low, high, unit, advice in reversed(limits) if of_speed else limits:  # what is given first
            outside = (values > high * SLACK) | (values < low / SLACK)
            if outside.any():
                k = int(np.argmax(outside))
                raise ExposureError(
                    f"layer {k}: the {what} of its {kind} lines is {values[k]:.6g} {unit}; the laser has {low:g} to {high:g} {unit}{wide}: "
                    f"{'take a spacing_um of about one' if wide else advice}"
                )


def _outline(kinds: dict[Kind, LineLight], laser: Laser, hatch: Hatch) -> OutlineLight:
    """Return the light around an outline."""
    w0 = laser.w0_um.value
    border = kinds.get("border")
    mean = kinds["hatch"].power_mw / kinds["hatch"].speed_um_s / hatch.spacing_um * MJ_CM2
    steps = [i * hatch.border_steps_um for i in range(hatch.borders)]
    return OutlineLight(w0, np.zeros(len(mean)) if border is None else border.line_mj_cm2(w0), steps, mean, hatches_begin_um(hatch, w0))


def hatches_begin_um(hatch: Hatch, w0_um: float) -> float:
    """Return how far hatches end inside of the outermost border, of none inside of the part's inset [µm]."""
    if hatch.borders == 0:
        return 0.0
    return (hatch.borders - 1) * hatch.border_steps_um + (0.75 * w0_um if hatch.hatch_inset_um is None else hatch.hatch_inset_um)
