"""Process: layer heights, coverage, dose ladder and motion. Choices, not measurements: plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import force_setattr

from pmsl.profiles.checks import ProcessChecks as ProcessChecks
from pmsl.profiles.laser import Hatch as Hatch
from pmsl.profiles.laser import check_beside_hatch
from pmsl.profiles.motion import Motion as Motion
from pmsl.profiles.motion import MotionSchedule as MotionSchedule
from pmsl.profiles.printer import Positive
from pmsl.profiles.tables.strict_struct import Strict
from pmsl.profiles.tables.versions import set_schema

NotNegative = Annotated[float, Meta(ge=0)]
Height = Annotated[float, Meta(gt=0, le=100_000)]
Correction = Literal["edges", "printthrough", "flatfield", "robust", "optimise"]
Unreachable = Literal["keep", "lift", "drop"]
Factor = Annotated[float, Meta(ge=0, le=10)]
Reach = Annotated[float, Meta(ge=0, le=256)]
ReachUm = Annotated[float, Meta(ge=0, le=10_000)]
Seconds = Annotated[float, Meta(gt=0, le=1e6)]
MOST_OFFSET_UM = 10_000.0
Offset = Annotated[float, Meta(ge=-MOST_OFFSET_UM, le=MOST_OFFSET_UM)]


class Regions(Strict, frozen=True, kw_only=True):
    """Dose factors of the regions of a layer, relative to its ordinary (effective) dose; a region without one is bulk.

    Lengths are in pixels (`_px`) or in µm (`_um`), one of the two. Where edge and roof overlap the lower factor wins; a membrane has
    its own.

    Attributes
    ----------
    bulk : float
        Factor of what is nothing else.
    edge : float, e.g. 0.83
        Factor of lit pixels within `edge_erode` of the outline, and around it as far as `edge_dilate` reaches.
    edge_erode_px : float, e.g. 2.0
        How far inward the edge reaches; needed with `edge`.
    edge_erode_um : float, e.g. 15.0
        The same in µm.
    edge_dilate_px : float, e.g. 1.0
        How far outward the edge reaches; left out: not at all.
    edge_dilate_um : float, e.g. 7.5
        The same in µm.
    roof : float, e.g. 0.67
        Factor of material that lies over no material in one of the `roof_layers` layers before, less `roof_erode` all around.
    roof_layers : int
        How many layers before are looked at.
    roof_erode_px : float, e.g. 2.0
        How far a roof stays away from its edge; left out: not at all.
    roof_erode_um : float, e.g. 15.0
        The same in µm.
    membrane : float, e.g. 1.17
        Factor of material no thicker than `membrane_um` along z, not on the plate.
    membrane_um : float, e.g. 20.0
        Thickness up to which material is a membrane; needed with `membrane`.
    """

    bulk: Factor = 1.0
    edge: Factor | None = None
    edge_erode_px: Reach | None = None
    edge_erode_um: ReachUm | None = None
    edge_dilate_px: Reach | None = None
    edge_dilate_um: ReachUm | None = None
    roof: Factor | None = None
    roof_layers: Annotated[int, Meta(ge=1, le=1000)] = 5
    roof_erode_px: Reach | None = None
    roof_erode_um: ReachUm | None = None
    membrane: Factor | None = None
    membrane_um: Height | None = None

    def __post_init__(self) -> None:
        for name in ("edge_erode", "edge_dilate", "roof_erode"):
            if getattr(self, f"{name}_px") is not None and getattr(self, f"{name}_um") is not None:
                raise ValueError(f"give {name}_px or {name}_um, one of the two")
        for region, needed in (("edge", ("edge_erode_px", "edge_erode_um")), ("membrane", ("membrane_um",))):
            if getattr(self, region) is not None and all(getattr(self, name) is None for name in needed):
                raise ValueError(f"{region} = {getattr(self, region):g} needs {' or '.join(needed)}")

    @property
    def plain(self) -> bool:
        """True where every region gets the ordinary dose and none is dilated."""
        return {self.bulk, self.edge, self.roof, self.membrane} <= {1.0, None} and not (
            self.edge is not None and (self.edge_dilate_px or self.edge_dilate_um)
        )


def surfaces_placed(corrections: Sequence[str]) -> tuple[str, ...]:
    """Return which of edges and printthrough corrections place; optimise alone places both, and never faces without walls."""
    if "optimise" in corrections and ("printthrough" in corrections or "edges" not in corrections):
        return ("edges", "printthrough")
    return tuple(name for name in ("edges", "printthrough") if name in corrections)


class LayerHeights(Strict, frozen=True, kw_only=True):
    """Layer heights that follow the geometry: planes on horizontal facets, thin layers on flat slopes, as few layers as possible.

    Attributes
    ----------
    min_um : float, e.g. 5.0
        Least height of a layer [µm]; facets nearer to each other than this cannot all have a plane.
    max_um : float, e.g. 40.0
        Greatest height of a layer [µm].
    stair_um : float, e.g. 2.0
        Highest stair on slopes that look at the light, at right angles to them [µm]; left out: `min_um`.
    """

    min_um: Height
    max_um: Height
    stair_um: Height | None = None

    def __post_init__(self) -> None:
        if self.max_um < self.min_um:
            raise ValueError(f"layers: max_um is {self.max_um:g}, below min_um, {self.min_um:g}")

    @property
    def highest_stair_um(self) -> float:
        """The highest stair that is accepted [µm]."""
        return self.min_um if self.stair_um is None else self.stair_um


class Fields(Strict, frozen=True, kw_only=True):
    """How the pictures of a plate larger than a field join, of jobs sliced with ``--fields``.

    Attributes
    ----------
    overlap_px : int
        How many pixels neighbours share: the width of the blend.
    blend : {"linear", "none"}
        Light passes from one picture to the next along a ramp, or is cut in the middle of what they share.
    stagger_px : int, e.g. 20
        How far seams move from one layer to the next, in a cycle of four; 0: they stay. Left out: the overlap, of cuts at least 8.
    order : {"travel", "rows"}
        Pictures of a layer in the order of the shortest way, there and back from layer to layer; or in rows from the lower corner.
    """

    overlap_px: Annotated[int, Meta(ge=0, le=4096)] = 20
    blend: Literal["linear", "none"] = "linear"
    stagger_px: Annotated[int, Meta(ge=0, le=4096)] | UnsetType = UNSET
    order: Literal["travel", "rows"] = "travel"

    @property
    def band_px(self) -> int:
        """How wide the band is in which both of two neighbours shine [px]; 0 of a cut."""
        return self.overlap_px if self.blend == "linear" else 0

    @property
    def moved_px(self) -> int:
        """How far seams move from one layer to the next [px]."""
        return max(self.overlap_px, 8 if self.band_px == 0 else 0) if self.stagger_px is UNSET else self.stagger_px

    def __post_init__(self) -> None:
        if 0 < self.moved_px < self.band_px:
            raise ValueError(
                f"fields.stagger_px is {self.moved_px}, overlap_px {self.overlap_px}: seams of layers would lie over each other; "
                f"give {self.overlap_px} or more, or 0 for seams that stay"
            )


class Process(Strict, frozen=True, kw_only=True):
    """How a part is printed, schema ``pmsl.process/1``, or ``/2`` where a key is used that came with it.

    Attributes
    ----------
    schema : str
        What the file is, and its version.
    name : str
        Its name, which jobs say.
    description : str
        A line for people.
    layer_um : float
        Height of every layer.
    layers : list of (int, float) or LayerHeights, e.g. [[5, 5.0], [1, 10.0]]
        Instead of `layer_um`: count and height [µm] from the plate up; the last height goes on to the top of the part. Or a table of
        bounds, from version 2: heights then follow the geometry.
    coverage : {"area", "volume"}
        What a pixel's gray means: the covered area in the middle of the slab, or the covered volume of the slab.
    margin_um : float, e.g. 8.0
        How far beyond the layer's far face its white dose still cures; left out: Dp ln 1.5. Doses then follow the heights of layers.
    bottom_dose_factors : tuple of float
        Factors on the (effective) dose of the first layers, from the plate up; then 1.
    power : float, e.g. 1.0
        A light setting of the printer; left out: its first.
    corrections : tuple of {"edges", "printthrough", "flatfield", "robust", "optimise"}
        Light that makes side walls (edges) and faces that look at the plate (printthrough) land where they were drawn, and evens out the
        field (flatfield); with robust, from version 2, walls and faces are as little off as can be in the worst of all resins that the
        profile may stand for; with optimise, from version 2, levels near walls that these leave off are solved again, together: alone
        it places walls and faces.
    flat_field : {"baked", "delegated"}
        With flatfield, who evens out the field: the frames' grays and times, once and last; or the host while it shows them, and every
        white pixel then gets the dose that the job says.
    relief_layers : int
        With printthrough: over so many layers next to a face that looks at the plate its light is shared out as one gray, the roof dose
        factor; 0: they stay dark but for one.
    regions : Regions or None
        Dose factors of edges, roofs and membranes; left out: all get the ordinary dose.
    unreachable : {"keep", "lift", "drop"}
        Gray pixels away from white that never receive the critical dose: kept and named, raised to the least level that cures them
        through their layer, or made black.
    motion : MotionSchedule
        The move before each layer.
    exposure_s : float, e.g. 2.0
        Instead of `margin_um`: how long white is shown, the same in every ordinary layer, whatever its height; one that this
        does not cure through is refused.
    xy_offset_um : float, e.g. -3.0
        Moves the contours of every layer before their area is found: positive grows the part, outlines move outward and
        holes shrink, with round corners. Not with coverage "volume", edges or printthrough.
    bottom_xy_offset_um : float, e.g. -10.0
        In place of `xy_offset_um` in layers whose bottom dose factor is above 1.
    checks : ProcessChecks
        Limits of what is checked before light.
    fields : Fields
        How the pictures of a plate larger than a field join.
    hatch : Hatch
        What a laser draws, of a printer with one; its layers are drawn, not shown.
    """

    SINCE: ClassVar[dict[str, int]] = dict.fromkeys(("exposure_s", "xy_offset_um", "bottom_xy_offset_um", "checks", "fields", "hatch"), 2)
    NESTED: ClassVar[tuple[str, ...]] = ("motion",)

    schema: Literal["pmsl.process/1", "pmsl.process/2"]
    name: str
    description: str
    layer_um: Height = 10.0
    layers: Annotated[list[tuple[Annotated[int, Meta(ge=1)], Height]], Meta(min_length=1)] | LayerHeights | None = None
    coverage: Literal["area", "volume"] = "area"
    margin_um: NotNegative | None = None
    bottom_dose_factors: tuple[Positive, ...] = (10.0, 5.0, 2.5)
    power: Positive | None = None
    corrections: tuple[Correction, ...] = ()
    flat_field: Literal["baked", "delegated"] = "baked"
    relief_layers: Annotated[int, Meta(ge=0, le=1000)] = 0
    regions: Regions | None = None
    unreachable: Unreachable = "keep"
    motion: MotionSchedule = MotionSchedule()
    exposure_s: Seconds | UnsetType = UNSET
    xy_offset_um: Offset | UnsetType = UNSET
    bottom_xy_offset_um: Offset | UnsetType = UNSET
    checks: ProcessChecks | UnsetType = UNSET
    fields: Fields | UnsetType = UNSET
    hatch: Hatch | UnsetType = UNSET

    def __post_init__(self) -> None:
        given: object = self.motion
        if isinstance(given, Motion):  # as Python may give it
            force_setattr(self, "motion", MotionSchedule.of(given))
        if not any(self.xy_offsets_um):  # nothing is moved: as if it were not said
            force_setattr(self, "xy_offset_um", UNSET)
            force_setattr(self, "bottom_xy_offset_um", UNSET)
        if self.checks == ProcessChecks():
            force_setattr(self, "checks", UNSET)
        set_schema(self)
        self._check_offset()
        check_beside_hatch(
            self.hatch, corrections=bool(self.corrections), coverage=self.coverage != "area", regions=self.regions is not None,
            exposure_s=self.exposure_s is not UNSET, power=self.power is not None, unreachable=self.unreachable != "keep",
            fields=self.fields is not UNSET,
        )  # fmt: skip
        if self.exposure_s is not UNSET and self.margin_um is not None:
            raise ValueError(f"exposure_s is {self.exposure_s:g} and margin_um is {self.margin_um:g}: give one of the two")
        for name in self.corrections:
            if self.corrections.count(name) > 1:
                raise ValueError(f"corrections name {name!r} {self.corrections.count(name)} times; each is applied once")
        if {"robust", "optimise"} <= set(self.corrections):
            raise ValueError("corrections name optimise, which solves for the resin as given, and robust, which does not: name one")
        if "robust" in self.corrections and not {"edges", "printthrough"} & set(self.corrections):
            raise ValueError("corrections name robust, which is how edges and printthrough choose their light; add one of these")
        if self.flat_field == "delegated" and "flatfield" not in self.corrections:
            raise ValueError("flat_field is 'delegated', but corrections do not name flatfield; add it, or leave flat_field out")

    def _check_offset(self) -> None:
        """Refuse an offset beside what finds its light from the designed surfaces themselves."""
        if not any(self.xy_offsets_um):
            return
        if self.coverage != "area":
            raise ValueError("xy_offset_um moves contours, coverage 'volume' has none: use coverage 'area', or take the offset out")
        if self.bottom_xy_offset_um is not UNSET and not any(factor > 1 for factor in self.bottom_dose_factors):
            raise ValueError(
                "bottom_xy_offset_um is for layers whose bottom dose factor is above 1, and bottom_dose_factors has none: leave it out"
            )
        placed = [name for name in self.corrections if name != "flatfield"]
        if placed:
            raise ValueError(f"xy_offset_um moves the walls that corrections ({', '.join(placed)}) place as designed: give one of the two")

    def own_version(self) -> int:
        """Return 2 where heights follow the geometry, or a correction came with it, else as its keys say."""
        return 2 if isinstance(self.layers, LayerHeights) or {"robust", "optimise"} & set(self.corrections) else super().own_version()

    def newer_value(self) -> str:
        """Say what, other than a key, may make it newer."""
        newer = [name for name in ("robust", "optimise") if name in self.corrections]
        return f"{newer[0]} among corrections" if newer else "a table of layers"

    @property
    def heights_um(self) -> list[float]:
        """The heights that layers may have [µm]: all there are, or the bounds."""
        if isinstance(self.layers, LayerHeights):
            return [self.layers.min_um, self.layers.max_um]
        return [self.layer_um] if self.layers is None else [height for _, height in self.layers]

    @property
    def xy_offsets_um(self) -> tuple[float, float]:
        """How far contours are moved in ordinary and in bottom layers [µm]; bottom layers without a value of their own as the others."""
        ordinary = 0.0 if self.xy_offset_um is UNSET else self.xy_offset_um
        return ordinary, ordinary if self.bottom_xy_offset_um is UNSET else self.bottom_xy_offset_um

    @property
    def evened(self) -> Literal["baked", "delegated"] | None:
        """Who evens out the field: the frames, the host, or (None) nobody."""
        return self.flat_field if "flatfield" in self.corrections else None
