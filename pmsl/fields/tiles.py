"""Fields on a plate: how many, where each lies in each layer, and how their seams move from layer to layer."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np

from pmsl.errors import UsageError
from pmsl.profiles import Printer, Process
from pmsl.profiles.printer import XyStage
from pmsl.profiles.process import Fields

PHASES = 4  # layers until seams are where they were
MOST_PERIOD_PX = 16  # pixels that an advance may give up to be a whole number of steps of the stage
WHOLE = 1e-6  # of a step: what products of floats may miss a multiple by
DIGITS = 9  # of places in µm
MOST_TILES = 10_000
DEFAULT = Fields()


class Tile(NamedTuple):
    """A field at its place: column and row among the fields, its lower corner on the plate (x, y) [µm], the focus offset there [µm]."""

    col: int
    row: int
    corner_um: tuple[float, float]
    focus_um: float


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """Fields along x or y.

    Attributes
    ----------
    count : int
    field_px : int
        Pixels of a field.
    band_px : int
        Width of the band in which two neighbours shine; 0 of a cut.
    advance_px : int
        From a field to the next.
    stagger_px : int
        How far all fields move from one layer to the next; 0 of a single one.
    whole : bool
        Whether all of these are whole numbers of steps of the stage: then the pixels of all fields lie on one grid.
    """

    count: int
    field_px: int
    band_px: int
    advance_px: int
    stagger_px: int
    whole: bool

    @property
    def plate_px(self) -> int:
        """What the fields cover in every layer [px], from 0 on."""
        return (self.count - 1) * self.advance_px + self.field_px - (PHASES - 1) * self.stagger_px

    def corner_px(self, i: int, layer: int) -> int:
        """Return where field i is meant to begin in a layer [px on the plate]."""
        return i * self.advance_px - layer % PHASES * self.stagger_px

    def band_start_px(self, i: int, layer: int) -> int:
        """Return where the band between fields i - 1 and i begins in a layer [px on the plate]."""
        return self.corner_px(i, layer) + (self.field_px - self.advance_px - self.band_px) // 2

    def bands_px(self, layer: int) -> list[tuple[int, int]]:
        """Return all bands of a layer, from and to [px on the plate]."""
        return [(start, start + self.band_px) for start in (self.band_start_px(i, layer) for i in range(1, self.count))]


def axis_of(count: int, field_px: int, pitch_um: float, step_um: float, fields: Fields, axis: str, skewed: bool = False) -> Axis:
    """Lay fields out along one axis.

    Parameters
    ----------
    count : int
    field_px : int
    pitch_um, step_um : float
        Of the pixels and of the stage [µm].
    fields : Fields
    axis : {"x", "y"}
        For messages.
    skewed : bool
        Whether the stage has errors that are made up for: then no place is a whole number of pixels.

    Raises
    ------
    UsageError
        An overlap that leaves nothing of the field, or so much that seams of four layers do not fit beside each other.
    """
    overlap = fields.overlap_px
    if overlap >= field_px:
        raise UsageError(f"fields.overlap_px is {overlap}: the field has {field_px} px along {axis}; overlap less than that")
    if count == 1:
        return Axis(count=1, field_px=field_px, band_px=0, advance_px=field_px, stagger_px=0, whole=True)
    period = None if skewed else _period(pitch_um, step_um)
    if period is None:
        spare = 2 * math.ceil(0.5 * step_um / pitch_um)  # what rounding to a step moves a field by, on both sides
        advance, stagger = field_px - overlap - spare, fields.moved_px
    else:
        advance, stagger = (field_px - overlap) // period * period, -(-fields.moved_px // period) * period
    if advance < max(PHASES * stagger, overlap, 1):
        most = max(PHASES * stagger, overlap)
        raise UsageError(
            f"fields.overlap_px is {overlap}: fields of {field_px} px along {axis} are then {advance} px from each other, and the seams of "
            f"{PHASES} layers need {most} px; overlap less, or lower stagger_px"
        )
    return Axis(count=count, field_px=field_px, band_px=fields.band_px, advance_px=advance, stagger_px=stagger, whole=period is not None)


def count_for(length_px: int, field_px: int, pitch_um: float, step_um: float, fields: Fields, axis: str, skewed: bool = False) -> int:
    """Return how many fields cover a length in every layer; parameters as of `axis_of`."""
    if length_px <= field_px:
        return 1
    two = axis_of(2, field_px, pitch_um, step_um, fields, axis, skewed)
    return -(-(length_px - two.plate_px) // two.advance_px) + 2 if length_px > two.plate_px else 2


def _period(pitch_um: float, step_um: float) -> int | None:
    """Return the fewest pixels that are a whole number of steps; None where that takes too many."""
    for n in range(1, MOST_PERIOD_PX + 1):
        steps = n * pitch_um / step_um
        if round(steps) >= 1 and abs(steps - round(steps)) <= WHOLE:
            return n
    return None


class FieldLayout(msgspec.Struct, frozen=True, kw_only=True):
    """All fields of a plate; the lower corner of the plate is (0, 0) µm.

    Attributes
    ----------
    x, y : Axis
    pitch_um : (float, float)
    stage : XyStage
    order : {"travel", "rows"}
    """

    x: Axis
    y: Axis
    pitch_um: tuple[float, float]
    stage: XyStage
    order: str = "travel"

    @classmethod
    def of(cls, printer: Printer, process: Process, counts: tuple[int, int]) -> FieldLayout:
        """Lay so many fields (along x, along y) of a printer out.

        Raises
        ------
        UsageError
            A printer without an xy stage or with a diamond lattice; overlaps that are refused; more travel than the stage has.
        """
        stage, fields = stage_of(printer), fields_of(process)
        nx, ny = counts
        if nx < 1 or ny < 1 or nx * ny > MOST_TILES:
            raise UsageError(f"--fields {nx}x{ny}: from 1x1 to {MOST_TILES} fields in all")
        rows, cols = printer.field_px
        px, py = printer.optics.pitch_um.value
        skewed = is_skewed(stage)
        step = stage.step_um.value
        x = axis_of(nx, cols, px, step, fields, "x", skewed)
        y = axis_of(ny, rows, py, step, fields, "y", skewed)
        made = cls(x=x, y=y, pitch_um=(px, py), stage=stage, order=fields.order)
        made.check_travel(printer.name)
        return made

    @property
    def counts(self) -> tuple[int, int]:
        """Fields along x and along y."""
        return self.x.count, self.y.count

    @property
    def plate_px(self) -> tuple[int, int]:
        """(rows, cols) of the plate: what is covered in every layer."""
        return self.y.plate_px, self.x.plate_px

    @property
    def plate_um(self) -> np.ndarray:
        """(2,) float64 [µm]: width and height of the plate."""
        return np.array([self.x.plate_px, self.y.plate_px]) * self.pitch_um

    @property
    def on_one_grid(self) -> bool:
        """Whether the pixels of all fields lie on one grid."""
        return self.x.whole and self.y.whole

    def tile(self, col: int, row: int, layer: int) -> Tile:
        """Return a field at its place in a layer: where the stage really goes when it is sent as near to the meant place as it can be."""
        meant = self.x.corner_px(col, layer) * self.pitch_um[0], self.y.corner_px(row, layer) * self.pitch_um[1]
        step = self.stage.step_um.value
        sent = meant if self.on_one_grid else tuple(round(um / step) * step for um in self.stage.sent_um(*meant))
        x, y, focus = self.stage.reached_um(*sent)
        return Tile(col, row, (round(x, DIGITS) + 0.0, round(y, DIGITS) + 0.0), round(-focus, DIGITS) + 0.0)

    def tiles(self, layer: int) -> list[Tile]:
        """Return all fields of a layer, in rows from the lower corner."""
        return [self.tile(i, j, layer) for j in range(self.y.count) for i in range(self.x.count)]

    def check_travel(self, name: str) -> None:
        """Refuse more travel than the stage has; raises `UsageError`."""
        for axis, words, travel_um, pitch in zip((self.x, self.y), "xy", self.stage.travel_um.value, self.pitch_um, strict=True):
            span_um = ((axis.count - 1) * axis.advance_px + (PHASES - 1) * axis.stagger_px) * pitch
            if span_um > travel_um * (1 + WHOLE):
                raise UsageError(
                    f"{axis.count} fields along {words} need {span_um:g} µm of travel, stage.xy of printer {name} has {travel_um:g} µm; "
                    "print a smaller plate"
                )


def fields_of(process: Process) -> Fields:
    """Return how fields of a process join: as it says, or by default."""
    return process.fields if isinstance(process.fields, Fields) else DEFAULT


def is_skewed(stage: XyStage) -> bool:
    """Tell whether a stage has errors that are made up for."""
    return any(any(of_axis) for of_axis in stage.slopes)


def stage_of(printer: Printer) -> XyStage:
    """Return what moves pictures; raises `UsageError` where a printer has no such stage, or mirrors on their corners."""
    if printer.dmd.lattice != "orthogonal":
        raise UsageError(f"--fields: printer {printer.name} has a {printer.dmd.lattice} lattice; fields are offered for orthogonal ones")
    xy = printer.stage.xy
    if not isinstance(xy, XyStage):
        raise UsageError(
            f"--fields: printer {printer.name} has no [stage.xy]; say its travel_um and step_um in the profile "
            "(pmsl profiles show), or choose a printer that moves"
        )
    return xy
