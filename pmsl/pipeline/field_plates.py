"""Parts placed on a plate of several fields, and what a request cannot ask for beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import FULL
from pmsl.errors import UsageError
from pmsl.fields.on_plate import with_field
from pmsl.fields.seam_places import quietest_px
from pmsl.fields.tiles import FieldLayout, stage_of
from pmsl.masks import masks_of
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import Placed
from pmsl.mesh.solid import Solid
from pmsl.pipeline.field_planner import PIXEL_SLACK, layout_of, plate_of
from pmsl.profiles import Printer, Process, Resin

if TYPE_CHECKING:
    from pmsl.pipeline.plates.plate_layout import PlateLayout
    from pmsl.pipeline.slice_request import SliceRequest

WIDEST_PX = 1 << 24
FINEST = 4096  # pixels along an axis that areas are looked at with: wider ones where a part has more
PLANES = 12  # that are looked at for a place where seams cross little
REGION_WEIGHT = 100.0  # of what a region draws beside the rest: seams keep away from a lens


def check_request(request: SliceRequest) -> None:
    """Refuse what is not offered with several fields, before any work; raises `UsageError`."""
    from pmsl.pipeline.request import option_parsing

    option_parsing.fields(request.fields)
    asked = {
        "--plates": request.plates is not None,
        "--pack": request.pack is not None,
        "--dose": request.dose,
    }
    for option, there in asked.items():
        if there:
            raise UsageError(f"--fields: not offered with {option}; leave one of the two out")


def placed_on_fields(
    layout: PlateLayout,
    parts: Sequence[Solid | Part],
    printer: Printer,
    resin: Resin,
    process: Process,
    fields: Literal["auto"] | tuple[int, int],
) -> tuple[list[Placed], tuple[int, int]]:
    """Place parts on a plate of fields, of ``"auto"`` the smallest that they fit on.

    Parameters
    ----------
    layout : PlateLayout
    parts : sequence of Solid or Part
    printer, resin, process : Printer, Resin, Process
    fields : "auto" or (int, int)

    Returns
    -------
    list of Placed, (int, int)
        One, and the fields along x and y.

    Raises
    ------
    UsageError, MeshError
        As `PlateLayout.placed`, of the plate, and `FieldLayout.of`.
    """
    stage_of(printer)
    size_um = np.zeros(2)
    stays = layout.placement.get("keep_place") or layout.placement.get("at_um") is not None or isinstance(layout.copies, list)
    if fields == "auto":
        (widest,) = layout.placed(parts, with_field(printer, (WIDEST_PX, WIDEST_PX)), resin)
        low, high = widest.bounds_um[:, :2]
        size_um = high if stays else high - low
    plate = layout_of(printer, process, fields, size_um.tolist())
    found = layout.placed(parts, plate_of(printer, plate), resin)
    at_um = None if stays else _quiet_place(found[0], plate)
    if at_um is not None:
        layout = dataclasses.replace(layout, placement={**layout.placement, "at_um": at_um})
        found = layout.placed(parts, plate_of(printer, plate), resin)
    return found, plate.counts


def _quiet_place(placed: Placed, plate: FieldLayout) -> tuple[float, float] | None:
    """Return where the lower corner of parts goes so that seams cross least of them, and of regions drawn in them [µm].

    None where they lie as well already, or no room is left on the plate. Some planes are looked at, evenly spaced.
    """
    (low, high), pitch = placed.bounds_um, np.array(plate.pitch_um)
    cols, rows = np.ceil((high - low)[:2] / pitch - PIXEL_SLACK).astype(int).tolist()
    if cols >= plate.x.plate_px and rows >= plate.y.plate_px:
        return None
    along_x, along_y = _areas(placed, (cols, rows), plate.pitch_um)
    for part in placed.parts:
        for region in part.regions:
            box = (Part(solid=region.solid, transform=part.transform).bounds_um()[:, :2] - low[:2]) / pitch
            for area, ends in ((along_x, box[:, 0]), (along_y, box[:, 1])):
                inside = slice(max(int(np.floor(ends[0])), 0), max(int(np.ceil(ends[1])), 0))
                area[inside] += REGION_WEIGHT * area[inside]
    now = low[:2] / pitch
    best = [quietest_px(area, axis, at) for area, axis, at in zip((along_x, along_y), (plate.x, plate.y), now.tolist(), strict=True)]
    if best == [None, None]:
        return None
    x, y = (float(um) if px is None else px * p for px, um, p in zip(best, low[:2], plate.pitch_um, strict=True))
    return x, y


def _areas(placed: Placed, size_px: tuple[int, int], pitch_um: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the area of parts in every pixel along x and along y from their lower corner on, of some planes together."""
    (low, high), wider = placed.bounds_um, -(-max(size_px) // FINEST)
    cols, rows = (-(-n // wider) for n in size_px)
    grid = Grid(
        origin_um=(float(low[0]), float(low[1])),
        pitch_um=(wider * pitch_um[0], wider * pitch_um[1]),
        shape=(rows, cols),
        z_edges_um=np.linspace(low[2], high[2], PLANES + 1) - low[2],
    )
    maker, along_x, along_y = masks_of(placed.parts, grid, "area", "none"), np.zeros(cols), np.zeros(rows)
    for k in range(PLANES):
        mask = maker.mask(k)
        runs, first = mask.runs(), mask.window.row0
        along_x += mask.column_sums_px()
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(runs.length.astype(np.int64) * runs.value)])[runs.row_start]
        along_y[first : first + len(ends) - 1] += np.diff(ends) / FULL
    return np.repeat(along_x, wider)[: size_px[0]], np.repeat(along_y, wider)[: size_px[1]]
