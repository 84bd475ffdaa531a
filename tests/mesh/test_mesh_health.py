"""Health: each defect by its name, with its place; none where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsl.core.part import Solid
from pmsl.mesh.topology import group_rows

CUBE = np.array([[x, y, z] for z in (0.0, 100.0) for y in (0.0, 100.0) for x in (0.0, 100.0)])
FACES = np.array(
    [[0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4], [2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6], [1, 3, 5], [3, 7, 5]]
)


def health(vertices=CUBE, faces=FACES, soup=False):
    if soup:
        vertices, faces = vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3)
    return Solid.from_arrays(vertices, faces).health


def codes(found):
    return [f.code for f in found.findings]


@pytest.mark.parametrize("soup", [False, True])
def test_a_sound_cube(soup):
    found = health(soup=soup)
    assert (found.watertight, found.winding_consistent, found.bodies, codes(found)) == (True, True, 1, [])
    assert found.volume_um3 == pytest.approx(1e6, rel=1e-15)


def test_volume_far_from_the_origin():
    assert health(CUBE + 1e8).volume_um3 == pytest.approx(1e6, rel=1e-12)


def test_one_zero_and_one_picometre_are_one_position():
    vertices = CUBE[FACES].reshape(-1, 3).copy()
    vertices[vertices == 0] = np.resize([0.0, -0.0, 1e-13, -3e-16], (vertices == 0).sum())
    assert health(vertices, np.arange(36).reshape(-1, 3)).watertight


def test_a_hole_has_a_place():
    found = health(faces=FACES[2:], soup=True)
    assert (found.watertight, found.winding_consistent, found.bodies) == (False, True, 1)
    [finding] = found.findings
    assert (finding.code, finding.severity, finding.value, finding.box_um) == ("open-edges", "warning", 4.0, ((0, 0, 0), (100, 100, 0)))


def test_bodies_that_touch_along_an_edge():
    found = health(np.concatenate([CUBE, CUBE + [100, 100, 0]]), np.concatenate([FACES, FACES + 8]))
    assert (found.watertight, found.winding_consistent, found.bodies) == (False, True, 2)
    [finding] = found.findings
    assert (finding.code, finding.value, finding.box_um) == ("non-manifold-edges", 1.0, ((100, 100, 0), (100, 100, 100)))


def test_one_face_turned():
    faces = FACES.copy()
    faces[0] = faces[0, ::-1]
    found = health(faces=faces)
    assert (found.watertight, found.winding_consistent, codes(found)) == (True, False, ["inconsistent-winding"])
    assert found.findings[0].value == 3.0


def test_inside_out():
    found = health(faces=FACES[:, ::-1])
    assert (found.watertight, found.winding_consistent, codes(found)) == (True, True, ["inside-out"])
    assert found.volume_um3 == pytest.approx(1e6) and found.findings[0].value == pytest.approx(-1e6)


def test_degenerate_and_duplicate_faces():
    found = health(faces=np.concatenate([FACES, [[5, 5, 7], [7, 7, 7]]]))
    assert (found.watertight, codes(found)) == (True, ["degenerate-faces"])
    [finding] = found.findings
    assert (finding.value, finding.severity, finding.box_um) == (2.0, "info", ((100, 0, 100), (100, 100, 100)))
    found = health(faces=np.concatenate([FACES, FACES[:1, [1, 2, 0]]]))
    assert codes(found) == ["non-manifold-edges", "duplicate-faces"]
    assert found.findings[1].value == 1.0


def test_all_faces_in_one_point():
    found = health(np.zeros((3, 3)), np.array([[0, 1, 2], [0, 0, 0]]))
    assert (found.watertight, found.bodies, found.volume_um3) == (False, 0, 0.0)
    assert codes(found) == ["degenerate-faces", "size-suspicious"]


@pytest.mark.parametrize(("scale", "limit"), [(0.0999, 10.0), (0.1, None), (3000, None), (3001, 300_000.0)])
def test_suspicious_sizes(scale, limit):
    found = health(CUBE * scale)
    assert [(f.code, f.limit, f.unit) for f in found.findings] == ([] if limit is None else [("size-suspicious", limit, "um")])


def test_absurd_coordinates_do_not_crash():
    for scale in (1e-300, 1e30, 1e300):
        assert health(CUBE * scale).watertight


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(-2, 2)] * 3), min_size=1, max_size=60))
def test_grouping_is_that_of_unique(rows):
    array = np.array(rows, dtype=np.int64)
    ids, first = group_rows(array)
    assert len(first) == len(set(rows)) == ids.max() + 1
    assert (array[first[ids]] == array).all()


def test_grouping_survives_equal_keys(monkeypatch):
    monkeypatch.setattr("pmsl.mesh.topology._mix", lambda rows: np.zeros(len(rows), dtype=np.uint64))
    assert health(soup=True).watertight
