"""Columns from the light side down: horizontal faces of the design matched with those printed, voids below roofs.

A face that looks down opens a *record* in its column: where its printed counterpart lies, how much of the void below is cured. The next
face that looks up, or the plate, closes it. A face that looks up waits: for the next printed layer where nothing is printed at it, and
for the rest of it, where it slopes on into the slab below in the same column.
"""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.compare.compare_voxels import BOTTOM, CURED, GELLED, LOOSE, OPEN, ROOF, SEEN, SHARE, WEIGHT
from pmsl.kernels.compare.histogram import put
from pmsl.kernels.compare.void_records import DOWN_LOST, FREE, UP_LOST, UP_MERGED, WAITING, close_record
from pmsl.kernels.mesh.surface_moments import NOTHING, mean_height

TINY = 1e-6  # of a slab
FACE_ROW, FACE_COL, HEIGHT, AREA, COUNTED, TOP, LOWEST, ORDER = 0, 1, 2, 3, 4, 5, 6, 7  # fields of a waiting face
WAITS = 8
SLIVER = 1e-3  # of a pixel: faces of less are rounding of upright walls
SHUT = 0.6  # of a pixel: so much of it faces the light, and what lies below is not outside
FULL = 1.0 - NOTHING  # of a pixel: no other face adds to this one


@helper
def _open(r, c, roof, share, weight, z_low, z_top, here, half, above, slot, opened, free, counts, records, low, top, tallies):
    """Open the record of a roof; find where it is printed.

    A slope that goes on from the slab above in the same column is one face: its parts count together, at their mean height.
    """
    height = z_top - z_low
    if slot[r, c] >= 0:
        rec = records[slot[r, c]]
        if rec[ROOF] - roof < 2.0 * height and rec[SHARE] + share <= 1.0 + SLIVER:
            roof = (rec[SHARE] * rec[ROOF] + share * roof) / (rec[SHARE] + share)
            share += rec[SHARE]
            weight = share if weight > 0.0 and rec[WEIGHT] > 0.0 else 0.0
    cured = min(max(here, 0.0), 1.0) * height
    if cured > 0.0:
        bottom = z_low if here >= 1.0 else z_top - cured
    elif above >= 1.0:
        bottom = z_top
    elif low[r, c] < top[r, c]:
        bottom = low[r, c]
    else:  # nothing of the solid above it is printed
        tallies[DOWN_LOST] += weight
        bottom, weight = roof, 0.0
    if slot[r, c] < 0:
        counts[FREE] -= 1
        slot[r, c] = free[counts[FREE]]
        opened[r] += 1
    rec = records[slot[r, c]]
    rec[ROOF], rec[BOTTOM], rec[WEIGHT] = roof, bottom, weight
    rec[CURED] = roof - bottom
    rec[GELLED] = min(max(half, 0.0), 1.0) * height - (z_top - roof)
    rec[SHARE], rec[OPEN], rec[LOOSE], rec[SEEN] = min(share, 1.0), 0.0, 0.0, 0.0


@helper
def _land(face, here, above, z_top, height):
    """Look for the printed top of a face in one slab: what is cured there hangs from its upper plane and must reach the face."""
    cured = min(max(here, 0.0), 1.0) * height
    face[TOP], face[LOWEST] = np.nan, -np.inf if here >= 1.0 else z_top - cured
    if cured > 0.0 and (z_top <= face[HEIGHT] or face[LOWEST] <= face[HEIGHT] + TINY * height):
        face[TOP] = np.inf if above >= 1.0 else z_top


@helper
def _count_face(face, up, up_used, step, tallies):
    """Count a face that looks up, of which all is known."""
    if face[COUNTED] > 0.0:
        if np.isnan(face[TOP]):
            tallies[UP_LOST] += face[COUNTED]
        elif np.isinf(face[TOP]):
            tallies[UP_MERGED] += face[COUNTED]
        else:
            put(up, up_used, face[TOP] - face[HEIGHT], face[COUNTED], step)


@helper
def _floor(r, c, floor, share, weight, order, z_top, height, here, above, waits, roofed, waiting, counts, up, up_used, step, tallies):
    """Note a face that looks up: its top is printed, merged with what is printed above, or looked for in the next slabs.

    A slope that goes on from the slab above in the same column is one face: its parts count together, at their mean height.
    """
    n = waits[r, c]
    if n >= 0:
        face = waiting[n]
        last = np.int64(face[ORDER])
        if last >> 1 == (order >> 1) + 1 and roofed[r, c] >= last and face[AREA] + share <= 1.0 + SLIVER:
            face[HEIGHT] = (face[AREA] * face[HEIGHT] + share * floor) / (face[AREA] + share)
            face[AREA] += share
            face[COUNTED] = face[AREA] if weight > 0.0 and face[COUNTED] > 0.0 else 0.0
            face[ORDER] = order
            if face[TOP] > face[HEIGHT] and face[LOWEST] > face[HEIGHT] + TINY * height:  # the whole lies lower than the part did
                _land(face, here, 0.0, z_top, height)
            return
    n = counts[WAITING]
    face = waiting[n]
    face[FACE_ROW], face[FACE_COL], face[HEIGHT], face[AREA], face[COUNTED], face[ORDER] = r, c, floor, share, weight, order
    _land(face, here, above, z_top, height)
    if share > FULL and not np.isnan(face[TOP]):  # all is known: the next one has its place
        _count_face(face, up, up_used, step, tallies)
        waits[r, c] = -1
        return
    waits[r, c] = n
    counts[WAITING] += 1


@kernel
def settle(front, held, k, z_top, height, waits, roofed, waiting, counts, up, up_used, step, tallies):
    """Find the tops of waiting faces whose column is cured in this slab, and count those that are whole.

    Parameters
    ----------
    front : (R, C) float32; held : (R,) int32
        See `pmsl.kernels.compare.row_dedup`.
    k : int
        Number of the slab. Below all (-1) the faces that are left are counted: those without a top are lost.
    z_top, height : float
        Its upper plane and thickness.
    waits : (R, C) int32
        The face last found in a column, or -1; changed.
    roofed : (R, C) int32
        When the last roof was found in it, as `ORDER` below.
    waiting : (W, 8) float64
        Row, column, height, share of the pixel, of it what counts, printed top (not a number where there is none so far, infinite where
        merged), how far down it is printed there (-infinite: through the slab), when the last part was found: twice the slab, and 1 where
        that was the higher one of its two faces; closed up in place.
    counts : (3,) int64
    up : (B,) float64; up_used : (2,) int64; step : float
        Histogram of errors, its first and last bin that are used, and their width; added into.
    tallies : (4,) float64
    """
    kept = 0
    for i in range(counts[WAITING]):
        face = waiting[i]
        r, c, order = np.int64(face[FACE_ROW]), np.int64(face[FACE_COL]), np.int64(face[ORDER])
        goes_on, here = k >= 0 and roofed[r, c] >= order, front[held[r], c]
        if goes_on and np.isnan(face[TOP]) and here > 0.0:
            face[TOP], face[LOWEST] = z_top, -np.inf if here >= 1.0 else z_top - here * height
        last = waits[r, c] == i
        if goes_on and (np.isnan(face[TOP]) or order >> 1 == k + 1):
            for j in range(WAITS):
                waiting[kept, j] = face[j]
            if last:
                waits[r, c] = kept
            kept += 1
        else:
            _count_face(face, up, up_used, step, tallies)
            if last:
                waits[r, c] = -1
    counts[WAITING] = kept


class FaceMatchingArrays(NamedTuple):
    """The arguments of `faces` by name, in its order: shapes and kinds stand there."""

    start: np.ndarray
    col: np.ndarray
    length: np.ndarray
    sums: np.ndarray
    low_um: float
    high_um: float
    row0: int
    col0: int
    k: int
    plate: float
    z_low: float
    z_top: float
    front: np.ndarray
    half: np.ndarray
    held: np.ndarray
    shift: float
    above: np.ndarray
    held_above: np.ndarray
    wall: np.ndarray
    slot: np.ndarray
    opened: np.ndarray
    free: np.ndarray
    counts: np.ndarray
    records: np.ndarray
    low: np.ndarray
    top: np.ndarray
    rim: np.ndarray
    shut: np.ndarray
    waits: np.ndarray
    roofed: np.ndarray
    waiting: np.ndarray
    down: np.ndarray
    down_used: np.ndarray
    up: np.ndarray
    up_used: np.ndarray
    step: float
    tallies: np.ndarray
    done: np.ndarray


@kernel
def faces(
    start, col, length, sums, low_um, high_um, row0, col0, k, plate, z_low, z_top, front, half, held, shift, above, held_above, wall,
    slot, opened, free, counts, records, low, top, rim, shut, waits, roofed, waiting, down, down_used, up, up_used, step, tallies, done,
):  # fmt: skip
    """Match the faces of one slab, column by column; `compare` has gone over the slab before.

    Parameters
    ----------
    start, col, length, sums, low_um, high_um
        The surface of the slab, as ``masks.SurfaceSums`` has it, in pixels of the grid.
    row0, col0 : int
        First pixel of the window.
    k : int
        Number of the slab.
    plate, z_low, z_top : float
        Height up to which faces that look down lie on the plate, and the slab.
    front, half, above : (R, C) float32; held, held_above : (R,) int32
        Front of this slab, for half the threshold (or (0, 0): ``front + shift``), of the slab above; see `pmsl.kernels.compare.row_dedup`.
    shift : float
    wall : (R, C) int32
        Lowest slab so far with a wall within a pixel; the slab below this one included.
    slot, opened, free, counts, records, low, top, waits, roofed, waiting
        Records, how many in a row, and waiting faces, see `settle`; changed. `top`: the last face that looked up.
    rim, shut : (R, C) float32
        Share of a pixel in which faces look up to the light, as long as that is less than `SHUT`, and the height at which it is more, or
        -infinity; changed.
    down, up : (B,) float64; down_used, up_used : (2,) int64; step : float
        Histograms of errors, as of `settle`.
    tallies : (4,) float64
        Added into.
    done : (D, 9) float64
        Appended to: row, column, floor, roof, open height, open height that flushes, and the void's share of the pixel: designed, open,
        flushing.
    """
    height = z_top - z_low
    slack = TINY * height
    for row in range(start.size - 1):
        r = row - row0
        for i in range(start[row], start[row + 1]):
            down_share, up_share = sums[i, 0], sums[i, 2]
            if not (down_share > SLIVER or up_share > SLIVER):
                continue
            down_um = mean_height(sums, i, 0, low_um, high_um) if down_share > SLIVER else plate
            has_down, has_up = down_um > plate, up_share > SLIVER
            up_um = mean_height(sums, i, 2, low_um, high_um) if has_up else plate
            first = has_down and has_up and down_um > up_um - slack  # bodies that touch: nothing is between them
            for c in range(col[i] - col0, col[i] - col0 + length[i]):
                near = wall[r, c] <= k + 1
                here, over = front[held[r], c], above[held_above[r], c]
                half_here = half[held[r], c] if half.size else here + shift
                for turn in range(2):
                    if has_down and first == (turn == 0):
                        roofed[r, c] = 2 * k + (turn == 0)
                        _open(
                            r, c, down_um, down_share, 0.0 if near else down_share, z_low, z_top, here, half_here, over,
                            slot, opened, free, counts, records, low, top, tallies,
                        )  # fmt: skip
                    if has_up and first == (turn == 1):
                        top[r, c] = up_um
                        if shut[r, c] == -np.inf:  # what lies below a roof is not outside
                            seen = up_share if slot[r, c] < 0 else max(up_share - records[slot[r, c], SHARE], 0.0)
                            if rim[r, c] + seen >= SHUT:
                                shut[r, c] = up_um
                            else:
                                rim[r, c] += seen
                        if slot[r, c] >= 0:
                            rec = records[slot[r, c]]
                            if up_um < z_top - slack:  # the slab was counted whole; below the floor it is no void
                                depth = z_top - up_um
                                rec[CURED] -= max(min(max(here, 0.0), 1.0) * height - depth, 0.0)
                                rec[GELLED] -= max(min(max(half_here, 0.0), 1.0) * height - depth, 0.0)
                            close_record(r, c, up_um, slack, slot, opened, free, counts, records, down, down_used, step, tallies, done)
                        order, weight = 2 * k + (turn == 0), 0.0 if near else up_share
                        _floor(
                            r, c, up_um, up_share, weight, order, z_top, height, here, over,
                            waits, roofed, waiting, counts, up, up_used, step, tallies,
                        )  # fmt: skip
