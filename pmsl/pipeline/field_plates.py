"""Parts placed on a plate of several fields, and what a request cannot ask for beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from pmsl.errors import UsageError
from pmsl.fields.on_plate import with_field
from pmsl.fields.tiles import stage_of
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import Placed
from pmsl.mesh.solid import Solid
from pmsl.pipeline.field_planner import layout_of, plate_of
from pmsl.profiles import Printer, Process, Resin

if TYPE_CHECKING:
    from pmsl.pipeline.plates.plate_layout import PlateLayout
    from pmsl.pipeline.slice_request import SliceRequest

WIDEST_PX = 1 << 24


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
    if fields == "auto":
        (widest,) = layout.placed(parts, with_field(printer, (WIDEST_PX, WIDEST_PX)), resin)
        low, high = widest.bounds_um[:, :2]
        stays = layout.placement.get("keep_place") or layout.placement.get("at_um") is not None or isinstance(layout.copies, list)
        size_um = high if stays else high - low
    plate = layout_of(printer, process, fields, size_um.tolist())
    return layout.placed(parts, plate_of(printer, plate), resin), plate.counts
