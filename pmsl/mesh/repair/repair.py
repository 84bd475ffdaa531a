"""What a mesh needs before it can be printed, done and said. A sound mesh pays one pass over its triangles.

    closed, one shell ──────────────────────────► as it is
    closed, shells ──► which look inward? ──────► cavities stay, others are turned; those that meet are united
    not closed ──► join, drop, agree, close ──┘

Closed shells are left as they are where they overlap: masks unite them exactly.
"""

from __future__ import annotations

from typing import TypeVar, cast

import numpy as np

from pmsl.errors import MeshError, UsageError
from pmsl.mesh.health_record import MeshHealth
from pmsl.mesh.repair.weld_bound import bound_um
from pmsl.mesh.shells.shells import FEW, NOTHING, arrays_of, inverse_copies, known_boxes_um, known_shells, measures_of, one_closed_body
from pmsl.mesh.solid_results import Repaired
from pmsl.mesh.triangle_mesh import TriangleMesh

WAYS = ("auto", "none", "strict")
LARGEST_UM = 1e12  # what is larger no field takes; its squares might overflow
# findings of health that masks or a boolean take care of
NEED_UNION = ("overlapping-bodies", "nested-bodies", "self-intersection", "duplicate-faces")


M = TypeVar("M", bound=TriangleMesh)


def repaired(solid: M, repair: str = "auto", weld_um: float | None = None, pixel_um: float | None = None) -> M:
    """Return the solid as it can be printed.

    Parameters
    ----------
    solid : TriangleMesh
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
    TriangleMesh
        The same object where nothing was changed.

    Raises
    ------
    UsageError
        `repair` is none of these, or `weld_um` no length.
    MeshError
        Nothing in the mesh encloses a volume, or too much of it is missing to know what was meant; with "strict" it needs repair.
    """
    if repair not in WAYS:
        raise UsageError(f"repair is {repair!r}; use one of {', '.join(WAYS)}")
    bound = min(bound_um(pixel_um), LARGEST_UM) if weld_um is None else weld_um
    if weld_um is not None and not 0 <= bound < LARGEST_UM:
        raise UsageError(f"--weld-um {bound:g}: must be a length from 0 [µm], how far vertices at open edges may be joined")
    if repair == "none":
        return solid
    known = solid.results.repaired
    if known is None or known.weld_um not in (None, bound):
        known = solid.results.repaired = _repaired(solid, bound)
    if repair == "strict":
        _refuse_any(solid, known.solid)
    return cast(M, known.solid)


def health(solid: TriangleMesh) -> MeshHealth:
    """Return what is found of a mesh as it is, and of what repair within the tolerance it was asked for makes of it; examined once."""
    if solid.results.health is None:
        from pmsl.mesh.health import examine

        known = solid.results.repaired
        try:
            mended: TriangleMesh | MeshError = repaired(solid) if known is None else known.solid
        except MeshError as err:
            mended = err
        solid.results.health = examine(solid, mended)
    return solid.results.health


def mark_repaired(solid: TriangleMesh, closed: bool) -> None:
    """Let a solid be known as repaired, once is enough, and as `closed` or not: who hands it over has looked."""
    solid.results.repaired, solid.results.closed = Repaired(solid, None), closed


def closed(solid: TriangleMesh) -> bool:
    """Tell whether every edge of a mesh has as many faces one way as the other; what repair has looked at is not looked at again."""
    if solid.results.closed is None:
        repaired_already = solid.results.repaired is not None and solid.results.repaired.solid is solid
        known = bool(solid.repairs) or repaired_already or one_closed_body(solid)
        solid.results.closed = known or known_shells(solid).closed
    return solid.results.closed


def _repaired(solid: TriangleMesh, weld_um: float) -> Repaired[TriangleMesh]:
    if solid.repairs or not np.abs(solid.bounds_um).max() < LARGEST_UM:
        return Repaired(solid, None)
    if one_closed_body(solid) and not _hides_shells(solid):
        return _mended(solid, weld_um) if _nothing_inside(solid) else Repaired(solid, None)
    vertices, faces = arrays_of(solid)
    shells = known_shells(solid, (vertices, faces), FEW)
    if not shells.closed:
        return _mended(solid, weld_um)
    if len(faces) > FEW:
        if _hides_shells(solid):  # shells that the file does not list one after the other
            shells = known_shells(solid, (vertices, faces), len(faces))
        elif shells.count == 1:
            return _mended(solid, weld_um) if _nothing_inside(solid) else Repaired(solid, None)
    m = measures_of(vertices, faces, shells)
    known_boxes_um(solid, m)
    copies = inverse_copies(vertices, faces, shells, m)
    if copies.any():
        from pmsl.mesh.repair import repair_steps

        return Repaired(repair_steps.without_inverse_copies(solid, vertices, faces, shells, m, copies), None)
    twice = (m.hollow & (m.area_um2 > 0)).any()  # every face twice, looking both ways: the sum of a row does not show it
    if not twice and m.area_um2.any() and (m.volume_um3 >= 0).all():
        return Repaired(solid, None)
    from pmsl.mesh.repair import repair_steps

    if twice:
        return Repaired(repair_steps.without_double_faces(solid, shells, m, weld_um), weld_um)
    return Repaired(repair_steps.oriented(solid, vertices, faces, shells, m), None)


def _hides_shells(solid: TriangleMesh) -> bool:
    from pmsl.mesh.shells.interleaved import hidden  # only large meshes ask

    return hidden(solid)


def _mended(solid: TriangleMesh, weld_um: float) -> Repaired[TriangleMesh]:
    """Repair a mesh whose edges do not all meet in pairs."""
    from pmsl.mesh.repair import repair_steps  # a sound mesh needs none of it

    return Repaired(repair_steps.mended(solid, weld_um), weld_um)


def _nothing_inside(solid: TriangleMesh) -> bool:
    """Tell that the signed volume of a closed mesh is next to nothing beside its box: its faces look both ways."""
    low, high = solid.bounds_um
    return bool(abs(solid.sextuple_volume_um3) <= NOTHING * np.prod(high - low))


def _refuse_any(solid: TriangleMesh, out: TriangleMesh) -> None:
    """Refuse a mesh that needed repair, or of which examination found that it will."""
    needed = list(out.repairs)
    if solid.inside_out:
        needed.append("all faces look inward")
    needed += [f.message.removeprefix(f"{solid.source}: ") for f in health(solid).findings if f.code in NEED_UNION]
    if needed:
        raise MeshError(
            f"{solid.source}: needs repair, and --repair strict allows none: {'; '.join(needed)}. Mend the mesh, or use --repair auto"
        )
