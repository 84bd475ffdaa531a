"""Triangles → the voxels (pixel × slab) they touch, with what exact volume coverage needs, band of rows by band of rows.

`area` one dimension up. A triangle is cut to its slab, then row by row (`polygon_clip`). What lies in one row is a convex
polygon, a fan of triangles. A planar piece inside one voxel adds its area projected along x (signed, on the yz plane) to
the `cover` of everything to its right and the first moment of that projection, the volume between the piece and the
voxel's right side, to its own voxel's `area`. Columns need no cutting: the projected area of a triangle is spread over x
as a roof with its corners' x as feet and ridge, whose integrals over a column are in closed form.
Walking a row to the right, ``sum(cover of voxels behind) + area`` is the winding-weighted volume fraction (`cells_to_runs`).
The same pieces give the surface inside each column (`surface_sums`).

Coordinates: x and y in pixels of the window, z in slabs (0..1 inside the slab at hand).
Tried and rejected: cutting polygons at every column (1.5..2 times slower); storing cut polygons in a pool until their
row comes (memory bound on many small triangles).
"""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel, routine
from pmsl.kernels.geometry import polygon_clip, polygon_integrals
from pmsl.kernels.mesh import surface_sums
from pmsl.kernels.mesh.surface_moments import NOTHING
from pmsl.kernels.raster.cell_bits import AREA, COVER, ONE, lowest, touch

SHIFT = 4
BAND = 1 << SHIFT  # rows at a time: their cells stay in the second cache
MANY = 2**30  # more than two shells


@routine
def _mark(p, first, last, row, cols, label, owner, others, bits):
    """Note the shell in every voxel the polygon's box reaches: the first in `owner`, the second in `others`, MANY for more."""
    low = high = p[first, 0]
    for i in range(first + 1, last):
        low, high = min(low, p[i, 0]), max(high, p[i, 0])
    c = np.int64(min(max(low, 0.0), float(cols)))
    while c < cols and (c < high or c == low):
        if owner[row, c] < 0:
            owner[row, c] = label
        elif owner[row, c] != label and others[row, c] != label:
            others[row, c] = label if others[row, c] < 0 else MANY
        touch(bits, row, c)
        c += 1


@helper
def _add(p, size, row0, row1, side, is_flat, label, cols, walk, out, cells, bits, owner, others, sides, flat):
    """Add the rows [row0, row1) of a polygon; a flat one bounds no volume."""
    low = high = p[0, 1]
    at = 0
    for i in range(1, size):
        y = p[i, 1]
        if y < low:
            low, at = y, i
        high = max(high, y)
    if high <= row0 or low >= row1:
        return
    polygon_clip.start(p, size, low, at, float(row0), walk, out)
    for r in range(np.int64(max(low, float(row0))), row1):
        whole = high <= r + 1
        if whole:
            polygon_clip.finish(p, size, walk, out)
        else:
            polygon_clip.up_to(p, size, r + 1.0, walk, out)
        first, last = walk[polygon_clip.FIRST], walk[polygon_clip.LAST]
        if not is_flat:
            polygon_integrals.add(out, first, last, r - row0, cols, cells, bits)
        if label >= 0:
            _mark(out, first, last, r - row0, cols, label, owner, others, bits)
        if side >= 0 and is_flat:
            surface_sums.add_flat(out, first, last, side, r - row0, cols, flat, bits)
        elif side >= 0:
            surface_sums.add(out, first, last, side, r - row0, cols, sides, bits)
        if whole:
            return
        polygon_clip.onward(walk, out)


@routine
def _sort(corners, picked, n, rows, bands, band_begin, order, live):
    """Order the picked triangles by the first band of rows they reach; leave out those beside the window."""
    for b in range(bands + 2):
        band_begin[b] = 0
    for m in range(n):
        t = corners[picked[m]]
        low, high = min(t[1], min(t[4], t[7])), max(t[1], max(t[4], t[7]))
        live[m] = np.int64(max(low, 0.0)) >> SHIFT if high > 0.0 and low < rows else -1
        if live[m] >= 0:
            band_begin[live[m] + 2] += 1
    for b in range(bands):
        band_begin[b + 2] += band_begin[b + 1]
    for m in range(n):
        if live[m] >= 0:
            order[band_begin[live[m] + 1]] = picked[m]
            band_begin[live[m] + 1] += 1


@helper
def _nothing(sums, side, flat, b, c):
    """Tell whether a voxel was touched by edges only that two flat triangles share."""
    none = sums[COVER] == 0.0 and sums[AREA] == 0.0
    for k in range(4):
        none &= side[k] == 0.0 and flat[k, b, c, COVER] == 0.0 and flat[k, b, c, AREA] == 0.0
    return none


@helper
def _goes_on(first, pixels, down, down_z, up, up_z, col, sums, mixed, heights, length, at):
    """Write the entry of pixels between touched voxels over which flat faces go on."""
    col[at], length[at] = first, pixels
    sums[at, COVER], sums[at, AREA] = 0.0, 0.0
    if mixed.size:
        mixed[at] = 0
    heights[at, 0], heights[at, 1], heights[at, 2], heights[at, 3] = down, down_z, up, up_z


class VolumeSweepArrays(NamedTuple):
    """The arguments of `cells` by name, in its order: shapes and kinds stand there."""

    corners: np.ndarray
    picked: np.ndarray
    n: int
    slab: np.ndarray
    rows: int
    cols: int
    labels: np.ndarray
    sided: bool
    plate: float
    band_begin: np.ndarray
    order: np.ndarray
    live: np.ndarray
    walk: np.ndarray
    scratch: np.ndarray
    board: np.ndarray
    bits: np.ndarray
    owner: np.ndarray
    others: np.ndarray
    sides: np.ndarray
    flat: np.ndarray
    row_start: np.ndarray
    col: np.ndarray
    sums: np.ndarray
    mixed: np.ndarray
    heights: np.ndarray
    length: np.ndarray
    beyond: np.ndarray


@kernel
def cells(
    corners, picked, n, slab, rows, cols, labels, sided, plate, band_begin, order, live, walk, scratch, board, bits, owner, others, sides,
    flat, row_start, col, sums, mixed, heights, length, beyond,
):  # fmt: skip
    """Find the voxels that the triangles of one slab touch.

    Parameters
    ----------
    corners : (M, 9) float64 [px, px, z]
        Triangles, counter-clockwise seen from outside.
    picked : (P,) int32; n : int
        Which of them touch the slab, and how many.
    slab : (2,) float64
        Its lower and upper edge.
    rows, cols : int
        Size of the window.
    labels : (M,) int32, or (0,)
        Shell of each triangle, to count shells in a voxel.
    sided : bool
        Also find the surface in each column.
    plate : float
        Of this surface, what faces down and is nowhere higher is left out.
    band_begin : (bands + 2,) int64; order, live : (P,) int32; walk : (4,) int64; scratch : (3, 18, 3) float64
        Scratch; a band is `BAND` rows.
    board : (BAND, cols + 1, 2) float64, all 0; bits : (BAND, cols // 64 + 1) uint64, all 0
        Scratch, handed back as it came: `cover` and `area`, and a bit for each touched voxel.
    owner, others : (BAND, cols) int32, all -1; sides : (BAND, cols, 4), flat : (4, BAND, cols + 1, 2) float64, all 0
        Scratch, handed back as it came; the first two may be empty without labels, the others if not `sided`.
    row_start : (rows + 1,) int64
        Overwritten: first entry of each row, and one past the last.
    col : (N,) int32; sums : (N, 2) float64
        Overwritten: an entry for each touched voxel: its column, its cover and its area.
    mixed : (N,) uint8, or (0,)
        Overwritten where there are labels: whether a second shell touches the voxel (1), or more (2).
    heights : (N, 4) float64, or (0, 4); length : (N,) int32, or (0,)
        Overwritten if `sided`: share of the pixel and moment of z of the down-facing surface, then of the up-facing; how many pixels
        from the voxel on have it: where flat faces go on between touched voxels, that is one entry more (`sums` 0).
    beyond : (rows,) float64
        Overwritten: cover right of the window.

    Returns
    -------
    int
        Number of entries. Where it exceeds N those beyond N were not written: call again with more room.
    """
    z_low, scale = slab[0], slab[1] - slab[0]
    bands = (rows + BAND - 1) >> SHIFT
    _sort(corners, picked, n, rows, bands, band_begin, order, live)
    out, triangle, cut = scratch[0], scratch[1], scratch[2]
    count = 0
    n_live = 0
    for band in range(bands):
        row0 = band << SHIFT
        row1 = min(rows, row0 + BAND)
        begin, end = band_begin[band], band_begin[band + 1]
        kept, flats = 0, False
        for j in range(n_live + end - begin):
            m = live[j] if j < n_live else order[begin + j - n_live]
            t = corners[m]
            side, is_flat = surface_sums.faces(t, slab) if sided else -1, t[2] == t[5] and t[5] == t[8]
            if side == 0 and max(t[2], max(t[5], t[8])) <= plate:
                side = -1
            if side < 0 and is_flat and (labels.size == 0 or t[2] == slab[0] or t[2] == slab[1]):
                continue
            if max(t[1], max(t[4], t[7])) > row1:
                live[kept] = m
                kept += 1
            size = polygon_clip.slab(t, z_low, scale, triangle, cut)
            if size >= 3:
                label = labels[m] if labels.size else np.int32(-1)
                flats |= is_flat and side >= 0
                _add(cut, size, row0, row1, side, is_flat, label, cols, walk, out, board, bits, owner, others, sides, flat)
        n_live = kept
        for b in range(row1 - row0):
            row_start[row0 + b] = count
            down, down_z, up, up_z, done = 0.0, 0.0, 0.0, 0.0, 0  # of flat faces that go on; up to which column all is written
            for w in range(bits.shape[1]):
                word = bits[b, w]
                bits[b, w] = np.uint64(0)
                while word:
                    c = (w << 6) + lowest(word)
                    word &= word - ONE
                    if flats:
                        if labels.size == 0 and _nothing(board[b, c], sides[b, c], flat, b, c):
                            continue
                        if c > done and (down > NOTHING or up > NOTHING):
                            if count < col.size:
                                _goes_on(done, c - done, down, down_z, up, up_z, col, sums, mixed, heights, length, count)
                            count += 1
                        done = c + 1
                    if count < col.size:
                        col[count] = c
                        sums[count, COVER] = board[b, c, COVER]
                        sums[count, AREA] = board[b, c, AREA]
                        if labels.size:
                            mixed[count] = 0 if others[b, c] < 0 else 1 if others[b, c] < MANY else 2
                        if sided:
                            length[count] = 1
                            for k in range(4):
                                heights[count, k] = sides[b, c, k]
                            if flats:
                                heights[count, 0] += down + flat[0, b, c, AREA]
                                heights[count, 1] += down_z + flat[1, b, c, AREA]
                                heights[count, 2] += up + flat[2, b, c, AREA]
                                heights[count, 3] += up_z + flat[3, b, c, AREA]
                    board[b, c, COVER] = 0.0
                    board[b, c, AREA] = 0.0
                    if labels.size:
                        owner[b, c] = -1
                        others[b, c] = -1
                    if sided:
                        sides[b, c] = 0.0
                    if flats:
                        down, down_z = down + flat[0, b, c, COVER], down_z + flat[1, b, c, COVER]
                        up, up_z = up + flat[2, b, c, COVER], up_z + flat[3, b, c, COVER]
                        for k in range(4):
                            flat[k, b, c] = 0.0
                    count += 1
            if flats:
                if cols > done and (down > NOTHING or up > NOTHING):
                    if count < col.size:
                        _goes_on(done, cols - done, down, down_z, up, up_z, col, sums, mixed, heights, length, count)
                    count += 1
                for k in range(4):
                    flat[k, b, cols] = 0.0
            beyond[row0 + b] = board[b, cols, COVER]
            board[b, cols, COVER] = 0.0
    row_start[rows] = count
    return count
