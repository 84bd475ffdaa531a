"""An independent forward model and rulers: masks → dose at points → where walls and faces are printed. Plain numpy and Φ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from scipy.special import ndtr

import pmsl
from pmsl import Grid, Solid
from pmsl.profiles.tables.strict_struct import Value

PITCH = 7.6
EC = 6.0
H = 10.0


def stated(value):
    return Value(value, "placeholder", "test")


def printer_of(shape, sigma=0.36, pitch=PITCH):
    """The microfluidics printer with another field and blur."""
    p = pmsl.find_printer("microfluidics-7.6um")
    optics = replace(p.optics, pitch_um=stated((pitch, pitch)), psf=replace(p.optics.psf, sigma_pitch=stated(sigma)))
    return replace(p, dmd=replace(p.dmd, shape=stated(shape)), optics=optics)


def resin_of(dp=20.94, memory="enclosed"):
    r = pmsl.find_resin("pegda-nps-1.0-385")
    return replace(r, resin=replace(r.resin, dp_um=stated(dp), ec_mj_cm2=stated(EC), memory=None if memory is None else stated(memory)))


def white_of(grid, dp=20.94, bottom=()):
    """The default far-face rule: 1.5 Ec at the far face, times the bottom factors."""
    white = 1.5 * EC * np.exp(grid.thickness_um / dp)
    white[: len(bottom)] *= bottom
    return white


def grid_of(rows, cols, layers, pitch=PITCH, h=H):
    return Grid(origin_um=(0, 0), pitch_um=pitch, shape=(rows, cols), z_edges_um=h * np.arange(layers + 1))


def frustum(low, high, z0, z1) -> Solid:
    """Between two rings of as many points, counter-clockwise from above; walls are planes where the rings are alike."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    n = len(low)
    vertices = np.vstack([np.c_[low, np.full(n, z0)], np.c_[high, np.full(n, z1)], [[*low.mean(0), z0], [*high.mean(0), z1]]])
    faces = []
    for i in range(n):
        j = (i + 1) % n
        faces += [(i, j, n + j), (i, n + j, n + i), (j, i, 2 * n), (n + i, n + j, 2 * n + 1)]
    return Solid.from_arrays(vertices, np.array(faces), source="frustum")


def square(half, angle_deg, centre):
    turn = np.radians(angle_deg + 45 + 90 * np.arange(4))
    return np.asarray(centre) + half * np.sqrt(2) * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def circle(radius, centre, n=240):
    turn = 2 * np.pi * np.arange(n) / n
    return np.asarray(centre) + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def channel(roof, top, low=110.3, high=270.3, floor=60.0) -> Solid:
    """A block with a channel along y through it: void from `low` to `high` in x, `floor` to `roof` in z."""
    outer, inner = [(20.9, 0), (360, 0), (360, top), (20.9, top)], [(low, floor), (high, floor), (high, roof), (low, roof)]
    vertices = [(x, y, z) for y in (20.7, 360.2) for x, z in outer + inner]
    faces = []
    for i in range(4):
        j = (i + 1) % 4
        faces += [(i, j, 8 + j), (i, 8 + j, 8 + i), (4 + j, 4 + i, 12 + i), (4 + j, 12 + i, 12 + j)]
        faces += [(j, i, 4 + i), (j, 4 + i, 4 + j), (8 + i, 8 + j, 12 + j), (8 + i, 12 + j, 12 + i)]
    solid = Solid.from_arrays(np.array(vertices, float), np.array(faces)[:, ::-1], source="channel")
    assert solid.health.watertight and solid.health.volume_um3 > 0
    return solid


@dataclass
class Stack:
    """Dose at the mirror, summed from the light side: `mirror[k]` for enclosed memory, `own[k]` of the layer alone."""

    grid: Grid
    dp: float
    sigma: float
    mirror: list
    own: list

    @classmethod
    def of(cls, frames, white, grid, dp, sigma):
        """frames: (rows, cols) uint8 by layer."""
        mirror, own, above = [], [], 0.0
        for k in range(grid.n_layers - 1, -1, -1):
            own.append(white[k] * frames[k] / 255.0)
            thick = grid.thickness_um[k + 1] if k + 1 < grid.n_layers else np.inf
            above = own[-1] + np.exp(-thick / dp) * above
            mirror.append(above)
        return cls(grid, dp, sigma, mirror[::-1], own[::-1])

    def blurred(self, light, y, x):
        """Exact Gaussian blur of a frame at points [px]: (N,) and (N,) → (N,); pixels beyond three are more than 6 σ away."""
        row, col = np.floor(y).astype(int), np.floor(x).astype(int)
        around = np.arange(-3, 4)
        wide = np.pad(light, 8)
        down = np.diff(ndtr((row[:, None] + np.arange(-3, 5) - y[:, None]) / self.sigma), axis=1)
        across = np.diff(ndtr((col[:, None] + np.arange(-3, 5) - x[:, None]) / self.sigma), axis=1)
        patch = wide[(row[:, None] + around + 8)[:, :, None], (col[:, None] + around + 8)[:, None, :]]
        return np.einsum("na,nab,nb->n", down, patch, across)

    def dose(self, y, x, z):
        """Dose [mJ/cm²] at points of one slab height z [µm]; pixels (y, x)."""
        k = min(int(np.searchsorted(self.grid.z_edges_um, z, side="right")) - 1, self.grid.n_layers - 1)
        return self.blurred(self.mirror[k], y, x) * np.exp(-(self.grid.z_edges_um[k + 1] - z) / self.dp)

    def open_dose(self, y, x, z):
        """The same where recoating replaces liquid: the most that one layer gives."""
        k = min(int(np.searchsorted(self.grid.z_edges_um, z, side="right")) - 1, self.grid.n_layers - 1)
        tops = self.grid.z_edges_um[k + 1 :]
        return np.max([self.blurred(o, y, x) * np.exp(-(top - z) / self.dp) for o, top in zip(self.own[k:], tops, strict=True)], axis=0)

    def face_errors(self, y, x, z, memory="enclosed"):
        """Printed minus designed height [µm] of flat faces at z: the dose falls as exp(-z/Dp) below them."""
        dose = self.dose if memory == "enclosed" else self.open_dose
        return -self.dp * np.log(np.maximum(dose(y, x, z + 1e-9), 1e-9) / EC)

    def edge_errors(self, y, x, outward, z, reach=1.2):
        """Signed distance [px] from designed points to where D = Ec along the normal (y, x), beyond: outward; reach where it is not met."""
        steps = np.linspace(-reach, reach, 33)
        doses = np.stack([self.dose(y + s * outward[:, 0], x + s * outward[:, 1], z) for s in steps]) / EC - 1
        out = np.where(doses[0] > 0, reach, -reach)
        crossing = (doses[:-1] >= 0) & (doses[1:] < 0)
        for i in range(len(y)):
            found = np.flatnonzero(crossing[:, i])
            if len(found):
                c = found[np.argmin(np.abs(steps[found]))]
                low, high = doses[c, i], doses[c + 1, i]
                out[i] = steps[c] + (steps[1] - steps[0]) * low / (low - high)
        return out


def frames_of(corrector_or_masks, layers):
    """Frames (uint8) of a Corrector or of a masks_of."""
    if hasattr(corrector_or_masks, "images"):
        images = [corrector_or_masks.images(k) for k in range(layers)]
        assert all(len(i) == 1 for i in images)
        return [i[0][0].dense(np.uint8) for i in images]
    return [corrector_or_masks.mask(k).dense(np.uint8) for k in range(layers)]


def over(x0, x1, y0=20.7, y1=360.2, step=(0.77, 0.31), apart=1.0):
    """Points (y, x) [px] over a rectangle [µm], `apart` pixels from its sides in x and three in y."""
    gx = np.arange(x0 / PITCH + apart, x1 / PITCH - apart, step[1])
    gy = np.arange(y0 / PITCH + 3, y1 / PITCH - 3, step[0])
    y, x = np.meshgrid(gy, gx, indexing="ij")
    return y.ravel(), x.ravel()


def ring_points(ring, spacing_um=2.6, from_corner_um=3 * PITCH):
    """Points along a ring away from its corners [px], and outward normals (y, x)."""
    at, out = [], []
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        d = b - a
        length = np.hypot(*d)
        s = np.arange(from_corner_um, length - from_corner_um, spacing_um) if length > 2 * from_corner_um else np.zeros(0)
        at.append(a + (s / length)[:, None] * d)
        out.append(np.repeat([[-d[0] / length, d[1] / length]], len(s), axis=0))
    at, out = np.concatenate(at), np.concatenate(out)
    return at[:, 1] / PITCH, at[:, 0] / PITCH, out
