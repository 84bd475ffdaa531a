"""How far the boundary of an area is from the boundary opposite: walls across the area, gaps across what is not."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel

PARALLEL = -0.94  # cosine of the normals of two sides that face each other: 20° of taper at most
LOOSE = -0.5  # the same in the plane, before the slope of both is looked at


@helper
def cell_of(x, low, cell, many):
    """Which of `many` cells along an axis a coordinate lies in; the outermost hold what lies beyond."""
    return min(max(np.int64((x - low) / cell), 0), many - 1)


@kernel
def enter(segments, x_low, y_low, cell, cols, start, owners):
    """Enter segments into the cells they pass, so that each point of a segment is within a quarter of a cell of one it is entered in.

    Parameters
    ----------
    segments : (S, 4) float64
        x0, y0, x1, y1.
    x_low, y_low : float
        Lower corner of the first cell.
    cell : float
        Side of a cell.
    cols : int
        Cells in a row.
    start : (rows · cols + 1,) int64
        Overwritten: where the entries of each cell begin.
    owners : (E,) int32
        Overwritten: the segments of each cell; E at least S and the sum of twice their lengths in cells, each rounded up.
    """
    rows = (start.size - 1) // cols
    start[:] = 0
    for fill in range(2):
        for i in range(segments.shape[0]):
            x0, y0, x1, y1 = segments[i, 0], segments[i, 1], segments[i, 2], segments[i, 3]
            steps = np.int64(np.ceil(2.0 * np.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2) / cell))
            before = np.int64(-1)
            for step in range(steps + 1):
                t = step / steps if steps else 0.0
                at = cell_of(y0 + t * (y1 - y0), y_low, cell, rows) * cols + cell_of(x0 + t * (x1 - x0), x_low, cell, cols)
                if at == before:
                    continue
                before = at
                if fill:
                    start[at] -= 1
                    owners[start[at]] = i
                else:
                    start[at] += 1
        if not fill:
            for at in range(1, start.size):
                start[at] += start[at - 1]


@helper
def crossing(segments, i, x, y):
    """What a segment adds to the winding number around a point, counted along the ray to +x: 1 upward, -1 downward, 0 beside it."""
    y0, y1 = segments[i, 1], segments[i, 3]
    if (y0 <= y) == (y1 <= y) or segments[i, 0] + (y - y0) / (y1 - y0) * (segments[i, 2] - segments[i, 0]) <= x:
        return 0
    return 1 if y1 > y0 else -1


@helper
def winding(segments, x, y):
    """Winding number around a point."""
    n = 0
    for i in range(segments.shape[0]):
        n += crossing(segments, i, x, y)
    return n


@helper
def winding_in_rows(segments, y_low, height, start, owners, x, y):
    """Winding number around a point, of segments that `unsupported.enter_rows` has entered into rows."""
    n = 0
    r = cell_of(y, y_low, height, start.size - 1)
    for entry in range(start[r], start[r + 1]):
        n += crossing(segments, owners[entry], x, y)
    return n


@helper
def to_segment(segments, i, x, y):
    """Squared distance of a point to a segment."""
    ax, ay = segments[i, 0], segments[i, 1]
    ex, ey = segments[i, 2] - ax, segments[i, 3] - ay
    px, py = x - ax, y - ay
    size = ex * ex + ey * ey
    t = 0.0 if size == 0.0 else min(max((px * ex + py * ey) / size, 0.0), 1.0)
    px -= t * ex
    py -= t * ey
    return px * px + py * py


@kernel
def normals(segments, corners, picked, pitch_x, pitch_y, out):
    """Find the normals of the surface that segments were cut from.

    Parameters
    ----------
    segments : (S, 4) float64
        x0, y0, x1, y1 [µm] with solid on the left.
    corners : (M, 9) float64
        Triangles: x, y [px] and z [µm] of three corners.
    picked : (S,) int32
        The triangle of each segment.
    pitch_x, pitch_y : float
        [µm]
    out : (S, 3) float64
        Overwritten: x and y of the unit normal in the plane, into the solid; z component of the outward unit normal in space.
    """
    for i in range(segments.shape[0]):
        t = picked[i]
        ux, uy, uz = (corners[t, 3] - corners[t, 0]) * pitch_x, (corners[t, 4] - corners[t, 1]) * pitch_y, corners[t, 5] - corners[t, 2]
        vx, vy, vz = (corners[t, 6] - corners[t, 0]) * pitch_x, (corners[t, 7] - corners[t, 1]) * pitch_y, corners[t, 8] - corners[t, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        size = np.sqrt(nx * nx + ny * ny + nz * nz)
        dx, dy = segments[i, 2] - segments[i, 0], segments[i, 3] - segments[i, 1]
        length = np.sqrt(dx * dx + dy * dy)
        out[i, 0], out[i, 1] = (0.0, 0.0) if length == 0.0 else (-dy / length, dx / length)
        outward = -dy * nx + dx * ny <= 0.0
        out[i, 2] = 0.0 if size == 0.0 else (nz if outward else -nz) / size


@helper
def along_ray(segments, j, x, y, nx, ny):
    """How far along a ray a segment crosses it, negative behind its origin; 0 where it does not."""
    ax, ay = segments[j, 0], segments[j, 1]
    ex, ey = segments[j, 2] - ax, segments[j, 3] - ay
    across = nx * ey - ny * ex
    if across == 0.0:
        return 0.0
    u = ((ax - x) * ny - (ay - y) * nx) / across
    if u < -1e-9 or u > 1.0 + 1e-9:
        return 0.0
    return ((ax - x) * ey - (ay - y) * ex) / across


@helper
def is_free(segments, i, x, y, nx, ny, reach, x_low, y_low, cell, cols, start, owners):
    """Whether no boundary lies before the end of a ray of length `reach`."""
    rows = (start.size - 1) // cols
    row, col = cell_of(y, y_low, cell, rows), cell_of(x, x_low, cell, cols)
    for r in range(max(row - 1, 0), min(row + 2, rows)):
        for entry in range(start[r * cols + max(col - 1, 0)], start[r * cols + min(col + 1, cols - 1) + 1]):
            j = owners[entry]
            if j != i:
                s = along_ray(segments, j, x, y, nx, ny)
                if 1e-6 * reach < s < reach * (1.0 - 1e-6):
                    return False
    return True


@kernel
def facing_widths(segments, normal, limits, united, x_low, y_low, cell, cols, start, owners, hits, sides, counts):
    """Find where an area, and what lies between areas, is narrower than a limit between two sides that face each other.

    From places of every segment a ray goes at right angles to the nearest other boundary, both ways. Where the surface there faces back,
    in space, to 20° (a ridge that a plane cuts near its top does not), the circle in the plane that touches both has the width
    d = 2 s c / (1 + c), s the length of the ray, c the cosine between the sides.

    Parameters
    ----------
    segments : (S, 4) float64
        x0, y0, x1, y1 with solid on the left.
    normal : (S, 3) float64
        As `normals` finds them.
    limits : (2,) float64
        Widths below it are found: of walls, of gaps.
    united : bool
        Segments may lie inside other bodies: such ones bound nothing and are left out.
    x_low, y_low, cell, cols, start, owners
        As `enter` left them; cells of at least 1.5 limits.
    hits : (2, S + 1, 3) float64
        Overwritten: width, and the middle (x, y) between both sides; one for a segment, its narrowest place; walls and gaps.
    sides : (2, S + 1, 2) int64
        Overwritten: for each hit the segment, and the one it faces.
    counts : (2,) int64
        Overwritten: how many hits there are.
    """
    counts[:] = 0
    most = max(limits[0], limits[1])
    step = 1e-4 * most
    rows = (start.size - 1) // cols
    for i in range(segments.shape[0]):
        x0, y0 = segments[i, 0], segments[i, 1]
        dx, dy = segments[i, 2] - x0, segments[i, 3] - y0
        nx, ny = normal[i, 0], normal[i, 1]
        length = np.sqrt(dx * dx + dy * dy)
        if length == 0.0:
            continue
        places = 1 if length < 0.5 * most else 3
        inset = min(0.25, 0.5 * most / length)
        for kind in range(2):
            hits[kind, counts[kind], 0] = limits[kind]
        found = np.int64(0)
        for place in range(places):
            t = 0.5 if place == 0 else (inset if place == 1 else 1.0 - inset)
            x, y = x0 + t * dx, y0 + t * dy
            row, col = cell_of(y, y_low, cell, rows), cell_of(x, x_low, cell, cols)
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                for entry in range(start[r * cols + max(col - 1, 0)], start[r * cols + min(col + 1, cols - 1) + 1]):
                    j = owners[entry]
                    facing = nx * normal[j, 0] + ny * normal[j, 1]
                    if facing >= LOOSE:
                        continue
                    s = along_ray(segments, j, x, y, nx, ny)
                    kind = 0 if s > 0.0 else 1
                    n = counts[kind]
                    width = 2.0 * abs(s) * facing / (facing - 1.0)
                    if abs(s) <= 1e-6 * most or width >= hits[kind, n, 0]:
                        continue
                    upright = np.sqrt((1.0 - normal[i, 2] ** 2) * (1.0 - normal[j, 2] ** 2))
                    if facing * upright + normal[i, 2] * normal[j, 2] > PARALLEL:
                        continue
                    way = 1.0 - 2.0 * kind
                    if is_free(segments, i, x, y, way * nx, way * ny, abs(s), x_low, y_low, cell, cols, start, owners):
                        hits[kind, n, 0], hits[kind, n, 1], hits[kind, n, 2] = width, x + 0.5 * s * nx, y + 0.5 * s * ny
                        sides[kind, n, 0], sides[kind, n, 1] = i, j
                        found |= 1 << kind
        for kind in range(2):
            if not found & (1 << kind):
                continue
            n = counts[kind]
            if united:
                j = sides[kind, n, 1]
                x, y = hits[kind, n, 1], hits[kind, n, 2]
                inside = winding(segments, x, y)
                if kind == 1 and inside > 0:
                    continue
                if kind == 0:
                    facing = nx * normal[j, 0] + ny * normal[j, 1]
                    half = 0.25 * hits[kind, n, 0] * (facing - 1.0) / facing + step
                    if winding(segments, x - half * nx, y - half * ny) > 0:
                        continue
                    if winding(segments, x - half * normal[j, 0], y - half * normal[j, 1]) > 0:
                        continue
            counts[kind] += 1
