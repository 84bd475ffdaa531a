"""Triangles at planes, over pixels and between heights: against closed forms and plain loops."""

import numpy as np
import pytest
from dense_runs import level_runs, masks
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pmsl.kernels.geometry import down_faces, wall_cut

COORDINATES = st.floats(0.0, 6.0).map(lambda x: round(x * 8) / 8)  # eighths: many points lie on middles of pixels and on planes
TRIANGLES = arrays.arrays(np.float64, (9,), elements=COORDINATES)
PITCH = np.array([7.6, 5.0])


def twice_the_area(u, v):
    """Of the triangle between two vectors of the plane, or of many."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def soup(least=1, most=5):
    return st.lists(TRIANGLES, min_size=least, max_size=most).map(np.array)


def normals(corners, pitch):
    at = corners.reshape(-1, 3, 3) * [*pitch, 1.0]
    return np.cross(at[:, 1] - at[:, 0], at[:, 2] - at[:, 0])


@given(soup(), st.floats(0.0, 6.0))
def test_cuts_lie_on_the_plane_and_say_how_steep_the_wall_is(corners, z):
    heights = corners.reshape(-1, 3, 3)[:, :, 2]
    picked = np.flatnonzero((heights.min(axis=1) < z) & (heights.max(axis=1) >= z)).astype(np.int32)
    segments, rise = np.zeros((picked.size, 4)), np.zeros(picked.size)
    wall_cut.cut(picked, picked.size, z, corners, PITCH, segments, rise)
    normal = normals(corners[picked], PITCH)
    length = np.linalg.norm(normal, axis=1)
    flat = length > 0
    np.testing.assert_allclose(rise[flat], normal[flat, 2] / length[flat], atol=1e-12)
    assert not rise[~flat].any()
    for t, (x0, y0, x1, y1), n in zip(corners[picked].reshape(-1, 3, 3), segments, normal, strict=True):
        if not n[:2].any():
            continue
        for x, y in ((x0, y0), (x1, y1)):
            off = (np.array([x, y, z]) * [*PITCH, 1.0] - t[0] * [*PITCH, 1.0]) @ n
            assert abs(off) <= 1e-7 * max(np.linalg.norm(n), 1.0), "a point of the triangle's plane"
        along = np.array([x1 - x0, y1 - y0]) * PITCH
        assert along[1] * n[0] - along[0] * n[1] >= -1e-9 * np.linalg.norm(n), "solid, against the normal, is on the left"


def middles_under(corners, low=-1.0, high=9.0, shape=(7, 7), room=400):
    row, col, height = np.zeros(room, np.int32), np.zeros(room, np.int32), np.zeros(room)
    picked = np.arange(len(corners), dtype=np.int32)
    n = wall_cut.centres_under(picked, corners, low, high, *shape, row, col, height)
    m = min(n, room)
    return n, row[:m], col[:m], height[:m]


def facing_the_plate(corners):
    """Turn triangles so that, seen from above, they are clockwise."""
    t = corners.reshape(-1, 3, 3).copy()
    area = twice_the_area(t[:, 1, :2] - t[:, 0, :2], t[:, 2, :2] - t[:, 0, :2])
    t[area > 0] = t[area > 0][:, [0, 2, 1]]
    return t.reshape(-1, 9)


@given(soup())
def test_heights_over_middles_are_those_of_the_plane(corners):
    corners = facing_the_plate(corners)
    n, row, col, height = middles_under(corners)
    found = sorted(zip(row.tolist(), col.tolist(), np.round(height, 7).tolist(), strict=True))
    inside, edge = [], 0
    for t in corners.reshape(-1, 3, 3):
        a, b, c = t[0], t[2], t[1]
        area = twice_the_area(b[:2] - a[:2], c[:2] - a[:2])
        if area <= 0:
            continue
        for r in range(7):
            for k in range(7):
                p = np.array([k + 0.5, r + 0.5])
                w = np.array(
                    [
                        twice_the_area(c[:2] - b[:2], p - b[:2]),
                        twice_the_area(a[:2] - c[:2], p - c[:2]),
                        twice_the_area(b[:2] - a[:2], p - a[:2]),
                    ]
                )
                if (w > 0).all():
                    inside.append((r, k, round(float(w @ [a[2], b[2], c[2]] / area), 7)))
                elif (w >= 0).all():
                    edge += 1
    assert set(inside) <= set(found) and len(inside) <= n <= len(inside) + edge


@given(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=1, max_size=3))
def test_a_fan_of_triangles_owns_each_middle_once(points):
    """A square about points inside, cut into triangles in any way, covers each middle once: points on shared edges too."""
    square = [(0.0, 0.0), (6.0, 0.0), (6.0, 6.0), (0.0, 6.0)]
    triangles = []
    for x, y in points[:1]:
        for i in range(4):
            triangles.append([x, y, 1.0, *square[i], 1.0, *square[(i + 1) % 4], 1.0])
    corners = facing_the_plate(np.array(triangles))
    n, row, col, height = middles_under(corners)
    assert n == 36 and len(set(zip(row.tolist(), col.tolist(), strict=True))) == 36
    np.testing.assert_allclose(height, 1.0, rtol=1e-12)


@given(soup(), st.floats(0.0, 6.0), st.floats(0.0, 6.0))
def test_only_heights_that_are_wanted_and_no_more_than_there_is_room_for(corners, a, b):
    corners, (low, high) = facing_the_plate(corners), sorted((a, b))
    _, row, col, height = middles_under(corners)
    n, *_, some = middles_under(corners, low, high)
    wanted = height[(height >= low) & (height <= high)]
    assert n == wanted.size and np.array_equal(some, wanted)
    counted, *_, first = middles_under(corners, room=2)
    assert counted == height.size and np.array_equal(first, height[:2])


@given(masks(), st.integers(-2, 3))
def test_levels_of_runs_at_pixels(layers, row0):
    image = layers[0]
    start, col, length, level = level_runs(image)
    rows, cols = np.mgrid[-3:9, -2:9].reshape(2, -1).astype(np.int32)
    out = np.full(rows.size, -1.0)
    wall_cut.levels_at(row0, start, col, length, level.astype(np.uint16) * 257, rows, cols, out)
    padded = np.zeros((40, 40))
    padded[10 + row0 : 10 + row0 + len(image), 10 : 10 + image.shape[1]] = image
    np.testing.assert_allclose(out, padded[10 + rows, 10 + cols] / 255, rtol=1e-15)


def between(corners, low, high, steepest=0.0, room=200):
    out = np.zeros((room, 3, 2))
    picked = np.arange(len(corners), dtype=np.int32)
    n = down_faces.faces_between(corners, picked, len(corners), *PITCH, 3.0, -2.0, low, high, steepest, np.zeros((3, 8, 3)), out)
    return n, out[: min(n, room)]


def area_of(triangles):
    return 0.5 * np.abs(twice_the_area(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])).sum()


@given(soup(), st.lists(COORDINATES, min_size=0, max_size=4))
def test_slabs_part_faces_that_look_down_without_loss(corners, planes):
    edges = [-1.0, *sorted(set(planes)), 7.0]
    normal = normals(corners, PITCH)
    whole = 0.5 * np.abs(normal[normal[:, 2] < 0, 2]).sum()
    parts = [area_of(between(corners, low, high)[1]) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    assert sum(parts) == pytest.approx(whole, rel=1e-9, abs=1e-9)


@given(soup(), st.floats(-1.0, -0.01))
def test_steep_faces_are_left_out(corners, steepest):
    normal = normals(corners, PITCH)
    length = np.linalg.norm(normal, axis=1)
    clear = np.abs(normal[:, 2] - steepest * length) > 1e-9
    if not clear.all():
        return
    kept = normal[:, 2] < steepest * length
    assert area_of(between(corners, -1.0, 7.0, steepest)[1]) == pytest.approx(0.5 * np.abs(normal[kept, 2]).sum(), rel=1e-9, abs=1e-9)


def test_a_face_on_the_lower_plane_counts_and_one_on_the_upper_does_not():
    floor = facing_the_plate(np.array([[0.0, 0.0, 2.0, 4.0, 0.0, 2.0, 0.0, 4.0, 2.0]]))
    assert area_of(between(floor, 2.0, 3.0)[1]) == pytest.approx(8 * 7.6 * 5.0)
    assert between(floor, 1.0, 2.0)[0] == 0
    lid = floor.reshape(-1, 3, 3)[:, [0, 2, 1]].reshape(-1, 9)
    assert between(lid, 0.0, 5.0)[0] == 0, "it looks up"


def test_no_room_is_counted_and_places_are_those_of_the_plate():
    floor = facing_the_plate(np.array([[0.0, 0.0, 2.0, 4.0, 0.0, 2.0, 0.0, 4.0, 2.0]] * 3))
    n, out = between(floor, 0.0, 5.0, room=2)
    assert n == 3 and len(out) == 2
    assert sorted(map(tuple, out[0].tolist())) == [(3.0, -2.0), (3.0, -2.0 + 4 * 5.0), (3.0 + 4 * 7.6, -2.0)]
