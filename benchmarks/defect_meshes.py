"""Broken meshes and what they were meant to be: a sphere damaged in every way a file can be, and real files.

All fill the same box, 2.6 mm wide and 2.4 mm high, standing on z = 0, so that every layer of the work cuts them. The right
answer is the union of `wanted`, whose shells look outward (cavities inward).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import defect_projects
import meshes
import numpy as np

import pmsl
from pmsl.errors import MeshError

SIDE_MM, HEIGHT_MM, CORNER_MM = 2.6, 2.4, 0.2
QUICK = ("two overlapping bodies", "one of them inside out", "5 % of faces flipped", "1 % of faces missing")


@dataclass(frozen=True)
class Case:
    """Corners as a tool gets them, and of what the right answer is the union: (F, 3, 3) float64 [mm].

    A 3MF says more: what each stretch of the corners is for, (kind, triangles), and how it is written; others are STL files.
    """

    name: str
    given: np.ndarray
    wanted: np.ndarray
    skipped: str = ""
    kinds: tuple[tuple[str, int], ...] = ()
    written: defect_projects.Writer | None = None

    def write(self, folder: Path) -> Path:
        """Write the file and return its path."""
        if self.written is None:
            meshes.write_corners(folder / "mesh.stl", self.given)
            return folder / "mesh.stl"
        stretches = np.split(self.given, np.cumsum([count for _, count in self.kinds])[:-1])
        self.written(folder / "mesh.3mf", [(kind, corners) for (kind, _), corners in zip(self.kinds, stretches, strict=True)])
        return folder / "mesh.3mf"


def cases(quick: bool) -> Iterator[Case]:
    """Make the made ones, then the real ones that are at hand."""
    for name, (given, wanted) in _made().items():
        if not quick or name in QUICK:
            yield _fitted(name, given, wanted)
    for name, (written, volumes, wanted) in _projects().items():
        if not quick or name in QUICK:
            fitted = _fitted(name, np.concatenate([corners for _, corners in volumes]), wanted)
            yield replace(fitted, kinds=tuple((kind, len(corners)) for kind, corners in volumes), written=written)
    for file, meant in () if quick else REAL.items():
        path = meshes.SHARED / file
        if not path.exists():
            yield Case(file, np.empty((0, 3, 3)), np.empty((0, 3, 3)), f"no {file} in {meshes.SHARED}")
            continue
        try:
            solid = pmsl.load_solid(path)
        except MeshError as refused:
            yield Case(file, np.empty((0, 3, 3)), np.empty((0, 3, 3)), str(refused))
            continue
        given = solid.vertices_um[solid.faces] / 1000.0
        yield _fitted(file, given, meant(given))


def _fitted(name: str, given: np.ndarray, wanted: np.ndarray) -> Case:
    """Stretch both so that what is wanted fills the box."""
    low, high = wanted.reshape(-1, 3).min(axis=0), wanted.reshape(-1, 3).max(axis=0)
    factor = np.array([SIDE_MM / (high - low)[:2].max()] * 2 + [HEIGHT_MM / (high - low)[2]])
    corner = np.array([CORNER_MM, CORNER_MM, 0.0])
    return Case(name, (given - low) * factor + corner, (wanted - low) * factor + corner)


def _made() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    ball, other = _ball((0, 0, 0), 1.0), _ball((0.8, 0.1, 0.15), 1.0)
    inner = _ball((0.1, 0.05, 0.0), 0.5)
    pick = rng.permutation(len(ball))
    flipped, missing = pick[: len(ball) // 20], pick[: len(ball) // 100]
    partly = ball.copy()
    partly[flipped] = partly[flipped, ::-1]
    both = np.concatenate([ball, other])
    return {
        "none: a sphere": (ball, ball),
        "two overlapping bodies": (both, both),
        "one of them inside out": (np.concatenate([ball, other[:, ::-1]]), both),
        "one solid twice": (np.concatenate([ball, ball]), ball),
        "solid nested in a solid": (np.concatenate([ball, inner]), ball),
        "cavity": (np.concatenate([ball, inner[:, ::-1]]),) * 2,
        **_cavities(ball, inner),
        "whole part inside out": (ball[:, ::-1], ball),
        "5 % of faces flipped": (partly, ball),
        "1 % of faces missing": (np.delete(ball, missing, axis=0), ball),
        "every second corner moved by 0.2 µm": (_cracked(ball, rng.normal(size=ball.shape)), ball),
        "corners rounded to 0.1 µm, every second": (_rounded(ball, rng), ball),
        "cracks in one half": (_cracked(ball, rng.normal(size=ball.shape), ball[:, :1, 2] > 0), ball),
    }


def _cavities(ball: np.ndarray, inner: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Cavities that cross, repeat, nest or lie across two bodies, and the same voids made of shells that do not."""
    block, left, right = (_box(np.array([x0, 0, 0]), np.array([x1, 10.0, 5])) for x0, x1 in ((0.0, 10.0), (0.0, 5.0), (5.0, 10.0)))
    along, across = _box(np.array([1.0, 4, 1]), np.array([9.0, 6, 4])), _box(np.array([4.0, 1, 1]), np.array([6.0, 9, 4]))
    arms = [along, *(_box(np.array([4.0, y, 1]), np.array([6.0, y + 3, 4])) for y in (1.0, 6.0))]
    small = _ball((0.1, 0.05, 0.0), 0.25)
    return {
        "cavities that cross": tuple(np.concatenate([block, *(c[:, ::-1] for c in shells)]) for shells in ([along, across], arms)),
        "a cavity twice": (np.concatenate([ball, inner[:, ::-1], inner[:, ::-1]]), np.concatenate([ball, inner[:, ::-1]])),
        "a cavity in a cavity": (np.concatenate([ball, inner[:, ::-1], small[:, ::-1]]), np.concatenate([ball, inner[:, ::-1]])),
        "a cavity across two bodies that touch": (np.concatenate([left, right, along[:, ::-1]]), np.concatenate([block, along[:, ::-1]])),
    }


def _projects() -> dict[str, tuple[defect_projects.Writer, defect_projects.Volumes, np.ndarray]]:
    """3MF files with volumes that are no material: how each is written, its volumes, and what was meant."""
    ball, other, inner = _ball((0, 0, 0), 1.0), _ball((0.8, 0.1, 0.15), 1.0), _ball((0.1, 0.05, 0.0), 0.5)
    block, slot = _box(np.zeros(3), np.array([6.0, 5, 4])), _box(np.array([2.0, -1, -1]), np.array([4.0, 3, 5]))
    around = [((0, 0), (2, 5)), ((4, 0), (6, 5)), ((2, 3), (4, 5))]  # bars that meet, without overlap
    slotted = np.concatenate([_box(np.array([*low, 0.0]), np.array([*high, 4.0])) for low, high in around])
    hollow = np.concatenate([ball, inner[:, ::-1]])
    part, hole, aids = "ModelPart", "NegativeVolume", ("ParameterModifier", "SupportBlocker", "SupportEnforcer")
    aided = [(part, ball), *((kind, other) for kind in aids)]
    return {
        "project: a negative volume, by triangles": (defect_projects.triangle_ranges, [(part, block), (hole, slot)], slotted),
        "project: a negative volume, by components": (defect_projects.component_parts, [(part, ball), (hole, inner)], hollow),
        "project: modifier and support volumes": (defect_projects.triangle_ranges, aided, ball),
        "3MF: components of type other": (defect_projects.other_types, aided[:2], ball),
    }


def _cracked(corners: np.ndarray, ways: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Move every second corner, or those `where`, by 0.2 µm of the printed part; neighbours do not follow."""
    on = np.arange(corners.size // 3).reshape(corners.shape[:2]) % 2 == 0 if where is None else np.broadcast_to(where, corners.shape[:2])
    step = 0.2e-3 * np.ptp(corners[:, :, 0]) / SIDE_MM
    return corners + np.where(on[:, :, None], step * ways / np.linalg.norm(ways, axis=2, keepdims=True), 0.0)


def _rounded(corners: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Round every second corner, by chance, to 0.1 µm of the printed part."""
    step = 0.1e-3 * np.ptp(corners[:, :, 0]) / SIDE_MM
    return np.where(rng.random(corners.shape[:2])[:, :, None] < 0.5, np.round(corners / step) * step, corners)


def _ball(centre: tuple[float, float, float], radius: float) -> np.ndarray:
    """Return a sphere of 5120 triangles, turned so that no two of its faces mirror one another."""
    vertices, faces = meshes.icosphere(4)
    turn, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    placed = vertices @ (turn * np.sign(np.linalg.det(turn))) * radius + centre
    return placed[faces]


# --- what real files were meant to be ---------------------------------------------------------------------------------


def _as_it_is(given: np.ndarray) -> np.ndarray:
    return given


def _turned(given: np.ndarray) -> np.ndarray:
    return given[:, ::-1]


def _pieces(given: np.ndarray) -> list[np.ndarray]:
    """Part triangles into those that hang together by equal corners."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, ids = np.unique(given.reshape(-1, 3), axis=0, return_inverse=True)
    corners = ids.reshape(-1, 3)
    links = (np.ones(2 * len(corners), np.int8), (np.repeat(corners[:, 0], 2), corners[:, 1:].ravel()))
    _, label = connected_components(coo_array(links, shape=(ids.max() + 1,) * 2), directed=False)
    return [given[label[corners[:, 0]] == piece] for piece in np.unique(label[corners[:, 0]])]


def _outward(given: np.ndarray) -> np.ndarray:
    """Turn every piece so that its volume is positive."""
    made = []
    for piece in _pieces(given):
        a, b, c = np.moveaxis(piece - piece[0, 0], 1, 0)
        made.append(piece if np.einsum("ij,ij->", a, np.cross(b, c)) >= 0 else piece[:, ::-1])
    return np.concatenate(made)


def _capped(given: np.ndarray) -> np.ndarray:
    """Turn every piece outward and close where it is open, with triangles to the middle of each ring."""
    whole = _outward(given)
    points, tail, head = _edges(whole)
    net = Counter(zip(tail.ravel().tolist(), head.ravel().tolist(), strict=True))
    onward = {b: a for (a, b), n in net.items() if n > net.get((b, a), 0)}  # missing faces run the other way
    caps = []
    while onward:
        ring = [next(iter(onward))]
        while ring[-1] in onward:
            ring.append(onward.pop(ring[-1]))
        assert ring[0] == ring[-1]
        middle = points[ring[:-1]].mean(axis=0)
        caps += [(middle, points[a], points[b]) for a, b in zip(ring[:-1], ring[1:], strict=True)]
    return np.concatenate([whole, np.array(caps).reshape(-1, 3, 3)])


def _edges(given: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, and tail and head (F, 3) of the edges of every triangle."""
    points, ids = np.unique(given.reshape(-1, 3), axis=0, return_inverse=True)
    tail = ids.reshape(-1, 3)
    return points, tail, np.roll(tail, -1, axis=1)


def _one_face_put_back(given: np.ndarray) -> np.ndarray:
    """Add the face whose three edges have one face only."""
    points, tail, head = _edges(given)
    there = set(zip(tail.ravel().tolist(), head.ravel().tolist(), strict=True))
    onward = {b: a for a, b in there if (b, a) not in there}  # the missing face runs the other way
    ring = [next(iter(onward))]
    ring += [onward[ring[0]], onward[onward[ring[0]]]]
    assert len(onward) == 3 and onward[ring[2]] == ring[0]
    return np.concatenate([given, points[ring][None]])


def _one_face_turned_back(given: np.ndarray) -> np.ndarray:
    """Turn the face all of whose edges run the way their other face does."""
    _, tail, head = _edges(given)
    edges = list(zip(tail.ravel().tolist(), head.ravel().tolist(), strict=True))
    odd = np.array([edges.count(edge) > 1 for edge in edges]).reshape(-1, 3).all(axis=1)
    assert odd.sum() == 1
    return _outward(np.where(odd[:, None, None], given[:, ::-1], given))


def _boxes(given: np.ndarray) -> np.ndarray:
    """Return the boxes around the pieces: all of them were boxes."""
    return np.concatenate([_box(p.reshape(-1, 3).min(axis=0), p.reshape(-1, 3).max(axis=0)) for p in _pieces(given)])


def _box(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    corner = np.array([[(low, high)[(i >> k) & 1][k] for k in range(3)] for i in range(8)])
    quads = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))
    return corner[[t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]]


REAL: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "overlap_two_cubes_ascii.stl": _as_it_is,
    "overlap_27_shells_3dsmax_export.STL": _capped,
    "self_intersecting_bent_tube_A.obj": _as_it_is,
    "nested_shell_cavity_ascii.stl": _as_it_is,
    "missing_one_triangle_2875_faces.stl": _one_face_put_back,
    "one_inverted_face_ascii.stl": _one_face_turned_back,
    "open_cube_stuck_to_side_ascii.stl": _boxes,
    "electronics_box_units_inch_10_bodies.STL": _as_it_is,
    "lattice_octet_like_shear_unit_inside_out.stl": _turned,
    "truss_node_blocks_metres_851_shells.obj": _outward,
}
