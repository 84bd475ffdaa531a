"""Corrections for resins with several decays, a constant tail and induction, judged by `pmsl.simulate`, which shares no code with them."""

import dataclasses

import manifold3d
import numpy as np
import pytest
from msgspec.structs import replace
from predictions import PX, printer, process, resin

import pmsl
from pmsl.correct.solver.accumulated_dose import DecaySums, InductionLayers, above_of, front_um
from pmsl.correct.solver.attenuation import Law
from pmsl.profiles.resin import ExtraDecay

LONG = (ExtraDecay(share=0.2, length_um=60.0),)


def tunnel(roof=127.3, height=42.0, top=240.0):
    """A block whose channel has its roof inside a slab; no wall lies on a border of pixels."""
    block = manifold3d.Manifold.cube([340.3, 330.7, top]).translate([100.4, 70.9, 0])
    mesh = (block - manifold3d.Manifold.cube([600, 150.3, height]).translate([-50, 163.2, roof - height])).to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)


def corrected(material, **how):
    settings = replace(process(0.0, corrections=("edges", "printthrough"), **how), margin_um=None, bottom_dose_factors=(3.0, 1.5))
    return pmsl.prepare([tunnel()], printer(), material, settings, accept_uncalibrated=True)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"extra_decays": LONG}, marks=pytest.mark.slow),
        {"extra_decays": LONG, "tail": 0.005},
        pytest.param({"extra_decays": LONG, "induction_mj_cm2": 2.0}, marks=pytest.mark.slow),
        {"extra_decays": LONG, "memory": "open"},
        pytest.param({"induction_mj_cm2": 2.0, "memory": "open"}, marks=pytest.mark.slow),
    ],
    ids="-".join,
)
def test_walls_and_roofs_land(more):
    """Acceptance: walls within 0.02 and 0.06 px, faces within 0.1 and 2 µm (median, 95 %)."""
    job = corrected(resin(20.0, **{"memory": "enclosed"} | more))
    found = pmsl.simulate(job)
    walls, down = found.epe_um, found.z_error_um["down"]
    assert walls["probes"] > 3000 and walls["lost"] == walls["merged"] == 0
    assert walls["median_abs"] <= 0.02 * PX and walls["p95_abs"] <= 0.06 * PX
    assert down["median_abs"] <= 0.1 and down["p95_abs"] <= 2.0 and down["merged_um2"] == down["lost_um2"] == 0
    assert [(o["blocked"], o["flush_blocked"]) for o in found.openings] == [(False, False)] and not found.lost
    (told,) = (f for f in job[12].findings if f.code == "face-error")
    assert any(f"{zero} µm with {more.get('memory', 'enclosed')}" in told.message for zero in ("+0.0", "-0.0"))


@pytest.mark.parametrize(
    ("more", "case"),
    [
        pytest.param({"extra_decays": LONG}, "dp_low", marks=pytest.mark.slow),
        ({"induction_mj_cm2": 2.0}, "dp_high"),
        ({"tail": 0.01}, "open"),
    ],
)
def test_the_band_told_is_what_prints_in_such_a_resin(more, case):
    given = {"memory": "enclosed"} | more
    job = corrected(resin(20.0, **given))
    other = resin({"dp_low": 18.0, "dp_high": 22.0}.get(case, 20.0), **given | ({"memory": "open"} if case == "open" else {}))
    predicted = pmsl.simulate(dataclasses.replace(job, resin=other)).z_error_um["down"]["median"]
    told = np.median(job.plan_layer.stages.corrector.prediction(12).face_errors_um[case])
    assert abs(told) > 2.0 and told == pytest.approx(predicted, abs=0.3)


def law(**more):
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=PX, shape=(4, 4), z_edges_um=10.0 * np.arange(41))
    return Law.of(resin(20.0, memory="enclosed", **more), grid, np.full(40, 30.0), True)


def test_the_halo_follows_the_longest_decay_and_a_tail_has_none():
    assert law().halo()[0] == 18 and law(extra_decays=(ExtraDecay(share=0.1, length_um=30.0),)).halo()[0] == 27
    assert law(tail=0.01).halo() == (39, 0.0)
    assert law(tail=0.5).reach_um(0) == np.inf and law(tail=0.01).reach_um(39) < np.inf


def test_what_a_layer_reaches_is_where_all_its_light_falls_to_the_threshold():
    for given in (law(), law(extra_decays=LONG), law(extra_decays=LONG, tail=0.004), law(induction_mj_cm2=2.0)):
        assert given.most_at(20, given.reach_um(20)) == pytest.approx(given.threshold_mj_cm2, rel=1e-6)


def test_light_from_above_is_the_sum_over_layers():
    """By recursion, and event by event, against the plain double sum; the front is where it falls to the threshold."""
    rng = np.random.default_rng(3)
    own = rng.uniform(0, 40, (12, 5))
    for given, kind in ((law(extra_decays=LONG, tail=0.01), DecaySums), (law(extra_decays=LONG, induction_mj_cm2=3.0), InductionLayers)):
        above = above_of(given, 5)
        assert type(above) is kind
        for layer in own:
            above.fall(10.0)
            above.add(layer)
        seen, depth = np.array(above.maps()), np.linspace(0.0, 9.0, 5)
        far = 10.0 * np.arange(11, -1, -1)[:, None] + depth
        wanted = np.maximum(own * given.left_at(far) - given.induction_mj_cm2, 0).sum(axis=0)
        assert above.dose(seen, depth) == pytest.approx(wanted, rel=1e-12)
        front = front_um(above, seen, depth, given.threshold_mj_cm2, np.full(5, 500.0))
        assert above.dose(seen, depth + front) == pytest.approx(np.full(5, given.threshold_mj_cm2), rel=1e-9)
        assert front_um(above, 0 * seen, depth, 1.0, np.full(5, 500.0)).max() == -np.inf
