"""Spaces below a window: shut, standing on feet, with vents; at any pitch, and turned."""

import checks_parts as parts
import numpy as np
import pytest
from box_csg import joined
from solids import box

CUP = [*parts.walls(), parts.plate()]


def test_a_cup_standing_on_the_plate_open_side_down():
    found = parts.findings(CUP, layer_um=50.0)
    assert [f.code for f in found] == ["suction-cup", "sealed-on-plate"]
    cup, sealed = found
    assert cup.layers == (0, 119)
    assert "25.000 mm²" in cup.message and "1.25 N at 50 kPa" in cup.message
    assert (cup.value, cup.unit, cup.severity) == (25.0, "mm²", "warning")
    low, high = np.array(cup.box_um)
    assert (high - low == (5000, 5000, 6000)).all()
    assert (sealed.severity, sealed.layers[1]) == ("info", 120)


def test_the_layers_of_its_ring_are_named_whatever_their_height():
    cup = parts.findings(
        [*parts.walls(z1=2000), parts.plate(z0=2000, z1=2500)], "suction-cup", layer_um=10.0, pitch_um=40.0, field=(250, 250)
    )[0]
    assert cup.layers == (0, 199)


def test_closed_on_both_ends_it_keeps_its_resin():
    closed = [parts.plate(z0=0, z1=1000), *parts.walls(z0=1000, z1=6000), parts.plate()]
    assert parts.codes(closed) == ["resin-trap", "suction-cup"]
    trap = parts.findings(closed, "resin-trap")[0]
    assert trap.value == pytest.approx(125e9, rel=0.05)  # roofs cure through
    assert trap.layers == (20, 120)


def test_an_open_tube_on_the_plate_is_one_and_on_feet_none():
    tube = parts.walls(z1=5000)
    assert parts.codes(tube) == ["suction-cup"]
    assert parts.codes([*parts.feet(), *parts.raised(tube, 500)]) == []
    assert parts.codes([*parts.feet(height=100), *parts.raised(tube, 100)]) == ["suction-cup"]


@pytest.mark.parametrize("release", ["free-surface", None])
def test_nothing_sucks_where_nothing_is_lifted_from_a_window(release):
    assert parts.codes(CUP, release=release) == ["sealed-on-plate"]


def test_a_film_sucks_as_a_window_does():
    assert "walls and film" in parts.findings(CUP, "suction-cup", release="film")[0].message


@pytest.mark.parametrize(
    ("diameter", "area"), [(8.0, 50.3), *(pytest.param(d, area, marks=pytest.mark.slow) for d, area in ((18.0, 254.5), (28.0, 615.8)))]
)
def test_bores_without_and_with_vents(diameter, area):
    r, raster = 500.0 * diameter, {"pitch_um": 20.0, "field": (int(50 * diameter + 150),) * 2}
    found = parts.findings(parts.tube(r, 1000.0, 0, 2000.0, 72), **raster)
    assert [f.code for f in found] == ["suction-cup"]
    assert found[0].value == pytest.approx(area, rel=0.01)
    assert parts.codes(parts.vented_tube(r, 1000.0, 2000.0, n=36), **raster) == []


@pytest.mark.parametrize(("vent", "count"), [(400.0, 0), (300.0, 1)])
def test_a_vent_counts_that_holds_the_square_of_half_a_millimetre(vent, count):
    assert parts.codes(parts.vented_tube(2000.0, 600.0, 1500.0, vent, 40), pitch_um=10.0, field=(560, 560)) == ["suction-cup"] * count


def test_a_vent_in_the_floor_counts():
    floor = [box((0, 0, 500), (7000, 3000, 1500)), box((0, 4000, 500), (7000, 7000, 1500))]
    sides = [box((0, 2900, 500), (3000, 4100, 1500)), box((4000, 2900, 500), (7000, 4100, 1500))]
    raised = [*parts.feet(), *floor, *sides, *parts.walls(z0=1500)]
    assert parts.codes(raised) == []
    assert parts.codes([*raised, box((2900, 2900, 500), (4100, 4100, 1500))]) == ["suction-cup"]


@pytest.mark.parametrize("pitch_um", [5.0, 10.0, 20.0])
def test_codes_and_counts_are_the_same_at_any_pitch(pitch_um):
    n = int(9000 / pitch_um)
    found = parts.findings(CUP, pitch_um=pitch_um, field=(n, n), layer_um=100.0)
    assert [f.code for f in found] == ["suction-cup", "sealed-on-plate"]
    assert found[0].value == pytest.approx(25.0, rel=0.01)


@pytest.mark.parametrize("angle", [17.0, 45.0, 90.0])
def test_codes_and_counts_are_the_same_turned(angle):
    found = parts.findings(CUP, pitch_um=20.0, field=(600, 600), rotate_deg=(0, 0, angle), layer_um=100.0)
    assert [f.code for f in found] == ["suction-cup", "sealed-on-plate"]
    assert found[0].value == pytest.approx(25.0, rel=0.01)


def test_small_and_low_spaces_do_not_suck():
    assert parts.codes(parts.walls(side=1000, wall=300, z1=1000), pitch_um=5.0) == []  # 0.16 mm²
    assert parts.codes(parts.walls(z1=400)) == []
    assert parts.codes(joined(*parts.walls(z1=600))) == ["suction-cup"]
