"""Light of scatter, Lorentzian and measured spots by direct sums over all pixels and layers; shares nothing with pmsl's light.

Every pixel of every layer is added up at every point, with the closed form of its spread at the depth it has to go. Walls are looked for
along their normals at mid-slab, roofs along z.
"""

import manifold3d
import numpy as np
from forward_model import stated
from msgspec.structs import replace
from scipy.special import ndtr

import pmsl
from pmsl.correct import Corrector
from pmsl.profiles.optics import Psf

PX, DP, EC, H, N = 10.0, 20.0, 10.0, 10.0, 40


def gaussian_light(frame, y, x, variance_px2):
    """Box of a pixel through a Gaussian, of all pixels, at points: (N,); one variance a point."""
    sigma = np.sqrt(np.broadcast_to(variance_px2, y.shape))[:, None]
    down, across = (
        ndtr((np.arange(n) + 1 - at[:, None]) / sigma) - ndtr((np.arange(n) - at[:, None]) / sigma)
        for n, at in zip(frame.shape, (y, x), strict=True)
    )
    return np.einsum("nr,rc,nc->n", down, frame, across)


def lorentzian_light(frame, y, x, gamma):
    """Box of a pixel through γ / 2π (r² + γ²)^(3/2), of all pixels: the corner integral's differences."""
    v, u = (np.arange(n + 1) - at[:, None] for n, at in zip(frame.shape, (y, x), strict=True))
    v, u = v[:, :, None], u[:, None, :]
    corner = np.arctan2(v * u, gamma * np.sqrt(v * v + u * u + gamma * gamma)) / (2 * np.pi)
    return np.einsum("nrc,rc->n", corner[:, 1:, 1:] - corner[:, 1:, :-1] - corner[:, :-1, 1:] + corner[:, :-1, :-1], frame)


def sampled_light(frame, y, x, samples, step):
    """A pixel's box around every cell of the samples, which are even squares: overlaps of boxes, by intervals."""

    def shares(at, n, m):
        cells = (np.arange(m) - m // 2) * step
        low = at[:, None, None] - cells[None, None, :] - 0.5 * step  # what of a cell lies in a pixel
        a, b = np.arange(n)[None, :, None], np.arange(1, n + 1)[None, :, None]
        return np.clip(np.minimum(low + step, b) - np.maximum(low, a), 0, None) / step

    down, across = shares(y, frame.shape[0], samples.shape[0]), shares(x, frame.shape[1], samples.shape[1])
    return np.einsum("nra,rc,ncb,ab->n", down, frame, across, samples, optimize=True)


class Direct:
    """Doses of a stack of frames, enclosed memory or open, by sums over layers."""

    def __init__(self, frames, white, light, memory="enclosed", induction=0.0):
        self.frames, self.white, self.light, self.memory, self.induction = frames, white, light, memory, induction

    def dose(self, y, x, z):
        """Effective dose at points of heights z (N,), all in one slab."""
        k = int(z.min() // H)
        doses = []
        for m in range(k, len(self.frames)):
            depth = (m + 1) * H - z
            seen = self.light(self.frames[m] / 255.0 * self.white[m], y, x, depth)
            doses.append(np.maximum(seen * np.exp(-depth / DP) - self.induction, 0.0))
        return np.max(doses, axis=0) if self.memory == "open" else np.sum(doses, axis=0)

    def walls_px(self, y, x, outward, k):
        """Where the dose is the threshold beside points (y, x), along outward (N, 2), at mid-slab."""
        z, steps = np.full(len(y), (k + 0.5) * H), np.linspace(-1.2, 1.2, 49)
        over = np.array([self.dose(y + s * outward[:, 0], x + s * outward[:, 1], z) for s in steps]) - (EC - self.induction)
        found = np.full(len(y), np.nan)
        for i in range(len(y)):
            falls = np.flatnonzero((over[:-1, i] >= 0) & (over[1:, i] < 0))
            if len(falls):
                j = falls[np.argmin(np.abs(steps[falls]))]
                found[i] = steps[j] + 0.05 * over[j, i] / (over[j, i] - over[j + 1, i])
        return found

    def roofs_um(self, y, x, z):
        """How far above a designed face at z the solid begins: looked for 6 µm to either side, in the slabs there."""
        steps = np.arange(-6.0, 6.01, 0.25)
        over = np.array([self.dose(y, x, np.full(len(y), z + s)) for s in steps]) - (EC - self.induction)
        first = (over >= 0).argmax(axis=0)
        out = np.where((over >= 0).any(axis=0), steps[first], np.nan)
        inner = first > 0
        low, high = over[first - 1, np.arange(len(y))], over[first, np.arange(len(y))]
        return np.where(inner, out - 0.25 * high / (high - low), out)


def block_less(*boxes, high=150.0):
    """A block 250.7 × 240.3 µm less boxes, each ((x0, y0, z0), (x1, y1, z1))."""
    body = manifold3d.Manifold.cube([250.7, 240.3, high]).translate([74.2, 80.1, 0])
    for low, to in boxes:
        body -= manifold3d.Manifold.cube((np.array(to) - low).tolist()).translate(list(low))
    return solid_of(body)


def solid_of(body):
    mesh = body.to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)


def tunnel():
    """A block with a channel along y, 120.2 µm wide, whose roof at z = 87.3 lies inside a slab."""
    return block_less(((140.4, 0, 30), (260.6, 400, 87.3)))


WALLS = ((74.2, -1.0), (324.9, 1.0), (140.4, 1.0), (260.6, -1.0))


def printer(psf):
    base = pmsl.find_printer("pmsl-10um")
    optics = replace(base.optics, pitch_um=stated((PX, PX)), psf=psf)
    return replace(base, dmd=replace(base.dmd, shape=stated((N, N))), optics=optics)


def resin(**more):
    base = pmsl.find_resin("pr48-bennett-405")
    values = {"memory": "enclosed"} | more
    return replace(base, resin=replace(base.resin, dp_um=stated(DP), ec_mj_cm2=stated(EC), **{k: stated(v) for k, v in values.items()}))


def corrected(solid, name_or_case, layers=15, corrections=("edges", "printthrough")):
    """Correct a solid with the light of a case, by name or as such, and return its print by direct sums."""
    psf, more, light, how = CASES[name_or_case] if isinstance(name_or_case, str) else name_or_case
    white = np.full(layers, 1.5 * EC * np.exp(H / DP))
    made = Corrector([solid], grid_of(layers), printer(psf), resin(**more), white, corrections)
    return Direct([made.images(k)[0][0].dense(np.uint8).astype(float) for k in range(layers)], white, light, **how)


def sides(xs, signs, y):
    """Points along walls at xs [µm] over y [px], and their normals along ±x."""
    n = len(y)
    x = np.repeat(np.asarray(xs, float) / PX, n)
    return np.tile(y, len(xs)), x, np.stack([np.zeros(len(x)), np.repeat(np.asarray(signs, float), n)], axis=1)


def printed(name_or_case):
    """Correct the block, print it by direct sums; |walls| [px] of layers 4 and 7 beside channel and outside, |roofs| [µm] inside."""
    run, rng = corrected(tunnel(), name_or_case), np.random.default_rng(1)
    points = sides(*zip(*WALLS, strict=True), rng.uniform(12.0, 28.0, 25))
    walls = np.concatenate([run.walls_px(*points, k) for k in (4, 7)])
    roofs = run.roofs_um(rng.uniform(12.0, 28.0, 60), rng.uniform(15.5, 24.6, 60), 87.3)
    return np.abs(walls), np.abs(roofs)


def gaussian(sigma=0.36):
    return Psf(kind="gaussian", sigma_pitch=stated(sigma))


SPOT = np.exp(-0.5 * (np.hypot(*np.meshgrid(*[np.arange(-6, 7) * 0.25] * 2)) / 0.45) ** 2) + 0.03  # 13 × 13 of a quarter pixel, a pedestal
SPOT[:, :5] *= 0.8  # and not symmetric
SPOT /= SPOT.sum()


CASES = {
    "scatter": (gaussian(), {"scatter_um": 0.2}, lambda f, y, x, d: gaussian_light(f, y, x, 0.36**2 + 0.2 * d / PX**2), {}),
    "scatter-much": (gaussian(), {"scatter_um": 1.0}, lambda f, y, x, d: gaussian_light(f, y, x, 0.36**2 + 1.0 * d / PX**2), {}),
    "scatter-open": (
        gaussian(),
        {"scatter_um": 0.4, "memory": "open"},
        lambda f, y, x, d: gaussian_light(f, y, x, 0.36**2 + 0.4 * d / PX**2),
        {"memory": "open"},
    ),
    "scatter-induction": (
        gaussian(),
        {"scatter_um": 0.4, "induction_mj_cm2": 2.0},
        lambda f, y, x, d: gaussian_light(f, y, x, 0.36**2 + 0.4 * d / PX**2),
        {"induction": 2.0},
    ),
    "lorentzian": (Psf(kind="lorentzian", gamma_pitch=stated(0.25)), {}, lambda f, y, x, d: lorentzian_light(f, y, x, 0.25), {}),
    "sampled": (
        Psf(kind="sampled", samples=stated(SPOT.tolist()), step_pitch=stated(0.25)),
        {},
        lambda f, y, x, d: sampled_light(f, y, x, SPOT, 0.25),
        {},
    ),
}


def grid_of(layers=15):
    return pmsl.Grid(origin_um=(0, 0), pitch_um=PX, shape=(N, N), z_edges_um=H * np.arange(layers + 1))
