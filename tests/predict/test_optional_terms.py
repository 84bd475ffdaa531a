"""Optional terms of resins in doses, predictions, checks and bands, against closed forms."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from msgspec.structs import replace
from predictions import DP, EC, H, printer, process, resin, tunnel, value

import pmsl
from pmsl.core.mask import Window
from pmsl.cure import CureModel
from pmsl.cure.uncertainty import depth_bands
from pmsl.errors import ExposureError
from pmsl.predict.light.event_model import Layered
from pmsl.predict.model_facts import optional_text

LIGHT = 20.0
RECIPROCAL = {"reciprocity": 0.8, "reciprocity_mw_cm2": 2.0}
BLEACHED = {"bleach_share": 0.7, "bleach_cm2_mj": 0.02}


def lit(irradiance=LIGHT, sigma_px=0.36):
    made = printer(sigma_px)
    setting = replace(made.optics.settings[0], irradiance_mw_cm2=value(irradiance))
    return replace(made, optics=replace(made.optics, settings=[setting]))


def prepared(material, cd_um=20.0, **more):
    how = process(cd_um - H if cd_um is not None else None, **more)
    return pmsl.prepare([tunnel(60.0)], lit(), material, how)


def test_doses_are_planned_for_what_counts():
    """Ten times the irradiance asks for 10^0.2 times the dose."""
    plain, made = prepared(resin()), prepared(resin(**RECIPROCAL))
    (before,), (after,) = plain[3].exposures, made[3].exposures
    assert after.dose_mj_cm2 == pytest.approx(before.dose_mj_cm2 * 10**0.2, rel=1e-12) and after.time_s == pytest.approx(
        after.dose_mj_cm2 / LIGHT
    )
    model = CureModel.of(resin(**RECIPROCAL))
    at_plane = float(model.effective_mj_cm2(np.float64(after.dose_mj_cm2), after.time_s))
    assert at_plane * math.exp(-H / DP) == pytest.approx(EC * math.exp((20.0 - H) / DP), rel=1e-12)


@pytest.mark.parametrize("cd_um", [20.0, None])
def test_doses_of_what_bleaches_leave_what_they_should(cd_um):
    """By the far-face rule, which is 1.5 Ec there or Ec a margin further down."""
    (made,) = prepared(resin(**BLEACHED), cd_um)[3].exposures
    model = CureModel.of(resin(**BLEACHED))
    below, wanted = (H, 1.5 * EC) if cd_um is None else (cd_um, EC)
    assert float(model.bleaching.below(made.dose_mj_cm2, below, DP)) == pytest.approx(wanted, rel=1e-8)
    (plain,) = prepared(resin(), cd_um)[3].exposures
    assert made.dose_mj_cm2 < plain.dose_mj_cm2


def roof_um(found):
    return found.z_error_um["down"]["median"]


@pytest.mark.parametrize("more", [RECIPROCAL, BLEACHED], ids=["reciprocity", "bleaching"])
def test_roofs_of_a_thick_block_land_where_the_stack_ends(more):
    """Of six layers over a channel; white at one irradiance falls as without reciprocity, through the bleached faster less."""
    material = resin(**more)
    job = prepared(material)
    found = pmsl.simulate(job)
    dose = job[25].exposures[0].dose_mj_cm2
    model = CureModel.of(material)
    if model.bleaching is None:
        counts = float(model.effective_mj_cm2(np.float64(dose), dose / LIGHT))
        total = counts * sum(math.exp(-H * i / DP) for i in range(6))
        depth = DP * math.log(total / EC)
    else:
        total = 0.0
        for _ in range(6):
            total = dose + float(model.bleaching.below(total, H, DP))
        depth = float(model.bleaching.depth_um(total, EC, DP))
    assert roof_um(found) == pytest.approx(-(depth - H), abs=0.05)
    assert set(more) <= set(found.model) and "flush_share" not in found.model
    assert optional_text(found.model) == "".join(f", {name} {value:g}" for name, value in more.items())


def wall_of_the_last_layer(material):
    """Where the wall at x = 100 µm of the last layer is printed, whose solid lies at larger x [µm]; and its white exposure."""
    job = prepared(material)
    top = job.n_layers - 1
    layer = Layered(job, CureModel.of(material), Window(0, 0, *job.grid.shape)).add(job[top])
    (edge,) = layer.edges(np.array([[24.0, 10.0]]), np.array([[0.0, -0.1]]))
    return edge, job[top].exposures[0]


def test_walls_where_reciprocity_fails_lie_where_light_to_the_p_is_the_threshold():
    """A wall of the last layer, lit by itself: Φ(-x / σ)^p is the threshold over white."""
    edge, white = wall_of_the_last_layer(resin(**RECIPROCAL))
    counts = CureModel.of(resin(**RECIPROCAL)).effective_mj_cm2(white.dose_mj_cm2, white.time_s)
    share = (EC / (counts * math.exp(-0.5 * H / DP))) ** (1 / 0.8)
    wanted = -NormalDist().inv_cdf(share) * 0.36 * 10.0
    assert edge == pytest.approx(wanted, abs=0.05) and abs(wanted) > 0.3


def test_walls_where_light_scatters_are_blurred_in_their_own_layer_too():
    """Half-way up the last layer: Φ(-x / σ) with the variance that half its height adds."""
    edge, white = wall_of_the_last_layer(resin(scatter_um=1.0))
    share = EC / (white.dose_mj_cm2 * math.exp(-0.5 * H / DP))
    wanted = -NormalDist().inv_cdf(share) * math.sqrt(3.6**2 + 1.0 * H / 2)
    assert edge == pytest.approx(wanted, abs=0.05) and abs(wanted) > 0.3


@pytest.mark.parametrize("more", [RECIPROCAL, BLEACHED], ids=["reciprocity", "bleaching"])
def test_bands_say_what_one_exposure_and_a_roof_cure(more):
    material = resin(**more)
    job = prepared(material)
    dose = job[3].exposures[0].dose_mj_cm2
    found = depth_bands(material, dose, H, LIGHT)
    assert found.cured_depth_um.value == pytest.approx(20.0, abs=1e-6) and found.cured_depth_um.sd > 0
    assert found.print_through_um.value > 10.0


@pytest.mark.parametrize("more", [RECIPROCAL, BLEACHED], ids=["reciprocity", "bleaching"])
def test_corrections_refuse_them_by_name(more):
    with pytest.raises(ExposureError, match=rf"{next(iter(more))} = 0\.[78]: corrections"):
        prepared(resin(memory="enclosed", **more), corrections=("edges",))


def test_lifting_grays_refuses_reciprocity_by_name():
    with pytest.raises(ExposureError, match="unreachable is 'lift' and the resin's reciprocity 0.8"):
        prepared(resin(**RECIPROCAL), unreachable="lift")


@pytest.mark.parametrize("more", [RECIPROCAL, BLEACHED], ids=["reciprocity", "bleaching"])
def test_checks_go_through(more):
    assert not [f for f in pmsl.check(prepared(resin(**more))) if f.severity == "error"]


def test_a_channel_flushes_below_the_share_that_the_resin_states():
    """What is left of its height is lower by Dp times the logarithm of the share."""
    states = {}
    for share in (None, 0.2, 0.5, 0.8):
        material = resin(**({} if share is None else {"flush_share": share}))
        job = pmsl.prepare([tunnel(60.0, height_um=150.0)], lit(), material, process(10.0))
        found = pmsl.simulate(job)
        states[share] = found.openings[0]["state"], found.openings[0]["flushable_um"]["height"], found.as_dict()["openings"]
    assert states[None] == states[0.5]
    for one, other in ((0.2, 0.5), (0.5, 0.8)):
        assert states[other][1] - states[one][1] == pytest.approx(DP * math.log(other / one), abs=0.3)


def test_a_channel_that_is_filled_is_blocked_at_any_layer_height():
    """A floor on a slab plane whose height is no short number: what rounding leaves of the void is no height."""
    layer = 0.5 * 11.19
    solid = tunnel(14 * layer, height_um=2 * layer, floor_um=2 * layer)
    job = pmsl.prepare([solid], lit(), resin(11.19), process(None, layer))
    (found,) = pmsl.simulate(job).openings
    assert found["blocked"] and found["printed_um"]["height"] == 0.0 and found["flushable_um"]["height"] == 0.0


def test_what_the_resin_states_is_said_of_a_channel_that_does_not_flush():
    """Also by `pmsl check --predict`, which without a stated share says only what is cured shut."""
    from pmsl.predict.check_findings import predicted_findings

    for share, words in ((None, "above half of Ec"), (0.1, "above 0.1 of Ec")):
        material = resin(**({} if share is None else {"flush_share": share}))
        job = pmsl.prepare([tunnel(60.0, height_um=75.0)], lit(), material, process(10.0))
        (said,) = (f for f in pmsl.simulate(job).findings if f.code == "clogged-channel")
        assert words in said.message
        assert [f.code for f in predicted_findings(job, 1)].count("clogged-channel") == (share is not None)
