"""Layer heights from geometry: bounds, facets and stairs hold, and nothing with fewer layers exists."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pmsl.errors import ProfileError
from pmsl.slicing.layer_heights import heights_from_geometry

CHIP_FACETS = np.array([0.0, 200, 240, 260, 300, 400, 740, 800])
NO_SLOPES = np.zeros((0, 3))


def plan(top, facets=(), slopes=NO_SLOPES, low=2, high=7, stair=None, step=1.0):
    return heights_from_geometry(top, np.array(facets, float), np.array(slopes, float).reshape(-1, 3), low, high, stair or low, step)


def test_the_sample_chip_has_22_layers():
    made = plan(800, CHIP_FACETS, low=5, high=40, stair=2, step=0.1)
    heights = np.diff(made.z_edges_um)
    assert len(heights) == 22 and heights.min() >= 5 and heights.max() <= 40
    assert set(CHIP_FACETS) <= set(made.z_edges_um.tolist())
    assert len(made.missed_um) == 0 and made.stair_um == 0


def fewest(top, facets, slopes, low, high, stair):
    """An oracle that tries every plane: (facets missed, layers) of the best plan in steps of 1, slopes obeyed; None where there is none."""
    caps = np.full(top, high)
    for z0, z1, n in slopes:
        for c in range(top):
            if c < z1 and c + 1 > z0:
                caps[c] = min(caps[c], max(low, int(stair / n + 1e-6)))
    best = {0: (0, 0)}
    for b in range(1, top + 1):
        ways = [
            (best[a][0] + sum(a < f < b for f in facets), best[a][1] + 1)
            for a in range(b)
            if a in best and low <= b - a <= high and b - a <= caps[a:b].min()
        ]
        if ways:
            best[b] = min(ways)
    return best.get(top)


parts = st.tuples(
    st.integers(8, 60),
    st.lists(st.integers(1, 59), max_size=7),
    st.lists(st.tuples(st.integers(0, 55), st.integers(1, 12), st.sampled_from([0.2, 0.35, 0.5, 0.8, 1.0])), max_size=4),
    st.integers(1, 5),
    st.integers(0, 6),
)


@given(parts)
@example((20, [9], [], 5, 3))
@example((25, [3, 4, 5, 6], [], 4, 2))
@example((9, [], [], 5, 1))
def test_no_plan_has_fewer_layers_or_misses_fewer_facets(drawn):
    top, facets, spans, low, more = drawn
    high, stair = low + more, float(low)
    facets = sorted({f for f in facets if f < top})
    slopes = [(z, min(z + length, top), n) for z, length, n in spans if z < top]
    made = plan(top, facets, slopes, low, high, stair)
    edges, heights = made.z_edges_um, np.diff(made.z_edges_um)
    assert edges[0] == 0 and edges[-1] >= top and (heights >= low).all() and (heights <= high).all()
    assert (edges == np.round(edges)).all()
    missed = [f for f in facets if f not in edges]
    assert missed == made.missed_um.tolist()
    without = fewest(top, facets, [], low, high, stair)
    if without is None:  # no heights add up to the top: the layers end above it
        assert edges[-1] - top < low
        return
    assert edges[-1] == top and len(missed) == without[0]
    slabs = list(zip(edges, heights, strict=False))
    thick = [(h, n) for z, h in slabs for z0, z1, n in slopes if z < z1 and z + h > z0 and h * n > stair * (1 + 1e-6)]
    obeyed = all(h <= low for h, _ in thick)
    assert made.stair_um == pytest.approx(max((h * n for h, n in thick), default=0))
    assert made.flattest == max((n for _, n in thick), default=0)
    best = fewest(top, facets, slopes, low, high, stair)
    if obeyed and best is not None and best[0] == len(missed):
        assert len(heights) == best[1] or same_count_elsewhere(top, facets, missed, slopes, low, high, stair, len(heights))


def same_count_elsewhere(top, facets, missed, slopes, low, high, stair, layers):
    """Whether, with the very facets met, no plan has fewer layers: which of equally many facets are met is free."""
    stops = [0, *(f for f in facets if f not in missed), top]
    counts = []
    for a, b in itertools.pairwise(stops):
        inside = [(max(z0 - a, 0), min(z1 - a, b - a), n) for z0, z1, n in slopes if z0 < b and z1 > a]
        found = fewest(b - a, [], inside, low, high, stair)
        counts.append(None if found is None else found[1])
    return None not in counts and sum(counts) == layers


def test_thin_where_a_dome_is_flat_thick_where_it_is_steep():
    angle = np.linspace(0, np.pi / 2, 200)
    z = 500 * np.sin(angle)
    slopes = np.column_stack([z[:-1], z[1:], np.sin((angle[1:] + angle[:-1]) / 2)])
    made = plan(500, [], slopes, low=1, high=20, stair=2, step=0.1)
    heights = np.diff(made.z_edges_um)
    normal = np.interp(made.z_edges_um[1:], 500 * np.sin(angle), np.sin(angle))
    assert (heights * normal <= 2 + 20 * np.diff(angle).max()).all() and heights[-1] == pytest.approx(2, abs=0.11)
    assert len(heights) < 0.6 * 250  # 250 layers of 2 µm have the same stair
    assert made.stair_um == 0


def test_a_slope_flatter_than_the_thinnest_layer_is_said():
    made = plan(100, [], [(40, 60, 0.9)], low=5, high=20, stair=2, step=0.1)
    over = np.diff(made.z_edges_um)[(made.z_edges_um[:-1] < 60) & (made.z_edges_um[1:] > 40)]
    assert made.flattest == 0.9 and made.stair_um == pytest.approx(0.9 * over.max())
    assert over.max() < 5.6


def test_facets_nearer_than_the_least_height():
    made = plan(100, [50, 52, 54], low=5, high=20)
    assert len(made.missed_um) == 2 and {50.0, 52.0, 54.0} - set(made.missed_um.tolist()) <= set(made.z_edges_um.tolist())


def test_a_part_lower_than_a_layer_gets_one():
    assert plan(3, low=5, high=20).z_edges_um.tolist() == [0, 5]


def test_one_height_only():
    made = plan(60, [10, 12, 30], low=5, high=5)
    assert (np.diff(made.z_edges_um) == 5).all() and made.missed_um.tolist() == [12]


def test_many_facets_are_planned_in_time():
    facets = np.arange(1, 20_000) * 0.7
    made = plan(14_000, facets, low=5, high=40, step=0.1)
    assert len(made.z_edges_um) > 300 and np.isin(np.round(made.missed_um, 3), np.round(facets, 3)).all()
    assert len(made.missed_um) + np.isin(np.round(made.z_edges_um, 3), np.round(facets, 3)).sum() == len(facets)


@pytest.mark.parametrize(("bounds", "words"), [((5.2, 5.8), "multiple of the stage's step of 1 µm"), ((0.1, 0.4), "multiple of the stage")])
def test_bounds_without_a_multiple_of_the_step(bounds, words):
    with pytest.raises(ProfileError, match=words):
        plan(100, low=bounds[0], high=bounds[1])


def test_a_part_in_the_wrong_unit():
    with pytest.raises(ProfileError, match="is the unit right"):
        plan(1e9, low=5, high=20, step=0.1)
