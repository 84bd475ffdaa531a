"""PLY, ASCII and binary of both byte orders: the vertices and the faces, every element checked for size.

Read by us because checking is nearly all of it, and because trimesh takes a short ASCII file for a whole
one and refuses binary files that mix triangles and quads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.ply_data import AsciiBody, BinaryBody, PlyDamage
from pmsl.mesh.reading import UNITS_UM, RawMesh, plain_text

TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
    **dict.fromkeys(("int64", "long"), "i8"),
    **dict.fromkeys(("uint64", "ulong"), "u8"),
}
"""
PLACEHOLDER
"""
