"""Meshes the benchmarks work on: made here once and kept in a temporary folder, or files that lie beside the package."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared" / "meshes"
SIZE_MM = (18.4, 10.2, 5.0)
FIELD_MM = (19.2, 10.8)
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


@dataclass(frozen=True)
class Mesh:
    """A mesh file, or the reason why there is none."""

    name: str
    path: Path | None
    skipped: str = ""
    fit: bool = False


def folder() -> Path:
    """Return the folder made meshes are kept in: PMSL_BENCH_CACHE, or one below the system's temporary folder."""
    place = Path(os.environ.get("PMSL_BENCH_CACHE", Path(tempfile.gettempdir()) / "pmsl-benchmarks"))
    place.mkdir(parents=True, exist_ok=True)
    return place


def icosphere(subdivisions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (V, 3) on the unit sphere and faces (20 * 4**subdivisions, 3), counter-clockwise seen from outside."""
    g = 0.5 * (1.0 + 5.0**0.5)
    short = np.array([[0.0, a, b] for a in (-1.0, 1.0) for b in (-g, g)])
    vertices = _unit(np.concatenate([short, np.roll(short, 1, axis=1), np.roll(short, 2, axis=1)]))
    distance = np.linalg.norm(vertices[:, None] - vertices[None], axis=2)
    near = (distance > 0.0) & (distance < 1.1)
    found = [(i, j, k) for i in range(12) for j in range(i) for k in range(j) if near[i, j] and near[j, k] and near[i, k]]
    faces = np.array([t if np.linalg.det(vertices[list(t)]) > 0.0 else t[::-1] for t in found])
    for _ in range(subdivisions):
        vertices, faces = _subdivide(vertices, faces)
    return vertices, faces


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _subdivide(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split every triangle into four; a middle point is shared by both triangles of its edge."""
    n = len(vertices)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    keys, which = np.unique(edges[:, 0] * n + edges[:, 1], return_inverse=True)
    middle = _unit(vertices[keys // n] + vertices[keys % n])
    a, b, c = faces.T
    ab, bc, ca = n + which.reshape(3, -1)
    split = [np.stack(t, axis=1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    return np.concatenate([vertices, middle]), np.concatenate(split)


def write_stl(path: Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Write a binary STL (normals left at 0), beside its name first so that no half file is ever found."""
    write_corners(path, vertices.astype("<f4")[faces])


def write_corners(path: Path, *blocks: np.ndarray | Callable[[], np.ndarray]) -> None:
    """Write a binary STL of blocks of corners (F, 3, 3), or of what makes them, one block at a time."""
    draft, count = path.with_suffix(f".{os.getpid()}.tmp"), 0
    with draft.open("wb") as out:
        out.write(b"pmsl benchmark".ljust(80) + bytes(4))
        for block in blocks:
            corners = block() if callable(block) else block
            records = np.zeros(len(corners), RECORD)
            records["corners"] = corners
            out.write(records.tobytes())
            count += len(corners)
        out.seek(80)
        out.write(np.uint32(count).astype("<u4").tobytes())
    os.replace(draft, path)


def ellipsoid(subdivisions: int, name: str) -> Mesh:
    """Return an ellipsoid of 18.4 x 10.2 x 5 mm in the middle of a 19.2 x 10.8 mm field, standing on z = 0."""
    path = folder() / f"{name}.stl"
    if not path.exists():
        vertices, faces = icosphere(subdivisions)
        centre = np.array([0.5 * FIELD_MM[0], 0.5 * FIELD_MM[1], 0.5 * SIZE_MM[2]])
        write_stl(path, vertices * (0.5 * np.array(SIZE_MM)) + centre, faces)
    return Mesh(name, path)


def ellipsoid80k() -> Mesh:
    """Return the ellipsoid of 81 920 triangles."""
    return ellipsoid(6, "ellipsoid80k")


def ellipsoid1300k() -> Mesh:
    """Return the ellipsoid of 1 310 720 triangles."""
    return ellipsoid(8, "ellipsoid1300k")


def chip() -> Mesh:
    """Return the microfluidic chip of the samples."""
    return _file("microfluidic_chip", REPOSITORY / "sample_meshes" / "microfluidic_chip.stl", fit=False)


def benchy() -> Mesh:
    """Return 3DBenchy, to be scaled to 5 mm height, where it is at hand."""
    return _file("3dbenchy", SHARED / "3dbenchy_single_part.3mf", fit=True)


def _file(name: str, path: Path, fit: bool) -> Mesh:
    if not path.exists():
        return Mesh(name, None, f"no {path.name} in {path.parent}")
    return Mesh(name, path, fit=fit)
