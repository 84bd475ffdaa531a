"""The corrector as a whole: same bytes in any order, what it refuses, blocks and halo, other coverage."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from forward_model import H, Stack, channel, frames_of, frustum, grid_of, printer_of, resin_of, ring_points, square, stated, white_of
from msgspec.structs import replace

from pmsl.correct import Corrector
from pmsl.correct.findings import findings_of
from pmsl.correct.solved_blocks import SolvedBlocks
from pmsl.errors import ExposureError, UsageError
from pmsl.profiles.printer import Psf

N = 50
CONE = frustum(square(120, 17, (190.3, 191.1)), square(40, 17, (190.3, 191.1)), 0, 260)


def made(parts=None, layers=26, resin=None, printer=None, **how):
    grid = grid_of(N, N, layers)
    return Corrector(parts or [channel(123.0, 260.0)], grid, printer or printer_of((N, N)), resin or resin_of(), white_of(grid), **how)


def test_any_order_and_threads_give_the_same_bytes():
    plain = made(block=8)
    wanted = [plain.images(k)[0][0].sha256() for k in range(26)]
    again = made(block=8)
    order = np.random.default_rng(1).permutation(26)
    with ThreadPoolExecutor(6) as threads:
        found = dict(zip(order.tolist(), threads.map(lambda k: again.images(int(k))[0][0].sha256(), order), strict=True))
    assert [found[k] for k in range(26)] == wanted
    assert made(block=8).images(11)[0][0].sha256() == wanted[11]


@pytest.mark.parametrize(("first", "both", "ahead"), [(0, (8, 9), 2), (25, (15, 14), 0)], ids=["up", "down"])
def test_a_thread_that_would_wait_for_a_block_has_the_next_solved_meanwhile(monkeypatch, first, both, ahead):
    """The solver of block 1 goes on only when the block after it, in the way layers are asked for, was begun."""
    wanted = [made(block=8).images(k)[0][0].sha256() for k in both]
    corrector, solve, begun = made(block=8), SolvedBlocks._solved, threading.Event()
    corrector.images(first)

    def slow(self, number):
        if number == ahead:
            begun.set()
        assert number != 1 or begun.wait(20)
        return solve(self, number)

    monkeypatch.setattr(SolvedBlocks, "_solved", slow)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda k: corrector.images(k)[0][0].sha256(), both)) == wanted


def test_a_block_that_cannot_be_solved_ahead_is_no_loss(monkeypatch):
    corrector, solve, tried = made(block=8), SolvedBlocks._solved, threading.Event()

    def slow(self, number):
        if number == 1 and not tried.is_set():
            tried.set()
            raise MemoryError
        assert number != 0 or tried.wait(20)
        return solve(self, number)

    monkeypatch.setattr(SolvedBlocks, "_solved", slow)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(corrector.images, (0, 1)))
    assert corrector.images(8)[0][0].sha256() == made(block=8).images(8)[0][0].sha256()


@pytest.mark.parametrize("solid", [channel(123.0, 260.0), CONE], ids=["channel", "cone"])
def test_blocks_differ_by_no_more_than_what_lies_beyond_the_halo(solid):
    whole, parts = (frames_of(made([solid], block=b), 26) for b in (100, 3))
    off = [np.abs(a.astype(int) - b) for a, b in zip(whole, parts, strict=True)]
    assert max(int(o.max()) for o in off) <= 4 and np.mean([(o > 1).mean() for o in off]) < 1e-4


def test_halo_and_its_bound():
    corrector = made()
    assert corrector.halo == 19  # the light of 20 layers of 10 µm above falls below 1e-4 at Dp 20.94
    assert 0 < corrector.error_bound < 1e-3
    assert corrector.block_layers == 38 and corrector.latency_layers == 38 + 19
    assert made(layers=5, parts=[CONE]).error_bound == 0.0


def test_inside_is_white_and_outside_black_and_runs_are_few():
    mask, factor = made(layers=26).images(20)[0]
    levels = mask.dense(np.uint8)
    assert factor == 1.0 and (levels[10:40, 10:40] == 255).all() and levels[:, 49].max() == 0
    assert len(mask.runs().col) < 5 * N


def test_volume_coverage_lands_too():
    grid = grid_of(N, N, 10)
    cone = frustum(square(110, 17, (190.3, 191.1)), square(80, 17, (190.3, 191.1)), 0, 100)
    for corrections in (("edges",), ("edges", "printthrough")):
        frames = frames_of(made([cone], layers=10, corrections=corrections, coverage="volume"), 10)
        stack = Stack.of(frames, white_of(grid), grid, 20.94, 0.36)
        rings = [(square(110 - 0.3 * z, 17, (190.3, 191.1)), z) for z in grid.mid_planes_um]
        found = np.abs(np.concatenate([stack.edge_errors(*ring_points(ring), z) for ring, z in rings]))
        assert np.median(found) <= 0.02 and np.percentile(found, 95) <= 0.06


def test_a_surface_that_faces_the_light_is_on_or_off():
    """A top that fills 0.4 or 0.6 of its slab: by volume it would be gray, and cure from its light side."""
    for part, level in ((0.4, 0), (0.6, 255)):
        solid = frustum(square(110, 0, (190.3, 191.1)), square(110, 0, (190.3, 191.1)), 0, 100 + 10 * part)
        levels = made([solid], layers=11, corrections=("printthrough",), coverage="volume").images(10)[0][0].dense(np.uint8)
        assert levels[25, 25] == level


def test_parts_at_the_border_of_the_field_and_floating():
    for centre in ((0.0, 0.0), (380.0, 190.0), (190.0, 379.0)):
        ring = square(60, 0, centre)
        levels = made([frustum(ring, ring, 0, 80)], layers=8).images(3)[0][0].dense(np.uint8)
        assert levels.max() == 255 and (levels > 0).sum() < 80 * (1 + (max(centre) > 0))
    ring = square(60, 0, (190.3, 191.1))
    column = [int(f[25, 25]) for f in frames_of(made([frustum(ring, ring, 50, 90)], layers=12), 12)]
    assert column[:6] == [0] * 6 and 0 < column[6] < 255 and column[7:9] == [255, 255] and column[9:] == [0] * 3


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"corrections": ()}, "neither edges, printthrough nor optimise"),
        ({"corrections": ("edges", "edges")}, "twice"),
        ({"corrections": ("walls",)}, "'walls' is not one of edges, printthrough, flatfield"),
        ({"roof_layers": -1}, "roof_layers"),
        ({"corrections": "flatfield"}, "neither edges, printthrough nor optimise"),
        ({"coverage": "exact"}, "coverage 'exact'"),
        ({"block": 0}, "block is 0"),
        ({"corrections": "edges", "roof_layers": 3}, "only with printthrough"),
    ],
)
def test_wrong_wishes_are_refused(how, word):
    with pytest.raises(UsageError, match=word):
        made(**how)


def test_another_grid_is_refused():
    with pytest.raises(UsageError, match="printer"):
        Corrector([CONE], grid_of(20, 20, 3), printer_of((N, N)), resin_of(), [1, 1, 1])


def test_resins_and_printers_it_cannot_reckon_with_are_refused():
    base = resin_of()
    with pytest.raises(ExposureError, match=r"scatter_um = 0\.1.*a constant tail.*leave it out of the profile"):
        made(resin=replace(base, resin=replace(base.resin, scatter_um=stated(0.1), tail=stated(0.01))))
    with pytest.raises(ExposureError, match=r"tail = 0\.001.*all 301 layers.*300 at most"):
        made(layers=301, resin=replace(base, resin=replace(base.resin, tail=stated(0.001))))
    induced = replace(base, resin=replace(base.resin, induction_mj_cm2=stated(1.0)))
    with pytest.raises(ExposureError, match="memory"):
        made(resin=resin_of(memory=None))
    assert [f.code for f in made([CONE], resin=resin_of(memory=None), corrections="edges").job_findings()] == ["assumed-memory"]
    printer = printer_of((N, N))
    lorentzian = replace(printer, optics=replace(printer.optics, psf=Psf(kind="lorentzian", gamma_pitch=stated(0.3))))
    with pytest.raises(ExposureError, match="'lorentzian', but not beside memory = 'open'"):
        made(printer=lorentzian, resin=resin_of(memory="open"))
    for other, word in ((resin_of(memory="open"), "memory is open"), (induced, "pays the resin's induction")):
        with pytest.raises(ExposureError, match=f"roof_layers .*{word}.*make it 0"):
            made(resin=other, roof_layers=4)
    for doses in ([1.0, 2.0], [0.0] * 26, [np.nan] * 26):
        with pytest.raises(ExposureError, match="white_dose"):
            Corrector([CONE], grid_of(N, N, 26), printer, base, doses)


def test_slopes_toward_the_light_are_named():
    """A low cone is all slope, 50° from vertical; needles and boxes have none."""
    low = frustum(square(120, 17, (190.3, 191.1)), square(10, 17, (190.3, 191.1)), 0, 90)
    (found,) = (f for f in made([low], layers=9, corrections=("edges",)).job_findings() if f.code == "slopes-to-light")
    assert (found.severity, found.layers) == ("info", (0, 8)) and found.value == pytest.approx(0.95 * H / 2, abs=0.03)
    assert "-0.08 µm off in the mean, 95 % within 4.7" in found.message and f"{(240**2 - 20**2) * 1e-6:.3g} mm²" in found.message
    for solid in (CONE, channel(123.0, 260.0)):
        assert "slopes-to-light" not in [f.code for f in made([solid]).job_findings()]


def test_too_few_layers_of_relief_for_a_thick_roof_are_named():
    for layers, codes in ((2, ["deep-light", "relief-too-thin"]), (7, ["deep-light"])):
        assert [f.code for f in made(resin=resin_of(dp=25.0), roof_layers=layers).job_findings()] == codes


@pytest.mark.parametrize(
    ("missed", "off", "severity", "why"),
    [(2, -0.5, "info", "corners"), (3, -0.5, "warning", "raise the dose"), (3, 0.5, "warning", "lower the dose")],
)
def test_walls_that_cannot_land_are_a_warning_where_they_are_more_than_corners(missed, off, severity, why):
    """Ten points, of which some get half of what they need, or half as much again."""
    corrector, points = made(), np.full((10, 2), 12.0)
    told = corrector.prediction(20)
    misses = np.where(np.arange(10) < missed, off, 0.01)
    told = dataclasses.replace(told, wall_misses=misses, walls_px=points, narrow=np.zeros(10, bool))
    (found,) = (f for f in findings_of(told, corrector.cases, grid_of(N, N, 26), 20, True) if f.code == "missed-edges")
    assert (
        (found.severity, found.value, found.layers) == (severity, 0.5, (20, 20))
        and f"{missed} of 10 points" in found.message
        and why in found.message
    )
