"""Islands, loose bodies and voids against dense volumes, on small random jobs of grays."""

import checks_oracle as oracle
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.checks import CheckLimits, check_layers
from pmsl.checks.light.layer_stream import CheckedLayer
from pmsl.checks.shapes.bodies import BodyCheck
from pmsl.checks.shapes.voids import VoidCheck
from pmsl.profiles.tables.strict_struct import Value

seeds = st.integers(0, 2**32 - 1)


def random_levels(rng):
    """Blocks and noise: parts that hang together more often than single voxels do."""
    shape = tuple(rng.integers((2, 3, 3), (9, 11, 11)))
    levels = np.where(rng.random(shape) < rng.uniform(0.3, 0.75), 255, 0)
    levels = np.where(rng.random(shape) < 0.25, rng.integers(0, 256, shape), levels)
    for _ in range(rng.integers(0, 4)):
        low = [rng.integers(0, n) for n in shape]
        high = [rng.integers(a, n) + 1 for a, n in zip(low, shape, strict=True)]
        levels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = rng.choice([0, 255])
    return levels.astype(np.uint8)


class Recorder:
    """Keeps what checks are shown."""

    def __init__(self, job):
        self.shape = job.n_layers, *job.grid.shape
        self.set_by = np.full(self.shape, -1)
        self.final = np.zeros(self.shape, bool)

    def add(self, layer: CheckedLayer):
        cols = self.shape[2]
        self.final[layer.index] = layer.final.dense(cols)
        for k, runs in layer.newly_set:
            new = runs.dense(cols)
            assert (self.set_by[k][new] == -1).all()
            self.set_by[k][new] = layer.index

    def findings(self):
        return []


def random_job(seed, **more):
    rng = np.random.default_rng(seed)
    levels = random_levels(rng)
    edges = np.concatenate([np.zeros(1), np.cumsum(rng.uniform(5.0, 15.0, len(levels)))])
    dose = float(np.exp(rng.uniform(1.0, 4.0)))
    return oracle.job_of_levels(levels, dp_um=float(rng.uniform(2.0, 20.0)), dose_over_ec=dose, edges_um=edges, **more)


def decays(kind):
    value = lambda v: Value(value=v, class_="measured", source="test")  # noqa: E731
    from pmsl.profiles.resin import ExtraDecay

    return {
        "one decay": {},
        "two decays and a tail": {"extra_decays": value((ExtraDecay(share=0.2, length_um=60.0),)), "tail": value(0.02)},
        "open memory": {"memory": value("open")},
    }[kind]


@pytest.mark.parametrize("kind", ["one decay", "two decays and a tail", "open memory"])
@settings(max_examples=examples(6))
@given(seeds)
def test_what_is_set_and_when_is_what_the_sum_over_all_exposures_says(kind, seed):
    job = random_job(seed, **decays(kind))
    seen, after = Recorder(job), oracle.doses(job)
    check_layers(job, [seen])
    threshold = job.resin.resin.ec_mj_cm2.value
    clear = np.abs(after - threshold).min(axis=0) > 2e-3 * threshold
    final = after[-1] >= threshold
    assert (seen.final[clear] == final[clear]).all()
    first = np.where(final, np.argmax(after >= threshold, axis=0), -1)
    rim = (seen.set_by == np.arange(job.n_layers)[:, None, None]) & (first > seen.set_by)  # cured with what is beside them
    off = clear & ~rim & (seen.set_by != first)
    assert (seen.set_by >= 0)[off].all() and (seen.set_by < first)[off].all()  # by light too faint to matter, and no later
    for k, row, col in np.argwhere(off):
        assert after[seen.set_by[k, row, col], k, row, col] >= 0.9 * threshold - 1e-9
    for k, row, col in np.argwhere(rim):  # beside pixels that the layer itself sets
        assert (first[k, max(row - 2, 0) : row + 3, max(col - 2, 0) : col + 3] == k).any()


@given(seeds)
def test_bodies_and_voids_are_those_of_labels_in_three_dimensions(seed):
    job = random_job(seed)
    limits = CheckLimits(min_joint_um2=1e-6, min_void_um3=1e-6, vent_um=500.0, min_cup_um2=1e6, min_cup_um=500.0)
    seen = Recorder(job)
    bodies, voids = BodyCheck(job.grid, limits), VoidCheck(job.grid, limits)
    found = check_layers(job, [seen, bodies, voids])
    after = (seen.set_by >= 0) & (seen.set_by <= np.arange(job.n_layers)[:, None, None, None])
    islands, loose = oracle.bodies(after)
    begun = bodies.bodies()  # with this Ec; what is named is there with a tenth less and more, too
    assert sorted((b.born, b.joined) for b in begun if b.joined is not None) == islands
    assert sum(b.joined is None for b in begun) == loose
    assert sum(f.code in ("island", "loose-body") for f in found) <= len(begun)
    traps, sealed = oracle.voids(seen.final)
    shut = [(volume, extent[4] == 0) for _, volume, extent in voids.shut()]
    assert sum(not on_plate for _, on_plate in shut) == len(traps)
    assert sum(on_plate for _, on_plate in shut) == len(sealed)
    if np.ptp(job.grid.thickness_um) == 0:
        voxel = job.grid.pixel_um2 * job.grid.thickness_um[0]
        assert sorted(volume / voxel for volume, on_plate in shut if not on_plate) == pytest.approx(traps)
    named = sum(f.code in ("resin-trap", "sealed-on-plate") for f in found)
    assert named <= len(shut)


def level_for(dose_over_ec, dp_um=4.0):
    """The level whose own light gives the middle of a 10 µm layer so much of Ec, in the jobs below."""
    return round(255 * dose_over_ec / (20.0 * np.exp(-5.0 / dp_um)))


def block_and_pixel(dose_over_ec):
    """A block on the plate, and a pixel of gray two pixels beside it in mid-air."""
    levels = np.zeros((8, 9, 12), np.uint8)
    levels[:, 2:7, 2:6] = 255
    levels[5, 4, 8] = level_for(dose_over_ec)
    return oracle.job_of_levels(levels)


@pytest.mark.parametrize(("dose", "codes"), [(0.8, []), (1.03, []), (1.5, ["loose-body"]), (4.0, ["loose-body"])])
def test_a_pixel_that_a_tenth_of_ec_decides_is_no_loose_body(dose, codes):
    job = block_and_pixel(dose)
    seen = Recorder(job)
    found = check_layers(job, [seen, BodyCheck(job.grid, CheckLimits.of(job))])
    assert bool(seen.final[5, 4, 8]) == (dose > 1)
    assert [f.code for f in found] == codes


def test_what_a_tenth_of_ec_joins_is_a_warning_not_an_error():
    levels = np.zeros((8, 9, 12), np.uint8)
    levels[:, 2:7, 2:6] = 255
    levels[4:6, 3:6, 7:10] = 255
    levels[4:6, 4, 6] = level_for(0.85)  # with what the upper of the two lets through: near to Ec
    job = oracle.job_of_levels(levels)
    threshold = job.resin.resin.ec_mj_cm2.value
    nearest = oracle.doses(job)[-1, 4, 4, 6] / threshold
    assert 0.9 < nearest < 1.0
    [found] = check_layers(job, [BodyCheck(job.grid, CheckLimits.of(job))])
    assert (found.code, found.severity) == ("island", "warning") and "a tenth of Ec decides" in found.message


def test_gray_that_later_light_cures_by_and_by_is_no_island():
    levels = np.zeros((8, 9, 14), np.uint8)
    levels[:, 2:7, 2:6] = 255
    levels[3, 4, 6:11] = level_for(0.85, 10.0)
    levels[4, 4, 10] = level_for(0.82, 10.0)  # its light cures the pixel below first
    levels[6, 4, 6:11] = 255
    job = oracle.job_of_levels(levels, dp_um=10.0)
    check = BodyCheck(job.grid, CheckLimits.of(job))
    assert check_layers(job, [check]) == []
    assert check._count[0] > 1  # it began by itself


@pytest.mark.parametrize(("dose", "codes"), [(0.5, ["resin-trap"]), (0.8, ["resin-trap"]), (0.95, [])])
def test_gray_that_a_tenth_of_ec_cures_is_no_void(dose, codes):
    levels = np.full((7, 9, 9), 255, np.uint8)
    levels[3, 4, 4] = level_for(dose)
    job = oracle.job_of_levels(levels, dp_um=2.0, dose_over_ec=20.0 * float(np.exp(5.0 / 2.0 - 5.0 / 4.0)))
    nearest = oracle.doses(job)[-1, 3, 4, 4] / job.resin.resin.ec_mj_cm2.value
    assert (nearest < 0.9) == bool(codes) and nearest < 1.0
    limits = msgspec.structs.replace(CheckLimits.of(job), min_void_um3=job.grid.pixel_um2 * job.grid.thickness_um[0])
    assert [f.code for f in check_layers(job, [VoidCheck(job.grid, limits)])] == codes


@pytest.mark.parametrize(("size", "codes"), [((1, 1, 3), []), ((1, 2, 2), []), ((2, 2, 2), ["resin-trap"]), ((2, 1, 4), ["resin-trap"])])
def test_what_rounding_leaves_of_a_slit_is_no_void(size, codes):
    """Smaller ones than two by two pixels, two layers high, lie where a slit narrows below a pixel, as between a ball and its race."""
    levels = np.full((9, 12, 12), 255, np.uint8)
    levels[3 : 3 + size[0], 4 : 4 + size[1], 4 : 4 + size[2]] = 0
    job = oracle.job_of_levels(levels, dp_um=2.0, dose_over_ec=20.0)
    assert [f.code for f in check_layers(job, [VoidCheck(job.grid, CheckLimits.of(job))])] == codes


@pytest.mark.parametrize(("born", "far", "codes"), [(4, 7, []), (3, 10, ["island"])])
def test_what_is_set_with_the_wall_beside_it_is_no_island(born, far, codes):
    levels = np.zeros((8, 9, 14), np.uint8)
    levels[:, 2:7, 2:6] = 255
    levels[born, 4, far] = 255  # near the block its light cures the dark pixel below, which is taken as set with the block
    joining = 4 if far == 7 else 5
    levels[joining, 4, 6:far] = level_for(1.5, 7.0)
    levels[joining, 4, far] = 255
    job = oracle.job_of_levels(levels, dp_um=7.0)
    check = BodyCheck(job.grid, CheckLimits.of(job))
    assert [f.code for f in check_layers(job, [check])] == codes
    assert check.bodies()
