"""Region: a shape inside which a part gets light of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from pmsl.errors import UsageError
from pmsl.profiles.tables.strict_struct import Strict

if TYPE_CHECKING:
    from pmsl.core.mask import LayerMask
    from pmsl.mesh.solid import Solid

FactorName = Literal["edge", "roof", "membrane"]
MAX_FACTOR = 10.0
MAX_WAIT_S = 1e6
MAX_UM = 10_000.0  # of dilation and focus


OF_LIGHT = ("dose_scale", "focus_um", "power", "wait_before_s", "wait_after_s")  # what a region says of the light itself
SAID = (*OF_LIGHT, "dilate_um", "factors")  # fields that a region has wherever it is written: in a table, a job, a recipe


class ImageSetting(NamedTuple):
    """How an image is shown beside its dose; images that differ in it are exposures of their own. `power` None: that of the process."""

    power: float | None = None
    focus_um: float = 0.0
    wait_before_s: float = 0.0
    wait_after_s: float = 0.0


ORDINARY = ImageSetting()


class RegionImage(NamedTuple):
    """One image of a layer: its mask, its dose factor, and how it is shown."""

    mask: LayerMask
    factor: float
    setting: ImageSetting = ORDINARY


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """A shape, and what a part is given wherever it lies inside it.

    Attributes
    ----------
    solid : Solid
        The shape, in the coordinates of the part's solid: it goes where the part goes.
    dose_scale : float or None
        Factor on the part's effective dose, 0..10; below 1 as well as above. None: 1 where anything else of the light is said.
    focus_um : float or None
        Focus offset of its exposure [µm].
    power : float or None
        Light setting of the printer; None is that of the process.
    wait_before_s, wait_after_s : float or None
        Dark time around its exposure [s].
    dilate_um : float
        How far its light also reaches beyond its walls, in the plane, as far as the part does, beside the light there: the collar
        of a membrane [µm].
    factors : tuple of {"edge", "roof", "membrane"}
        Factors of the process's `[regions]` that hold only inside this region, and others that name them.
    label : str
        Its name; left out, that of the solid.

    Raises
    ------
    UsageError
        A value that is none, or a region that says nothing.

    Notes
    -----
    Of regions that overlap the one named last counts; those that say nothing of light (only `factors`) are not among them.
    """

    solid: Solid
    dose_scale: float | None = None
    focus_um: float | None = None
    power: float | None = None
    wait_before_s: float | None = None
    wait_after_s: float | None = None
    dilate_um: float = 0.0
    factors: tuple[FactorName, ...] = ()
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label or self.solid.source)
        object.__setattr__(self, "factors", tuple(self.factors))
        check_values(self)
        if not self.lights and self.dilate_um:
            raise UsageError(
                f"region {self.label}: dilate_um {self.dilate_um:g} says how far light reaches; give the region a dose_scale too"
            )
        if not self.lights and not self.factors:
            raise UsageError(f"region {self.label}: says nothing; give it a dose_scale, or factors that hold only inside it")

    @property
    def key(self) -> tuple[object, ...]:
        """What is alike in regions that are one and the same, of copies of a part: the solid itself, and all that is said."""
        return (id(self.solid), *self.said.values(), self.label)

    @property
    def said(self) -> dict[str, Any]:
        """What it says, by name: the fields `SAID`."""
        return {name: getattr(self, name) for name in SAID}

    @property
    def lights(self) -> bool:
        """Whether it says anything of the light itself."""
        return says_light(self)

    @property
    def scale(self) -> float:
        """Its factor on the dose."""
        return 1.0 if self.dose_scale is None else self.dose_scale

    def setting(self, ordinary_power: float | None = None) -> ImageSetting:
        """Return how its images are shown; the process's own power counts as none of its own.

        Parameters
        ----------
        ordinary_power : float, optional
            Light setting of the process.
        """
        power = None if self.power is None or self.power == ordinary_power else self.power
        return ImageSetting(power, self.focus_um or 0.0, self.wait_before_s or 0.0, self.wait_after_s or 0.0)

    def changes(self, ordinary_power: float | None = None) -> bool:
        """Tell whether the light inside differs from what it is without any region.

        Parameters
        ----------
        ordinary_power : float, optional
            Light setting of the process.
        """
        return bool(self.factors or self.dilate_um or (self.lights and (self.scale != 1.0 or self.setting(ordinary_power) != ORDINARY)))

    def repaired(self, repair: str = "auto", weld_um: float | None = None, pixel_um: float | None = None) -> Region:
        """Return the region with its solid as it can be used; see `pmsl.mesh.repair.repair.repaired`.

        Parameters
        ----------
        repair : {"auto", "none", "strict"}, default "auto"
            Close, unite and turn what needs it; leave it; or refuse what needs anything.
        weld_um : float, optional
            How far vertices at open edges may be joined [µm], 0 for not at all.
        pixel_um : float, optional
            Pixel in coordinates of the solid [µm]; a twentieth of it is the default of `weld_um`.

        Raises
        ------
        UsageError, MeshError
            As `pmsl.mesh.repair.repair.repaired`.
        """
        solid = self.solid.repaired(repair, weld_um, pixel_um)
        return self if solid is self.solid else replace(self, solid=solid)


class RegionRecord(Strict, frozen=True, kw_only=True):
    """One region of the job, as `pmsl.mesh.region.Region`; it stands where its parts stand.

    Attributes
    ----------
    label, file, sha256, unit : str
        Its name, and the mesh it was drawn with.
    parts : tuple of int
        Numbers of the parts it belongs to.
    bounds_um : box ``((x, y, z), (x, y, z))`` [µm]
        Around all places it has.
    repairs : tuple of str
        What was changed in the mesh.
    """

    label: str
    file: str
    sha256: str
    unit: str
    parts: tuple[int, ...]
    bounds_um: tuple[tuple[float, float, float], tuple[float, float, float]]
    repairs: tuple[str, ...] = ()
    dose_scale: float | None = None
    focus_um: float | None = None
    power: float | None = None
    wait_before_s: float | None = None
    wait_after_s: float | None = None
    dilate_um: float = 0.0
    factors: tuple[str, ...] = ()


def says_light(region: Region | RegionRecord) -> bool:
    """Whether a region says anything of the light itself."""
    return any(getattr(region, name) is not None for name in OF_LIGHT)


def check_values(region: Region | RegionRecord) -> None:
    """Refuse values of a region, or of what a job says of it, beside their limits.

    Raises
    ------
    UsageError
    """
    limits = {
        "dose_scale": (region.dose_scale, 0.0, MAX_FACTOR, "times the ordinary dose"),
        "focus_um": (region.focus_um, -MAX_UM, MAX_UM, "µm"),
        "wait_before_s": (region.wait_before_s, 0.0, MAX_WAIT_S, "s"),
        "wait_after_s": (region.wait_after_s, 0.0, MAX_WAIT_S, "s"),
        "dilate_um": (region.dilate_um, 0.0, MAX_UM, "µm"),
    }
    for name, (value, least, most, unit) in limits.items():
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            raise UsageError(f"region {region.label}: {name} is {value:g}; it must be {least:g} to {most:g} {unit}")
    for name in region.factors:
        if name not in get_args(FactorName) or region.factors.count(name) > 1:
            raise UsageError(f"region {region.label}: factors: {name!r}; name each of {', '.join(get_args(FactorName))} once at most")
