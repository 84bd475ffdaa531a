"""What makes the layers of a job says all that may be asked of it; a plain function says what holds of any."""

import dataclasses

import numpy as np
from host_doubles import small_job

from pmsl.job.layer_source import FunctionSource, LayerSource, MappedLayers


def light(plan):
    return [(e.mask.sha256(), e.time_s, e.power) for e in plan.exposures]


def test_a_planner_knows_more_than_a_function_and_a_changed_job_passes_runs_on():
    job = small_job()
    source = job.layer_source
    assert source is job.plan_layer and source.origin is not None and len(source.times_s) == job.n_layers
    plain = dataclasses.replace(job, plan_layer=lambda k: job[k])
    assert isinstance(plain.layer_source, FunctionSource) and plain.layer_source.origin is None and plain.layer_source.times_s is None
    seen = []
    changed = dataclasses.replace(job, plan_layer=MappedLayers(source, lambda plan: seen.append(plan.index) or plan))
    for one in (job, plain, changed):
        run = one.in_order()
        plans = run.plans([0, 1]) + run.plans(range(2, one.n_layers))
        for k in range(one.n_layers):
            run.passed(k)
        assert list(map(light, plans)) == [light(job[k]) for k in range(job.n_layers)]
        assert one.bare(-1).index == job.n_layers - 1
    assert seen == [*range(job.n_layers), job.n_layers - 1] and changed.layer_source.origin is None


def test_a_class_that_says_one_thing_more_is_asked_for_it():
    job = small_job()

    class Noted(LayerSource):
        def __init__(self):
            self.bares = []

        def __call__(self, k):
            return job[k]

        def bare(self, k):
            self.bares.append(k)
            return job[k]

    made = dataclasses.replace(job, plan_layer=Noted(), known_estimate=None)
    assert made.estimate() == job.estimate()
    assert made.plan_layer.bares == list(range(job.n_layers))
    assert made.layer_source.times_s is None and np.array_equal(made.grid.z_edges_um, job.grid.z_edges_um)
