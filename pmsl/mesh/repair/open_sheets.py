"""Open surfaces that enclose nothing: left out where what is solid is known without them, else a reason to refuse the mesh."""

from __future__ import annotations

import numpy as np

from pmsl.errors import MeshError
from pmsl.mesh.repair.weld import farther
from pmsl.mesh.repair.welded_surface import Surface
from pmsl.mesh.shells.shells import Measures, Shells, measures_of, shells_of
from pmsl.mesh.shells.winding import winding_at

INVENTED = 0.4  # share of a shell's surface that closing holes added, above which nobody can know what was meant
LOST = 0.05  # share of all surface that may be in sheets, whatever they are
MOST_LOST = 0.5  # and that may be in them where the bodies are whole


def drop_sheets(surface: Surface, shells: Shells, source: str, weld_um: float) -> None:
    """Take out shells that are sheets: they enclose nothing, or most of what would close them was never there.

    Parameters
    ----------
    surface : Surface
        Its holes are closed.
    shells : Shells
    source : str
        Name for messages.
    weld_um : float
        How far vertices were joined [µm].

    Raises
    ------
    MeshError
        Nothing is closed, or what is solid cannot be known without the sheets.
    """
    m = measures_of(surface.points, surface.faces(), shells)
    a, b, c = (surface.points[surface.corners[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    added = np.bincount(shells.label, area * surface.added, shells.count)
    sheet = m.hollow | (added > INVENTED * m.area_um2)
    if not sheet.any():
        return
    mine = sheet[shells.label] & ~surface.added
    own = np.bincount(shells.label, area * ~surface.added, shells.count)
    lost, whole = float(own[sheet].sum()), float(own.sum())
    if sheet.all() or not _known_without(surface, shells, m, sheet, own, added):
        raise MeshError(
            f"{source}: {int(sheet.sum())} open surfaces, {100 * lost / max(whole, 1e-300):.3g} % of the mesh, enclose no volume: "
            f"what is solid cannot be known. Close them in the program that made them{_gaps(surface, weld_um)}"
        )
    if mine.any():
        count = shells_of(surface.points, surface.faces()[mine], len(mine)).count
        text = f"of {count} open surfaces, {lost * 1e-6:.3g} mm², enclose no volume; left out"
        surface.note("sheets", int(mine.sum()), "faces", surface.corners[mine], text)
    surface.keep(~sheet[shells.label])


def _known_without(surface: Surface, shells: Shells, m: Measures, sheet: np.ndarray, own: np.ndarray, added: np.ndarray) -> bool:
    """Tell that what is solid is known without the sheets; `own` and `added` are areas by shell, of the file and of closed holes.

    It is where they are few. And where the bodies are whole by themselves and each sheet that could be what is left of a surface lies in
    one of them and does not look inward, as a cavity would.
    """
    whole = own.sum()
    if own[sheet].sum() <= LOST * whole:
        return True
    if added[~sheet].sum() > LOST * own[~sheet].sum() or own[sheet].sum() > MOST_LOST * whole:
        return False
    doubtful = sheet & ~m.hollow
    bodies = np.flatnonzero(~sheet & (m.volume_um3 > 0))
    for one in np.flatnonzero(doubtful & (m.volume_um3 > 0)):
        low, high = m.box_um[one]
        around = bodies[(m.box_um[bodies, 0] <= low).all(axis=1) & (m.box_um[bodies, 1] >= high).all(axis=1)]
        doubtful[one] = not _inside(surface, shells, int(m.widest[one]), around)
    return bool(own[doubtful].sum() <= LOST * whole)


def _inside(surface: Surface, shells: Shells, face: int, bodies: np.ndarray) -> bool:
    """Tell whether the middle of a face lies in one of the bodies."""
    middle = surface.points[surface.corners[face]].mean(axis=0)
    return bool((winding_at(surface.points, surface.faces(), np.tile(middle, (len(bodies), 1)), shells.label, bodies) != 0).any())


def _gaps(surface: Surface, weld_um: float) -> str:
    """Say how far vertices would have to be joined, where that would close most of what was open."""
    rest = ~surface.added
    level = farther(surface.points, surface.corners[rest], weld_um)
    return "" if level is None else f", or join corners up to {level:.3g} µm apart, if they are meant to be one: --weld-um {level:.3g}"
