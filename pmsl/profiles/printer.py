"""Printer: the micromirror device, its optics, the stage and the limits."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from pmsl.profiles.strict import Strict, Value

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1, le=1 << 24)]
Axis = Literal["+x", "-x", "+y", "-y"]


class Dmd(Strict, frozen=True, kw_only=True):
    """The micromirror device: shape is (rows, cols); a frame-locked engine shows whole frames of `frame_s`."""

    chip: str
    shape: Value[tuple[Count, Count]]
    lattice: Literal["orthogonal"] = "orthogonal"
    bit_depth: Literal[8] = 8
    frame_locked: bool = False
    frame_s: Value[Positive] | None = None

    def __post_init__(self) -> None:
        if self.frame_locked and self.frame_s is None:
            raise ValueError("frame_locked = true needs frame_s")


class Orientation(Strict, frozen=True, kw_only=True):
    """Which way frame rows and columns grow, seen from the light side looking toward the plate."""

    row: Axis = "-y"
    col: Axis = "+x"

    def __post_init__(self) -> None:
        if self.row[1] == self.col[1]:
            raise ValueError(f"row {self.row} and col {self.col} lie along the same axis")

    @property
    def mirrored(self) -> bool:
        """True where the frame seen in a viewer is the mirror image of the part seen from the light side."""
        vectors = {"+x": (1, 0), "-x": (-1, 0), "+y": (0, 1), "-y": (0, -1)}
        right, down = vectors[self.col], vectors[self.row]
        return right[0] * -down[1] + right[1] * down[0] < 0


class LightSetting(Strict, frozen=True, kw_only=True):
    """A power setting of the engine and the irradiance a white pixel then has at the image plane."""

    power: Positive
    irradiance_mw_cm2: Value[Positive]


class Psf(Strict, frozen=True, kw_only=True):
    """Point spread function: a Gaussian, its σ in pixels (`sigma_pitch`) or µm (`sigma_um`); one of the two."""

    kind: Literal["gaussian"] = "gaussian"
    sigma_pitch: Value[Positive] | None = None
    sigma_um: Value[Positive] | None = None

    def __post_init__(self) -> None:
        if (self.sigma_pitch is None) == (self.sigma_um is None):
            raise ValueError("give sigma_pitch or sigma_um, one of the two")


class Optics(Strict, frozen=True, kw_only=True):
    """Pixel pitch (x, y) at the image plane, wavelength, light settings (the first is the default), and blur."""

    pitch_um: Value[tuple[Positive, Positive]]
    wavelength_nm: Value[Positive]
    settings: Annotated[list[LightSetting], Meta(min_length=1)]
    psf: Psf


class Stage(Strict, frozen=True, kw_only=True):
    """Travel of the build plate along z: the tallest part."""

    travel_um: Value[Positive]


class Limits(Strict, frozen=True, kw_only=True):
    """What the printer never exceeds in one exposure."""

    max_exposure_s: Value[Positive]
    max_dose_mj_cm2: Value[Positive]
    max_power: Value[Positive]


class Printer(Strict, frozen=True, kw_only=True):
    """A projection printer, schema ``pmsl.printer/1``."""

    schema: Literal["pmsl.printer/1"]
    name: str
    description: str
    dmd: Dmd
    orientation: Orientation = Orientation()
    optics: Optics
    stage: Stage
    limits: Limits
