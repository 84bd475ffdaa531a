"""Where a region or a part has less dose, what is lost for it is put down to the dose, not to how thin it is."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids import box

import pmsl
from pmsl.predict.measure.weighted_quantiles import CentredHistogram

replace = msgspec.structs.replace
RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
BLOCK, SIDE = box((100, 100, 0), (300, 300, 100)), box((200, 50, -1), (350, 350, 120))


def small_printer():
    printer = pmsl.find_printer("pmsl-2um")
    dmd = replace(printer.dmd, shape=replace(printer.dmd.shape, value=(48, 48)))
    return replace(printer, dmd=dmd, optics=replace(printer.optics, pitch_um=replace(printer.optics.pitch_um, value=(10.0, 10.0))))


def simulated(*parts):
    found = pmsl.simulate(pmsl.prepare(list(parts), small_printer(), RESIN, PROCESS))
    return found, {f.code: f for f in found.findings}


def with_side(dose_scale):
    return pmsl.Part(solid=BLOCK, regions=(pmsl.Region(solid=SIDE, label="side", dose_scale=dose_scale),))


@pytest.mark.parametrize(("scale", "words"), [(0.0, "region side has no dose"), (0.3, "region side has 0.3 × the dose")])
def test_what_a_region_leaves_out_is_put_down_to_its_dose(scale, words):
    found, said = simulated(with_side(scale))
    for code in ("lost-feature", "walls-lost", "face-undercure"):
        assert f"{words}: raise its dose_scale" in said[code].message, code
    assert "at least" not in said["lost-feature"].message
    assert said["walls-lost"].value == found.epe_um["lost"] > said["walls-lost"].limit == 0.01 * found.epe_um["probes"]
    assert "face-overcure" not in said  # the faces that stand off stand too low, though the median does not


def test_a_part_of_its_own_dose_is_named():
    low = pmsl.Part(solid=box((100, 100, 0), (300, 300, 50)), label="low", dose_scale=0.1)
    high = pmsl.Part(solid=box((350, 100, 0), (450, 300, 50)), label="high")
    _, said = simulated(low, high)
    assert "part low has 0.1 × the dose: raise its dose_scale" in said["lost-feature"].message


def test_a_thin_pillar_beside_a_region_is_still_thin():
    plate, pillar = box((100, 100, 0), (400, 300, 40)), box((149, 199, 40), (151, 201, 200))
    beside = pmsl.Region(solid=box((250, 50, -1), (450, 350, 60)), label="side", dose_scale=0.3)
    found, _ = simulated(*(pmsl.Part(solid=solid, regions=(beside,)) for solid in (plate, pillar)))
    pillars = [f for f in found.findings if f.code == "lost-feature" and "pillar" in f.message]
    assert len(pillars) == 1 and "make it at least 20 µm" in pillars[0].message and "side" not in pillars[0].message


def test_sound_blocks_have_none_of_it():
    _, said = simulated(BLOCK)
    assert not {"lost-feature", "walls-lost", "face-undercure"} & set(said)


@given(st.lists(st.floats(-8, 8), max_size=40), st.floats(0.3, 5))
def test_lean_counts_values_beyond_a_limit_by_sign(values, limit):
    tally = CentredHistogram(0.25, 10.0)
    tally.add(np.array(values))
    rounded = np.round(np.array(values) / 0.25) * 0.25
    away = np.abs(np.abs(np.array(values)) - limit) > 0.25  # bins decide the others
    least = np.sum(np.sign(rounded[away]) * (np.abs(rounded[away]) > limit)) if len(values) else 0
    assert abs(tally.lean(limit) - least) <= np.sum(~away)
