"""Different parts side by side on one field, or on several plates (extra ``pack``: rectpack)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.errors import MeshError, UsageError
from pmsl.mesh.part import Part
from pmsl.mesh.placing.copies import MOST, Labels, PackedCopy
from pmsl.mesh.placing.placement import SLACK_UM, Placed, affine, box_of_all, check_size, name_of, part_at, turning
from pmsl.mesh.solid import Solid

FEW = 200  # rectangles that are packed the slow, tight way
Spot = tuple[int, int, int, int]  # plate, column and row of the lower corner [px], number of the part


def pack(
    solids: Sequence[Solid | Part],
    field_um: np.ndarray,
    pitch_um: np.ndarray,
    travel_um: float,
    clearance_um: float,
    *,
    plates: int = 1,
    copies: int | Sequence[PackedCopy] = 1,
    rotate_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    shrinkage: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> list[Placed]:
    """Place each solid by itself, none nearer to another than the clearance; what does not fit goes to the next plate.

    Parameters
    ----------
    solids : sequence of Solid or Part
    field_um, pitch_um, travel_um, rotate_deg, scale, shrinkage
        As `pmsl.mesh.placing.placement.place`; every solid is turned alike, and never to fit.
    clearance_um : float
        Least distance of the boxes of two parts along x or y. There is none to the edge of the field.
    plates : int
        Fields that may be filled.
    copies : int, or sequence of PackedCopy
        How often each solid is wanted; or a dose scale and a label for each time all of them are.

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
    each = [PackedCopy()] * copies if isinstance(copies, int) else list(copies)
    _check_arguments(clearance_um, plates, len(each), len(solids))
    turn = turning(rotate_deg, scale, shrinkage)
    still = np.zeros(3)
    boxes = [box_of_all([part_at(s, affine(turn, still))]) for s in solids]
    for solid, box in zip(solids, boxes, strict=True):
        check_size(box[1] - box[0], field_um, travel_um, name_of(solid))
    room = np.floor((field_um + clearance_um + SLACK_UM) / pitch_um).astype(int)
    sizes = [np.ceil((box[1, :2] - box[0, :2] + clearance_um - SLACK_UM) / pitch_um).astype(int) for box in boxes]
    sizes = [np.minimum(size, room) for size in sizes]  # as wide as the field: nothing beside it, wherever pixels end
    wanted = sizes * len(each)
    spots = _packed(wanted, room)
    needed = max(plate for plate, *_ in spots) + 1
    if needed > plates:
        late = sum(plate >= plates for plate, *_ in spots)
        raise MeshError(
            f"{late} of {len(spots)} parts do not fit on {plates} plate{'s' if plates > 1 else ''} with {clearance_um:g} µm between them; "
            f"all fit on {needed}: allow as many with --plates, or less clearance"
        )
    names = _names([name_of(s) for s in solids], each)
    out = []
    for plate in range(needed):
        mine = [spot for spot in spots if spot[0] == plate]
        low = _centred(mine, wanted, clearance_um, field_um, pitch_um)
        parts = []
        for _, col, row, number in sorted(mine, key=lambda spot: spot[3]):
            solid, box = solids[number % len(solids)], boxes[number % len(solids)]
            move = np.array([*((np.array([col, row]) + low) * pitch_um), 0.0]) - box[0]
            parts.append(part_at(solid, affine(turn, move), names[number], each[number // len(solids)].dose_scale))
        on = f"plate {plate + 1} of {needed}, " if needed > 1 else ""
        count = f"{len(parts)} part{'s' * (len(parts) > 1)}"
        how = f"{on}{count} packed, {clearance_um:g} µm or more between their boxes, lower corners on pixel corners"
        out.append(Placed(parts=tuple(parts), bounds_um=box_of_all(parts), how=how, shift_um=None))
    return out


def _names(meshes: Sequence[str], copies: Sequence[PackedCopy]) -> list[str]:
    """Return a name for every part: as copies say; of those that say none that of the mesh, numbered where there are several."""
    labels, several = Labels(), len(meshes) > 1
    given = {i: [labels.of(c.label, mesh, several) for mesh in meshes] for i, c in enumerate(copies) if c.label is not None}
    if not given and len(copies) == 1 and len(set(meshes)) == len(meshes):
        return list(meshes)
    return [name for i in range(len(copies)) for name in given.get(i) or [labels.next(mesh) for mesh in meshes]]


def _check_arguments(clearance_um: float, plates: int, copies: int, solids: int) -> None:
    if not (np.isfinite(clearance_um) and clearance_um >= 0):
        raise UsageError(f"--pack {clearance_um:g}: the clearance is a number of µm, 0 or more")
    for name, value in (("--plates", plates), ("--copies", copies)):
        if value < 1:
            raise UsageError(f"{name} {value}: at least 1")
    if solids == 0:
        raise MeshError("no part to pack; give at least one mesh")
    if solids * copies > MOST:
        raise UsageError(f"{solids * copies} parts to pack: at most {MOST}")


def _packed(sizes: Sequence[np.ndarray], room: np.ndarray) -> list[Spot]:
    """Pack rectangles (width, height) [px] into as few rooms as are found; each of them fits one."""
    try:
        import rectpack
    except ImportError:
        raise UsageError("--pack needs rectpack: pip install 'pmsl[pack]'; or place copies with --copies") from None
    way: Any = rectpack.MaxRectsBssf if len(sizes) <= FEW else rectpack.SkylineBlWm
    packer = rectpack.newPacker(
        mode=rectpack.PackingMode.Offline, bin_algo=rectpack.PackingBin.BFF, pack_algo=way, sort_algo=rectpack.SORT_AREA, rotation=False
    )
    for number, (width, height) in enumerate(sizes):
        packer.add_rect(int(width), int(height), rid=number)
    packer.add_bin(int(room[0]), int(room[1]), count=len(sizes))
    packer.pack()
    spots = sorted((b, x, y, number) for b, x, y, _, _, number in packer.rect_list())
    assert len(spots) == len(sizes)
    return spots


def _centred(
    spots: Sequence[Spot], sizes: Sequence[np.ndarray], clearance_um: float, field_um: np.ndarray, pitch_um: np.ndarray
) -> np.ndarray:
    """Return how many pixels the parts of a plate move to stand in the middle: (2,) int64."""
    end = np.max([np.array([col, row]) + sizes[number] for _, col, row, number in spots], axis=0)
    left = (field_um + clearance_um) / pitch_um - end
    return np.asarray(np.maximum(np.floor(left / 2 + SLACK_UM), 0).astype(int))
