"""At which heights shells pass through one another: there they may overlap within a pixel, where no sum of a row shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.copies import alike
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
    out, left = [], most
    for together in _groups(parts):
        if len(together) == 1 and one_closed_body(together[0].solid):
            continue
        near = _near(together)
        if near is None or len(near.which) > left:
            return None
        left -= len(near.which)
        out.append(near.heights())
    return np.concatenate([np.zeros((0, 2)), *out])


def _groups(parts: Sequence[Part]) -> list[list[Part]]:
    """Part the parts: those whose boxes meet others together; of copies that stand alone one, for they are alike at every height."""
    boxes = np.array([part.bounds_um() for part in parts])
    low, high = boxes[:, 0], boxes[:, 1]
    meets = np.array([((low <= h).all(axis=1) & (high >= w).all(axis=1)).sum() > 1 for w, h in boxes])
    alone = [part for part, met in zip(parts, meets, strict=True) if not met]
    out = [[alone[i]] for (i, *_) in alike(alone)]
    return [*out, [part for part, met in zip(parts, meets, strict=True) if met]] if meets.any() else out


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    """Triangles where boxes of shells meet: `which` among `faces` of `vertices` in field coordinates, and the shell of each."""

    vertices: np.ndarray
    faces: np.ndarray
    label: np.ndarray
    which: np.ndarray

    def heights(self) -> np.ndarray:
        """Find the heights at which they pass through one another: (n, 2) float64."""
        if len(self.which) == 0:
            return np.zeros((0, 2))
        tree = BoxTree.of(self.vertices, self.faces, self.which)
        pairs = tree.crossed_by(self.which, self.label, other=True, rim=True).pairs
        z = self.vertices[self.faces[pairs], 2]  # (n, 2, 3)
        return np.stack([z.min(axis=2).max(axis=1), z.max(axis=2).min(axis=1)], axis=1)


def _near(parts: Sequence[Part]) -> _Near | None:
    """Find the triangles where boxes of shells meet; None where there are too many shells."""
    found = [_shells(part) for part in parts]
    nothing = _Near(np.zeros((0, 3)), np.zeros((0, 3), np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64))
    if sum(s.count for s in found) < 2:
        return nothing
    boxes = _boxes(parts, found)
    if len(boxes) > MOST_SHELLS:
        return None
    meet = _meeting(boxes)
    if not len(meet):
        return nothing
    vertices, faces, label = list[np.ndarray](), list[np.ndarray](), list[np.ndarray]()
    shell = 0
    for part, shells in zip(parts, found, strict=True):
        mine = slice(shell, shell + shells.count)
        low, high = (_of_shells(meet, columns, mine) for columns in (slice(1, 4), slice(4, 7)))
        some = _within(part, shells.label, low, high)
        if len(some):
            corners, back = np.unique(part.solid.faces[some], return_inverse=True)
            faces.append(back.reshape(-1, 3).astype(np.int32) + np.int32(sum(len(v) for v in vertices)))
            vertices.append(part.points_um(corners))
            label.append(shells.label[some] + np.int32(shell))
        shell += shells.count
    if not faces:
        return nothing
    every = np.concatenate(faces)
    return _Near(np.concatenate(vertices), every, np.concatenate(label), np.arange(len(every)))


def _boxes(parts: Sequence[Part], found: Sequence[Shells]) -> np.ndarray:
    """Boxes of all shells of placed parts, (n, 2, 3) [µm]; those of copies are moved."""
    out: list[np.ndarray] = [np.zeros((0, 2, 3))] * len(parts)
    for first, *others in alike(parts):
        part = parts[first]
        out[first] = measures_of(part.placed_um(), part.solid.faces, found[first]).box_um
        for i in others:
            shift = parts[i].transform[:2, 3] - part.transform[:2, 3]
            out[i] = out[first] + np.array([*shift, 0.0])
    return np.concatenate(out)


def _of_shells(meet: np.ndarray, columns: slice, mine: slice) -> np.ndarray:
    """Lower or upper corners of where the boxes of some shells meet others; such as nothing lies in where they meet none: (n, 3)."""
    out = np.full((mine.stop - mine.start, 3), np.inf if columns.start == 1 else -np.inf)
    shell = meet[:, 0].astype(int)
    here = (shell >= mine.start) & (shell < mine.stop)
    out[shell[here] - mine.start] = meet[here, columns]
    return out


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


def _within(part: Part, label: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Triangles of a part that reach into the place where the box of their shell meets others."""
    out = []
    for start in range(0, part.solid.n_faces, 1 << 17):
        block = slice(start, start + (1 << 17))
        mine = label[block]
        if np.isfinite(low[mine]).any():
            corners = part.points_um(part.solid.faces[block].reshape(-1)).reshape(-1, 3, 3)
            inside = (corners.min(axis=1) <= high[mine]) & (corners.max(axis=1) >= low[mine])
            out.append(start + np.flatnonzero(inside.all(axis=1)))
    return np.concatenate(out) if out else np.zeros(0, np.int64)
