"""Files to Solid: read a mesh, refuse what is damaged, say what is doubtful.

    STL  OBJ  PLY  3MF  OFF  GLB
      └────┴────┴─┬──┴────┴────┘
                load ──► Solid (µm) ──► health, when asked

Every reader gets the bytes of the file and a unit, and returns a `RawMesh` in µm or raises a
MeshError. Vertices are kept as the file has them: nothing is merged, moved or dropped.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.mesh.load import load_solid

_HOMES = homes_in(__name__, load="load_solid")
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["load_solid"]
