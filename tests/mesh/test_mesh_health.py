"""Health: each defect by its name, with its place; none where there is none."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsl.mesh.solid import Solid
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
    assert codes(found) == ["degenerate-faces", "no-solid", "size-suspicious"]


@pytest.mark.parametrize(("scale", "limit"), [(0.0999, 10.0), (0.1, None), (3000, None), (3001, 300_000.0)])
def test_suspicious_sizes(scale, limit):
    found = health(CUBE * scale)
    assert [(f.code, f.limit, f.unit) for f in found.findings] == ([] if limit is None else [("size-suspicious", limit, "µm")])


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


# --- bodies ------------------------------------------------------------------------------------------------------------


def many(*bodies):
    """Bodies as (vertices, faces), in one mesh."""
    counts = np.cumsum([0, *(len(v) for v, _ in bodies)])
    return np.concatenate([v for v, _ in bodies]), np.concatenate([f + n for (_, f), n in zip(bodies, counts, strict=False)])


def cube(low, size, turn=False):
    return CUBE / 100 * size + np.array(low, float), FACES[:, ::-1] if turn else FACES


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (cube((50, 50, 50), 100), "overlapping-bodies"),
        (cube((50, 31, 27), 100), "overlapping-bodies"),
        (cube((50, 0, 0), 100), "overlapping-bodies"),  # sides in common planes: no triangle crosses another
        (cube((100, 20, 30), 50), None),  # stands on a face
        (cube((-50, 20, 30), 50), None),
        (cube((20, 100, 30), 50), None),
        (cube((20, 30, -50), 50), None),
        (cube((150, 0, 0), 100), None),
        (cube((20, 30, 10), 50), "nested-bodies"),
        (cube((20, 30, 10), 50, turn=True), "cavities"),
        (cube((20, 30, 80), 50, turn=True), "overlapping-bodies"),
        (cube((150, 30, 10), 50, turn=True), "reversed-bodies"),
    ],
)
def test_how_two_bodies_lie_to_one_another(second, expected):
    found = health(*many(cube((0, 0, 0), 100), second))
    if second[1] is not FACES and expected == "overlapping-bodies":
        assert codes(found) == ["overlapping-bodies", "reversed-bodies"]
    else:
        assert codes(found) == ([] if expected is None else [expected])


def test_where_bodies_overlap():
    [finding] = health(*many(cube((0, 0, 0), 100), cube((50, 31, 27), 100))).findings
    assert finding.box_um == ((50, 31, 27), (100, 100, 100)) and (finding.value, finding.unit) == (1, "pairs")


def test_a_surface_through_itself():
    """A prism whose ring crosses itself."""
    ring = np.array([(0, 0), (100, 0), (100, 100), (60, 100), (60, -40), (40, -40), (40, 100), (0, 100)], float)
    n = len(ring)
    v = np.concatenate([np.c_[ring, np.zeros(n)], np.c_[ring, np.full(n, 50.0)], [[20, 50, 0], [20, 50, 50]]])
    faces = [t for i in range(n) for t in ((i, (i + 1) % n, n + (i + 1) % n), (i, n + (i + 1) % n, n + i))]
    faces += [t for i in range(n) for t in (((i + 1) % n, i, 2 * n), (n + i, n + (i + 1) % n, 2 * n + 1))]
    found = [f for f in health(v, np.array(faces)).findings if f.code == "self-intersection"]
    assert len(found) == 1 and found[0].severity == "warning" and found[0].value > 0


def test_open_edges_have_a_length():
    finding = health(faces=FACES[2:]).findings[0]
    assert "4 edges, 400 µm long in all" in finding.message


def test_slivers_are_said():
    v = np.concatenate([CUBE, [[50, 0.0005, 0]]])
    faces = np.concatenate([FACES[1:4], FACES[5:], [[0, 8, 1], [0, 2, 8], [2, 1, 8], [0, 1, 4]]])
    found = [f for f in health(v, faces).findings if f.code == "slivers"]
    assert [f.value for f in found] == [1.0]


def test_crossings_agree_with_fractions():
    """Triangles against triangles, with corners on a coarse lattice: every kind of touching, decided exactly."""
    from pmsl.mesh.box_tree import BoxTree

    rng = np.random.default_rng(2)
    points = rng.integers(0, 4, (240, 3)).astype(float)
    faces = np.arange(240, dtype=np.int32).reshape(-1, 3)
    every = np.arange(80)
    found = BoxTree.of(points, faces, every).crossed_by(every, every.astype(np.int32), other=False)
    wanted = {(i, j) for i in range(80) for j in range(i + 1, 80) if crosses(points[faces[i]], points[faces[j]])}
    assert {tuple(sorted(p)) for p in found.pairs.tolist()} == wanted and len(wanted) > 50


def crosses(s, t):
    """Whether an edge of one passes strictly through the inside of the other; integers, so exact."""

    def side(a, b, c, d):
        return np.sign(round(np.linalg.det([a - d, b - d, c - d])))

    def through(p, q, a, b, c):
        sides = {side(p, q, a, b), side(p, q, b, c), side(p, q, c, a)}
        return side(a, b, c, p) * side(a, b, c, q) < 0 and len(sides) == 1 and 0 not in sides

    return any(through(u[i], u[(i + 1) % 3], *w) for u, w in ((s, t), (t, s)) for i in range(3))


@pytest.mark.parametrize(
    ("extent", "said"), [(9.9, True), (9.9999, True), (float(np.float32(0.01)) * 1000, False), (300000.1, False), (3.1e5, True)]
)
def test_a_size_that_is_the_limit_but_for_rounding_is_not_beyond_it(extent, said):
    found = [f for f in health(CUBE * [0.01, 0.01, float(extent) / 100.0]).findings if f.code == "size-suspicious"]
    assert bool(found) == said
    if found:
        size, limit = re.search(r"extent (\S+) µm is (?:smaller|larger) than (\S+) µm;", found[0].message).groups()
        assert float(size) != float(limit)
