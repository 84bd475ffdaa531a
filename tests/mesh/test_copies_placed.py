"""Copies and packed parts: where they go, how they are called, what is refused."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids import box, cone

import pmsl
from pmsl.errors import MeshError, UsageError
from pmsl.mesh.placing.copies import Copy, place_copies
from pmsl.mesh.placing.copies_file import read_copies
from pmsl.mesh.placing.packing import pack
from pmsl.mesh.placing.placement import SLACK_UM, place

FIELD, PITCH, TRAVEL = np.array([200.0, 120.0]), np.array([2.0, 3.0]), 100.0
PART = box((5, 7, 1), (25, 17, 9))  # 20 × 10 × 8


def copies(what, solids=(PART,), **more):
    return place_copies(list(solids), FIELD, PITCH, TRAVEL, what, **more)


def corners(placed):
    return np.array([p.bounds_um()[0, :2] for p in placed.parts])


def test_an_array_is_centred_and_numbered_row_by_row():
    placed = copies((3, 2), spacing_um=(5.5, 4.25))
    assert [p.label for p in placed.parts] == [f"prism-{n}" for n in range(1, 7)]
    at = corners(placed)
    assert np.allclose(at - at[0], [[25.5 * i, 14.25 * j] for j in range(2) for i in range(3)])
    assert np.allclose(at[0] / PITCH, np.round(at[0] / PITCH)) and len({id(p.solid) for p in placed.parts}) == 1
    low, high = placed.bounds_um
    assert (np.abs((low + high)[:2] / 2 - FIELD / 2) <= PITCH / 2 + 1e-9).all()
    assert np.allclose(high, [low[0] + 71, low[1] + 24.25, 8])


def test_the_first_of_an_array_goes_where_it_is_told():
    placed = copies((2, 2), spacing_um=(0, 1), at_um=(3.3, 4.4))
    assert np.allclose(corners(placed), [[3.3, 4.4], [23.3, 4.4], [3.3, 15.4], [23.3, 15.4]])
    assert placed.shift_um is None and "2 × 2 copies" in placed.how


def test_one_copy_is_the_part_itself():
    one, plain = copies((1, 1)), place([PART], FIELD, PITCH, TRAVEL)
    assert one.how == plain.how and one.parts[0].label == plain.parts[0].label
    assert np.array_equal(one.parts[0].transform, plain.parts[0].transform)


def test_the_gap_is_ten_pixels_where_nothing_is_said():
    assert np.allclose(np.diff(corners(copies((2, 1))), axis=0), [[40, 0]])
    assert np.allclose(np.diff(corners(copies((1, 2))), axis=0), [[0, 40]])


def test_a_group_keeps_its_relative_positions_in_every_copy():
    placed = copies((2, 1), [PART, box((30, 7, 1), (35, 12, 3))], spacing_um=(10, 0))
    assert [p.label for p in placed.parts] == ["prism-1", "prism-2", "prism-3", "prism-4"]
    at = corners(placed)
    assert np.allclose(at[1] - at[0], [25, 0]) and np.allclose(at[3] - at[2], [25, 0]) and np.allclose(at[2] - at[0], [40, 0])


@given(st.lists(st.tuples(st.floats(0, 170), st.floats(0, 90), st.sampled_from([0.0, 90.0, 180.0, 270.0])), min_size=1, max_size=12))
def test_listed_copies_have_their_lower_corner_where_they_are_told(where):
    placed = copies([Copy(x_um=x, y_um=y, rotate_deg=deg) for x, y, deg in where])
    for part, (x, y, deg) in zip(placed.parts, where, strict=True):
        low, high = part.bounds_um()
        assert np.allclose(low, [x, y, 0], atol=1e-9)
        assert np.allclose(high - low, [10, 20, 8] if deg % 180 else [20, 10, 8])


def test_rotation_comes_after_that_of_the_group_and_before_shrinkage():
    placed = copies([Copy(x_um=1, y_um=2, rotate_deg=90)], rotate_deg=(0, 0, 90), shrinkage=(0.5, 0, 0))
    assert np.allclose(placed.parts[0].transform[:3, :3], np.diag([-2, -1, 1]))


def test_labels_and_doses():
    listed = [Copy(x_um=1, y_um=1, label="prism-1", dose_scale=1.5), Copy(x_um=50, y_um=1), Copy(x_um=100, y_um=1, label="c")]
    assert [(p.label, p.dose_scale) for p in copies(listed).parts] == [("prism-1", 1.5), ("prism-2", 1.0), ("c", 1.0)]
    late = [Copy(x_um=1, y_um=1), Copy(x_um=50, y_um=1, label="prism-1")]
    assert [p.label for p in copies(late).parts] == ["prism-2", "prism-1"]
    two = copies([Copy(x_um=1, y_um=1, label="a")], [PART, cone(5, 3, 4, (40, 10, 1))])
    assert [p.label for p in two.parts] == ["a/prism", "a/cone"]


REFUSED = {
    "0x2": ((0, 2), {}, UsageError, "at least 1"),
    "too many": ((10**4, 10**4), {}, UsageError, "at most 20000"),
    "gap": ((2, 2), {"spacing_um": (-1.0, 0.0)}, UsageError, "0 or more"),
    "array": ((9, 2), {"spacing_um": (10.0, 10.0)}, MeshError, r"9 × 2 copies take .* 7 × 6 fit"),
    "at": ((2, 1), {"at_um": (150.0, 0.0)}, MeshError, r"--at 150,0: 2 × 1 copies"),
    "outside": ([Copy(x_um=0, y_um=0), Copy(x_um=185, y_um=5, label="left one")], {}, MeshError, "copy left one: .*reaches"),
    "below": ([Copy(x_um=-0.1, y_um=0)], {}, MeshError, "copy prism-1: "),
    "turned": ([Copy(x_um=185, y_um=5, rotate_deg=90), Copy(x_um=10, y_um=101, rotate_deg=90)], {}, MeshError, "copy prism-2: "),
    "twice": ([Copy(x_um=0, y_um=0, label="a"), Copy(x_um=50, y_um=0, label="a")], {}, UsageError, "label 'a' is given twice"),
    "nameless": ([Copy(x_um=0, y_um=0, label=" ")], {}, UsageError, "a label is empty"),
    "nan": ([Copy(x_um=float("nan"), y_um=0, label="a")], {}, UsageError, "copy a: x_um nan"),
    "none": ([], {}, UsageError, "at least one"),
    "list with spacing": ([Copy(x_um=0, y_um=0)], {"spacing_um": (1.0, 1.0)}, UsageError, "--spacing-um"),
    "list at": ([Copy(x_um=0, y_um=0)], {"at_um": (1.0, 1.0)}, UsageError, "--at"),
    "scale": ((2, 2), {"scale": (1.0, 0.0, 1.0)}, UsageError, "above 0"),
    "large": ((2, 2), {"scale": (11.0, 1.0, 1.0)}, MeshError, "the field"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    what, more, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        copies(what, **more)


def test_a_dose_that_is_none_names_the_copy():
    printer, resin = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
    placed = pmsl.place_copies([PART], printer, resin, [Copy(x_um=0, y_um=0), Copy(x_um=90, y_um=0, dose_scale=0, label="dark")])
    with pytest.raises(UsageError, match="part dark: dose_scale is 0"):
        pmsl.prepare(placed, printer, resin)


# ---- lists as files


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_and_toml_say_the_same(tmp_path, newline):
    csv = newline.join(["\ufeffx_um,y_um,label,dose_scale,rotate_deg", "10,20.5,a,1.2,", '30, 40,"b, c",,-90', "", "5,6"])
    (tmp_path / "c.csv").write_text(csv, encoding="utf-8", newline="")
    text = "[[copies]]\nx_um = 10\ny_um = 20.5\nlabel = 'a'\ndose_scale = 1.2\n[[copies]]\nx_um = 30\ny_um = 40\nlabel = 'b, c'\n"
    (tmp_path / "c.TOML").write_text(text + "rotate_deg = -90\n[[copies]]\nx_um = 5\ny_um = 6\n")
    assert read_copies(tmp_path / "c.csv") == read_copies(tmp_path / "c.TOML")
    assert read_copies(tmp_path / "c.csv")[1] == Copy(x_um=30.0, y_um=40.0, rotate_deg=-90.0, label="b, c")


FILES = {
    "a.csv": ("x_um;y_um\n1;2\n", "its first line is 'x_um;y_um'"),
    "b.csv": ("x_um,y_um\n1,2\n3,four\n", r"b.csv, line 3: y_um is 'four'"),
    "c.csv": ("x_um,y_um\n1,2,3\n", r"line 2: 3 values for 2 columns"),
    "d.csv": ("x_um,y_um\n1,\n", r"line 2: .*y_um"),
    "e.csv": ("x_um,y_um\n1,inf\n", r"line 2: .*y_um"),
    "f.csv": ("x_um,x_um,y_um\n", "each once"),
    "g.csv": ("", "its first line is ''"),
    "h.csv": ("x_um,y_um\n", "no copy in it"),
    "a.toml": ("[[copies]]\nx_um = 1\ny = 2\n", "y_um"),
    "b.toml": ("copies = [\n", "not valid TOML"),
    "c.toml": ("copies = []\n", "no copy in it"),
    "a.txt": ("", "is a .toml or .csv file; an array is like 4x3"),
}


@pytest.mark.parametrize("name", FILES)
def test_lists_that_are_refused(tmp_path, name):
    text, message = FILES[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        read_copies(tmp_path / name)


def test_a_list_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read_copies(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_bytes(b"x_um,\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_copies(tmp_path / "x.csv")


def test_a_list_of_too_many_copies_is_refused_before_all_of_it_is_read(tmp_path):
    many = tmp_path / "many.csv"
    many.write_text("x_um,y_um\n" + "1,2\n" * 20_000)
    assert len(read_copies(many)) == 20_000
    many.write_text("x_um,y_um\n" + "1,2\n" * 20_001 + "not,a number\n" * 300_000)
    start = time.perf_counter()
    with pytest.raises(UsageError, match=r"line 20002: more than 20000 copies"):
        read_copies(many)
    assert time.perf_counter() - start < 3.0
    many.write_text("x_um,y_um\n" + "1,2\n" * 3_000_000)
    with pytest.raises(UsageError, match="cannot be read \\(more than 8388608 bytes\\)"):
        read_copies(many)


# ---- packing

rectpack = pytest.importorskip("rectpack", reason="rectpack is not installed (pip install 'pmsl[pack]')")


def packed(solids, clearance, **more):
    return pack(solids, FIELD, PITCH, TRAVEL, clearance, **more)


@given(
    st.lists(st.tuples(st.floats(1, 90), st.floats(1, 60), st.floats(1, 50)), min_size=1, max_size=12),
    st.floats(0, 25),
    st.integers(1, 3),
)
def test_packed_parts_keep_their_distance_and_stay_inside(sizes, clearance, many):
    plates = packed([box((0, 0, 0), size) for size in sizes], clearance, copies=many, plates=99)
    assert sum(len(p.parts) for p in plates) == many * len(sizes)
    for plate in plates:
        boxes = np.array([p.bounds_um() for p in plate.parts])
        assert (boxes[:, 0, :2] >= -1e-6).all() and (boxes[:, 1, :2] <= FIELD + SLACK_UM).all()
        assert np.allclose(boxes[:, 0, :2] / PITCH, np.round(boxes[:, 0, :2] / PITCH)) and np.allclose(boxes[:, 0, 2], 0)
        for i in range(len(boxes)):
            gap = np.maximum(boxes[:, 0, :2] - boxes[i, 1, :2], boxes[i, 0, :2] - boxes[:, 1, :2]).max(axis=1)
            assert (np.delete(gap, i) >= clearance - 2e-3).all()


def test_what_does_not_fit_goes_to_the_next_plate_or_is_refused():
    parts = [box((0, 0, 0), (90, 50, 5)) for _ in range(9)]
    plates = packed(parts, 10, plates=3)
    assert [len(p.parts) for p in plates] == [4, 4, 1] and "plate 2 of 3" in plates[1].how
    assert sorted(p.label for plate in plates for p in plate.parts) == [f"prism-{n}" for n in range(1, 10)]
    with pytest.raises(MeshError, match="1 of 9 parts do not fit on 2 plates with 10 µm between them; all fit on 3"):
        packed(parts, 10, plates=2)
    with pytest.raises(MeshError, match="5 of 9 parts do not fit on 1 plate with"):
        packed(parts, 10)


def test_parts_as_large_as_the_field_and_clearances_larger_than_it():
    whole = box((0, 0, 0), (200, 120, 5))
    assert [len(p.parts) for p in packed([whole, whole], 1e6, plates=2)] == [1, 1]
    assert np.allclose(packed([whole], 50)[0].bounds_um, [[0, 0, 0], [200, 120, 5]])
    assert len(packed([PART, PART], 1e6, plates=2)) == 2
    with pytest.raises(MeshError, match="all fit on 2"):
        packed([PART, PART], 1e6)
    with pytest.raises(MeshError, match="prism is 0.201"):
        packed([PART, box((0, 0, 0), (201, 5, 5))], 5)
    with pytest.raises(MeshError, match="prism is 0.101 mm high"):
        packed([box((0, 0, 0), (5, 5, 101))], 5)


@pytest.mark.parametrize(
    ("clearance", "more", "message"),
    [(-1, {}, "0 or more"), (float("nan"), {}, "0 or more"), (5, {"plates": 0}, "--plates 0"), (5, {"copies": 0}, "--copies 0")],
)
def test_packing_that_is_refused(clearance, more, message):
    with pytest.raises(UsageError, match=message):
        packed([PART], clearance, **more)


def test_without_rectpack_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rectpack", None)
    with pytest.raises(UsageError, match=r"pip install 'pmsl\[pack\]'"):
        packed([PART], 5)


def test_plates_are_numbered_before_the_suffix():
    from pathlib import Path

    from pmsl.pipeline.plates.plate_copies import numbered

    names = ["part.zip", "job", "job.v2.zip", "a/job 3.5"]
    assert [numbered(Path(n), 2).as_posix() for n in names] == ["part-2.zip", "job-2", "job.v2-2.zip", "a/job 3.5-2"]
