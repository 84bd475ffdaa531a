"""At which heights bodies share volume: there their sections may lie over one another within a pixel, where no winding above 1 shows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.mesh.part import Part
from pmsl.mesh.shells.shell_overlap import groups_that_meet, placed_shell_boxes_um
from pmsl.mesh.shells.shells import arrays_of, known_shells, measures_of
from pmsl.mesh.shells.winding import largest, winding_at

SAMPLES = 16  # faces of a body that are held against another
MOST_PAIRS = 2000
INSET = 1e-7  # of the extent: how far behind a face


def sharing_heights(parts: Sequence[Part], most: int) -> np.ndarray:
    """Find the heights at which outward shells, of one part or several, may share volume.

    Parameters
    ----------
    parts : sequence of Part
    most : int
        Triangles of parts whose boxes meet that are worth a look.

    Returns
    -------
    (n, 2) float64
        Ranges of z [µm] of the boxes that two shells have in common, in field coordinates. Shells whose boxes meet count where one
        passes through the other, or holds a point just behind a face of it.
    """
    out = [np.zeros((0, 2))]
    for together in groups_that_meet(parts):
        if sum(part.solid.n_faces for part in together) <= most:
            out.append(_sharing(together))
    return np.concatenate(out)


def _sharing(parts: Sequence[Part]) -> np.ndarray:
    found = [known_shells(part.solid) for part in parts]
    if sum(s.count for s in found) < 2:
        return np.zeros((0, 2))
    boxes = np.concatenate([placed_shell_boxes_um(part) for part in parts])
    measures = [measures_of(*arrays_of(p.solid), s) for p, s in zip(parts, found, strict=True)]
    outward = np.concatenate([(m.volume_um3 > 0) & ~m.hollow for m in measures])
    pairs = _boxes_that_meet(boxes, outward)
    if len(pairs) == 0:
        return np.zeros((0, 2))
    corners = np.concatenate([part.corners_um(np.arange(part.solid.n_faces)) for part in parts])
    first = np.cumsum([0, *(s.count for s in found[:-1])])
    label = np.concatenate([s.label + n for s, n in zip(found, first, strict=True)]).astype(np.int32)
    turned = np.concatenate([np.full(p.solid.n_faces, m.turned != p.mirrored) for p, m in zip(parts, measures, strict=True)])
    share = _cross(corners, label, pairs) | _hold(corners, label, turned, boxes, pairs)
    a, b = pairs[share].T
    return np.stack([np.maximum(boxes[a, 0, 2], boxes[b, 0, 2]), np.minimum(boxes[a, 1, 2], boxes[b, 1, 2])], axis=1)


def _boxes_that_meet(boxes: np.ndarray, outward: np.ndarray) -> np.ndarray:
    """Return pairs of outward shells whose boxes have volume in common, in both orders: (p, 2); the first `MOST_PAIRS`."""
    rows, total = [np.zeros((0, 2), np.int64)], 0
    solid = np.flatnonzero(outward)
    for i in solid.tolist():
        others = solid[((boxes[solid, 0] < boxes[i, 1]) & (boxes[solid, 1] > boxes[i, 0])).all(axis=1) & (solid != i)]
        rows.append(np.stack([np.full(len(others), i), others], axis=1))
        total += len(others)
        if total > MOST_PAIRS:
            break
    return np.concatenate(rows)


def _cross(corners: np.ndarray, label: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Tell of which pairs triangles pass through one another: (p,) bool."""
    from pmsl.mesh.box_tree import BoxTree

    mine = np.flatnonzero(np.isin(label, pairs[:, 0]))
    faces = np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)
    crossing = label[BoxTree.of(corners.reshape(-1, 3), faces, mine).crossed_by(mine, label, other=True, rim=True).pairs]
    known = {tuple(sorted(p)) for p in np.unique(crossing, axis=0).tolist()}
    return np.array([tuple(sorted(p)) in known for p in pairs.tolist()], bool)


def _hold(corners: np.ndarray, label: np.ndarray, turned: np.ndarray, boxes: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Tell of which pairs the second shell holds a point just behind a face of the first: (p,) bool."""
    middle = corners.mean(axis=1)
    at, asked, of = [np.zeros((0, 3))], [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    for number, (i, j) in enumerate(pairs.tolist()):
        inside = np.flatnonzero((label == i) & ((middle >= boxes[j, 0]) & (middle <= boxes[j, 1])).all(axis=1))
        which, beside, normal, _ = largest(corners[inside], SAMPLES)
        near, step = inside[which], INSET * float(np.ptp(boxes[i], axis=0).max()) * normal
        at.append(beside + np.where(turned[near, None], step, -step))
        asked.append(np.full(len(near), j, np.int32))
        of.append(np.full(len(near), number))
    points, shell, pair = np.concatenate(at), np.concatenate(asked), np.concatenate(of)
    faces = np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)
    winding = winding_at(corners.reshape(-1, 3), faces, points, label, shell)
    out = np.zeros(len(pairs), bool)
    out[pair[winding != 0]] = True
    return out
