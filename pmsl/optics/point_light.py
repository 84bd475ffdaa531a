"""Irradiance at single points of the exposure plane, anywhere inside a pixel, and the adjoint.

`convolution` gives whole fields at one place in every pixel; edges want another place at each. Pixels near a point are summed
exactly. A Gaussian and a sampled spread have no others; of a Lorentzian the light from further than `NEAR_PX` is found
at 3 × 3 places in every pixel by `convolution`'s means and interpolated: it hardly changes over a pixel (below 1e-5 of white).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pmsl.core.mask import Window
from pmsl.optics.convolution import through_kernel
from pmsl.optics.psf import Gaussian, Lorentzian, Psf, Sampled

NEAR_PX = 8
NODES = (-0.5, 0.0, 0.5)
CHUNK = 4096  # points whose patches are held at a time


def at_points(light: np.ndarray, source: Window, points_px: np.ndarray, psf: Psf) -> np.ndarray:
    """Return the irradiance at points.

    Parameters
    ----------
    light : (source.rows, source.cols) ndarray
        Of each pixel, relative to white (or in mJ/cm²: the result then is, too).
    source : Window
        Where `light` lies in the field; outside of it there is none.
    points_px : (N, 2) float64
        (y, x) in pixels of the field: pixel (row, col) covers [row, row + 1) × [col, col + 1).
    psf : Gaussian, Lorentzian or Sampled

    Returns
    -------
    (N,) float64
    """
    light = np.ascontiguousarray(light, dtype=np.float64)
    points = np.asarray(points_px, dtype=np.float64).reshape(-1, 2)
    out = np.zeros(len(points))
    if light.size == 0 or len(points) == 0:
        return out
    if isinstance(psf, Gaussian):
        from pmsl.kernels.light import points as kernels

        kernels.gather(light, *_lines(source, points, psf), out)
        return out
    for some, rows, cols, weights in _patches(source, points, psf):
        near = weights * light.take(
            np.clip(rows, 0, source.rows - 1)[:, :, None] * source.cols + np.clip(cols, 0, source.cols - 1)[:, None, :]
        )
        out[some] = near.sum(axis=(1, 2))
    if isinstance(psf, Lorentzian):
        target, at, shares = _nodes(points)
        for (v, u), share in shares:
            far = through_kernel(light, source, target, psf, (v, u), beyond_px=NEAR_PX)
            out += share * far.reshape(-1)[at]
    return out


def at_points_adjoint(values: np.ndarray, source: Window, points_px: np.ndarray, psf: Psf) -> np.ndarray:
    """Apply the adjoint of `at_points`: (N,) → (source.rows, source.cols) float64.

    Parameters
    ----------
    values : (N,) float64
    source : Window
    points_px : (N, 2) float64
    psf : Psf
        As `at_points`.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    points = np.asarray(points_px, dtype=np.float64).reshape(-1, 2)
    light = np.zeros((source.rows, source.cols))
    if light.size == 0 or len(points) == 0:
        return light
    if isinstance(psf, Gaussian):
        from pmsl.kernels.light import points as kernels

        kernels.scatter(values, *_lines(source, points, psf), light)
        return light
    for some, rows, cols, weights in _patches(source, points, psf):
        at = np.clip(rows, 0, source.rows - 1)[:, :, None] * source.cols + np.clip(cols, 0, source.cols - 1)[:, None, :]
        np.add.at(light.reshape(-1), at, weights * values[some, None, None])
    if isinstance(psf, Lorentzian):
        target, at, shares = _nodes(points)
        for (v, u), share in shares:
            seen = np.bincount(at, weights=share * values, minlength=target.rows * target.cols).reshape(target.rows, target.cols)
            light += through_kernel(seen, source, target, psf, (v, u), beyond_px=NEAR_PX, adjoint=True)
    return light


def _lines(source: Window, points: np.ndarray, psf: Gaussian) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """First row and column of the source, and the weights from there on, of every point."""
    firsts, taps = [], []
    for axis in (0, 1):
        pixel = np.floor(points[:, axis]).astype(np.int64)
        around = np.arange(-psf.reach_px[axis], psf.reach_px[axis] + 1)
        inside = points[:, axis] - pixel - 0.5
        taps.append(psf.line(inside[:, None] - around[None, :], axis, mean=False))
        firsts.append(pixel - psf.reach_px[axis] - source[axis])
    return firsts[0], firsts[1], taps[0], taps[1]


def _patches(source: Window, points: np.ndarray, psf: Lorentzian | Sampled) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield chunks of points: slice, rows (n, A) and columns (n, B) of the source, weights (n, A, B), 0 outside the source."""
    reach = (NEAR_PX, NEAR_PX) if isinstance(psf, Lorentzian) else psf.reach_px
    for start in range(0, len(points), CHUNK):
        some = slice(start, start + CHUNK)
        places, distances, inside = [], [], []
        for axis in (0, 1):
            pixel = np.floor(points[some, axis]).astype(np.int64)
            place = pixel[:, None] + np.arange(-reach[axis], reach[axis] + 1)[None, :]
            distances.append(points[some, axis, None] - place - 0.5)
            places.append(place - source[axis])
            inside.append((places[axis] >= 0) & (places[axis] < source[axis + 2]))
        weights = psf.patches(distances[0], distances[1]) * (inside[0][:, :, None] & inside[1][:, None, :])
        yield some, places[0], places[1], weights


def _nodes(points: np.ndarray) -> tuple[Window, np.ndarray, list[tuple[tuple[float, float], np.ndarray]]]:
    """Window of the points' pixels, the pixel of each in it, and each node with its Lagrange weight for every point."""
    pixel = np.floor(points).astype(np.int64)
    low, high = pixel.min(axis=0), pixel.max(axis=0) + 1
    target = Window(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))
    at = (pixel[:, 0] - low[0]) * target.cols + pixel[:, 1] - low[1]
    d = points - pixel - 0.5
    lagrange = np.stack([2 * d * (d - 0.5), 1 - 4 * d * d, 2 * d * (d + 0.5)])  # at -½, 0, ½
    nodes = [((v, u), lagrange[i, :, 0] * lagrange[j, :, 1]) for i, v in enumerate(NODES) for j, u in enumerate(NODES)]
    return target, at, nodes
