"""OFF and GLB through trimesh: everything that is in the file and nothing else, where the file puts it; else one error, and silence."""

import json
import struct
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh import gltf_files
from mesh.gltf_files import Glb, about, of_solid, off, packed
from oracles import section
from solids import box, icosphere, prism
from tiers import examples

import pmsl
from pmsl.errors import MeshError, UsageError
from pmsl.mesh import trimesh_exchange
from pmsl.mesh.load import load_solid
from pmsl.mesh.readers import gltf_layout
from pmsl.mesh.threemf import build

TETRA = np.array([(0, 0, 0), (3e-3, 0, 0), (0, 2e-3, 0), (0, 0, 1e-3)], np.float32)
FACES = np.array([(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)])
TETRA_UM3 = 3e3 * 2e3 * 1e3 / 6


def read(tmp_path, content, suffix=".glb", **more):
    path = tmp_path / f"part{suffix}"
    path.write_bytes(content.content() if isinstance(content, Glb) else content)
    return load_solid(path, **more)


def triangles(vertices, faces):
    """Triangles as a sorted set of rows, each from its least corner on."""
    corners = np.round(np.asarray(vertices, float)[np.asarray(faces)], 6)
    turned = [min(np.roll(t, -i, axis=0).tolist() for i in range(3)) for t in corners]
    return sorted(turned)


def expected(glb, arrays):
    """Triangles [µm] of all instances; `arrays` are vertices and faces of each mesh."""
    out = []
    for mesh, matrix in gltf_files.placed(glb.tree):
        vertices, faces = arrays[mesh]
        points = np.asarray(vertices, np.float32).astype(float) @ matrix[:3, :3].T + matrix[:3, 3]
        out += triangles(points * 1e6, np.asarray(faces)[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else faces)
    return sorted(out)


def assert_same(solid, wanted):
    got = np.array(triangles(solid.vertices_um, solid.faces))
    assert got.shape == np.shape(wanted)
    assert np.abs(np.sort(got.reshape(-1, 9), 0) - np.sort(np.reshape(wanted, (-1, 9)), 0)).max() < 1e-4


# --- OFF -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["um", "mm", "inch"])
def test_off_has_the_vertices_and_faces_of_the_file(tmp_path, unit):
    ball = icosphere(2, 500, (600, 600, 600))
    factor = {"um": 1, "mm": 1e3, "inch": 25400}[unit]
    solid = read(tmp_path, off(ball.vertices_um / factor, ball.faces), ".off", unit=unit)
    assert np.allclose(solid.vertices_um, ball.vertices_um, rtol=1e-14) and np.array_equal(solid.faces, ball.faces)
    assert solid.unit == unit and solid.health.volume_um3 == pytest.approx(ball.health.volume_um3, rel=1e-12)
    assert np.allclose(section(solid, 733.1), section(ball, 733.1), atol=1e-9)


@pytest.mark.parametrize("many", [3, 4, 5, 6, 9])
def test_polygons_of_an_off_become_as_many_triangles_as_they_are(tmp_path, many):
    """A prism over a regular polygon: two polygons and quadrilaterals, sorted by no rule."""
    angles = 2 * np.pi * np.arange(many) / many
    ring = np.c_[np.cos(angles), np.sin(angles)]
    vertices = np.r_[np.c_[ring, np.zeros(many)], np.c_[ring, np.ones(many)]]
    sides = [(i, (i + 1) % many, many + (i + 1) % many, many + i) for i in range(many)]
    polygons = [*sides[:2], tuple(range(many))[::-1], *sides[2:], tuple(range(many, 2 * many))]
    solid = read(tmp_path, off(vertices, polygons), ".off", unit="um")
    assert solid.n_faces == 2 * many + 2 * (many - 2)
    assert solid.health.watertight and solid.health.volume_um3 == pytest.approx(many / 2 * np.sin(2 * np.pi / many), rel=1e-12)


def test_ways_to_write_an_off(tmp_path):
    """Comments, blank lines, colours of faces, normals, a count line after the header, UTF-16, carriage returns."""
    plain = off(TETRA * 1e3, FACES)
    solid = read(tmp_path, plain, ".off")
    text = plain.decode()
    colours = "\n".join(f"{line} 255 0 0" if line.startswith("3 ") else line for line in text.splitlines())
    normals = "\n".join(f"{line} 0 0 1" if i in range(2, 6) else line for i, line in enumerate(text.splitlines())).replace("OFF", "NOFF")
    ways = {
        "comments": "# made by hand\nOFF # it is\n\n" + text.removeprefix("OFF\n").replace("\n", "  # OFF\n\n"),
        "colours": colours,
        "normals": normals,
        "one line": text.replace("OFF\n", "OFF ", 1),
        "no gap": text.replace("OFF\n", "OFF", 1),
        "returns": text.replace("\n", "\r\n"),
        "more": text + "7 7 7\n",
    }
    for way, written in ways.items():
        again = read(tmp_path, written.encode(), ".off")
        assert np.array_equal(again.vertices_um, solid.vertices_um) and np.array_equal(again.faces, solid.faces), way
    assert np.array_equal(read(tmp_path, text.encode("utf-16"), ".OFF").faces, solid.faces)


CUT = off(TETRA, FACES)
BROKEN_OFF = {
    "no header": (CUT.removeprefix(b"OFF\n"), "begin with OFF"),
    "four dimensions": (CUT.replace(b"OFF", b"4OFF"), "begin with OFF"),
    "any dimension": (CUT.replace(b"OFF", b"nOFF"), "begin with OFF"),
    "binary": (b"OFF BINARY\n" + bytes(100), "binary OFF"),
    "no counts": (b"OFF\n", "line of counts"),
    "counts of words": (CUT.replace(b"4 4 0", b"4 x 0"), "line of counts"),
    "negative count": (CUT.replace(b"4 4 0", b"4 -4 0"), "line of counts"),
    "huge count": (CUT.replace(b"4 4 0", b"4 99999999999 0"), "cut short"),
    "count of many digits": (CUT.replace(b"4 4 0", b"4 " + b"9" * 5000 + b" 0"), "line of counts"),
    "cut": (CUT[:-10], "cut short"),
    "cut in a face": (CUT[:-3], "face 3"),
    "a face cut to a triangle": (CUT.replace(b"3 0 1 3", b"4 0 1 3"), "face 1"),
    "a face of two": (CUT.replace(b"3 0 1 3", b"2 0 1"), "face 1"),
    "a face of none": (CUT.replace(b"3 0 1 3", b"0 0 1"), "face 1"),
    "a negative index": (CUT.replace(b"3 0 1 3", b"3 0 1 -1"), "face 1"),
    "an index too large": (CUT.replace(b"3 0 1 3", b"3 0 1 4"), r"index|range"),
    "an index of many digits": (CUT.replace(b"3 0 1 3", b"3 0 1 " + b"9" * 30), "OFF"),
    "no number": (CUT.replace(b"0.0", b"x", 1), "OFF"),
    "not a number": (CUT.replace(b"0.0", b"nan", 1), "not finite"),
    "underscores": (CUT.replace(b"0.0", b"1_0", 1), "vertex 0"),
    "two numbers": (CUT.replace(b"0.0 0.0 0.0", b"0.0 0.0", 1), "vertex 0"),
    "no faces": (off(TETRA, []), "no triangle"),
}


@pytest.mark.parametrize("kind", BROKEN_OFF)
def test_a_broken_off_is_refused_once_and_by_name(tmp_path, kind, capfd):
    content, words = BROKEN_OFF[kind]
    with warnings.catch_warnings(), pytest.raises(MeshError, match=words) as caught:
        warnings.simplefilter("error")
        read(tmp_path, content, ".off")
    assert str(caught.value).startswith("part.off: ") and "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert capfd.readouterr() == ("", "")


# --- GLB -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["B", "H", "I"])
@pytest.mark.parametrize("stride", [0, 16, 36])
def test_glb_is_in_metres_and_keeps_vertices_and_faces(tmp_path, code, stride):
    made = Glb()
    made.node(mesh=made.mesh(made.primitive(TETRA, FACES, code, stride=stride)))
    solid = read(tmp_path, made)
    assert np.array_equal(solid.vertices_um, TETRA.astype(float) * 1e6) and np.array_equal(solid.faces, FACES)
    assert solid.unit == "m" and solid.health.watertight and solid.health.volume_um3 == pytest.approx(TETRA_UM3, rel=1e-6)
    assert [f.code for f in solid.findings] == ["unit-from-file", "y-up"]
    assert [f.code for f in read(tmp_path, made, unit="m").findings] == ["y-up"]


def test_triangles_without_indices_and_strips(tmp_path):
    made = Glb()
    made.node(mesh=made.mesh(made.primitive(TETRA[FACES].reshape(-1, 3))))
    assert_same(read(tmp_path, made), triangles(TETRA.astype(float) * 1e6, FACES))
    ring = np.array([(x, y, z) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)) for z in (0, 1)], np.float32) * 1e-3
    for indices in ([0, 1, 2, 3, 4, 5, 6, 7, 0, 1], None):
        strip = Glb()
        points = ring if indices else ring[[0, 1, 2, 3, 4, 5, 6, 7, 0, 1]]
        strip.node(mesh=strip.mesh(strip.primitive(points, indices, "B", mode=5)))
        wanted = [(k, k + 1, k + 2) if k % 2 == 0 else (k + 1, k, k + 2) for k in range(8)]
        assert_same(read(tmp_path, strip), triangles(ring[[0, 1, 2, 3, 4, 5, 6, 7, 0, 1]] * 1e6, wanted))


def scene():
    """Meshes of several primitives, used several times, below one another, one mirrored, in a node of a camera, one moved by 5 nm."""
    made = Glb()
    ball = icosphere(1, 400, (0, 0, 0))
    faces = ball.faces
    halves = [made.primitive(ball.vertices_um * 1e-6, part) for part in (faces[:30], faces[30:])]
    both, tetra = made.mesh(*halves), made.mesh(made.primitive(TETRA, FACES, "B"))
    arrays = {both: (ball.vertices_um * 1e-6, faces), tetra: (TETRA, FACES)}
    low = made.node(root=False, mesh=tetra, translation=[1e-3, 0, 0], scale=[1, 2, 0.5], name="same")
    middle = made.node(root=False, mesh=both, rotation=about((1, 1, 0), 37), children=[low], name="same")
    made.node(children=[middle], scale=[-1, 1, 1], name="world")
    made.node(mesh=both, matrix=np.array([[0, -1, 0, 4e-3], [1, 0, 0, 0], [0, 0, 1, 1e-3], [0, 0, 0, 1]]).T.reshape(-1).tolist())
    hung = made.node(root=False, mesh=tetra, translation=[0, 0, 5e-9])
    made.node(mesh=tetra, camera=0, translation=[0, 9e-3, 0], children=[hung], name="1")
    made.tree["cameras"] = [{"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1}}]
    return made, arrays


def test_a_scene_is_unfolded_and_nothing_of_it_is_lost(tmp_path):
    made, arrays = scene()
    solid = read(tmp_path, made)
    assert solid.n_faces == 2 * 80 + 3 * 4
    assert_same(solid, expected(made, arrays))
    assert read(tmp_path, made).sha256 == solid.sha256 and np.array_equal(read(tmp_path, made).faces, solid.faces)
    ball = icosphere(1, 400, (0, 0, 0))
    assert solid.health.volume_um3 == pytest.approx(2 * ball.health.volume_um3 + 3 * TETRA_UM3, rel=1e-5)


numbers = st.floats(-2, 2, width=32)
factors = st.sampled_from([-2.0, -1.0, 0.5, 1.0, 1.5])
places = st.fixed_dictionaries(
    {},
    optional={
        "translation": st.lists(numbers, min_size=3, max_size=3),
        "scale": st.lists(factors, min_size=3, max_size=3),
        "turn": st.tuples(st.sampled_from([(1, 0, 0), (0, 1, 0), (1, 2, 3)]), st.integers(-180, 180)),
    },
)


@settings(max_examples=examples(40))
@given(nodes=st.lists(st.tuples(places, st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=6))
def test_any_tree_of_nodes_is_where_an_independent_walk_puts_it(tmp_path_factory, nodes):
    made = Glb()
    ball = icosphere(0, 1e6, (1e6, 0, 0))
    parts = [(TETRA, FACES), (ball.vertices_um * 1e-6, ball.faces)]
    for vertices, faces in parts:
        made.mesh(made.primitive(vertices, faces))
    for i, (place, above, mesh) in enumerate(nodes):
        what = {k: v for k, v in place.items() if k != "turn"} | ({"rotation": about(*place["turn"])} if "turn" in place else {})
        made.node(root=i == 0 or above >= i, **what | ({"mesh": mesh} if mesh < 2 else {}))
        if i > 0 and above < i:
            made.tree["nodes"][above].setdefault("children", []).append(i)
    if not any("mesh" in node for node in made.tree["nodes"]):
        made.tree["nodes"][0]["mesh"] = 0
    wanted = expected(made, dict(enumerate(parts)))
    solid = read(tmp_path_factory.mktemp("tree"), made)
    repeated = next((int(f.value) for f in solid.findings if f.code == "repeated-objects"), 0)
    if repeated:
        wanted_box = np.reshape(wanted, (-1, 3))
        assert np.allclose(solid.bounds_um, [wanted_box.min(0), wanted_box.max(0)], rtol=1e-9, atol=1)
    else:
        got, want = (np.sort(np.reshape(t, (-1, 9)), 0) for t in (triangles(solid.vertices_um, solid.faces), wanted))
        assert got.shape == want.shape and np.abs(got - want).max() < 1e-9 * max(1, np.abs(want).max())


def test_what_is_left_out_is_said(tmp_path):
    made = Glb()
    primitives = [made.primitive(TETRA, FACES), made.primitive(TETRA, [0, 1], mode=1), made.primitive(TETRA, mode=0)]
    mesh, _ = made.mesh(*primitives), made.mesh(made.primitive(TETRA, FACES))
    made.node(mesh=mesh)
    made.node(mesh=mesh, translation=[0, 0, 0])
    made.node(root=False, mesh=1)
    made.tree["extensionsUsed"] = ["KHR_materials_ior", "KHR_node_visibility"]
    solid = read(tmp_path, made, unit="m")
    assert solid.n_faces == 4
    said = {f.code: f for f in solid.findings}
    assert set(said) == {"y-up", "objects-left-out", "repeated-objects", "objects-not-built", "extensions-not-read"}
    assert said["objects-left-out"].value == 4 and "2 × lines, 2 × points" in said["objects-left-out"].message
    assert said["objects-not-built"].value == 1 and said["repeated-objects"].value == 1
    assert "KHR_node_visibility are" in said["extensions-not-read"].message and "KHR_materials" not in said["extensions-not-read"].message


def test_the_scene_that_is_named_counts_and_without_any_all_nodes(tmp_path):
    made = of_solid(box((0, 0, 0), (10, 20, 30)))
    made.node(root=False, mesh=0, translation=[1, 0, 0])
    made.tree["scenes"].append({"nodes": [1]})
    made.tree["scene"] = 1
    assert read(tmp_path, made).bounds_um[:, 0] == pytest.approx([1e6, 1e6 + 10])
    del made.tree["scenes"], made.tree["scene"]
    assert read(tmp_path, made).bounds_um[:, 0] == pytest.approx([0, 1e6 + 10])


def set_in(path, value):
    """Return a change of a tree: the entry at a path."""

    def change(made):
        where = made.tree
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = value

    return change


BROKEN_GLB = {
    "sparse values": (set_in(["accessors", 0, "sparse"], {"count": 1}), "sparse"),
    "positions without data": (lambda m: m.tree["accessors"][0].pop("bufferView"), "sparse or compressed"),
    "quantized positions": (set_in(["accessors", 0, "componentType"], 5122), "three floats"),
    "flat positions": (set_in(["accessors", 0, "type"], "VEC2"), "three floats"),
    "float indices": (set_in(["accessors", 1, "componentType"], 5126), "whole numbers"),
    "signed indices": (set_in(["accessors", 1, "componentType"], 5124), "whole numbers"),
    "indices past the vertices": (set_in(["accessors", 0, "count"], 3), "index"),
    "a count too large": (set_in(["accessors", 0, "count"], 5), "does not lie within"),
    "a count of any size": (set_in(["accessors", 0, "count"], 10**18), "limit|within"),
    "a count with many digits": (set_in(["accessors", 1, "count"], 3 * 10**40), "within|description"),
    "a negative count": (set_in(["accessors", 0, "count"], -4), "within"),
    "no count": (set_in(["accessors", 1, "count"], 0), "within"),
    "two corners": (set_in(["accessors", 1, "count"], 11), "multiple of 3"),
    "an offset before the data": (set_in(["accessors", 0, "byteOffset"], -4), "within"),
    "a view past the data": (set_in(["bufferViews", 0, "byteOffset"], 10**6), "within"),
    "a view before the data": (set_in(["bufferViews", 0, "byteOffset"], -1), "within"),
    "no stride": (set_in(["bufferViews", 0, "byteStride"], 0), "within"),
    "a short stride": (set_in(["bufferViews", 0, "byteStride"], 4), "within"),
    "a view that is not there": (set_in(["accessors", 0, "bufferView"], 9), "buffer view 9"),
    "a view from the end": (set_in(["accessors", 0, "bufferView"], -1), "buffer view -1"),
    "an accessor that is not there": (set_in(["meshes", 0, "primitives", 0, "indices"], 7), "accessor of indices 7"),
    "an accessor from the end": (set_in(["meshes", 0, "primitives", 0, "indices"], -1), "accessor of indices -1"),
    "no positions": (set_in(["meshes", 0, "primitives", 0, "attributes"], {}), "accessor of positions"),
    "a mesh that is not there": (set_in(["nodes", 0, "mesh"], 3), "mesh 3"),
    "a mesh from the end": (set_in(["nodes", 0, "mesh"], -1), "mesh -1"),
    "a node that is not there": (set_in(["scenes", 0, "nodes"], [0, 5]), "node 5"),
    "a scene that is not there": (set_in(["scene"], 4), "scene 4"),
    "a scene from the end": (set_in(["scene"], -1), "scene -1"),
    "an empty scene": (set_in(["scenes", 0, "nodes"], []), "no triangle"),
    "a node above itself": (set_in(["nodes", 0, "children"], [0]), "node 0 is in its scene twice"),
    "a node twice": (set_in(["scenes", 0, "nodes"], [0, 0]), "node 0 is in its scene twice"),
    "a fan": (set_in(["meshes", 0, "primitives", 0, "mode"], 6), "triangle fan"),
    "a mode unknown": (set_in(["meshes", 0, "primitives", 0, "mode"], 7), "unknown mode"),
    "only points": (set_in(["meshes", 0, "primitives", 0, "mode"], 0), "no triangle"),
    "a skeleton": (set_in(["nodes", 0, "skin"], 0), "skeleton"),
    "a morph": (set_in(["meshes", 0, "weights"], [0.5]), "morph"),
    "a morph of a node": (set_in(["nodes", 0, "weights"], [0.5]), "morph"),
    "instances by extension": (set_in(["nodes", 0, "extensions"], {"EXT_mesh_gpu_instancing": {}}), "gpu_instancing"),
    "instances by extension, used": (set_in(["extensionsUsed"], ["EXT_mesh_gpu_instancing"]), "gpu_instancing"),
    "compression": (set_in(["extensionsRequired"], ["KHR_draco_mesh_compression"]), "KHR_draco.*uncompressed"),
    "data elsewhere": (set_in(["buffers", 0, "uri"], "http://example.org/a.bin"), "outside the file"),
    "data in a file": (set_in(["buffers", 0, "uri"], "/etc/passwd"), "outside the file"),
    "a second buffer": (set_in(["bufferViews", 0, "buffer"], 1), "buffer 1"),
    "a flat scale": (set_in(["nodes", 0, "scale"], [1, 0, 1]), "flattens"),
    "a quaternion of nothing": (set_in(["nodes", 0, "rotation"], [0, 0, 0, 0]), "quaternion"),
    "a matrix of nine": (set_in(["nodes", 0, "matrix"], [1] * 9), "9 numbers"),
    "a matrix that is not affine": (set_in(["nodes", 0, "matrix"], [*[1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0], 1]), "affine"),
    "two transforms": (lambda m: m.tree["nodes"][0].update(matrix=np.eye(4).ravel().tolist(), scale=[2, 2, 2]), "beside it"),
    "words for numbers": (set_in(["accessors", 0, "count"], "four"), "description.*count"),
    "a list for a table": (set_in(["nodes"], {"a": 1}), "description"),
    "a number that is none": (set_in(["nodes", 0, "scale"], [1, float("nan"), 1]), "description"),
}


@pytest.mark.parametrize("kind", BROKEN_GLB)
def test_a_broken_glb_is_refused_once_and_by_name(tmp_path, kind, capfd):
    made = Glb()
    made.node(mesh=made.mesh(made.primitive(TETRA, FACES)))
    change, words = BROKEN_GLB[kind]
    change(made)
    with warnings.catch_warnings(), pytest.raises(MeshError, match=words) as caught:
        warnings.simplefilter("error")
        read(tmp_path, made)
    assert str(caught.value).startswith("part.glb: ") and "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert capfd.readouterr() == ("", "")


def test_a_broken_container(tmp_path):
    made = Glb()
    made.node(mesh=made.mesh(made.primitive(TETRA, FACES)))
    whole = made.content()
    deep = b'{"asset": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for content, words in (
        (whole[:-40], "cut short"),
        (whole[:16], "not a binary glTF"),
        (packed(made.tree, made.data, version=1), "glTF 1"),
        (whole[:12] + struct.pack("<I", 10**6) + whole[16:], "chunk at byte 12"),
        (whole.replace(b"JSON", b"JSOM", 1), "no JSON chunk"),
        (packed(b"{", made.data), "description"),
        (packed(b"\xff\xfe{}", made.data), "description"),
        (packed(deep, made.data), "description"),
        (packed(made.tree, b""), "within its 0 bytes"),
    ):
        with pytest.raises(MeshError, match=words):
            read(tmp_path, content)
    assert read(tmp_path, whole + b"more").n_faces == 4  # what lies behind the length does not count
    with pytest.raises(MeshError, match=r"named \.stl, but its content is a binary glTF.*rename it to \.glb"):
        read(tmp_path, whole, ".stl")


def test_bombs_are_refused_before_they_are_unfolded(tmp_path, monkeypatch):
    """A thousand nodes of a thousand meshes, nests, and arrays that lie over one another."""
    monkeypatch.setattr(trimesh_exchange, "read_with_trimesh", lambda *_: pytest.fail("was read"))
    monkeypatch.setattr("pmsl.mesh.readers.glb.read_with_trimesh", lambda *_: pytest.fail("was read"))
    made = Glb()
    ball = icosphere(4, 1, (0, 0, 0))
    mesh = made.mesh(made.primitive(ball.vertices_um, ball.faces))
    for i in range(4000):
        made.node(mesh=mesh, translation=[float(i), 0, 0])
    with pytest.raises(MeshError, match="20480000 triangles.*the limit is 20000000"):
        read(tmp_path, made)
    many = Glb()
    mesh = many.mesh(*[many.primitive(TETRA, FACES)] * 201)
    for i in range(100):
        many.node(mesh=mesh, translation=[float(i), 0, 0])
    with pytest.raises(MeshError, match="20100 meshes.*the limit is 20000"):
        read(tmp_path, many)
    nest = Glb()
    nest.node(mesh=nest.mesh(nest.primitive(TETRA, FACES)))
    for i in range(build.DEEPEST):
        nest.node(root=False)
        nest.tree["nodes"][i]["children"] = [i + 1]
    with pytest.raises(MeshError, match="nested too deep"):
        read(tmp_path, nest)
    shared = Glb()
    shared.array(np.zeros((400_000, 3)), "f", "VEC3")
    faces = shared.array([0, 1, 2], "B", "SCALAR")
    shared.tree["accessors"] += [shared.tree["accessors"][0]] * 60
    positions = [0, *range(2, 62)]
    primitives = [{"attributes": {"POSITION": p}, "indices": faces} for p in positions]
    shared.node(mesh=shared.mesh(*primitives))
    with pytest.raises(MeshError, match="lie over one another"):
        read(tmp_path, shared)
    monkeypatch.setattr(gltf_layout, "MOST_TRIANGLES", 100_000)
    with pytest.raises(MeshError, match="24400000 vertices"):
        read(tmp_path, shared)


def test_geometry_that_trimesh_loses_is_noticed(tmp_path, monkeypatch):
    made, _ = scene()
    real = trimesh_exchange.read_with_trimesh

    def forgetful(*args):
        geometry = real(*args)
        mesh = next(iter(geometry.geometry.values()))
        mesh.faces = mesh.faces[:-1]
        return geometry

    monkeypatch.setattr("pmsl.mesh.readers.glb.read_with_trimesh", forgetful)
    with pytest.raises(MeshError, match="triangles were read of the 172"):
        read(tmp_path, made)


# --- Solid.from_trimesh, to_trimesh ----------------------------------------------------------------------------------


def test_a_trimesh_becomes_a_solid_and_back():
    import trimesh

    ball = icosphere(2, 500, (600, 600, 600))
    mesh = ball.to_trimesh()
    assert mesh.units == "millimeters" and mesh.is_watertight and mesh.volume == pytest.approx(ball.health.volume_um3 * 1e-9, rel=1e-12)
    for unit in ("um", "mm", "cm", "m", "inch"):
        again = pmsl.Solid.from_trimesh(ball.to_trimesh(unit))
        assert again.unit == unit and np.allclose(again.vertices_um, ball.vertices_um, rtol=1e-14)
        assert np.array_equal(again.faces, ball.faces) and again.sha256 == pmsl.Solid.from_trimesh(ball.to_trimesh(unit)).sha256
    bare = trimesh.Trimesh(vertices=ball.vertices_um, faces=ball.faces, process=False)
    assert np.array_equal(pmsl.Solid.from_trimesh(bare, unit="um").vertices_um, ball.vertices_um)
    assert np.array_equal(pmsl.Solid.from_trimesh(bare).vertices_um, ball.vertices_um * 1000)
    assert pmsl.Solid.from_trimesh(bare, source="ball").source == "ball"
    mesh.vertices[0] = 7  # arrays are nobody else's
    assert not np.array_equal(ball.to_trimesh().vertices[0], (7, 7, 7))


def test_a_soup_goes_to_trimesh_unmerged(samples):
    solid = load_solid(samples / "grating.stl")
    assert len(solid.to_trimesh().vertices) == 3 * solid.n_faces == 3 * len(solid.to_trimesh().faces)


def test_a_scene_of_trimesh_keeps_its_instances():
    import trimesh

    made = trimesh.Scene()
    mesh = trimesh.creation.box((1, 2, 3))
    for i in range(3):
        made.add_geometry(mesh, geom_name="box", transform=trimesh.transformations.translation_matrix([2 * i, 0, 5e-9]))
    made.add_geometry(trimesh.points.PointCloud([(9, 9, 9)]))
    solid = pmsl.Solid.from_trimesh(made, unit="mm")
    assert solid.n_faces == 36 and solid.health.volume_um3 == pytest.approx(18e9)
    assert solid.bounds_um[1].tolist() == pytest.approx([4500, 1000, 1500 + 5e-6], abs=1e-7)


def test_what_is_no_trimesh_is_refused():
    import trimesh

    box_mesh = trimesh.creation.box((1, 2, 3))
    with pytest.raises(MeshError, match="ndarray is neither a trimesh.Trimesh nor a trimesh.Scene"):
        pmsl.Solid.from_trimesh(np.zeros((3, 3)))
    for unit in ("feet", "MM", ""):
        with pytest.raises(UsageError, match="unknown unit"):
            pmsl.Solid.from_trimesh(box_mesh, unit=unit)
        with pytest.raises(UsageError, match="unknown unit"):
            box((0, 0, 0), (1, 1, 1)).to_trimesh(unit)
    box_mesh.units = "feet"
    with pytest.raises(UsageError, match="its units are 'feet'"):
        pmsl.Solid.from_trimesh(box_mesh)
    assert pmsl.Solid.from_trimesh(box_mesh, unit="mm").unit == "mm"
    for wrong, words in (
        (trimesh.Trimesh(), "no triangle"),
        (trimesh.Scene(), "no triangle"),
        (trimesh.Trimesh(vertices=[[0, 0, 0], [1, 0, np.nan], [0, 1, 0]], faces=[[0, 1, 2]], process=False), "not finite"),
    ):
        with pytest.raises(MeshError, match=words):
            pmsl.Solid.from_trimesh(wrong)


# --- as a user -------------------------------------------------------------------------------------------------------


def test_formats_of_one_part_print_alike(tmp_path):
    """The masks of a part are those of its STL, whatever the file; nothing is printed on the way."""
    part = prism([(0, 0), (900, 0), (1000, 700), (300, 600)], 0, 30)
    scaled = part.vertices_um * 1e-3
    (tmp_path / "a.off").write_bytes(off(scaled, part.faces))
    (tmp_path / "a.glb").write_bytes(of_solid(part).content())
    masks = {}
    for name in ("a.off", "a.glb"):
        command = [sys.executable, "-m", "pmsl", "slice", str(tmp_path / name), "-o", str(tmp_path / f"{name}.zip"), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr
        assert json.loads(done.stdout)
        job = pmsl.read(tmp_path / f"{name}.zip")
        masks[name] = np.array([e.mask.dense(np.uint8) for plan in job.layers() for e in plan.exposures])
        assert pmsl.verify(tmp_path / f"{name}.zip") == []
        assert job.provenance.inputs[0].unit == ("mm" if name == "a.off" else "m")
    assert masks["a.off"].any() and np.abs(masks["a.off"].astype(int) - masks["a.glb"]).max() <= 1
    assert masks["a.off"].astype(float).sum() / 255 * 7.6**2 * 10 == pytest.approx(part.health.volume_um3, rel=2e-3)
