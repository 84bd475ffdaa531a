"""Light of all layers above: recursions against the direct double sum, closed forms of roofs, tails and induction, small stacks by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from tiers import examples

from pmsl.cure import (
    CureModel,
    Decay,
    EventSum,
    ExposedLayer,
    Recursion,
    accumulation,
    accumulation_factor,
    cured_layers,
    dose_spread,
    effective_dose_mj_cm2,
    fewest_relief_layers,
    layers_to_close,
    print_through_um,
    relief_factor,
    scaled_dose_mj_cm2,
)
from pmsl.cure.scatter import Scatter, taps
from pmsl.errors import ExposureError

ROOFS = {  # (Dp, h, Cd) → print-through of roofs of N layers [µm]
    (40, 10, 20): (10.000, 33.038, 44.774, 56.845, 66.922, 70.077, 70.348),
    (100, 50, 75): (25.000, 72.408, 93.027, 109.710, 117.599, 118.271, 118.275),
    (9.5, 10, 20): (10.000, 12.844, 13.665, 14.029, 14.078, 14.078, 14.078),
    (11.19, 10, 20): (10.000, 13.838, 15.094, 15.759, 15.887, 15.888, 15.888),
}
N_ROOF = (1, 2, 3, 5, 10, 20, math.inf)


def pure(dp=40.0, ec=1.0, **more):
    return CureModel(Decay.single(dp), ec, **more)


def run(sum_, heights, doses):
    """Feed layers from the top; `doses` and `heights` are from the plate up. Returns the layers from the plate up."""
    found = [sum_.add(j, heights[j], *doses[j]) for j in reversed(range(len(heights)))]
    return found[::-1]


def direct(model, heights, doses, j, depth_um):
    """Σ over layers at and above j, event by event, with no recursion and no cut."""
    tops = np.cumsum(heights)
    groups = []
    for m in range(j, len(heights)):
        way = tops[m] - tops[j] + depth_um
        left = sum(a * math.exp(-way / b) for a, b in zip(model.decay.weights, model.decay.lengths_um, strict=True))
        groups.append(sum((np.maximum(e * left - model.induction_mj_cm2, 0) for e in doses[m]), np.zeros((2, 3))))
    return np.max(groups, axis=0) if model.memory == "open" else np.sum(groups, axis=0)


def close(a, b):
    return np.allclose(a, b, rtol=1e-12, atol=1e-14)


heights_um = st.lists(st.floats(0.5, 60), min_size=1, max_size=7)
decays = st.sampled_from(
    [
        Decay.single(40.0),
        Decay.single(9.5),
        Decay((0.983, 0.017), (9.5, math.inf)),
        Decay((0.6, 0.3, 0.1), (8.0, 60.0, math.inf)),
        Decay((0.5, 0.5), (11.19, 75.0)),
    ]
)


@st.composite
def stacks(draw):
    heights = draw(heights_um)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    events = draw(st.integers(0, 3))
    return heights, [[rng.uniform(0, 4, (2, 3)) * rng.integers(0, 2, (2, 3)) for _ in range(events)] for _ in heights]


@settings(max_examples=examples(15), deadline=None)
@given(decays, stacks(), st.sampled_from(["enclosed", "open"]), st.sampled_from([0.0, 0.25, 0.9]))
def test_what_adds_layers_up_equals_the_direct_sum(decay, stack, memory, induction):
    heights, doses = stack
    model = CureModel(decay, 1.0, induction_mj_cm2=induction, memory=memory)
    sums = [EventSum(model, (2, 3), cut_um=1e9)]
    if induction == 0 and (memory == "enclosed" or len(decay.weights) == 1):
        sums.append(Recursion(model, (2, 3)))
    for sum_ in sums:
        for j, layer in enumerate(run(sum_, heights, doses)):
            assert close(layer.dose_mj_cm2, direct(model, heights, doses, j, 0.0))
            for part in (0.3, 1.0):
                assert close(layer.dose_at_mj_cm2(part * heights[j]), direct(model, heights, doses, j, part * heights[j]))


@settings(max_examples=examples(15), deadline=None)
@given(decays, stacks(), st.sampled_from(["enclosed", "open"]), st.sampled_from([0.0, 0.25]))
def test_the_cured_thickness_is_where_the_dose_is_the_threshold(decay, stack, memory, induction):
    heights, doses = stack
    model = CureModel(decay, 1.0, induction_mj_cm2=induction, memory=memory)
    for j, layer in enumerate(run(accumulation(model, (2, 3)), heights, doses)):
        assert ((layer.cured_um >= 0) & (layer.cured_um <= heights[j])).all()
        for at in np.ndindex(2, 3):
            cured = layer.cured_um[at]
            here = layer.dose_at_mj_cm2(cured)[at]
            if cured == 0:
                assert here <= model.threshold_mj_cm2
            elif cured == heights[j]:
                assert here >= model.threshold_mj_cm2 * (1 - 1e-9)
            else:
                assert here == pytest.approx(model.threshold_mj_cm2, rel=1e-8)


def test_newton_takes_few_steps_and_agrees_with_the_logarithm(monkeypatch):
    from pmsl.cure import recursion

    steps = []

    def counting(step_um, n, height_um):
        def counted(depth):
            steps.append(1)
            return step_um(depth)

        return descend(counted, n, height_um)

    descend = recursion.descend
    monkeypatch.setattr(recursion, "descend", counting)
    dose = np.linspace(1.0, 1.6, 200).reshape(10, 20)
    twice = CureModel(Decay((0.5, 0.5), (40.0, 40.0)), 1.0)
    found = Recursion(twice, (10, 20)).add(0, 20.0, dose).cured_um
    assert np.allclose(found, np.clip(40 * np.log(dose), 0, 20), atol=1e-10)
    Recursion(CureModel(Decay((0.9, 0.1), (9.5, math.inf)), 1.0), (10, 20)).add(0, 20.0, 4 * dose)
    assert len(steps) <= 2 + 6  # one step where the terms are equal, four and the last that moves nothing where they differ


def test_bulk_dose():
    for ratio, factor in ((0.1, 10.5083), (0.25, 4.5208), (0.5, 2.5415), (1, 1.5820), (2, 1.1565)):
        assert accumulation_factor(ratio * 40, 40) == pytest.approx(factor, abs=1e-4)
        n = math.ceil(40 / ratio)
        bottom = run(Recursion(pure(), (1, 1)), [ratio * 40] * n, [[np.ones((1, 1))]] * n)[0]
        assert bottom.dose_mj_cm2.item() == pytest.approx(accumulation_factor(ratio * 40, 40), rel=1e-12)
        spread = bottom.dose_mj_cm2.item() / bottom.dose_at_mj_cm2(ratio * 40).item()
        assert spread == pytest.approx(dose_spread(ratio * 40, 40), rel=1e-12) == pytest.approx(math.exp(ratio), rel=1e-12)
    assert accumulation_factor(10, 40) * math.exp(0.5) == pytest.approx(7.4536, abs=1e-4)


@pytest.mark.parametrize("case", ROOFS)
@pytest.mark.parametrize("kind", [Recursion, EventSum])
def test_roofs_print_through_as_the_closed_form_says(case, kind):
    dp, h, cd = case
    dose = np.full((1, 1), math.exp(cd / dp))
    for n, expected in zip(N_ROOF, ROOFS[case], strict=True):
        assert print_through_um(n, h, dp, cd) == pytest.approx(expected, abs=1e-3)
        many = n if math.isfinite(n) else math.ceil(30 * dp / h)
        void = math.ceil(expected / h) + 2
        sum_ = kind(pure(dp), (1, 1), **({"cut_um": 40 * dp} if kind is EventSum else {}))
        layers = run(sum_, [h] * (void + many), [[]] * void + [[dose]] * many)
        assert sum(layer.cured_um.item() for layer in layers[:void]) == pytest.approx(expected, abs=0.01)
        assert all(layer.cured_um.item() == h for layer in layers[void:])


def test_print_through_in_decay_lengths_covers_published_channel_heights():
    """Smallest channels of 3.5 to 5.5 decay lengths are reported for h / h_a from 0.3 to 1 (Gong 2015)."""
    found = []
    for ratio, back_face in ((0.3, (8.6, 63)), (1.0, (21, 155))):
        found += [print_through_um(math.inf, ratio, 1.0, math.log(r) + ratio) for r in back_face]
    assert found == pytest.approx([3.5, 5.5, 3.5, 5.5], abs=0.01)


def channel_below(n, decay, kind=Recursion, ec=1.0, dose=5.0, void=60, **more):
    """Cured depth below a roof of n layers of 5 Ec."""
    model = CureModel(decay, ec, **more)
    layers = run(kind(model, (1, 1)), [10.0] * (void + n), [[]] * void + [[np.full((1, 1), dose * ec)]] * n)
    return sum(layer.cured_um.item() for layer in layers[:void])


def test_a_tail_closes_any_channel():
    tailed = Decay((0.983, 0.017), (9.5, math.inf))
    assert layers_to_close(0.017, 5.0, 1.0) == pytest.approx(11.76, abs=0.01)
    assert layers_to_close(0.0, 5.0, 1.0) == math.inf
    assert channel_below(11, tailed) == pytest.approx(35.17, abs=0.01)
    assert channel_below(12, tailed) == 600.0
    assert channel_below(11, Decay.single(9.5)) == pytest.approx(9.37, abs=0.01)
    assert channel_below(12, tailed, memory="open", kind=EventSum) < 20  # no single layer's tail reaches Ec


@pytest.mark.parametrize(
    ("dp", "cd", "factors"),
    [(40, 20, {8: 0.0427, 10: 0.0982, 12: 0.1289, 15: 0.1523}), (11.19, 20, {2: 0.0893, 3: 0.1860, 4: 0.2199})],
)
def test_relieved_roofs_end_at_their_designed_face(dp, cd, factors):
    dose = math.exp(cd / dp)
    fewest = min(factors)
    assert fewest_relief_layers(10, dp, dose) == fewest
    with pytest.raises(ExposureError, match=f"takes {fewest} at least"):
        relief_factor(fewest - 1, 10, dp, dose)
    for n, expected in factors.items():
        factor = relief_factor(n, 10, dp, dose)
        assert factor == pytest.approx(expected, abs=1e-4)
        lit = [[np.full((1, 1), factor * dose)]] * n + [[np.full((1, 1), dose)]] * 150
        layers = run(Recursion(pure(dp), (1, 1)), [10.0] * (5 + len(lit)), [[]] * 5 + lit)
        assert sum(layer.cured_um.item() for layer in layers[:5]) == pytest.approx(0, abs=0.01)
        assert min(layer.cured_um.item() for layer in layers[5:]) == pytest.approx(10, abs=0.01)


def test_one_event_in_one_layer_does_not_see_the_induction_dose():
    dose = np.linspace(0.5, 4, 30).reshape(5, 6)
    for induction in (0.1, 0.5, 0.999):
        found = EventSum(pure(induction_mj_cm2=induction), (5, 6)).add(0, 30.0, dose)
        assert np.allclose(found.cured_um, np.clip(40 * np.log(dose), 0, 30), atol=1e-9)


def test_each_event_pays_the_induction_dose():
    assert effective_dose_mj_cm2([5, 5], 1) / effective_dose_mj_cm2([10], 1) == pytest.approx(0.8889, abs=1e-4)
    assert effective_dose_mj_cm2([5, 5], 2) / effective_dose_mj_cm2([10], 2) == pytest.approx(0.75)
    half, whole = np.full((1, 1), 5.0), np.full((1, 1), 10.0)
    model = pure(ec=6.0, induction_mj_cm2=1.0)
    split = EventSum(model, (1, 1)).add(0, 10.0, half, half).dose_mj_cm2.item()
    assert split / EventSum(model, (1, 1)).add(0, 10.0, whole).dose_mj_cm2.item() == pytest.approx(0.8889, abs=1e-4)
    assert scaled_dose_mj_cm2(450, 0.6, 50) == 290 and scaled_dose_mj_cm2(450, 0, 50) == 50
    assert effective_dose_mj_cm2([scaled_dose_mj_cm2(450, 0, 50)], 50) == 0


HALF = pure(10 / math.log(2), ec=4.0)  # a layer of 10 µm takes half of the light
ONE = np.ones((1, 1))


def test_a_stack_by_hand_with_enclosed_and_open_memory():
    """Doses from the plate up 0, 4, 6; Ec 4; each layer takes half."""
    doses = [[], [4 * ONE], [3 * ONE, 3 * ONE]]
    layers = run(Recursion(HALF, (1, 1)), [10.0] * 3, doses)
    assert [v.dose_mj_cm2.item() for v in layers] == pytest.approx([3.5, 7, 6])
    assert [v.cured_um.item() for v in layers] == pytest.approx([0, 10 * math.log2(7 / 4), 10 * math.log2(6 / 4)])
    opened = CureModel(HALF.decay, 4.0, memory="open")
    for sum_ in (Recursion(opened, (1, 1)), EventSum(opened, (1, 1))):
        layers = run(sum_, [10.0] * 3, doses)
        assert [v.dose_mj_cm2.item() for v in layers] == pytest.approx([2, 4, 6])  # max(2, 6/4), max(4, 6/2), 3 + 3 with no recoat between
        assert [v.cured_um.item() for v in layers] == pytest.approx([0, 0, 10 * math.log2(6 / 4)])


def test_a_roof_over_open_liquid_prints_through_by_one_layer_only():
    """Enclosed liquid adds up all layers; recoated liquid is cured by the lowest layer of the roof alone: Cd - h."""
    assert channel_below(20, Decay.single(40.0), dose=math.exp(0.5)) == pytest.approx(70.077, abs=1e-3)
    for kind in (Recursion, EventSum):
        assert channel_below(20, Decay.single(40.0), kind, dose=math.exp(0.5), memory="open") == pytest.approx(10.0, abs=1e-9)


def test_induction_by_hand_with_both_memories():
    """Doses from the plate up 0, 5, 8; E_ind 1, Ec 4: solid from 3 on; each layer takes half."""
    doses = [[], [5 * ONE], [8 * ONE]]
    layers = run(EventSum(CureModel(HALF.decay, 4.0, induction_mj_cm2=1.0), (1, 1)), [10.0] * 3, doses)
    assert [v.dose_mj_cm2.item() for v in layers] == pytest.approx([1.5 + 1.0, 4 + 3, 7])
    # 9 · 2^-u - 2 = 3 inside layer 1; 8 · 2^-u - 1 = 3 at the end of layer 2
    assert [v.cured_um.item() for v in layers] == pytest.approx([0, 10 * math.log2(9 / 5), 10])
    layers = run(EventSum(CureModel(HALF.decay, 4.0, induction_mj_cm2=1.0, memory="open"), (1, 1)), [10.0] * 3, doses)
    assert [v.dose_mj_cm2.item() for v in layers] == pytest.approx([1.5, 4, 7])
    assert [v.cured_um.item() for v in layers] == pytest.approx([0, 10 * math.log2(5 / 4), 10])


def test_the_cut_costs_no_more_than_it_says():
    rng = np.random.default_rng(5)
    doses = [[rng.uniform(0, 3, (2, 3))] for _ in range(24)]
    for decay in (Decay.single(40.0), Decay((0.6, 0.3, 0.1), (8.0, 60.0, math.inf))):
        for induction in (0.0, 0.02, 0.2):
            for memory in ("enclosed", "open"):
                model = CureModel(decay, 1.0, induction_mj_cm2=induction, memory=memory)
                cut, whole = EventSum(model, (2, 3), cut_um=100.0), EventSum(model, (2, 3), cut_um=1e9)
                for j in reversed(range(24)):
                    a, b = cut.add(j, 10.0, *doses[j]), whole.add(j, 10.0, *doses[j])
                    missing = b.dose_mj_cm2 - a.dose_mj_cm2
                    assert missing.min() >= -1e-12 and missing.max() <= cut.omitted_mj_cm2 + 1e-12
                    assert cut.n_events <= 11 and whole.omitted_mj_cm2 == 0


def test_with_induction_the_sum_ends_by_itself():
    sum_ = EventSum(pure(induction_mj_cm2=0.5), (1, 1))
    for j in reversed(range(100)):
        sum_.add(j, 10.0, 2 * ONE)
    assert sum_.n_events == math.ceil(40 * math.log(4) / 10) and sum_.omitted_mj_cm2 == 0


def test_variance_of_scatter_adds_up_layer_by_layer():
    for variance in (0.0, 0.003, 0.04, 1.0, 30.0):
        half = taps(variance)
        n = np.arange(len(half))
        assert half[0] + 2 * half[1:].sum() == pytest.approx(1, abs=1e-14)
        assert 2 * (half * n * n).sum() == pytest.approx(variance, rel=1e-9, abs=1e-12)
    point = np.zeros((41, 51))
    point[20, 25] = 1
    spread, once = point, Scatter(0.5, (5.0, 10.0))(point, 70.0)
    for _ in range(7):
        spread = Scatter(0.5, (5.0, 10.0))(spread, 10.0)
    assert np.allclose(spread, once, atol=1e-14)
    x, y = np.arange(51) - 25, np.arange(41) - 20
    assert [(once.sum(0) * x * x).sum() * 25, (once.sum(1) * y * y).sum() * 100] == pytest.approx([35, 35], rel=1e-9)


def test_scatter_in_a_stack_equals_the_direct_sum_of_blurred_layers():
    rng = np.random.default_rng(1)
    heights = [10.0, 4.0, 15.0, 7.0]
    doses = [np.pad(rng.uniform(0, 2, (5, 6)), 30) for _ in heights]
    pitch = (4.0, 6.0)
    for decay in (Decay.single(40.0), Decay((0.9, 0.1), (20.0, 90.0))):
        model = CureModel(decay, 1.0, scatter_um=0.8)
        for sum_ in (Recursion(model, doses[0].shape, pitch), EventSum(model, doses[0].shape, pitch)):
            for j, layer in enumerate(run(sum_, heights, [[d] for d in doses])):
                ways = [sum(heights[j + 1 : m + 1]) for m in range(j, 4)]
                expected = sum(Scatter(0.8, pitch)(d, way) * decay.fraction(way) for d, way in zip(doses[j:], ways, strict=True))
                assert np.allclose(layer.dose_mj_cm2, expected, rtol=1e-10, atol=1e-13)


def test_light_that_leaves_the_field_is_lost_and_none_comes_back():
    blurred = Scatter(1.0, (1.0, 1.0))(np.ones((3, 200)), 4.0)
    assert blurred[1, 0] < 0.7 and blurred.max() < 1 and blurred[:, 0] == pytest.approx(blurred[:, -1])


def test_a_stack_is_fed_and_answered_layer_by_layer():
    fed = []

    def layers():
        for j in (2, 1, 0):
            fed.append(j)
            yield ExposedLayer(j, 10.0, [np.full((1, 1), 6, np.float32)])

    answers = cured_layers(HALF, (1, 1), layers())
    assert next(answers).index == 2 and fed == [2]
    assert [(v.index, v.dose_mj_cm2.item()) for v in answers] == [(1, 9.0), (0, 10.5)]


def test_kept_layers_do_not_change_as_more_are_fed():
    given = 6 * ONE
    for model in (HALF, CureModel(HALF.decay, 4.0, induction_mj_cm2=1.0)):
        sum_ = accumulation(model, (1, 1))
        first = sum_.add(1, 10.0, given)
        before = first.dose_mj_cm2.item(), first.dose_at_mj_cm2(5.0).item(), first.cured_um.item()
        given[...] = 100
        sum_.add(0, 10.0, given)
        assert before == (first.dose_mj_cm2.item(), first.dose_at_mj_cm2(5.0).item(), first.cured_um.item())
        given[...] = 6


NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Decay.single(0.0), "Dp is 0.0 µm"),
        (lambda: Decay.single(math.inf), "Dp is inf"),
        (lambda: Decay((1.0,), (-3.0,)), "length -3.0 µm"),
        (lambda: Decay((0.5, 0.4), (3.0, 4.0)), "add up to 0.9"),
        (lambda: Decay((1.2, -0.2), (3.0, 4.0)), "weight -0.2"),
        (lambda: Decay((1.0,), (3.0, 4.0)), "1 weights and 2 lengths"),
        (lambda: Decay((), ()), "0 weights"),
        (lambda: pure(ec=0.0), "Ec is 0.0 mJ/cm²"),
        (lambda: pure(ec=NAN), "Ec is nan"),
        (lambda: pure(induction_mj_cm2=1.0), "from 0 to below Ec = 1.0"),
        (lambda: pure(induction_mj_cm2=-0.1), "induction dose is -0.1"),
        (lambda: pure(scatter_um=-1.0), "scatter is -1.0"),
        (lambda: pure(memory="leaky"), "'leaky'; it is 'enclosed', 'open' or 'contact'"),
        (lambda: Recursion(pure(induction_mj_cm2=0.5), (1, 1)), "use EventSum"),
        (lambda: Recursion(pure(memory="open", scatter_um=1.0), (1, 1), (1.0, 1.0)), "use EventSum"),
        (lambda: Recursion(pure(scatter_um=1.0), (1, 1)), "needs the pixel pitch"),
        (lambda: EventSum(pure(), (1, 1), cut_um=-1.0), "cut is -1.0"),
        (lambda: EventSum(CureModel(Decay((0.9, 0.1), (9, math.inf)), 1, scatter_um=1), (1, 1), (1, 1)), "constant tail"),
        (lambda: accumulation_factor(0.0, 40), "thickness is 0.0"),
        (lambda: print_through_um(0, 10, 40, 20), "a roof of 0 layers"),
        (lambda: layers_to_close(1.5, 5, 1), "tail 1.5"),
        (lambda: fewest_relief_layers(10, 40, 0.0), "dose is 0.0 Ec"),
        (lambda: effective_dose_mj_cm2([1, -2], 0.5), "dose is -2"),
        (lambda: scaled_dose_mj_cm2(1.0, 0.5, 2.0), "not below the induction dose"),
    ],
)
def test_models_that_cannot_be_are_refused(make, message):
    with pytest.raises(ExposureError, match=message):
        make()


@pytest.mark.parametrize("induction", [0.0, 0.5])
@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ((5, 10.0, ONE), "layer 5 comes after layer 5.*expected layer 4"),
        ((3, 10.0, ONE), "layer 3 comes after layer 5.*expected layer 4"),
        ((6, 10.0, ONE), "layer 6 comes after layer 5"),
        ((4, 0.0, ONE), "thickness is 0.0 µm"),
        ((4, NAN, ONE), "thickness is nan"),
        ((4, 10.0, np.ones((1, 2))), r"shape \(1, 2\); expected numbers of shape \(1, 1\)"),
        ((4, 10.0, ONE[0]), r"shape \(1,\)"),
        ((4, 10.0, ONE.astype(complex)), "complex128"),
        ((4, 10.0, ONE, -2 * ONE), "dose is -2.0 mJ/cm² at row 0, column 0"),
        ((4, 10.0, NAN * ONE), "dose is nan"),
        ((4, 10.0, math.inf * ONE), "dose is inf"),
    ],
)
def test_layers_that_cannot_be_are_refused_and_nothing_is_taken(layer, message, induction):
    sum_ = accumulation(pure(induction_mj_cm2=induction), (1, 1))
    sum_.add(5, 10.0, ONE)
    with pytest.raises(ExposureError, match=message):
        sum_.add(*layer)
    sum_.add(4, 10.0, ONE)


def test_no_layer_lies_below_the_plate():
    sum_ = accumulation(pure(), (1, 1))
    sum_.add(0, 10.0, ONE)
    with pytest.raises(ExposureError, match="layer -1"):
        sum_.add(-1, 10.0, ONE)


def test_depths_outside_the_layer_are_refused():
    layer = accumulation(pure(), (1, 1)).add(0, 10.0, ONE)
    with pytest.raises(ExposureError, match="depth 10.5 µm is not inside its 10 µm"):
        layer.dose_at_mj_cm2(10.5)


@pytest.mark.parametrize(("layers", "sigmas"), [(1, -0.270), (2, 0.410), (5, 0.885), (60, 1.1069)])
def test_edges_under_few_layers_are_rounded(layers, sigmas):
    """A straight edge at the exposure plane lies where Φ(-x/σ) of the dose above is Ec; the top of a wall is narrower than its bulk."""
    model, white = pure(40.0), math.exp(20 / 40)
    found = run(Recursion(model, (1, 1)), [10.0] * layers, [[np.full((1, 1), white)]] * layers)
    assert ndtri(1 - 1 / float(found[0].dose_mj_cm2[0, 0])) == pytest.approx(sigmas, abs=5e-4)


def test_the_isofocal_dose_leaves_walls_where_they_are_in_the_middle_of_a_slab():
    """Full white of 2 Ec e^(h/2Dp) (1 - q) a layer: half of it, as at the edge of any blur, is Ec half way down a slab of the bulk."""
    dp, h = 40.0, 10.0
    white = 2 * math.exp(0.5 * h / dp) * (1 - math.exp(-h / dp))
    assert white == pytest.approx(0.5013, abs=5e-5)
    found = run(Recursion(pure(dp), (1, 1)), [h] * 200, [[np.full((1, 1), 0.5 * white)]] * 200)
    assert float(found[0].dose_at_mj_cm2(0.5 * h)[0, 0]) == pytest.approx(1.0, rel=1e-12)
