"""trimesh: its meshes and scenes to arrays and back, and its readers asked for the formats that pmsl leaves to it.

trimesh is loaded when one of these functions is called, and nowhere else. Nothing is merged or dropped by it (``process=False``), and
points are moved here. Its scenes leave out transforms that differ from none by less than 1e-8, which in metres are 10 nm: so what a
file says of moves reaches it in µm.
"""

from __future__ import annotations

import logging
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pmsl.errors import MeshError, UsageError
from pmsl.mesh.readers.common import UNITS_UM, brief, scale
from pmsl.mesh.readers.scene import MOST_INSTANCES, MOST_TRIANGLES, moved

if TYPE_CHECKING:
    import trimesh

UNITS_TRIMESH = {"um": "microns", "mm": "millimeters", "cm": "centimeters", "m": "meters", "inch": "inches"}  # what trimesh calls ours


def read_with_trimesh(data: bytes, kind: str, name: str) -> Any:
    """Return what trimesh makes of a file that was checked: a Trimesh or a Scene.

    Parameters
    ----------
    data : bytes
    kind : str
        Its format, as trimesh names it.
    name : str
        For messages.

    Raises
    ------
    MeshError
        trimesh cannot read it.
    """
    import trimesh

    logging.getLogger("trimesh").addHandler(logging.NullHandler())  # else what nobody listens to is printed
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return trimesh.load(BytesIO(data), file_type=kind, process=False)
    except Exception as error:  # what it raises of damaged files is not said anywhere
        raise MeshError(f"{name}: cannot be read as {kind.upper()} ({brief(error) or type(error).__name__}); export it again") from error


class Arrays(NamedTuple):
    """Triangles of a Trimesh or a Scene.

    Attributes
    ----------
    vertices : (V, 3) ndarray of float64
        In the unit of what it was made of.
    faces : (F, 3) ndarray of int32
        Turned where a transform mirrors.
    n_triangles : int
        With those of instances that were left out.
    repeated : int
        Instances that were left out, because the same mesh lies in the same place already.
    """

    vertices: np.ndarray
    faces: np.ndarray
    n_triangles: int
    repeated: int


def arrays_of(geometry: Any, name: str, factor: float = 1.0) -> Arrays:
    """Return the triangles of a Trimesh, or of all instances of a Scene, where they are.

    Parameters
    ----------
    geometry : Trimesh or Scene
    name : str
        For messages.
    factor : float
        From the unit of the vertices of a scene to that of its transforms.

    Raises
    ------
    MeshError
        More instances or triangles than there may be, or a transform that is not affine, or flattens.
    """
    if not hasattr(geometry, "graph"):
        return Arrays(np.array(geometry.vertices, np.float64), np.array(geometry.faces, np.int32), len(geometry.faces), 0)
    placed = [(key, np.array(matrix, np.float64)) for matrix, key in map(geometry.graph.get, geometry.graph.nodes_geometry)]
    placed = [(key, matrix) for key, matrix in placed if len(getattr(geometry.geometry[key], "faces", ()))]  # no lines, no points
    size = {key: len(geometry.geometry[key].faces) for key, _ in placed}
    total = sum(size[key] for key, _ in placed)
    check_counts(name, len(placed), total, sum(size.values()))
    once = {(key, (matrix + 0.0).tobytes()): (key, matrix) for key, matrix in placed}
    vertices, faces, start = [], [], 0
    for key, matrix in once.values():
        points, corners = _placed(geometry.geometry[key], matrix, factor, name)
        vertices.append(points)
        faces.append(corners + start)
        start += len(points)
    if not faces:
        raise MeshError(f"{name}: no triangle in it; nothing to slice")
    if start > np.iinfo(np.int32).max:
        raise MeshError(f"{name}: {start} vertices after its instances are unfolded; the limit is {np.iinfo(np.int32).max}")
    return Arrays(np.concatenate(vertices), np.concatenate(faces).astype(np.int32), total, len(placed) - len(once))


def check_counts(name: str, instances: int, triangles: int, own: int) -> None:
    """Refuse more instances or triangles than a file whose meshes have `own` of them may unfold to, before they are made."""
    if instances > MOST_INSTANCES:
        raise MeshError(
            f"{name}: {instances} meshes after its instances are unfolded; the limit is {MOST_INSTANCES}; "
            "save them as one mesh, or place copies of one with --copies"
        )
    if triangles > max(MOST_TRIANGLES, own):
        raise MeshError(
            f"{name}: {triangles} triangles after its instances are unfolded; the limit is {max(MOST_TRIANGLES, own)}; "
            "place copies of one with --copies, which share its triangles"
        )


def _placed(mesh: Any, matrix: np.ndarray, factor: float, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return an instance's vertices, without those that no face uses, and its faces."""
    if not np.isfinite(matrix).all() or not np.array_equal(matrix[3], (0, 0, 0, 1)):
        raise MeshError(f"{name}: a transform in it is not finite and affine: {matrix.tolist()}; export it again")
    turn = np.linalg.det(matrix[:3, :3])
    if turn == 0:
        raise MeshError(f"{name}: a transform in it flattens its mesh (determinant 0): {matrix.tolist()}; export it again")
    points, faces = scale(np.array(mesh.vertices, np.float64), factor), np.asarray(mesh.faces, np.int64)
    if faces.min() < 0 or faces.max() >= len(points):
        raise MeshError(f"{name}: a face index is outside 0..{len(points) - 1}; the file is damaged")
    used = np.zeros(len(points), bool)
    used[faces] = True
    if not used.all():  # meshes of a scene may share one long list of vertices
        points, faces = points[used], (np.cumsum(used) - 1)[faces]
    if not np.array_equal(matrix, np.eye(4)):
        points = moved(points, matrix[:3].T)
    return points, faces[:, ::-1] if turn < 0 else faces


def arrays_um(geometry: Any, unit: str | None, name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Return vertices [µm], faces and the unit of what `Solid.from_trimesh` is given; raises as that does."""
    if not (hasattr(geometry, "graph") or (hasattr(geometry, "vertices") and hasattr(geometry, "faces"))):
        raise MeshError(f"{name}: a {type(geometry).__name__} is neither a trimesh.Trimesh nor a trimesh.Scene")
    if unit is None:
        said = getattr(geometry, "units", None)
        if said is not None and said not in UNITS_TRIMESH.values():
            raise UsageError(f"{name}: its units are {said!r}; say unit=, one of {', '.join(UNITS_UM)}, for its numbers")
        unit = next((ours for ours, theirs in UNITS_TRIMESH.items() if theirs == said), "mm")
    if unit not in UNITS_UM:
        raise UsageError(f"unknown unit {unit!r}; use one of {', '.join(UNITS_UM)}")
    found = arrays_of(geometry, name)
    return scale(found.vertices, UNITS_UM[unit]), found.faces, unit


def trimesh_of(vertices_um: np.ndarray, faces: np.ndarray, unit: str) -> trimesh.Trimesh:
    """Return a Trimesh of copied arrays, its numbers in `unit`; raises as `Solid.to_trimesh` does."""
    if unit not in UNITS_UM:
        raise UsageError(f"unknown unit {unit!r}; use one of {', '.join(UNITS_UM)}")
    import trimesh

    mesh = trimesh.Trimesh(vertices=vertices_um / UNITS_UM[unit], faces=faces.astype(np.int64), process=False)
    mesh.units = UNITS_TRIMESH[unit]
    return mesh
