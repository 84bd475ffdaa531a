"""Walls whatever the liquid does: what corrections say of other memories and values is what an oracle prints."""

import math

import numpy as np
import pytest
from contact_oracle import Print
from forward_model import grid_of, printer_of, stated
from msgspec.structs import replace
from solids import box

import pmsl
from pmsl.correct import Corrector
from pmsl.correct.wall_prediction import FAR_PX

P, EC, DP, H, N = 10.0, 10.0, 20.0, 10.0, 14
SHAPE = (26, 26)
WHITE = np.full(N, 1.5 * EC * math.exp(0.5))


def resin(memory=None, **more):
    base = pmsl.find_resin("pegda-nps-1.0-385")
    values = {name: stated(value) for name, value in more.items()}
    return replace(base, resin=replace(base.resin, dp_um=stated(DP), ec_mj_cm2=stated(EC), memory=memory and stated(memory), **values))


def block(side, low=33.3):
    """All its walls cut pixels alike."""
    return [box((low, low, 0), (low + side, low + side, N * H))]


def corrector_of(parts, made, corrections=("edges",)):
    return Corrector(parts, grid_of(*SHAPE, N, pitch=P), printer_of(SHAPE, pitch=P), made, WHITE, corrections)


def printed_px(corrector, wall_px, dp=DP, ec=EC, renewal=0.0, k=4):
    frames = np.array([corrector.images(j)[0][0].dense(np.uint8) for j in range(N)]) / 255
    truth = Print(frames, WHITE, H, P, 0.36, dp, ec, renewal, math.inf)
    return np.median([truth.wall_px(y, wall_px, 1, (k + 0.5) * H) for y in (10.2, 12.5, 14.7)])


@pytest.mark.parametrize("corrections", [("edges",), ("edges", "printthrough")])
@pytest.mark.parametrize(("memory", "low"), [("enclosed", 33.3), ("enclosed", 40.0), ("open", 36.0)])
def test_what_is_said_is_what_prints(memory, low, corrections):
    corrector = corrector_of(block(2 * (130 - low), low), resin(memory), corrections)
    wall = (260 - low) / P
    said = {case: np.nanmedian(errors) for case, errors in corrector.prediction(4).wall_errors_px.items()}
    assert abs(said[memory]) <= 0.01
    own = 1.0 if memory == "open" else 0.0
    for case, how in {
        "enclosed": {},
        "open": {"renewal": 1.0},
        "contact": {"renewal": 1.0},  # nothing covers these walls
        "ec_low": {"ec": 0.9 * EC, "renewal": own},
        "ec_high": {"ec": 1.1 * EC, "renewal": own},
        "dp_low": {"dp": 0.9 * DP, "renewal": own},
        "dp_high": {"dp": 1.1 * DP, "renewal": own},
    }.items():
        assert said[case] == pytest.approx(printed_px(corrector, wall, **how), abs=0.015), case


def test_nobody_corrects_edges_without_being_shown_what_exchange_does():
    """0.7 px inside where the resin was said to be enclosed, or nothing was said, and recoating exchanges it: a warning."""
    for made in (resin("enclosed"), resin()):
        corrector = corrector_of(block(180.0, 40.0), made)
        (shown,) = (f for f in corrector.findings(4) if f.code == "wall-error")
        assert shown.severity == "warning" and shown.limit == 0.1 and shown.unit == "px"
        assert shown.value == pytest.approx(-0.705, abs=0.03)
        assert f"{shown.value:+.2f} px" in shown.message and "with open memory" in shown.message
        assert "by contact (renewal 1, reach 200 µm, assumed)" in shown.message
    stating = corrector_of(block(180.0, 40.0), resin("enclosed", renewal=0.0, reach_um=50.0))
    (shown,) = (f for f in stating.findings(4) if f.code == "wall-error")
    assert "by contact (renewal 0, reach 50 µm)" in shown.message
    errors = stating.prediction(4).wall_errors_px
    assert errors["contact"] == pytest.approx(errors["enclosed"], abs=1e-12, nan_ok=True)


def test_walls_that_nothing_leaves_are_lost():
    """A wall a pixel thick, corrected for enclosed liquid: exchanged it does not cure, and that is a number."""
    thin = [box((103.0, 33.3, 0), (113.0, 226.7, N * H))]
    corrector = corrector_of(thin, resin("enclosed"))
    errors = corrector.prediction(4).wall_errors_px
    frames = np.array([corrector.images(j)[0][0].dense(np.uint8) for j in range(N)]) / 255
    truth = Print(frames, WHITE, H, P, 0.36, DP, EC, 1.0, math.inf)
    solid = (truth.most(np.arange(5.0, 20.0, 0.5), np.arange(9.0, 13.0, 0.05), 45.0) >= EC).any()
    assert np.isnan(errors["open"]).mean() > 0.5 if not solid else np.isnan(errors["open"]).mean() < 0.5
    assert np.isnan(errors["enclosed"]).mean() < 0.2


def test_covered_liquid_is_not_exchanged_when_nothing_is_known_of_it():
    """Walls of a channel below its roof: by contact as enclosed, though the outer walls are not."""
    parts = [*block(180.0, 40.0)]
    roofed = [
        box((40.0, 40.0, 0), (100.0, 220.0, N * H)),
        box((160.0, 40.0, 0), (220.0, 220.0, N * H)),
        box((95.0, 40.0, 60.0), (165.0, 220.0, N * H)),
    ]
    plain, covered = (corrector_of(p, resin("enclosed")).prediction(5).wall_errors_px["contact"] for p in (parts, roofed))
    assert (np.abs(plain) > 0.5).mean() > 0.85
    assert (np.abs(covered) < 0.35).mean() > 0.3 and (np.abs(covered) > 0.5).mean() > 0.3
    assert np.nanmax(np.abs(plain)) <= FAR_PX
