"""Side walls that land: signed distance from the designed contour to the printed one at mid-slab, by an independent forward model."""

import numpy as np
import pytest
from forward_model import PITCH, H, Stack, circle, frames_of, frustum, grid_of, printer_of, resin_of, ring_points, square, stated, white_of
from msgspec.structs import replace
from scipy.special import ndtr
from tiers import thinned

from pmsl import Grid
from pmsl.core.mask import Window
from pmsl.correct import Corrector
from pmsl.correct.flat_field import FlatFieldCompensation
from pmsl.masks import masks_of
from pmsl.optics import at_points, flat_field, psf_of
from pmsl.optics.grayscale import response
from pmsl.profiles.printer import FlatField as Field
from pmsl.profiles.printer import Psf, Response

CENTRE = (190.3, 191.1)
N = 50
SHAPES = {"vertical": (0, 12), "needle": (-30, 14), "slight needle": (-10, 12), "slight overhang": (12, 14), "overhang": (29.9, 14)}


def errors(kind, angle, sigma, dp=20.94, masks=None, corrections=("edges", "printthrough"), bottom=()):
    """Errors [px] of every layer, three pixels and more from corners."""
    tilt, layers = SHAPES[kind]
    top, slope = layers * H, np.tan(np.radians(tilt))
    low, high = (110.0, 110.0 + slope * top) if slope <= 0 else (110.0 - slope * top, 110.0)

    def ring(r):
        return circle(r, CENTRE) if angle == "circle" else square(r, angle, CENTRE)

    solid, grid = frustum(ring(low), ring(high), 0, top), grid_of(N, N, layers)
    white = white_of(grid, dp, bottom)
    maker = masks or Corrector([solid], grid, printer_of((N, N), sigma), resin_of(dp), white, corrections)
    stack = Stack.of(frames_of(maker if masks is None else masks([solid], grid), layers), white, grid, dp, sigma)
    out = []
    for z in grid.mid_planes_um:
        r = low + (high - low) * z / top
        if angle == "circle":
            turn = np.linspace(0, 2 * np.pi, 99, endpoint=False)
            outward = np.stack([np.sin(turn), np.cos(turn)], axis=1)
            at = (np.array(CENTRE)[::-1] + r * outward) / PITCH
            out.append(stack.edge_errors(at[:, 0], at[:, 1], outward, z))
        else:
            out.append(stack.edge_errors(*ring_points(ring(r)), z))
    return out


@pytest.mark.parametrize(("kind", "angle", "sigma"), thinned(8, SHAPES, [0, 7, 26.6, 45, "circle"], [0.36, 0.5]))
def test_walls_land(kind, angle, sigma):
    by_layer = errors(kind, angle, sigma)
    for found in (np.concatenate(by_layer), np.concatenate(by_layer[-5:])):
        found = np.abs(found)
        assert np.median(found) <= 0.02
        assert np.percentile(found, 95) <= 0.06


def test_plain_masks_do_not_and_no_offset_helps():
    """Masks of coverage print a vertical wall half a pixel too far out and a needle's flank where it belongs: no offset suits both."""
    wall, flank = (np.median(np.concatenate(errors(kind, 0, 0.36, masks=masks_of))) for kind in ("vertical", "needle"))
    assert wall > 0.4 and abs(flank) < 0.1


def test_a_deep_first_exposure_makes_no_elephant_foot():
    found, plain = (np.abs(np.concatenate(errors("vertical", 7, 0.36, masks=m, bottom=(10, 5, 2.5))[:3])) for m in (None, masks_of))
    assert np.median(plain) > 0.7 and np.percentile(found, 95) <= 0.06


@pytest.mark.parametrize(("kind", "dp"), thinned(2, ["vertical", "needle", "slight overhang"], [11.0, 40.0]))
def test_walls_land_in_other_resins(kind, dp):
    found = np.abs(np.concatenate(errors(kind, 26.6, 0.36, dp)))
    assert np.median(found) <= 0.02 and np.percentile(found, 95) <= 0.06


def test_one_layer_has_the_gray_of_the_closed_form():
    """A plate of one layer with twice the threshold: τ = ½; its edge pixel is the table of PHYSICS.md 11.11."""
    grid, resin = grid_of(30, 40, 1), resin_of()
    white = 2 * 6.0 * np.exp(grid.thickness_um / 2 / 20.94)
    for i, level in enumerate([0.2161, 0.3474, 0.4336, 0.5000, 0.5664, 0.6526, 0.7839], start=1):
        x = (20 + i / 8) * PITCH
        ring = [(5 * PITCH, 2 * PITCH), (x, 2 * PITCH), (x, 28 * PITCH), (5 * PITCH, 28 * PITCH)]
        corrector = Corrector([frustum(ring, ring, 0, H)], grid, printer_of((30, 40)), resin, white, ("edges",))
        row = corrector.images(0)[0][0].dense(np.float64)[15]
        assert row[20] == pytest.approx(level, abs=0.01)
        assert row[8:19] == pytest.approx(1, abs=0.01) and row[22:].max() == 0


@pytest.mark.parametrize("ratio", [1.25, 1.5, 2.5, 4.0])
def test_other_thresholds_of_one_layer(ratio):
    """Edges on pixel sides: without correction they are off by σ Φ⁻¹(1 − τ), PHYSICS.md 11.9; with it they are not."""
    grid = grid_of(30, 40, 1)
    white = ratio * 6.0 * np.exp(grid.thickness_um / 2 / 20.94)
    ring = np.array([(5, 2), (20, 2), (20, 28), (5, 28)]) * PITCH
    solid, sigma = frustum(ring, ring, 0, H), 0.36
    y, outward = np.array([15.5]), np.array([[0.0, 1.0]])
    corrector = Corrector([solid], grid, printer_of((30, 40)), resin_of(), white, ("edges",))
    for masks, wanted in ((masks_of([solid], grid), None), (corrector, 0)):
        found = Stack.of(frames_of(masks, 1), white, grid, 20.94, sigma).edge_errors(y, np.array([20.0]), outward, H / 2)[0]
        if wanted is None:
            assert ndtr(-found / sigma) == pytest.approx(1 / ratio, abs=1e-3)
        else:
            assert abs(found) < 0.005


def test_lines_thinner_than_a_pixel_are_as_wide_as_designed_and_named():
    grid = grid_of(N, N, 8)
    white = white_of(grid)
    for width in (5.0, 8.0, 15.0, 20.0):
        ring = [(100, 100), (100 + width, 100), (100 + width, 300), (100, 300)]
        corrector = Corrector([frustum(ring, ring, 0, 80)], grid, printer_of((N, N)), resin_of(), white)
        stack = Stack.of(frames_of(corrector, 8), white, grid, 20.94, 0.36)
        x = np.arange(80, 150, 0.05)
        dose = stack.dose(np.full(len(x), 26.3), x / PITCH, grid.mid_planes_um[4])
        assert (dose >= 6.0).sum() * 0.05 == pytest.approx(width, abs=0.3)
        assert [f.code for f in corrector.findings(4)][0] == "narrow-edges"


def test_uneven_layers_uneven_field_and_a_gray_response():

    edges = np.cumsum([0, 5, 5, 10, 20, 10, 5, 10, 20])
    grid = Grid(origin_um=(0, 0), pitch_um=PITCH, shape=(N, N), z_edges_um=edges)
    white, ring = white_of(grid), square(110, 12, CENTRE)
    base = printer_of((N, N))
    vignetted = replace(base, optics=replace(base.optics, flat_field=Field(vignetting=stated(0.3))))
    curved = replace(base, response=Response(kind="gamma", gamma=stated(2.2)))
    for printer, corrections in ((base, ("edges",)), (vignetted, ("edges",)), (vignetted, ("flatfield", "edges")), (curved, ("edges",))):
        corrector = Corrector([frustum(ring, ring, 0, edges[-1])], grid, printer, resin_of(), white, corrections)
        flat, lut = flat_field(printer), response(printer)
        images = [corrector.images(k) for k in range(8)]
        if "flatfield" in corrections:
            images = [FlatFieldCompensation.of(printer).apply(i) for i in images]
        frames = [255 * lut[i[0][0].dense(np.uint8)] * (1.0 if flat is None else flat) * i[0][1] for i in images]
        stack = Stack.of(frames, white, grid, 20.94, 0.36)
        found = np.abs(np.concatenate([stack.edge_errors(*ring_points(ring), z) for z in grid.mid_planes_um]))
        assert np.median(found) <= 0.02 and np.percentile(found, 95) <= 0.06


@pytest.mark.parametrize("kind", ["sampled", "box"])
def test_walls_land_with_other_spots(kind):
    """A skew measured spot, and mirrors that do not fill their pitch; the printer's own optics are the forward model."""
    r = np.arange(-6, 7) * 0.25
    samples = np.maximum(np.exp(-(r[:, None] ** 2 / 0.18 + r[None, :] ** 2 / 0.32)) * (1 + 0.3 * r[None, :]), 0)
    psf = {
        "sampled": Psf(kind="sampled", samples=stated(samples.tolist()), step_pitch=stated(0.25)),
        "box": Psf(kind="box", sigma_pitch=stated(0.33), fill=stated(0.9)),
    }[kind]
    base, grid, ring = printer_of((N, N)), grid_of(N, N, 6), square(110, 12, CENTRE)
    printer, white = replace(base, optics=replace(base.optics, psf=psf)), white_of(grid)
    corrector = Corrector([frustum(ring, ring, 0, 60)], grid, printer, resin_of(), white)
    stack = Stack.of(frames_of(corrector, 6), white, grid, 20.94, 0.36)
    stack.blurred = lambda light, y, x: at_points(light, Window(0, 0, N, N), np.stack([y, x], axis=1), psf_of(printer))
    found = np.abs(np.concatenate([stack.edge_errors(*ring_points(ring, 5.3), z) for z in grid.mid_planes_um]))
    assert np.median(found) <= 0.02 and np.percentile(found, 95) <= 0.06
