"""Where voids below roofs meet the outside, by design and in the print; what is left in there where they do not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pmsl.predict.measure.design_layers import ON_PLATE_UM

ROW, COL, FLOOR, ROOF, OPEN, LOOSE, SHARE, SHARE_OPEN, SHARE_LOOSE = range(9)  # of a void, see `FaceMatcher.finish`
WHOLE = 0.95  # of a pixel is void and outside: no wall is in it
BOTH = 1.55  # of two pixels side by side: less than half a pixel of wall is between
BESIDE = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))


class Outside(NamedTuple):
    """The outside above the columns of a window.

    Attributes
    ----------
    rim, shut_um : (R, C) float32
        Share of a pixel that is solid down to the height from which on nothing below it is outside, and that height; see
        ``pmsl.kernels.compare.face_matching.faces``.
    plugged : (R, C) bool
        Columns in which a void that is open to the light is filled at some height.
    """

    rim: np.ndarray
    shut_um: np.ndarray
    plugged: np.ndarray


class Ports(NamedTuple):
    """How a void meets the outside.

    Attributes
    ----------
    places : int
        Places at which it does, without the plate.
    on_plate : bool
        Whether it is open toward the plate.
    trapped_um3 : float
        Volume that stays liquid in the print and has no way out, the plate taken off.
    """

    places: int
    on_plate: bool
    trapped_um3: float


def ports_of(voids: np.ndarray, outside: Outside, pixel_um2: float) -> Ports:
    """Look where the columns of one void meet the outside.

    Parameters
    ----------
    voids : (V, 9) float64
        Of `FaceMatcher.finish`, all that hang together.
    outside : Outside
    pixel_um2 : float

    Notes
    -----
    Known to a pixel: void and outside meet where less than half a pixel of wall is between them. In the print a way is closed where a
    column of the void is, or where the outside beside it is filled at some height above.
    """
    meets, free = _contacts(voids, outside)
    plate = voids[:, FLOOR] <= ON_PLATE_UM
    liquid = (voids[:, OPEN] > 0) & (voids[:, SHARE_OPEN] > 0)
    trapped = 0.0
    if liquid.any():
        inside = voids[liquid]
        label = labels(inside, inside[:, FLOOR] + inside[:, OPEN])
        reached = np.zeros(label.max() + 1, bool)
        reached[label[(free | plate)[liquid]]] = True
        volume = inside[:, OPEN] * inside[:, SHARE_OPEN] * pixel_um2
        trapped = float(volume[~reached[label]].sum())
    return Ports(_count(voids, meets, outside), bool(plate.any()), trapped)


def labels(voids: np.ndarray, roof_um: np.ndarray) -> np.ndarray:
    """Number what hangs together of voids, in any order, each open up to `roof_um`: (V,) int64."""
    from pmsl.kernels.runs import connected_components

    width = int(voids[:, COL].max()) + 2
    column = (voids[:, ROW] * width + voids[:, COL]).astype(np.int64)
    order = np.lexsort((voids[:, FLOOR], column))
    parent, label, out = np.zeros((3, len(column)), np.int64)
    connected_components.voids(column[order], voids[order, FLOOR], roof_um[order], width, parent, label)
    out[order] = label
    return out


def _contacts(voids: np.ndarray, outside: Outside) -> tuple[np.ndarray, np.ndarray]:
    """Tell which columns of a void meet the outside, and which of them do in the print."""
    rows, cols = voids[:, (ROW, COL)].T.astype(int)
    height, width = outside.rim.shape
    meets, free = np.zeros((2, len(voids)), bool)
    for down, across in BESIDE:
        r, c = rows + down, cols + across
        within = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        at = np.clip(r, 0, height - 1), np.clip(c, 0, width - 1)
        free_share = np.where(within, 1.0 - outside.rim[at], 1.0)
        above = ~within | (outside.shut_um[at] < voids[:, ROOF] - ON_PLATE_UM)
        own = down == across == 0
        enough = voids[:, SHARE] + free_share >= (WHOLE if own else BOTH)
        here = above & enough & (free_share > 1.0 - WHOLE)
        meets |= here
        free |= here & ~(outside.plugged[at] & within)
    return meets, free


def _count(voids: np.ndarray, meets: np.ndarray, outside: Outside) -> int:
    """Count the ports: places that hang together; those on one well are one."""
    if not meets.any():
        return 0
    from scipy import ndimage

    rows, cols = voids[:, (ROW, COL)].T.astype(int)
    corner = np.array([rows.min(), cols.min()]) - 3
    shape = (np.array([rows.max(), cols.max()]) + 4 - corner).tolist()
    touching = np.zeros(shape, bool)
    touching[rows[meets] - corner[0], cols[meets] - corner[1]] = True
    place, n = ndimage.label(touching, np.ones((3, 3)))
    low = voids[meets, ROOF].min()
    begin = np.maximum(corner, 0)
    end = np.minimum(corner + shape, outside.rim.shape)
    free = np.ones(shape, bool)
    here = tuple(slice(a, b) for a, b in zip((begin - corner).tolist(), (end - corner).tolist(), strict=True))
    there = tuple(slice(a, b) for a, b in zip(begin.tolist(), end.tolist(), strict=True))
    free[here] = outside.shut_um[there] < low - ON_PLATE_UM
    well, _ = ndimage.label(free)
    border = np.unique(np.concatenate([well[0], well[-1], well[:, 0], well[:, -1]]))
    seen: set[tuple[int, int]] = set()
    for i in range(1, n + 1):
        around = ndimage.binary_dilation(place == i, np.ones((3, 3)))
        wells = [w for w in np.unique(well[around]).tolist() if w]
        seen.update({(0, w) for w in wells if w not in border} or {(i, 0)})
    return len(seen)


def state_of(ports: Ports, blocked: bool, flush_blocked: bool) -> str:
    """Return one word for what a channel is, the worst that holds."""
    if ports.places == 0:
        return "sealed by the plate" if ports.on_plate else "sealed"
    if blocked:
        return "blocked"
    if ports.trapped_um3 > 0:
        return "sealed in print"
    if flush_blocked:
        return "does not flush"
    return "dead end" if ports.places < 2 and not ports.on_plate else "open"
