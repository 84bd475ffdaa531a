"""Distortion → FieldMap, looked at all over the field before anybody uses it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from pmsl.profiles.distortion.distortion_table import Distortion
from pmsl.profiles.distortion.elementary_maps import ElementaryMap, KeystoneMap, LinearMap, RadialMap
from pmsl.profiles.distortion.field_map import FieldMap
from pmsl.profiles.distortion.marks_fit import fitted_marks

LOOKED_AT = 65  # places along each axis at which a map is checked
BEND_STEP_PX = 4.0  # between places whose second differences say how much lines bend
SAFETY = 1.25  # on the largest bend found at these places
STRAIGHT_PX = 1e-10  # a bend that is rounding noise [1/px]
MOST_SCALE = 2.0  # of areas: what shrinks or grows more is a slip of units
MOST_KNOWN = 8
_known: dict[tuple[bytes, tuple[float, float], tuple[float, float]], FieldMap] = {}


def known_map(distortion: Distortion, size_um: tuple[float, float], pitch_um: tuple[float, float]) -> FieldMap:
    """Return `field_map` of these; those asked for last are known already."""
    key = msgspec.json.encode(distortion), size_um, pitch_um
    found = _known.get(key)
    if found is None:
        found = field_map(distortion, size_um, pitch_um)
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[key] = found
    return found


def field_map(distortion: Distortion, size_um: tuple[float, float], pitch_um: tuple[float, float]) -> FieldMap:
    """Make the map of a distortion, and look at it all over the field.

    Parameters
    ----------
    distortion : Distortion
    size_um : (float, float)
        Width and height of the field.
    pitch_um : (float, float)

    Raises
    ------
    ValueError
        It folds, or makes areas more than twice as large or less than half; marks outside of the field, on too little of it, or on a
        curve; with the value and the limit.
    """
    maps, residual_um = _maps(distortion, size_um)
    made = FieldMap(size_um, pitch_um, maps, residual_um=residual_um)
    _check_scale(made, _lattice(np.zeros(2), np.array(size_um)), MOST_SCALE)
    if all(isinstance(each, LinearMap) for each in maps):
        return made
    rim = made.followed(_rim(np.array(size_um)))
    margin = made.margin_px * np.array(pitch_um)
    low, high = rim.min(axis=0) - margin, rim.max(axis=0) + margin
    settled = made.settled(_lattice(low, high))
    _check_scale(settled, settled.followed_back(_lattice(low, high)), np.inf, f", within {made.margin_px:g} px of its edge")
    bend_px = _bend_px(settled, low, high)
    return settled if bend_px == 0.0 else replace(settled, low_um=low, high_um=high, bend_px=bend_px)


def _maps(distortion: Distortion, size_um: tuple[float, float]) -> tuple[tuple[ElementaryMap, ...], float | None]:
    """Return the maps of a distortion in their order, and what is left of marks."""
    d = distortion
    if d.marks is not None:
        fitted, residual_um = fitted_marks(np.array(d.marks.value, np.float64), d.degree, size_um)
        return (fitted,), residual_um
    maps: list[ElementaryMap] = []
    if d.radial is not None:
        maps.append(RadialMap(*d.radial.value, center=(0.0, 0.0) if d.center is None else d.center.value))
    if d.scale is not None or d.skew is not None:
        along_x, along_y = (1.0, 1.0) if d.scale is None else d.scale.value
        maps.append(LinearMap(along_x, along_y, 0.0 if d.skew is None else d.skew.value))
    if d.keystone is not None:
        maps.append(KeystoneMap(d.keystone.value, size_um[1] / size_um[0]))
    return tuple(maps), None


def _lattice(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return places all over a box, its edges included: (n, 2)."""
    x, y = (np.linspace(low[axis], high[axis], LOOKED_AT) for axis in (0, 1))
    return np.column_stack([np.tile(x, LOOKED_AT), np.repeat(y, LOOKED_AT)])


def _rim(size_um: np.ndarray) -> np.ndarray:
    places = _lattice(np.zeros(2), size_um)
    return np.asarray(places[((places == 0) | (places == size_um)).any(axis=1)])


def _check_scale(found: FieldMap, picture_um: np.ndarray, most: float, where: str = "") -> None:
    """Refuse a map that folds at some places of the picture, is no map there, or makes areas `most` times as large or as small."""
    with np.errstate(all="ignore"):
        scale = found.area_scale(picture_um)
    worst = int(np.argmin(np.where(np.isfinite(scale), scale, np.inf)))
    if scale[worst] > 0 and not np.isfinite(scale).all():
        worst = int(np.argmin(np.isfinite(scale)))
    x, y = picture_um[worst].tolist()
    if not 0 < scale[worst] < np.inf:
        value = f"a local scale of {scale[worst]:.3g}" if np.isfinite(scale[worst]) else "no local scale"
        raise ValueError(f"the map folds: it has {value} at ({x:.6g}, {y:.6g}) µm of the picture{where}; it must be above 0: lower it")
    for i in (worst, int(np.argmax(scale))):
        if not 1 / most <= scale[i] <= most:
            x, y = picture_um[i].tolist()
            raise ValueError(
                f"areas become {scale[i]:.3g} times as large at ({x:.6g}, {y:.6g}) µm of the picture; limit {1 / most:g} to {most:g}: "
                "are the units right?"
            )


def _bend_px(found: FieldMap, low: np.ndarray, high: np.ndarray) -> float:
    """Bound the second derivatives of the way back inside a box, by second differences at places all over it."""
    pitch = np.array(found.pitch_um)
    step = BEND_STEP_PX * pitch
    at = _lattice(low + step, high - step)

    def back(i: int, j: int) -> np.ndarray:
        return np.asarray(found.followed_back(at + np.array([i, j]) * step) / pitch)

    middle = back(0, 0)
    xx, yy = back(1, 0) - 2 * middle + back(-1, 0), back(0, 1) - 2 * middle + back(0, -1)
    xy = 0.25 * (back(1, 1) - back(1, -1) - back(-1, 1) + back(-1, -1))
    squares = (xx * xx).sum(axis=1) + 2 * (xy * xy).sum(axis=1) + (yy * yy).sum(axis=1)
    bend = SAFETY * float(np.sqrt(squares.max())) / BEND_STEP_PX**2
    return 0.0 if bend < STRAIGHT_PX else bend
