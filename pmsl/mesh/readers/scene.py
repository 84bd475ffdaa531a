"""Files of several meshes, placed by matrices: how many there may be, and where a matrix puts points."""

from __future__ import annotations

import numpy as np

MOST_TRIANGLES = 20_000_000  # after unfolding, unless the file itself has more
MOST_INSTANCES = 20_000  # of meshes; as many as copies in a job
DEEPEST = 100  # components in components
Matrix = np.ndarray | None  # (4, 3), row vectors; None leaves points where they are


def moved(v: np.ndarray, m: Matrix) -> np.ndarray:
    """Apply a matrix to row vectors, written out so that equal vertices stay equal bit for bit."""
    if m is None:
        return v
    return np.stack([v[:, 0] * m[0, j] + v[:, 1] * m[1, j] + v[:, 2] * m[2, j] + m[3, j] for j in range(3)], axis=1)
