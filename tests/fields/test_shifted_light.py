"""The most light that frames of different places give together: against a slow sum, and without whole frames for every pair."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsl.core.mask import LayerMask, Window
from pmsl.job.layer_plan import Exposure
from pmsl.job.shifted_light import most_light

LINEAR = np.arange(256) / 255


def exposure(window, levels, offset_um, shape=(12, 15)):
    mask = LayerMask.from_window(0, shape, window, levels)
    return Exposure(mask=mask, time_s=1.0, dose_mj_cm2=1.0, power=1.0, offset_um=offset_um)


def slow_most(exposures, each, pitch):
    """Every pixel of every frame, looked for in every other frame."""
    best = 0.0
    for one in exposures:
        for row, col in product(*map(range, one.mask.shape)):
            total = 0.0
            for e, white in zip(exposures, each, strict=True):
                x, y = ((one.offset_um[a] - e.offset_um[a]) / pitch[a] for a in (0, 1))
                light = e.mask.dense(np.uint8) / 255
                near = [
                    light[r, c]
                    for r in {int(np.floor(row + y + 1e-6)), int(np.ceil(row + y - 1e-6))}
                    for c in {int(np.floor(col + x + 1e-6)), int(np.ceil(col + x - 1e-6))}
                    if 0 <= r < light.shape[0] and 0 <= c < light.shape[1]
                ]
                total += white * max(near, default=0.0)
            if one.mask.dense(np.uint8)[row, col]:
                best = max(best, total)
    return best


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 0.25]))
def test_the_most_of_a_place_is_that_of_a_slow_sum(seed, step):
    rng, pitch, exposures = np.random.default_rng(seed), (2.0, 3.0), []
    for _ in range(4):
        row0, col0 = int(rng.integers(0, 8)), int(rng.integers(0, 10))
        window = Window(row0, col0, int(rng.integers(1, 12 - row0)), int(rng.integers(1, 15 - col0)))
        levels = (257 * rng.integers(0, 256, (window.rows, window.cols))).astype(np.uint16)
        x, y = step * rng.integers(-12 / step, 12 / step, 2) * pitch
        exposures.append(exposure(window, levels, (float(x), float(y))))
    each = rng.uniform(0.5, 2.0, 4).tolist()
    assert most_light(exposures, each, pitch, LINEAR, 0.0) == pytest.approx(slow_most(exposures, each, pitch), rel=1e-12)


def test_of_neighbours_only_what_lies_over_a_frame_is_looked_at(monkeypatch):
    """5 x 5 frames that overlap by a tenth: what is made dense is each frame once, and the bands."""
    n, band, dense = 100, 10, []
    whole = LayerMask.within
    monkeypatch.setattr(LayerMask, "within", lambda self, window, *a: dense.append(window.rows * window.cols) or whole(self, window, *a))
    full = np.full((n, n), 65535, np.uint16)
    places = [(float(x), float(y)) for x, y in product(range(0, 5 * (n - band), n - band), repeat=2)]
    exposures = [exposure(Window(0, 0, n, n), full, place, (n, n)) for place in places]
    assert most_light(exposures, [1.0] * 25, (1.0, 1.0), LINEAR, 0.0) == 4.0
    assert sum(dense) <= 25 * n * n + 25 * 4 * band * (n + band)
