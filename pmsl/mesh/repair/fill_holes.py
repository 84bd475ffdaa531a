"""Holes: the edges at which a surface ends, as loops, and the faces that close them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from pmsl.mesh.topology import Edges

LONGEST = 400  # points of a ring that is closed with the least surface; a longer one gets a point in its middle


def missing_edges(edges: Edges) -> np.ndarray:
    """List the directed edges that no face runs through although one runs through the opposite: (n, 2) int64.

    Every face is a closed walk, so as many of them begin at a vertex as end there: they always make closed loops.
    """
    many = np.abs(edges.net)
    forth = edges.net < 0
    tail, head = np.where(forth, edges.low, edges.high), np.where(forth, edges.high, edges.low)
    return np.stack([np.repeat(tail, many), np.repeat(head, many)], axis=1)


def loops_of(missing: np.ndarray) -> list[list[int]]:
    """Walk the missing edges; return loops of vertices, none of them twice in one loop."""
    onward: dict[int, list[int]] = defaultdict(list)
    for tail, head in missing.tolist():
        onward[tail].append(head)
    loops = []
    for begin in list(onward):
        while onward[begin]:
            walk, place = [begin], {begin: 0}
            while True:
                vertex = onward[walk[-1]].pop()
                at = place.get(vertex)
                if at is None:
                    place[vertex] = len(walk)
                    walk.append(vertex)
                    continue
                loops.append(walk[at:])
                for passed in walk[at + 1 :]:
                    del place[passed]
                del walk[at + 1 :]
                if at == 0:
                    break
    return [loop for loop in loops if len(loop) > 2]


def close(loops: list[list[int]], points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Close loops with faces.

    Parameters
    ----------
    loops : list of list of int
        Vertices, in the direction the new faces run through them.
    points : (n, 3) float64

    Returns
    -------
    faces : (F, 3) int64
    middles : (m, 3) float64
        New points; the faces number them from n on.
    area_um2 : (loops,) float64
        Area of what closes each loop.
    """
    from pmsl.kernels.mesh import orient_and_fill

    faces: list[np.ndarray] = [np.zeros((0, 3), np.int64)]
    middles: list[np.ndarray] = []
    areas = []
    for loop in loops:
        ring = np.array(loop, np.int64)
        n = len(ring)
        if n > LONGEST:
            corners = np.stack([np.full(n, len(points) + len(middles)), ring, np.roll(ring, -1)], axis=1)
            middles.append(points[ring].mean(axis=0))
            a, b, c = middles[-1], points[ring], points[corners[:, 2]]
            areas.append(float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2))
        else:
            triangles = np.empty((n - 2, 3), np.int32)
            cost, split, stack = np.empty((n, n)), np.empty((n, n), np.int32), np.empty((2 * n, 2), np.int32)
            areas.append(orient_and_fill.least_surface(points[ring], cost, split, stack, triangles))
            corners = ring[triangles]
        faces.append(corners)
    return np.concatenate(faces), np.array(middles).reshape(-1, 3), np.array(areas)
