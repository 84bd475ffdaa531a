"""Parts in the field of a printer: as one group, as copies, packed on plates; `pmsl.mesh` places them by numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import Placed, place
from pmsl.mesh.solid import Solid
from pmsl.profiles import Printer, Resin

if TYPE_CHECKING:
    from pmsl.mesh.placing.copies import Copy, PackedCopy


def place_for(
    solids: Sequence[Solid | Part],
    printer: Printer,
    resin: Resin,
    *,
    at_um: tuple[float, float] | None = None,
    rotate_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    keep_place: bool = False,
) -> Placed:
    """Place meshes in the field of a printer, as one group that keeps its relative positions, scaled for the resin's shrinkage.

    Parameters
    ----------
    solids : sequence of Solid or Part
        A part that stands nowhere yet gives its dose scale, its regions and its label.
    printer : Printer
        Whose field, pixels and travel they are placed in.
    resin : Resin
        Parts are made larger by 1 / (1 - shrinkage) along x, y, z of the printer.
    at_um : (float, float), optional
        Where the lower corner of the group's box goes, exact [µm]; the field's corner is (0, 0). Left out: centred, then moved so that
        the lower corner lies on a pixel corner.
    rotate_deg : (float, float, float), default (0, 0, 0)
        About the fixed x, y and z axes in that order, after `scale` [°].
    scale : (float, float, float), default (1, 1, 1)
        Factors along x, y, z of the file.
    keep_place : bool, default False
        Coordinates as in the file; nothing is moved.

    Returns
    -------
    Placed
        The parts, their box (2, 3) [µm], and how they were moved: what `pmsl.prepare` takes.

    Raises
    ------
    UsageError
        A scale that is not above 0, `at_um` together with `keep_place`, or a part that stands somewhere already.
    MeshError
        The group does not fit the field or the travel, or (with `keep_place`) lies below the plate or outside the field.
    """
    return place(
        solids,
        *_usable_field(printer),
        at_um=at_um,
        rotate_deg=rotate_deg,
        scale=scale,
        shrinkage=resin.resin.shrinkage.value,
        keep_place=keep_place,
    )


def place_copies(
    solids: Sequence[Solid | Part],
    printer: Printer,
    resin: Resin,
    copies: tuple[int, int] | Sequence[Copy],
    *,
    spacing_um: tuple[float, float] | None = None,
    at_um: tuple[float, float] | None = None,
    rotate_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Placed:
    """Place copies of a group of solids in the field of a printer, scaled for the resin's shrinkage.

    Parameters
    ----------
    solids : sequence of Solid or Part
        The group; it keeps its relative positions in each copy.
    printer : Printer
        Whose field, pixels and travel they are placed in.
    resin : Resin
        Whose shrinkage is made up for.
    copies : (int, int), or sequence of Copy
        An array of so many along x and y, in rows along x from the lowest y up; or where each one goes.
    spacing_um : (float, float), optional
        Of an array: the gap between the boxes of neighbours along x and y [µm]. Left out: 10 pixels.
    at_um : (float, float), optional
        Of an array: where the lower corner of all of it goes [µm]. Left out: centred, the lower corner on a pixel corner.
    rotate_deg : (float, float, float), default (0, 0, 0)
        About the fixed x, y and z axes in that order, after `scale` [°].
    scale : (float, float, float), default (1, 1, 1)
        Factors along x, y, z of the file.

    Returns
    -------
    Placed
        Parts share their solids. Without a label of their own they are called as their mesh and numbered from 1.

    Raises
    ------
    UsageError
        Fewer than one copy, a spacing below 0, a label given twice; a spacing, or `at_um`, beside a list of places.
    MeshError
        A copy outside of the field, or an array that does not fit.
    """
    from pmsl.mesh.placing.copies import place_copies as place_by_numbers  # few jobs have copies

    return place_by_numbers(
        solids,
        *_usable_field(printer),
        copies,
        spacing_um=spacing_um,
        at_um=at_um,
        rotate_deg=rotate_deg,
        scale=scale,
        shrinkage=resin.resin.shrinkage.value,
    )


def pack(
    solids: Sequence[Solid | Part],
    printer: Printer,
    resin: Resin,
    clearance_um: float,
    *,
    plates: int = 1,
    copies: int | Sequence[PackedCopy] = 1,
    rotate_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> list[Placed]:
    """Place solids side by side in as few fields of a printer as are found; what does not fit goes to the next plate.

    Parameters
    ----------
    solids : sequence of Solid or Part
        Each is placed by itself; every one is turned alike, and never to fit.
    printer : Printer
        Whose field, pixels and travel they are placed in.
    resin : Resin
        Whose shrinkage is made up for.
    clearance_um : float
        Least distance of the boxes of two parts along x or y [µm], 0 or more. There is none to the edge of the field.
    plates : int, default 1
        Fields that may be filled.
    copies : int, or sequence of PackedCopy, default 1
        How often each solid is wanted; or a dose scale and a label for each time all of them are.
    rotate_deg : (float, float, float), default (0, 0, 0)
        About the fixed x, y and z axes in that order, after `scale` [°].
    scale : (float, float, float), default (1, 1, 1)
        Factors along x, y, z of the file.

    Returns
    -------
    list of Placed
        As many as are needed. Lower corners lie on pixel corners, so that copies have the same grays; each plate is centred.

    Raises
    ------
    UsageError
        A clearance below 0, no plate, no copy; rectpack is not installed.
    MeshError
        A part that does not fit the field by itself, or parts that do not fit all plates.
    """
    from pmsl.mesh.placing.packing import pack as pack_by_numbers  # few jobs are packed

    return pack_by_numbers(
        solids,
        *_usable_field(printer),
        clearance_um,
        plates=plates,
        copies=copies,
        rotate_deg=rotate_deg,
        scale=scale,
        shrinkage=resin.resin.shrinkage.value,
    )


def numbered(path: Path, number: int) -> Path:
    """Return the name of a plate: a number before the suffix, ``part.zip`` → ``part-1.zip``."""
    suffix = path.suffix if re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{0,7}", path.suffix) else ""
    return path.with_name(f"{path.name.removesuffix(suffix)}-{number}{suffix}")


def _usable_field(printer: Printer) -> tuple[np.ndarray, np.ndarray, float]:
    """Return field, pitch [µm] and travel [µm]."""
    pitch = np.array(printer.optics.pitch_um.value)
    rows, cols = printer.field_px
    return pitch * (cols, rows), pitch, printer.stage.travel_um.value
