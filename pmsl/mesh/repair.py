"""What a mesh needs before it can be printed, done and said. A sound mesh pays one pass over its triangles.

    closed, one shell ──────────────────────────► as it is
    closed, shells ──► which look inward? ──────► cavities stay, others are turned; those that meet are united
    not closed ──► join, drop, agree, close ──┘

Closed shells are left as they are where they overlap: masks unite them exactly.
"""

from __future__ import annotations

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.parallel import in_blocks
from pmsl.core.part import Solid
from pmsl.errors import MeshError, UsageError
from pmsl.mesh.shells import FEW, NOTHING, inverse_copies, measures_of, one_closed_body, shells_of
from pmsl.mesh.weld_bound import bound_um

WAYS = ("auto", "none", "strict")
LARGEST_UM = 1e12  # what is larger no field takes; its squares might overflow
# findings of health that masks or a boolean take care of
NEED_UNION = ("overlapping-bodies", "nested-bodies", "self-intersection", "duplicate-faces")


def repaired(solid: Solid, repair: str = "auto", weld_um: float | None = None, pixel_um: float | None = None) -> Solid:
    """Return the solid as it can be printed.

    Parameters
    ----------
    solid : Solid
    repair : {"auto", "none", "strict"}
        "auto" closes, unites and turns what needs it, and says so in `findings` and `repairs`; "none" leaves the mesh as it
        is (contours with gaps are closed, layer by layer); "strict" refuses a mesh that needs anything.
    weld_um : float, optional
        How far vertices at which the surface ends may be joined [µm of the mesh], 0 for not at all; by default a twentieth of
        `pixel_um`. Never further than a tenth of the thinnest wall or gap nearby.
    pixel_um : float, optional
        A pixel, as large as it is on the mesh; by default that of the printer which is used where none is named.

    Returns
    -------
    Solid
        The same object where nothing was changed.

    Raises
    ------
    UsageError
        `repair` is none of these, or `weld_um` no length.
    MeshError
        Nothing in the mesh encloses a volume, or too much of it is missing to know what was meant; with "strict" anything.
    """
    if repair not in WAYS:
        raise UsageError(f"repair is {repair!r}; use one of {', '.join(WAYS)}")
    bound = min(bound_um(pixel_um), LARGEST_UM) if weld_um is None else weld_um
    if weld_um is not None and not 0 <= bound < LARGEST_UM:
        raise UsageError(f"--weld-um {bound:g}: must be a length from 0 [µm], how far vertices at open edges may be joined")
    if repair == "none":
        return solid
    known: float | None
    out: Solid
    known, out = solid._cache.get("repaired", (-1.0, solid))
    if known not in (None, bound):
        out = _repaired(solid, bound)
        solid._cache["repaired"] = (bound if "mended" in solid._cache else None, out)  # of a closed mesh the bound does not matter
    if repair == "strict":
        _refuse_any(solid, out)
    return out


def closed(solid: Solid) -> bool:
    """Tell whether every edge of a mesh has as many faces one way as the other; what repair has looked at is not looked at again."""
    if "closed" not in solid._cache:
        known = bool(solid.repairs) or solid._cache.get("repaired", (None, None))[1] is solid or one_closed_body(solid)
        if not known and "shells" not in solid._cache:
            solid._cache["shells"] = shells_of(solid.points_um(slice(None)), solid.faces_of(slice(0, solid.n_faces)))
        solid._cache["closed"] = known or solid._cache["shells"].closed
    return bool(solid._cache["closed"])


def _repaired(solid: Solid, weld_um: float) -> Solid:
    if solid.repairs or not np.abs(solid.bounds_um).max() < LARGEST_UM:
        return solid
    if one_closed_body(solid) and not _hides_shells(solid):
        return _mended(solid, weld_um) if _nothing_inside(solid) else solid
    vertices, faces = solid.points_um(slice(None)), solid.faces_of(slice(0, solid.n_faces))  # of a soup made here, and not kept
    shells = solid._cache["shells"] = shells_of(vertices, faces)
    if not shells.closed:
        return _mended(solid, weld_um)
    if len(faces) > FEW:
        if _hides_shells(solid):  # shells that the file does not list one after the other
            shells = solid._cache["shells"] = shells_of(vertices, faces, len(faces))
        elif shells.count == 1:
            return _mended(solid, weld_um) if _nothing_inside(solid) else solid
    m = measures_of(vertices, faces, shells)
    solid._cache["shell boxes"] = m.box_um
    copies = inverse_copies(vertices, faces, shells, m)
    if copies.any():
        from pmsl.mesh import mending

        return mending.without_inverse_copies(solid, vertices, faces, shells, m, copies)
    twice = (m.hollow & (m.area_um2 > 0)).any()  # every face twice, looking both ways: the sum of a row does not show it
    if not twice and m.area_um2.any() and (m.volume_um3 >= 0).all():
        return solid
    from pmsl.mesh import mending

    if twice:
        solid._cache["mended"] = True
    return mending.without_double_faces(solid, shells, m, weld_um) if twice else mending.oriented(solid, vertices, faces, shells, m)


def _hides_shells(solid: Solid) -> bool:
    from pmsl.mesh.interleaved import hidden  # only large meshes ask

    return hidden(solid)


def _mended(solid: Solid, weld_um: float) -> Solid:
    """Repair a mesh whose edges do not all meet in pairs."""
    from pmsl.mesh import mending  # a sound mesh needs none of it

    solid._cache["mended"] = True
    return mending.mended(solid, weld_um)


def _nothing_inside(solid: Solid) -> bool:
    """Tell that the signed volume of a closed mesh is next to nothing beside its box: its faces look both ways."""
    from pmsl.kernels import facets

    bounds = solid.bounds_um
    centre = frozen(bounds.mean(axis=0))
    volume = sum(in_blocks(lambda block: facets.signed_volume(*solid.triangles(block), centre), solid.n_faces))
    solid._cache["inside_out"] = bool(volume < 0)  # asked for next
    return bool(abs(volume) <= NOTHING * np.prod(bounds[1] - bounds[0]))


def _refuse_any(solid: Solid, out: Solid) -> None:
    """Refuse a mesh that needed repair."""
    needed = list(out.repairs)
    if solid.inside_out:
        needed.append("all faces look inward")
    needed += [f.message.removeprefix(f"{solid.source}: ") for f in solid.health.findings if f.code in NEED_UNION]
    if needed:
        raise MeshError(
            f"{solid.source}: needs repair, and --repair strict allows none: {'; '.join(needed)}. Mend the mesh, or use --repair auto"
        )
