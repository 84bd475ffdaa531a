"""Solids of boxes, some of which look inward, and the coverage of what they enclose by cells between their planes."""

import numpy as np
from solids import box

from pmsl import Grid, Solid


def joined(*solids):
    counts = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return Solid.from_arrays(
        np.vstack([s.vertices_um for s in solids]), np.vstack([s.faces + n for s, n in zip(solids, counts, strict=False)])
    )


def flipped(solid):
    return Solid.from_arrays(solid.vertices_um, solid.faces[:, ::-1])


class BoxModel:
    """Outward and inward boxes, each (low, high), as one mesh and as an arrangement of cells that are solid or not."""

    def __init__(self, outward, inward):
        self.outward, self.inward = ([tuple(np.asarray(p, float) for p in b) for b in boxes] for boxes in (outward, inward))
        boxes = self.outward + self.inward
        self.planes = [np.unique([b[j][axis] for b in boxes for j in (0, 1)]) for axis in range(3)]
        self.solid = self._solid()

    def mesh(self, order=None, mixed_by=None):
        """Return the boxes as one solid, in this order, or its faces in an order that a random generator gives."""
        parts = [box(*b) for b in self.outward] + [flipped(box(*b)) for b in self.inward]
        mesh = joined(*(parts[i] for i in (range(len(parts)) if order is None else order)))
        return mesh if mixed_by is None else Solid.from_arrays(mesh.vertices_um, mixed_by.permutation(mesh.faces))

    def volume_um3(self):
        dx, dy, dz = (np.diff(p) for p in self.planes)
        return float(np.einsum("xyz,x,y,z->", self.solid, dx, dy, dz))

    def looks_inward(self):
        """Tell whether the mesh as a whole would count as inside out."""
        size = [sum(np.prod(high - low) for low, high in boxes) for boxes in (self.outward, self.inward)]
        return size[0] <= size[1] * 1.001

    def coverage(self, grid: Grid, k: int, mode: str):
        """Return the exact coverage of layer k: (rows, cols)."""
        rows, cols = grid.shape
        wx = _overlap(grid.origin_um[0] + grid.pitch_um[0] * np.arange(cols + 1), self.planes[0])
        wy = _overlap(grid.origin_um[1] + grid.pitch_um[1] * np.arange(rows + 1), self.planes[1])
        z0, z1 = grid.z_edges_um[k : k + 2]
        if mode == "area":
            at = int(np.searchsorted(self.planes[2], (z0 + z1) / 2, side="right")) - 1
            wz = (np.arange(self.solid.shape[2]) == at).astype(float)
        else:
            wz = _overlap(np.array([z0, z1]), self.planes[2])[0] / (z1 - z0)
        return wy @ np.einsum("xyz,z->yx", self.solid, wz) @ wx.T / np.prod(grid.pitch_um)

    def _cells(self, b):
        inside = [(p[1:] + p[:-1] > 2 * low) & (p[1:] + p[:-1] < 2 * high) for p, low, high in zip(self.planes, *b, strict=True)]
        return inside[0][:, None, None] & inside[1][None, :, None] & inside[2][None, None, :]

    def _solid(self):
        bodies, voids = [self._cells(b) for b in self.outward], [self._cells(b) for b in self.inward]
        nothing = np.zeros([len(p) - 1 for p in self.planes], bool)

        def union(cells):
            return np.logical_or.reduce([nothing, *cells])

        def within(cells, whole):
            return not (cells & ~whole).any()

        material = union(bodies)
        cavities = [c for c in voids if within(c, material)]
        level, total = bodies + [c for c in voids if not within(c, material)], nothing
        for _ in range(len(self.outward) + len(self.inward) + 1):
            islands = [within(b, union(cavities)) for b in level]
            inner = union([b for b, island in zip(level, islands, strict=True) if island])
            own = [c for c in cavities if not within(c, inner)]
            total = total | union([b for b, island in zip(level, islands, strict=True) if not island]) & ~union(own)
            level = [b for b, island in zip(level, islands, strict=True) if island]
            cavities = [c for c in cavities if within(c, inner)]
        return total


def _overlap(edges, planes):
    """Return how long each pixel (n) and each cell (m) overlap: (n, m)."""
    return np.clip(np.minimum(edges[1:, None], planes[None, 1:]) - np.maximum(edges[:-1, None], planes[None, :-1]), 0, None)


def random_model(rng):
    """Make a few boxes that nest, cross, touch and repeat: on whole numbers more often than not, where faces coincide."""
    whole = rng.random() < 0.6

    def some():
        low = rng.integers(0, 8, 3).astype(float) if whole else rng.uniform(0, 8, 3)
        return low, low + (rng.integers(1, 6, 3) if whole else rng.uniform(0.5, 6, 3))

    outward, inward = [some() for _ in range(rng.integers(1, 5))], [some() for _ in range(rng.integers(1, 5))]
    if rng.random() < 0.6:
        outward.append((np.zeros(3), np.full(3, 12.0)))
    if rng.random() < 0.2:
        inward.append(inward[0])
    if rng.random() < 0.1:
        outward.append(outward[0])
    return BoxModel(outward, inward)


def aligned_model(rng):
    """Make boxes between a few planes that all of them share: faces, edges and corners of several coincide, copies among them."""
    side = int(rng.integers(3, 7))
    planes = np.sort(rng.uniform(0.3, 11, side)) if rng.random() < 0.5 else 2.0 * np.arange(side) + 1

    def some():
        ends = np.array([np.sort(rng.choice(side, 2, replace=False)) for _ in range(3)])
        return planes[ends[:, 0]], planes[ends[:, 1]]

    outward, inward = [some() for _ in range(rng.integers(2, 5))], [some() for _ in range(rng.integers(0, 4))]
    if rng.random() < 0.4:
        outward.append((np.zeros(3), np.full(3, 12.0)))
    if rng.random() < 0.2:
        outward.append(outward[0])
    inverse = [any(np.array_equal(b, other) for other in outward) for b in inward]  # a body and its inverse are a body
    return BoxModel(outward, [b for b, known in zip(inward, inverse, strict=True) if not known])
