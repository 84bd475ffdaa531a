"""Meshes that are hard on a slicer: a gyroid, a channel chip, an array of needles, 3DBenchy as STL; made once, 5 mm high in the field.

All are binary STL in mm, so that every tool gets the same file. The gyroid needs scikit-image, chip and needles manifold3d.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import meshes
import numpy as np
from meshes import FIELD_MM, Mesh

HEIGHT_MM = 5.0
Arrays = tuple[np.ndarray, np.ndarray]


def gyroid() -> Mesh:
    """Return a gyroid lattice of 3.0 million triangles, one solid, about 24 000 segments a layer."""
    return _made("gyroid", _gyroid)


def channels() -> Mesh:
    """Return a box minus channels of 50 to 400 µm, ports and 60 µm posts' holes: 111 000 triangles."""
    return _made("chip", _channels)


def needles() -> Mesh:
    """Return 880 slender cones on a plate: 225 000 long thin triangles, 90 000 segments a layer."""
    return _made("needles", _needles)


def benchy() -> Mesh:
    """Return 3DBenchy, scaled to what fits the field, where it is at hand."""
    found = meshes.benchy()
    return found if found.path is None else _made("benchy", lambda: _fitted(found))


def _made(name: str, make: Callable[[], Arrays]) -> Mesh:
    path = meshes.folder() / f"{name}.stl"
    if not path.exists():
        try:
            vertices, faces = make()
        except ImportError as missing:
            return Mesh(name, None, f"{missing.name} is not installed")
        meshes.write_stl(path, vertices, faces)
    return Mesh(name, path)


def _fitted(mesh: Mesh) -> Arrays:
    """Scale to what fits the field or 5 mm height, and put it in the middle, on z = 0."""
    import pmsl

    assert mesh.path is not None
    solid = pmsl.load_solid(mesh.path)
    low, high = solid.bounds_um
    box = np.array([*FIELD_MM, HEIGHT_MM])
    factor = float((box / (high - low)).min())
    corner = 0.5 * (box - factor * (high - low)) * (1.0, 1.0, 0.0)
    return (solid.vertices_um - low) * factor + corner, solid.faces


def _gyroid(step: float = 0.06, period: float = 1.5, wall: float = 0.45, margin: tuple[float, float] = (0.9, 0.5)) -> Arrays:
    """Take the surface of wall > |gyroid function|, cut off at the box; samples lie off any symmetric place."""
    from skimage.measure import marching_cubes

    low = np.array([*margin, 0.0])
    high = np.array([FIELD_MM[0] - margin[0], FIELD_MM[1] - margin[1], HEIGHT_MM])
    first = low - step * np.array([1.37, 1.61, 1.43])
    axes = [np.arange(a, b + 2 * step, step) for a, b in zip(first, high, strict=True)]
    x, y, z = np.ix_(*axes)
    a, b, c = (v * (2 * np.pi / period) for v in (x, y, z))
    inside = wall - np.abs(np.sin(a) * np.cos(b) + np.sin(b) * np.cos(c) + np.sin(c) * np.cos(a))
    for v, from_, to in zip((x, y, z), low, high, strict=True):
        inside = np.minimum(inside, 4.0 * np.minimum(v - from_, to - v))
    vertices, faces, _, _ = marching_cubes(inside.astype(np.float32), 0.0)
    return _outward(vertices * step + first, faces)


def _outward(vertices: np.ndarray, faces: np.ndarray) -> Arrays:
    corners = vertices[faces]
    volume = np.einsum("ij,ij", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    return vertices, faces if volume > 0 else faces[:, ::-1]


def _channels() -> Arrays:
    import manifold3d

    box = _box((18.0, 10.0, HEIGHT_MM), (0.6, 0.4, 0.0))
    cuts = [*_serpentines(), *_ports(), *_posts()]
    return _arrays(box - manifold3d.Manifold.batch_boolean(cuts, manifold3d.OpType.Add))


def _serpentines() -> Iterator[Any]:
    """Yield channels as wide as high: twelve long ones a level, joined at their ends in turn."""
    for z, width in ((0.8, 0.05), (1.6, 0.1), (2.4, 0.2), (3.4, 0.4)):
        for i in range(12):
            y = 1.2 + 0.7 * i
            yield _box((15.6, width, width), (1.8, y, z))
            if i < 11:
                yield _box((width, 0.7 + width, width), (1.8 if i % 2 else 17.4 - width, y, z))


def _ports() -> Iterator[Any]:
    for i in range(24):
        x = 1.5 + 0.7 * i
        yield _cone(HEIGHT_MM + 1.0, 0.15, 0.15, 128, (x, 0.8, -0.5))
        yield _cone(HEIGHT_MM + 1.0, 0.05, 0.2, 128, (x, 10.0, -0.5))


def _posts() -> Iterator[Any]:
    for i in range(150):
        for j in range(3):
            yield _cone(0.5, 0.03, 0.03, 48, (2.0 + 0.1 * i, 4.9 + 0.12 * j, 4.0))


def _needles() -> Arrays:
    import manifold3d

    cones = [_cone(4.2, 0.2, 0.004, 64, (0.7 + 0.456 * i, 0.65 + 0.452 * j, 0.8)) for i in range(40) for j in range(22)]
    plate = _box((18.4, 10.0, 1.0), (0.4, 0.4, 0.0))
    return _arrays(manifold3d.Manifold.batch_boolean([plate, *cones], manifold3d.OpType.Add))


def _box(size: tuple[float, float, float], corner: tuple[float, float, float]) -> Any:
    import manifold3d

    return manifold3d.Manifold.cube(size).translate(corner)


def _cone(height: float, bottom: float, top: float, segments: int, foot: tuple[float, float, float]) -> Any:
    import manifold3d

    return manifold3d.Manifold.cylinder(height, bottom, top, segments).translate(foot)


def _arrays(solid: Any) -> Arrays:
    mesh = solid.to_mesh()
    return np.asarray(mesh.vert_properties)[:, :3], np.asarray(mesh.tri_verts)
