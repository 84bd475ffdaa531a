"""A laser whose spot is drawn over the resin: the table `[laser]` of a printer, and `[hatch]` of a process, which says what it draws."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from pmsl.profiles.optics import NotNegative, Optics
from pmsl.profiles.tables.strict_struct import Sourced, Strict, Value

Length = Annotated[float, Meta(gt=0, le=100_000)]
Angle = Annotated[float, Meta(ge=-360, le=360)]
Speed = Annotated[float, Meta(gt=0, le=1e9)]
Power = Annotated[float, Meta(gt=0, le=1e6)]


class Laser(Sourced, frozen=True, kw_only=True):
    """A laser whose Gaussian spot is drawn over the resin. The pixels of such a printer are where doses of drawn layers are added up.

    Attributes
    ----------
    power_mw : Value of float, e.g. 30.0
        Its largest power at the resin.
    w0_um : Value of float, e.g. 50.0
        Radius of the spot at the resin, where irradiance has fallen to 1/e² of its middle; `optics.psf` is then gaussian with half of it.
    min_um_s, max_um_s : Value of float
        Slowest and fastest drawing.
    jump_um_s : Value of float
        Speed of the way between two lines, dark.
    jump_delay_s : Value of float
        What each way takes besides, for the mirrors to settle.
    mark_delay_s : Value of float
        What each line takes besides, at its end.
    """

    power_mw: Value[Power]
    w0_um: Value[Length]
    min_um_s: Value[Speed]
    max_um_s: Value[Speed]
    jump_um_s: Value[Speed]
    jump_delay_s: Value[NotNegative]
    mark_delay_s: Value[NotNegative]

    def __post_init__(self) -> None:
        if self.min_um_s.value > self.max_um_s.value:
            raise ValueError(f"laser: min_um_s is {self.min_um_s.value:g}, above max_um_s, {self.max_um_s.value:g}")


class Skin(Strict, frozen=True, kw_only=True):
    """What is hatched otherwise: the first and last layers of faces. What is left out is as in the rest of the layer.

    Attributes
    ----------
    layers : int
        How many layers from a face that looks up or down.
    spacing_um : float, e.g. 20.0
        Distance of its lines.
    power_mw : float, e.g. 20.0
        Power of the laser at the resin.
    speed_um_s : float, e.g. 200000.0
        Speed of the spot.
    """

    layers: Annotated[int, Meta(ge=1, le=1000)] = 1
    spacing_um: Length | None = None
    power_mw: Power | None = None
    speed_um_s: Speed | None = None


class Hatch(Strict, frozen=True, kw_only=True):
    """What a laser draws in a layer: outlines (borders), and parallel lines (hatches) inside of them.

    Attributes
    ----------
    spacing_um : float
        Distance of hatch lines: a hundredth of the spot's radius or more.
    angle_deg : float
        Direction of the hatches of the first layer, from +x toward +y.
    angle_step_deg : float
        How far that turns from each layer to the next.
    order : {"back-and-forth", "one-way"}
        Every other hatch against the direction, or all along it.
    borders : int
        How often outlines are drawn, each further inside; 0: hatches only.
    border_step_um : float, e.g. 25.0
        How far each border is inside of the one before; left out: half of spacing_um.
    inset_um : float, e.g. 40.0
        How far the outermost border (of none, the hatches' ends) is inside of the part; left out: so far that the printed edge lands on
        the part's, by the cure model.
    hatch_inset_um : float, e.g. 40.0
        How far hatches end inside of the innermost border; left out: three quarters of the spot's radius
        w0, which leaves no gap, and hardly any light of theirs at the edge.
    power_mw : float, e.g. 30.0
        Power at the resin; left out: the largest that draws within the laser's speeds.
    speed_um_s : float, e.g. 500000.0
        Speed of hatches; left out: as the far-face rule (`margin_um`, `bottom_dose_factors`) has it, where light is least between lines.
    border_power_mw : float, e.g. 20.0
        Power of borders; left out: as power_mw.
    border_speed_um_s : float, e.g. 300000.0
        Speed of borders; left out: by the same rule, for one line by itself.
    skin : Skin
        First and last layers of faces, with other values; left out: there are none.
    """

    spacing_um: Length
    angle_deg: Angle = 0.0
    angle_step_deg: Angle = 90.0
    order: Literal["back-and-forth", "one-way"] = "back-and-forth"
    borders: Annotated[int, Meta(ge=0, le=100)] = 1
    border_step_um: Length | None = None
    inset_um: Annotated[float, Meta(ge=-10_000, le=10_000)] | None = None
    hatch_inset_um: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    power_mw: Power | None = None
    speed_um_s: Speed | None = None
    border_power_mw: Power | None = None
    border_speed_um_s: Speed | None = None
    skin: Skin | UnsetType = UNSET

    @property
    def border_steps_um(self) -> float:
        """How far each border is inside of the one before [µm]."""
        return 0.5 * self.spacing_um if self.border_step_um is None else self.border_step_um


def check_spot(laser: Laser | UnsetType, optics: Optics, of_mirrors: bool) -> None:
    """Refuse optics that are not the spot of a laser, and what only mirrors have; raises `ValueError`."""
    if laser is UNSET:
        return
    psf, w0 = optics.psf, laser.w0_um.value
    if psf.sigma_um is None or psf.kind != "gaussian" or abs(psf.sigma_um.value - 0.5 * w0) > 1e-6 * w0:
        raise ValueError(f"laser: its spot is w0_um = {w0:g} wide, so [optics.psf] is gaussian with sigma_um = {0.5 * w0:g}")
    if optics.flat_field is not None or of_mirrors:
        raise ValueError("laser: a flat field, a diamond lattice, a gray response and further light engines are of mirrors; leave them out")


def check_beside_hatch(hatch: Hatch | UnsetType, **of_pixels: bool) -> None:
    """Refuse beside hatches what chooses the light of pixels, by name where it is there; raises `ValueError`."""
    for name, there in of_pixels.items():
        if there and hatch is not UNSET:
            raise ValueError(f"{name} is of the light of pixels, and [hatch] draws lines of one light: leave one of the two out")
