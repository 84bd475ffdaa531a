"""Places in the field of one light engine ↔ in that of the printer's first, where parts are put and findings are said."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import SLACK_UM
from pmsl.mesh.region import RegionRecord
from pmsl.profiles import Printer

Point = tuple[float, float, float]


def check_field(parts: Sequence[Part], printer: Printer, name: str) -> None:
    """Refuse parts that are not in the field of their engine.

    Parameters
    ----------
    parts : sequence of Part
        In the field of the first engine.
    printer : Printer
    name : str
        Of the engine.

    Raises
    ------
    MeshError
        With places in the field of the first engine.
    """
    corner, view = np.array(printer.engine_origin_um(name)), printer.of_engine(name)
    far = corner + np.array(view.optics.pitch_um.value) * view.field_px[::-1]
    for part in parts:
        low, high = part.bounds_um()[:, :2]
        if (low < corner - SLACK_UM).any() or (high > far + SLACK_UM).any():
            raise MeshError(
                f"engine {name}: part {part.label} reaches from ({low[0]:.6g}, {low[1]:.6g}) to ({high[0]:.6g}, {high[1]:.6g}) µm, "
                f"the field of the engine from ({corner[0]:.6g}, {corner[1]:.6g}) to ({far[0]:.6g}, {far[1]:.6g}) µm in that of the "
                "first one; move it there (--at, or coordinates of its own and --keep-place)"
            )


def part_moved(part: Part, x_um: float, y_um: float) -> Part:
    """Return a part moved in the plane [µm]."""
    if x_um == y_um == 0.0:
        return part
    shift = np.eye(4)
    shift[:2, 3] = x_um, y_um
    return dataclasses.replace(part, transform=shift @ part.transform)


def finding_of_engine(finding: Finding, name: str, origin_um: tuple[float, float]) -> Finding:
    """Return a finding of an engine's own job as one of a job of several: it names the engine, and its place is on the plate.

    Parameters
    ----------
    finding : Finding
    name : str
        Of the engine.
    origin_um : (float, float)
        Where its field begins in that of the first.
    """
    box = finding.box_um
    if box is not None:
        box = _point_moved(box[0], origin_um), _point_moved(box[1], origin_um)
    return msgspec.structs.replace(finding, message=f"engine {name}: {finding.message}", box_um=box)


def region_of_engine(region: RegionRecord, first: int, origin_um: tuple[float, float]) -> RegionRecord:
    """Return what an engine's own job says of a region as a job of several does.

    Parameters
    ----------
    region : RegionRecord
    first : int
        Number that the engine's first part has there.
    origin_um : (float, float)
        Where its field begins in that of the first.
    """
    low, high = region.bounds_um
    bounds_um = _point_moved(low, origin_um), _point_moved(high, origin_um)
    return msgspec.structs.replace(region, parts=tuple(i + first for i in region.parts), bounds_um=bounds_um)


def _point_moved(point: Sequence[float], by_um: tuple[float, float]) -> Point:
    x, y, z = point
    return x + by_um[0], y + by_um[1], z
