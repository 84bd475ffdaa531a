"""Parts that begin in mid-air and voids that stay closed, by name."""

import checks_parts as parts
import pytest
from box_csg import flipped, joined
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import box, moved
from tiers import examples

import pmsl

SMALL = {"pitch_um": 20.0, "field": (300, 300), "layer_um": 50.0}
CASES = parts.SHARED / "cases"


def test_a_stalactite_is_an_island_that_the_roof_joins():
    gate = [box((0, 0, 0), (400, 2000, 2000)), box((1600, 0, 0), (2000, 2000, 2000)), box((0, 0, 2000), (2000, 2000, 2400))]
    [island] = parts.findings([*gate, box((900, 900, 1000), (1100, 1100, 2100))], **SMALL)
    assert (island.code, island.severity, island.layers) == ("island", "warning", (20, 40))
    assert island.value == pytest.approx(200 * 200) and "layer 40 joins it" in island.message
    low, high = island.box_um
    assert low[2] <= 1000 <= high[2] and high[0] - low[0] == pytest.approx(200, abs=81)
    assert parts.findings(gate, **SMALL) == []  # the bridge alone


def test_the_dot_of_an_i_is_joined_by_light_that_comes_through_or_is_lost():
    stem, dot = box((0, 0, 0), (400, 400, 200)), box((0, 0, 0), (400, 400, 200))
    thin = SMALL | {"layer_um": 10.0}
    [island] = parts.findings([stem, moved(dot, (0, 0, 240))], **thin)
    first, joined_by = island.layers
    assert island.code == "island" and first == 24 and 24 < joined_by < 30
    [loose] = parts.findings([stem, moved(dot, (0, 0, 300))], **thin)
    assert (loose.code, loose.severity, loose.layers[1]) == ("loose-body", "error", 49)
    assert parts.findings([stem, moved(dot, (0, 0, 210))], **thin) == []  # one layer: cured through at once


def test_a_smaller_joint_than_the_process_allows_holds_nothing():
    from pmsl.profiles import ProcessChecks

    neck = [box((0, 0, 0), (1000, 1000, 500)), box((400, 400, 500), (500, 500, 600)), box((0, 0, 600), (1000, 1000, 1000))]
    assert parts.codes(neck, layer_um=100.0, pitch_um=20.0, field=(300, 300)) == []
    strict = ProcessChecks(min_joint_um2=20_000.0)
    [island] = parts.findings(neck, layer_um=100.0, pitch_um=20.0, field=(300, 300), checks=strict)
    assert island.code == "island" and island.limit == 20_000.0 and "nothing else ever holds it" in island.message


@pytest.mark.parametrize("k", [1, 2, 5])
def test_stacked_closed_cells_keep_their_resin_each(k):
    block = box((0, 0, 0), (1000, 1000, 600 * k + 200))
    cells = [flipped(box((200, 200, 200 + 600 * i), (800, 800, 600 + 600 * i))) for i in range(k)]
    found = parts.findings(joined(block, *cells), **SMALL)
    assert [f.code for f in found] == ["resin-trap"] * k
    assert [f.layers for f in found] == [(4 + 12 * i, 12 + 12 * i) for i in range(k)]


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=examples(4))
def test_a_block_of_n_closed_bubbles_has_n(n, seed):
    import numpy as np

    places = np.random.default_rng(seed).permutation(64)[:n]
    bubbles = [flipped(box((100 + 300 * (p % 4), 100 + 300 * (p // 4 % 4), 200 + 500 * (p // 16)),
                           (300 + 300 * (p % 4), 300 + 300 * (p // 4 % 4), 500 + 500 * (p // 16)))) for p in places]  # fmt: skip
    found = parts.findings(joined(box((0, 0, 0), (1300, 1300, 2300)), *bubbles), **SMALL)
    assert [f.code for f in found] == ["resin-trap"] * n


def test_columns_on_a_raft_and_a_void_open_to_the_side_are_nothing():
    raft = [box((0, 0, 0), (2000, 2000, 200)), *(box((x, y, 200), (x + 200, y + 200, 1500)) for x in (0, 1000, 1800) for y in (0, 1800))]
    assert parts.findings(raft, **SMALL) == []
    cave = [box((0, 0, 0), (2000, 2000, 500)), *(box((0, y, 500), (2000, y + 200, 1500)) for y in (0, 1800)),
            box((0, 0, 500), (200, 2000, 1500)), box((0, 0, 1500), (2000, 2000, 2000))]  # fmt: skip
    assert parts.findings(cave, **SMALL) == []


@pytest.mark.parametrize(("file", "codes"), [
    pytest.param("floating_island.stl", ["loose-body"], marks=pytest.mark.slow),  # of the field of a printer
    ("bad_island_cavity_thinwall.stl", ["loose-body", "resin-trap"]),
    ("sealed_cavity.stl", ["resin-trap"]),
])  # fmt: skip
def test_cases_that_went_wrong(file, codes):
    if not (CASES / file).exists():
        pytest.skip("no shared cases here")
    found = pmsl.check(CASES / file)
    assert [f.code for f in found if f.code not in ("overhang", "thin-wall")] == codes
    assert all(f.layers and f.box_um and f.value is not None and f.limit is not None and f.unit for f in found)
