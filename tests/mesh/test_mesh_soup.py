"""Soups: triangles kept as the file has them give, to the bit, what their vertices in µm give."""

import pickle
import tracemalloc
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from solids import cone
from tiers import examples

import pmsl
from pmsl.core.grid import Grid
from pmsl.formats.native.design_ply import ply_bytes, solid_of
from pmsl.masks import masks_of
from pmsl.mesh.load import UNITS_UM, load_solid
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import place
from pmsl.mesh.shells import shells
from pmsl.mesh.solid import Solid
from pmsl.mesh.triangle_soup import Soup
from pmsl.pipeline.setup import part_heights
from pmsl.slicing.plane_index import index_crossings

RECORD = np.dtype([("n", "<f4", 3), ("v", "<f4", 9), ("a", "<u2")])
GRID = Grid(origin_um=(-7.5, 3), pitch_um=(1.5, 2.5), shape=(20, 30), z_edges_um=np.array([0.0, 1, 2.5, 3, 5, 8, 9]))
PLANES = GRID.mid_planes_um.tolist()
QUARTERS = ((1, 1, 1), (-1, 1, 1), (1, -0.5, 3), (0.1, 7, 1 / 3))


def soup(corners, factor=1.0):
    return Solid.of_soup(Soup(np.array(corners, np.float32).reshape(-1, 3), factor), source="soup", sha256="", unit="um")


def twin(solid):
    """The same solid in double precision with faces, as readers made it of any file once."""
    made = Solid(
        vertices_um=solid.points_um(slice(None)), faces=np.arange(solid.n_vertices, dtype=np.int32).reshape(-1, 3), source=solid.source
    )
    assert made._soup is None
    return made


def made(solid):
    """Which of the arrays that are made when asked for exist."""
    found = []
    for name in ("vertices_um", "faces"):
        try:
            getattr(Solid, name).__get__(solid)
        except AttributeError:
            continue
        found.append(name)
    return found


def write_stl(path, corners):
    facets = np.zeros(len(corners), RECORD)
    facets["v"] = np.reshape(corners, (-1, 9))
    path.write_bytes(bytes(80) + np.uint32(len(facets)).tobytes() + facets.tobytes())
    return path


def bits(array):
    return array.dtype, array.shape, array.tobytes()


def turns():
    """Affine maps: along the axes and mirrored, or anything."""
    straight = st.sampled_from(QUARTERS).map(np.diag)
    entries = st.floats(-3, 3).map(lambda v: round(v, 2))
    anything = arrays(np.float64, (3, 3), elements=entries).filter(lambda m: abs(np.linalg.det(m)) > 1e-3)
    shift = st.tuples(*[st.sampled_from([0.0, 1.25, -1 / 3])] * 3)
    return st.tuples(straight | anything, shift).map(lambda pair: np.block([[pair[0], np.reshape(pair[1], (3, 1))], [np.zeros(3), 1.0]]))


number = st.floats(-30, 30, width=32) | st.sampled_from([0.0, -0.0, *np.float32(PLANES).tolist(), 1e-30])
corners_of = arrays(np.float32, st.tuples(st.integers(1, 12), st.just(9)), elements=number)


@settings(max_examples=examples(25), deadline=None)
@given(corners_of, st.sampled_from([*UNITS_UM.values(), 0.1]), turns())
@example(np.zeros((1, 9), np.float32), 1.0, np.eye(4))
@example(np.array([[-0.0, 0, 0, 0, -0.0, 0, 1, 1, -0.0]], np.float32), 25400.0, np.diag([-1.0, 1, 1, 1]))
def test_a_soup_gives_the_bits_of_its_vertices_and_faces(corners, factor, transform):
    transform = transform @ np.diag([1 / factor] * 3 + [1.0])
    a = Part(solid=soup(corners, factor), transform=transform)
    b = Part(solid=twin(a.solid), transform=transform)
    assert bits(a.solid.bounds_um) == bits(b.solid.bounds_um) and bits(a.bounds_um()) == bits(b.bounds_um())
    assert a.solid.inside_out == b.solid.inside_out
    assert bits(a.solid.flat_heights_um(transform)) == bits(b.solid.flat_heights_um(transform))
    assert list(part_heights.partial_slab_findings([a], GRID)) == list(part_heights.partial_slab_findings([b], GRID))
    for slabs in (False, True):
        for ours, theirs in (([a], [b]), ([a, b, a], [b, b, b])):
            x, y = index_crossings(ours, GRID, slabs), index_crossings(theirs, GRID, slabs)
            assert all(bits(getattr(x, name)) == bits(getattr(y, name)) for name in x.__slots__)
    assert ply_bytes(a) == ply_bytes(b)
    assert made(a.solid) == []
    assert bits(a.placed_um()) == bits(b.placed_um())
    assert bits(a.solid.vertices_um) == bits(b.solid.vertices_um) and bits(a.solid.faces) == bits(b.solid.faces)


def test_vertices_in_um_and_faces_are_made_once_and_cannot_be_written():
    solid = soup(np.arange(18.0), 1000.0)
    assert (solid.n_faces, solid.n_vertices, made(solid)) == (2, 6, [])
    assert solid.faces is solid.faces and made(solid) == ["faces"]
    assert solid.vertices_um is solid.vertices_um and made(solid) == ["vertices_um", "faces"]
    assert solid.vertices_um.dtype == np.float64 and solid.vertices_um.tolist() == (np.arange(18.0) * 1000).reshape(6, 3).tolist()
    assert solid.faces.dtype == np.int32 and solid.faces.tolist() == [[0, 1, 2], [3, 4, 5]]
    for array in (solid.vertices_um, solid.faces, solid._soup.corners):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        solid.faces = None
    with pytest.raises(AttributeError, match="has no attribute 'vertices_mm'"):
        _ = solid.vertices_mm


def test_a_changed_copy_of_a_soup_is_what_it_was_changed_to():
    solid = soup(np.arange(18.0))
    assert solid.inside_out in (True, False)
    moved = replace(solid, vertices_um=solid.vertices_um + 5.0)
    assert moved.bounds_um.tolist() == (solid.bounds_um + 5.0).tolist()
    again = pickle.loads(pickle.dumps(solid))
    assert bits(again.vertices_um) == bits(solid.vertices_um) and bits(again.bounds_um) == bits(solid.bounds_um)


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_a_job_of_a_binary_stl_never_makes_them_and_its_masks_are_those_of_its_twin(tmp_path, monkeypatch, mode):
    monkeypatch.setattr(shells, "FEW", 0)  # shells of small meshes are found by their vertices
    shape = cone(30, 12, 25, (20, 20, 0))
    loaded = load_solid(write_stl(tmp_path / "a.stl", shape.vertices_um[shape.faces] / 25400.0), "inch")
    printer, resin = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
    process = msgspec.structs.replace(pmsl.find_process("default"), coverage=mode)
    placed, other = (
        place([s], np.array((19200.0, 10800.0)), np.array((10.0, 10.0)), 1e5, rotate_deg=(10, 90, 5), scale=(20, 20, 30))
        for s in (loaded, twin(loaded))
    )
    ours, theirs = (pmsl.prepare(p, printer, resin, process) for p in (placed, other))
    for k in range(0, ours.n_layers, 7):
        x, y = (masks_of(p.parts, ours.engines[0].grid, mode).mask(k) for p in (placed, other))
        assert x.sha256() == y.sha256()
    assert ours.findings == theirs.findings
    pmsl.write(ours, tmp_path / "job")
    assert made(loaded) == []
    back = solid_of((tmp_path / "job/design/000.ply").read_bytes(), "", "")
    assert bits(back.vertices_um) == bits(placed.parts[0].placed_um())


def test_loading_and_indexing_hold_no_second_copy(tmp_path):
    n = 1 << 18
    z = np.linspace(0, 8, n, dtype=np.float32)
    corners = np.zeros((n, 3, 3), np.float32)
    corners[:, :, 2] = z[:, None] + np.array([0, 0.5, 1], np.float32)
    corners[:, 1, 0] = corners[:, 2, 1] = 1
    path = write_stl(tmp_path / "many.stl", corners)
    tracemalloc.start()
    try:
        solid = load_solid(path, "um")
        held, peak = tracemalloc.get_traced_memory()
        assert held < 36 * n * 1.02 and peak < (36 + 50) * n + 1e6  # beside the corners the bytes of the file, until they are read
        tracemalloc.reset_peak()
        index = index_crossings([solid], GRID)
        m = len(index.corners)
        assert 0.5 * n < m < n  # not all cross, so that ranges are moved together
        _, peak = tracemalloc.get_traced_memory()
        assert peak - held < (72 + 12 + 4 + 4 + 4) * m + 1e6  # corners, ranges in order, places, chosen, parts
    finally:
        tracemalloc.stop()
    assert made(solid) == []


@pytest.mark.parametrize("broken", [None, "open", "turned", "two bodies", "minus zero"])
def test_a_large_soup_is_one_closed_body_where_its_twin_in_um_is(monkeypatch, broken):
    monkeypatch.setattr(shells, "FEW", 0)
    shape = cone(30, 12, 25, (0, 0, 0))
    corners = shape.vertices_um[shape.faces].reshape(-1, 9).astype(np.float32)
    if broken == "open":
        corners = corners[1:]
    elif broken == "turned":
        corners[3] = corners[3].reshape(3, 3)[::-1].reshape(9)
    elif broken == "two bodies":
        corners = np.concatenate([corners, corners + np.float32(100)])
    elif broken == "minus zero":
        corners[5][corners[5] == 0] = -0.0
    solid = soup(corners.reshape(-1), 25400.0)
    found = shells.shells_of(solid.vertices_um, solid.faces, 0)
    assert shells.one_closed_body(solid) == (found.closed and found.count == 1) == (broken in (None, "minus zero"))
    assert not shells.one_closed_body(twin(solid))
