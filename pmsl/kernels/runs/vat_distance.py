"""How far along liquid voxels are from the vat: Dijkstra's algorithm with a bucket for every whole distance.

A voxel is liquid, or liquid under a skin (solid at its exposure plane, liquid in the middle of its slab), or solid. Ways lead from middle
to middle of 26 neighbours, none through a skin or past a solid edge or corner. The vat is above the last layer, and wherever a column of
voxels is outside.
"""

from pmsl.kernels._compiler.jit import helper, kernel

LIQUID, SKIN, SOLID = 0, 1, 2
FAR = 65535  # no way, or none that counts
NONE = -1


@kernel
def outside(shadow, queue, out):
    """Find the pixels that the border of a map reaches over pixels without shadow, by sides.

    Parameters
    ----------
    shadow : (R, C) uint8
        1 where something solid is in the column.
    queue : (R * C,) int32
        Scratch.
    out : (R, C) uint8
        Overwritten: 1 outside.
    """
    rows, cols = shadow.shape
    n = 0
    for r in range(rows):
        for c in range(cols):
            border = r == 0 or c == 0 or r == rows - 1 or c == cols - 1
            out[r, c] = 0
            if border and shadow[r, c] == 0:
                out[r, c] = 1
                queue[n] = r * cols + c
                n += 1
    at = 0
    while at < n:
        r, c = queue[at] // cols, queue[at] % cols
        at += 1
        for side in range(4):
            y, x = r + (side == 0) - (side == 1), c + (side == 2) - (side == 3)
            if 0 <= y < rows and 0 <= x < cols and out[y, x] == 0 and shadow[y, x] == 0:
                out[y, x] = 1
                queue[n] = y * cols + x
                n += 1


@helper
def _put(at, way, distance, head, place, after, free, used):
    """Put a voxel into the bucket of a shorter way; return the next free entry and how many were used, -1 where there is no room."""
    if free >= 0:
        entry, free = free, after[free]
    elif used < place.size:
        entry = used
        used += 1
    else:
        return free, NONE
    distance[at] = way
    place[entry] = at
    bucket = way % head.size
    after[entry] = head[bucket]
    head[bucket] = entry
    return free, used


@kernel
def from_vat(state, outside_of, wanted, begin, count, top, side, lateral, upward, furthest, distance, head, place, after):
    """Find the distances of voxels from the vat, until all that are wanted are known.

    Parameters
    ----------
    state : (V,) uint8
        Of the voxels of all layers so far, from the plate up, row after row.
    outside_of : (R, C) uint8
        Columns that are vat.
    wanted : (V - begin,) uint8
        Of the voxels from `begin` on: 1 where the distance is asked for; overwritten.
    begin : int
    count : int
        How many of them there are.
    top, side : int
        From the middle of a voxel of the last layer to its exposure plane; to the side of a pixel.
    lateral : (3,) int64
        To the next column, row and over a corner.
    upward : (n, 4) int64
        From each layer to the next: straight, and with the three of `lateral`.
    furthest : int
        Longer ways do not count; below `FAR`.
    distance : (V,) uint16
        Overwritten; `FAR` where it is not known.
    head : (B,) int64
        Scratch, more than the longest step.
    place, after : (M,) int64
        Scratch.

    Returns
    -------
    int
        -1 where M is too small.
    """
    rows, cols = outside_of.shape
    plane = rows * cols
    n = state.size // plane
    free, used, reached = NONE, 0, count
    distance[:] = FAR
    head[:] = NONE
    for r in range(rows):
        for c in range(cols):
            if outside_of[r, c] != 0:
                continue
            rim = r == 0 or c == 0 or r == rows - 1 or c == cols - 1
            if not rim:
                rim = outside_of[r - 1, c] + outside_of[r + 1, c] + outside_of[r, c - 1] + outside_of[r, c + 1] > 0
            for k in range(0 if rim else n - 1, n):
                at = k * plane + r * cols + c
                way = side if rim else FAR
                if k == n - 1 and state[at] == LIQUID:
                    way = min(way, top)
                if state[at] != SOLID and way <= furthest:
                    free, used = _put(at, way, distance, head, place, after, free, used)
                    if used < 0:
                        return NONE
    here, empty = 0, 0
    while empty < head.size and here <= furthest and reached > 0:
        bucket = here % head.size
        entry = head[bucket]
        if entry < 0:
            here += 1
            empty += 1
            continue
        empty = 0
        head[bucket] = after[entry]
        at = place[entry]
        after[entry] = free
        free = entry
        if distance[at] != here or state[at] == SOLID:
            continue
        if at >= begin and wanted[at - begin] == 1:
            wanted[at - begin] = 0
            reached -= 1
        k, r, c = at // plane, at % plane // cols, at % cols
        for dz in range(-1, 2):
            if not 0 <= k + dz < n or (dz == 1 and state[at] == SKIN):
                continue
            for dy in range(-1, 2):
                if not 0 <= r + dy < rows:
                    continue
                for dx in range(-1, 2):
                    if not 0 <= c + dx < cols or outside_of[r + dy, c + dx] != 0:
                        continue
                    there = at + dz * plane + dy * cols + dx
                    if state[there] == SOLID or (dz == -1 and state[there] == SKIN):
                        continue
                    if state[at + dz * plane] == SOLID or state[at + dy * cols] == SOLID or state[at + dx] == SOLID:
                        continue
                    flat = (1 if dx != 0 else 0) + (2 if dy != 0 else 0)
                    if dz == 0:
                        if flat == 0:
                            continue
                        way = here + lateral[flat - 1]
                    else:
                        way = here + upward[k if dz == 1 else k - 1, flat]
                    if way < distance[there] and way <= furthest:
                        free, used = _put(there, way, distance, head, place, after, free, used)
                        if used < 0:
                            return NONE
    return 0
