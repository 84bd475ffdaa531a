"""stl-to-voxel: the whole part as one binary volume in memory, on the job's grid instead of the part's own, written by Pillow."""

import numpy as np
import stl
import stltovoxel.slice
from common import work

if __name__ == "__main__":
    job = work()
    mesh = stl.mesh.Mesh.from_file(str(job.mesh)).vectors.astype(np.float64)
    voxel = np.array([job.pitch_um, job.pitch_um, job.layer_um]) / 1000.0
    stltovoxel.slice.scale_and_shift_mesh(mesh, 1.0 / voxel, 0.5 * voxel)  # a voxel is sampled at its centre
    volume = stltovoxel.slice.mesh_to_plane(mesh, (job.nx, job.ny, job.layers), parallel=True)
    for layer, plane in enumerate(volume):
        job.save(layer, plane.astype(np.uint8) * np.uint8(255))
