"""Corrections by contact: outer walls and channels in one part, printed by an oracle that follows the liquid on cells of its own."""

import math

import manifold3d
import numpy as np
import pytest
from click.testing import CliRunner
from contact_oracle import Print
from forward_model import grid_of, printer_of, stated
from msgspec.structs import replace

import pmsl
from pmsl.cli.app import app
from pmsl.correct import Corrector
from pmsl.errors import ExposureError
from pmsl.profiles.tables.strict_struct import Value

P, EC, DP, H, TOP = 10.0, 10.0, 20.0, 10.0, 260.0
ROWS, COLS, LAYERS = 31, 27, 26
WHITE = np.full(LAYERS, 1.5 * EC * math.exp(0.5))


def resin(memory, renewal=None, reach=None):
    base = pmsl.find_resin("pegda-nps-1.0-385")
    more = {} if renewal is None else {"renewal": stated(renewal), "reach_um": stated(reach)}
    return replace(base, resin=replace(base.resin, dp_um=stated(DP), ec_mj_cm2=stated(EC), memory=stated(memory), **more))


def channel(closed, roof):
    """A block with a channel 60 µm wide, its ends closed or not."""
    block = manifold3d.Manifold.cube([200, 240, TOP]).translate([33.3, 33.7, 0])
    low, high = (63.7, 243.7) if closed else (0, 300)
    mesh = (block - manifold3d.Manifold.cube([60, high - low, roof - 40]).translate([103.3, low, 40])).to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)


def corrected(closed, roof, rule, corrections=("edges", "printthrough")):
    grid = grid_of(ROWS, COLS, LAYERS, pitch=P)
    return Corrector([channel(closed, roof)], grid, printer_of((ROWS, COLS), pitch=P), resin(*rule), WHITE, corrections)


def errors(corrector, roof, renewal, reach):
    """Roof errors [µm] in the middle of the channel and wall errors [px] outside, well below the top."""
    frames = np.array([corrector.images(k)[0][0].dense(np.uint8) for k in range(LAYERS)]) / 255
    truth = Print(frames, WHITE, H, P, 0.36, DP, EC, renewal, reach)
    roofs = truth.roof_um(np.array([14.2, 15.1, 16.4]), np.array([12.1, 13.3, 14.6]), 100, 160) - roof
    walls = [truth.wall_px(y, 23.33, 1, z) for z in (35.0, 85.0, 125.0, 205.0) for y in (13.1, 15.6)]
    return roofs, np.array(walls)


@pytest.mark.parametrize(("closed", "off"), [
    (True, 2.5), *(pytest.param(*case, marks=pytest.mark.slow) for case in [(True, 0.0), (True, 7.5), (False, 5.0)])
])  # fmt: skip
def test_walls_and_roofs_land_together(closed, off):
    roof = 120 + off
    corrector = corrected(closed, roof, ("contact", 1.0, "inf"))
    roofs, walls = errors(corrector, roof, 1.0, math.inf)
    assert np.abs(walls).max() <= 0.02 and np.abs(roofs).max() <= 0.3
    assert corrector.exchange.passes <= 5 and corrector.exchange.residual_levels == 0
    predicted = corrector.prediction(int(roof // H)).face_errors_um["contact"]
    assert np.abs(np.median(predicted)) <= 0.2


def test_it_is_what_the_other_memories_miss():
    """Corrected for enclosed liquid outer walls land far inside."""
    roofs, walls = errors(corrected(True, 120.0, ("enclosed",)), 120.0, 1.0, math.inf)
    assert np.median(walls) < -0.3 and np.median(roofs) > 3.0


@pytest.mark.slow
def test_corrected_for_open_liquid_a_closed_roof_lands_far_below():
    roofs, walls = errors(corrected(True, 120.0, ("open",)), 120.0, 1.0, math.inf)
    assert np.abs(walls).max() <= 0.02 and np.median(roofs) < -10.0


@pytest.mark.parametrize(("layers", "most"), [(1, 0.3), (2, 2.0), pytest.param(3, 0.3, marks=pytest.mark.slow)])
def test_membranes_over_closed_voids_stay_and_land(layers, most):
    """Of two layers the lower cannot close the void with what the face needs: it stays dark, and the job says that it did not settle."""
    n, face = 10 + layers, 100.0
    block = manifold3d.Manifold.cube([200, 240, n * H]).translate([33.3, 33.7, 0])
    mesh = (block - manifold3d.Manifold.cube([60, 180, 60]).translate([103.3, 63.7, 40])).to_mesh()
    solid = pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)
    grid = grid_of(ROWS, COLS, n, pitch=P)
    corrector = Corrector([solid], grid, printer_of((ROWS, COLS), pitch=P), resin("contact", 1.0, "inf"), WHITE[:n])
    frames = np.array([corrector.images(k)[0][0].dense(np.uint8) for k in range(n)]) / 255
    truth = Print(frames, WHITE[:n], H, P, 0.36, DP, EC, 1.0, math.inf)
    faces = truth.roof_um(np.array([14.2, 15.1, 16.4]), np.array([12.1, 13.3, 14.6]), 60, n * H) - face
    walls = [truth.wall_px(13.1, 23.33, 1, z) for z in (5.0, 15.0, 55.0, n * H - 15, n * H - 5)]
    assert np.abs(faces).max() <= most and np.abs(walls).max() <= 0.02
    assert (corrector.exchange.residual_levels > 0) == (layers == 2)


def test_no_grays_place_a_membrane_of_two_layers():
    """All pairs of grays, in closed form: joined to one another, the face is 1.9 µm too high at best, or 3.9 µm too low."""
    lower, upper = np.meshgrid(np.arange(256) / 255, np.arange(256) / 255, indexing="ij")
    white, left = 1.5 * math.exp(0.5), [math.exp(-depth / DP) for depth in (0.0, H, 2 * H)]
    sealed, joined = lower * white >= 1.0, upper * white * left[1] >= 1.0
    low, high = lower * white * left[1], upper * white * left[2]
    error_um = -DP * np.log(np.maximum(np.where(sealed, low + high, np.maximum(low, high)), 1e-9))
    assert error_um[joined & ~sealed].min() == pytest.approx(1.89, abs=0.01)
    assert error_um[joined & sealed].max() == pytest.approx(-3.9, abs=0.05)


@pytest.mark.slow
def test_half_renewed():
    roofs, walls = errors(corrected(True, 122.5, ("contact", 0.5, "inf")), 122.5, 0.5, math.inf)
    assert np.abs(walls).max() <= 0.02 and np.abs(roofs).max() <= 0.3


@pytest.mark.slow
def test_a_reach_of_a_few_channels():
    roofs, walls = errors(corrected(False, 122.5, ("contact", 1.0, 200.0)), 122.5, 1.0, 200.0)
    assert np.abs(walls).max() <= 0.02 and np.abs(np.median(roofs)) <= 0.5


@pytest.mark.slow
def test_nothing_renewed_gives_the_grays_of_enclosed_liquid():
    one, two = corrected(True, 122.5, ("contact", 0.0, 50.0)), corrected(True, 122.5, ("enclosed",))
    for k in range(LAYERS):
        a, b = (made.images(k)[0][0].dense(np.uint8).astype(int) for made in (one, two))
        assert np.abs(a - b).max() <= 1  # sums of other order, rounded to levels


@pytest.mark.slow
def test_any_order_gives_the_same_bytes():
    forth, back = (corrected(True, 127.5, ("contact", 1.0, 200.0)) for _ in range(2))
    one = [forth.images(k)[0][0].dense(np.uint8) for k in range(LAYERS)]
    two = [back.images(k)[0][0].dense(np.uint8) for k in range(LAYERS - 1, -1, -1)][::-1]
    assert all(map(np.array_equal, one, two))


def test_a_job_says_how_it_settled(tmp_path):
    printer, process = printer_of((ROWS, COLS), pitch=P), pmsl.find_process("default")
    process = replace(process, corrections=("edges", "printthrough"), bottom_dose_factors=(1.0,))
    found = {}
    for rule in (("enclosed",), ("contact", 1.0, "inf")):
        job = pmsl.prepare([channel(True, 120.0)], printer, resin(*rule), process, accept_uncalibrated=True)
        pmsl.write(job, tmp_path / rule[0])
        found[rule[0]] = pmsl.read(tmp_path / rule[0]).correction, (tmp_path / rule[0] / "job.json").read_text("utf-8")
    assert not [f for f in job.findings if f.code == "exchange-unsettled"]
    record, text = found["contact"]
    assert record.exchange_passes >= 2 and record.exchange_residual_levels == 0 and "pmsl.job/2" in text
    assert "exchange_" not in found["enclosed"][1]
    output = CliRunner().invoke(app, ["info", str(tmp_path / "contact")]).output
    assert f"what recoating exchanges found in {record.exchange_passes} passes; the last changed nothing" in output


def test_what_does_not_settle_is_a_finding():
    """A port at half its reach: grays that would close a roof if they were kept, and are not kept."""
    printer, process = printer_of((ROWS, COLS), pitch=P), pmsl.find_process("default")
    process = replace(process, corrections=("edges", "printthrough"), bottom_dose_factors=(1.0,))
    job = pmsl.prepare([channel(False, 122.5)], printer, resin("contact", 1.0, 200.0), process, accept_uncalibrated=True)
    (shown,) = [f for f in job.findings if f.code == "exchange-unsettled"]
    assert shown.value == job.correction.exchange_residual_levels > 0


def test_relief_is_refused():
    """A roof shared out over equal grays does not close its void, and recoating would wash them away."""
    grid = grid_of(ROWS, COLS, LAYERS, pitch=P)
    with pytest.raises(ExposureError, match="memory is contact: recoating replaces what one layer lit: layers do not add up; make it 0"):
        Corrector([channel(True, 120.0)], grid, printer_of((ROWS, COLS), pitch=P), resin("contact", 1.0, "inf"), WHITE, roof_layers=6)


def test_a_tail_is_refused_as_anywhere():
    made = resin("contact", 1.0, "inf")
    tailed = replace(made, resin=replace(made.resin, tail=Value(0.01, "placeholder", "test")))
    with pytest.raises(ExposureError, match=r"tail of 0\.01"):
        Corrector([channel(True, 120.0)], grid_of(ROWS, COLS, LAYERS, pitch=P), printer_of((ROWS, COLS), pitch=P), tailed, WHITE)
