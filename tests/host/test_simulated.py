"""The simulated machine: the dose it was given is the dose map; its time is the estimate; nothing heavy is loaded."""

import subprocess
import sys
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from host_doubles import doubled, small_job, small_printer

import pmsl
from pmsl.errors import HostError, UsageError
from pmsl.profiles.printer import FlatField, Orientation, Response
from pmsl.profiles.tables.strict_struct import Value


def value(x):
    return Value(value=x, class_="measured", source="test")


GAMMA = Response(kind="gamma", gamma=value(2.2))
VIGNETTE = msgspec.structs.replace(small_printer().optics, flat_field=FlatField(vignetting=value(0.3)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"response": GAMMA},
        {"optics": VIGNETTE, "response": GAMMA},
        {"orientation": Orientation(row="+x", col="-y"), "optics": VIGNETTE},
    ],
)
def test_the_delivered_dose_is_the_dose_map_of_every_layer(changes):
    job = doubled(small_job(4, **changes))
    machine, given = pmsl.host.Simulation(job), []

    def tell(status):
        if status.state == "layer done":
            given.append(machine.engine.dose(status.layer))

    pmsl.host.play(job, machine.engine, machine.stage, clock=machine.clock, on_status=tell)
    assert len(given) == 4
    for plan, dose in zip(job.layers(), given, strict=True):
        wanted = pmsl.dose_map(job, plan)
        assert (dose.index, dose.at, dose.shape) == (wanted.index, "mirror", wanted.shape)
        assert np.array_equal(dose.dense() > 0, wanted.dense() > 0) and wanted.dose.max() > 0
        np.testing.assert_allclose(dose.dense(), wanted.dense(), rtol=1e-6)


def test_its_time_is_the_estimate_but_for_the_layers_own_height():
    job = small_job(5)
    machine = pmsl.host.Simulation(job)
    status = pmsl.host.play(job, machine.engine, machine.stage, clock=machine.clock)
    m = job.process.motion
    assert status.elapsed_s == pytest.approx(job.estimate().print_time_s, abs=5 * 20 / min(m.lift_um_s, m.retract_um_s) + 1e-9)
    assert status.light_s == pytest.approx(sum(e.time_s for plan in job.layers() for e in plan.exposures))


def test_a_dark_layer_has_no_dose():
    engine = pmsl.host.Simulation(small_job(1)).engine
    assert engine.dose().dense().max() == 0 and engine.dose().window == (0, 0, 0, 0)
    engine.load(np.zeros((24, 40), np.uint8))
    engine.expose(1.0, 1.0)
    assert engine.dose().dense().max() == 0


def test_the_dose_is_the_sum_in_closed_form_until_it_is_cleared():
    job = small_job(1, response=GAMMA)
    engine = pmsl.host.SimulatedEngine(job)
    frame = np.zeros((24, 40), np.uint8)
    frame[0, 0], frame[-1, 5] = 255, 51  # frame row 0 is the largest y
    (setting,) = job.printer.optics.settings
    for time_s in (0.5, 1.25):
        engine.load(frame)
        assert engine.expose(time_s, setting.power) == time_s
    dose = engine.dose(7).dense()
    white = 1.75 * setting.irradiance_mw_cm2.value
    assert dose[-1, 0] == pytest.approx(white, rel=1e-6) and dose[0, 5] == pytest.approx(white * 0.2**2.2, rel=1e-6)
    assert np.count_nonzero(dose) == 2
    engine.clear()
    assert engine.dose().dense().max() == 0


def test_what_it_refuses():
    job = small_job(1)
    machine = pmsl.host.Simulation(job)
    engine = machine.engine
    with pytest.raises(HostError, match="no frame"):
        engine.expose(1.0, 1.0)
    engine.load(np.zeros((24, 40), np.uint8))
    with pytest.raises(HostError, match="uint8"):
        engine.load(np.zeros((24, 40), np.uint16))
    with pytest.raises(HostError, match="no frame"):  # a frame that failed takes the one before with it
        engine.expose(1.0, 1.0)
    engine.load(np.zeros((24, 40), np.uint8))
    for wrong in (0.0, -1.0, 1e9, float("nan")):
        with pytest.raises(HostError, match="at most"):
            engine.expose(wrong, 1.0)
        with pytest.raises(HostError, match="asked for power"):
            engine.expose(1.0, wrong)
    for wrong in (-1.0, 1e9, float("nan")):
        with pytest.raises(HostError, match="reaches from 0"):
            machine.stage.move(wrong, 1.0, 1.0)
    with pytest.raises(UsageError, match="engine 1"):
        pmsl.host.SimulatedEngine(job, 1)


def test_protocols():
    machine = pmsl.host.Simulation(small_job(1))
    assert isinstance(machine.engine, pmsl.host.LightEngine) and isinstance(machine.stage, pmsl.host.Stage)
    assert not hasattr(machine.engine, "on")


def loaded_after(code):
    done = subprocess.run([sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


HEAVY = {"numba", "llvmlite", "trimesh", "shapely", "scipy", "skimage", "tifffile", "PIL"}


def test_importing_the_host_and_playing_a_written_job_load_neither_compiler_nor_mesh_library(tmp_path):
    assert not HEAVY & loaded_after("import pmsl.host")
    job = small_job(3)
    pmsl.write(job, tmp_path / "job.zip")
    code = (
        f"import pmsl, pmsl.host; job = pmsl.read({str(tmp_path / 'job.zip')!r})\n"
        "m = pmsl.host.Simulation(job)\n"
        f"s = pmsl.host.play(job, m.engine, m.stage, clock=m.clock, record={str(tmp_path / 'p.jsonl')!r})\n"
        "assert (s.state, s.exposures_done) == ('done', 3)"
    )
    assert not HEAVY & loaded_after(code)


def tall(layers):
    """A job of many layers, all of one plan: what grows with the height is the host's own."""
    job = small_job(2)
    edges = np.arange(layers + 1) * 10.0
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=job.grid.pitch_um, shape=job.grid.shape, z_edges_um=edges)
    plan = job[0]

    def plan_layer(k):
        return replace(plan, index=k, z_top_um=float(edges[k + 1]), exposures=plan.exposures)

    printer = msgspec.structs.replace(
        job.printer, stage=msgspec.structs.replace(job.printer.stage, travel_um=value(float(edges[-1]) + 1e3))
    )
    return replace(job, engines=(replace(job.engines[0], grid=grid),), printer=printer, n_layers=layers, plan_layer=plan_layer)


@pytest.mark.parametrize("layers", [600, pytest.param(30_000, marks=pytest.mark.slow)])
def test_a_tall_job_plays_in_bounded_memory(layers):
    import tracemalloc

    job, peaks = tall(layers), []
    machine = pmsl.host.Simulation(job)

    def tell(status):
        if status.state == "layer done" and status.layer in (layers // 10, layers - 1):
            peaks.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        status = pmsl.host.play(job, machine.engine, machine.stage, clock=machine.clock, on_status=tell)
    finally:
        tracemalloc.stop()
    assert status.layers_done == layers
    assert peaks[1] - peaks[0] < 300_000  # bytes; a frame of this small job has 960, all of them would have 960 a layer
