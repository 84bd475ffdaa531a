"""Hosts killed at random moments, again and again: nothing is lit twice, and nothing is missed unsaid."""

import os
import random
import re
from collections import Counter
from dataclasses import replace

import pytest
from host_doubles import doubled, small_job, with_exposures
from host_kill import killed, play

from pmsl.formats.adapt.last_lit_layer import up_to
from pmsl.pipeline import with_pauses
from tests.fields.test_field_jobs import plate_job

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of fork where other tests left threads: the child uses none of theirs
]
KILLS, INSIDE = 50, 16  # in all, and inside a layer of several exposures


@pytest.fixture(scope="module")
def job():
    """Four layers, one of a single light, one dark; layers of four lights: two exposures, the second three times."""
    many = doubled(small_job(4))
    return with_exposures(many, lambda k, es: {1: es[:1], 2: ()}.get(k, es))


def keys(job):
    return [(k, j, r) for k in range(len(job)) for j, e in enumerate(job[k].exposures) for r in range(e.repeat)]


def really_lit(path):
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()] if path.exists() else []


def printed(job, folder, moments, decide):
    """Print, killed at each of `moments` in turn, and then to the end; return what was really lit, what was said, and the last status.

    `decide(key, lit)` says whether a light in doubt is given again; a person looks at the part, so it knows what was lit.
    """
    truth, record, options, named = folder / "truth", folder / "played.jsonl", {}, []
    for at in [*moments, 0]:
        resume = {"resume": True} if record.exists() else {}
        while (said := killed(job, truth, record, at, **resume, **options)) not in ("killed", "done"):
            found = re.match(r"HostError: layer (\d+), exposure (\d+), repeat (\d+): may have got no light.*--relight \1.*--skip \1", said)
            if found is None:
                assert said.startswith("JobError") and "record is empty" in said, said
                assert really_lit(truth) == []  # nothing can have been lit before the record begins
                record.unlink()
                resume = {}
                continue
            key = tuple(map(int, found.groups()))
            named.append(key)
            options = {"relight" if decide(key, really_lit(truth)) else "skip": key[0]}
            resume = {"resume": True}
        options = {}
        if said == "done":
            return really_lit(truth), named
    raise AssertionError("the last run is not killed")


def moments_of(job, tmp_path, seed, runs, inside=False):
    """Moments at which runs are killed; `inside` the first layer, of several exposures, only."""
    n = play(job, tmp_path / "all", tmp_path / "all.jsonl", 0)
    rng = random.Random(seed)
    return [rng.randrange(1, n // 4 if inside else n) for _ in range(runs)]


def look_at_the_part(key, lit):
    return key not in lit


@pytest.mark.parametrize("seed", range(6))
def test_one_kill_anywhere(job, tmp_path, seed):
    lit, named = printed(job, tmp_path, moments_of(job, tmp_path, seed, 1), look_at_the_part)
    assert lit == keys(job) and len(named) <= 1


def test_kills_in_one_layer_of_several_exposures_and_in_the_runs_that_go_on(job, tmp_path):
    lit, _ = printed(job, tmp_path, moments_of(job, tmp_path, 1, INSIDE, inside=True), look_at_the_part)
    assert lit == keys(job)


@pytest.mark.parametrize("relight", [True, False])
def test_without_a_look_at_the_part_each_light_that_is_missing_or_doubled_was_named(job, tmp_path, relight):
    lit, named = printed(job, tmp_path, moments_of(job, tmp_path, 2, 8, inside=True), lambda key, lit: relight)
    times = Counter(lit)
    wrong = {key for key in keys(job) if times[key] != 1}
    assert wrong <= set(named) and set(times) <= set(keys(job))
    assert all(times[key] >= 1 for key in keys(job)) if relight else all(times[key] <= 1 for key in keys(job))


@pytest.fixture(scope="module")
def plate():
    """Two layers of 2 × 2 fields, and a pause before the second."""
    job, _ = plate_job(counts=(2, 2))
    kept = replace(job, engines=tuple(replace(e, grid=up_to(e.grid, 2)) for e in job.engines), n_layers=2)
    layers = [kept[k] for k in range(2)]
    return with_pauses(replace(kept, plan_layer=lambda k: layers[k]), ["1=change the resin"])


def fields_and_pauses(lit):
    """What was lit without what the operator confirmed; the latter must come before the light behind it."""
    pauses = [i for i, key in enumerate(lit) if key[0] < 0]
    assert pauses and pauses[-1] < min(i for i, key in enumerate(lit) if key[0] == 1)
    return [key for key in lit if key[0] >= 0], len(pauses)


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_between_two_fields_of_a_layer(plate, tmp_path, seed):
    """Every field is lit once, at its place."""
    assert [len(plate[k].exposures) for k in range(2)] == [4, 4]
    lit, named = printed(plate, tmp_path, moments_of(plate, tmp_path, seed, 3), look_at_the_part)
    lit, pauses = fields_and_pauses(lit)
    assert lit == keys(plate) and len(named) <= 3 and pauses <= 3


@pytest.mark.slow
def test_fifty_random_kills_between_fields(plate, tmp_path):
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        lit, _ = fields_and_pauses(printed(plate, folder, moments_of(plate, folder, seed, KILLS // 10), look_at_the_part)[0])
        assert lit == keys(plate), seed


@pytest.mark.slow
def test_every_moment_of_a_plate_is_one_it_can_be_killed_at(plate, tmp_path):
    n = play(plate, tmp_path / "all", tmp_path / "all.jsonl", 0)
    for at in range(1, n + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        lit, named = printed(plate, folder, [at], look_at_the_part)
        lit, pauses = fields_and_pauses(lit)
        assert lit == keys(plate) and len(named) <= 1 and pauses <= 2, at


@pytest.mark.slow
def test_every_moment_of_a_print_is_one_it_can_be_killed_at(job, tmp_path):
    n = play(job, tmp_path / "all", tmp_path / "all.jsonl", 0)
    assert n > 100
    for at in range(1, n + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        lit, named = printed(job, folder, [at], look_at_the_part)
        assert lit == keys(job) and len(named) <= 1, at


@pytest.mark.slow
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("how", ["look", "relight", "skip"])
def test_fifty_random_kills(job, tmp_path, inside, how):
    """Of one print after the other, each killed many times before it is done."""
    decide = {"look": look_at_the_part, "relight": lambda key, lit: True, "skip": lambda key, lit: False}[how]
    for seed in range(10 if inside else 5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        lit, named = printed(job, folder, moments_of(job, folder, seed, 10, inside), decide)
        times = Counter(lit)
        wrong = {key for key in keys(job) if times[key] != 1}
        assert wrong <= (set() if how == "look" else set(named)) and set(times) <= set(keys(job)), (seed, wrong)
