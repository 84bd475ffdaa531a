"""Predictions of jobs whose liquid is exchanged by contact, through the public path: against an oracle, and against both old memories."""

import dataclasses
import math
from functools import cache

import numpy as np
import pytest
from contact_oracle import Print
from msgspec.structs import replace
from predictions import PX, H, job_of, printer, process, resin, tunnel, value
from solids import box

import pmsl
from pmsl.errors import JobError

DP = 20.0


def liquid(job, memory, renewal=None, reach=None):
    """The same job in another resin."""
    material = job.resin.resin
    more = {} if renewal is None else {"renewal": value(renewal), "reach_um": value(reach)}
    return dataclasses.replace(job, resin=replace(job.resin, resin=replace(material, memory=value(memory), **more)))


def closed_tunnel():
    """The tunnel of `predictions` with walls at its ends."""
    z = 20.0 + 200.0 + 60.0
    return [tunnel(60.0), box((100, 80, 0), (110, 400, z)), box((390, 80, 0), (400, 400, z))]


@cache
def jobs():
    return {"open ends": job_of([tunnel(60.0)], dp=DP), "closed ends": job_of(closed_tunnel(), dp=DP)}


def fronts(job):
    found = {}
    pmsl.simulate(job, watch=[lambda s: found.update({s.lit.index: s.lit.front.copy()})])
    return np.array([found[k] for k in range(job.n_layers)])


@pytest.mark.parametrize(("ends", "reach"), [
    ("open ends", math.inf), ("closed ends", 300.0), *(pytest.param(*case, marks=pytest.mark.slow) for case in
    [("open ends", 300.0), ("closed ends", math.inf)]),
])  # fmt: skip
def test_roofs_and_walls_are_the_oracles(ends, reach):
    job = liquid(jobs()[ends], "contact", 1.0, reach)
    frames = np.array([job[k].exposures[0].mask.dense(np.uint8) / 255 for k in range(job.n_layers)])
    white = job[0].exposures[0].dose_mj_cm2
    truth = Print(frames, np.full(job.n_layers, white), H, PX, 0.36, DP, 10.0, 1.0, reach, sub=1, slices=4)
    seen = fronts(job)
    for k in range(2, job.n_layers):
        got = np.clip(seen[k], 0, 1)
        for depth in (2.0, 5.0, 8.0):
            right = truth.most(np.arange(48) + 0.5, np.arange(56) + 0.5, (k + 1) * H - depth) / 10.0
            sure = np.abs(np.log(np.maximum(right, 1e-9))) > 0.3 / DP
            assert ((got * H > depth) == (right > 1))[sure].all(), k


def test_both_old_memories_are_its_limits():
    """Nothing renewed: enclosed to the last digit that single precision has; all renewed, no overhang: open."""
    kept, none = (fronts(liquid(jobs()["open ends"], *rule)) for rule in (("enclosed",), ("contact", 0.0, 50.0)))
    assert np.abs(np.clip(kept, 0, 1) - np.clip(none, 0, 1)).max() < 1e-4
    solid = job_of([box((100, 80, 0), (400, 400, 100))], dp=DP)
    replaced, renewed = (fronts(liquid(solid, *rule)) for rule in (("open",), ("contact", 1.0, math.inf)))
    assert np.abs(np.clip(replaced, 0, 1) - np.clip(renewed, 0, 1)).max() < 1e-12


def test_a_closed_channel_is_enclosed_and_its_outer_walls_are_open():
    job = jobs()["closed ends"]
    by = {m: pmsl.simulate(liquid(job, *rule)) for m, rule in {
        "enclosed": ("enclosed",), "open": ("open",), "contact": ("contact", 1.0, math.inf),
    }.items()}  # fmt: skip
    down = {m: p.z_error_um["down"]["median"] for m, p in by.items()}
    assert down["contact"] == pytest.approx(down["enclosed"], abs=0.1) and down["open"] > down["enclosed"] + 8
    assert by["contact"].epe_um["median"] < by["enclosed"].epe_um["median"] - 1.0
    assert by["contact"].model["renewal"] == 1.0 and by["contact"].model["reach_um"] is None
    assert "renewal" not in by["open"].model


def test_the_exchange_is_followed_once_for_a_job():
    job = liquid(jobs()["open ends"], "contact", 0.5, 100.0)
    first = pmsl.simulate(job)
    shares = dict(job.prepared["contact_shares"])
    again = pmsl.simulate(job, threads=1)
    assert job.prepared["contact_shares"] == shares and len(shares) == 1
    assert first.as_dict() == again.as_dict()


def test_a_job_without_its_design_is_refused(tmp_path):
    job = liquid(jobs()["open ends"], "contact", 1.0, math.inf)
    pmsl.write(job, tmp_path / "j", design=False)
    with pytest.raises(JobError, match="holds no design"):
        pmsl.simulate(pmsl.read(tmp_path / "j"))
    pmsl.write(job, tmp_path / "whole")
    again = pmsl.read(tmp_path / "whole")
    assert again.resin == job.resin and again.resin.resin.reach_um.value == "inf"
    assert pmsl.simulate(again).as_dict()["z_error_um"] == pmsl.simulate(job).as_dict()["z_error_um"]


@pytest.mark.slow
def test_the_sample_chip_with_open_wells(samples):
    """At a reach of nothing only outer walls are renewed; the farther it reaches the less is cured below roofs."""
    chip = pmsl.load_solid(samples / "microfluidic_chip.stl")
    made = printer(shape=(272, 472))
    made = replace(made, optics=replace(made.optics, pitch_um=value((20.0, 20.0))))
    placed = pmsl.place([chip], made, resin(2 * DP))
    job = pmsl.prepare(placed, made, resin(2 * DP), process(20.0, 20.0))
    down = []
    for rule in (("enclosed",), ("contact", 1.0, 1e-6), ("contact", 1.0, 200.0), ("contact", 1.0, math.inf), ("open",)):
        down.append(pmsl.simulate(liquid(job, *rule)).z_error_um["down"]["median"])
        print(rule, down[-1])
    assert down == sorted(down) and down[1] == pytest.approx(down[0], abs=0.5) and down[4] > down[0] + 5
