"""Light of a printer: settings, blur, evenness over the field, and what a gray level gives."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from pmsl.profiles.distortion.distortion_table import Distortion
from pmsl.profiles.tables.strict_struct import Sourced, Value

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(gt=0, le=1)]

LEVELS = 256
LORENTZIAN_WIDTH = 2 * math.tan(0.45 * math.pi)  # in γ: between these limits lie 90 % of the line spread


class LightSetting(Sourced, frozen=True, kw_only=True):
    """A power setting of the engine, a table `[[optics.settings]]`; the first is the default.

    Attributes
    ----------
    power : float, e.g. 1.0
        The setting, in the scale of the engine.
    irradiance_mw_cm2 : Value of float, e.g. 20.0
        Irradiance of a white pixel at the image plane with this setting.
    """

    power: Positive
    irradiance_mw_cm2: Value[Positive]


class Psf(Sourced, frozen=True, kw_only=True):
    """Point spread function: how the optics blur the square of light that a mirror gives.

    A length is given in pixels (`…_pitch`, in x and y each of its own pitch) or in µm (`…_um`), one of the two.

    Attributes
    ----------
    kind : {"gaussian", "box", "lorentzian", "sampled"}
        gaussian: `sigma`, mirrors fill their pitch; box: the same, of mirrors that fill the share `fill` of their pixel, squares
        ``√fill`` pitches wide; lorentzian: `gamma`, heavy tails; sampled: a measured spot, `samples` and `step`.
    sigma_pitch : Value of float, e.g. 0.36
        Standard deviation; of gaussian and box.
    sigma_um : Value of float, e.g. 2.7
        The same in µm.
    fill : Value of float, e.g. 0.92
        Share of a pixel's area that its mirror fills; of box.
    gamma_pitch : Value of float, e.g. 0.2
        Half width at half maximum of the line spread; of lorentzian.
    gamma_um : Value of float, e.g. 1.5
        The same in µm.
    samples : Value of rows of float, e.g. [[0.0, 0.1, 0.0], [0.1, 1.0, 0.1], [0.0, 0.1, 0.0]]
        A measured spot on a square lattice of step `step`, rows toward +y, columns toward +x, odd numbers of both, the middle one on
        the axis; any unit, scaled to a sum of 1; of sampled. In a file the name of a text file of numbers (rows of equal length,
        commas or blanks) may stand in place of the rows.
    step_pitch : Value of float, e.g. 0.5
        Distance of neighbouring samples.
    step_um : Value of float, e.g. 3.8
        The same in µm.
    """

    kind: Literal["gaussian", "box", "lorentzian", "sampled"] = "gaussian"
    sigma_pitch: Value[Positive] | None = None
    sigma_um: Value[Positive] | None = None
    fill: Value[Share] | None = None
    gamma_pitch: Value[Positive] | None = None
    gamma_um: Value[Positive] | None = None
    samples: Value[list[list[NotNegative]]] | None = None
    step_pitch: Value[Positive] | None = None
    step_um: Value[Positive] | None = None

    def __post_init__(self) -> None:
        length = {"gaussian": "sigma", "box": "sigma", "lorentzian": "gamma", "sampled": "step"}[self.kind]
        if (getattr(self, f"{length}_pitch") is None) == (getattr(self, f"{length}_um") is None):
            raise ValueError(f"give {length}_pitch or {length}_um, one of the two")
        used = {"kind", f"{length}_pitch", f"{length}_um", *{"box": ("fill",), "sampled": ("samples",)}.get(self.kind, ())}
        for name in self.__struct_fields__:
            if name not in used and getattr(self, name) is not None:
                raise ValueError(f"{name} does not belong to a psf of kind {self.kind!r}")
        if self.kind == "box" and self.fill is None:
            raise ValueError("kind 'box' needs fill, the lit share of a pixel's area")
        if self.kind == "sampled":
            _check_samples(self.samples)

    def length_px(self, pitch_um: tuple[float, float]) -> tuple[float, float]:
        """Return σ, γ or the samples' step in pixels of `pitch_um` (x, y): (along rows' axis y, along columns' axis x)."""
        for pitch, um in ((self.sigma_pitch, self.sigma_um), (self.gamma_pitch, self.gamma_um), (self.step_pitch, self.step_um)):
            if pitch is not None:
                return pitch.value, pitch.value
            if um is not None:
                return um.value / pitch_um[1], um.value / pitch_um[0]
        raise AssertionError("a psf has a length")

    def width_px(self, pitch_um: tuple[float, float]) -> tuple[float, float]:
        """Return how wide the spot is, in pixels (y, x).

        6 σ of a Gaussian (99.7 % of its line spread), 12.63 γ of a Lorentzian (90 %: its tails have no end), all samples.
        """
        y, x = self.length_px(pitch_um)
        if self.samples is not None:
            return y * len(self.samples.value), x * len(self.samples.value[0])
        many = LORENTZIAN_WIDTH if self.kind == "lorentzian" else 6.0
        return y * many, x * many


def _check_samples(samples: Value[list[list[float]]] | None) -> None:
    """Refuse samples of a spot that have no middle, no light, or rows of unequal length."""
    if samples is None:
        raise ValueError("kind 'sampled' needs samples")
    rows = samples.value
    cols = len(rows[0]) if rows else 0
    uneven = next((i for i, row in enumerate(rows) if len(row) != cols), None)
    if uneven is not None:
        raise ValueError(f"samples: row {uneven} has {len(rows[uneven])} numbers, row 0 has {cols}")
    if len(rows) % 2 == 0 or cols % 2 == 0:
        raise ValueError(f"samples are {len(rows)} × {cols}; expected odd numbers of rows and columns, the middle one on the axis")
    if sum(map(sum, rows)) <= 0:
        raise ValueError("samples sum to 0; expected light in at least one")


class FlatField(Sourced, frozen=True, kw_only=True):
    """Measured irradiance of a white frame over the field: grid, image or vignetting, one of the three.

    Attributes
    ----------
    grid : Value of rows of float, e.g. [[0.9, 1.0, 0.9], [0.95, 1.0, 0.95]]
        Rows of measured irradiance in any unit, the first row at the smallest y, the first column at the smallest x, evenly spaced
        from the middle of the first pixel to the middle of the last, linear between; in a file the name of a text file of numbers
        may stand in its place.
    image : Value of str, e.g. "field.png"
        Name of a gray image of the device's shape, laid out as a frame is (`orientation`): one level a pixel. It travels in the profile
        as a ``data:`` address, so that a job needs no other file.
    vignetting : Value of float, e.g. 0.1
        Share of irradiance lost in the field's corner: ``1 - v (r / r_corner)²``.
    reference : {"mean", "maximum", "center"}
        What `irradiance_mw_cm2` of the light settings was: the mean over the field, its largest value, or that in its center.
    """

    grid: Value[list[list[Positive]]] | None = None
    image: Value[str] | None = None
    vignetting: Value[Annotated[float, Meta(ge=0, lt=1)]] | None = None
    reference: Literal["mean", "maximum", "center"] = "mean"

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.grid, self.image, self.vignetting)) != 1:
            raise ValueError("give grid, image or vignetting, one of the three")
        if self.grid is not None:
            rows = self.grid.value
            cols = len(rows[0]) if rows else 0
            if len(rows) < 2 or cols < 2 or any(len(row) != cols for row in rows):
                lengths = sorted({len(row) for row in rows})
                raise ValueError(f"grid has {len(rows)} rows of {lengths} numbers; expected rows of one length, 2 × 2 or more")


class Response(Sourced, frozen=True, kw_only=True):
    """Gray response: 8-bit level → irradiance relative to white.

    Attributes
    ----------
    kind : {"linear", "gamma", "table"}
        linear: ``g / 255``, a pattern sequence of pulse widths; gamma: ``(g / 255) ** gamma``; table: as measured.
    gamma : Value of float, e.g. 2.2
        Exponent; of gamma.
    table : Value of list of float, e.g. "response.txt"
        Measured irradiance of 256 or more gray values evenly spaced from black to white, in any unit, dark reading subtracted, never
        falling; of table. In a file the name of a text file of numbers may stand in its place.
    """

    kind: Literal["linear", "gamma", "table"] = "linear"
    gamma: Value[Positive] | None = None
    table: Value[list[NotNegative]] | None = None

    def __post_init__(self) -> None:
        for name in ("gamma", "table"):
            if (getattr(self, name) is not None) != (self.kind == name):
                raise ValueError(f"kind {self.kind!r} and {name}: {name} is given for kind {name!r} and only then")
        if self.table is not None:
            _check_table(self.table.value)


def _check_table(table: list[float]) -> None:
    """Refuse a response that is too short, falls, or does not start at no light."""
    if len(table) < LEVELS:
        raise ValueError(f"table has {len(table)} entries; expected {LEVELS} or more")
    if table[0] != 0:
        raise ValueError(f"table starts with {table[0]:g}; expected 0: subtract the dark reading, black pixels count as no light")
    for i, (low, high) in enumerate(zip(table, table[1:], strict=False)):
        if high < low:
            raise ValueError(f"table falls from {low:g} at entry {i} to {high:g} at entry {i + 1}; expected one that never falls")
    if table[-1] <= 0:
        raise ValueError(f"table ends with {table[-1]:g}; expected light at white")


class Optics(Sourced, frozen=True, kw_only=True):
    """Pixels at the image plane, wavelength, light settings, blur and evenness.

    Attributes
    ----------
    pitch_um : Value of (float, float), e.g. [7.6, 7.6]
        Size of a pixel at the image plane, x and y.
    wavelength_nm : Value of float, e.g. 385.0
        Wavelength of the light.
    settings : list of LightSetting
        Power settings, the first is the default.
    psf : Psf
        How the optics blur a pixel.
    flat_field : FlatField or None
        Unevenness of the light over the field; left out: even.
    distortion : Distortion
        Where pixels land instead of on a square grid; left out: on it. From version 2.
    """

    SINCE: ClassVar[dict[str, int]] = {"distortion": 2}
    NESTED: ClassVar[tuple[str, ...]] = ("settings", "psf", "flat_field", "distortion")

    pitch_um: Value[tuple[Positive, Positive]]
    wavelength_nm: Value[Positive]
    settings: Annotated[list[LightSetting], Meta(min_length=1)]
    psf: Psf
    flat_field: FlatField | None = None
    distortion: Distortion | UnsetType = UNSET

    @property
    def largest_irradiance_mw_cm2(self) -> float:
        """Irradiance of a white pixel at the strongest light setting."""
        return max(s.irradiance_mw_cm2.value for s in self.settings)
