"""Placement and planes: the rules of the house, number by number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids import box

import pmsl
from pmsl import find_process
from pmsl.errors import MeshError, ProfileError, UsageError
from pmsl.mesh.placing.placement import place
from pmsl.profiles.process import Process
from pmsl.profiles.tables.schema import build
from pmsl.slicing import z_edges_um

FIELD, PITCH = np.array([200.0, 120.0]), np.array([2.0, 3.0])


def process(**changes):
    return build({"schema": "pmsl.process/1", "name": "t", "description": "", **changes}, Process, "test")


sizes = st.tuples(st.floats(0.5, 199), st.floats(0.5, 119), st.floats(0.5, 90))


@given(sizes, st.tuples(*[st.floats(-500, 500)] * 3))
def test_default_is_centred_with_the_lower_corner_on_a_pixel_corner(size, at):
    placed = place([box(at, np.add(at, size))], FIELD, PITCH, 100.0)
    low, high = placed.parts[0].bounds_um()
    assert np.allclose(placed.bounds_um, [low, high], atol=1e-9)
    assert low[2] == pytest.approx(0, abs=1e-9)
    assert np.allclose(low[:2] / PITCH, np.round(low[:2] / PITCH), atol=1e-9)
    off = (low + high)[:2] / 2 - FIELD / 2
    assert (np.abs(off) <= PITCH / 2 + 1e-9).all()
    assert np.allclose(placed.shift_um[:2], off, atol=1e-9)
    assert (low[:2] >= 0).all() and (high[:2] <= FIELD + 1e-9).all()


@pytest.mark.parametrize("item", ["part.stl", 3, None])
def test_what_is_no_solid_is_refused_with_the_way_to_one(item):
    with pytest.raises(UsageError, match=r"is no Solid and no Part; load a file first: pmsl.load_solid\(path, unit\)"):
        pmsl.prepare([item], "pmsl-2um", "pr48-405")


def test_a_part_as_large_as_the_field_fits():
    placed = place([box((0, 0, 0), (200, 120, 5))], FIELD, PITCH, 100.0)
    assert np.array_equal(placed.bounds_um, [[0, 0, 0], [200, 120, 5]])


def test_at_is_exact_and_the_group_keeps_its_relative_positions():
    a, b = box((10, 20, 5), (20, 30, 9)), box((40, 60, 7), (50, 70, 19))
    placed = place([a, b], FIELD, PITCH, 100.0, at_um=(7.25, 11.5))
    assert placed.parts[0].bounds_um()[0] == pytest.approx([7.25, 11.5, 0], abs=1e-12)
    assert placed.parts[1].bounds_um()[0] - placed.parts[0].bounds_um()[0] == pytest.approx([30, 40, 2])


def test_rotation_is_about_fixed_x_y_z_in_that_order():
    # a point on +x: 90° about x leaves it, 90° about y sends it to -z, 90° about z leaves that
    placed = place([box((0, 0, 0), (30, 10, 4))], FIELD, PITCH, 100.0, rotate_deg=(90, 90, 0))
    size = placed.bounds_um[1] - placed.bounds_um[0]
    assert np.array_equal(size, [10, 4, 30])
    turned = place([box((0, 0, 0), (30, 10, 4))], FIELD, PITCH, 100.0, rotate_deg=(0, 0, 90))
    assert np.array_equal(turned.bounds_um[1] - turned.bounds_um[0], [10, 30, 4])
    matrix = turned.parts[0].transform[:3, :3]
    assert np.array_equal(matrix @ [1, 0, 0], [0, 1, 0])


def test_scale_comes_first_and_shrinkage_is_made_up_for():
    placed = place([box((0, 0, 0), (10, 20, 4))], FIELD, PITCH, 100.0, scale=(2, 1, 1), rotate_deg=(0, 0, 90), shrinkage=(0.2, 0.0, 0.5))
    assert placed.bounds_um[1] - placed.bounds_um[0] == pytest.approx([20 / 0.8, 20, 8])


def test_keep_place_moves_nothing():
    placed = place([box((10.5, 20.25, 0), (20, 30, 9))], FIELD, PITCH, 100.0, keep_place=True)
    assert np.array_equal(placed.parts[0].placed_um(), box((10.5, 20.25, 0), (20, 30, 9)).vertices_um)
    assert placed.shift_um is None


def test_keep_place_refuses_below_the_plate_and_outside_and_reports_a_gap():
    with pytest.raises(MeshError, match="below the plate"):
        place([box((10, 20, -1), (20, 30, 9))], FIELD, PITCH, 100.0, keep_place=True)
    with pytest.raises(MeshError, match="field"):
        place([box((-1, 20, 0), (20, 30, 9))], FIELD, PITCH, 100.0, keep_place=True)
    placed = place([box((100, 200, 2.5), (200, 300, 90))], np.array([3840.0, 2160.0]), PITCH, 100.0, keep_place=True)
    found = {f.code: f for f in pmsl.prepare(placed, "pmsl-2um", "pr48-405").findings}
    assert (found["gap-above-plate"].severity, found["gap-above-plate"].value) == ("warning", 2.5)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"at_um": (150, 0)}, MeshError, "--at 150,0"),
        ({"at_um": (0, 0), "keep_place": True}, UsageError, "exclude each other"),
        ({"scale": (1, 0, 1)}, UsageError, "above 0"),
        ({"scale": (3, 1, 1)}, MeshError, r"0\.3 × 0\.05 mm .*field 0\.2 × 0\.12 mm"),
        ({"scale": (1, 1, 30)}, MeshError, r"0\.3 mm high.*0\.1 mm"),
    ],
)
def test_what_does_not_fit_is_refused_with_both_sizes(options, error, words):
    with pytest.raises(error, match=words):
        place([box((0, 0, 0), (100, 50, 10))], FIELD, PITCH, 100.0, **options)


@pytest.mark.parametrize(
    ("height", "step", "area", "volume"),
    [
        (100, 10, 10, 10),
        (100.009, 10, 10, 10),
        (100.011, 10, 10, 11),
        (99.9, 10, 10, 10),
        (94.9, 10, 9, 10),
        (95, 10, 10, 10),  # a top in the very middle of a slab lights it: points at a plane count as above it
        (50.4, 10, 5, 6),
        (50.5, 1, 51, 51),
        (0.0, 10, 1, 1),  # one slab at least: who makes a job refuses what lights none
        (0.005, 10, 1, 1),
        (800, 7.6, 105, 106),
        (12, 5, 2, 3),
    ],
)
def test_layer_count(height, step, area, volume):
    for coverage, layers in (("area", area), ("volume", volume)):
        edges = z_edges_um(height, process(layer_um=step, coverage=coverage))
        assert len(edges) - 1 == layers
        assert np.allclose(np.diff(edges), step)


@given(st.floats(0.01, 400), st.lists(st.tuples(st.integers(1, 4), st.floats(0.5, 30)), min_size=1, max_size=4))
def test_the_last_layer_is_the_last_one_that_the_height_lights(height, ladder):
    for coverage in ("area", "volume"):
        edges = z_edges_um(height, process(layers=[list(step) for step in ladder], coverage=coverage))
        heights = np.diff(edges)
        if coverage == "area":
            lit = height >= edges[:-1] + 0.5 * heights
            after = edges[-1] + 0.5 * _next_height(ladder, len(heights)) > height
        else:
            lit = height - edges[:-1] > 0.001 * heights
            after = height - edges[-1] <= 0.001 * _next_height(ladder, len(heights)) * (1 + 1e-9)
        assert after and (lit.all() or (len(lit) == 1 and height < edges[1]))


def _next_height(ladder, n):
    """Height of slab `n` of a process with these layers."""
    heights = [step for count, step in ladder for _ in range(count)]
    return heights[n] if n < len(heights) else ladder[-1][1]


def test_uneven_layers_go_up_and_the_last_goes_on():
    assert np.array_equal(z_edges_um(40, process(layers=[[2, 5.0], [1, 20.0], [1, 4.0]])), [0, 5, 10, 30, 34, 38, 42])
    assert np.array_equal(z_edges_um(8, process(layers=[[4, 5.0], [1, 20.0]])), [0, 5, 10])
    assert np.array_equal(z_edges_um(10, process(layers=[[2, 5.0], [1, 20.0]])), [0, 5, 10])


def test_a_million_layers_are_refused():
    with pytest.raises(ProfileError, match="is the unit right"):
        z_edges_um(1e9, find_process("default"))


def test_only_the_layers_that_are_made_count_against_the_limit():
    assert len(z_edges_um(20_000, process(layers=[[2, 0.01], [1, 10.0]]))) - 1 == 2002


def test_vertices_that_no_face_uses_do_not_count():
    part = box((10, 20, 0), (40, 50, 9))
    unused = np.full((3 * len(part.faces) - len(part.vertices_um), 3), 1e9)  # as many vertices as a soup has
    stray = pmsl.Solid.from_arrays(np.vstack([part.vertices_um, unused]), part.faces)
    assert len(stray.vertices_um) == 3 * len(stray.faces)
    assert np.array_equal(stray.bounds_um, part.bounds_um)
    assert np.array_equal(
        place([stray], FIELD, PITCH, 100.0, rotate_deg=(0, 0, 30)).bounds_um,
        place([part], FIELD, PITCH, 100.0, rotate_deg=(0, 0, 30)).bounds_um,
    )
