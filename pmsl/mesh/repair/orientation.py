"""Shells that look inward: cavities that meet are cut out together, and what is no cavity is turned."""

from __future__ import annotations

import numpy as np

from pmsl.errors import MeshError
from pmsl.mesh.repair.welded_surface import Box, Change
from pmsl.mesh.shells.crossing_cavities import MOST, Hollowed, hollowed, meet
from pmsl.mesh.shells.shells import CAVITY, OUTWARD, TURN, Measures, Shells, inward


def oriented_faces(
    vertices: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures, source: str, slack_um: float = 0.0
) -> tuple[np.ndarray, np.ndarray, list[Change]]:
    """Cut cavities that meet out of the bodies, and turn shells that look inward and are no cavities.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int32
        Of a closed mesh.
    shells, m
        As `pmsl.mesh.shells.shells.shells_of` and `measures_of` give them.
    source : str
        Name used in messages.
    slack_um : float
        How far corners may have been joined where cracks were closed [µm].

    Returns
    -------
    vertices, faces
        As they came where nothing was changed.
    list of Change

    Raises
    ------
    MeshError
        No triangle has an area, cavities that meet cannot be united, or they leave nothing of the bodies.
    """
    if not m.area_um2.any():
        raise MeshError(f"{source}: no triangle has an area; nothing to print. Export the mesh again")
    looks = inward(vertices, faces, shells, m)[0]
    if (looks == OUTWARD).all():
        return vertices, faces, []
    turn = looks == TURN
    if meet(vertices, faces, shells, m, looks):
        whole = hollowed(vertices, faces, m.turned, slack_um)
        if whole is None and (looks == CAVITY).any():
            raise MeshError(_why_not_united(source, len(faces), _around(m, looks != OUTWARD), slack_um))
        if whole is not None and whole.cavities:
            return _hollowed(whole, source)
        turn = looks != OUTWARD
    if not turn.any():
        return vertices, faces, []
    mine = turn[shells.label]
    faces = np.where(mine[:, None], faces[:, ::-1], faces)
    return vertices, faces, [_turned(int(turn.sum()), _around(m, turn))]


def _around(m: Measures, which: np.ndarray) -> np.ndarray:
    return np.stack([m.box_um[which, 0].min(axis=0), m.box_um[which, 1].max(axis=0)])


def _why_not_united(source: str, count: int, box_um: np.ndarray, slack_um: float) -> str:
    low, high = (", ".join(f"{x:.6g}" for x in corner) for corner in box_um.tolist())
    if count > MOST:
        why = f"the mesh has {count} triangles, and of more than {MOST} that would take too long"
    else:
        why = "one of their shells folds over or is no closed surface"
        if slack_um > 0:
            why += f", now that cracks are closed as far as {slack_um:.3g} µm allow: they are too wide for triangles of that size"
    return (
        f"{source}: cavities (shells that look inward) between ({low}) and ({high}) µm meet one another or lie across several bodies, and "
        f"cannot be united: {why}. Unite them where the mesh was made"
    )


def _turned(count: int, box_um: np.ndarray) -> Change:
    return Change("shells", count, "shells", box_of(box_um), "looked inward without lying wholly inside another; turned")


def box_of(box_um: np.ndarray) -> Box:
    """Return a box (2, 3) as tuples."""
    low, high = box_um.tolist()
    return tuple(low), tuple(high)


def _hollowed(whole: Hollowed, source: str) -> tuple[np.ndarray, np.ndarray, list[Change]]:
    """Say what was done about cavities that cross, repeat or nest, or lie across several bodies."""
    if len(whole.faces) == 0:
        raise MeshError(
            f"{source}: the shells that look inward take away all that the others enclose: no volume is left to print. "
            "Turn the normals of those that are meant as material"
        )
    box, changes = box_of(whole.box_um), []
    if whole.copies:
        changes.append(Change("duplicate-faces", whole.copies, "faces", box, "repeat another face; taken out"))
    if whole.cavities:
        text = "cross, repeat, nest, touch or lie across several bodies: their union is left out of that of the bodies"
        changes.append(Change("cavities", whole.cavities, "cavities", box, text))
    if whole.reaching:
        text = "reach into a cavity of another one: what of them lies in it is left out; give them as a file of their own to keep it"
        changes.append(Change("bodies-in-cavities", whole.reaching, "bodies", box, text))
    if whole.turned:
        changes.append(_turned(whole.turned, whole.turned_box_um))
    return whole.points, whole.faces, changes
