"""The JSON table of a print file, schema 5, as strict structs: the schema takes no unknown keys either."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from pmsl.profiles.strict import Strict

VERSION = "5.0.0"
MOST_POWER = 1000
NotNegative = Annotated[float, Meta(ge=0)]
Distance = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class Header(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """Version, and the folder images lie in."""

    version: Annotated[str, Meta(pattern=r"^5\.\d\.\d$")] = field(name="Schema version")
    images: str = field(name="Image directory")
    comment: str = field(default="", name="Comment")


class Design(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """What the device is."""

    comment: str = field(default="", name="Comment")
    user: str = field(default="", name="User")
    purpose: str = field(default="", name="Purpose")
    description: str = field(default="", name="Description")
    resin: str = field(default="", name="Resin")
    printer: str = field(default="", name="3D printer")
    design_file: str = field(default="", name="Design file")
    stl_file: str = field(default="", name="STL file")
    slicer: str = field(default="", name="Slicer")
    date: str = field(default="", name="Date")


class Position(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The move before a layer; what is None is as in the defaults."""

    thickness_um: NotNegative | None = field(default=None, name="Layer thickness (um)")
    up_mm: Distance | None = field(default=None, name="Distance up (mm)")
    initial_wait_ms: NotNegative | None = field(default=None, name="Initial wait (ms)")
    up_mm_s: NotNegative | None = field(default=None, name="BP up speed (mm/sec)")
    up_mm_s2: NotNegative | None = field(default=None, name="BP up acceleration (mm/sec^2)")
    up_wait_ms: NotNegative | None = field(default=None, name="Up wait (ms)")
    down_mm_s: NotNegative | None = field(default=None, name="BP down speed (mm/sec)")
    down_mm_s2: NotNegative | None = field(default=None, name="BP down acceleration (mm/sec^2)")
    final_wait_ms: NotNegative | None = field(default=None, name="Final wait (ms)")
    named: str | None = field(default=None, name="Using named position settings")
    special: dict[str, Any] | None = field(default=None, name="Special layer techniques")
    comment: str = field(default="", name="Comment")


class Image(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """One exposure; what is None is as in the defaults."""

    file: str | None = field(default=None, name="Image file")
    time_ms: Annotated[float, Meta(ge=0, le=10000)] | None = field(default=None, name="Layer exposure time (ms)")
    engine: str | None = field(default=None, name="Light engine")
    wavelength_nm: int | None = field(default=None, name="Light engine wavelength (nm)")
    power: Annotated[int, Meta(ge=0, le=MOST_POWER)] | None = field(default=None, name="Light engine power setting")
    focus_um: float | None = field(default=None, name="Relative focus position (um)")
    before_ms: NotNegative | None = field(default=None, name="Wait before exposure (ms)")
    after_ms: NotNegative | None = field(default=None, name="Wait after exposure (ms)")
    x_um: float | None = field(default=None, name="Image x offset (um)")
    y_um: float | None = field(default=None, name="Image y offset (um)")
    corrected: bool | None = field(default=None, name="Do grayscale correction")
    mirror_short: bool | None = field(default=None, name="Mirror image short axis")
    mirror_long: bool | None = field(default=None, name="Mirror image long axis")
    named: str | None = field(default=None, name="Using named image settings")
    special: dict[str, Any] | None = field(default=None, name="Special image techniques")
    comment: str = field(default="", name="Comment")


class Layer(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """One layer, or several alike, or a call of a named group of layers."""

    count: Count | None = field(default=None, name="Number of duplications")
    position: Position | None = field(default=None, name="Position settings")
    images: list[Image] | None = field(default=None, name="Image settings list")
    named_images: str | None = field(default=None, name="Using named default image settings")
    group: str | None = field(default=None, name="Using named layer group")
    variables: dict[str, Any] | None = field(default=None, name="Variables")
    comment: str = field(default="", name="Comment")


class Defaults(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """What layers and exposures that say nothing else have."""

    count: Count = field(name="Number of duplications")
    position: Position = field(name="Position settings")
    image: Image = field(name="Image settings")
    comment: str = field(default="", name="Comment")


class PrintFile(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The whole table."""

    header: Header = field(name="Header")
    design: Design = field(default=Design(), name="Design")
    defaults: Defaults = field(name="Default layer settings")
    named_positions: dict[str, Any] = field(default_factory=dict, name="Named position settings")
    named_images: dict[str, Any] = field(default_factory=dict, name="Named image settings")
    groups: dict[str, Any] = field(default_factory=dict, name="Named layer groups")
    special: dict[str, Any] | None = field(default=None, name="Special print techniques")
    variables: dict[str, Any] = field(default_factory=dict, name="Variables")
    layers: list[Layer] = field(default_factory=list, name="Layers")
