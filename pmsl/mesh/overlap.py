"""At which heights shells pass through one another: there they may overlap within a pixel, where no sum of a row shows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.core.part import Part
from pmsl.mesh.boxtree import BoxTree
from pmsl.mesh.shells import Shells, measures_of, one_closed_body, shells_of

MOST_SHELLS = 20_000


def crossing_heights(parts: Sequence[Part], most: int) -> np.ndarray | None:
    """Find the heights at which shells of parts, or of one part, pass through one another.

    Parameters
    ----------
    parts : sequence of Part
    most : int
        Triangles that are worth a look.

    Returns
    -------
    (n, 2) float64 or None
        Ranges of z [µm], in field coordinates; None where more than `most` triangles lie where boxes of shells meet.
    """
    if len(parts) == 1 and one_closed_body(parts[0].solid):
        return np.zeros((0, 2))
    found = [_shells(part) for part in parts]
    if sum(s.count for s in found) < 2:
        return np.zeros((0, 2))
    placed = [part.placed_um() for part in parts]
    boxes = np.concatenate([measures_of(v, p.solid.faces, s).box_um for v, p, s in zip(placed, parts, found, strict=True)])
    if len(boxes) > MOST_SHELLS:
        return None
    meet = _meeting(boxes)
    if not len(meet):
        return np.zeros((0, 2))
    shell_start = np.cumsum([0, *(s.count for s in found)])
    vertex_start = np.cumsum([0, *(len(v) for v in placed)])
    faces = np.concatenate([p.solid.faces + np.int32(n) for p, n in zip(parts, vertex_start, strict=False)])
    label = np.concatenate([s.label + np.int32(n) for s, n in zip(found, shell_start, strict=False)])
    vertices = np.concatenate(placed)
    near = _within(vertices, faces, label, boxes, meet)
    if len(near) > most:
        return None
    pairs = BoxTree.of(vertices, faces, near).crossed_by(near, label, other=True, rim=True).pairs
    z = vertices[faces[pairs], 2]  # (n, 2, 3)
    return np.stack([z.min(axis=2).max(axis=1), z.max(axis=2).min(axis=1)], axis=1)


def _shells(part: Part) -> Shells:
    cache = part.solid._cache
    if "shells" not in cache:
        cache["shells"] = shells_of(part.solid.vertices_um, part.solid.faces)
    found: Shells = cache["shells"]
    return found


def _meeting(boxes: np.ndarray) -> np.ndarray:
    """Shells and where their boxes meet those of others: rows of shell, low x, y, z, high x, y, z."""
    rows = []
    for i, box in enumerate(boxes):
        others = boxes[(boxes[:, 0] <= box[1]).all(axis=1) & (boxes[:, 1] >= box[0]).all(axis=1) & (np.arange(len(boxes)) != i)]
        if len(others):  # one box around all places where others reach into it
            low, high = np.maximum(others[:, 0], box[0]).min(axis=0), np.minimum(others[:, 1], box[1]).max(axis=0)
            rows.append([i, *low, *high])
    return np.array(rows).reshape(-1, 7)


def _within(vertices: np.ndarray, faces: np.ndarray, label: np.ndarray, boxes: np.ndarray, meet: np.ndarray) -> np.ndarray:
    """Triangles that reach into the place where the box of their shell meets others."""
    low, high = np.full((len(boxes), 3), np.inf), np.full((len(boxes), 3), -np.inf)
    shell = meet[:, 0].astype(int)
    low[shell], high[shell] = meet[:, 1:4], meet[:, 4:]
    out = []
    for start in range(0, len(faces), 1 << 17):
        block = slice(start, start + (1 << 17))
        corners = vertices[faces[block]]
        inside = (corners.min(axis=1) <= high[label[block]]) & (corners.max(axis=1) >= low[label[block]])
        out.append(start + np.flatnonzero(inside.all(axis=1)))
    return np.concatenate(out)
