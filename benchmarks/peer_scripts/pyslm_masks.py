"""PySLM (PythonSLM): its own bitmap of a slice, binary."""

import numpy as np
import pyslm
from common import work

if __name__ == "__main__":
    job = work()
    part = pyslm.Part("part")
    part.setGeometry(str(job.mesh))
    for layer, z in enumerate(job.planes_mm):
        bitmap = part.getBitmapSlice(z, job.pitch_mm, origin=np.zeros(2))[: job.ny, : job.nx]
        frame = job.empty()
        frame[: bitmap.shape[0], : bitmap.shape[1]] = bitmap.astype(np.uint8) * np.uint8(255)  # it ends with the part
        job.save(layer, frame)
