"""A rim or halo of grays that cure nothing changes no finding."""

import checks_oracle as oracle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from tiers import examples

from pmsl.checks import check_layers, checks_of

STEEP = {"dp_um": 2.0, "dose_over_ec": 70.0}  # white: 5.7 Ec in the middle of its 10 µm, 0.04 Ec a layer below


def part(rng):
    """On a plate, a block with a void, a gate with a stalactite, a bar beside them in mid-air, and random boxes, white and hollow."""
    solid = np.zeros((9, 18, 20), bool)
    solid[:2, 3:15, 3:17] = True
    solid[2:7, 4:8, 4:8] = True
    solid[3:5, 5:7, 5:7] = False
    solid[2:9, 10:13, [10, 15]] = True
    solid[7:9, 10:13, 10:16] = True
    solid[5:7, 11, 12] = True
    solid[4:6, 4:7, 12:15] = True
    for white in rng.random(rng.integers(0, 4)) < 0.6:
        low = rng.integers((0, 3, 3), (7, 12, 15))
        high = np.minimum(low + rng.integers(1, 6, 3), (9, 15, 17))
        solid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = white
    return solid


def findings(levels):
    job = oracle.job_of_levels(levels, release="window", **STEEP)
    return check_layers(job, checks_of(job, channels=True))


@pytest.mark.parametrize("share_of_ec", [0.1, 0.6])
@settings(max_examples=examples(6))
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_a_rim_below_ec_changes_nothing(share_of_ec, seed, wide):
    rng = np.random.default_rng(seed)
    white = part(rng)
    levels = np.where(white, 255, 0).astype(np.uint8)
    own = 70.0 * np.exp(-5.0 / 2.0)
    near = np.array([ndimage.binary_dilation(layer, iterations=wide) for layer in white])
    faint = rng.integers(1, round(255 * share_of_ec / own) + 1, white.shape)
    rimmed = np.where(near & ~white, faint, levels).astype(np.uint8)
    assert (rimmed != levels).any()
    assert findings(rimmed) == findings(levels)


def test_findings_are_there_to_be_changed():
    codes = {f.code for seed in range(12) for f in findings(np.where(part(np.random.default_rng(seed)), 255, 0).astype(np.uint8))}
    assert {"island", "loose-body", "resin-trap"} <= codes
