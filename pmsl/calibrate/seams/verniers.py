"""Verniers across seams: lines that one field draws, and beside them those of its neighbour, spaced a pixel closer."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from pmsl.calibrate.coupons.coupon_job import Rectangle
from pmsl.errors import UsageError
from pmsl.fields.tiles import FieldLayout, Tile
from pmsl.profiles import Printer, Process
from pmsl.profiles.printer import XyStage
from pmsl.profiles.process import Fields

LINES = 9  # of a scale, the middle one longer
LEAST_PX, MOST_PX, PER_FIELD = 6, 20, 60  # between lines, and how many of these a field holds at least
FIRST, LAST, READ, OTHER = 7.0, 9.5, 5.5, -2.0  # in line distances: from both ends of a seam; from a place to its verniers along both axes
WIDTH, LONG, LONGER = 0.25, 2.0, 3.0  # of lines, in parts of their distance


class Vernier(NamedTuple):
    """A vernier at a seam.

    Attributes
    ----------
    seam : {"x", "y"}
        Which way the neighbour lies.
    axis : {"x", "y"}
        What it measures along.
    middle_px : (int, int)
        Its middle in the first field: column, row.
    drawn_um : float
        How far its middle lines are drawn apart, because the stage goes whole steps.
    """

    seam: str
    axis: str
    middle_px: tuple[int, int]
    drawn_um: float


class SeamPlan(NamedTuple):
    """The fields of the coupon and its verniers.

    Attributes
    ----------
    advance_px : (int, int)
        From a field to its neighbours, columns and rows.
    moved_um : (float, float)
        How far the stage is sent for them.
    pitch_px : int
        Distance of the lines of the first field; those of the neighbours are a pixel closer.
    verniers : tuple of Vernier
    """

    advance_px: tuple[int, int]
    moved_um: tuple[float, float]
    pitch_px: int
    verniers: tuple[Vernier, ...]


def seam_plan(printer: Printer, process: Process) -> SeamPlan:
    """Lay verniers out for a printer with an xy stage.

    Raises
    ------
    UsageError
        A printer without one, a field that is too small, more travel than the stage has.
    """
    rows, cols = printer.field_px
    pitch_px = min(MOST_PX, min(rows, cols) // PER_FIELD)
    if pitch_px < LEAST_PX:
        raise UsageError(
            f"coupon seams: the field has {cols} × {rows} px; limit {PER_FIELD * LEAST_PX} px along both, for verniers have to fit in"
        )
    band = int((LINES + 3) * pitch_px)
    layout = FieldLayout.of(
        _without_error(printer), msgspec.structs.replace(process, fields=Fields(overlap_px=band, stagger_px=0, blend="none")), (2, 2)
    )
    far: tuple[Tile, Tile] = layout.tile(1, 0, 0), layout.tile(0, 1, 0)
    advance = layout.x.advance_px, layout.y.advance_px
    moved = far[0].corner_um[0], far[1].corner_um[1]
    px, py = layout.pitch_um
    drawn = moved[0] - advance[0] * px, moved[1] - advance[1] * py
    verniers = []
    for seam, along, field, across in (("x", advance[1], cols, advance[0]), ("y", advance[0], rows, advance[1])):
        middle = (across + field) // 2  # of the overlap
        first, last = FIRST * pitch_px, along - LAST * pitch_px
        for place_px in (first, 0.5 * (first + last), last):  # in the middle and near half the field to both sides
            for axis in "xy":
                at = int(place_px + (READ if axis == seam else OTHER) * pitch_px)
                place = (middle, at) if seam == "x" else (at, middle)
                verniers.append(Vernier(seam, axis, place, drawn[0 if seam == "x" else 1] if axis == seam else 0.0))
    return SeamPlan(advance, moved, pitch_px, tuple(verniers))


def lines_of(vernier: Vernier, plan: SeamPlan, neighbour: bool) -> list[Rectangle]:
    """Return the lines of a vernier that a field draws, in its own pixels.

    Parameters
    ----------
    vernier : Vernier
    plan : SeamPlan
    neighbour : bool
        The field beside, or the first one.
    """
    spacing = plan.pitch_px - 1 if neighbour else plan.pitch_px
    width = max(2, round(WIDTH * plan.pitch_px))
    col, row = vernier.middle_px
    if neighbour:
        col, row = (col - plan.advance_px[0], row) if vernier.seam == "x" else (col, row - plan.advance_px[1])
    out = []
    for i in range(-(LINES // 2), LINES // 2 + 1):
        long = round((LONGER if i == 0 else LONG) * plan.pitch_px)
        at, away = i * spacing - width // 2, -long if neighbour else 0  # the neighbour's toward smaller x or y, so that they meet
        out.append((row + away, col + at, long, width) if vernier.axis == "x" else (row + at, col + away, width, long))
    return out


def _without_error(printer: Printer) -> Printer:
    """Return a printer as if its stage had no errors: they are what is to be measured."""
    xy = printer.stage.xy
    if not isinstance(xy, XyStage):
        return printer
    stage = msgspec.structs.replace(printer.stage, xy=msgspec.structs.replace(xy, error=msgspec.UNSET))
    return msgspec.structs.replace(printer, stage=stage)
