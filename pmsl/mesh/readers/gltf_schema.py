"""What of a glTF 2.0 file decides its shape, as structs that msgspec fills and checks; all else in it is not read."""

from __future__ import annotations

from typing import Any

import msgspec

Index = int | None


class _Table(msgspec.Struct, rename="camel"):
    """Names in glTF are camelCase; what is not named here is not read."""


class Accessor(_Table):
    """An array of numbers in a buffer view."""

    count: int
    component_type: int
    type: str
    buffer_view: Index = None
    byte_offset: int = 0
    sparse: Any = None


class View(_Table):
    """A range of a buffer."""

    buffer: int
    byte_length: int
    byte_offset: int = 0
    byte_stride: Index = None


class Primitive(_Table):
    """Triangles, or what else a mode says."""

    attributes: dict[str, int]
    indices: Index = None
    mode: int = 4  # triangles


class Mesh(_Table):
    """Primitives; with weights, moved from where they are by its morph targets."""

    primitives: list[Primitive]
    weights: list[float] = []


class Node(_Table):
    """A place in the scene, relative to the node above."""

    mesh: Index = None
    children: list[int] = []
    matrix: tuple[float, ...] | None = None
    translation: tuple[float, float, float] | None = None
    rotation: tuple[float, float, float, float] | None = None
    scale: tuple[float, float, float] | None = None
    skin: Index = None
    weights: list[float] = []
    extensions: dict[str, Any] = {}


class Scene(_Table):
    """Root nodes."""

    nodes: list[int] = []


class Buffer(_Table):
    """Data; of a GLB the first one without an address is its binary chunk."""

    byte_length: int
    uri: str | None = None


class Gltf(_Table):
    """What decides the shape, of all that a glTF file says."""

    scene: int = 0
    scenes: list[Scene] = []
    nodes: list[Node] = []
    meshes: list[Mesh] = []
    accessors: list[Accessor] = []
    buffer_views: list[View] = []
    buffers: list[Buffer] = []
    extensions_used: list[str] = []
    extensions_required: list[str] = []
