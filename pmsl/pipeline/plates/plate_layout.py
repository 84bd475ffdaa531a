"""How parts are laid out on one field or several: once, as copies, or packed. What does not go together is refused at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmsl.errors import UsageError
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import Placed
from pmsl.mesh.solid import Solid
from pmsl.pipeline.plates.plate_copies import numbered, pack, place_copies, place_for
from pmsl.profiles import Printer, Resin

if TYPE_CHECKING:
    from pmsl.mesh.placing.copies import Copy, PackedCopy


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateLayout:
    """What was asked for.

    Attributes
    ----------
    placement : dict
        Options of `pmsl.place`.
    copies : (int, int), list of Copy, list of PackedCopy, int or None
        An array, places, doses and labels of what is packed, how often each part is packed; None for once.
    spacing_um : (float, float) or None
        Between the boxes of an array.
    clearance_um : float or None
        Least distance of packed parts; None where they are not packed.
    plates : int or None
        Fields that packed parts may fill; their jobs are numbered. None: one, which is not.

    Raises
    ------
    UsageError
        What does not go together.
    """

    placement: dict[str, Any] = field(default_factory=dict)
    copies: tuple[int, int] | list[Copy] | list[PackedCopy] | int | None = None
    spacing_um: tuple[float, float] | None = None
    clearance_um: float | None = None
    plates: int | None = None

    def __post_init__(self) -> None:
        packed, kept = self.clearance_um is not None, bool(self.placement.get("keep_place"))
        asked = {"--copies": self.copies is not None, "--pack": packed}
        for option, there in asked.items():
            if there and kept:
                raise UsageError(f"{option} and --keep-place exclude each other: copies and packed parts are moved")
        if packed and self.placement.get("at_um") is not None:
            raise UsageError("--pack and --at exclude each other: packed parts are placed by themselves")
        if packed and isinstance(self.copies, tuple):
            raise UsageError("--pack: --copies is how often each part is packed, like 12, or a list of doses and labels; arrays place them")
        if not packed and isinstance(self.copies, int):
            raise UsageError(f"--copies {self.copies}: an array is like {self.copies}x1; or add --pack CLEARANCE_UM")
        if not packed and self.plates is not None:
            raise UsageError("--plates: several fields are filled by --pack CLEARANCE_UM; add it")
        if self.spacing_um is not None and not isinstance(self.copies, tuple):
            raise UsageError("--spacing-um: is for an array of copies, like --copies 4x3")

    def placed(self, solids: Sequence[Solid | Part], printer: Printer, resin: Resin) -> list[Placed]:
        """Place the parts: one for each field that is filled.

        Raises
        ------
        UsageError, MeshError
            As `pmsl.place`, `pmsl.place_copies` and `pmsl.pack`.
        """
        if self.copies is None and self.clearance_um is None:
            return [place_for(solids, printer, resin, **self.placement)]
        moved = {name: value for name, value in self.placement.items() if name != "keep_place"}
        if self.clearance_um is not None:
            moved.pop("at_um", None)
            many: Any = 1 if self.copies is None else self.copies
            return pack(solids, printer, resin, self.clearance_um, plates=self.plates or 1, copies=many, **moved)
        places: Any = self.copies
        return [place_copies(solids, printer, resin, places, spacing_um=self.spacing_um, **moved)]

    def names(self, path: Path, plates: int) -> list[Path]:
        """Return the name of the job of each field: that of the job, numbered where several were allowed."""
        if self.plates is None:
            return [path]
        return [numbered(path, n + 1) for n in range(plates)]
