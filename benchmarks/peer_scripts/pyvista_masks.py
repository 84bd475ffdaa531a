"""PyVista (VTK): a binary mask volume sampled at pixel centres; with --supersample N the mean of N x N x N points a voxel."""

import numpy as np
import pyvista
from common import Work, work

VOXELS_AT_ONCE = 200_000_000


def sampled(mesh: pyvista.PolyData, job: Work, first: int, count: int, finer: int) -> np.ndarray:
    """Return uint8 (count, ny, nx) of planes that are `finer` to a layer, 1 inside; grid points are the pixels' centres."""
    step, dz = job.pitch_mm / finer, job.layer_um / 1000.0 / finer
    size = (job.nx * finer, job.ny * finer, count)
    grid = pyvista.ImageData(dimensions=size, spacing=(step, step, dz), origin=(step / 2, step / 2, (first + 0.5) * dz))
    mask = mesh.voxelize_binary_mask(reference_volume=grid)["mask"]
    return np.asarray(mask).reshape(size[::-1]).astype(np.uint8, copy=False)


def plain(mesh: pyvista.PolyData, job: Work) -> None:
    """Write binary frames, as many layers at a time as memory should bear."""
    step = max(1, VOXELS_AT_ONCE // (job.nx * job.ny))
    for first in range(0, job.layers, step):
        for i, plane in enumerate(sampled(mesh, job, first, min(step, job.layers - first), 1)):
            job.save(first + i, plane * np.uint8(255))


def supersampled(mesh: pyvista.PolyData, job: Work) -> None:
    """Write gray frames, each the rounded mean of its N sub-planes of N x N points a pixel."""
    n = job.supersample
    for layer in range(job.layers):
        count = np.zeros((job.ny, job.nx), np.uint16)
        for k in range(n):
            plane = sampled(mesh, job, layer * n + k, 1, n)[0]
            for row in range(n):
                for col in range(n):
                    count += plane[row::n, col::n]
        job.save(layer, np.rint(count * (255.0 / n**3)).astype(np.uint8))


if __name__ == "__main__":
    JOB = work()
    (plain if JOB.supersample == 1 else supersampled)(pyvista.read(JOB.mesh), JOB)
