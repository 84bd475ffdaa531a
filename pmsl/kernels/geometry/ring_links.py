"""Directed segments into closed rings, by the points that they have in common."""

from pmsl.kernels._compiler.jit import kernel


@kernel
def follow(begins, ends, last, before, order, ring_start):
    """List segments ring by ring.

    Of several segments that leave a point the last one not yet listed goes on; rings begin at points in the order in which these first
    begin a segment.

    Parameters
    ----------
    begins, ends : (S,) int64
        Number of the point that each segment begins at, and of the one it ends at.
    last : (P,) int64
        Scratch, one for each point.
    before : (S,) int64
        Scratch.
    order : (S,) int64
        Overwritten: the segments.
    ring_start : (S + 1,) int64
        Overwritten: where each ring begins in `order`, and where the last one ends.

    Returns
    -------
    int
        Number of rings; where a ring does not close, minus one more than the segment after which it ends.
    """
    last[:] = -1
    for i in range(begins.size):
        before[i] = last[begins[i]]
        last[begins[i]] = i
    n = rings = 0
    ring_start[0] = 0
    for first in range(begins.size):
        start = begins[first]
        while last[start] >= 0:
            point = start
            while n == ring_start[rings] or point != start:
                i = last[point]
                if i < 0:
                    return -1 - order[n - 1]
                last[point] = before[i]
                order[n] = i
                n += 1
                point = ends[i]
            rings += 1
            ring_start[rings] = n
    return rings
