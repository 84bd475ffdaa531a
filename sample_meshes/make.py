"""Make the sample meshes: small closed binary STL files in millimetres, one for each common use of projection micro-stereolithography.

Usage: ``python sample_meshes/make.py [OUTDIR]`` (default: the folder of this script). Needs numpy, manifold3d, scikit-image and trimesh.
Every part has its lowest point at z = 0 and is one CSG result. The exit status is 1 if any file read back is not a closed solid.
"""

import sys
from pathlib import Path

import numpy as np
import trimesh
from manifold3d import CrossSection, Manifold, Mesh64, OpType
from skimage.measure import marching_cubes

PIXEL = 0.0076  # mm, the pixel pitch that the grating is laid out on
EPS = 0.05  # mm, how far a cutting body reaches past the face it opens


# ---------------------------------------------------------------- shapes


def box(x0, x1, y0, y1, z0, z1):
    """Axis-aligned box between two values on each axis."""
    return Manifold.cube((x1 - x0, y1 - y0, z1 - z0)).translate((x0, y0, z0))


def rod(x, y, diameter, z0, z1, sides=48):
    """Upright cylinder about (x, y) from z0 to z1."""
    return Manifold.cylinder(z1 - z0, diameter / 2, diameter / 2, sides).translate((x, y, z0))


def prism(points, z0, z1):
    """Upright prism over a polygon (counter-clockwise points) from z0 to z1."""
    return Manifold.extrude(CrossSection([points]), z1 - z0).translate((0, 0, z0))


def lathe(profile, sides):
    """Solid of revolution about z of a closed profile of (radius, z) points, counter-clockwise."""
    return Manifold.revolve(CrossSection([profile]), sides)


def frustum(lower, z0, upper, z1):
    """Rectangular frustum centred on the z axis, from (x, y) size `lower` at z0 to `upper` at z1."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
    ends = [np.column_stack([corners * size, np.full(4, z)]) for size, z in ((lower, z0), (upper, z1))]
    return Manifold.hull_points(np.vstack(ends))


def union(parts):
    """One body from many."""
    return Manifold.batch_boolean(list(parts), OpType.Add)


def array(body, count, pitch, first):
    """Square array of `count` x `count` copies of a body, the first at (`first`, `first`)."""
    steps = [first + pitch * i for i in range(count)]
    return union(body.translate((x, y, 0)) for x in steps for y in steps)


# ---------------------------------------------------------------- parts


def microfluidic_chip():
    """9 x 5 x 0.8 mm block; channels 50, 100, 200, 500 um wide and 40, 60, 100, 200 um high; 0.6 mm wells; 1 to 4 engraved ticks."""
    cuts = []
    for i, (width, height) in enumerate([(0.05, 0.04), (0.1, 0.06), (0.2, 0.1), (0.5, 0.2)]):
        y = 1.0 + i
        cuts.append(box(1.3, 8.3, y - width / 2, y + width / 2, 0.2, 0.2 + height))
        cuts += [rod(x, y, 0.6, 0.2, 0.8 + EPS) for x in (1.3, 8.3)]
        cuts += [box(0.2 + 0.14 * n, 0.26 + 0.14 * n, y - 0.2, y + 0.2, 0.74, 0.8 + EPS) for n in range(i + 1)]
    return box(0, 9, 0, 5, 0, 0.8) - union(cuts)


def droplet_generator():
    """6 x 4 x 0.6 mm block; channels 100 um wide and 80 um high; orifice 60 um wide and 100 um long; three inlets, one outlet."""
    z0, z1 = 0.15, 0.23
    inlets, outlet, (x, y) = [(0.7, 2.0), (2.0, 0.6), (2.0, 3.4)], (5.3, 2.0), (2.0, 2.0)
    cuts = [rod(*well, 0.6, z0, 0.6 + EPS) for well in [*inlets, outlet]]
    cuts.append(box(inlets[0][0], x + 0.05, y - 0.05, y + 0.05, z0, z1))
    cuts.append(box(x - 0.05, x + 0.05, inlets[1][1], inlets[2][1], z0, z1))
    cuts.append(box(x, x + 0.2, y - 0.03, y + 0.03, z0, z1))
    cuts.append(box(x + 0.15, outlet[0], y - 0.05, y + 0.05, z0, z1))
    return box(0, 6, 0, 4, 0, 0.6) - union(cuts)


def horn_antenna():
    """WR-3 waveguide (0.864 x 0.432 mm, 1 mm long) flaring over 2.5 mm to a 3 x 2.4 mm horn mouth; wall 0.2 mm in plan; open through."""
    guide, mouth, z1, z2 = np.array([0.864, 0.432]), np.array([3.0, 2.4]), 1.0, 3.5
    beyond = guide + (mouth - guide) * (z2 + EPS - z1) / (z2 - z1)
    outer = frustum(guide + 0.4, 0, guide + 0.4, z1) + frustum(guide + 0.4, z1, mouth + 0.4, z2)
    return outer - (frustum(guide, -EPS, guide, z1) + frustum(guide, z1, beyond, z2 + EPS))


def microlens_array():
    """5 x 5 spherical plano-convex lenses, 300 um in diameter, sag 20 um, pitch 350 um, on a 1.9 x 1.9 x 0.1 mm plate."""
    half, sag, top = 0.15, 0.02, 0.1
    radius = (half**2 + sag**2) / (2 * sag)
    angles = np.linspace(1.1 * np.arcsin(half / radius), 0, 5)  # begins below the plate's top, so the two surfaces cross
    cap = np.column_stack([radius * np.sin(angles), top + sag - radius * (1 - np.cos(angles))])
    lens = lathe([(0, top / 2), (cap[0, 0], top / 2), *cap], 36)
    return box(0, 1.9, 0, 1.9, 0, top) + array(lens, 5, 0.35, 0.25)


def grating():
    """Lines and equal spaces of 2, 3 and 4 pixels of 7.6 um, ten periods each, 20 um high, on a 1.976 x 1.292 x 0.1 mm plate."""
    lines, start = [], 20
    for width in (2, 3, 4):
        edges = start + 2 * width * np.arange(10)
        lines += [box(e * PIXEL, (e + width) * PIXEL, 20 * PIXEL, 150 * PIXEL, 0.05, 0.12) for e in edges]
        start += 20 * width + 20
    return union([box(0, start * PIXEL, 0, 170 * PIXEL, 0, 0.1), *lines])


def y_slot(width, arm, z0, z1):
    """Y-shaped bar about the z axis, three arms of a given width reaching `arm` from the axis."""
    bar = box(0, arm, -width / 2, width / 2, z0, z1)
    return union(bar.rotate((0, 0, angle)) for angle in (90, 210, 330))


def spinneret():
    """4 x 4 x 0.5 mm plate; round holes 50, 100, 200, 300 um; Y slots 60 and 100 um wide, arms 250 um; 0.8 x 0.3 mm counterbores."""
    holes = [rod(0, 0, diameter, -EPS, 0.5) for diameter in (0.05, 0.1, 0.2, 0.3)]
    holes += [y_slot(width, 0.25, -EPS, 0.5) for width in (0.06, 0.1)]
    places = [(0.8, 1.1), (2.0, 1.1), (3.2, 1.1), (0.8, 2.9), (2.0, 2.9), (3.2, 2.9)]
    entry = rod(0, 0, 0.8, 0.2, 0.5 + EPS)
    return box(0, 4, 0, 4, 0, 0.5) - union((hole + entry).translate((*place, 0)) for hole, place in zip(holes, places, strict=True))


def microneedle_array():
    """5 x 5 cones 700 um high, 250 um across the base, tip radius 10 um, pitch 500 um, on a 2.5 x 2.5 x 0.2 mm plate."""
    base, height, tip, top = 0.125, 0.7, 0.01, 0.2
    centre = height - tip
    flank = np.arccos(tip / np.hypot(base, centre)) - np.arctan2(centre, base)  # half the cone's angle
    angles = np.linspace(flank, np.pi / 2, 4)
    cap = np.column_stack([tip * np.cos(angles), top + centre + tip * np.sin(angles)])
    cap[-1, 0] = 0
    needle = lathe([(0, top / 2), (base + np.tan(flank) * top / 2, top / 2), *cap], 36)  # the flank runs on into the plate
    return box(0, 2.5, 0, 2.5, 0, top) + array(needle, 5, 0.5, 0.25)


def mems_comb():
    """Comb drive: 20 fingers a side, 20 um wide, 20 um gaps, 200 um long, 50 um thick, held 50 um over a 0.75 x 1.78 x 0.05 mm plate."""
    height, length = 1.78, 0.2
    left, right = 0.25, 0.5  # inner faces of the bars: fingers overlap by 150 um, tips clear the other bar by 50 um
    fingers = [box(left - EPS, left + length, y, y + 0.02, 0.1, 0.15) for y in 0.1 + 0.08 * np.arange(20)]
    fingers += [box(right - length, right + EPS, y, y + 0.02, 0.1, 0.15) for y in 0.14 + 0.08 * np.arange(20)]
    bars = [box(0.05, left, 0.05, height - 0.05, 0.03, 0.15), box(right, 0.7, 0.05, height - 0.05, 0.03, 0.15)]
    return union([box(0, 0.75, 0, height, 0, 0.05), *bars, *fingers])


def gyroid_side(level, side, cell, step):
    """Solid where the gyroid function exceeds a level; its cell and the grid step in mm, covering a cube of a given side."""
    grid = np.meshgrid(*[np.arange(-2 * step, side + 2.5 * step, step)] * 3, indexing="ij")
    # a shift of an eighth of a cell keeps the corners of the cube from cutting off loose crumbs
    x, y, z = ((axis / cell + 0.125) * 2 * np.pi for axis in grid)
    field = np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x) - level
    padded = np.pad(field, 1, constant_values=-2.0)  # closes the surface outside the cube
    vertices, faces, _, _ = marching_cubes(padded, 0.0, gradient_direction="ascent")
    return Manifold(Mesh64((vertices - 3.0) * step, faces.astype(np.uint64)))


def gyroid_lattice():
    """1.0 mm cube of sheet gyroid: 500 um cell (two a side), wall about 80 um, cut flat at the faces of the cube."""
    side, cell, step = 1.0, 0.5, 0.05
    level = 0.7  # the mean wall of this mesh is then 80 um (a much finer grid would need 0.735)
    sheet = gyroid_side(-level, side, cell, step) - gyroid_side(level, side, cell, step)
    return (sheet ^ box(0, side, 0, side, 0, side)).simplify(0.003)


def micro_gripper():
    """3 x 1.5 x 0.2 mm two-jaw gripper: each jaw on two flexures 60 um wide, 1.1 mm long; teeth 60 um deep, pitch 120 um."""
    teeth = [(3.0 - 0.06 * n, 0.06 + 0.06 * (n % 2)) for n in range(13)]
    jaw = prism([(1.7, 0.3), *reversed(teeth), (3.0, 0.25), (2.0, 0.75), (1.7, 0.75)], 0, 0.2)
    arms = [box(0.5, 1.75, y, y + 0.06, 0, 0.2) for y in (0.36, 0.66)]
    upper = union([jaw, *arms])
    return union([box(0, 0.6, -0.75, 0.75, 0, 0.2), upper, upper.mirror((0, 1, 0))]) - rod(0.3, 0, 0.3, -EPS, 0.2 + EPS)


def f_orientation():
    """Letter F of 1.0 x 1.4 mm, strokes 0.2 mm wide and 0.1 mm high, read from +z; a 0.12 mm peg at the upper right reaches z = 0.2."""
    strokes = [box(0, 0.2, 0, 1.4, 0, 0.1), box(0, 1.0, 1.2, 1.4, 0, 0.1), box(0, 0.7, 0.65, 0.85, 0, 0.1)]
    return union([*strokes, rod(0.88, 1.3, 0.12, 0.05, 0.2)])


# ---------------------------------------------------------------- files


def write(body, path):
    """Write a body as binary STL, its triangles in a fixed order so that every run gives the same bytes."""
    mesh = body.to_mesh()
    corners = np.asarray(mesh.vert_properties, dtype=np.float32)[:, :3][np.asarray(mesh.tri_verts)] + np.float32(0)
    first = [min(range(3), key=lambda k: tuple(t[k])) for t in corners.tolist()]
    corners = corners[np.arange(len(corners))[:, None], (np.array(first)[:, None] + np.arange(3)) % 3]
    corners = corners[np.lexsort(corners.reshape(-1, 9).T[::-1])]
    faces = np.arange(3 * len(corners)).reshape(-1, 3)
    trimesh.Trimesh(corners.reshape(-1, 3), faces, process=False).export(path, file_type="stl")


def check(path):
    """Print one line about a file as read back, and return whether it is a closed, consistently wound solid standing on z = 0."""
    mesh = trimesh.load_mesh(path)  # merges the corners that coincide
    size = " x ".join(f"{v:.3f}" for v in mesh.extents)
    closed = mesh.is_watertight and mesh.is_winding_consistent
    print(f"{path.name:24} {len(mesh.faces):6} tri  {size:22} mm  {mesh.volume:9.5f} mm3  watertight={closed}  {path.stat().st_size:7} B")
    return closed and mesh.volume > 0 and abs(mesh.bounds[0, 2]) < 1e-6


PARTS = [
    microfluidic_chip,
    droplet_generator,
    horn_antenna,
    microlens_array,
    grating,
    spinneret,
    microneedle_array,
    mems_comb,
    gyroid_lattice,
    micro_gripper,
    f_orientation,
]


def main(folder):
    """Write and check every part; return the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    bad = []
    for part in PARTS:
        path = folder / f"{part.__name__}.stl"
        write(part(), path)
        if not check(path):
            bad.append(path.name)
    if bad:
        print("not closed solids on z = 0:", ", ".join(bad), file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent))
