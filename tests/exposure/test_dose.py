"""Dose maps at the mirror and at the exposure plane: closed forms, conservation, windows, one preparation for a job."""

import math
import threading

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printer_resin_pairs import printer_for
from scipy.special import erf
from solids import box
from tiers import examples

import pmsl
from pmsl.core.mask import LayerMask, Window
from pmsl.errors import ExposureError, UsageError
from pmsl.exposure import DoseMaker
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.optics import Gaussian, Lorentzian, Sampled, spread, spread_in_tiles, target_of
from pmsl.profiles.printer import FlatField, Psf
from pmsl.profiles.process import Motion
from pmsl.profiles.tables.strict_struct import Value

RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
PRINTER = printer_for(RESIN)
SHAPE = (40, 60)
P = 27.0
SPOT = np.array([[0, 1, 0], [2, 4, 1], [0, 0, 1]]) / 9
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


def small(flat=None, psf=None):
    optics = replace(PRINTER.optics, flat_field=flat, psf=psf or Psf(sigma_pitch=value(0.36)))
    return replace(PRINTER, dmd=replace(PRINTER.dmd, shape=value(SHAPE)), optics=optics)


def job_of(solid, printer):
    return pmsl.prepare([solid], printer, RESIN, PROCESS)


def erf_sum(dose, sigma):
    """Brute force: every pixel's square, spread by a Gaussian, its mean over every pixel by Simpson's rule along x and y."""
    nodes = np.linspace(-0.5, 0.5, 41)
    weights = np.ones(41)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    weights /= weights.sum()
    out = []
    for n in dose.shape:
        x = np.arange(n)[:, None, None] + nodes[None, None, :] - np.arange(n)[None, :, None]
        line = 0.5 * (erf((x + 0.5) / (math.sqrt(2) * sigma)) - erf((x - 0.5) / (math.sqrt(2) * sigma)))
        out.append(line @ weights)
    return out[0] @ dose @ out[1].T


def test_the_plane_is_the_sum_of_every_pixels_erf_product():
    job = job_of(box((5.3 * P, 6 * P, 0), (31.25 * P, 33.6 * P, 30)), small(FlatField(vignetting=value(0.3))))
    mirror, plane = pmsl.dose_map(job, job[1]), pmsl.dose_map(job, job[1], at="plane")
    assert (mirror.at, plane.at, plane.dose.dtype) == ("mirror", "plane", np.float32)
    assert plane.dense() == pytest.approx(erf_sum(mirror.dense().astype(float), 0.36), rel=2e-6, abs=1e-5)


def test_light_is_kept_away_from_the_edge_of_the_field_and_lost_beyond_it():
    inside = job_of(box((5.3 * P, 6 * P, 0), (31.25 * P, 33.6 * P, 30)), small())
    sums = [pmsl.dose_map(inside, inside[1], at).dose.sum(dtype=float) for at in ("mirror", "plane")]
    assert sums[1] == pytest.approx(sums[0], rel=1e-7)
    whole = job_of(box((0, 0, 0), (60 * P, 40 * P, 30)), small())
    plane = pmsl.dose_map(whole, whole[1], "plane")
    assert plane.window == Window(0, 0, *SHAPE)
    white = whole[1].exposures[0].dose_mj_cm2
    assert plane.dose[20, 30] == np.float32(white)
    lost = erf_sum(np.ones(SHAPE), 0.36)[20, 0]
    assert 0.5 < lost < 1 and plane.dose[20, 0] == pytest.approx(white * lost, rel=1e-6)


def test_the_window_grows_by_the_reach_and_stops_at_the_field():
    job = job_of(box((2 * P, 10 * P, 0), (20 * P, 38 * P, 30)), small())
    reach = Gaussian((0.36, 0.36)).reach_px[0]
    window = pmsl.dose_map(job, job[1], "plane").window
    assert window == Window(10 - reach, 0, 28 + reach + 2, 20 + reach)
    assert pmsl.dose_map(job, job[1]).window == Window(10, 2, 28, 18)


@pytest.mark.parametrize(
    "psf",
    [
        Gaussian((0.36, 0.5)),
        Gaussian((0.3, 0.3), 0.959),
        Sampled(SPOT, (0.6, 0.4)),
    ],
    ids=["gaussian", "box", "sampled"],
)
@settings(max_examples=examples(5))
@given(st.integers(0, 1 << 30), st.integers(0, 3))
def test_tiles_of_one_value_are_what_spreading_gives(psf, seed, shapes):
    rng, field = np.random.default_rng(seed), (90, 300)
    source = Window(int(rng.integers(0, 20)), int(rng.integers(0, 40)), int(rng.integers(1, 70)), int(rng.integers(1, 260)))
    light = np.zeros((source.rows, source.cols))
    for _ in range(shapes):
        r, c = rng.integers(0, source.rows), rng.integers(0, source.cols)
        light[r : r + rng.integers(1, 60), c : c + rng.integers(1, 200)] = rng.choice([1.0, 0.25])
    target = target_of(source, field, psf)
    assert spread_in_tiles(light, source, target, psf) == pytest.approx(spread(light, source, target, psf), abs=1e-11)


def test_a_spread_without_end_is_spread_as_a_whole():
    psf, source = Lorentzian((0.3, 0.5)), Window(3, 4, 20, 30)
    light = np.pad(np.ones((6, 9)), ((5, 9), (11, 10)))
    target = target_of(source, SHAPE, psf)
    assert target == Window(0, 0, *SHAPE)
    assert np.array_equal(spread_in_tiles(light, source, target, psf), spread(light, source, target, psf))


def test_events_are_the_exposures_one_by_one_repeats_counted():
    job = job_of(box((5 * P, 6 * P, 0), (20 * P, 20 * P, 30)), small())
    first = job[1].exposures[0]
    other = LayerMask.from_dense(1, np.eye(40, 60, dtype=np.uint8) * 200)
    plan = LayerPlan(
        index=1,
        z_top_um=20,
        thickness_um=10,
        motion=Motion(),
        exposures=(first, Exposure(mask=other, time_s=0.5, dose_mj_cm2=0.5 * 20.5, power=1.0, repeat=2)),
    )
    maker = DoseMaker.of(job)
    for at in ("mirror", "plane"):
        events = maker.events(plan, at)
        assert len(events) == 3 and np.array_equal(events[1].dense(), events[2].dense())
        assert sum(e.dense() for e in events) == pytest.approx(maker.map(plan, at).dense(), rel=1e-5, abs=1e-5)
    assert maker.events(plan)[1].dense()[7, 7] == pytest.approx(0.5 * 20.5 * 200 / 255)


def test_an_empty_layer_has_no_dose_anywhere():
    job = pmsl.prepare([box((54, 54, 0), (108, 108, 10)), box((54, 54, 30), (108, 108, 40))], small(), RESIN, PROCESS)
    for at in ("mirror", "plane"):
        assert pmsl.dose_map(job, job[1], at).dense().max() == 0


@pytest.mark.parametrize("change", [{"offset_um": (5.0, 0.0)}, {"focus_um": 50.0}])
def test_the_plane_of_exposures_out_of_place_or_focus_is_refused(change):
    job = job_of(box((5 * P, 6 * P, 0), (20 * P, 20 * P, 30)), small())
    e = job[1].exposures[0]
    moved = Exposure(mask=e.mask, time_s=e.time_s, dose_mj_cm2=e.dose_mj_cm2, power=e.power, **change)
    plan = LayerPlan(index=1, z_top_um=20, thickness_um=10, motion=Motion(), exposures=(moved,))
    assert pmsl.dose_map(job, plan).dense().max() > 0
    with pytest.raises(ExposureError, match="layer 1: an exposure with stage offset"):
        pmsl.dose_map(job, plan, "plane")
    with pytest.raises(UsageError, match="'window'.*'mirror'.*'plane'"):
        pmsl.dose_map(job, plan, at="window")


def test_flat_field_and_blur_are_prepared_once_for_a_job(monkeypatch):
    import pmsl.exposure.dose as module

    calls, real = [], module.flat_field
    monkeypatch.setattr(module, "flat_field", lambda printer: calls.append(printer) or real(printer))
    job = job_of(box((5 * P, 6 * P, 0), (20 * P, 20 * P, 60)), small(FlatField(vignetting=value(0.3))))
    for plan in job.layers():
        pmsl.dose_map(job, plan)
    assert len(calls) == 1
    other = job_of(box((5 * P, 6 * P, 0), (20 * P, 20 * P, 60)), small())
    assert pmsl.dose_map(other, other[3]).dense().max() != pmsl.dose_map(job, job[3]).dense().max()


def test_threads_get_the_same_maps():
    job = job_of(box((5.3 * P, 6 * P, 0), (31.25 * P, 33.6 * P, 60)), small(FlatField(vignetting=value(0.3))))
    found = {}
    threads = [threading.Thread(target=lambda k=k: found.setdefault(k, pmsl.dose_map(job, job[k % 6], "plane").dense())) for k in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(np.array_equal(found[k], found[k + 6]) for k in range(6))


def test_a_part_of_a_mask_is_cut_from_runs_as_from_the_whole():
    rng = np.random.default_rng(4)
    levels = (rng.random((20, 30)) < 0.5) * rng.integers(0, 65536, (20, 30))
    levels[:4], levels[:, 25:] = 0, 0
    dense = LayerMask.from_dense(0, levels.astype(np.uint16))
    runs = LayerMask.from_runs(0, (20, 30), dense.window.row0, dense.runs())
    for window in (dense.window, Window(0, 0, 20, 30), Window(2, 0, 18, 27), Window(6, 3, 9, 11), Window(0, 0, 0, 0)):
        for dtype in (np.uint8, np.uint16, np.float64):
            row0, col0, rows, cols = window
            wanted = dense.dense(dtype)[row0 : row0 + rows, col0 : col0 + cols]
            assert np.array_equal(runs.within(window, dtype), wanted) and np.array_equal(dense.within(window, dtype), wanted)
