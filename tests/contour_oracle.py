"""Where contours are printed, by the slow way: every exposure's dose summed on a fine raster, the line of Ec traced, distances taken.

Nothing of pmsl is used: pixels of a mask are squares of light, blurred by a Gaussian in closed form; the resin absorbs with one length and
keeps its dose (enclosed).
"""

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import ndtr
from skimage.measure import find_contours

SUB = 20  # of the raster, points a pixel
BETWEEN = 8  # points between two of a traced line


def traced(frames, white, height, dp, sigma, ec, z, low, high):
    """Points (y, x) [px] of the printed contour at a height z [µm], in the square of pixels from `low` to `high`."""
    at = np.arange(low, high, 1.0 / SUB)
    edges = np.arange(frames.shape[1] + 1)
    spread = np.diff(ndtr((edges[None] - at[:, None]) / sigma), axis=1)
    dose = np.zeros((len(at), len(at)))
    for k in range(int(z / height), len(frames)):
        dose += white[k] * np.exp(-((k + 1) * height - z) / dp) * (spread @ frames[k] @ spread.T)
    lines = find_contours(np.log(np.maximum(dose, 1e-30)), np.log(ec))
    part = (np.arange(BETWEEN) / BETWEEN)[None, :, None]
    dense = [(line[:-1, None] + part * (line[1:] - line[:-1])[:, None]).reshape(-1, 2) for line in lines]
    return (np.concatenate(dense) if dense else np.zeros((0, 2))) / SUB + low


def along(ring, spacing=0.02):
    """Points (y, x) along a closed ring of (y, x) [px], corners as near as half the spacing."""
    out = []
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        n = max(int(np.ceil(np.hypot(*(b - a)) / spacing)), 1)
        out.append(a + (np.arange(n) + 0.5)[:, None] / n * (b - a))
    return np.concatenate(out)


def distances(points, others):
    """How far each point is from the nearest of others; 9 px where there is none."""
    return cKDTree(others).query(points)[0] if len(others) else np.full(len(points), 9.0)
