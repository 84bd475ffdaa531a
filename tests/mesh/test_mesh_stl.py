"""STL: every triangle of a good file, to the bit; a clear refusal of every bad one."""

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiers import examples

from pmsl.errors import MeshError
from pmsl.mesh import load_solid

TRIANGLES = np.array([[0, 0, 0, 1, 0, 0, 0, 1, 0], [0.1, 2, 3, 1e-7, 5, -6, 7, 8, 9.5]], dtype=np.float32)
quick = settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def binary(triangles, header=b"", count=None, tail=b""):
    record = np.zeros(len(triangles), dtype=[("n", "<f4", 3), ("v", "<f4", 9), ("a", "<u2")])
    record["v"] = triangles
    return header.ljust(80, b"\0") + struct.pack("<I", len(triangles) if count is None else count) + record.tobytes() + tail


def ascii_text(triangles, name="part"):
    lines = [f"solid {name}"]
    for row in triangles:
        points = "".join(f"      vertex {a!r} {b!r} {c!r}\n" for a, b, c in np.reshape([float(x) for x in row], (3, 3)).tolist())
        lines.append(f"  facet normal 0 0 1\n    outer loop\n{points}    endloop\n  endfacet")
    return "\n".join([*lines, f"endsolid {name}", ""])


def load(tmp_path, data, unit="um", name="part.stl"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return load_solid(path, unit)


def refusal(tmp_path, data):
    with pytest.raises(MeshError) as caught:
        load(tmp_path, data)
    assert str(caught.value).count("part.stl") == 1
    return str(caught.value)


soups = arrays(np.float32, st.tuples(st.integers(1, 7), st.just(9)), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


@quick
@given(soups)
def test_binary_and_ascii_round_trip_to_the_bit(tmp_path, triangles):
    for solid in (load(tmp_path, binary(triangles)), load(tmp_path, ascii_text(triangles))):
        assert solid.vertices_um.dtype == np.float64 and solid.faces.dtype == np.int32
        assert solid.vertices_um.astype(np.float32).tobytes() == triangles.tobytes()
        assert solid.faces.ravel().tolist() == list(range(3 * len(triangles)))
        assert solid.findings == ()


def test_units_scale_in_double(tmp_path):
    for unit, factor in {"um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0}.items():
        solid = load(tmp_path, binary(TRIANGLES), unit)
        assert solid.unit == unit
        assert (solid.vertices_um.reshape(-1, 9) == TRIANGLES.astype(np.float64) * factor).all()


def test_every_truncation_of_a_binary_is_refused(tmp_path):
    for header in (b"", b"solid facet endsolid"):
        data = binary(TRIANGLES, header)
        for size in range(len(data)):
            refusal(tmp_path, data[:size])


def test_truncation_says_how_many_triangles_are_whole(tmp_path):
    message = refusal(tmp_path, binary(np.tile(TRIANGLES, (4, 1)))[:-130])
    assert "8 triangles = 484 bytes" in message and "354 bytes = 5 whole triangles" in message


@pytest.mark.parametrize("count", [1, 3, 66, 2**32 - 1])
def test_a_lying_count_is_refused(tmp_path, count):
    refusal(tmp_path, binary(TRIANGLES, count=count, tail=b"" if count != 1 else b"\1"))


def test_short_or_zero_tails_are_accepted_and_reported(tmp_path):
    for tail in (b"\0", b"x" * 49, b"\0" * 50, b"\0" * 4096):
        solid = load(tmp_path, binary(TRIANGLES, tail=tail))
        assert len(solid.faces) == 2
        assert [(f.code, f.severity, f.value) for f in solid.findings] == [("trailing-bytes", "warning", float(len(tail)))]
    refusal(tmp_path, binary(TRIANGLES, tail=b"x" * 50))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_names_the_triangle(tmp_path, value):
    many = np.zeros((40_000, 9), dtype=np.float32)
    many[33_333, 4] = value
    assert "triangle 33333 " in refusal(tmp_path, binary(many))
    assert "line 12" in refusal(tmp_path, ascii_text([TRIANGLES[0], [0, 0, 0, 0, value, 0, 0, 0, 0]]))


def test_no_triangle_is_refused(tmp_path):
    assert "0 triangles" in refusal(tmp_path, binary(TRIANGLES[:0]))
    assert "without a facet" in refusal(tmp_path, "solid nothing\nendsolid nothing\n")
    assert "0 bytes" in refusal(tmp_path, b"")


@quick
@given(st.binary(max_size=400), st.sampled_from([b"", b"solid ", b"solid a\nfacet ", b"\xff\xfe", b"PK\x03\x04", b"ply\n"]))
def test_random_bytes_load_or_are_refused(tmp_path, data, start):
    for suffix in (".stl", ".obj", ".ply", ".3mf"):
        try:
            solid = load(tmp_path, start + data, name="noise" + suffix)
        except MeshError as error:
            assert "noise" in str(error)
        else:
            assert np.isfinite(solid.vertices_um).all()


def test_binary_whose_header_says_solid(tmp_path):
    assert len(load(tmp_path, binary(TRIANGLES, b"solid facet normal endsolid")).faces) == 2


def test_ascii_of_many_habits(tmp_path):
    text = """\ufeff\n SOLID \u00e4 facet normal endfacet \u6f22
\tFacet  Normal nan 0 -1.#IND OUTER LOOP vertex 1e-5 1.0E+02 +3
vertex .5 -.5e1 7. Vertex 0 -0 1e0 endLoop
endfacet
ENDSOLID solid endsolid
solid
facet normal 0 0 1 outer loop vertex 0 0 0 vertex 1 0 0 vertex 0 1 0 endloop endfacet
endsolid"""
    for data in (text.encode(), text.replace("\n", "\r\n").encode(), text.replace("\n", "\r").encode(), text[1:].encode("utf-16")):
        solid = load(tmp_path, data)
        assert solid.findings == ()
        assert solid.vertices_um[:3].tolist() == [[1e-5, 100, 3], [0.5, -5, 7], [0, 0, 1]]
        assert solid.faces.shape == (2, 3)


def test_missing_endsolid_is_a_finding(tmp_path):
    solid = load(tmp_path, ascii_text(TRIANGLES).replace("endsolid part", ""))
    assert [f.code for f in solid.findings] == ["no-endsolid"]
    assert len(solid.faces) == 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("vertex 0.0 0.0 0.0", "vertex 0,5 0.0 0.0", "line 4: vertex coordinate '0,5' is not a number: write decimals with a point"),
        ("vertex 0.0 0.0 0.0", "vertex 1_0 0.0 0.0", "line 4: vertex coordinate '1_0'"),
        ("vertex 0.0 0.0 0.0", "vertex 1e999 0.0 0.0", "line 4: vertex coordinate '1e999' is not a finite number"),
        ("vertex 0.0 0.0 0.0", "vertex 0.0 0.0", "line 5: vertex coordinate 'vertex'"),
        ("    endloop", "vertex 1 1 1\n    endloop", "line 7: a facet with more than three vertices"),
        ("vertex 0.0 0.0 0.0", "", "line 7: 'endloop' where 'vertex' belongs"),
        ("normal 0 0 1", "normal 0 0", "line 3: 'outer' where three numbers"),
        ("outer", "inner", "line 3: 'inner' where 'outer' belongs"),
    ],
)
def test_bad_ascii_facets_name_line_and_reason(tmp_path, old, new, expected):
    assert expected in refusal(tmp_path, ascii_text(TRIANGLES).replace(old, new, 1))


def test_ascii_cut_inside_a_facet_is_refused(tmp_path):
    text = ascii_text(TRIANGLES)
    last = text.rindex("endfacet") + len("endfacet")
    first = text.index("endfacet") + len("endfacet")
    for size in range(last):
        if not text[:size].strip() or text[first:size].strip():
            assert "part.stl" in refusal(tmp_path, text[:size])
    assert "line 14: the file ends inside a facet" in refusal(tmp_path, text[: last - 9])


def test_ascii_larger_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr("pmsl.mesh.readers.stl_ascii.BLOCK", 300)
    many = np.tile(TRIANGLES, (50, 1))
    assert (load(tmp_path, ascii_text(many)).vertices_um.astype(np.float32).ravel() == many.ravel()).all()
    assert "line 703" in refusal(tmp_path, ascii_text(many) + "facet")
