"""Thin walls and gaps of sections: their widths by closed forms, at any turn and pitch; rays by a slow oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids import box, cone, prism

import pmsl
from pmsl.core.grid import Grid
from pmsl.kernels.geometry import facing_segments
from pmsl.mesh.part import Part, as_part
from pmsl.slicing.thin_places import thin_places

LIMIT = 6.0


def found(solids, turn_deg=0.0, pitch=7.6, layer=10.0, limits=(LIMIT, LIMIT), **how):
    a = np.deg2rad(turn_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    turn[:2, 3] = 2000.0
    parts = [Part(solid=as_part(s).solid, transform=turn) for s in solids]
    top = max(p.bounds_um()[1, 2] for p in parts)
    grid = Grid(origin_um=(3.0, -7.0), pitch_um=pitch, shape=(600, 600), z_edges_um=np.arange(0, top + layer, layer))
    return thin_places(parts, grid, *limits, **how)


def tube(inner, outer, top, n=96):
    """A tube, its wall on facets: widths are those between the flats."""
    angle = np.arange(n) * 2 * np.pi / n
    rings = [np.c_[r * np.cos(angle), r * np.sin(angle)] for r in (outer, inner)]
    v = np.concatenate([np.c_[ring, np.full(n, z)] for z in (0.0, top) for ring in rings])
    lo, li, to, ti = (np.arange(n) + i * n for i in range(4))
    nxt = np.roll(np.arange(n), -1)
    quads = [(lo, lo[nxt], to[nxt], to), (li[nxt], li, ti, ti[nxt]), (to, to[nxt], ti[nxt], ti), (lo[nxt], lo, li, li[nxt])]
    faces = np.concatenate([np.c_[[a, b, c]].T for a, b, c, d in quads] + [np.c_[[a, c, d]].T for a, b, c, d in quads])
    return pmsl.Solid.from_arrays(v, faces)


@pytest.mark.parametrize("pitch", [5.0, 20.0])
@pytest.mark.parametrize("turn", [0.0, 17.3, 45.0, 90.0])
def test_a_wall_a_gap_and_a_pillar_are_measured(turn, pitch):
    wall, pillar, block = box((0, 0, 0), (4, 90, 60)), box((30, 0, 0), (32, 2, 80)), box((60, 0, 0), (80, 40, 60))
    beside = box((83, 5, 0), (95, 40, 50))
    walls, gaps = found([wall, pillar, block, beside], turn, pitch)
    assert [(round(w.width_um, 3), w.layers) for w in sorted(walls, key=lambda w: w.width_um)] == [(2.0, (0, 7)), (4.0, (0, 5))]
    assert [(round(g.width_um, 3), g.layers) for g in gaps] == [(3.0, (0, 4))]
    (low, high) = gaps[0].box_um
    assert low[2] == 0 and high[2] == 50


@given(st.floats(0.5, 5.9), st.floats(0, 90))
def test_the_wall_of_a_tube(width, turn):
    inner = 40.0
    flat = np.cos(np.pi / 96)
    walls, gaps = found([tube(inner, inner + width / flat, 30)], turn)
    assert len(walls) == 1 and gaps == []
    assert walls[0].width_um == pytest.approx(width, abs=0.02) and walls[0].layers == (0, 2)
    assert np.ptp(np.array(walls[0].box_um)[:, 0]) > 2 * inner


@pytest.mark.parametrize(("taper", "thin"), [(0.0, True), (10.0, True), (19.0, True), (22.0, False), (60.0, False)])
def test_sides_that_meet_at_an_edge_are_no_wall(taper, thin):
    a = np.tan(np.deg2rad(taper))
    wedge = prism([(0, 0), (100, 0), (100, 3 + 100 * a), (0, 3)], 0, 30)
    walls, _ = found([wedge])
    assert bool(walls) == thin


def test_the_width_of_a_taper_is_that_of_the_circle():
    """Between lines at 10°, from the place t along one of them: d = 2 t tan 5°."""
    a = np.tan(np.deg2rad(10))
    walls, _ = found([prism([(20, 0), (100, 0), (100, 100 * a), (20, 20 * a)], 0, 30)])
    inset = min(0.25 * 80, 0.5 * LIMIT)  # the first place on the lower side
    assert walls[0].width_um == pytest.approx(2 * (20 + inset) * np.tan(np.deg2rad(5)), rel=0.02)


def test_ridges_domes_and_tips_are_not_thin():
    roof = pmsl.Solid.from_arrays(
        [[0, 0, 0], [100, 0, 0], [100, 60, 0], [0, 60, 0], [0, 30, 30], [100, 30, 30]],
        [[0, 2, 1], [0, 3, 2], [0, 1, 5], [0, 5, 4], [2, 3, 4], [2, 4, 5], [1, 2, 5], [3, 0, 4]],
    )
    assert found([roof], layer=1.0) == ([], [])
    assert found([cone(64, 60, 40, (0, 0, 0))], layer=1.0) == ([], [])


def test_a_needle_tip_is_thin_over_its_height():
    walls, _ = found([cone(64, 20, 200, (0, 0, 0))], layer=1.0)
    (tip,) = walls
    assert tip.layers[1] >= 198 and 200 - tip.box_um[0][2] == pytest.approx(LIMIT / 2 / 20 * 200, abs=1.5)


def test_a_plane_sheet_leans_and_is_one_place():
    """A sheet 4 µm wide that leans by 45° moves 10 µm a layer: one wall."""
    v = [[x + s, y, z] for x, z in ((0, 0), (100, 100)) for s in (0, 4) for y in (0, 80)]
    f = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6]]
    sheet = pmsl.Solid.from_arrays(v, f)
    walls, gaps = found([sheet])
    assert len(walls) == 1 and walls[0].width_um == pytest.approx(4) and walls[0].layers == (0, 9) and gaps == []


def test_what_lies_inside_another_body_bounds_nothing():
    block, inside, through = box((0, 0, 0), (100, 100, 60)), box((20, 20, 10), (23, 80, 50)), box((60, 40, 0), (63, 160, 60))
    walls, gaps = found([block, inside, through])
    assert [round(w.width_um, 6) for w in walls] == [3] and gaps == []  # only what sticks out
    assert walls[0].box_um[0][1] > 2100
    apart = box((103, 0, 0), (120, 30, 60))
    walls, gaps = found([block, apart, box((101, 10, 0), (110, 90, 60))])
    assert {round(g.width_um, 6) for g in gaps} == {1.0} and walls == []  # 3 µm beside it, of the same sides


def test_a_hollow_and_a_slot():
    hole = box((48, 20, 0), (52, 80, 60))
    block = box((0, 0, -1), (100, 100, 61))
    faces = np.concatenate([block.faces, hole.faces[:, ::-1] + block.n_vertices])
    slotted = pmsl.Solid.from_arrays(np.concatenate([block.vertices_um, hole.vertices_um]), faces)
    walls, gaps = found([slotted])
    assert walls == [] and [round(g.width_um, 6) for g in gaps] == [4]


def test_a_thin_place_lower_than_the_limit_is_left_out():
    assert found([box((0, 0, 0), (4, 90, 5))], layer=1.0)[0] == []
    assert len(found([box((0, 0, 0), (4, 90, 6))], layer=1.0)[0]) == 1
    assert found([box((0, 0, 0), (4, 90, 60))], limits=(0.0, 0.0)) == ([], [])


def test_a_field_of_pillars_is_named_one_by_one_on_any_number_of_threads():
    pillars = [box((15 * i, 15 * j, 0), (15 * i + 2, 15 * j + 3, 40)) for i in range(12) for j in range(12)]
    walls, gaps = found(pillars, 30.0, united=False)
    assert len(walls) == 144 and {round(w.width_um, 6) for w in walls} == {2.0} and gaps == []
    assert found(pillars, 30.0, united=False, threads=3) == (walls, gaps)


# --- the kernel against rays traced one by one ------------------------------------------------------------------


def oracle(segments, normal, limit):
    """Widths by (segment, kind): every ray against every segment."""
    out = {}
    for i, (x0, y0, x1, y1) in enumerate(segments):
        length = np.hypot(x1 - x0, y1 - y0)
        inset = min(0.25, 0.5 * limit / length)
        for t in (0.5,) if length < 0.5 * limit else (0.5, inset, 1 - inset):
            p = np.array([x0 + t * (x1 - x0), y0 + t * (y1 - y0)])
            for kind, way in ((0, 1.0), (1, -1.0)):
                n = way * normal[i, :2]
                crossed = []
                for j, (ax, ay, bx, by) in enumerate(segments):
                    e = np.array([bx - ax, by - ay])
                    det = n[0] * e[1] - n[1] * e[0]
                    if j == i or det == 0:
                        continue
                    d = np.array([ax, ay]) - p
                    s, u = (d[0] * e[1] - d[1] * e[0]) / det, (d[0] * n[1] - d[1] * n[0]) / det
                    if s > 1e-6 * limit and 0 <= u <= 1:
                        crossed.append((s, j))
                if not crossed:
                    continue
                s, j = min(crossed)
                c = -float(normal[i, :2] @ normal[j, :2])
                if c >= 0.94 and 2 * s * c / (1 + c) < limit:
                    out[i, kind] = min(out.get((i, kind), limit), 2 * s * c / (1 + c))
    return out


rectangles = st.lists(
    st.tuples(st.floats(0, 60), st.floats(0, 60), st.floats(1, 40), st.floats(1, 40), st.floats(0, 180)), min_size=1, max_size=5
)


@given(rectangles)
def test_rays_are_those_of_the_oracle(drawn):
    segments = []
    for x, y, w, h, turn in drawn:
        a = np.deg2rad(turn)
        corners = np.array([[0, 0], [w, 0], [w, h], [0, h]]) @ [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]] + [x, y]
        segments += [np.r_[corners[i], corners[(i + 1) % 4]] for i in range(4)]
    segments = np.array(segments)
    d = segments[:, 2:] - segments[:, :2]
    normal = np.c_[-d[:, 1], d[:, 0], np.zeros(len(d))] / np.hypot(*d.T)[:, None]
    n, lengths = len(segments), np.hypot(*d.T)
    low, high = segments.reshape(-1, 2).min(axis=0), segments.reshape(-1, 2).max(axis=0)
    cell = 1.5 * LIMIT
    cols, rows = (((high - low) // cell).astype(int) + 1).tolist()
    cells = *low.tolist(), cell, cols, np.empty(rows * cols + 1, np.int64), np.empty(n + int(np.ceil(2 * lengths / cell).sum()), np.int32)
    facing_segments.enter(segments, *cells)
    hits, sides, counts = np.empty((2, n + 1, 3)), np.empty((2, n + 1, 2), np.int64), np.empty(2, np.int64)
    facing_segments.facing_widths(segments, normal, np.array([LIMIT, LIMIT]), False, *cells, hits, sides, counts)
    made = {(int(sides[kind, i, 0]), kind): hits[kind, i, 0] for kind in range(2) for i in range(counts[kind])}
    wanted = oracle(segments, normal, LIMIT)
    assert set(made) == set(wanted)
    assert all(made[key] == pytest.approx(wanted[key], abs=1e-9) for key in wanted)
