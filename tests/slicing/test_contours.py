"""Contours: rings close, convert to shapely and back, and give the masks' areas."""

import numpy as np
import pytest
import shapely
from solids import box, cone, grid, icosphere, soup

import pmsl
from pmsl import Contours, Solid
from pmsl.errors import GridError, MeshError
from pmsl.masks import coverage
from pmsl.slicing import from_polygons, to_polygons


def test_rings_have_the_area_of_the_coverage():
    solids = [soup(icosphere(3, 5, (7, 6, 4))), box((1, 1, 0), (12, 3, 8))]
    g = grid(edges=np.linspace(0, 8, 9))
    for k, polygon in enumerate(to_polygons(pmsl.slice_contours(solids, g))):
        window = polygon.intersection(shapely.box(0, 0, 14, 12))
        assert window.area > 0 or coverage(solids, g, k).sum() == 0
    alone = pmsl.slice_contours(solids[:1], g)
    for k, polygon in enumerate(to_polygons(alone)):
        assert polygon.area == pytest.approx(coverage(solids[:1], g, k).sum(), abs=1e-9)


def test_overlaps_unite_and_cavities_stay():
    outer, inner = box((2, 2, 0), (10, 10, 3)), box((4, 4, 0), (8, 8, 3))
    hollow = Solid.from_arrays(
        np.vstack([outer.vertices_um, inner.vertices_um]), np.vstack([outer.faces, inner.faces[:, ::-1] + len(outer.vertices_um)])
    )
    island, overlap = box((5, 5, 0), (7, 7, 3)), box((9, 9, 0), (11, 11, 3))
    polygon = to_polygons(pmsl.slice_contours([hollow, island, overlap], grid()))[1]
    assert polygon.area == pytest.approx(64 - 16 + 4 + 4 - 1)
    assert len(polygon.geoms) == 2 and sum(len(p.interiors) for p in polygon.geoms) == 1


def test_round_trip_through_shapely():
    contours = pmsl.slice_contours([cone(31, 5, 9, (6, 6, 0))], grid())
    again = from_polygons(to_polygons(contours), contours.z_um)
    assert again.n_layers == contours.n_layers
    for k in range(again.n_layers):
        a, b = to_polygons(again)[k], to_polygons(contours)[k]
        assert a.symmetric_difference(b).area < 1e-9
        assert all(shapely.LinearRing(r).is_ccw for r in again.rings(k))


def test_an_open_mesh_has_no_contours():
    solid = box((2, 2, 0), (6, 6, 3))
    with pytest.raises(MeshError, match="open"):
        pmsl.slice_contours([Solid.from_arrays(solid.vertices_um, solid.faces[1:])], grid())


def test_offsets_that_do_not_fit_are_refused():
    with pytest.raises(GridError, match="do not fit"):
        Contours(np.zeros((3, 2)), np.array([0, 2]), np.array([0, 1]), np.array([0.0]))
    with pytest.raises(GridError, match="one height a layer"):
        from_polygons([shapely.box(0, 0, 1, 1)], [0.0, 1.0])
    with pytest.raises(GridError, match="LineString"):
        from_polygons([shapely.LineString([(0, 0), (1, 1)])], [0.0])
