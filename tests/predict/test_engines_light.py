"""Prediction of two engines: Σ E/Ec of both lights, each by its own Dp and blur, against an independent sum at points."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pmsl
from pmsl.errors import JobError
from pmsl.predict.light.engines_light import shares_along
from tests.engine_plates import COARSE_UM, FINE, FINE_UM, measured, parts_on_both, replace, two_engine_job, two_wavelength_resin
from tests.solids import box

SIGMA = 0.36
CURVES = ((60.0, 12.0), (30.0, 8.0))


def light_at(job, k, engine, x, y):
    """Dose of one exposure at points of the plate: every lit pixel a box seen through a Gaussian; slow and plain."""
    grid, total = job.engines[engine].grid, np.zeros(len(x))
    for e in (e for e in job[k].exposures if e.engine == engine):
        levels = e.mask.dense(np.float64)
        sigma = SIGMA * grid.pitch_um[0]
        for row, col in zip(*np.nonzero(levels), strict=True):
            x0, y0 = grid.origin_um + grid.pitch_um * (col, row)
            wide = [
                0.5 * (math.erf((p - a) / (sigma * math.sqrt(2))) - math.erf((p - a - grid.pitch_um[0]) / (sigma * math.sqrt(2))))
                for a, ps in ((x0, x), (y0, y))
                for p in ps
            ]
            n = len(x)
            total += levels[row, col] * e.dose_mj_cm2 * np.array(wide[:n]) * np.array(wide[n:])
    return total


@pytest.fixture(scope="module")
def overlapping():
    """A coarse block whose middle the fine engine lights too, neither enough to cure alone at the far face."""
    parts = [pmsl.Part(solid=box((106.4, 68.4, 0), (152, 114, 20))), pmsl.Part(solid=box((120, 80, 0), (140, 100, 20)), engine=FINE)]
    return two_engine_job(parts)


def test_doses_add_as_shares_of_their_ec(overlapping):
    job, seen = overlapping, {}
    pmsl.simulate(job, watch=[lambda layer: seen.setdefault(layer.lit.index, (layer.lit.dose.copy(), layer.window))])
    rng = np.random.default_rng(1)
    for k in (1, 0):
        dose, window = seen[k]
        rows, cols = rng.integers(0, dose.shape[0], 40), rng.integers(0, dose.shape[1], 40)
        x = job.grid.origin_um[0] + (window.col0 + cols + 0.5) * FINE_UM
        y = job.grid.origin_um[1] + (window.row0 + rows + 0.5) * FINE_UM
        wanted = np.zeros(40)
        for above in range(k, 2):
            for engine, (dp, ec) in enumerate(CURVES):
                wanted += light_at(job, above, engine, x, y) / ec * math.exp(-10.0 * (above - k) / dp)
        got = dose[rows, cols] / CURVES[0][1]
        assert np.abs(got - wanted).max() < 0.02 * wanted.max()  # a coarse pixel's border lies between fine ones
        assert wanted.max() > 2.5  # where both shine


def test_light_of_the_fine_engine_is_that_of_a_job_of_it_alone():
    """On its own pixels: walls and doses of the part that it prints are those of one engine."""
    both = two_engine_job()
    printer, resin = both.printer, both.resin
    alone = pmsl.prepare([parts_on_both()[1]], printer, resin, both.process)
    there, here = {}, {}
    pmsl.simulate(both, watch=[lambda layer: there.setdefault(layer.lit.index, (layer.lit.dose.copy(), layer.window))])
    pmsl.simulate(alone, watch=[lambda layer: here.setdefault(layer.lit.index, (layer.lit.dose.copy(), layer.window))])
    for k in range(5):
        (big, wide), (small, own) = there[k], here[k]
        row, col = own.row0 + 30 - wide.row0, own.col0 + 50 - wide.col0  # the corner of its field, in pixels of 2 µm
        cut = big[row : row + own.rows, col : col + own.cols]
        assert np.abs(cut * (8.0 / 12.0) - small).max() < 2e-4 * small.max()


def test_it_is_held_against_its_design(overlapping):
    found = pmsl.simulate(two_engine_job())
    assert found.iou > 0.9 and found.epe_um["lost"] <= 10
    assert found.model["psf"] == "gaussian"


def test_shares_of_pixels_keep_the_light():
    shares = shares_along(0.0, 2.0, 60, 7.6, 7.6, 12)
    assert shares.sum(axis=0) * 2.0 == pytest.approx(np.full(12, 7.6))
    assert shares.max() <= 1 + 1e-12 and (shares.sum(axis=1) <= 1 + 1e-12).all()
    assert np.array_equal(shares_along(4.0, 2.0, 3, 0.0, 2.0, 6), np.eye(6)[2:5])
    assert pytest.approx(3.8) == COARSE_UM / FINE_UM


def test_what_is_not_predicted_together_is_refused_by_name():
    resin = two_wavelength_resin()
    row = replace(resin.wavelength[0], induction_mj_cm2=measured(1.0))
    job = two_engine_job(resin=replace(resin, wavelength=[row]))
    with pytest.raises(JobError, match="engine fine: several light engines are predicted together for Gaussian blur"):
        pmsl.simulate(job)
