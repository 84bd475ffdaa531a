"""Copies and plates for a printer: `pmsl.mesh.copies` and `pmsl.mesh.packing` with its field, pitch and travel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pmsl.core.part import Part, Solid
from pmsl.mesh import copies as mesh_copies
from pmsl.mesh import packing
from pmsl.mesh.copies import Copy
from pmsl.mesh.place import Placed
from pmsl.profiles import Printer, Resin


def place_copies(
    solids: Sequence[Solid | Part], printer: Printer, resin: Resin, copies: tuple[int, int] | Sequence[Copy], **options: Any
) -> Placed:
    """Place copies of a group of solids in the field of a printer, scaled for the resin's shrinkage.

    `copies` is an array (columns, rows), or a list of `Copy`; `options` as `pmsl.mesh.copies.place_copies`.
    """
    return mesh_copies.place_copies(solids, *_room(printer), copies, shrinkage=resin.resin.shrinkage.value, **options)


def pack(solids: Sequence[Solid | Part], printer: Printer, resin: Resin, clearance_um: float, **options: Any) -> list[Placed]:
    """Place solids side by side in as few fields of a printer as are found, at most `plates`; `options` as `pmsl.mesh.packing.pack`."""
    return packing.pack(solids, *_room(printer), clearance_um, shrinkage=resin.resin.shrinkage.value, **options)


def numbered(path: Path, number: int) -> Path:
    """Return the name of a plate: a number before the suffix, ``part.zip`` → ``part-1.zip``."""
    suffix = path.suffix if re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{0,7}", path.suffix) else ""
    return path.with_name(f"{path.name.removesuffix(suffix)}-{number}{suffix}")


def _room(printer: Printer) -> tuple[np.ndarray, np.ndarray, float]:
    """Return field, pitch [µm] and travel [µm]."""
    pitch = np.array(printer.optics.pitch_um.value)
    rows, cols = printer.field_px
    return pitch * (cols, rows), pitch, printer.stage.travel_um.value
