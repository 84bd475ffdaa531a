"""What a job prints and how that compares with its design, by sampling: slow, and written apart from `pmsl.predict` and its kernels.

Light is summed over whole fields at many points a pixel; designs are crossed by a vertical line through each of them, and along the
line everything is integrated in closed form. Pure absorption of one decay, a Gaussian blur, closed bodies that do not overlap.
"""

import numpy as np
from scipy.special import ndtr

from pmsl.exposure.dose import irradiance_mw_cm2


def _light(job):
    for k in range(job.n_layers):
        light = np.zeros(job.grid.shape)
        for e in job[k].exposures:
            light += e.repeat * e.time_s * irradiance_mw_cm2(job.printer, e.power) * e.mask.dense(np.uint8) / 255.0
        yield light


def _cured_um(job, sigma_px, y, x):
    """Thickness that is cured in every layer at points: (L, Y, X)."""
    dp, ec = job.resin.resin.dp_um.value, job.resin.resin.ec_mj_cm2.value
    down, across = (
        ndtr((np.arange(n) + 1 - at[:, None]) / sigma_px) - ndtr((np.arange(n) - at[:, None]) / sigma_px)
        for n, at in zip(job.grid.shape, (y, x), strict=True)
    )
    height, total, cured = job.grid.thickness_um, 0.0, []
    for j, light in reversed(list(enumerate(_light(job)))):
        total = light + (np.exp(-height[j + 1] / dp) * total if j + 1 < job.n_layers else 0.0)
        cured.append(np.clip(dp * np.log(np.maximum(down @ total @ across.T, 1e-300) / ec), 0, height[j]))
    return np.array(cured[::-1])


def _crossings(triangle, y, x):
    """Points of a raster under a triangle, heights there; of two that share an edge one has the points on it."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = triangle
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    i0, i1 = np.searchsorted(y, (min(ay, by, cy), max(ay, by, cy)))
    j0, j1 = np.searchsorted(x, (min(ax, bx, cx), max(ax, bx, cx)))
    if area == 0 or i0 == i1 or j0 == j1:
        return None
    v, u = y[i0:i1, None], x[None, j0:j1]
    inside, weights = np.ones((i1 - i0, j1 - j0), bool), []
    for (px, py), (qx, qy) in (((bx, by), (cx, cy)), ((cx, cy), (ax, ay)), ((ax, ay), (bx, by))):
        turned = (py, px) > (qy, qx)
        lx, ly, hx, hy = (qx, qy, px, py) if turned else (px, py, qx, qy)
        side = (hx - lx) * (v - ly) - (hy - ly) * (u - lx)
        inside &= (side >= 0) if turned != (area > 0) else (side < 0)
        weights.append(-side if turned else side)
    rows, cols = np.nonzero(inside)
    height = ((weights[0] * az + weights[1] * bz + weights[2] * cz) / area)[rows, cols]
    return rows + i0, cols + j0, height, np.sign(area)


def sampled(job, sigma_px, points=16):
    """Volumes in µm³ (design, printed, common, outside) and the IoU, from so many points a pixel along each axis."""
    grid, triangles = job.grid, []
    for part in job.design:
        at = part.solid.vertices_um @ part.transform[:3, :3].T + part.transform[:3, 3]
        at[:, :2] = (at[:, :2] - grid.origin_um) / grid.pitch_um
        triangles.append(at[part.solid.faces])
    triangles = np.concatenate(triangles)
    low, high = triangles[..., :2].min(axis=(0, 1)) - 6, triangles[..., :2].max(axis=(0, 1)) + 6
    (x0, y0), (x1, y1) = np.maximum(low, 0).astype(int), np.minimum(np.ceil(high), grid.shape[::-1]).astype(int)
    y, x = (a + (np.arange((b - a) * points) + 0.5) / points for a, b in ((y0, y1), (x0, x1)))
    cured = _cured_um(job, sigma_px, y, x)
    below = np.concatenate([np.zeros((1, *cured.shape[1:])), np.cumsum(cured, axis=0)])
    top = grid.z_edges_um[1:]
    design = common = 0.0
    for triangle in triangles:
        crossed = _crossings(triangle, y, x)
        if crossed is not None:
            r, c, z, sign = crossed
            k = np.clip(np.searchsorted(top, z), 0, len(top) - 1)
            design += sign * z.sum()
            common += sign * (below[k, r, c] + np.clip(z - top[k] + cured[k, r, c], 0, cured[k, r, c])).sum()
    unit = float(np.prod(grid.pitch_um)) / points**2
    design, printed, common = design * unit, float(cured.sum()) * unit, common * unit
    return {"design": design, "printed": printed, "outside": printed - common, "iou": common / (design + printed - common)}
