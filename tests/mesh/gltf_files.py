"""GLB and OFF files written by hand, and where their nodes put points: the other side of the tests of their readers."""

import json
import math
import struct

import numpy as np

CODES = {"B": 5121, "H": 5123, "I": 5125, "f": 5126, "b": 5120, "h": 5122}


class Glb:
    """A file in the making: `tree` is its JSON, changed at will before `content`."""

    def __init__(self):
        self.data = b""
        self.tree = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": [], "meshes": []}
        self.tree |= {"accessors": [], "bufferViews": [], "buffers": [{"byteLength": 0}]}

    def array(self, values, code, kind, stride=0):
        """Append numbers; return the number of their accessor. With a stride, other bytes lie between."""
        values = np.asarray(values, f"<{np.dtype(code).char if code != 'f' else 'f4'}")
        rows = [row.tobytes() for row in values.reshape(len(values), -1)]
        raw = b"".join(row.ljust(stride, b"\xaa") for row in rows)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)} | ({"byteStride": stride} if stride else {})
        self.data += raw + bytes(-len(raw) % 4)
        self.tree["buffers"][0]["byteLength"] = len(self.data)
        self.tree["bufferViews"].append(view)
        self.tree["accessors"].append(
            {"bufferView": len(self.tree["bufferViews"]) - 1, "componentType": CODES[code], "type": kind, "count": len(values)}
        )
        return len(self.tree["accessors"]) - 1

    def primitive(self, vertices, indices=None, code="I", mode=None, stride=0):
        made = {"attributes": {"POSITION": self.array(vertices, "f", "VEC3", stride)}}
        if indices is not None:
            made["indices"] = self.array(np.asarray(indices).reshape(-1), code, "SCALAR")
        return made if mode is None else made | {"mode": mode}

    def mesh(self, *primitives):
        self.tree["meshes"].append({"primitives": list(primitives)})
        return len(self.tree["meshes"]) - 1

    def node(self, root=True, **what):
        self.tree["nodes"].append(what)
        if root:
            self.tree["scenes"][0]["nodes"].append(len(self.tree["nodes"]) - 1)
        return len(self.tree["nodes"]) - 1

    def content(self):
        return packed(self.tree, self.data)


def packed(tree, data, version=2):
    head = (tree if isinstance(tree, bytes) else json.dumps(tree).encode()).ljust(4)
    head += b" " * (-len(head) % 4)
    body = struct.pack("<I4s", len(head), b"JSON") + head + (struct.pack("<I4s", len(data), b"BIN\0") + data if data else b"")
    return struct.pack("<4s2I", b"glTF", version, 12 + len(body)) + body


def of_solid(solid, **node):
    """A file of one solid, its µm taken for metres · 1e-6."""
    made = Glb()
    made.node(mesh=made.mesh(made.primitive(solid.vertices_um * 1e-6, solid.faces)), **node)
    return made


def matrix_of(node):
    """Local transform of a node: (4, 4), column vectors, in plain Python."""
    if "matrix" in node:
        return np.array(node["matrix"], float).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    out = np.eye(4)
    out[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)))
    out[:3, 3] = node.get("translation", (0, 0, 0))
    return out


def placed(tree):
    """Yield (mesh, matrix) of every node of the scene that has one."""

    def below(number, outer):
        node = tree["nodes"][number]
        matrix = outer @ matrix_of(node)
        if "mesh" in node:
            yield node["mesh"], matrix
        for child in node.get("children", []):
            yield from below(child, matrix)

    for root in tree["scenes"][tree.get("scene", 0)]["nodes"]:
        yield from below(root, np.eye(4))


def about(axis, degrees):
    """Quaternion (x, y, z, w)."""
    half = math.radians(degrees) / 2
    unit = np.array(axis, float) / np.linalg.norm(axis)
    return [*(unit * math.sin(half)).tolist(), math.cos(half)]


def off(vertices, polygons, header="OFF"):
    lines = [header, f"{len(vertices)} {len(polygons)} 0", *(" ".join(repr(float(c)) for c in v) for v in vertices)]
    return "\n".join([*lines, *(" ".join(map(str, [len(p), *p])) for p in polygons), ""]).encode()
