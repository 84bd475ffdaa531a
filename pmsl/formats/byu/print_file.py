"""The JSON table of a print file, schema 5, as strict structs: the schema takes no unknown keys either."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from pmsl.profiles.tables.strict_struct import Strict

VERSION = "5.0.0"
MOST_POWER = 1000
SQUEEZE_N, SQUEEZE_MS, VACUUM_TORR, FILM_MM = 40.0, 100.0, 10.0, 0.3  # the schema's defaults
PA_PER_TORR = 101_325.0 / 760.0
HEADER_COMMENT = "Header comment"  # among the texts of a job
WHOLE = frozenset({"Number of duplications", "Light engine wavelength (nm)", "Light engine power setting", "Squeeze count"})
NotNegative = Annotated[float, Meta(ge=0)]
Distance = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class ZeroLayer(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The image is shown again, each time after a lift that comes back to the same plane."""

    enable: bool = field(default=False, name="Enable 0 um layer")
    count: Count = field(default=1, name="Number of duplications")


class Film(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The image is shown while the plate is up."""

    enable: bool = field(default=False, name="Enable print on film")
    up_mm: Distance | None = field(default=None, name="Distance up (mm)")
    before_ms: NotNegative = field(default=0.0, name="Wait before exposure (ms)")


class ImageTechniques(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """What is done beside showing an image."""

    zero: ZeroLayer = field(default=ZeroLayer(), name="0 um layer")
    film: Film = field(default=Film(), name="Print on film")


class SqueezeOut(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """Resin is squeezed out when the plate has come back; the host does it once where no count is given."""

    enable: bool = field(default=False, name="Enable squeeze")
    count: Annotated[int, Meta(ge=0, le=1000)] | None = field(default=None, name="Squeeze count")
    force_n: Annotated[float, Meta(ge=0, le=1e9)] | None = field(default=None, name="Squeeze force (N)")
    time_ms: Annotated[float, Meta(ge=0, le=1e12)] | None = field(default=None, name="Squeeze time (ms)")


class LayerTechniques(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """What is done between a layer's move and its images."""

    squeeze: SqueezeOut = field(default=SqueezeOut(), name="Squeeze out resin")


class UnderVacuum(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The chamber is evacuated before the print."""

    enable: bool = field(default=False, name="Enable vacuum")
    level_torr: Annotated[float, Meta(ge=0, le=1e6)] | None = field(default=None, name="Target vacuum level (Torr)")
    wait_s: Annotated[float, Meta(ge=0, le=1e9)] | None = field(default=None, name="Vacuum wait time (sec)")


class PrintTechniques(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """What is done for the whole print."""

    vacuum: UnderVacuum = field(default=UnderVacuum(), name="Print under vacuum")
    comment: str = field(default="", name="Comment")


class HeaderTable(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """Version, and the folder images lie in."""

    version: Annotated[str, Meta(pattern=r"^5\.\d\.\d$")] = field(name="Schema version")
    images: str = field(name="Image directory")
    comment: str = field(default="", name="Comment")


class DesignTable(Strict, frozen=True, kw_only=True, omit_defaults=True):
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
    special: LayerTechniques | None = field(default=None, name="Special layer techniques")
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
    special: ImageTechniques | None = field(default=None, name="Special image techniques")
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

    header: HeaderTable = field(name="Header")
    design: DesignTable = field(default=DesignTable(), name="Design")
    defaults: Defaults = field(name="Default layer settings")
    named_positions: dict[str, Position] = field(default_factory=dict, name="Named position settings")
    named_images: dict[str, Image] = field(default_factory=dict, name="Named image settings")
    groups: dict[str, list[Layer]] = field(default_factory=dict, name="Named layer groups")
    special: PrintTechniques = field(default=PrintTechniques(), name="Special print techniques")
    variables: dict[str, Any] = field(default_factory=dict, name="Variables")
    layers: list[Layer] = field(default_factory=list, name="Layers")


DESIGN_KEYS = dict(zip(DesignTable.__struct_fields__, DesignTable.__struct_encode_fields__, strict=True))
