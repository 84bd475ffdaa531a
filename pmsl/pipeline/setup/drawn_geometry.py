"""What is drawn: the parts and their offsets as the picture must have them, and whether they lie in the field and above the plate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.grid import Grid
from pmsl.errors import MeshError
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import SLACK_UM
from pmsl.profiles import Printer, Process

if TYPE_CHECKING:
    from pmsl.slicing.offset import ContourOffset


def drawn_parts(parts: tuple[Part, ...], bounds_um: np.ndarray, printer: Printer) -> tuple[tuple[Part, ...], np.ndarray]:
    """Return parts as the picture must have them, and their box there: (2, 3) float64 [µm]; the same where optics do not distort."""
    if printer.field_map is None:
        return parts, bounds_um
    from pmsl.mesh.warp.warped_parts import warped_parts  # few printers state a distortion

    drawn = warped_parts(parts, printer.field_map)
    boxes = np.array([part.bounds_um() for part in drawn])
    return drawn, np.array([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])


def offset_of(process: Process, grid: Grid, printer: Printer | None = None) -> ContourOffset | None:
    """Return what moves the contours of a job's layers, None where they stay; bottom layers are those with a dose factor above 1.

    Parameters
    ----------
    process : Process
    grid : Grid
    printer : Printer, optional
        Whose picture contours are in; left out, they are on the plate.
    """
    ordinary, bottom = process.xy_offsets_um
    if not ordinary and not bottom:
        return None
    from pmsl.slicing.offset import ContourOffset

    factors = np.array(process.bottom_dose_factors[: grid.n_layers])
    distance = np.full(grid.n_layers, ordinary)
    distance[: len(factors)][factors > 1] = bottom
    field_map = None if printer is None else printer.field_map
    if field_map is None:
        return ContourOffset(distance, grid.pitch_um)
    from pmsl.slicing.warp import OffsetOnPlate

    return OffsetOnPlate(distance, grid.pitch_um, field_map)


def check_inside(bounds: np.ndarray, drawn: np.ndarray, grid: Grid, printer: Printer) -> None:
    """Refuse parts that are not where the printer can print them: heights of their box on the plate count, the rest of that `drawn`."""
    low, high, size = drawn[0], drawn[1], grid.size_um
    if (low[:2] < -SLACK_UM).any() or (high[:2] > size + SLACK_UM).any():
        raise MeshError(
            f"parts reach from ({low[0]:.6g}, {low[1]:.6g}) to ({high[0]:.6g}, {high[1]:.6g}) µm{_in_picture(printer)}, the field of "
            f"printer {printer.name} from (0, 0) to ({size[0]:.6g}, {size[1]:.6g}) µm; place them first (pmsl.place)"
        )
    low, high = bounds
    if low[2] < -SLACK_UM:
        raise MeshError(f"parts reach {-low[2]:.6g} µm below the plate (z = 0); place them first (pmsl.place)")
    if high[2] > printer.stage.travel_um.value + SLACK_UM:
        raise MeshError(f"parts reach {high[2]:.6g} µm, printer {printer.name} builds up to {printer.stage.travel_um.value:.6g} µm")


def check_grown(drawn: np.ndarray, grid: Grid, reach_um: float, why: str, printer: Printer) -> None:
    """Refuse parts that are drawn beyond the field.

    Parameters
    ----------
    drawn : (2, 3) float64
        Their box in the picture [µm].
    grid : Grid
    reach_um : float
        How far beyond it there is light [µm].
    why : str
        The key that says so.
    printer : Printer
    """
    reach = max(reach_um, 0.0)
    low, high, size = drawn[0, :2] - reach, drawn[1, :2] + reach, grid.size_um
    if (low < -SLACK_UM).any() or (high > size + SLACK_UM).any():
        raise MeshError(
            f"parts that grow by {reach:g} µm ({why}) reach from ({low[0]:.6g}, {low[1]:.6g}) to ({high[0]:.6g}, {high[1]:.6g}) "
            f"µm{_in_picture(printer)}, the field of printer {printer.name} from (0, 0) to ({size[0]:.6g}, {size[1]:.6g}) µm; place them "
            "further inside"
        )


def _in_picture(printer: Printer) -> str:
    return "" if printer.field_map is None else " of the picture that makes up for the optics' distortion"
