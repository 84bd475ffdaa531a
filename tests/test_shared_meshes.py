"""Real files: every one that can be read is sliced to masks that hold its volume, or is refused with a reason."""

import numpy as np
import pytest
from conftest import SHARED_MESHES

import pmsl
from pmsl import Grid
from pmsl.errors import MeshError
from pmsl.slicing import slice_contours, to_polygons

FILES = (
    sorted(p.name for p in SHARED_MESHES.glob("*.*") if p.suffix.lower() in (".stl", ".obj", ".ply", ".3mf"))
    if SHARED_MESHES.is_dir()
    else []
)
CROSSING = {"self_intersecting", "truss_node", "overlap_27"}  # shells that cross: the union is less than the sum of volumes
OVERLAP = {"overlap_two_cubes": 15000 / 16000, "electronics_box": 16.082 / 16.084}
LARGE = "ball_bearing", "3dbenchy"  # as many triangles as others, and more to mend: with the slow tests
NO_SOLID = {"triangle_soup_100.stl", "zero_size_cube_ascii.stl"}


@pytest.mark.skipif(not FILES, reason="the shared meshes are not beside the repository")
def test_the_folder_is_there():
    assert len(FILES) > 40


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n.startswith(LARGE) else ()) for n in FILES])
def test_slices_or_is_refused(name):
    try:
        file = pmsl.load_solid(SHARED_MESHES / name)
        solid = file.repaired()
    except MeshError as err:
        assert name.split(".")[0] in str(err) and len(str(err)) > 40
        return
    assert name not in NO_SOLID
    low, high = solid.bounds_um
    size = np.maximum(high - low, 1e-3)
    layers, pixels = 60, 240 if name.startswith(tuple(CROSSING)) else 120
    pitch = size[:2].max() * 1.02 / pixels
    edges = np.linspace(low[2], high[2] + 1e-9 * size[2], layers + 1)
    shape = (int(np.ceil(size[1] / pitch)) + 2, int(np.ceil(size[0] / pitch)) + 2)
    grid = Grid(origin_um=low[:2] - pitch, pitch_um=pitch, shape=shape, z_edges_um=edges)
    maker = pmsl.masks.masks_of([file], grid)
    masks = [maker.mask_and_defects(k) for k in range(layers)]
    assert all(mask.dense(np.uint8)[[0, -1]].max() == 0 and mask.dense(np.uint8)[:, [0, -1]].max() == 0 for mask, _ in masks)
    assert all(leaks.rows == 0 for _, leaks in masks)
    if any(name.startswith(prefix) for prefix in CROSSING):
        for k, polygon in enumerate(to_polygons(slice_contours([solid], grid))[::6]):
            area = masks[6 * k][0].sum_px() * grid.pixel_um2
            assert area == pytest.approx(polygon.area, rel=2e-4, abs=1e-3 * grid.pixel_um2)
        return
    share = next((factor for prefix, factor in OVERLAP.items() if name.startswith(prefix)), 1.0)
    volume = sum(mask.sum_px() for mask, _ in masks) * grid.pixel_um2 * size[2] / layers
    assert volume == pytest.approx(volume_um3(solid) * share, rel=0.03)


def volume_um3(solid):
    """As its health says; of many triangles by their pyramids, for that takes longer than all the rest."""
    if solid.n_faces < 50_000:
        return solid.health.volume_um3
    a, b, c = np.moveaxis(solid.vertices_um[solid.faces], 1, 0)
    return abs(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0
