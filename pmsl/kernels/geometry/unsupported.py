"""How far an area reaches beyond the area below it: distances to the lower section, by branch and bound."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.geometry.facing_segments import cell_of, to_segment, winding_in_rows

STRAY = 0.25  # of a cell, by which an entry may lie beside the segment it is of


@kernel
def enter_rows(segments, y_low, height, start, owners):
    """Enter segments into the rows they pass, each once.

    Parameters
    ----------
    segments : (S, 4) float64
        x0, y0, x1, y1.
    y_low, height : float
        Where the first row begins, and how high rows are; the outermost hold what lies beyond.
    start : (rows + 1,) int64
        Overwritten: where the entries of each row begin.
    owners : (E,) int32
        Overwritten: the segments of each row; E at least 2 S and the sum of their heights in rows, each rounded up.
    """
    rows = start.size - 1
    start[:] = 0
    for fill in range(2):
        for i in range(segments.shape[0]):
            a, b = cell_of(segments[i, 1], y_low, height, rows), cell_of(segments[i, 3], y_low, height, rows)
            for r in range(min(a, b), max(a, b) + 1):
                if fill:
                    start[r] -= 1
                    owners[start[r]] = i
                else:
                    start[r] += 1
        if not fill:
            for r in range(1, start.size):
                start[r] += start[r - 1]


@helper
def nearest(segments, x_low, y_low, cell, cols, start, owners, x, y, enough):
    """Distance of a point to the nearest segment, and which it is; where one is nearer than `enough`, any such one."""
    rows = (start.size - 1) // cols
    row, col = cell_of(y, y_low, cell, rows), cell_of(x, x_low, cell, cols)
    best, which = np.inf, np.int64(-1)
    enough2 = enough * enough if enough > 0.0 else -1.0
    for ring in range(max(rows, cols) + 1):
        reach = (ring - 1 - STRAY) * cell
        if reach > 0.0 and best <= reach * reach:
            break
        for r in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
            step = 1 if r == row - ring or r == row + ring else max(2 * ring, 1)
            for c in range(col - ring, col + ring + 1, step):
                if c < 0 or c >= cols:
                    continue
                for entry in range(start[r * cols + c], start[r * cols + c + 1]):
                    d = to_segment(segments, owners[entry], x, y)
                    if d < best:
                        best, which = d, np.int64(owners[entry])
        if best <= enough2:
            break
    return np.sqrt(best), which


@helper
def size_of(triangle):
    """Middle of a triangle, and how far its corners are from that."""
    x = (triangle[0] + triangle[2] + triangle[4]) / 3.0
    y = (triangle[1] + triangle[3] + triangle[5]) / 3.0
    r = 0.0
    for i in range(3):
        r = max(r, (triangle[2 * i] - x) ** 2 + (triangle[2 * i + 1] - y) ** 2)
    return x, y, np.sqrt(r)


@helper
def corner_distance(triangle, i, segments, s):
    """Distance of a corner of a triangle to a segment."""
    return np.sqrt(to_segment(segments, s, triangle[2 * i], triangle[2 * i + 1]))


@helper
def farthest_corner(triangle, segments, s):
    """How far points of a triangle are from a segment at most: that distance is convex, so a corner is the farthest."""
    return max(
        corner_distance(triangle, 0, segments, s),
        max(corner_distance(triangle, 1, segments, s), corner_distance(triangle, 2, segments, s)),
    )


@helper
def bound_by_two(triangle, segments, s, other, point):
    """How far points of a triangle are at most from the nearer of two segments, and the point at which that bound is reached.

    Either distance is at most what lies linearly between its values at the corners; where the smaller of two linear functions is largest
    is a corner, or a point of an edge at which they are the same.
    """
    best = -1.0
    for i in range(3):
        j = (i + 1) % 3
        ax, ay, bx, by = triangle[2 * i], triangle[2 * i + 1], triangle[2 * j], triangle[2 * j + 1]
        one, two = corner_distance(triangle, i, segments, s), corner_distance(triangle, i, segments, other)
        one_b, two_b = corner_distance(triangle, j, segments, s), corner_distance(triangle, j, segments, other)
        if min(one, two) > best:
            best, point[0], point[1] = min(one, two), ax, ay
        if (one - two) * (one_b - two_b) < 0.0:
            t = (one - two) / (one - two - one_b + two_b)
            if one + t * (one_b - one) > best:
                best, point[0], point[1] = one + t * (one_b - one), ax + t * (bx - ax), ay + t * (by - ay)
    return best


@kernel
def bounds_of_reach(triangles, n, below, x_low, y_low, cell, cols, start, owners, row_start, row_owners, floor, bound):
    """Bound from above how far points of triangles are from an area, by one distance each.

    Parameters
    ----------
    triangles : (T, 6) float64; n : int
        x, y of three corners; the first n count.
    below : (S, 4) float64
        The area's boundary, solid on the left.
    x_low, y_low, cell, cols, start, owners
        Of `below`, as `facing_segments.enter` left them; all triangles lie in the cells.
    row_start, row_owners
        Of `below`, as `enter_rows` left them; rows as high as cells.
    floor : float
        Where it is no more than that, any bound is enough.
    bound : (T,) float64
        Overwritten.
    """
    for i in range(n):
        x, y, r = size_of(triangles[i])
        d, s = nearest(below, x_low, y_low, cell, cols, start, owners, x, y, floor - r)
        bound[i] = d + r
        if bound[i] <= floor:
            continue
        bound[i] = farthest_corner(triangles[i], below, s)
        if bound[i] > floor and winding_in_rows(below, y_low, cell, row_start, row_owners, x, y) > 0:
            bound[i] = r - d


@kernel
def reaches(
    triangles,
    order,
    label,
    below,
    x_low,
    y_low,
    cell,
    cols,
    start,
    owners,
    row_start,
    row_owners,
    above,
    above_start,
    above_owners,
    above_row_start,
    above_row_owners,
    tolerance,
    stack,
    near,
    best,
    other,
    reach,
    point,
):
    """Find, for each group of triangles, the point above them that is farthest from the area below: branch and bound.

    A point counts where it lies in the area above and not in that below. Points of a triangle reach no farther than to the nearer of two
    segments (`bound_by_two`), of those nearest to its middle and its corners; between straight walls that is what a triangle reaches,
    however large it is. Those that could reach farther than what is known are halved.

    Parameters
    ----------
    triangles : (T, 6) float64
        x, y of three corners.
    order : (N,) int64
        Which of them, in this order: the best first.
    label : (T,) int64
        The group of each.
    below, above : (S, 4) float64
        Boundaries of both areas, solid on the left.
    x_low, y_low, cell, cols
        Of the cells of both areas; all triangles lie in them.
    start, owners, above_start, above_owners
        As `facing_segments.enter` left them.
    row_start, row_owners, above_row_start, above_row_owners
        As `enter_rows` left them; rows as high as cells.
    tolerance : float
        By how much a result may be too small.
    stack : (D, 6) float64
        Scratch, at least 128.
    near : (4,) int64; best, other : (2,) float64
        Scratch.
    reach : (G,) float64
        What is known of each group, raised to what is found.
    point : (G, 2) float64
        Overwritten where `reach` is raised: where.
    """
    for at in range(order.size):
        t = order[at]
        g = label[t]
        for i in range(6):
            stack[0, i] = triangles[t, i]
        depth = 1
        while depth > 0:
            depth -= 1
            x, y, r = size_of(stack[depth])
            d, near[0] = nearest(below, x_low, y_low, cell, cols, start, owners, x, y, reach[g] + tolerance - r)
            if d + r <= reach[g] + tolerance or farthest_corner(stack[depth], below, near[0]) <= reach[g] + tolerance:
                continue
            if winding_in_rows(below, y_low, cell, row_start, row_owners, x, y) > 0:
                if r - d <= reach[g] + tolerance:
                    continue
            elif winding_in_rows(above, y_low, cell, above_row_start, above_row_owners, x, y) > 0:
                if d > reach[g]:
                    reach[g], point[g, 0], point[g, 1] = d, x, y
            else:
                free, _ = nearest(above, x_low, y_low, cell, cols, above_start, above_owners, x, y, 0.0)
                if free >= r:
                    continue
            if 4.0 * r <= tolerance or depth + 2 > stack.shape[0]:
                continue
            for i in range(3):
                px, py = stack[depth, 2 * i], stack[depth, 2 * i + 1]
                _, near[1 + i] = nearest(below, x_low, y_low, cell, cols, start, owners, px, py, 0.0)
            bound = np.inf
            for i in range(4):
                for j in range(i):
                    two = bound_by_two(stack[depth], below, near[i], near[j], other)
                    if two < bound:
                        bound, best[0], best[1] = two, other[0], other[1]
            if bound <= reach[g] + tolerance:
                continue
            inward = min(0.25 * tolerance / r, 0.5)  # from the edge of both areas, where it is in neither
            px, py = best[0] + inward * (x - best[0]), best[1] + inward * (y - best[1])
            outside = winding_in_rows(below, y_low, cell, row_start, row_owners, px, py) <= 0
            if outside and winding_in_rows(above, y_low, cell, above_row_start, above_row_owners, px, py) > 0:
                d, _ = nearest(below, x_low, y_low, cell, cols, start, owners, px, py, 0.0)
                if d > reach[g]:
                    reach[g], point[g, 0], point[g, 1] = d, px, py
                if bound <= reach[g] + tolerance:
                    continue
            longest, cut = -1.0, 0
            for i in range(3):
                j = (i + 1) % 3
                edge = (stack[depth, 2 * j] - stack[depth, 2 * i]) ** 2 + (stack[depth, 2 * j + 1] - stack[depth, 2 * i + 1]) ** 2
                if edge > longest:
                    longest, cut = edge, i
            a, b = cut, (cut + 1) % 3
            mx = 0.5 * (stack[depth, 2 * a] + stack[depth, 2 * b])
            my = 0.5 * (stack[depth, 2 * a + 1] + stack[depth, 2 * b + 1])
            for i in range(6):
                stack[depth + 1, i] = stack[depth, i]
            stack[depth, 2 * a], stack[depth, 2 * a + 1] = mx, my
            stack[depth + 1, 2 * b], stack[depth + 1, 2 * b + 1] = mx, my
            depth += 2


@kernel
def joined_straight(point, below, x_low, y_low, cell, cols, start, owners, row_start, row_owners, above, above_rows, above_owners, out):
    """Tell for points in the area above whether the straight way to the nearest place of the area below stays in the area above.

    Parameters
    ----------
    point : (G, 2) float64
    below, above : (S, 4) float64
        Boundaries of both areas, solid on the left.
    x_low, y_low, cell, cols, start, owners, row_start, row_owners
        Of `below`, as in `reaches`.
    above_rows, above_owners
        Of `above`, as `enter_rows` left them; rows as high as cells.
    out : (G,) bool
        Overwritten. False also where it meets a boundary that lies inside the area.
    """
    for g in range(point.shape[0]):
        x, y = point[g, 0], point[g, 1]
        d, i = nearest(below, x_low, y_low, cell, cols, start, owners, x, y, 0.0)
        out[g] = False
        if i < 0 or d == 0.0:
            continue
        ax, ay = below[i, 0], below[i, 1]
        ex, ey = below[i, 2] - ax, below[i, 3] - ay
        size = ex * ex + ey * ey
        t = 0.0 if size == 0.0 else min(max(((x - ax) * ex + (y - ay) * ey) / size, 0.0), 1.0)
        more = 1.0 + 1e-3 / d  # a nanometre into the area below
        qx, qy = x + more * (ax + t * ex - x), y + more * (ay + t * ey - y)
        inside = winding_in_rows(below, y_low, cell, row_start, row_owners, qx, qy) > 0
        if not inside or winding_in_rows(above, y_low, cell, above_rows, above_owners, qx, qy) <= 0:
            continue
        rows = above_rows.size - 1
        one, other = cell_of(y, y_low, cell, rows), cell_of(qy, y_low, cell, rows)
        free = True
        for entry in range(above_rows[min(one, other)], above_rows[max(one, other) + 1]):
            j = above_owners[entry]
            bx, by, cx, cy = above[j, 0], above[j, 1], above[j, 2], above[j, 3]
            sb = (qx - x) * (by - y) - (qy - y) * (bx - x)
            sc = (qx - x) * (cy - y) - (qy - y) * (cx - x)
            sx = (cx - bx) * (y - by) - (cy - by) * (x - bx)
            sq = (cx - bx) * (qy - by) - (cy - by) * (qx - bx)
            if (sb > 0.0) != (sc > 0.0) and (sx > 0.0) != (sq > 0.0):
                free = False
                break
        out[g] = free
