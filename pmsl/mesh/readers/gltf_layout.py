"""What the scene of a glTF file shows: nodes, primitives and where their numbers lie, held against the size of the data."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from pmsl.mesh.readers.gltf_schema import Accessor, Gltf, Node, Primitive
from pmsl.mesh.readers.scene import DEEPEST, MOST_TRIANGLES
from pmsl.mesh.trimesh_exchange import check_counts

FLOAT, INDEX_BYTES = 5126, {5121: 1, 5123: 2, 5125: 4}  # component types of positions and of indices
TRIANGLES, STRIP = 4, 5
MODES = {0: "points", 1: "lines", 2: "line loop", 3: "line strip", 6: "triangle fan"}
MOST_REPEATED_BYTES = 64 << 20  # and eight times the file: how much of it arrays may share
HARMLESS = ("KHR_materials_", "KHR_texture_", "KHR_lights_", "KHR_xmp", "EXT_texture_", "KHR_animation_")  # how it looks, not where it is
INSTANCING = "EXT_mesh_gpu_instancing"
PLAIN = "export plain, uncompressed triangles"


class GltfError(Exception):
    """Something the file says that does not fit the rest of it, or that is not read; `remedy` is what to do."""

    def __init__(self, what: str, remedy: str = "export it again") -> None:
        self.remedy = remedy
        super().__init__(what)


class BufferSlice(NamedTuple):
    """Bytes of the binary chunk: the first, how many, and from one element to the next (0: side by side)."""

    first: int
    size: int
    stride: int


class GltfLayout:
    """The scene of a file, checked.

    Attributes
    ----------
    pieces : list of BufferSlice
        Data of the arrays in `tree`, each once.
    n_triangles : int
        Triangles the scene shows, every instance counted.
    left_out : Counter
        Primitives in it that are no triangles, by kind.
    unused : int
        Meshes of the file that are not in it.
    extensions : list of str
        What is used of them and might change the shape.

    Raises
    ------
    Misfit, MeshError
    """

    def __init__(self, gltf: Gltf, n_bytes: int, name: str) -> None:
        self._gltf, self._n_bytes, self._name = gltf, n_bytes, name
        self.pieces: list[BufferSlice] = []
        self.left_out: Counter[str] = Counter()
        self.extensions = sorted({name for name in gltf.extensions_used if not name.startswith(HARMLESS)})
        self._accessors: dict[tuple[int, bool], int] = {}
        self._arrays: list[dict[str, Any]] = []
        self._meshes: list[dict[str, Any]] = []
        self._primitives: dict[int, tuple[list[int], int]] = {}  # of each mesh: those of `_meshes` it became, and triangles
        needed = [name for name in gltf.extensions_required if not name.startswith(HARMLESS)]
        if needed or INSTANCING in gltf.extensions_used:
            raise GltfError(f"needs the extension {(needed or [INSTANCING])[0][:60]!r}, which is not read", PLAIN)
        self._order = self._walk()
        shown = Counter(gltf.nodes[i].mesh for i in self._order)
        del shown[None]
        self.unused = len(gltf.meshes) - len(shown)
        self._check_vertices([i for i in shown if i is not None])
        for index in shown:
            assert index is not None
            self._primitives[index] = self._read_mesh(index, shown[index])
        counts = [(times, *self._primitives[index]) for index, times in shown.items() if index is not None]
        self.n_triangles = sum(times * triangles for times, _, triangles in counts)
        self._check_sizes(sum(times * len(meshes) for times, meshes, _ in counts), sum(triangles for *_, triangles in counts))

    def _check_sizes(self, instances: int, own: int) -> None:
        if not self.n_triangles:
            raise GltfError("its scene shows no triangle; nothing to slice")
        check_counts(self._name, instances, self.n_triangles, own)
        if sum(piece.size for piece in self.pieces) > 8 * self._n_bytes + MOST_REPEATED_BYTES:
            raise GltfError("its arrays lie over one another many times")

    def _walk(self) -> list[int]:
        """Return the nodes of the scene, parents first; each is there once."""
        gltf = self._gltf
        if gltf.scenes:
            roots = _item(gltf.scenes, gltf.scene, "scene").nodes
        else:
            below = {child for node in gltf.nodes for child in node.children}
            roots = [i for i in range(len(gltf.nodes)) if i not in below]
        order: list[int] = []
        seen: set[int] = set()
        level = roots
        for _ in range(DEEPEST):
            for i in level:
                if i in seen:
                    raise GltfError(f"node {i} is in its scene twice; nodes are a tree")
                seen.add(i)
                _check_node(_item(gltf.nodes, i, "node"), i)
            order += level
            level = [child for i in level for child in gltf.nodes[i].children]
            if not level:
                return order
        raise GltfError(f"nodes are nested too deep: more than {DEEPEST} in one another")

    def _check_vertices(self, meshes: list[int]) -> None:
        """Refuse more vertices than may be held, counted for every primitive that shares them."""
        total = 0
        for index in meshes:
            for primitive in _item(self._gltf.meshes, index, "mesh").primitives:
                if primitive.mode in (TRIANGLES, STRIP):
                    total += _item(self._gltf.accessors, primitive.attributes.get("POSITION", -1), "accessor of positions").count
        if total > 3 * max(MOST_TRIANGLES, self._n_bytes // 12):
            raise GltfError(f"has {total} vertices, counted for each primitive; the limit is {3 * MOST_TRIANGLES}", "save it as one mesh")

    def _read_mesh(self, index: int, times: int) -> tuple[list[int], int]:
        mesh = self._gltf.meshes[index]
        if any(mesh.weights):
            raise GltfError(f"mesh {index} is moved by morph targets", "apply them (shape keys) before exporting")
        made, triangles = [], 0
        for primitive in mesh.primitives:
            if primitive.mode in MODES and primitive.mode != 6:
                self.left_out[MODES[primitive.mode]] += times
                continue
            if primitive.mode not in (TRIANGLES, STRIP):
                raise GltfError(f"mesh {index} has a {MODES.get(primitive.mode, 'primitive of an unknown mode')}, which is not read", PLAIN)
            plain, count = self._read_primitive(primitive, index)
            if count:
                made.append(len(self._meshes))
                self._meshes.append({"primitives": [plain]})
                triangles += count
        return made, triangles

    def _read_primitive(self, primitive: Primitive, index: int) -> tuple[dict[str, Any], int]:
        position = primitive.attributes["POSITION"]
        corners = self._gltf.accessors[position].count
        plain: dict[str, Any] = {"mode": primitive.mode, "attributes": {"POSITION": self._array(position, False, index)}}
        if primitive.indices is not None:
            corners = _item(self._gltf.accessors, primitive.indices, "accessor of indices").count
            plain["indices"] = self._array(primitive.indices, True, index)
        if primitive.mode == TRIANGLES and corners % 3:
            raise GltfError(f"mesh {index} has triangles of {corners} corners, which is no multiple of 3")
        return plain, corners // 3 if primitive.mode == TRIANGLES else max(corners - 2, 0)

    def _array(self, number: int, indices: bool, mesh: int) -> int:
        """Return the number that an accessor has from here on; its data is one piece."""
        if (number, indices) not in self._accessors:
            self._accessors[number, indices] = len(self._arrays)
            accessor = self._gltf.accessors[number]
            what = f"accessor {number} (mesh {mesh})"
            if accessor.sparse is not None or accessor.buffer_view is None:
                raise GltfError(f"{what} is sparse or compressed", PLAIN)
            kind = (accessor.type, accessor.component_type)
            if kind[0] != ("SCALAR" if indices else "VEC3") or (kind[1] not in INDEX_BYTES if indices else kind[1] != FLOAT):
                wanted = "whole numbers (indices)" if indices else "three floats each (positions)"
                raise GltfError(f"{what} is {accessor.type[:20]!r} of type {accessor.component_type}, not {wanted}", PLAIN)
            self.pieces.append(self._piece(accessor, INDEX_BYTES[kind[1]] if indices else 12, what))
            self._arrays.append(
                {"bufferView": len(self._arrays), "componentType": kind[1], "type": kind[0], "count": accessor.count},
            )
        return self._accessors[number, indices]

    def _piece(self, accessor: Accessor, item: int, what: str) -> BufferSlice:
        assert accessor.buffer_view is not None
        view = _item(self._gltf.buffer_views, accessor.buffer_view, "buffer view")
        buffer = _item(self._gltf.buffers, view.buffer, "buffer")
        if view.buffer != 0 or buffer.uri is not None:
            raise GltfError(f"{what} lies outside the file", "export it as one GLB file with all data in it")
        stride = item if view.byte_stride is None else view.byte_stride
        size = (accessor.count - 1) * stride + item
        low = min(accessor.byte_offset, view.byte_offset, accessor.count - 1, stride - item)
        if low < 0 or accessor.byte_offset + size > view.byte_length or view.byte_offset + view.byte_length > self._n_bytes:
            raise GltfError(f"{what} with {accessor.count} elements does not lie within its {self._n_bytes} bytes of data")
        return BufferSlice(view.byte_offset + accessor.byte_offset, size, 0 if stride == item else stride)

    def tree(self) -> dict[str, Any]:
        """Return the scene as glTF again, its moves in µm; nodes with a mesh of several primitives have a node for each."""
        new = {old: i for i, old in enumerate(self._order)}
        nodes: list[dict[str, Any]] = []
        extra: list[dict[str, Any]] = []
        for old in self._order:
            node = self._gltf.nodes[old]
            places = _placed_um(node)
            meshes = self._primitives[node.mesh][0] if node.mesh is not None else []
            children = [new[child] for child in node.children]
            if len(meshes) > 1:
                children += range(len(self._order) + len(extra), len(self._order) + len(extra) + len(meshes))
                extra += [{"mesh": i} for i in meshes]
            below = ({"children": children} if children else {}) | ({"mesh": meshes[0]} if len(meshes) == 1 else {})
            nodes.append(places | below)
        held = {child for node in self._order for child in self._gltf.nodes[node].children}
        roots = [new[old] for old in self._order if old not in held]
        return {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": roots}],
            "nodes": nodes + extra,
            "meshes": self._meshes,
            "accessors": self._arrays,
        }


def _item(items: list[Any], index: int, what: str) -> Any:
    if not 0 <= index < len(items):
        raise GltfError(f"{what} {index} is used, and it has {len(items)} of them")
    return items[index]


def _placed_um(node: Node) -> dict[str, Any]:
    """Return the transform of a node, what it moves by in µm."""
    places = {key: getattr(node, key) for key in ("matrix", "translation", "rotation", "scale") if getattr(node, key) is not None}
    if node.translation is not None:
        places["translation"] = [1e6 * t for t in node.translation]
    if node.matrix is not None:
        places["matrix"] = [1e6 * m if 12 <= i < 15 else m for i, m in enumerate(node.matrix)]
    return places


def _check_node(node: Node, index: int) -> None:
    if node.skin is not None or any(node.weights):
        raise GltfError(
            f"node {index} is moved by a skeleton or by morph targets", "apply modifiers, armatures and shape keys before exporting"
        )
    if node.matrix is not None and (len(node.matrix) != 16 or (node.translation or node.rotation or node.scale)):
        raise GltfError(f"node {index} has a matrix of {len(node.matrix)} numbers, or other transforms beside it; it may have 16 and none")
    if node.rotation is not None and abs(sum(q * q for q in node.rotation) - 1) > 1e-2:
        raise GltfError(f"node {index} is turned by the quaternion {node.rotation}, whose length is not 1")
    if INSTANCING in node.extensions:
        raise GltfError(f"node {index} uses the extension {INSTANCING}, which is not read", PLAIN)
