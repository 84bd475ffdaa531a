"""One group of solids, many times on the field: an array, or a list of places. The solids are shared; only their transforms differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.errors import MeshError, UsageError
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import (
    SLACK_UM,
    Placed,
    affine,
    box_of_all,
    check_inside,
    check_size,
    in_mm,
    name_of,
    part_at,
    place,
    turning,
)
from pmsl.mesh.solid import Solid
from pmsl.profiles.tables.strict_struct import Strict

MOST = 20_000  # copies: every one is an entry of job.json
GAP_PX = 10  # between the boxes of an array, where nothing is said


class Copy(Strict, frozen=True, kw_only=True):
    """Where one copy goes.

    Attributes
    ----------
    x_um, y_um : float
        Lower corner of its box on the field, exact [µm].
    rotate_deg : float
        About z, after the rotation of the group.
    dose_scale : float
        Factor on its dose.
    label : str or None
        Its name in the job; left out, that of the mesh and a number.
    """

    x_um: float
    y_um: float
    rotate_deg: float = 0.0
    dose_scale: float = 1.0
    label: str | None = None


class PackedCopy(Strict, frozen=True, kw_only=True):
    """One copy that is placed by packing.

    Attributes
    ----------
    dose_scale : float
        Factor on its dose.
    label : str or None
        Its name in the job; left out, that of the mesh and a number.
    """

    dose_scale: float = 1.0
    label: str | None = None


def place_copies(
    solids: Sequence[Solid | Part],
    field_um: np.ndarray,
    pitch_um: np.ndarray,
    travel_um: float,
    copies: tuple[int, int] | Sequence[Copy],
    *,
    spacing_um: tuple[float, float] | None = None,
    at_um: tuple[float, float] | None = None,
    rotate_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    shrinkage: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Placed:
    """Place copies of a group of solids, which keeps its relative positions in each.

    Parameters
    ----------
    solids : sequence of Solid or Part
    field_um, pitch_um, travel_um, at_um, rotate_deg, scale, shrinkage
        As `place`; of an array the group is all of it.
    copies : (int, int), or sequence of Copy
        An array of so many along x and y, in rows along x from the lowest y up; or where each one goes.
    spacing_um : (float, float), optional
        Of an array: the gap between the boxes of neighbours along x and y. Left out: `GAP_PX` pixels.

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
    many = [n for n in copies if isinstance(n, int)]
    if len(many) == len(copies) == 2:
        nx, ny = many
        if nx < 1 or ny < 1:
            raise UsageError(f"copies {nx}x{ny}: at least 1 along x and y")
        _check_many(nx * ny)
        gap = _gap(spacing_um, pitch_um)
        if nx * ny == 1:
            return place(solids, field_um, pitch_um, travel_um, at_um=at_um, rotate_deg=rotate_deg, scale=scale, shrinkage=shrinkage)
        return _array(solids, field_um, pitch_um, travel_um, (nx, ny), gap, at_um, turning(rotate_deg, scale, shrinkage))
    if spacing_um is not None:
        raise UsageError("--spacing-um: is for an array of copies; a list of copies says where each one goes")
    if at_um is not None:
        raise UsageError("--at: a list of copies says where each one goes; leave one of the two out")
    listed = [copy for copy in copies if isinstance(copy, Copy)]
    if len(listed) != len(copies) or not listed:
        raise UsageError("copies: expected (columns, rows), or a list of at least one Copy")
    _check_many(len(listed))
    return _listed(solids, field_um, travel_um, listed, rotate_deg, scale, shrinkage)


def _check_many(many: int) -> None:
    if many > MOST:
        raise UsageError(f"{many} copies: at most {MOST} fit a job")


def _gap(spacing_um: tuple[float, float] | None, pitch_um: np.ndarray) -> np.ndarray:
    """Return the gap between boxes [µm]."""
    if spacing_um is None:
        return GAP_PX * np.asarray(pitch_um, np.float64)
    if not all(np.isfinite(spacing_um)) or min(spacing_um) < 0:
        raise UsageError(f"spacing is {spacing_um} µm; it is the gap between the boxes of neighbours, 0 or more")
    return np.array(spacing_um, np.float64)


def _array(
    solids: Sequence[Solid | Part],
    field_um: np.ndarray,
    pitch_um: np.ndarray,
    travel_um: float,
    many: tuple[int, int],
    gap_um: np.ndarray,
    at_um: tuple[float, float] | None,
    turn: np.ndarray,
) -> Placed:
    """Place an array."""
    bounds = box_of_all([part_at(s, affine(turn, np.zeros(3))) for s in solids])
    size, count = bounds[1] - bounds[0], np.array(many)
    check_size(size, field_um, travel_um)
    whole = count * size[:2] + (count - 1) * gap_um
    if (whole > field_um + SLACK_UM).any():
        fit = np.floor((field_um + gap_um + SLACK_UM) / np.maximum(size[:2] + gap_um, 1e-9)).astype(int)
        raise MeshError(
            f"{many[0]} × {many[1]} copies take {in_mm(whole)} mm, the field has {in_mm(field_um)} mm; with a gap of "
            f"{gap_um[0]:g}, {gap_um[1]:g} µm {fit[0]} × {fit[1]} fit: fewer copies, a smaller gap, or a larger field"
        )
    centred = 0.5 * (field_um - whole)
    corner = np.minimum(np.floor(centred / pitch_um + 0.5) * pitch_um, np.maximum(field_um - whole, 0.0))
    if at_um is not None:
        corner = np.array(at_um, np.float64)
        check_inside(corner, corner + whole, field_um, f"--at {at_um[0]:g},{at_um[1]:g}: {many[0]} × {many[1]} copies")
    parts, labels = list[Part](), Labels()
    for n in range(many[0] * many[1]):
        here = corner + np.array([n % many[0], n // many[0]]) * (size[:2] + gap_um)
        move = np.array([*here, 0.0]) - bounds[0]
        parts += [part_at(s, affine(turn, move), labels.next(name_of(s))) for s in solids]
    shift = corner - centred
    return Placed(
        parts=tuple(parts),
        bounds_um=np.array([[*corner, 0.0], [*(corner + whole), size[2]]]),
        how=f"{many[0]} × {many[1]} copies, {gap_um[0]:g} and {gap_um[1]:g} µm between their boxes, "
        + ("centred, lower corner on a pixel corner" if at_um is None else "lower corner at the given point"),
        shift_um=(float(shift[0]), float(shift[1]), 0.0) if at_um is None else None,
    )


def _listed(
    solids: Sequence[Solid | Part],
    field_um: np.ndarray,
    travel_um: float,
    copies: Sequence[Copy],
    rotate_deg: tuple[float, float, float],
    scale: tuple[float, float, float],
    shrinkage: tuple[float, float, float],
) -> Placed:
    """Place each copy where it says."""
    parts: list[Part] = []
    labels = Labels()
    given = {i: [labels.of(c.label, name_of(s), len(solids) > 1) for s in solids] for i, c in enumerate(copies) if c.label is not None}
    turned: dict[float, tuple[np.ndarray, np.ndarray]] = {}
    for i, copy in enumerate(copies):
        names = given.get(i) or [labels.next(name_of(s)) for s in solids]
        if not all(np.isfinite([copy.x_um, copy.y_um, copy.rotate_deg])):
            raise UsageError(f"copy {names[0]}: x_um {copy.x_um}, y_um {copy.y_um}, rotate_deg {copy.rotate_deg}: expected finite numbers")
        if copy.rotate_deg not in turned:
            turn = turning(rotate_deg, scale, shrinkage, copy.rotate_deg)
            turned[copy.rotate_deg] = turn, box_of_all([part_at(s, affine(turn, np.zeros(3))) for s in solids])
        turn, bounds = turned[copy.rotate_deg]
        size = bounds[1] - bounds[0]
        check_size(size, field_um, travel_um)
        corner = np.array([copy.x_um, copy.y_um])
        check_inside(corner, corner + size[:2], field_um, f"copy {names[0]}")
        move = np.array([*corner, 0.0]) - bounds[0]
        for s, name in zip(solids, names, strict=True):
            parts.append(part_at(s, affine(turn, move), name, copy.dose_scale))
    how = f"{len(copies)} copies where they were told" if len(copies) > 1 else "one copy where it was told"
    return Placed(parts=tuple(parts), bounds_um=box_of_all(parts), how=how, shift_um=None)


class Labels:
    """Names of parts, each only once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._given: set[str] = set()

    def next(self, source: str) -> str:
        """Return the next name of a mesh that nobody has."""
        while True:
            number = self._numbers[source] = self._numbers.get(source, 0) + 1
            if (label := f"{source}-{number}") not in self._given:
                self._given.add(label)
                return label

    def of(self, label: str, source: str, several: bool) -> str:
        """Return the name of a part of a copy that has a label."""
        if not label.strip():
            raise UsageError("copies: a label is empty; name the copy, or leave its label out")
        name = f"{label}/{source}" if several else label
        if name in self._given:
            raise UsageError(f"copies: label {label!r} is given twice; every copy needs a name of its own")
        self._given.add(name)
        return name
