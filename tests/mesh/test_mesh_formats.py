"""OBJ, PLY, 3MF: what they hold is loaded whole, what is damaged is refused."""

import contextlib
import io
import struct
import zipfile

import numpy as np
import pytest

from pmsl.errors import MeshError
from pmsl.mesh import load_solid

CORNERS = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\n"


def load(tmp_path, data, name, unit="um"):
    (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return load_solid(tmp_path / name, unit)


def refusal(tmp_path, data, name):
    with pytest.raises(MeshError, match=name) as caught:
        load(tmp_path, data, name)
    return str(caught.value)


# ---------------------------------------------------------------- OBJ


def test_obj_references_of_all_forms(tmp_path):
    text = CORNERS + "vt 0 0\nvn 0 0 1\nf 1 2 3\nf 1/1 2/1 4/1\nf 1//1 2//1 5//1\nf 1/1/1 3/1/1 5/1/1\nf -5 -4 -1 # last\n"
    assert load(tmp_path, text, "a.obj").faces.tolist() == [[0, 1, 2], [0, 1, 3], [0, 1, 4], [0, 2, 4], [0, 1, 4]]


def test_obj_relative_indices_count_from_their_line(tmp_path):
    one = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\n"
    assert load(tmp_path, one + one, "a.obj").faces.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_obj_polygons_become_fans(tmp_path):
    assert load(tmp_path, CORNERS + "f 1/1 2/1 3/1\nf 1 2 3 4 5\n", "a.obj").faces.tolist() == [[0, 1, 2], [0, 1, 2], [0, 2, 3], [0, 3, 4]]


def test_obj_polygon_that_runs_round_again_and_again(tmp_path):
    solid = load(tmp_path, CORNERS + "f " + "1 2 3 4 " * 234 + "\n", "a.obj")
    assert solid.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert [f.code for f in solid.findings] == ["repeated-polygon"]


def test_obj_spelling(tmp_path):
    text = "\ufeff# part\r\n  v\t0 0 0 1.0\r\nv 1 0 0 .5 .5 .5\r\nv 0 \\\r\n 1 0\r\ns off\r\nusemtl a_1\r\nf 1 \\\r\n2 3"
    for data in (text.encode(), text.encode("utf-16")):
        assert load(tmp_path, data, "a.obj").vertices_um.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_obj_unknown_lines_are_a_finding(tmp_path):
    solid = load(tmp_path, CORNERS + "q 1 2\nf 1 2 3\n", "a.obj")
    assert [(f.code, f.severity) for f in solid.findings] == [("unknown-lines", "warning")]
    assert "line 6" in solid.findings[0].message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v 0 0 nan\n", "line 6: coordinate 'nan' is not a finite number"),
        ("v 0 0 1,5\n", "line 6: coordinate '1,5'"),
        ("v 0 0 1_5\n", "line 6: coordinate '1_5'"),
        ("v 0 0\n", "line 6: a vertex of 2 coordinates"),
        ("f 0 1 2\n", "line 6: vertex index 0"),
        ("f 1 2 -6\n", "line 6: vertex index -6"),
        ("\nf 1 2 6\n", "line 7: vertex index 6 does not exist, the file has 5"),
        ("f 1 2 x\n", "line 6: 'x' is no vertex reference"),
        ("f 1 2 1.5\n", "line 6: '1.5' is no vertex reference"),
        ("f 1 2\n", "line 6: a face of 2 corners"),
        ("f 1 2 " + "9" * 5000 + "\n", "is no vertex reference"),
        ("surf 0 1 0 1\n", "line 6: free-form geometry"),
        ("", "no face in it"),
    ],
)
def test_obj_damage_is_named_by_line(tmp_path, text, expected):
    assert expected in refusal(tmp_path, CORNERS + text + ("f 1 2 3\n" if text else ""), "a.obj")


# ---------------------------------------------------------------- PLY

POINTS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
FAN = [[0, 1, 2], [0, 1, 2], [0, 2, 3], [0, 1, 2], [0, 2, 3], [0, 3, 4]]


def ply_head(encoding, faces, vertices=5, extra="", eol="\n"):
    text = (
        f"ply\nformat {encoding} 1.0\ncomment made by hand\nelement vertex {vertices}\nproperty float x\nproperty float y\n"
        f"property float z\n{extra}element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    return text.replace("\n", eol).encode()


def ply_faces(order, polygons):
    return b"".join(struct.pack(f"{order}B{len(p)}i", len(p), *p) for p in polygons)


@pytest.mark.parametrize(("encoding", "order"), [("binary_little_endian", "<"), ("binary_big_endian", ">")])
@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
def test_ply_binary(tmp_path, encoding, order, eol):
    body = POINTS.astype(order + "f4").tobytes()
    body = b"\n" + body[1:] if order == "<" else body  # looks like the end of the header line
    for polygons, expected in (([[0, 1, 2]] * 3, FAN[:1] * 3), ([[0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]], FAN)):
        solid = load(tmp_path, ply_head(encoding, len(polygons), eol=eol) + body + ply_faces(order, polygons), "a.ply")
        assert solid.faces.tolist() == expected
        assert (solid.vertices_um[1:] == POINTS[1:]).all()


def test_ply_ascii(tmp_path):
    body = "0 0 0 nan\n1 0 0 1\n1 1 0 1\n0 1 0 1\n0 0 1 1\n3 0 1 2\n4 0 1 2 3\n5 0 1 2 3 4\n"
    solid = load(tmp_path, ply_head("ascii", 3, extra="property float quality\n") + body.encode(), "a.ply")
    assert solid.faces.tolist() == FAN
    assert (solid.vertices_um == POINTS).all()


@pytest.mark.parametrize("polygons", [[[0, 1, 2], [2, 3, 4]], [[0, 1, 2], [0, 1, 2, 3]]])
def test_ply_every_truncation_is_refused(tmp_path, polygons):
    data = ply_head("binary_little_endian", 2) + POINTS.tobytes() + ply_faces("<", polygons)
    assert len(load(tmp_path, data, "a.ply").faces) >= 2
    for size in range(len(data)):
        refusal(tmp_path, data[:size], "a.ply")


def test_ply_tails(tmp_path):
    data = ply_head("binary_little_endian", 1) + POINTS.tobytes() + ply_faces("<", [[0, 1, 2]])
    assert [f.code for f in load(tmp_path, data + b"x" * 9, "a.ply").findings] == ["trailing-bytes"]
    assert "counts are wrong" in refusal(tmp_path, data + ply_faces("<", [[0, 1, 2]] * 20), "a.ply")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (ply_head("ascii", 2) + b"0 0 0\n" * 5 + b"3 0 1 2\n", "promises 2 face records, only 1"),
        (ply_head("ascii", 2) + b"0 0 0\n" * 5 + b"3 0 1 2\n3 0 1\n", "promises 2 face records, only 1"),
        (ply_head("ascii", 1) + b"0 0 0\n" * 5 + b"3 0 1 2\n3 0 1 2\n", "counts are wrong"),
        (ply_head("ascii", 1) + b"0 0 nan\n" * 5 + b"3 0 1 2\n", "not finite"),
        (ply_head("ascii", 1) + b"0 0 1,5\n" * 5 + b"3 0 1 2\n", "decimal point"),
        (ply_head("ascii", 1) + b"0 0 0\n" * 5 + b"3 0 1 5\n", "vertex index 5 in triangle 0 is outside 0..4"),
        (ply_head("ascii", 1) + b"0 0 0\n" * 5 + b"2 0 1\n", "a face of 2 corners"),
        (ply_head("ascii", 0) + b"0 0 0\n" * 5, "point cloud"),
        (ply_head("binary_little_endian", 10**18) + POINTS.tobytes() + ply_faces("<", [[0, 1, 2]]), "only 1 are there"),
        (ply_head("binary_little_endian", 1, vertices=10**18) + POINTS.tobytes(), "only 5 are there"),
        (ply_head("ascii", 1) + b"0 0 0\n" * 5 + b"3 0 1 99999999999999999999\n", "'99999999999999999999' is no index"),
        (ply_head("ascii", 1) + b"0 0 0\n" * 5 + b"9" * 5000 + b" 0 1 2\n", "is no list length"),
        (ply_head("ascii", "9" * 5000), "is not PLY"),
        (ply_head("ascii", 1, extra="element vertex 3\n"), "lists the element 'vertex' twice"),
        (ply_head("ascii", 1) + b"0 0 " + b"[" * 9000 + b"\n" + b"0 0 0\n" * 4 + b"3 0 1 2\n", "could not convert"),
        (ply_head("ebcdic", 1), "encoding 'ebcdic'"),
        (b"ply\nformat ascii 1.0\nelement vertex -3\nend_header\n", "is not PLY"),
    ],
)
def test_ply_damage_is_named(tmp_path, data, expected):
    message = refusal(tmp_path, data, "a.ply")
    assert expected in message and len(message) < 600


def test_ply_indices_beyond_int64_and_signalling_nans(tmp_path):
    head = ply_head("binary_little_endian", 2).replace(b"uchar int", b"uchar uint64")
    polygons = b"".join(struct.pack(f"<B{len(p)}Q", len(p), *p) for p in ([0, 1, 2], [0, 1, 2, 2**64 - 1]))
    assert "beyond 2**63" in refusal(tmp_path, head + POINTS.tobytes() + polygons, "a.ply")
    nan = b"\x01\0\x80\x7f" + POINTS.tobytes()[4:]
    assert "not finite" in refusal(tmp_path, ply_head("binary_little_endian", 1) + nan + ply_faces("<", [[0, 1, 2]]), "a.ply")


# ---------------------------------------------------------------- 3MF

CORE = 'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"'
NAMESPACES = CORE + ' xmlns:p="http://schemas.microsoft.com/3dmanufacturing/production/2015/06"'
MOVE = 'transform="1 0 0 0 1 0 0 0 1 10 0 0"'
MIRROR = 'transform="-1 0 0 0 1 0 0 0 1 0 0 0"'


def tetrahedron(size, tail=""):
    points = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in (np.eye(4, 3, -1) * size).tolist())
    faces = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in ((0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)))
    return f"<mesh><vertices>{points}</vertices><triangles>{faces}</triangles>{tail}</mesh>"


def model(resources, build, head='unit="micron"'):
    return f'<?xml version="1.0"?><model {head} {NAMESPACES}><resources>{resources}</resources><build>{build}</build></model>'


def archive(main, parts=None, at="3D/3dmodel.model"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in {at: main, **(parts or {})}.items():
            z.writestr(name, text)
    return buffer.getvalue()


def simple(build='<item objectid="1"/>', size=1, head='unit="micron"'):
    return archive(model(f'<object id="1">{tetrahedron(size)}</object>', build, head))


def test_3mf_unit_of_the_file_wins(tmp_path):
    units = {"micron": 1.0, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6, "inch": 25400.0, "foot": 304800.0}
    for unit, factor in units.items():
        solid = load(tmp_path, simple(head=f'unit="{unit}"'), "a.3mf", "cm")
        assert solid.vertices_um.max() == factor
        assert [f.code for f in solid.findings] == ([] if unit == "centimeter" else ["unit-from-file"])
    assert load(tmp_path, simple(head=""), "a.3mf", "um").unit == "mm"
    assert "unit 'furlong'" in refusal(tmp_path, simple(head='unit="furlong"'), "a.3mf")


def test_3mf_items_of_one_part_number_are_all_built(tmp_path):
    solid = load(tmp_path, simple(f'<item objectid="1" partnumber="a"/><item objectid="1" partnumber="a" {MOVE}/>'), "a.3mf")
    assert len(solid.faces) == 8
    assert solid.bounds_um.tolist() == [[0, 0, 0], [11, 1, 1]]


def test_3mf_objects_of_one_number_in_two_parts(tmp_path):
    main = model(
        '<object id="1"><components><component p:path="/3D/a.model" objectid="1"/></components></object>',
        f'<item objectid="1"/><item p:path="/3D/b.model" objectid="1" {MOVE}/>',
    )
    parts = {f"3D/{n}.model": model(f'<object id="1">{tetrahedron(s)}</object>', "") for n, s in (("a", 1), ("b", 2))}
    solid = load(tmp_path, archive(main, parts), "a.3mf")
    assert len(solid.faces) == 8
    assert solid.health.volume_um3 == pytest.approx(1 / 6 + 8 / 6)


def test_3mf_nested_transforms_act_from_the_inside_out(tmp_path):
    turn = 'transform="0 1 0 -1 0 0 0 0 1 0 0 0"'  # x becomes y
    resources = f'<object id="1">{tetrahedron(1)}</object><object id="2"><components><component objectid="1" {MOVE}/></components></object>'
    solid = load(tmp_path, archive(model(resources, f'<item objectid="2" {turn}/>')), "a.3mf")
    assert solid.bounds_um.tolist() == [[-1, 10, 0], [0, 11, 1]]


def test_3mf_a_mirror_keeps_the_outside_outside(tmp_path):
    for build in (f'<item objectid="1" {MIRROR}/>', f'<item objectid="2" {MIRROR}/>'):
        resources = f'<object id="1">{tetrahedron(1)}</object><object id="2"><components><component objectid="1"/></components></object>'
        health = load(tmp_path, archive(model(resources, build)), "a.3mf").health
        assert health.watertight and health.winding_consistent
        assert "inside-out" not in [f.code for f in health.findings]


def test_3mf_start_part_is_the_one_the_package_names(tmp_path):
    rels = '<Relationships><Relationship Target="/x/main.model" Id="r" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
    main = model(f'<object id="1">{tetrahedron(3)}</object>', '<item objectid="1"/>')
    assert load(tmp_path, archive(main, {"_rels/.rels": rels}, at="x/Main.model"), "a.3mf").vertices_um.max() == 3.0


def test_3mf_support_items_are_reported(tmp_path):
    resources = f'<object id="1">{tetrahedron(1)}</object><object id="2" type="support">{tetrahedron(1)}</object>'
    solid = load(tmp_path, archive(model(resources, '<item objectid="1"/><item objectid="2"/>')), "a.3mf", "um")
    assert len(solid.faces) == 4
    assert [f.code for f in solid.findings] == ["objects-left-out"]


def test_3mf_objects_switched_off_or_not_in_the_build_are_not_printed(tmp_path):
    objects = "".join(f'<object id="{n}">{tetrahedron(n)}</object>' for n in (1, 2, 3))
    objects += '<object id="4" type="support"><components><component objectid="3"/></components></object>'
    solid = load(
        tmp_path, archive(model(objects, '<item objectid="1"/><item objectid="1" printable="0"/><item objectid="4"/>')), "a.3mf", "um"
    )
    assert len(solid.faces) == 4 and solid.vertices_um.max() == 1
    assert [(f.code, f.value) for f in solid.findings] == [("objects-left-out", 2.0), ("objects-not-built", 1.0)]
    message = refusal(tmp_path, archive(model(objects, '<item objectid="1" printable="0"/>')), "a.3mf")
    assert "no build items; 1 are marked as not printed" in message


def test_3mf_parts_that_unpack_to_far_more_than_they_take_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pmsl.mesh.threemf.package.FREE_BYTES", 4000)
    many = tetrahedron(1).replace("<triangles>", "<triangles>" + '<triangle v1="0" v2="1" v3="2"/>' * 20_000)
    message = refusal(tmp_path, archive(model(f'<object id="1">{many}</object>', '<item objectid="1"/>')), "a.3mf")
    assert "unpacks to" in message and "are read of what is packed like this" in message
    rels = "<Relationships>" + "<Relationship " * 200_000
    assert "at most 1048576" in refusal(tmp_path, archive(model("", ""), {"_rels/.rels": rels}), "a.3mf")
    assert "not well-formed" in refusal(tmp_path, archive(model("", ""), {"_rels/.rels": rels[:9000]}), "a.3mf")


def test_3mf_numbers_are_taken_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("pmsl.mesh.threemf.model_part.AT_ONCE", 6)
    solid = load(tmp_path, simple(size=3), "a.3mf")
    assert len(solid.vertices_um) == 4 and solid.health.watertight and solid.health.volume_um3 == pytest.approx(27 / 6)
    bad = archive(
        model(f'<object id="1">{tetrahedron(1).replace(chr(34) + "3" + chr(34), chr(34) + "9" + chr(34))}</object>', '<item objectid="1"/>')
    )
    assert "triangle 1 of object '1' uses vertex 9 of 4" in refusal(tmp_path, bad, "a.3mf")


def test_3mf_a_transform_that_overflows_is_refused(tmp_path):
    huge = 'transform="1e308 0 0 0 1e308 0 0 0 1e308 1e308 0 0"'
    assert "not finite" in refusal(tmp_path, simple(f'<item objectid="1" {huge}/>', size=100), "a.3mf")


def test_3mf_every_truncation_and_every_flipped_byte_is_refused_or_harmless(tmp_path):
    data = simple()
    whole = load(tmp_path, data, "a.3mf").vertices_um
    for at in range(0, len(data), 3):
        refusal(tmp_path, data[:at], "a.3mf")
        with contextlib.suppress(MeshError):
            assert (load(tmp_path, data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :], "a.3mf").vertices_um == whole).all()


BEAMS = '<b:beamlattice xmlns:b="http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"><b:beam v1="0" v2="1"/></b:beamlattice>'
TWICE = [f"<component objectid='{n}'/>" * 2 for n in range(60)]
NESTED = "".join(f'<object id="{n}"><components>{TWICE[n - 1]}</components></object>' for n in range(2, 60))


@pytest.mark.parametrize(
    ("resources", "build", "expected"),
    [
        (f'<object id="1">{tetrahedron(1, BEAMS)}</object>', '<item objectid="1"/>', "beam lattice is not supported"),
        (f'<object id="1">{tetrahedron(1)}</object>', '<item objectid="1"/><item objectid="7"/>', "object '7' .* not defined"),
        (f'<object id="1">{tetrahedron(1)}</object>', "", "no build items"),
        (f'<object id="1">{tetrahedron(float("nan"))}</object>', '<item objectid="1"/>', "not a finite number"),
        (f'<object id="1">{tetrahedron(1).replace("1.0", "1,5")}</object>', '<item objectid="1"/>', "not a comma"),
        (f'<object id="1">{tetrahedron(1).replace("v3=", "v4=")}</object>', '<item objectid="1"/>', "<triangle> without 'v3'"),
        (
            f'<object id="1">{tetrahedron(1).replace(chr(34) + "3" + chr(34), chr(34) + "9" + chr(34))}</object>',
            '<item objectid="1"/>',
            "uses vertex 9 of 4",
        ),
        (f'<object id="1">{tetrahedron(1)}</object>', '<item objectid="1" transform="1 0 0"/>', "a transform of 3 numbers"),
        ('<object id="1"><components><component objectid="1"/></components></object>', '<item objectid="1"/>', "contains itself"),
        (f'<object id="1">{tetrahedron(1)}</object>{NESTED}', '<item objectid="59"/>', "the limit is"),
        ('<object id="1"><q:shape xmlns:q="urn:q"/></object>', '<item objectid="1"/>', "neither triangles nor components .*shape"),
    ],
)
def test_3mf_what_cannot_be_built_is_named(tmp_path, resources, build, expected):
    with pytest.raises(MeshError, match=expected):
        load(tmp_path, archive(model(resources, build)), "a.3mf")


def test_3mf_required_extensions_and_doctypes(tmp_path):
    message = refusal(tmp_path, simple(head='requiredextensions="v" xmlns:v="urn:volumetric"'), "a.3mf")
    assert "urn:volumetric" in message
    assert len(load(tmp_path, simple(head='requiredextensions="p"'), "a.3mf").faces) == 4
    bomb = model("", "").replace("<model", '<!DOCTYPE m [<!ENTITY a "aaaa">]><model')
    assert "DOCTYPE" in refusal(tmp_path, archive(bomb), "a.3mf")
    assert "no 3D model part" in refusal(tmp_path, archive("x", at="readme.txt"), "a.3mf")
