"""MeshHealth: what is known about a solid beyond its triangles."""

from __future__ import annotations

import msgspec

from pmsl.core.finding import Finding


class MeshHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a solid beyond its triangles (computed only when asked).

    Attributes
    ----------
    watertight : bool
        Every edge is shared by exactly two faces.
    winding_consistent : bool
        Neighbouring faces run through their common edge in opposite directions.
    bodies : int
        Groups of faces connected across edges.
    volume_um3 : float
        Absolute value of the signed volume [µm³]; meaningful when watertight.
    findings : tuple of Finding
        What a user should know, positions in µm.
    """

    watertight: bool
    winding_consistent: bool
    bodies: int
    volume_um3: float
    findings: tuple[Finding, ...] = ()
