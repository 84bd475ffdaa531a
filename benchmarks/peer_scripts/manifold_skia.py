"""manifold3d cuts the contours, skia-python fills them with its antialiasing."""

import manifold3d
import numpy as np
import skia
import trimesh
from common import Work, work


def solid(path: str) -> manifold3d.Manifold:
    """Load and merge an STL; manifold3d gives an empty solid without a word for what it finds not manifold."""
    mesh = trimesh.load_mesh(path)
    made = manifold3d.Manifold(manifold3d.Mesh(np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.uint32)))
    if made.status() != manifold3d.Error.NoError:
        raise SystemExit(f"manifold3d refuses the mesh: {made.status()}")
    return made


def filled(contours: list[np.ndarray], job: Work) -> np.ndarray:
    """Draw contours into a frame of coverage."""
    frame = job.empty()
    surface = skia.Surface.MakeRasterDirect(skia.ImageInfo.MakeA8(job.nx, job.ny), frame)
    path = skia.PathBuilder()
    for contour in contours:
        path.addPolygon([skia.Point(x, y) for x, y in (np.asarray(contour) / job.pitch_mm).tolist()], True)
    surface.getCanvas().drawPath(path.detach(), skia.Paint(AntiAlias=True))
    return frame


if __name__ == "__main__":
    JOB = work()
    PART = solid(str(JOB.mesh))
    for LAYER, Z in enumerate(JOB.planes_mm):
        JOB.save(LAYER, filled(PART.slice(float(Z)).to_polygons(), JOB))
