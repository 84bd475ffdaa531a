"""What a prediction recalls is, to the last bit, what it would have found again."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictions import job_of, tunnel
from solids import box, icosphere
from tiers import examples

import pmsl
from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import runs_of_band
from pmsl.kernels.compare import edge_probes
from pmsl.kernels.light import blur_reuse, dose
from pmsl.kernels.solve.pixel_flags import RECALLED
from pmsl.optics import Gaussian
from pmsl.predict.light.window_blur import INSIDE_PX, Blur, scratch_of
from pmsl.predict.measure.row_dedup import DedupRows
from pmsl.predict.measure.weighted_quantiles import CentredHistogram

ROWS, COLS = 41, 143  # the last block is not whole


def light_of(rng, boxes):
    """Overlapping boxes of light, some of them with noise of the last bits or a slope."""
    light = np.zeros((ROWS, COLS), np.float32)
    for r, c, rows, cols, kind in boxes:
        part = light[r : r + rows, c : c + cols]
        part += np.float32(rng.uniform(0.1, 5))
        if kind == 1:
            part *= np.linspace(1, 2, part.shape[1], dtype=np.float32)
        if kind == 2:
            part *= 1 + np.float32(2.0**-23) * rng.integers(0, 2, part.shape)
    return light


def folded_of(rng, light):
    """Some of the rows that are the same as the one before left out, and what is there instead."""
    held = np.arange(len(light), dtype=np.int32)
    for r in range(1, len(light)):
        if np.array_equal(light[r], light[r - 1]) and rng.random() < 0.8:
            held[r] = held[r - 1]
    return DedupRows(np.where((held == np.arange(len(light)))[:, None], light, np.float32(np.nan)), held)


boxes_of_light = st.lists(
    st.tuples(st.integers(0, ROWS - 1), st.integers(0, COLS - 1), st.integers(1, ROWS), st.integers(1, COLS), st.integers(0, 2)), max_size=5
)


@settings(max_examples=examples(15), deadline=None)
@given(st.integers(0, 2**32 - 1), boxes_of_light, st.sampled_from([0.1, 0.36, 1.3, 6.0]))
def test_dose_front_and_points_in_pixels_are_those_of_every_pixel_by_itself(seed, boxes, sigma):
    rng = np.random.default_rng(seed)
    light, blur = light_of(rng, boxes), Blur(Gaussian((sigma, 1.2 * sigma)), Window(0, 0, ROWS, COLS))
    seen, front, slow, slow_front = np.full((4, ROWS, COLS), np.nan, np.float32)
    kept, made = folded_of(rng, light), DedupRows.whole(front)
    recalled = blur.see_one(kept, 1.0, 4.0, seen, made, blur.blocks())
    assert np.array_equal(made.held == np.arange(ROWS), ~recalled.all(axis=1))
    seen, front = seen[made.held], front[made.held]
    blur(light, slow)
    dose.front_of_one(slow, slow.view(np.int32), 1.0, 4.0, *scratch_of(COLS), slow_front)
    assert seen.tobytes() == slow.tobytes() and front.tobytes() == slow_front.tobytes()
    for r, b in np.argwhere(recalled):
        around = slice(max(b * RECALLED - len(blur.taps[1]), 0), (b + 1) * RECALLED + len(blur.taps[1]))
        assert r > 0 and np.array_equal(light[r, around], light[r - 1, around])
    rows, cols = (a.astype(np.int32) for a in np.nonzero(rng.random((ROWS, COLS)) < rng.choice([0.3, 0.9, 1.1])))
    points, which = blur.inside_once(kept, rows, cols, recalled)
    every = np.zeros((len(rows), len(INSIDE_PX) ** 2), np.float32)
    blur.inside(light, rows, cols, every)
    assert points[which].tobytes() == every.tobytes()
    assert np.array_equal(np.unique(which, return_index=True)[1], np.flatnonzero(np.diff(np.maximum.accumulate(which), prepend=-1)))


def test_plain_areas_and_straight_walls_are_recalled():
    blur, light = Blur(Gaussian((0.36, 0.36)), Window(0, 0, 60, 256)), np.zeros((60, 256), np.float32)
    light[5:, 100:] = 3.0
    seen, front = np.zeros((2, 60, 256), np.float32)
    recalled = blur.see_one(DedupRows.whole(light), 1.0, 4.0, seen, DedupRows.whole(front), blur.blocks())
    assert recalled[14:55].all() and not recalled[1:9, 4:].any()
    rows, cols = (a.astype(np.int32) for a in np.nonzero(np.pad(np.ones((50, 156), bool), ((5, 5), (100, 0)))))
    points, _ = blur.inside_once(DedupRows.whole(light), rows, cols, recalled)
    assert len(points) < 0.1 * len(rows)


def edges_of(blur, light, points, outward):
    """Edges found with what the probe before had, and from probe to probe anew."""
    kept, held = folded_of(np.random.default_rng(len(points)), light)
    args = kept[None], held, np.ones(1), 1.0
    rest = 0.5, 4.0, *blur.tables, 512.0, *blur.reach, *(np.zeros(int(2 * reach) + 1) for reach in blur.reach)
    one_after_the_other, each = np.zeros((2, len(points)))
    edge_probes.edges(*args, points, outward, *rest, one_after_the_other)
    for i in range(len(points)):
        edge_probes.edges(*args, points[i : i + 1], outward[i : i + 1], *rest, each[i : i + 1])
    return one_after_the_other, each


@settings(max_examples=examples(12), deadline=None)
@given(st.integers(0, 2**32 - 1), boxes_of_light, st.sampled_from([0, 1, 2, 3]), st.floats(2, 30), st.floats(2, 30))
def test_edges_along_straight_walls_are_those_of_every_probe_by_itself(seed, boxes, way, y, x):
    rng = np.random.default_rng(seed)
    light, blur = light_of(rng, boxes), Blur(Gaussian((0.36, 0.4)), Window(0, 0, ROWS, COLS))
    light *= np.float32(rng.choice([0.5, 1, 3])) / max(1.0, float(light.max()))
    steps = np.arange(25.0 if way % 2 else 100.0) * (1 if way < 2 else -1)
    start = (y % 12, x) if way < 2 else (40 - y % 12, 142 - x)
    points = np.array(start) + np.outer(steps, (1.0, 0.0) if way % 2 else (0.0, 1.0))
    outward = np.tile(rng.choice([-1.0, 1.0]) * np.array([0.0, 1.0] if way % 2 else [1.0, 0.0]), (len(points), 1))
    found, each = edges_of(blur, light, points, outward)
    same = np.isclose(found, each, atol=2e-4) | (found == each)
    others = np.flatnonzero(~same)  # an edge near the last probe's may be another one than the first that is met on the way
    level = np.zeros(1)
    for i in others:
        assert np.isfinite(found[i])
        for far in (-1e-3, 1e-3):
            edge_probes.edges(
                *(
                    *DedupRows.whole(light[None]),
                    np.ones(1),
                    1.0,
                    points[i : i + 1] + (found[i] + far) * outward[i : i + 1],
                    outward[i : i + 1],
                ),
                *(0.5, 4.0, *blur.tables, 512.0, *blur.reach, *(np.zeros(int(2 * reach) + 1) for reach in blur.reach), level),
            )
            assert level[0] == pytest.approx(-far, abs=5e-4)


def test_probes_on_a_straight_wall_recall_their_edge():
    blur, light = Blur(Gaussian((0.36, 0.36)), Window(0, 0, 60, 256)), np.zeros((60, 256), np.float32)
    light[20:40, 30:220] = 2.0
    points = np.column_stack([np.full(180, 20.3), 35.0 + np.arange(180.0)])
    found, each = edges_of(blur, light, points, np.tile((-1.0, 0.0), (180, 1)))
    assert np.allclose(found, each, atol=2e-4) and len(np.unique(found[20:])) == 1
    light[25, 100] = np.nextafter(np.float32(2.0), np.float32(3.0))  # the last bit, far below the wall: nothing; on it: looked at again
    assert len(np.unique(edges_of(blur, light, points, np.tile((-1.0, 0.0), (180, 1)))[0][20:])) == 1
    light[20, 100] = 3.0
    found, each = edges_of(blur, light, points, np.tile((-1.0, 0.0), (180, 1)))
    assert np.allclose(found, each, atol=2e-4) and np.ptp(found) > 0.01


def found_again(monkeypatch):
    """Nothing is recalled from now on."""

    def see_one(
        light, codes, lines, down, across, none, line, threshold, lengths, alike, changed, eight, seen, bits, front, recalled, held
    ):
        dose.blur(light[lines], down, across, none, line, seen)
        dose.front_of_one(seen, bits, threshold, lengths, changed, eight, front)
        recalled[:] = 0
        held[:] = np.arange(len(held))

    def inside(light, held, row, col, down, across, lines, recalled, latest, starts, which, out):
        dose.inside(light, held, row, col, down, across, lines, out)
        which[:] = np.arange(len(row))
        return len(row)

    monkeypatch.setattr(blur_reuse, "see_one", see_one)
    monkeypatch.setattr(blur_reuse, "inside", inside)


def alternating():
    """Two sections in turn, layer by layer."""
    return [box((100.0, 100.0, 20.0 * k), (300.0 - 60.0 * (k % 2), 320.0, 20.0 * k + 20.0)) for k in range(8)]


def changing_below_the_mask():
    """The upper half leans so little that the 8-bit mask stays while the design section changes."""
    wall = box((100.0, 100.0, 0.0), (300.0, 320.0, 160.0))
    leaning = wall.vertices_um.copy()
    leaning[leaning[:, 2] > 100, 0] += 0.005
    return [pmsl.Solid.from_arrays(leaning, wall.faces)]


def times(plan, factor):
    exposures = (dataclasses.replace(e, time_s=factor * e.time_s, dose_mj_cm2=factor * e.dose_mj_cm2) for e in plan.exposures)
    return dataclasses.replace(plan, exposures=tuple(exposures) if factor else ())


def ledge():
    """A block with a ledge and a channel."""
    return [box((100.0, 100.0, 0.0), (200.0, 380.0, 100.0)), box((200.0, 100.0, 60.0), (400.0, 380.0, 100.0))]


PARTS = {
    "too little light": ledge,
    "alternating": alternating,
    "changing design": changing_below_the_mask,
    "channel": lambda: [tunnel(60.0)],
    "round": lambda: [icosphere(3, 100.0, (200.0, 200.0, 100.0))],
}


@pytest.mark.parametrize("name", PARTS)
def test_a_prediction_is_the_same_without_recall(name, monkeypatch):
    job = job_of(PARTS[name]())
    if name == "too little light":  # the ledge is cured in part, and not at all in its lowest layer
        job = dataclasses.replace(job, plan_layer=lambda k, whole=job: times(whole[k], 0.0 if k == 6 else 0.3))
    if name == "changing design":
        assert job[7].exposures[0].mask.runs_8bit().value.tobytes() == job[2].exposures[0].mask.runs_8bit().value.tobytes()
    with_recall = pmsl.simulate(job)
    found_again(monkeypatch)
    without = pmsl.simulate(job, threads=1)
    assert_alike(with_recall.as_dict(), without.as_dict())
    for one, other in zip(*(vars_of(p.dose_mj_cm2["histogram"]) for p in (with_recall, without)), strict=True):
        assert np.array_equal(one, other)


def assert_alike(one, other):
    """The same but for the order in which rows are added up."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_alike(a, b)
    else:
        assert one == (pytest.approx(other, rel=1e-13, abs=0) if isinstance(other, float) else other)


def test_exposures_of_a_layer_add_up_whatever_is_alike_between_rows(monkeypatch):
    """The second lights some rows only: it is added in place to rows that were left out."""
    job = job_of([tunnel(60.0), box((100, 420, 0), (400, 470, 80))])

    def twice(k):
        plan = times(job[k], 0.7)
        (e,) = plan.exposures
        levels = e.mask.dense(np.uint8).copy()
        levels[:21] = levels[30:] = 0
        return dataclasses.replace(plan, exposures=(e, dataclasses.replace(e, mask=LayerMask.from_dense(k, levels))))

    twofold = dataclasses.replace(job, plan_layer=twice)
    found = pmsl.simulate(twofold, threads=1)
    monkeypatch.setattr(Blur, "folds", False)
    assert_alike(found.as_dict(), pmsl.simulate(twofold, threads=1).as_dict())
    assert found.iou != pytest.approx(pmsl.simulate(job).iou, rel=1e-3)


masks = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(1, 5), st.integers(1, 7), st.integers(1, 255)), max_size=3)


@settings(max_examples=examples(15), deadline=None)
@given(st.lists(st.tuples(masks, st.booleans()), min_size=1, max_size=4), st.booleans())
def test_light_of_folded_maps_is_that_of_whole_ones(layers, even):
    """Layers of boxes, some in a window that begins later and ends earlier than the light's; with a flat field lit rows are never alike."""
    shape, levels = (9, 8), np.arange(256, dtype=np.float32) / 37
    flat = np.zeros((0, 0), np.float32) if even else np.linspace(0.5, 1, 72, dtype=np.float32).reshape(shape)
    folds, whole = (DedupRows.dark(shape, folds) for folds in (True, False))
    for boxes, narrow in layers:
        mask = np.zeros(shape, np.uint8)
        for r, c, rows, cols, level in boxes:
            mask[r : r + rows, c : c + cols] = level
        first, last = (1, 7) if narrow else (0, 9)
        mask[:first], mask[last:] = 0, 0
        runs = runs_of_band(np.pad(mask[first:last], ((0, 0), (1, 0))), 0)
        next_folds, next_whole = (DedupRows(np.full(shape, np.nan, np.float32), np.arange(9, dtype=np.int32)) for _ in range(2))
        for before, after in ((folds, next_folds), (whole, next_whole)):
            dose.advance(*before, *after, 0.7, 1e-9, 1.3, *runs, levels, first, 0, flat)
        assert np.array_equal(next_whole.held, np.arange(9))
        assert next_folds.values[next_folds.held].tobytes() == next_whole.values.tobytes()
        lit = (next_folds.held != np.arange(9)) & next_whole.values.any(axis=1)
        assert even or not (lit & mask.any(axis=1)).any()
        if not boxes and even:
            assert np.array_equal(next_folds.held, folds.held)
        folds, whole = next_folds, next_whole
    folds.unfold()
    assert folds.values.tobytes() == whole.values.tobytes() and np.array_equal(folds.held, np.arange(9))


def vars_of(histogram):
    return histogram.edges_mj_cm2, histogram.solid, histogram.void


@given(st.lists(st.floats(-9, 9) | st.sampled_from([np.inf, -np.inf]), max_size=40))
def test_values_are_counted_in_their_bins(values):
    tally, many = CentredHistogram(0.25, 4.0), np.array(values)
    tally.add(many)
    finite = many[np.isfinite(many)]
    at = np.clip(np.floor(finite / 0.25 + 0.5), -16, 16).astype(int) + 16
    assert np.array_equal(tally.bins, np.bincount(at, minlength=33))
    assert tally.missed.tolist() == [(many == -np.inf).sum(), (many == np.inf).sum()]
