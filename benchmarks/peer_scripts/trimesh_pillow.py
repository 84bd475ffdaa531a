"""trimesh cuts sections and fills their polygons with Pillow, binary."""

import numpy as np
import trimesh
from common import work

if __name__ == "__main__":
    job = work()
    mesh = trimesh.load_mesh(job.mesh)
    for layer, z in enumerate(job.planes_mm):
        section = mesh.section_multiplane([0, 0, 0], [0, 0, 1], [z])[0]
        frame = job.empty()
        if section is not None:
            corner = -np.asarray(section.metadata["to_3D"])[:2, 3]  # every section has a plane frame of its own
            frame = np.asarray(section.rasterize(pitch=job.pitch_mm, origin=corner, resolution=(job.nx, job.ny)).convert("L"))
        job.save(layer, frame)
