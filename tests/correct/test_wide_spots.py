"""Scatter, Lorentzian and measured spots corrected: against direct sums over all pixels and layers (`direct_sums`)."""

import manifold3d
import numpy as np
import pytest
from direct_sums import (
    CASES,
    DP,
    EC,
    PX,
    WALLS,
    Direct,
    H,
    N,
    block_less,
    corrected,
    gaussian_light,
    grid_of,
    lorentzian_light,
    printed,
    printer,
    resin,
    sides,
    solid_of,
    tunnel,
)
from forward_model import PITCH, circle, frustum, ring_points, square, stated
from msgspec.structs import replace

from pmsl.core.mask import Window
from pmsl.correct import Corrector
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.influence_rows import Pixels
from pmsl.correct.solver.layer_problem import seen
from pmsl.correct.solver.wide_spots import VIEWS, ScatteredSpot, TailedSpot, spot_of
from pmsl.errors import ExposureError
from pmsl.optics import Gaussian, Lorentzian, Sampled, flat_field, spread
from pmsl.optics.far_light import far_light, near_share
from pmsl.profiles.optics import FlatField

SLOW = {"scatter-much", "scatter-induction", "scatter-open"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in CASES])
def test_walls_and_roofs_land(name):
    """Walls within 0.01 and 0.05 px, roofs within 0.1 and 1 µm (median, 95 %)."""
    walls, roofs = printed(name)
    assert np.isfinite(walls).all() and np.isfinite(roofs).all()
    assert np.median(walls) <= 0.01 and np.percentile(walls, 95) <= 0.05
    assert np.median(roofs) <= 0.1 and np.percentile(roofs, 95) <= 1.0


Y = np.linspace(12.0, 28.0, 20)
CENTRE = (200.3, 201.1)
REACHED = {"scatter-much": (0.01, 0.05), "lorentzian": (0.02, 0.08), "sampled": (0.02, 0.08)}  # walls [px], median and 95 %


def within(found, median, most):
    assert np.isfinite(found).all()
    assert np.median(np.abs(found)) <= median and np.percentile(np.abs(found), 95) <= most


@pytest.mark.slow
@pytest.mark.parametrize("name", REACHED)
@pytest.mark.parametrize("turned", [0, 26.6, 45])
def test_turned_blocks_at_their_ends_too(name, turned):
    """The first, the third, a middle and the last layer; of tails and sharp spots on slanted walls what is reached: 0.02, 0.08 px."""
    ring = square(100, turned, CENTRE)
    run, (y, x, out) = corrected(frustum(ring, ring, 0, 150), name), ring_points_px(ring)
    for k in (0, 2, 7, 14):
        within(run.walls_px(y, x, out, k), *REACHED[name])


def ring_points_px(ring):
    y, x, out = ring_points(ring, 8.3, 30)
    return y * PITCH / PX, x * PITCH / PX, out


@pytest.mark.slow
@pytest.mark.parametrize("name", REACHED)
@pytest.mark.parametrize(("low", "tilt"), [(110, -30), (60, 15)], ids=["needle", "overhang"])
def test_slanted_walls(name, low, tilt):
    slope, turn = np.tan(np.radians(tilt)), np.linspace(0, 2 * np.pi, 31, endpoint=False)
    run = corrected(frustum(circle(low, CENTRE), circle(low + 150 * slope, CENTRE), 0, 150), name)
    out = np.stack([np.sin(turn), np.cos(turn)], axis=1)
    for k in (2, 7, 12):
        at = (np.array(CENTRE)[::-1] + (low + slope * (k + 0.5) * H) * out) / PX
        within(run.walls_px(at[:, 0], at[:, 1], out, k), *REACHED[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", REACHED)
@pytest.mark.parametrize("wide", [1, 2, 3, 4])
def test_narrow_walls_and_slots(name, wide):
    """Whole pixels wide, at any phase: 0.01, 0.02 px, none lost."""
    low, high = 200.3 - 5 * wide, 200.3 + 5 * wide
    wall = manifold3d.Manifold.cube([10.0 * wide, 250, 150]).translate([low, 80, 0])
    within(corrected(solid_of(wall), name).walls_px(*sides((low, high), (-1, 1), Y), 7), 0.01, 0.02)
    slot = block_less(((low, 0, -10), (high, 400, 200)))
    within(corrected(slot, name).walls_px(*sides((low, high), (1, -1), Y), 7), 0.01, 0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "on_plane"), [("scatter-much", (0.1, 1.0)), ("lorentzian", (0.2, 1.0)), ("sampled", (0.1, 1.0))])
@pytest.mark.parametrize("thick", [1, 2, 3])
def test_membranes(name, on_plane, thick):
    """Their faces lie on an exposure plane, where tails of the layer below begin: no dose is right on both sides of it."""
    run = corrected(block_less(((140.4, 0, 30), (260.6, 400, 90)), high=90.0 + 10 * thick), name, 9 + thick)
    rng = np.random.default_rng(2)
    within(run.roofs_um(rng.uniform(12, 28, 40), rng.uniform(15.5, 24.6, 40), 90.0), *on_plane)


def test_what_was_refused_would_have_been_off():
    """The same block corrected as if its light did not scatter: walls and roofs are where the new terms put them, not the old."""
    psf, _, light, _ = CASES["scatter-much"]
    walls, _ = printed((psf, {}, light, {}))
    assert np.median(walls) > 0.05


@pytest.mark.slow
def test_tails_of_an_uneven_field():
    """A field that falls by a quarter to its corners and is not evened out: each pixel's light counts, far away too."""
    place = (np.arange(N) + 0.5 - N / 2) / (N / 2)
    field = 1.0 - 0.125 * (place[:, None] ** 2 + place[None, :] ** 2)
    base = printer(CASES["lorentzian"][0])
    flat = FlatField(grid=stated(field.tolist()), reference="maximum")
    uneven = replace(base, optics=replace(base.optics, flat_field=flat))
    grid, white = grid_of(), np.full(15, 1.5 * EC * np.exp(H / DP))
    made = Corrector([tunnel()], grid, uneven, resin(), white)
    shown = [made.images(k)[0][0].dense(np.uint8) * flat_field(uneven) for k in range(15)]
    run = Direct(shown, white, CASES["lorentzian"][2])
    walls = np.abs(run.walls_px(*sides(*zip(*WALLS, strict=True), np.linspace(12.0, 28.0, 25)), 5))
    assert np.median(walls) <= 0.01 and np.percentile(walls, 95) <= 0.05


def law_of(**more):
    return Law.of(resin(**more), grid_of(), np.full(15, 30.0), True)


def numbered():
    marks = np.ones((N, N), bool)
    return Pixels.around(np.pad(marks, 20), Window(-20, -20, N + 40, N + 40), 0, (N, N))


def test_scattered_light_is_seen_at_any_height():
    """Rows and views against the Gaussian of the summed variance, from the layer itself to seven decay lengths above."""
    spot, pixels, rng = (
        ScatteredSpot.widening(Gaussian((0.36, 0.36)), law_of(scatter_um=0.5), grid_of()),
        numbered(),
        np.random.default_rng(2),
    )
    light, at = rng.uniform(0, 1, (N, N)), rng.uniform(12, 28, (40, 2))
    own = np.append(light[pixels.row, pixels.col], 0.0)
    depth = rng.uniform(0, 10, 40)
    weights, index = spot.rows(at, pixels, depth)
    assert seen(weights, index, own) == pytest.approx(gaussian_light(light, *at.T, 0.36**2 + 0.5 * depth / PX**2), abs=1e-4)
    for up, close in ((0.0, 1e-4), (10.0, 2e-3), (35.0, 2e-3), (90.0, 5e-3)):
        wanted = gaussian_light(light, *at.T, 0.36**2 + 0.5 * (depth + up) / PX**2)
        assert seen(weights, index, spot.views(own, up)) == pytest.approx(wanted, abs=close)
        assert spot.shares(up).sum() == pytest.approx(1.0, abs=1e-12) and len(spot.shares(up)) == VIEWS


def test_light_near_by_and_far_away_is_all_light():
    """A Lorentzian's rows and their view against its closed form, over all pixels of the field."""
    spot, pixels, rng = spot_of(Lorentzian((0.3, 0.3)), law_of(), grid_of(), False), numbered(), np.random.default_rng(3)
    assert isinstance(spot, TailedSpot) and spot.lights_all
    light, at = np.kron(rng.uniform(0, 1, (8, 8)), np.ones((5, 5))), rng.uniform(12, 28, (60, 2))
    own = light[pixels.row, pixels.col]
    far = spot.far(light, Window(0, 0, N, N), pixels)
    found = seen(*spot.rows(at, pixels), np.concatenate([own, [0.0], far]))
    assert found == pytest.approx(lorentzian_light(light, *at.T, 0.3), abs=3e-4)
    whole = spread(light, Window(0, 0, N, N), Window(0, 0, N, N), Lorentzian((0.3, 0.3)), (0.0, 0.0))
    assert spot.all_light(light, Window(0, 0, N, N), pixels) == pytest.approx(whole[pixels.row, pixels.col], abs=1e-12)


def test_far_light_has_all_that_is_not_near():
    psf, light = Lorentzian((0.2, 0.4)), np.random.default_rng(4).uniform(0, 1, (9, 30))
    source, target = Window(3, 5, 9, 30), Window(0, 0, 14, 40)
    far = far_light(light, source, target, psf)
    down, across = (np.arange(n)[:, None] - (np.arange(m) + first)[None, :] for n, m, first in ((14, 9, 3), (40, 30, 5)))
    each = psf.patches(down.reshape(14, 1, 9) * np.ones((1, 40, 1)), across.reshape(1, 40, 30) * np.ones((14, 1, 1)))
    shares = near_share(down.reshape(14, 1, 9) * np.ones((1, 40, 1)), across.reshape(1, 40, 30) * np.ones((14, 1, 1)))
    assert far == pytest.approx(np.einsum("abrc,rc->ab", each * (1 - shares), light), abs=1e-12)
    assert near_share(np.zeros(1), np.array([0.0, 2.4, 4.0, 5.6])).tolist() == [[1.0, 1.0, pytest.approx(0.5), 0.0]]


def frames_in(order, name, **more):
    psf, terms, _, _ = CASES[name]
    made = Corrector([tunnel()], grid_of(), printer(psf), resin(**(terms | more)), np.full(15, 1.5 * EC * np.exp(H / DP)), block=6)
    found = {k: made.images(k)[0][0].dense(np.uint8) for k in order}
    return [found[k] for k in range(15)]


@pytest.mark.parametrize("name", ["scatter", pytest.param("lorentzian", marks=pytest.mark.slow)])
def test_any_order_has_the_same_bytes(name):
    one, other = frames_in(range(15), name), frames_in([14, 3, 9, *range(15)], name)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.slow
def test_scatter_where_nothing_is_exchanged_by_contact_is_enclosed():
    """A renewal of nothing, through layers that are told apart: it lands in liquid that keeps its dose."""
    psf, more, light, _ = CASES["scatter"]
    walls, roofs = printed((psf, more | {"memory": "contact", "renewal": 1e-9, "reach_um": 100.0}, light, {}))
    assert np.median(walls) <= 0.01 and np.percentile(walls, 95) <= 0.05
    assert np.median(roofs) <= 0.1 and np.percentile(roofs, 95) <= 1.0


@pytest.mark.parametrize(
    ("psf", "more", "message"),
    [
        (Lorentzian((0.3, 0.3)), {"memory": "open"}, r"'lorentzian', but not beside memory = 'open'"),
        (Lorentzian((0.3, 0.3)), {"induction_mj_cm2": 1.0}, r"'lorentzian', but not beside induction_mj_cm2 = 1"),
        (Lorentzian((0.3, 0.3)), {"scatter_um": 0.1}, r"scatter_um = 0\.1, but not beside a psf that is no Gaussian"),
        (Sampled(np.ones((3, 3)) / 9, (0.2, 0.2)), {"scatter_um": 0.1}, r"scatter_um = 0\.1, but not beside a psf that is no Gaussian"),
        (Gaussian((0.4, 0.4)), {"scatter_um": 0.1, "tail": 0.01}, r"scatter_um = 0\.1, but not beside a constant tail"),
    ],
)
def test_what_is_not_reckoned_with_together_is_refused_by_name(psf, more, message):
    with pytest.raises(ExposureError, match=message):
        spot_of(psf, law_of(**more), grid_of(), False)
    for robust in (psf, Gaussian((0.4, 0.4))):
        law = law_of(scatter_um=0.1) if isinstance(robust, Gaussian) else law_of()
        if not isinstance(robust, Sampled):
            with pytest.raises(ExposureError, match="not beside a robust choice"):
                spot_of(robust, law, grid_of(), True)
