"""Solids → Parts at their place in the field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np

from pmsl.core.arrays import frozen
from pmsl.errors import MeshError, UsageError
from pmsl.mesh.part import IDENTITY, Part, as_part
from pmsl.mesh.solid import Solid

SLACK_UM = 1e-3  # a nanometre: what numbers in a file are not meant to say


class Placed(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Parts at their place, the box they fill (2, 3) [µm], and how they got there."""

    parts: tuple[Part, ...]
    bounds_um: np.ndarray
    how: str
    shift_um: tuple[float, float, float] | None


def place(
    solids: Sequence[Solid | Part],
    field_um: np.ndarray,
    pitch_um: np.ndarray,
    travel_um: float,
    *,
    at_um: tuple[float, float] | None = None,
    rotate_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
    shrinkage: tuple[float, float, float] = (0.0, 0.0, 0.0),
    keep_place: bool = False,
) -> Placed:
    """Place all solids as one group that keeps its relative positions.

    Parameters
    ----------
    solids : sequence of Solid or Part
        A part that stands nowhere yet gives its dose scale, its regions and its label.
    field_um : (2,) float
        Width and height of the field [µm]; its corner is (0, 0).
    pitch_um : (2,) float
        Pixel size [µm].
    travel_um : float
        Height of the tallest part [µm].
    at_um : (float, float), optional
        Where the lower corner of the group's box goes, exact [µm]. Left out: centred, then moved so that the lower
        corner lies on a pixel corner.
    rotate_deg : (float, float, float)
        About the fixed x, y and z axes in that order, after `scale`.
    scale : (float, float, float)
        Factors along x, y, z of the file.
    shrinkage : (float, float, float)
        Fraction the resin loses along x, y, z of the printer; made up for by 1 / (1 - shrinkage).
    keep_place : bool
        Coordinates as in the file; nothing is moved.

    Returns
    -------
    Placed

    Raises
    ------
    UsageError
        A scale that is not above 0, `at_um` together with `keep_place`, or a part that stands somewhere already.
    MeshError
        The group does not fit the field or the travel, or (with `keep_place`) lies below the plate or outside the field.
    """
    if keep_place and at_um is not None:
        raise UsageError("--at and --keep-place exclude each other: either coordinates stay or the group moves")
    turn = turning(rotate_deg, scale, shrinkage)
    turned = [part_at(s, affine(turn, np.zeros(3))) for s in solids]
    bounds = box_of_all(turned)
    size = bounds[1] - bounds[0]
    check_size(size, field_um, travel_um)
    if keep_place:
        _check_kept(bounds, field_um, travel_um)
        return Placed(parts=tuple(turned), bounds_um=bounds, how="as in the file", shift_um=None)
    centred = 0.5 * (field_um - size[:2])
    corner = np.floor(centred / pitch_um + 0.5) * pitch_um if at_um is None else np.array(at_um, np.float64)
    corner = np.minimum(corner, np.maximum(field_um - size[:2], 0.0)) if at_um is None else corner
    if at_um is not None:
        check_inside(corner, corner + size[:2], field_um, f"--at {at_um[0]:g},{at_um[1]:g}")
    move = np.array([*corner, 0.0]) - bounds[0]
    parts = tuple(part_at(s, affine(turn, move)) for s in solids)
    shift = corner - centred
    return Placed(
        parts=parts,
        bounds_um=np.array([[*corner, 0.0], [*(corner + size[:2]), size[2]]]),
        how="centred, lower corner on a pixel corner" if at_um is None else "lower corner at the given point",
        shift_um=(float(shift[0]), float(shift[1]), 0.0) if at_um is None else None,
    )


def part_at(item: Solid | Part, transform: np.ndarray, label: str | None = None, dose_scale: float = 1.0) -> Part:
    """Return a solid, or a part that stands nowhere yet, at a place; its own dose scale times another.

    Raises
    ------
    UsageError
        The part has a transform of its own.
    """
    part = as_part(item)
    if not np.array_equal(part.transform, IDENTITY):
        raise UsageError(f"part {part.label}: it has a place already; give place, place_copies and pack parts without a transform")
    return replace(part, transform=transform, label=name_of(item) if label is None else label, dose_scale=part.dose_scale * dose_scale)


def name_of(item: Solid | Part) -> str:
    """Return the label of a part, the source of its solid where it has none."""
    return item.source if isinstance(item, Solid) else item.label or item.solid.source


def turning(
    rotate_deg: tuple[float, float, float],
    scale: tuple[float, float, float],
    shrinkage: tuple[float, float, float],
    then_deg: float = 0.0,
) -> np.ndarray:
    """Scale, then rotate about fixed x, y, z, then about z again, then make up for shrinkage: a 3 × 3 matrix."""
    if not all(np.isfinite(scale)) or min(scale) <= 0:
        raise UsageError(f"scale is {scale}; every factor must be above 0")
    matrix = np.diag(np.array(scale, np.float64))
    for axis, degrees in [*enumerate(rotate_deg), (2, then_deg)]:
        cos, sin = _cos_sin(degrees)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        rotation = np.eye(3)
        rotation[i, i] = rotation[j, j] = cos
        rotation[i, j], rotation[j, i] = -sin, sin
        # by component, no BLAS: the same bits on every machine
        matrix = rotation[:, :1] * matrix[0] + rotation[:, 1:2] * matrix[1] + rotation[:, 2:] * matrix[2]
    return matrix / (1.0 - np.array(shrinkage, np.float64))[:, None]


def _cos_sin(degrees: float) -> tuple[float, float]:
    """Cosine and sine, exact at quarter turns so that a turned box stays a box."""
    if not np.isfinite(degrees):
        raise UsageError(f"rotation is {degrees}; expected degrees")
    quarters, rest = divmod(degrees, 90.0)
    # rounded below what mathematical libraries agree on, so that every machine gets the same bits
    cos, sin = (round(f(math.radians(rest)) * 2.0**48) / 2.0**48 for f in (math.cos, math.sin))
    for _ in range(int(quarters) % 4):
        cos, sin = -sin, cos
    return cos, sin


def affine(matrix: np.ndarray, move: np.ndarray) -> np.ndarray:
    """Return the 4 × 4 transform that turns, then moves."""
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = matrix, move
    return frozen(out + 0.0)  # + 0.0: no negative zeros in job.json


def box_of_all(parts: Sequence[Part]) -> np.ndarray:
    """Return the box of all parts: (2, 3) float64 [µm]."""
    boxes = np.array([part.bounds_um() for part in parts])
    return np.array([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])


def in_mm(a: np.ndarray) -> str:
    """Write lengths in µm as mm."""
    return " × ".join(f"{v / 1000:.6g}" for v in a)


def check_size(size: np.ndarray, field_um: np.ndarray, travel_um: float, name: str = "the part") -> None:
    """Refuse what is larger than the field or higher than the travel."""
    if (size[:2] > field_um + SLACK_UM).any():
        raise MeshError(
            f"{name} is {in_mm(size[:2])} mm (x × y), the field {in_mm(field_um)} mm; check --unit (and --field, in pixels, "
            "--pitch-um, in µm, where they are given), turn it with --rotate, or choose a printer with a larger field"
        )
    if size[2] > travel_um + SLACK_UM:
        raise MeshError(
            f"{name} is {size[2] / 1000:.6g} mm high, the printer builds up to {travel_um / 1000:.6g} mm; "
            "check --unit (and travel_um of the printer, in µm) or turn it with --rotate"
        )


def check_inside(low: np.ndarray, high: np.ndarray, field_um: np.ndarray, what: str) -> None:
    """Refuse what reaches out of the field."""
    if (low < -SLACK_UM).any() or (high > field_um + SLACK_UM).any():
        raise MeshError(
            f"{what}: the part reaches from ({in_mm(low[:2]).replace(' × ', ', ')}) to ({in_mm(high[:2]).replace(' × ', ', ')}) mm, "
            f"the field from (0, 0) to ({in_mm(field_um).replace(' × ', ', ')}) mm; move it inside"
        )


def _check_kept(bounds: np.ndarray, field_um: np.ndarray, travel_um: float) -> None:
    check_inside(bounds[0, :2], bounds[1, :2], field_um, "--keep-place")
    if bounds[0, 2] < -SLACK_UM:
        raise MeshError(
            f"--keep-place: the part reaches {-bounds[0, 2]:.6g} µm below the plate (z = 0); move it up or leave --keep-place out"
        )
    if bounds[1, 2] > travel_um + SLACK_UM:
        raise MeshError(f"--keep-place: the part reaches {bounds[1, 2] / 1000:.6g} mm, the printer builds up to {travel_um / 1000:.6g} mm")
