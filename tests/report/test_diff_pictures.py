"""Pictures of `pmsl.diff`: of the engine and the offset that differ, at the picture's resolution, in little memory."""

import tracemalloc

import numpy as np
import pytest
from diff_jobs import LEVELS, TIMES, two_engines, with_exposures
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs_of_arrays import MOTION, job_of
from PIL import Image
from tiers import examples

import pmsl
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import Runs
from pmsl.formats import incomplete_job
from pmsl.formats.incomplete_job import FileExposure, FileFacts
from pmsl.profiles.printer import Orientation
from pmsl.report.difference import diff_pictures, light_difference
from pmsl.report.difference.diff_pictures import LESS, MORE, diff_picture, picture_names
from pmsl.report.difference.light_difference import LightComparison


def colours(path):
    with Image.open(path) as picture:
        return {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}


def area(path, colour):
    with Image.open(path) as picture:
        return int((np.asarray(picture.convert("RGB")) == colour).all(axis=2).sum())


def drawn(a, b, path, **tolerances):
    (one, *_) = pmsl.diff(a, b, kinds=["light"], **{f"tolerance_{key}": value for key, value in tolerances.items()}).light
    diff_picture(LightComparison.of(a, b), one, ("a", "b"), path)
    return one


def test_the_engine_that_differs_is_drawn(tmp_path):
    one = drawn(two_engines(), two_engines(value1=55), tmp_path / "p.png")
    assert one.engine == 1
    assert area(tmp_path / "p.png", LESS) > 10_000 and area(tmp_path / "p.png", MORE) < 1_000  # beside the legend


def test_light_at_another_offset_is_drawn_where_it_is_missing(tmp_path):
    a = job_of(LEVELS, TIMES)
    b = with_exposures(a, lambda plan, e: {"offset_um": (5.0, 0.0)})
    one = drawn(a, b, tmp_path / "p.png")
    assert one.offset_um in ((0.0, 0.0), (5.0, 0.0)) and one.n_px == 2 * 20 * 38
    assert max(area(tmp_path / "p.png", colour) for colour in (MORE, LESS)) > 10_000


def test_what_has_only_areas_is_not_drawn():
    found = pmsl.diff(job_of(LEVELS, TIMES), job_of(LEVELS, TIMES, pitch_um=(9.0, 5.0)), kinds=["light"])
    assert found.light and picture_names(found.light, 8) == [] and "no picture" in found.notes[-1]


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 39), st.integers(0, 59), st.integers(1, 9), st.integers(1, 200))
@settings(max_examples=examples(15))
def test_means_are_those_of_the_whole_map(rows, cols, row0, col0, step, many):
    """However many pixels are looked at at a time."""
    rng = np.random.default_rng(rows * cols)
    a, b = (job_of(rng.integers(0, 256, (1, 40, 60), np.uint8), [1.0]) for _ in range(2))
    window = Window(row0, col0, min(rows, 40 - row0), min(cols, 60 - col0))
    comparison = LightComparison.of(a, b)
    (pair,) = comparison.places(a.bare(0), b.bare(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diff_pictures, "BAND_PX", many)
        means = diff_pictures._means(comparison, pair, window, step)
    for got, whole in zip(means, comparison.maps(pair, window), strict=True):
        for r in range(got.shape[0]):
            for c in range(got.shape[1]):
                assert got[r, c] == pytest.approx(whole[r * step : (r + 1) * step, c * step : (c + 1) * step].mean())


def test_a_large_field_is_drawn_in_little_memory(tmp_path, monkeypatch):
    n = 4000  # a whole map of float64 would take 128 MB

    def job(level):
        rows = n - 200
        runs = Runs(np.arange(rows + 1), np.full(rows, 100, np.int32), np.full(rows, n - 200, np.int32), np.full(rows, level, np.uint8))
        grid = Grid(origin_um=(0, 0), pitch_um=(2, 2), shape=(n, n), z_edges_um=np.array([0.0, 10.0]))
        facts = FileFacts(format="array", file="a", grid=grid, orientation=Orientation(row="-y", col="+x"), printer="made", motion=MOTION)
        return incomplete_job.job(facts, [(FileExposure(time_s=1.0),)], lambda k, _: LayerMask.from_runs(k, (n, n), 100, runs))

    a, b = job(255), job(250)
    monkeypatch.setattr(diff_pictures, "BAND_PX", 1 << 18)
    monkeypatch.setattr(light_difference, "BAND_PX", 1 << 18)
    (one,) = pmsl.diff(a, b, kinds=["light"], threads=1).light
    comparison = LightComparison.of(a, b)
    tracemalloc.start()
    diff_picture(comparison, one, ("a", "b"), tmp_path / "p.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert one.n_px == (n - 200) ** 2 and peak < 40e6 and LESS in colours(tmp_path / "p.png")
