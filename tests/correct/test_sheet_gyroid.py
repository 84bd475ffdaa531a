"""A sheet gyroid, corrected for each memory and printed by an oracle in that memory: undersides and walls of one period."""

import math

import numpy as np
import pytest
from contact_oracle import Print
from contact_parts import EC, resin
from forward_model import grid_of, printer_of
from scipy import ndimage
from skimage import measure

import pmsl
from pmsl.correct import Corrector

PX, H, DP, SIGMA, PERIOD = 7.6, 20.0, 40.0, 0.36, 400.0
N, LAYERS = 64, 18
LOW, HIGH = 45.6, 395.2
K = 2 * math.pi / PERIOD


def inside(x, y, z):
    """Above 0 in the sheet."""
    return 0.5 - np.abs(np.sin(K * x) * np.cos(K * y) + np.sin(K * y) * np.cos(K * z) + np.sin(K * z) * np.cos(K * x))


def slopes(x, y, z, step=1e-2):
    """Unit normals into the sheet: (x, y, z)."""
    d = [inside(x + a, y + b, z + c) - inside(x - a, y - b, z - c) for a, b, c in np.eye(3) * step]
    return np.array(d) / np.sqrt(np.sum(np.square(d), axis=0))


def gyroid():
    step, top = 2.5, LAYERS * H
    axes = [np.arange(low - 3 * step, high + 3 * step, step) for low, high in ((LOW, HIGH), (LOW, HIGH), (0.0, top))]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    walls = [x - LOW, HIGH - x, y - LOW, HIGH - y, z, top - z]
    field = np.minimum(inside(x, y, z) / (1.5 * K), np.minimum.reduce(walls))
    vertices, faces, _, _ = measure.marching_cubes(field, 0.0, spacing=(step,) * 3)
    vertices = vertices + [a[0] for a in axes]
    vertices[:, 2] = np.clip(vertices[:, 2], 0.0, top)
    return pmsl.Solid.from_arrays(vertices, faces[:, ::-1])


class OpenPrint(Print):
    """All liquid is replaced, wherever it is."""

    def _exchanged(self, solid, lit):
        return np.ones(solid.shape)


def undersides_um(truth):
    """Printed minus designed, along the normal."""
    at = (LOW + 40 + np.arange(0, HIGH - LOW - 80, 5.3)) / PX
    z = np.arange(45.25, LAYERS * H - 120, 0.5)
    dose = np.array([truth.most(at, at, height) for height in z]) / EC - 1.0
    x, y = np.meshgrid(at * PX, at * PX)
    design, out = np.array([inside(x, y, height) for height in z]), []
    for i, r, c in zip(*np.nonzero((design[:-1] < 0) & (design[1:] >= 0)), strict=True):
        face = z[i] + 0.5 * design[i, r, c] / (design[i, r, c] - design[i + 1, r, c])
        rise = slopes(x[r, c], y[r, c], face)[2]
        column = dose[:, r, c]
        found = np.flatnonzero((column[:-1] < 0) & (column[1:] >= 0))
        if rise < 0.6 or not len(found) or not 30 <= i < len(z) - 31:
            continue
        j = found[np.argmin(np.abs(found - i))]
        out.append((z[j] + 0.5 * column[j] / (column[j] - column[j + 1]) - face) * rise)
    return np.abs(out)


def walls_px(truth):
    """Distances along the normal of the section half-way up slabs."""
    fine, places, out = np.arange(LOW / PX + 3, HIGH / PX - 3, 0.1), np.arange(-1.0, 1.01, 0.05), []
    x, y = np.meshgrid(fine * PX, fine * PX)
    for k in range(4, LAYERS - 6, 2):
        z = (k + 0.5) * H
        logs = np.log(np.maximum(truth.most(fine, fine, z), 1e-9) / EC)
        for ring in measure.find_contours(inside(x, y, z), 0.0):
            points = ring[::4]
            points = points[((points > 12) & (points < len(fine) - 13)).all(axis=1)]
            normal = slopes(PX * (fine[0] + 0.1 * points[:, 1]), PX * (fine[0] + 0.1 * points[:, 0]), z)
            points, normal = points[np.abs(normal[2]) < 0.5], normal[:, np.abs(normal[2]) < 0.5]
            outward = -normal[1::-1] / np.hypot(*normal[:2])  # (y, x)
            at = points.T[:, :, None] + 10 * places * outward[:, :, None]
            for row in ndimage.map_coordinates(logs, at, order=1, mode="nearest"):
                found = np.flatnonzero((row[:-1] >= 0) & (row[1:] < 0))
                assert len(found)
                j = found[np.argmin(np.abs(places[found]))]
                out.append(places[j] + 0.05 * row[j] / (row[j] - row[j + 1]))
    return np.abs(out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("memory", "underside_um", "wall_px"),
    [("enclosed", 1.7, 0.05), ("open", 1.6, 0.05), ("contact", 4.5, 0.4)],
)
def test_undersides_and_walls(memory, underside_um, wall_px):
    """95 %; medians are a tenth. By contact pixels beside a seal, which is followed in whole pixels and slabs, are the rest."""
    made = resin(memory, dp_um=DP, **({"renewal": 1.0, "reach_um": "inf"} if memory == "contact" else {}))
    white, grid = np.full(LAYERS, 1.5 * EC * math.exp(H / DP)), grid_of(N, N, LAYERS, pitch=PX, h=H)
    corrector = Corrector([gyroid()], grid, printer_of((N, N), SIGMA, PX), made, white)
    frames = np.array([corrector.images(k)[0][0].dense(np.uint8) for k in range(LAYERS)]) / 255
    kind = OpenPrint if memory == "open" else Print
    truth = kind(frames, white, H, PX, SIGMA, DP, EC, 0.0 if memory == "enclosed" else 1.0, np.inf)
    undersides, walls = undersides_um(truth), walls_px(truth)
    assert len(undersides) > 500 and len(walls) > 500
    assert np.percentile(undersides, 95) <= underside_um and np.median(undersides) <= 0.8
    assert np.percentile(walls, 95) <= wall_px and np.median(walls) <= 0.02
