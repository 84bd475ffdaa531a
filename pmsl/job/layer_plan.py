"""LayerPlan: one motion, then a list of exposures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.job.drawing import Drawing
from pmsl.job.techniques import Relift, Squeeze
from pmsl.profiles import Motion
from pmsl.profiles.tables.strict_struct import Strict


class LayerFacts(Strict, frozen=True, kw_only=True):
    """What a layer is as a shape; see `pmsl.job.layer_facts` for how it is measured.

    Attributes
    ----------
    area_um2 : float
        What it covers, grays added up [µm²].
    components : int
        Pieces it falls into; pixels that touch at a corner hang together.
    largest_um2, smallest_um2 : float
        Area of the largest and of the smallest piece, in whole pixels [µm²].
    perimeter_um : float
        Length of all edges, by Crofton's formula along rows, columns and diagonals [µm]: straight edges within 6 %, round ones 1 %.
    bounds_um : (x0, y0, x1, y1)
        Box around its pixels [µm]; left out of a dark layer.
    overhang_um2 : float
        Area of its pixels over none of the layer below [µm²]; 0 on the plate.
    islands : int
        Bodies that begin in it with nothing solid under them; left out where the job was not checked.
    sealed_um2 : float
        Area below it that plate, walls and window shut while it is lifted [µm²]; left out where the job was not checked.
    peel_n : float
        Force that lifts it [N], indicative; left out where the printer does not say its release stress.
    """

    area_um2: float = 0.0
    components: int = 0
    largest_um2: float = 0.0
    smallest_um2: float = 0.0
    perimeter_um: float = 0.0
    bounds_um: tuple[float, float, float, float] | msgspec.UnsetType = msgspec.UNSET
    overhang_um2: float | msgspec.UnsetType = 0.0
    islands: int | msgspec.UnsetType = msgspec.UNSET
    sealed_um2: float | msgspec.UnsetType = msgspec.UNSET
    peel_n: float | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposure:
    """One image shown once (or `repeat` times).

    Attributes
    ----------
    mask : LayerMask
        What is shown.
    time_s : float
        How long [s].
    dose_mj_cm2 : float
        What a full-white pixel receives in that time [mJ/cm²].
    power : float
        Light setting of the engine.
    engine : int
        Number of the engine in the job.
    offset_um : (float, float)
        Stage offset (x, y) [µm].
    focus_um : float
        Focus offset [µm].
    repeat : int
        How many times it is shown.
    wait_before_s, wait_after_s : float
        Dark time around it [s].
    mask_sha256 : str or None
        What `LayerMask.sha256` of the mask has to be, where the job was read from disk: a host holds every frame against it.
    relift : Relift or None
        What the plate does before it is shown, once for all repeats.
    film_lift_um : float or None
        The plate is so far up while it is shown, and the layer cures on the film only [µm].
    flat_field_by_host : bool or None
        Whether the host evens out the field for it; None is as the job requires.
    drawing : Drawing or None
        What a laser draws instead of a picture; `mask` is then what it is to fill, `time_s` that of all lines and of the ways between them,
        `dose_mj_cm2` the least dose that its hatches leave.
    """

    mask: LayerMask
    time_s: float
    dose_mj_cm2: float
    power: float
    engine: int = 0
    offset_um: tuple[float, float] = (0.0, 0.0)
    focus_um: float = 0.0
    repeat: int = 1
    wait_before_s: float = 0.0
    wait_after_s: float = 0.0
    mask_sha256: str | None = None
    relift: Relift | None = None
    film_lift_um: float | None = None
    flat_field_by_host: bool | None = None
    drawing: Drawing | None = None

    @property
    def duration_s(self) -> float:
        """Time it takes, waits and repeats included, and what the plate does before it [s]."""
        shown_s = self.repeat * (self.wait_before_s + self.time_s + self.wait_after_s)
        return shown_s if self.relift is None else self.relift.duration_s + shown_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerPlan:
    """What happens for one layer; an empty layer has a motion and no exposure.

    Attributes
    ----------
    index : int
    z_top_um : float
        From the plate to the exposure plane [µm].
    thickness_um : float
    motion : Motion
        Comes before the exposures.
    exposures : tuple of Exposure
    findings : tuple of Finding
        What was noticed while the layer was made.
    covered_px : float or None
        Area of the part in this layer, where grays of the exposures say more than that: doses of regions, flat field.
    squeeze : Squeeze or None
        What the plate does between motion and exposures.
    relift_after : Relift or None
        What it does after the exposures, before the next layer's motion.
    facts_of : callable or None
        Gives `facts`.
    """

    index: int
    z_top_um: float
    thickness_um: float
    motion: Motion
    exposures: tuple[Exposure, ...]
    findings: tuple[Finding, ...] = field(default=())
    covered_px: float | None = None
    squeeze: Squeeze | None = None
    relift_after: Relift | None = None
    facts_of: Callable[[], LayerFacts | None] | None = field(default=None, repr=False)

    @property
    def facts(self) -> LayerFacts | None:
        """What the layer is as a shape: as its file says, else measured when asked for; None of a plan beside its job, or without one."""
        return None if self.facts_of is None else self.facts_of()

    @property
    def duration_s(self) -> float:
        """Time the layer takes, motion included [s]."""
        light_s = sum(e.duration_s for e in self.exposures)
        moves_s = sum(move.duration_s for move in (self.squeeze, self.relift_after) if move is not None)
        return self.motion.duration_s + (moves_s + light_s if moves_s else light_s)
