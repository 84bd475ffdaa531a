"""Jobs that a laser draws, and an independent sum of what they leave at points: used by several tests."""

import math

import numpy as np
from msgspec.structs import replace
from scipy.special import erf

import pmsl

PRINTER, RESIN, PROCESS = pmsl.find_printer("laser-405"), pmsl.find_resin("pr48-405"), pmsl.find_process("laser")
W0 = PRINTER.laser.w0_um.value
CORNERS = np.array([(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
FACES = np.array(
    [[0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4], [2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6], [1, 3, 5], [3, 7, 5]]
)


def box(x0, y0, wide, deep, high, angle_deg=0.0):
    """A box, turned about its middle."""
    flat = (CORNERS[:, :2] - 0.5) * (wide, deep)
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    at = flat @ np.array([[c, s], [-s, c]]) + (x0 + wide / 2, y0 + deep / 2)
    return pmsl.Solid.from_arrays(np.column_stack([at, CORNERS[:, 2] * high]), FACES)


def prism(outline, high):
    """An upright prism over a convex outline (n, 2)."""
    n = len(outline)
    vertices = np.vstack([np.column_stack([outline, np.full(n, z)]) for z in (0.0, high)])
    faces = []
    for i in range(n):
        j = (i + 1) % n
        faces += [[i, j, j + n], [i, j + n, i + n]]
    faces += [[0, i + 1, i] for i in range(1, n - 1)] + [[n, n + i, n + i + 1] for i in range(1, n - 1)]
    return pmsl.Solid.from_arrays(vertices, np.array(faces))


def disc(x, y, radius, high, n=720):
    angle = np.arange(n) * 2 * np.pi / n
    return prism(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1), high)


def process(**hatch):
    """The shipped process with other values in [hatch]."""
    return replace(PROCESS, hatch=replace(PROCESS.hatch, **hatch))


def pixels(pitch_um, field=None):
    """The shipped printer with other pixels."""
    optics = replace(PRINTER.optics, pitch_um=replace(PRINTER.optics.pitch_um, value=(pitch_um, pitch_um)))
    shape = (math.ceil(10_000 / pitch_um),) * 2 if field is None else field
    return replace(PRINTER, optics=optics, dmd=replace(PRINTER.dmd, shape=replace(PRINTER.dmd.shape, value=shape)))


def dose_at(lines, w0_um, points):
    """The dose that polylines leave at points [mJ/cm²], one straight piece after the other."""
    total = np.zeros(len(points))
    for line in lines:
        peak = line.power_mw / (line.speed_um_s * w0_um * math.sqrt(2 * math.pi)) * 1e8
        for a, b in zip(line.points_um[:-1], line.points_um[1:], strict=True):
            length = math.hypot(*(b - a))
            along = (b - a) / length
            u, v = (points - a) @ along, (points - a) @ np.array([-along[1], along[0]])
            scale = math.sqrt(2) / w0_um
            total += peak * np.exp(-((v * scale) ** 2)) * (erf(u * scale) - erf((u - length) * scale))
    return total


def edge_um(job, k, at, outward, reach_um=60.0):
    """Where the printed wall is half-way up layer k, from a point of the design outward [µm]: light of all layers above comes through."""
    along = np.arange(-reach_um, reach_um, 0.05)
    points = np.asarray(at) + along[:, None] * np.asarray(outward)
    edges, dp, ec = job.grid.z_edges_um, job.resin.resin.dp_um.value, job.resin.resin.ec_mj_cm2.value
    middle = 0.5 * (edges[k] + edges[k + 1])
    dose = sum(dose_at(pmsl.vectors(job, m), W0, points) * math.exp(-(edges[m + 1] - middle) / dp) for m in range(k, len(job)))
    last = np.flatnonzero(dose >= ec)[-1]
    low, high = np.log(dose[last] / ec), np.log(dose[last + 1] / ec)
    return float(along[last] + 0.05 * low / (low - high))
