"""How the shells of a mesh lie to one another, and where its surface passes through itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from pmsl.core.arrays import distinct
from pmsl.core.finding import Finding, Severity
from pmsl.mesh.box_tree import BoxTree, Crossings
from pmsl.mesh.shells.shells import CAVITY, TURN, Measures, Shells, inward, measures_of, shells_of
from pmsl.mesh.shells.winding import largest, winding_at

SAMPLES = 24  # points of a shell that are held against another
MOST_PAIRS = 100_000  # of shells whose boxes meet
INSET = 1e-6  # of the extent: how far below its surface a shell is probed


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """Shells and their relations.

    Attributes
    ----------
    shells : Shells
    measures : Measures
    looks : (n,) int8
        As `inward` gives it.
    crossings : Crossings
        Triangles that pass through one another.
    overlapping : (p, 2) int64
        Shells that share volume although neither lies inside the other.
    nested : (p, 2) int64
        An outward shell wholly inside another one, and that one.
    """

    shells: Shells
    measures: Measures
    looks: np.ndarray
    crossings: Crossings
    overlapping: np.ndarray
    nested: np.ndarray


def bodies_of(points: np.ndarray, faces: np.ndarray) -> Bodies:
    """Examine the shells of a mesh whose vertices are joined: points (n, 3) float64, faces (F, 3) int32."""
    shells = shells_of(points, faces, len(faces))
    m = measures_of(points, faces, shells)
    looks, _ = inward(points, faces, shells, m)
    every = np.arange(len(faces))
    crossings = BoxTree.of(points, faces, every).crossed_by(every, shells.label, other=False)
    crossing = _distinct_pairs(np.sort(shells.label[crossings.pairs], axis=1), shells.count)
    crossing = crossing[crossing[:, 0] != crossing[:, 1]]
    share, inside = _shared(points, faces, shells, m, looks)
    apart = ~_among(share, crossing)
    nested = share[inside & apart]
    overlapping = _distinct_pairs(np.concatenate([crossing, np.sort(share[~inside & apart], axis=1)]), shells.count)
    return Bodies(shells, m, looks, crossings, overlapping, nested)


def _distinct_pairs(pairs: np.ndarray, n: int) -> np.ndarray:
    """Return the pairs of numbers below n that occur: (p, 2) int64, ascending."""
    found, _ = distinct(pairs[:, 0].astype(np.int64) * n + pairs[:, 1])
    return np.stack([found // max(n, 1), found % max(n, 1)], axis=1)


def _among(pairs: np.ndarray, others: np.ndarray) -> np.ndarray:
    known = {tuple(p) for p in others.tolist()}
    return np.array([tuple(sorted(p)) in known for p in pairs.tolist()], dtype=bool)


def _shared(points: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures, looks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probe a few points just below the surface of each shell: pairs (p, 2) of a shell and one it has points in, and whether all are."""
    solid = np.flatnonzero((looks != CAVITY) & ~m.hollow)
    pairs = _boxes_meet(solid, m)
    if len(pairs) == 0:
        return pairs, np.zeros(0, bool)
    probes = dict(_probes(points, faces, shells, distinct(pairs[:, 0])[0], looks, m))
    many = np.array([len(probes[a]) for a in pairs[:, 0].tolist()])
    at = np.concatenate([probes[a] for a in pairs[:, 0].tolist()])
    winding = winding_at(points, faces, at, shells.label, np.repeat(pairs[:, 1], many))
    in_it = np.add.reduceat(winding != 0, np.cumsum(many) - many)
    inner, outer = m.box_um[pairs[:, 0]], m.box_um[pairs[:, 1]]
    held = ((outer[:, 0] <= inner[:, 0]) & (outer[:, 1] >= inner[:, 1])).all(axis=1)
    return pairs[in_it > 0], ((in_it == many) & held)[in_it > 0]


def _boxes_meet(solid: np.ndarray, m: Measures) -> np.ndarray:
    """Ordered pairs of shells whose boxes overlap: (p, 2)."""
    pairs = [np.zeros((0, 2), np.int64)]
    total = 0
    for a in solid:
        b = solid[((m.box_um[solid, 0] < m.box_um[a, 1]) & (m.box_um[solid, 1] > m.box_um[a, 0])).all(axis=1)]
        b = b[b != a]
        pairs.append(np.stack([np.full(len(b), a), b], axis=1))
        total += len(b)
        if total > MOST_PAIRS:
            break
    return np.concatenate(pairs)


def _probes(
    points: np.ndarray, faces: np.ndarray, shells: Shells, which: np.ndarray, looks: np.ndarray, m: Measures
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield points (s, 3) a little below the largest faces of each shell of `which`."""
    order = np.argsort(shells.label, kind="stable")
    ends = np.cumsum(np.bincount(shells.label, minlength=shells.count))
    for shell in which.tolist():
        mine = order[ends[shell - 1] if shell else 0 : ends[shell]]
        _, middle, normal, _ = largest(points[faces[mine]], SAMPLES)
        outward = (looks[shell] == TURN) == m.turned
        inset = INSET * float(np.ptp(m.box_um[shell], axis=0).max()) * (-1 if outward else 1)
        yield shell, middle + inset * normal


def body_findings(bodies: Bodies, source: str) -> list[Finding]:
    """Say what is doubtful about the shells."""
    m, c = bodies.measures, bodies.crossings
    found = []
    own = int((bodies.shells.label[c.pairs[:, 0]] == bodies.shells.label[c.pairs[:, 1]]).sum())
    if own:
        text = "pairs of triangles of one body pass through one another: masks unite what it encloses"
        found.append(
            _finding("self-intersection", "warning", own, "pairs", c.box_um[None], text + ("" if c.complete else "; there may be more"))
        )
    if len(bodies.overlapping):
        a, b = bodies.overlapping.T
        boxes = np.stack([np.maximum(m.box_um[a, 0], m.box_um[b, 0]), np.minimum(m.box_um[a, 1], m.box_um[b, 1])], axis=1)
        found.append(_finding("overlapping-bodies", "warning", len(a), "pairs", boxes, "pairs of bodies overlap: their union is printed"))
    inner, _ = distinct(bodies.nested[:, 0])
    if len(inner):
        text = "bodies lie wholly inside another: it is printed solid; turn those that were meant as cavities"
        found.append(_finding("nested-bodies", "warning", len(inner), "bodies", m.box_um[inner], text))
    cavities, turn = np.flatnonzero(bodies.looks == CAVITY), np.flatnonzero(bodies.looks == TURN)
    if len(cavities):
        text = f"closed cavities, {float(-m.volume_um3[cavities].sum()) * 1e-9:.4g} mm³ in all: resin stays inside"
        found.append(_finding("cavities", "info", len(cavities), "bodies", m.box_um[cavities], text))
    if len(turn):
        text = "bodies look inward without lying wholly inside another; turn their normals"
        found.append(_finding("reversed-bodies", "warning", len(turn), "bodies", m.box_um[turn], text))
    return [msgspec.structs.replace(f, message=f"{source}: {f.message}") for f in found]


def _finding(code: str, severity: Severity, count: int, unit: str, boxes: np.ndarray, text: str) -> Finding:
    """Make a finding of how many of what, over the box around `boxes` (n, 2, 3)."""
    low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    box = (tuple(low.tolist()), tuple(high.tolist()))
    return Finding(code=code, severity=severity, message=f"{count} {text}", box_um=box, value=float(count), limit=0.0, unit=unit)
