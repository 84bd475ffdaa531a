"""Other people's hosts pull our exposures; skipped, and said so, where they are not installed (extra `hosts`)."""

import threading

import numpy as np
import pytest
from host_doubles import doubled, small_job

import pmsl


@pytest.fixture(scope="module")
def job():
    return doubled(small_job(3))


def test_fields_of_an_event(job):
    events = list(pmsl.host.useq_events(job, device="DMD"))
    assert len(events) == 3 * 4 and [e["index"]["repeat"] for e in events[:4]] == [0, 0, 1, 2]
    for event in events:
        e = job[event["index"]["layer"]].exposures[event["index"]["exposure"]]
        assert event["exposure"] == pytest.approx(1000 * e.time_s) == event["slm_image"]["exposure"]
        assert event["z_pos"] == pytest.approx(10 * (event["index"]["layer"] + 1))
        assert event["metadata"]["pmsl"]["sha256"] == e.mask.sha256() and event["slm_image"]["device"] == "DMD"


@pytest.mark.filterwarnings("default")
def test_the_runner_of_pymmcore_plus_pulls_our_events(job):
    useq = pytest.importorskip("useq", reason="useq-schema is not installed (extra `hosts`)")
    mda = pytest.importorskip("pymmcore_plus.mda", reason="pymmcore-plus is not installed (extra `hosts`)")
    shown, made = [], []

    class Engine(mda.PMDAEngine):
        def setup_sequence(self, sequence):
            return None

        def setup_event(self, event):
            shown.append((dict(event.index), event.z_pos, event.exposure, np.asarray(event.slm_image).copy()))

        def exec_event(self, event):
            return ()

    def events():
        for fields in pmsl.host.useq_events(job, prefetch=1):
            made.append(len(shown))
            yield useq.MDAEvent(**fields)

    runner = mda.MDARunner()
    runner.set_engine(Engine())
    runner.run(events())
    wanted = [(s, r) for s in pmsl.host.exposures(job) for r in range(s.repeat)]
    assert len(shown) == len(wanted)
    for (index, z_um, ms, frame), (shot, r) in zip(shown, wanted, strict=True):
        assert index == {"layer": shot.layer, "exposure": shot.exposure, "repeat": r}
        assert (z_um, ms) == (shot.z_um, 1000 * shot.time_s) and np.array_equal(frame, shot.frame) and frame.dtype == np.uint8
    assert max(n - i for i, n in enumerate(made)) <= 1  # pulled one by one, not all at once
    assert not [t for t in threading.enumerate() if t.name.startswith("pmsl-frame")]
