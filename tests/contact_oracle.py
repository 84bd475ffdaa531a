"""Liquid exchanged by contact, by direct sums: slow, obvious, numpy and scipy only, nothing of pmsl.

A part is printed exposure by exposure. Every exposure's frame is seen through exact pixel kernels at the points that are asked for; every
point carries the dose of its liquid, ``L = (1 - r exp(-d / reach)) L + E``, is solid once it reached Ec, and keeps adding from then on.
Distances are found anew after every exposure on a grid of cells finer than pixels and slabs, whose own middles say what is liquid.

The vat is what lies above the exposure plane, and the columns outside of all that is solid so far, seen along z (holes of that shadow
belong to it). The distance of a cell goes from middle to middle of liquid cells, 26 neighbours but not past solid corners, and ends at
the face to the vat.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph
from scipy.special import ndtr

FAINT = 1e-9  # of Ec: liquid with less was not lit


class Print:
    """One job. `frames` (N, R, C) relative light 0..1, `white` (N,) dose of a white pixel, `height` of every layer [µm].

    `induction` is what every exposure spends; `ec`, of a single one, includes it.
    """

    def __init__(self, frames, white, height, pitch, sigma, dp, ec, renewal, reach, sub=2, slices=4, induction=0.0):
        self.frames, self.white = np.asarray(frames, float), np.asarray(white, float)
        self.height, self.pitch, self.sigma, self.dp, self.ec = height, pitch, sigma, dp, ec
        self.renewal, self.reach, self.sub, self.slices, self.induction = renewal, reach, sub, slices, induction
        n, rows, cols = self.frames.shape
        self.y, self.x = (np.arange(rows * sub) + 0.5) / sub, (np.arange(cols * sub) + 0.5) / sub
        self.z = (np.arange(n * slices) + 0.5) * height / slices
        self._print()

    def seen(self, k, y, x):
        """Dose of exposure k at its plane, at the places of a raster (y, x) [px]."""
        down = ndtr((np.arange(self.frames.shape[1]) + 1 - y[:, None]) / self.sigma)
        down -= ndtr((np.arange(self.frames.shape[1]) - y[:, None]) / self.sigma)
        across = ndtr((np.arange(self.frames.shape[2]) + 1 - x[:, None]) / self.sigma)
        across -= ndtr((np.arange(self.frames.shape[2]) - x[:, None]) / self.sigma)
        return self.white[k] * (down @ self.frames[k] @ across.T)

    def _print(self):
        """Expose layer by layer; after each find what share of a point at the vat's each cell has in the exchange."""
        n, s = len(self.frames), self.slices
        liquid = np.zeros((n * s, len(self.y), len(self.x)))
        self.solid = np.zeros(liquid.shape, bool)
        self.shares = []  # after exposure k: of the cells of layers 0..k
        for k in range(n):
            top = (k + 1) * s
            light = self.seen(k, self.y, self.x)
            left = np.exp(-((k + 1) * self.height - self.z[:top]) / self.dp)
            liquid[:top] += np.maximum(light * left[:, None, None] - self.induction, 0.0)
            self.solid[:top] |= liquid[:top] >= self.ec - self.induction
            share = self._exchanged(self.solid[:top], liquid[:top])
            self.shares.append(share)
            liquid[:top] *= np.where(self.solid[:top], 1.0, 1.0 - self.renewal * share)

    def _exchanged(self, solid, lit):
        """exp(-d / reach) of every cell; of solid ones that of the nearest liquid beside them."""
        shadow = ndimage.binary_fill_holes(solid.any(axis=0))
        wanted = ~solid & shadow & (lit > FAINT * self.ec)
        share = np.zeros(solid.shape)
        if wanted.any():
            share = self._inside(solid, shadow)
        share[:, ~shadow] = 1.0
        beside = ndimage.maximum_filter(np.where(solid, 0.0, share), size=3)
        return np.where(solid, beside, share)

    def _inside(self, solid, shadow):
        if np.isinf(self.reach):
            grown = np.zeros(np.array(solid.shape) + (1, 2, 2), bool)
            grown[:-1, 1:-1, 1:-1] = ~solid
            grown[-1] = True
            grown[:-1, 1:-1, 1:-1][:, ~shadow] = True
            label, _ = ndimage.label(grown)
            return (label[:-1, 1:-1, 1:-1] == label[-1, 0, 0]).astype(float)
        steps = np.array([self.height / self.slices, self.pitch / self.sub, self.pitch / self.sub])
        cell = np.full(solid.shape, -1)
        inside = ~solid & shadow
        cell[inside] = np.arange(inside.sum())
        rows, cols, ways = [], [], []
        for shift in itertools.product((-1, 0, 1), repeat=3):
            if shift > (0, 0, 0):
                a, b = _shifted(cell, shift)
                both = (a >= 0) & (b >= 0)
                for axis in np.flatnonzero(shift):  # no way past a corner
                    wall = np.roll(np.pad(solid, 1), -shift[axis], axis)[1:-1, 1:-1, 1:-1]
                    both &= ~_shifted(wall, shift)[0]
                rows.append(a[both])
                cols.append(b[both])
                ways.append(np.full(both.sum(), np.linalg.norm(steps * shift)))
        start = np.full(solid.shape, np.inf)
        start[-1] = steps[0] / 2
        vat = np.pad(~shadow, 1, constant_values=True)
        near = vat[:-2, 1:-1] | vat[2:, 1:-1] | vat[1:-1, :-2] | vat[1:-1, 2:]
        start[:, near] = np.minimum(start[:, near], steps[1] / 2)
        begin = np.flatnonzero(np.isfinite(start[inside]))
        n = int(inside.sum())
        rows, cols, ways = [*rows, np.full(len(begin), n)], [*cols, begin], [*ways, start[inside][begin]]
        graph = sparse.coo_array((np.concatenate(ways), (np.concatenate(rows), np.concatenate(cols))), (n + 1, n + 1)).tocsr()
        distance = csgraph.dijkstra(graph, directed=False, indices=n)[:n]
        share = np.zeros(solid.shape)
        share[inside] = np.exp(-distance / self.reach)
        return share

    def most(self, y, x, z):
        """Largest dose that the liquid of points of a raster (y, x) [px] at one height [µm] ever has: (Y, X)."""
        cell = int(z / self.height * self.slices)
        at = np.ix_(np.floor(y * self.sub).astype(int), np.floor(x * self.sub).astype(int))
        first = min(int(z / self.height), len(self.frames) - 1)
        dose = np.zeros((len(y), len(x)))
        most = dose.copy()
        for k in range(first, len(self.frames)):
            dose = dose + np.maximum(self.seen(k, y, x) * np.exp(-((k + 1) * self.height - z) / self.dp) - self.induction, 0.0)
            most = np.maximum(most, dose)
            dose = dose * (1.0 - self.renewal * self.shares[k][cell][at])
        return most

    def roof_um(self, y, x, low, high, step=0.05):
        """Where each column of a raster becomes solid, from `low` upward [µm]: (Y, X); inf where it does not."""
        found = np.full((len(y), len(x)), np.inf)
        for z in np.arange(low + step / 2, high, step):
            solid = self.most(y, x, z) >= self.ec - self.induction
            found = np.where(solid & np.isinf(found), z, found)
        return found

    def wall_px(self, y, x, outward, z, reach=1.3, step=0.05):
        """Signed distance [px] along x from (y, x) outward (+1, -1) to where what is solid ends at one height; nan without any."""
        at = np.arange(-reach, reach + step / 2, step)
        logs = np.log(np.maximum(self.most(np.atleast_1d(y), x + outward * at, z)[0], 1e-300) / (self.ec - self.induction))
        last = np.flatnonzero((logs[:-1] >= 0) & (logs[1:] < 0))
        if not len(last):
            return np.nan
        i = last[np.argmin(np.abs(at[last]))]
        return at[i] + step * logs[i] / (logs[i] - logs[i + 1])


def _shifted(cell, shift):
    """Pairs of a cell and the one `shift` away, as two views."""
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, cell.shape, strict=True))
    there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, cell.shape, strict=True))
    return cell[here].ravel(), cell[there].ravel()
