"""Liquid exchanged by contact: the passes against an oracle that shares nothing with them, against limits, and against published values."""

import functools
import math

import numpy as np
import pytest
from contact_oracle import Print
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from pmsl.cure import CureModel, Decay, EventSum, Recursion, cured_layers
from pmsl.cure.contact_pass import ContactPass
from pmsl.cure.contact_sum import ContactSum
from pmsl.cure.stack import ExposedLayer
from pmsl.errors import ExposureError

PITCH, SIGMA, DP, EC, H = 10.0, 0.36, 20.0, 10.0, 10.0
WHITE = 1.5 * EC * math.exp(0.5)
POINTS = 3


def raster(n, points=1):
    return (np.arange(points * n) + 0.5) / points


def seen(frame, points=1, sigma=SIGMA):
    """Exact light of a frame at points of every pixel."""
    down, across = (
        ndtr((np.arange(n) + 1 - raster(n, points)[:, None]) / sigma) - ndtr((np.arange(n) - raster(n, points)[:, None]) / sigma)
        for n in frame.shape
    )
    return down @ frame @ across.T


def model_of(renewal, reach=math.inf, **more):
    return CureModel(Decay.single(DP), EC, memory="contact", renewal=renewal, reach_um=reach, **more)


def printed(frames, model, white=WHITE, height=H, points=POINTS):
    """What every layer becomes, from the plate up."""
    n, rows, cols = frames.shape
    heights = np.full(n, height) if np.ndim(height) == 0 else np.asarray(height)
    run = ContactPass(model, (rows, cols), (PITCH, PITCH), heights)
    for frame in frames:
        run.add([(white * seen(frame), 1)])
    adding = ContactSum(model, (points * rows, points * cols), run.shares.left)
    return [adding.add(k, heights[k], white * seen(frames[k], points)) for k in range(n - 1, -1, -1)][::-1]


def block(n=14, shape=(14, 22), margin=3):
    frames = np.zeros((n, *shape))
    frames[:, margin:-margin, margin:-margin] = 1
    return frames


def channel(n, closed, off, roof=8, floor=4):
    """60 µm wide; its roof `off` into slab `roof`: a slab is lit where it is solid half-way up."""
    frames = np.zeros((n, 18, 16))
    frames[:, 2:16, 2:14] = 1
    ends = slice(4, 14) if closed else slice(0, 18)
    frames[floor : roof + (off > H / 2), ends, 5:11] = 0
    return frames


def roof_um(layers, row, col, low):
    """Where a column becomes solid: cured thickness hangs from the exposure plane of each layer, from `low` layers up."""
    for k in range(low, len(layers)):
        cured = layers[k].cured_um[row, col]
        if cured > 0:
            return (k + 1) * H - cured
    return math.inf


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(("off", "enclosed", "opened"), [
    (0.0, -26.6, -8.0), *(pytest.param(*case, marks=pytest.mark.slow) for case in [(2.5, -29.1, -10.5), (7.5, -24.0, -5.5)])
])  # fmt: skip
def test_roofs_of_plain_channels_land_where_an_independent_simulator_puts_them(closed, off, enclosed, opened):
    """The table of the model; the oracle meets it, and the passes meet the oracle."""
    frames = channel(26, closed, off)
    wanted = enclosed if closed else opened
    truth = Print(frames, np.full(26, WHITE), H, PITCH, SIGMA, DP, EC, 1.0, math.inf)
    right = truth.roof_um(np.array([9.0]), np.array([8.0]), 41, 110)[0, 0]
    assert right - 80 - off == pytest.approx(wanted, abs=0.3)
    middle = roof_um(printed(frames, model_of(1.0)), 3 * 9 - 2, 3 * 8 - 2, 4)
    assert middle == pytest.approx(right, abs=0.3)
    kept = roof_um(printed(frames, model_of(0.0)), 3 * 9 - 2, 3 * 8 - 2, 4)
    assert kept - 80 - off == pytest.approx(enclosed, abs=0.3)


@pytest.mark.parametrize(
    ("renewal", "reach", "wanted"), [(0.0, math.inf, 0.293), (1.0, math.inf, -0.017), (1.0, 200.0, -0.017), (1.0, 1e-6, -0.017)]
)
def test_outer_walls_of_a_plain_block(renewal, reach, wanted):
    """By the oracle, and by the passes: a wall is where the dose of points across it passes Ec."""
    frames = block()
    truth = Print(frames, np.full(14, WHITE), H, PITCH, SIGMA, DP, EC, renewal, reach)
    right = [truth.wall_px(7.0, 19.0, 1, z) for z in np.arange(5.0, 140.0, H)]
    assert np.median(right) == pytest.approx(wanted, abs=0.01)
    layers = printed(frames, model_of(renewal, reach), points=9)
    at = raster(22, 9)
    for k, wall in enumerate(right):
        logs = np.log(layers[k].dose_at_mj_cm2(5.0)[9 * 7, 9 * 15 :] / EC)
        i = int(np.flatnonzero(logs < 0)[0])
        found = at[9 * 15 + i - 1] + (at[1] - at[0]) * logs[i - 1] / (logs[i - 1] - logs[i])
        assert found - 19 == pytest.approx(wall, abs=0.01), k


def drawn(seed, n=9, shape=(9, 10)):
    """Rooms, walls and grays, dark around, a pixel wide."""
    rng = np.random.default_rng(seed)
    frames = np.zeros((n, *shape))
    base = rng.random(shape) < 0.75
    for k in range(n):
        r0, c0, r1, c1 = *rng.integers(1, 4, 2), *rng.integers(5, 9, 2)
        if rng.random() < 0.4:
            base[r0:r1, c0:c1] = rng.random() < 0.6
        frames[k] = base * np.where(rng.random(shape) < 0.1, rng.random(shape), 1.0)
    frames[:, [0, -1]] = frames[:, :, [0, -1]] = 0
    return frames


def off_um(frames, renewal, reach):
    """How far fronts of the passes lie from the oracle's along z, at points of every pixel (n,) [µm]."""
    n, rows, cols = frames.shape
    truth = Print(frames, np.full(n, WHITE), H, PITCH, SIGMA, DP, EC, renewal, reach, sub=1, slices=1)
    layers, out = printed(frames, model_of(renewal, reach)), []
    for k, layer in enumerate(layers):
        for depth in (1.3, 5.0, 8.7):
            got = layer.dose_at_mj_cm2(depth)
            right = truth.most(raster(rows, POINTS), raster(cols, POINTS), (k + 1) * H - depth)
            front = (np.minimum(got, right) < EC) & (np.maximum(got, right) > 0.6 * EC)
            out.append(DP * np.abs(np.log(got[front] / right[front])))
    return np.concatenate(out)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from([(1.0, math.inf), (0.6, math.inf), (1.0, 400.0), (0.7, 200.0)]))
def test_the_passes_meet_the_oracle(seed, rule):
    """Any rooms and walls of two pixels; cells of the oracle are pixels and slabs, too, for a gap that nearly closes is closed or not."""
    off = off_um(np.kron(np.floor(drawn(seed)), np.ones((1, 2, 2))), *rule)
    assert len(off) > 50 and np.percentile(off, 99) <= 0.05


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e4))
def test_without_renewal_the_solid_is_that_of_enclosed_liquid(seed, reach):
    frames = drawn(seed)
    layers = printed(frames, model_of(0.0, reach))
    n, rows, cols = frames.shape
    adding = Recursion(CureModel(Decay.single(DP), EC), (POINTS * rows, POINTS * cols))
    for k in range(n - 1, -1, -1):
        right = adding.add(k, H, WHITE * seen(frames[k], POINTS))
        assert np.abs(layers[k].cured_um - right.cured_um).max() <= 1e-12 * H
        assert layers[k].light.delivered_mj_cm2() == pytest.approx(right.dose_mj_cm2, rel=1e-12)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.booleans())
def test_with_all_renewed_and_nothing_sealed_it_is_that_of_open_liquid(seed, induction):
    """Nothing hangs over anything: every layer is lit where the one below is, or less; no gray leaves liquid below a skin of its own."""
    frames = np.floor(np.minimum.accumulate(drawn(seed), axis=0))
    spent = 2.0 if induction else 0.0
    layers = printed(frames, model_of(1.0, induction_mj_cm2=spent))
    n, rows, cols = frames.shape
    adding = EventSum(CureModel(Decay.single(DP), EC, spent, memory="open"), (POINTS * rows, POINTS * cols))
    for k in range(n - 1, -1, -1):
        right = adding.add(k, H, WHITE * seen(frames[k], POINTS))
        assert np.abs(layers[k].cured_um - right.cured_um).max() <= 1e-12 * H


def test_solid_keeps_adding_and_liquid_does_not():
    """A wide block, all renewed: the dose of what is solid is that of all exposures, of what is not the largest."""
    frames = block(6)
    layers = printed(frames, model_of(1.0))
    kept = printed(frames, model_of(0.0))
    inside, out = (20, 30), (20, 3 * 19 + 1)
    assert layers[0].light.delivered_mj_cm2()[inside] == pytest.approx(kept[0].dose_mj_cm2[inside], rel=1e-12)
    assert layers[0].dose_mj_cm2[out] == pytest.approx(kept[5].dose_mj_cm2[out], rel=1e-12) and layers[0].cured_um[out] == 0


def test_several_decays_and_repeated_events_follow_the_sum_by_hand():
    """One pixel far from any wall, sealed never: every step written out."""
    decay = Decay((0.7, 0.3), (15.0, 60.0))
    model = CureModel(decay, EC, 1.5, memory="contact", renewal=0.4, reach_um=math.inf)
    doses = [9.0, 7.0, 8.0, 6.0]
    share = {(j, k): 0.5 for j in range(4) for k in range(4)}
    adding = ContactSum(model, (1, 1), lambda j, k: 1 - 0.4 * share[j, k])
    layers = [adding.add(k, H, *[np.full((1, 1), doses[k])] * 2) for k in (3, 2, 1, 0)][::-1]
    for j, layer in enumerate(layers):
        for depth in (0.0, 4.0, 10.0):
            liquid = most = 0.0
            for k in range(j, 4):
                liquid = (liquid * 0.8 if k > j else 0.0) + 2 * max(doses[k] * decay.fraction((k - j) * H + depth) - 1.5, 0.0)
                most = max(most, liquid)
            assert layer.dose_at_mj_cm2(depth)[0, 0] == pytest.approx(most, rel=1e-12)
        if 0 < layer.cured_um[0, 0] < H:
            assert layer.dose_at_mj_cm2(layer.cured_um[0, 0])[0, 0] == pytest.approx(EC - 1.5, rel=1e-9)


@pytest.mark.parametrize("reach", [30.0, 100.0, math.inf])
def test_a_channel_is_exchanged_near_its_port_and_kept_far_from_it(reach):
    """How much of what the vat exchanges reaches liquid so far from an open end: e to the minus distance over reach."""
    frames = np.zeros((12, 44, 16))
    frames[:, 2:42, 2:14] = 1
    frames[4:8, 0:36, 5:11] = 0
    model = model_of(1.0, reach)
    run = ContactPass(model, (44, 16), (PITCH, PITCH), np.full(12, H))
    for frame in frames:
        run.add([(WHITE * seen(frame), 1)])
    share = run.shares.share(4, 10)[:, 8]
    for row in (4, 10, 20):
        wanted = 1.0 if math.isinf(reach) else math.exp(-(row - 2 + 0.5) * PITCH / reach)
        assert share[row] == pytest.approx(wanted, abs=2e-3 + 0.02 * wanted)


def test_a_skin_closes_liquid_toward_the_light():
    """A layer cured only near its exposure plane seals what is below it from then on."""
    frames = channel(14, True, 0.0)
    frames[8, 4:14, 5:11] = 1.02 / 1.5 * math.exp(-0.5)  # just enough at the plane, too little half-way down
    model = model_of(1.0)
    run = ContactPass(model, (18, 16), (PITCH, PITCH), np.full(14, H))
    for frame in frames:
        run.add([(WHITE * seen(frame), 1)])
    after = run.shares.share(7, 8)
    assert after is None or after[9, 8] == 0.0  # the recoat after the skin does not reach it
    frames[8, 4:14, 5:11] *= 0.9
    run = ContactPass(model, (18, 16), (PITCH, PITCH), np.full(14, H))
    for frame in frames:
        run.add([(WHITE * seen(frame), 1)])
    assert run.shares.share(7, 8)[9, 8] == 1.0  # without one it does


def test_uneven_layers_and_dark_ones():
    """Heights count in distances, and a layer without light still is recoated."""
    heights = np.array([10.0, 20.0, 5.0, 10.0, 10.0])
    model = CureModel(Decay.single(DP), EC, memory="contact", renewal=1.0, reach_um=50.0)
    frames = block(5)
    run = ContactPass(model, frames.shape[1:], (PITCH, PITCH), heights)
    for k, frame in enumerate(frames):
        run.add([] if k == 2 else [(0.05 * EC * seen(frame), 1)])
    for j in range(5):
        for k in range(j, 5):
            if k == 2 and j == 2:
                continue
            depth = heights[j + 1 : k + 1].sum() + 0.5 * heights[j]
            assert run.shares.share(j, k) is None or run.shares.share(j, k)[7, 10] == pytest.approx(1.0)  # nothing solid: all is vat
            assert depth > 0


def test_what_it_cannot_follow_is_refused():
    tailed = CureModel(Decay((0.9, 0.1), (DP, math.inf)), EC, memory="contact", renewal=1.0)
    with pytest.raises(ExposureError, match=r"tail of 0\.1"):
        ContactPass(tailed, (4, 4), (PITCH, PITCH), np.full(3, H))
    with pytest.raises(ExposureError, match=r"GiB, 4 at most"):
        ContactPass(model_of(1.0), (20000, 20000), (PITCH, PITCH), np.full(400, H))
    with pytest.raises(ExposureError, match="ContactSum"):
        list(cured_layers(model_of(1.0), (2, 2), [ExposedLayer(0, H, [np.ones((2, 2))])]))
    with pytest.raises(ExposureError, match="ContactSum"):
        Recursion(model_of(1.0), (2, 2))


@functools.cache
def chip():
    return channel(20, False, 0.0)


def test_what_is_found_does_not_depend_on_how_often_it_is_asked():
    one, two = (ContactPass(model_of(1.0, 150.0), chip().shape[1:], (PITCH, PITCH), np.full(20, H)) for _ in range(2))
    for frame in chip():
        one.add([(WHITE * seen(frame), 1)])
        two.add([(0.5 * WHITE * seen(frame), 2)])
    for j, k in ((3, 5), (7, 12), (7, 7), (10, 15)):
        for _ in range(2):
            assert np.array_equal(one.shares.left(j, k), two.shares.left(j, k))
    assert 0 < one.shares.nbytes < 1 << 20
