"""What a tolerance of `pmsl.diff` is for, and what it is not: pixels, places, heights, profiles, powers, rounding."""

import dataclasses

import msgspec
import numpy as np
import pytest
from diff_jobs import LEVELS, TIMES, two_engines, with_exposures
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs_of_arrays import MOTION, job_of
from page_jobs import job_with_exposures
from tiers import examples

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.report.difference.alignment import FLOAT32_NOISE, place_pairs
from pmsl.report.difference.stated_values import Pair, Tolerance, differs, flattened, tolerant


def keys(found):
    return {(one.kind, one.key) for one in found.differences}


@pytest.fixture(scope="module")
def job():
    return job_with_exposures("even")


@pytest.mark.parametrize("pitch_um", [(7.5, 6.0), (9.0, 5.0), (7.5 * (1 + 1e-8), 5.0)])
def test_no_tolerance_makes_pixels_of_other_pitch_the_same(pitch_um):
    a, b = job_of(LEVELS, TIMES), job_of(LEVELS, TIMES, pitch_um=pitch_um)
    found = pmsl.diff(a, b, tolerance_um=2.0)
    assert not found.alike and {key for kind, key in keys(found) if kind == "grid"} <= {"engine.pitch_x_um", "engine.pitch_y_um"}
    assert any("pixels are of other sizes" in note for note in found.notes) and all(one.unit == "µm²" for one in found.light)


def test_pitches_that_differ_by_rounding_are_the_same():
    a, b = job_of(LEVELS, TIMES), job_of(LEVELS, TIMES, pitch_um=(7.5 * (1 + 1e-12), 5.0))
    assert pmsl.diff(a, b).alike


def test_a_share_is_tolerated_of_areas_as_of_pixels():
    less = LEVELS.copy()
    less[:, 10, 12:50] = 0  # 5 % of the area
    a, b = job_of(LEVELS, TIMES), job_of(less, TIMES, pitch_um=(7.5000001, 5.0))
    (one,) = {light.share for light in pmsl.diff(a, b, kinds=["light"]).light}
    assert one == pytest.approx(0.05, abs=1e-4)
    assert pmsl.diff(a, b, kinds=["light"], tolerance_dose=0.051).alike
    assert not pmsl.diff(a, b, kinds=["light"], tolerance_dose=0.049).alike


def test_values_of_profiles_have_no_tolerance(job):
    """A length of a profile, a dose of one: neither is a height or an exposure of the print."""
    put = msgspec.structs.replace
    resin, dp, ec = job.resin.resin, job.resin.resin.dp_um, job.resin.resin.ec_mj_cm2
    for name, value in (("dp_um", put(dp, value=dp.value * 1.02)), ("ec_mj_cm2", put(ec, value=ec.value * 1.02))):
        other = dataclasses.replace(job, resin=put(job.resin, resin=put(resin, **{name: value})))
        assert keys(pmsl.diff(job, other, tolerance_um=1e3, tolerance_dose=0.9)) >= {("profiles", f"resin.resin.{name}")}


def test_entries_of_lists_have_the_tolerance_of_what_they_are(job):
    def moved(by_um):
        boxes = [tuple(tuple(v + by_um for v in corner) for corner in part.bounds_um) for part in job.parts]
        parts = [msgspec.structs.replace(part, bounds_um=box) for part, box in zip(job.parts, boxes, strict=True)]
        return dataclasses.replace(job, parts=tuple(parts))

    assert {key for _, key in keys(pmsl.diff(job, moved(0.5)))} == {f"part 0.bounds_um.{i}.{j}" for i in (0, 1) for j in (0, 1, 2)}
    assert pmsl.diff(job, moved(0.5), tolerance_um=0.5).alike and not pmsl.diff(job, moved(0.5), tolerance_um=0.49).alike

    def sliced(*layers):
        return dataclasses.replace(job, process=msgspec.structs.replace(job.process, layers=list(layers)))

    a, higher = sliced((5, 5.0), (1, 10.0)), sliced((5, 5.5), (1, 10.5))
    assert keys(pmsl.diff(a, higher)) == {("profiles", "process.layers from 0"), ("profiles", "process.layers from 5")}
    assert pmsl.diff(a, higher, tolerance_um=0.5).alike
    (one,) = pmsl.diff(a, sliced((6, 5.0), (1, 10.0)), tolerance_um=4.0).differences
    assert (one.key, one.a, one.b) == ("process.layers from 5", 10.0, 5.0)  # a number of layers is no height
    assert pmsl.diff(a, sliced((2, 5.1), (3, 4.9), (7, 10.0)), tolerance_um=0.11).alike  # however the heights are listed
    assert not pmsl.diff(a, sliced((2, 5.1), (3, 4.9), (7, 10.0)), tolerance_um=0.09).alike


def test_heights_of_files_are_tolerated_however_they_are_listed():
    a, b = job_of(LEVELS, TIMES), job_of(LEVELS, TIMES, edges_um=[0, 10.1, 20, 30])
    assert pmsl.diff(a, b, tolerance_um=0.11).alike and not pmsl.diff(a, b, tolerance_um=0.09).alike


def test_what_is_made_of_layers_stays_within_their_tolerance():
    """Profiles of files hold the longest exposure, the height of all layers, their moves: compared once, where they are stated."""
    a = job_of(LEVELS, TIMES, motions=[MOTION] * 3)
    b = job_of(LEVELS, [2.02, 1.01, 1.0], edges_um=[0, 10, 20, 30.5], motions=[MOTION] * 3)
    assert pmsl.diff(a, b, tolerance_um=0.6, tolerance_dose=0.02).alike
    assert {kind for kind, _ in keys(pmsl.diff(a, b))} == {"heights", "light", "times"}


def test_moves_tolerate_lengths_and_not_speeds():
    for key in ("lift_um", "motion.lift_um", "exposure 1.relift.motion.lift_um", "exposure.offset_x_um", "part 0.bounds_um.1.2"):
        assert tolerant(Pair(key, 1.0, 2.0)).tolerated == "length"
    for key in ("motion.lift_um_s", "motion.retract_um_s2", "part 0.dose_scale", "exposure.repeat", "exposure.relift.squeeze.force_n"):
        assert tolerant(Pair(key, 1.0, 2.0)).tolerated == ""
    assert set(flattened(msgspec.to_builtins(MOTION), "motion")) >= {"motion.lift_um", "motion.lift_um_s"}


@given(st.floats(-1e6, 1e6), st.floats(0, 1e3), st.floats(0, 1e3))
def test_lengths_differ_beyond_their_tolerance_and_no_sooner(value, gap, tolerance):
    found = differs(Pair("x_um", value, value + gap, "length"), Tolerance(1.0, tolerance))
    off = abs(value + gap - value)
    assert (
        (found is None) if off <= tolerance else (found == off or off <= max(1e-9 * max(abs(value), abs(value + gap), 1e-3), 2 * tolerance))
    )
    assert differs(Pair("x", 1.0, 1.5), Tolerance(1.0, 1.0)) == 0.5


def test_light_at_an_offset_within_the_tolerance_is_the_same_light(job):
    def by(x_um):
        return with_exposures(job, lambda plan, e: {"offset_um": (e.offset_um[0] + x_um, e.offset_um[1])})

    assert keys(pmsl.diff(job, by(5.0))) >= {("light", "mJ/cm²")} and any(
        one.b == 0.0 or one.a == 0.0 for one in pmsl.diff(job, by(5.0)).light
    )
    assert pmsl.diff(job, by(5.0), tolerance_um=6.0).alike and not pmsl.diff(job, by(5.0), tolerance_um=4.9).alike
    dim = with_exposures(by(5.0), lambda plan, e: {"mask": LayerMask.from_dense(plan.index, e.mask.dense(np.uint8) // 2)})
    found = pmsl.diff(job, dim, tolerance_um=6.0, kinds=["light"])
    assert len(found.light) == job.n_layers and max(one.share for one in found.light) < 0.9  # half the light, not none


def brute(ours, theirs, tolerance):
    """Groups of places joined by what is nearest in the other layer, by plain search."""
    near = lambda p, others: min(  # noqa: E731
        (max(abs(p[1][0] - q[1][0]), abs(p[1][1] - q[1][1])), i) for i, q in enumerate(others) if q[0] == p[0]
    )
    nodes = [("a", p) for p in ours] + [("b", p) for p in theirs]
    links = []
    for side, some, others in (("a", ours, theirs), ("b", theirs, ours)):
        for p in some:
            if any(q[0] == p[0] for q in others):
                gap, i = near(p, others)
                if gap <= tolerance:
                    links.append(((side, p), ("b" if side == "a" else "a", others[i])))
    groups = {node: {node} for node in nodes}
    for x, y in links:
        whole = groups[x] | groups[y]
        for node in whole:
            groups[node] = whole
    return {frozenset(g) for g in groups.values()}


offsets = st.lists(st.tuples(st.integers(0, 1), st.tuples(st.integers(0, 20), st.integers(0, 3))), max_size=6, unique=True)


@given(offsets, offsets, st.integers(0, 4))
@settings(max_examples=examples(30))
def test_places_are_matched_as_a_plain_search_does(ours, theirs, tolerance):
    a, b = ({p: [(side, p)] for p in some} for side, some in (("a", ours), ("b", theirs)))
    pairs = place_pairs(a, b, float(tolerance))
    assert {frozenset(pair.a + pair.b) for pair in pairs} == brute(ours, theirs, tolerance)
    assert all((pair.engine, pair.offset_um) in (*ours, *theirs) for pair in pairs)


def test_heights_times_and_light_of_foreign_files_are_equal_to_32_bit_rounding():
    edges = np.array([0.0, 15.509, 31.1, 47.123])
    a = job_of(LEVELS, [15.509, 1.1, 1.3], edges_um=edges)
    b = job_of(LEVELS, np.float32([15.509, 1.1, 1.3]), edges_um=1e3 * np.float32(edges / 1e3).astype(float))
    assert pmsl.diff(a, b).alike
    off = job_of(LEVELS, np.array([15.509, 1.1, 1.3]) * (1 + 3 * FLOAT32_NOISE), edges_um=edges)
    assert {kind for kind, _ in keys(pmsl.diff(a, off))} >= {"light", "times"}


def test_jobs_of_known_doses_are_held_to_double_rounding(job):
    other = with_exposures(job, lambda plan, e: {"time_s": e.time_s * (1 + FLOAT32_NOISE / 4)})
    assert {kind for kind, _ in keys(pmsl.diff(job, other))} == {"light", "times"}


def wide(levels, rows, cols):
    big = np.zeros((len(levels), levels.shape[1] + 20, levels.shape[2] + 30), np.uint8)
    big[:, rows : rows + levels.shape[1], cols : cols + levels.shape[2]] = levels
    return big


def test_what_was_assumed_of_fields_of_other_sizes_is_said():
    big = wide(LEVELS, 5, 9)
    same = pmsl.diff(job_of(LEVELS, TIMES), job_of(big, TIMES), kinds=["light"])
    assert same.alike and "5 rows and 9 columns" in same.notes[-1]
    big[:, :, 9 + 49] = 0
    found = pmsl.diff(job_of(LEVELS, TIMES), job_of(big, TIMES), kinds=["light"])
    assert len(found.light) == 3 and "20 × 38 px and 20 × 37 px" in found.notes[-1] and "corner on corner" in found.notes[-1]
    dark = pmsl.diff(job_of(LEVELS, TIMES), job_of(np.zeros_like(big), TIMES), kinds=["light"])
    assert "corner on corner" in dark.notes[-1]


def test_fields_are_laid_on_each_other_engine_by_engine():
    one = two_engines()
    assert pmsl.diff(one, one).alike
    found = pmsl.diff(one, two_engines((7, 3), (0, 0), ((20, 10), (0, 0))), kinds=["light"])
    assert found.alike and "7 rows and 3 columns" in found.notes[-1]
    found = pmsl.diff(one, two_engines((7, 3), (2, 5), ((20, 10), (4, 8))), kinds=["light"])
    assert found.alike and "engine 1:" in found.notes[-1] and "2 rows and 5 columns" in found.notes[-1]
    other = pmsl.diff(one, two_engines((7, 3), (2, 5), ((20, 10), (4, 8)), value1=200), kinds=["light"])
    assert {light.engine for light in other.light} == {1} and other.light[0].n_px == 8 * 21
    assert other.light[0].box_um == ((100.0, 25.0), (205.0, 65.0))
    coarse = pmsl.diff(one, two_engines(pitch1_um=7.0), kinds=["light"])
    assert {(light.engine, light.unit) for light in coarse.light} == {(1, "µm²")} and "engine 1: pixels are of other sizes" in coarse.notes[
        -1
    ]


def test_a_power_is_compared_where_both_jobs_state_theirs(job, tmp_path):
    """Between a job of known doses and a file that states powers alone, in the host's own numbers or as shares of the full setting."""
    pmsl.write(job, tmp_path / "a.zip", format="byu", lossy=True)
    read = pmsl.read(tmp_path / "a.zip", format="byu")

    def powers(found):
        return {(key, one.a, one.b) for one in found.differences for key in [one.key] if key.endswith("power")}

    assert not powers(pmsl.diff(job, read, kinds=["times"])) and not powers(pmsl.diff(read, job, kinds=["times"]))
    half = with_exposures(read, lambda plan, e: {"power": e.power / 2})
    half.prepared.update(read.prepared)
    for a, b in ((job, half), (half, job), (read, half)):
        assert powers(pmsl.diff(a, b, kinds=["times"])), "a halved power is hidden"
    assert not powers(pmsl.diff(half, half, kinds=["times"]))
    array = job_of(LEVELS, TIMES)  # states no powers
    assert not powers(pmsl.diff(array, half, kinds=["times"])) and not powers(pmsl.diff(job, array, kinds=["times"]))
