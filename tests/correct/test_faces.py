"""Faces that look at the plate land: roofs anywhere in a slab, membranes, slopes; what is solid stays solid."""

import numpy as np
import pytest
from forward_model import EC, PITCH, H, Stack, channel, frames_of, grid_of, over, printer_of, resin_of, white_of
from solids import box
from tiers import thinned

from pmsl import Solid
from pmsl.correct import Corrector
from pmsl.correct.solver.layer_problem import under_membranes
from pmsl.correct.solver.target_surfaces import walls_of
from pmsl.masks import masks_of

N = 50


def printed(parts, layers, dp, memory="enclosed", sigma=0.36, plain=False, **how):
    grid = grid_of(N, N, layers)
    white = white_of(grid, dp)
    made = masks_of(parts, grid) if plain else Corrector(parts, grid, printer_of((N, N), sigma), resin_of(dp, memory), white, **how)
    return Stack.of(frames_of(made, layers), white, grid, dp, sigma), made


@pytest.mark.parametrize(("roof", "dp"), thinned(3, [120.0, 122.5, 127.0, 129.9], [11.0, 20.0, 40.0]))
def test_roofs_land_anywhere_in_a_slab(dp, roof):
    solid, at = channel(roof, 260.0), over(110.3, 270.3)
    stack, corrector = printed([solid], 26, dp)
    found = np.abs(stack.face_errors(*at, roof))
    assert np.median(found) <= 0.1 and np.percentile(found, 95) <= 2.0
    plain, _ = printed([solid], 26, dp, plain=True)
    assert np.median(np.abs(plain.face_errors(*at, roof))) > 4.0
    told = corrector.prediction(int(roof // H)).face_errors_um
    assert len(told["enclosed"]) > 300 and np.percentile(np.abs(told["enclosed"]), 95) <= 0.5
    assert np.median(told["ec_low"]) == pytest.approx(dp * np.log(0.9), abs=0.1)
    assert np.median(told["ec_high"]) == pytest.approx(dp * np.log(1.1), abs=0.1)


@pytest.mark.parametrize("sigma", [0.03, 0.1, 0.8])
def test_roofs_land_whatever_the_spot(sigma):
    """Of a sharp one a point anywhere sees fewer pixels than the eight around a middle."""
    stack, _ = printed([channel(122.5, 260.0)], 26, 20.0, sigma=sigma)
    found = np.abs(stack.face_errors(*over(110.3, 270.3, apart=1 + 3 * sigma), 122.5))
    assert np.median(found) <= 0.1 and np.percentile(found, 95) <= 2.0


@pytest.mark.parametrize("dp", [11.0, 40.0])
def test_the_band_told_is_what_prints_in_such_a_resin(dp):
    """Print the same frames in resins of another Dp and memory."""
    solid, at, roof = channel(122.5, 260.0), over(110.3, 270.3, apart=2), 122.5
    stack, corrector = printed([solid], 26, dp)
    told = corrector.prediction(12).face_errors_um
    (shown,) = (f for f in corrector.findings(12) if f.code == "face-error")
    assert shown.severity == "info" and f"{np.median(told['open']):+.1f} µm with open memory" in shown.message
    assert np.median(told["open"]) == pytest.approx(np.median(stack.face_errors(*at, roof, "open")), abs=0.1)
    for case, other in (("dp_low", 0.9 * dp), ("dp_high", 1.1 * dp)):
        again = Stack.of(
            [255 * o / w for o, w in zip(stack.own, white_of(stack.grid, dp), strict=True)],
            white_of(stack.grid, dp),
            stack.grid,
            other,
            0.36,
        )
        assert np.median(told[case]) == pytest.approx(np.median(again.face_errors(*at, roof)), abs=0.1)


@pytest.mark.parametrize("roof", [120.0, 127.0])
def test_roofs_land_where_recoating_replaces_liquid(roof):
    solid, at = channel(roof, 260.0), over(110.3, 270.3)
    stack, corrector = printed([solid], 26, 20.0, "open")
    found = np.abs(stack.face_errors(*at, roof, "open"))
    assert np.median(found) <= 0.1 and np.percentile(found, 95) <= 2.0
    told = corrector.prediction(12).face_errors_um
    assert np.percentile(np.abs(told["open"]), 95) <= 0.5
    assert np.median(told["enclosed"]) == pytest.approx(np.median(stack.face_errors(*at, roof)), abs=0.1)


SHIFTS = [(0.0, 60.0), (1.1, 60.0), (3.3, 60.0), (5.6, 60.0), (1.1, 200.0)]


@pytest.mark.parametrize(("layers", "dp", "place"), thinned(5, [1, 2, 3, 6], [11.0, 20.0, 40.0], SHIFTS))
def test_membranes_survive(dp, layers, place):
    """Wherever their walls lie within a pixel: flat, solid, and not cracked along the rim."""
    shift, above = place
    low, high, face = 110.3 + shift, 270.3 + 1.3 * shift, 100.0
    top = face + layers * H + above
    parts = [box((20.9, 20.7, 0), (low, 360, top)), box((high, 20.7, 0), (360, 360, top))]
    parts += [box((low - 5, 20.7, 0), (high + 5, 360, 40)), box((low - 5, 20.7, face), (high + 5, 360, face + layers * H))]
    stack, _ = printed(parts, round(top / H), dp)
    found = np.abs(stack.face_errors(*over(low, high), face))
    assert np.median(found) <= 0.1 and np.percentile(found, 95) <= (0.4 if shift else 0.3)  # of all places together 0.3: benchmarks
    y, x = over(low, high, apart=1.5)
    assert np.percentile(np.abs(stack.face_errors(y, x, face)), 95) <= (0.3 if shift else 0.2)
    for z in np.linspace(face + 1, face + layers * H - 1e-6, 8):
        assert stack.dose(y, x, z).min() > EC
    apart = np.arange(0.05, 1.6, 0.05)
    rim = np.concatenate([low / PITCH + apart, high / PITCH - apart])
    heights = np.arange(face + 0.25, face + layers * H, 0.5)
    solid = np.array([stack.dose(np.full(len(rim), 25.3), rim, z) >= EC for z in heights])
    assert solid.mean(axis=0).min() >= 0.8  # of its thickness, also where it meets the walls


@pytest.mark.parametrize(("layers", "wall_goes_on", "thin"), [(2, True, True), (2, False, True), (3, True, False)])
def test_walls_under_thick_roofs_are_no_corners_of_membranes(layers, wall_goes_on, thin):
    """Thin is what is void one Dp above it, or where the job ends before."""
    top, dp = 100 + layers * H, 20.0
    parts = [box((20.9, 20.7, 0), (110.3, 360, top + 100 * wall_goes_on)), box((100, 20.7, 100), (275, 360, top))]
    grid = grid_of(N, N, round((top + 100 * wall_goes_on) / H))
    maker = masks_of(parts, grid)
    walls = walls_of(maker.index.whole(), grid, 9, maker.mask(9))
    first = round((100 + dp) / H)
    corner = under_membranes(walls, maker.mask(10), maker.mask(first) if first < grid.n_layers else None)
    middle = np.abs(walls.at_px[:, 0] - 25) < 15
    inner = np.abs(walls.at_px[middle, 1] - 110.3 / PITCH) < 0.1
    assert inner.any() and (corner[middle] == (inner & thin)).all()
    assert not under_membranes(walls, maker.mask(9), None).any()  # nothing hangs over


@pytest.mark.parametrize(("of", "shift"), thinned(4, [(11.0, 2), (20.0, 2), (20.0, 3), (40.0, 3)], [0.0, 1.1, 3.3, 5.6]))
def test_the_free_edge_of_a_ledge_lands(of, shift):
    """No wall holds it there: what is asked of rims that one does hold would push it out."""
    (dp, layers), face, end = of, 100.0, 270.3 + shift
    top = face + layers * H
    stack, _ = printed([box((20.9, 20.7, 0), (110.3, 360, top)), box((100.0, 20.7, face), (end, 360, top))], round(top / H), dp)
    y = np.arange(6.0, 44.0, 0.77)
    for k in range(layers):
        outward = np.tile([0.0, 1.0], (len(y), 1))
        found = stack.edge_errors(y, np.full(len(y), end / PITCH), outward, face + (k + 0.5) * H)
        assert np.percentile(np.abs(found), 95) <= (0.05 if k == 0 else 0.02)


@pytest.mark.parametrize(("dp", "memory"), thinned(2, [11.0, 40.0], ["enclosed", "open"]))
def test_solid_is_solid_and_void_is_void(dp, memory):
    """Everywhere half a pixel and 2 µm from surfaces, the rims of the roof's dark zone too."""
    low, high, roof, top = 110.3, 270.3, 123.0, 260.0
    stack, _ = printed([channel(roof, top)], 26, dp, memory)
    dose = stack.dose if memory == "enclosed" else stack.open_dose
    y, x = over(20.9, 360.0, step=(11.17, 0.31), apart=0.5)
    for z in np.r_[0.3, 33, 58:64:1.9, 78, 101:139:3.9, 160, 200, top - 0.1]:
        apart = PITCH if roof - H < z < roof else 0.5 * PITCH  # the corner under the roof is rounded
        inside = (x * PITCH > low + apart) & (x * PITCH < high - apart)
        outside = (x * PITCH < low - 0.5 * PITCH) | (x * PITCH > high + 0.5 * PITCH)
        d = dose(y, x, z)
        assert (d[outside] >= EC).all()
        if 60 < z < roof - 2:
            assert (d[inside] < EC).all()
        if z < 60 or z > roof + 0.5:
            assert (d[inside] >= EC).all()


@pytest.mark.parametrize(("slope", "median", "high"), [(5, 0.1, 0.5), pytest.param(30, 0.15, 0.5, marks=pytest.mark.slow), (50, 0.35, 1.5)])
def test_slopes_land(slope, median, high):
    """The underside of a wedge; scanned along z, for there the dose does not fall as below a flat roof."""
    dp, x0, x1, rise = 20.0, 80.3, 260.3, np.tan(np.radians(slope))
    top = np.ceil((60 + 180 * rise + 120) / H) * H
    ends = [(x0, 60.0), (x1, 60 + 180 * rise), (x1, top), (x0, top)]
    vertices = np.array([(x, y, z) for y in (60.7, 320.2) for x, z in ends])
    faces = [f for i in range(4) for j in [(i + 1) % 4] for f in ((i, j, 4 + j), (i, 4 + j, 4 + i))]
    wedge = Solid.from_arrays(vertices, np.array([*faces, (2, 1, 0), (3, 2, 0), (4, 5, 6), (4, 6, 7)])[:, ::-1], source="wedge")
    stack, corrector = printed([wedge, box((50.3, 60.7, 0), (x0, 320.2, top))], round(top / H), dp)
    found, heights = [], np.arange(-4.0, 4.1, 0.25)
    y = np.arange(13, 37, 3.3)
    for x in np.arange(x0 / PITCH + 1.5, x1 / PITCH - 1.5, 0.37):
        z = 60 + (x * PITCH - x0) * rise
        doses = np.stack([stack.dose(y, np.full(len(y), x), z + h) for h in heights]) / EC - 1
        for column in doses.T:
            up = np.flatnonzero((column[:-1] < 0) & (column[1:] >= 0))
            assert len(up) > 0
            i = up[np.argmin(np.abs(heights[up]))]
            found.append(heights[i] - 0.25 * column[i] / (column[i + 1] - column[i]))
    assert np.median(np.abs(found)) <= median and np.percentile(np.abs(found), 95) <= high
    told = np.concatenate([corrector.prediction(k).face_errors_um["enclosed"] for k in range(round(top / H))])
    assert len(told) > 20 * 30 and np.median(np.abs(told)) <= median and np.percentile(np.abs(told), 95) <= high


def roof_levels(dp, dose_over_ec, roof_layers=0):
    """Levels over the middle of a wide roof at z = 40, 60 layers thick, from the plate up."""
    layers = 64
    grid = grid_of(30, 30, layers)
    parts = [box((30, 30, 40), (200, 200, 640)), box((30, 30, 0), (60, 200, 60))]
    white, only = np.full(layers, dose_over_ec * EC), ("printthrough",)
    corrector = Corrector(parts, grid, printer_of((30, 30)), resin_of(dp), white, only, roof_layers=roof_layers)
    return np.array([corrector.images(k)[0][0].dense(np.uint8)[14:18, 18:22].mean() for k in range(20)])


@pytest.mark.parametrize(("dp", "dark", "fraction"), [(40.0, 7, 0.035), (11.19, 1, 0.589)])
def test_as_many_layers_stay_dark_as_print_through(dp, dark, fraction):
    """PHYSICS.md 11.8: print-through of 7.035 and 1.589 layers; what is over of a whole number is the gray of the next layer."""
    levels = roof_levels(dp, np.exp(20 / dp))
    assert (levels[4 : 4 + dark] == 0).all() and 0 < levels[4 + dark] < 255 and (levels[5 + dark :] == 255).all()
    q = np.exp(-H / dp)
    rest = 1 - levels[4 + dark] / 255  # of one layer's light, seen against the light without end of a thick roof
    moved = -dp * np.log(1 - rest * (1 - q)) / H
    assert moved == pytest.approx(fraction, abs=2e-3)


@pytest.mark.parametrize(
    ("dp", "ratio", "layers", "factor"), [(40, 1.6487, 8, 0.0427), (40, 1.6487, 12, 0.1289), (11.19, 5.9734, 3, 0.1860)]
)
def test_the_roof_dose_factor(dp, ratio, layers, factor):
    """PHYSICS.md 11.7."""
    levels = roof_levels(float(dp), ratio, layers)
    assert levels[4 : 4 + layers].mean() / 255 == pytest.approx(factor, abs=1.5e-3)
    assert (levels[4 + layers :] == 255).all() and np.ptp(levels[4 : 4 + layers]) <= 1


@pytest.mark.parametrize("layers", [2, 6])
@pytest.mark.parametrize("dp", [11.0, 40.0])
def test_a_membrane_whose_light_is_shared_out_stays_one_piece(dp, layers):
    """Equally gray layers that each give what is missing in part would leave liquid between them."""
    low, high, face, top = 110.3, 270.3, 100.0, 100.0 + layers * H + 60
    parts = [box((20.9, 20.7, 0), (low, 360, top)), box((high, 20.7, 0), (360, 360, top))]
    parts += [box((low - 5, 20.7, 0), (high + 5, 360, 40)), box((low - 5, 20.7, face), (high + 5, 360, face + layers * H))]
    stack, _ = printed(parts, round(top / H), dp, roof_layers=layers)
    y, x = over(low, high, apart=2.0)
    assert np.percentile(np.abs(stack.face_errors(y, x, face)), 95) <= 0.3
    for z in np.linspace(face + 1, face + layers * H - 1e-6, 8):
        assert stack.dose(y, x, z).min() > EC


def test_faces_inside_other_solids_are_none():
    """A box in a box: its underside is no roof."""
    stack, _ = printed([box((60, 60, 0), (300, 300, 200)), box((120, 120, 70), (240, 240, 130))], 20, 20.0)
    alone, _ = printed([box((60, 60, 0), (300, 300, 200))], 20, 20.0)
    assert all(np.array_equal(a, b) for a, b in zip(stack.own, alone.own, strict=True))


def test_a_roof_that_hangs_on_memory_is_named():
    """A membrane that gets most of its dose through the void above it: where recoating replaces liquid nothing of it is left."""
    low, high = 110.3, 270.3
    parts = [box((20.9, 20.7, 0), (low, 360, 200)), box((high, 20.7, 0), (360, 360, 200)), box((low - 5, 20.7, 0), (high + 5, 360, 40))]
    parts += [box((low - 5, 20.7, 96), (high + 5, 360, 100)), box((low - 5, 20.7, 110), (high + 5, 360, 200))]
    _, corrector = printed(parts, 20, 40.0)
    found = [f for k in range(20) for f in corrector.findings(k) if f.code == "roof-needs-memory"]
    assert found and found[0].severity == "warning" and found[0].box_um is not None and found[0].layers == (9, 9)
    assert [f.code for f in corrector.job_findings()] == ["deep-light"]
