"""Jobs that a laser draws: what light they leave, where walls land, how long they take, and what is refused."""

import math

import numpy as np
import pytest
from drawn import PRINTER, PROCESS, RESIN, W0, box, disc, dose_at, edge_um, pixels, process
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import pmsl
from pmsl.cure.drawn_line import cured_line_um
from pmsl.errors import ExposureError, JobError, MeshError, ProfileError, UsageError
from pmsl.profiles.laser import Skin

SUMS = [(1.2, 1.1123), (1.0, 1.2713), (0.8, 1.5680), (0.5, 2.5066)]
PLAIN = {"borders": 0, "inset_um": 0.0, "power_mw": 20.0, "speed_um_s": 5e5, "angle_step_deg": 0.0}


def middle_dose(wide, spacing, **more):
    """The dose map of a middle layer of a long part so many spacings wide, lines through the middles of pixels."""
    printer = pixels(spacing / 5, (300, 420))
    low = (30 - wide // 2) * spacing
    part = box(2 * spacing, low, 80 * spacing, wide * spacing, 100.0)
    job = pmsl.prepare([part], printer, RESIN, replace(process(spacing_um=spacing, **PLAIN, **more), bottom_dose_factors=()))
    return job, pmsl.dose_map(job, job[1])


@pytest.mark.parametrize(("ratio", "gain"), SUMS)
def test_peak_of_an_endless_hatch_over_a_line(ratio, gain):
    """The drawn dose, of a part one line wide and of one with thirty."""
    job, one = middle_dose(1, ratio * W0)
    _, many = middle_dose(30, ratio * W0)
    assert len(pmsl.vectors(job, 1)) == 1 and one.at == "plane"
    col = 210
    peak = one.dense()[:, col].max()
    assert many.dense()[100:200, col].max() / peak == pytest.approx(gain, abs=1e-4)
    assert peak == pytest.approx(math.sqrt(2 / math.pi) * 20.0 / (W0 * 5e5) * 1e8, rel=1e-6)


def test_cured_width_and_depth_of_a_line():
    job, dose = middle_dose(1, 0.5 * W0)
    dp, ec = RESIN.resin.dp_um.value, RESIN.resin.ec_mj_cm2.value
    width, depth = cured_line_um(20.0, 5e5, W0, dp, ec)
    line = dose.dense()[:, 210].astype(float)
    y = (np.arange(len(line)) + 0.5) * 4.0 - pmsl.vectors(job, 1)[0].points_um[0, 1]
    upper = (y > 0) & (line > 1e-3 * line.max())
    edge = math.sqrt(np.interp(-math.log(ec), -np.log(line[upper]), y[upper] ** 2))
    assert 2 * edge == pytest.approx(width, rel=1e-3)
    assert dp * math.log(line.max() / ec) == pytest.approx(depth, rel=1e-3)


@pytest.mark.parametrize("angle", [0.0, 26.6, 45.0])
@pytest.mark.parametrize("borders", [1, 2])
def test_walls_land_where_they_were_drawn(angle, borders):
    """Within 0.02 w0 in every layer, the bottom ones with more light and the last one with none above."""
    job = pmsl.prepare([box(4000, 4000, 700, 500, 150, angle)], PRINTER, RESIN, process(borders=borders))
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    middle = np.array([4350.0, 4250.0])
    for k in (0, 2, 4, 5):
        for outward, far in (((c, s), 350.0), ((-s, c), 250.0)):
            normal = np.array(outward)
            assert abs(edge_um(job, k, middle + far * normal, normal)) < 0.02 * W0, (k, outward)


@pytest.mark.parametrize("radius", [12 * W0, 20 * W0])
def test_round_walls_land_where_they_were_drawn(radius):
    job = pmsl.prepare([disc(5000, 5000, radius, 100, 240)], PRINTER, RESIN, PROCESS)
    for degrees in (0.75, 36.75):
        normal = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
        assert abs(edge_um(job, 2, (5000, 5000) + radius * normal, normal)) < 0.02 * W0


def test_other_memories_and_induction_are_compensated_for():
    """Where recoating replaces liquid only a layer's own light counts; what each exposure spends is spent."""
    part = [box(4000, 4000, 700, 500, 100)]

    def inset(**values):
        resin = replace(RESIN, resin=replace(RESIN.resin, **values))
        return pmsl.prepare(part, PRINTER, resin, PROCESS).layer_source.light.inset_um

    plain = inset()
    assert (plain[:-1] > plain[-1]).all()  # the last layer has no light from above
    open_um = inset(memory=replace(RESIN.resin.dp_um, value="open"))
    assert open_um[-1] == pytest.approx(plain[-1]) and open_um[-2] == pytest.approx(plain[-1])
    assert (inset(induction_mj_cm2=replace(RESIN.resin.dp_um, value=4.0))[2:-1] < plain[2:-1]).all()


def test_simulate_finds_the_walls_and_the_dose_map_is_the_drawings():
    job = pmsl.prepare([box(5000, 5000, 400, 320, 75)], PRINTER, RESIN, PROCESS)
    found = pmsl.simulate(job, threads=1)
    assert abs(found.epe_um["median"]) < 0.02 * W0 and found.iou > 0.95
    dose = pmsl.dose_map(job, job[1])
    rows, cols = np.unravel_index([0, 700, 1500, 2200], dose.dose.shape)
    points = np.stack([(cols + dose.window.col0 + 0.5) * 8.0, (rows + dose.window.row0 + 0.5) * 8.0], axis=1)
    np.testing.assert_allclose(dose.dose[rows, cols], dose_at(pmsl.vectors(job, 1), W0, points), atol=1e-6 * dose.dose.max())


def test_checks_look_at_what_is_drawn():
    """A body in mid-air is found, and a part on the plate has none."""
    printer = pixels(16.0, (150, 150))
    floating = [box(800, 800, 500, 400, 100), box(1500, 800, 300, 300, 100)]
    lifted = pmsl.Part(solid=floating[1], transform=np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 400.0], [0, 0, 0, 1]], float))
    job = pmsl.prepare([floating[0], lifted], printer, RESIN, PROCESS)
    assert [f.code for f in pmsl.check(job) if f.severity == "error"] == ["loose-body"]
    assert not [f for f in pmsl.check(pmsl.prepare(floating[:1], printer, RESIN, PROCESS)) if f.severity != "info"]


def test_kinds_powers_and_order_of_lines():
    hatch = {"borders": 2, "border_step_um": 20.0, "inset_um": 30.0, "hatch_inset_um": 25.0, "angle_deg": 30.0, "angle_step_deg": 60.0}
    job = pmsl.prepare([box(4000, 4000, 700, 500, 100)], PRINTER, RESIN, process(**hatch))
    lines = pmsl.vectors(job, 1)
    assert [line.kind for line in lines[:2]] == ["border", "border"] and {line.kind for line in lines[2:]} == {"hatch"}
    for line, inset in zip(lines[:2], (30.0, 50.0), strict=True):
        low, high = line.points_um.min(axis=0), line.points_um.max(axis=0)
        np.testing.assert_allclose([*low, *high], [4000 + inset, 4000 + inset, 4700 - inset, 4500 - inset], atol=1e-4)
        assert (line.points_um[0] == line.points_um[-1]).all()
    ends = np.array([line.points_um for line in lines[2:]])
    assert ends.reshape(-1, 2).min() >= 4075 - 1e-4 and ends[..., 0].max() <= 4625 + 1e-4
    way = ends[:, 1] - ends[:, 0]
    np.testing.assert_allclose(np.degrees(np.arctan2(way[:, 1], way[:, 0])) % 180, 90.0)  # 30° + 60°
    length = np.hypot(way[:, 0], way[:, 1]).sum()
    assert length * 30.0 == pytest.approx(550 * 350, rel=0.05)


def test_skins_are_the_first_and_last_layers_of_faces():
    """A step: what lies under the open sky within two layers, and over the plate, is hatched otherwise."""
    parts = [box(4000, 4000, 400, 400, 100), box(4400, 4000, 400, 400, 250)]
    job = pmsl.prepare(parts, PRINTER, RESIN, process(skin=Skin(layers=2, spacing_um=15.0)))

    def kinds(k):
        return {line.kind for line in pmsl.vectors(job, k)}

    assert [sorted(kinds(k) - {"border"}) for k in (0, 1)] == [["skin"]] * 2  # on the plate
    assert sorted(kinds(2) - {"border"}) == sorted(kinds(3) - {"border"}) == ["hatch", "skin"]
    assert [sorted(kinds(k) - {"border"}) for k in (5, 7)] == [["hatch"]] * 2 and sorted(kinds(9) - {"border"}) == ["skin"]
    left = np.concatenate([line.points_um for line in pmsl.vectors(job, 3) if line.kind == "skin"])
    assert left[:, 0].max() <= 4400.001
    y = np.unique(np.round([line.points_um[0, 1] for line in pmsl.vectors(job, 0) if line.kind == "skin"], 6))
    np.testing.assert_allclose(np.diff(y), 15.0, atol=1e-5)


def test_doses_follow_the_far_face_rule_where_light_is_least():
    """Between two hatches in a wide part there is 1.5 Ec at the far face; a border by itself has as much on it."""
    spacing = 40.0
    job = pmsl.prepare([box(4000, 4000, 1000, 1000, 75)], PRINTER, RESIN, process(spacing_um=spacing, angle_step_deg=0.0))
    wanted = 1.5 * RESIN.resin.ec_mj_cm2.value * math.exp(25.0 / RESIN.resin.dp_um.value)
    between = np.array([[4500.0, 112 * spacing]])
    assert dose_at(pmsl.vectors(job, 2), W0, between)[0] == pytest.approx(wanted, rel=1e-6)
    assert job[2].exposures[0].dose_mj_cm2 == pytest.approx(wanted)
    border = [line for line in pmsl.vectors(job, 2) if line.kind == "border"][0]
    assert math.sqrt(2 / math.pi) * border.power_mw / (W0 * border.speed_um_s) * 1e8 == pytest.approx(wanted)
    slow = [line.speed_um_s for k in (0, 1, 2) for line in pmsl.vectors(job, k) if line.kind == "border"]
    assert slow[0] / slow[2] == pytest.approx(0.25) and slow[1] / slow[2] == pytest.approx(0.5)


def test_a_strong_laser_is_turned_down_rather_than_too_fast():
    strong = replace(PRINTER, laser=replace(PRINTER.laser, power_mw=replace(PRINTER.laser.power_mw, value=300.0)))
    job = pmsl.prepare([box(4000, 4000, 300, 300, 75)], strong, RESIN, PROCESS)
    assert all(line.speed_um_s == 5e6 and line.power_mw < 300.0 for line in pmsl.vectors(job, 2))
    by_speed = pmsl.prepare([box(4000, 4000, 300, 300, 75)], PRINTER, RESIN, process(speed_um_s=5e5))
    hatch = [line for line in pmsl.vectors(by_speed, 2) if line.kind == "hatch"][0]
    assert hatch.speed_um_s == 5e5 and hatch.power_mw < 30.0
    assert by_speed[2].exposures[0].dose_mj_cm2 == pytest.approx(job[2].exposures[0].dose_mj_cm2)


def test_times_are_those_of_marks_and_jumps():
    job = pmsl.prepare([box(4000, 4000, 500, 400, 50)], PRINTER, RESIN, PROCESS)
    laser, total = PRINTER.laser, 0.0
    for k in range(len(job)):
        lines = pmsl.vectors(job, k)
        marks = sum(np.hypot(*np.diff(line.points_um, axis=0).T).sum() / line.speed_um_s + laser.mark_delay_s.value for line in lines)
        jumps = sum(
            math.dist(a.points_um[-1], b.points_um[0]) / laser.jump_um_s.value + laser.jump_delay_s.value
            for a, b in zip(lines[:-1], lines[1:], strict=True)
        )
        assert job[k].exposures[0].time_s == pytest.approx(marks + jumps)
        total += marks + jumps + job[k].motion.duration_s
    assert job.estimate().print_time_s == pytest.approx(total) and job.estimate().resin_ml == pytest.approx(500 * 400 * 50e-12)


def test_any_order_gives_the_same_lines():
    job = pmsl.prepare([disc(5000, 5000, 300, 150, 60)], PRINTER, RESIN, PROCESS)
    again = pmsl.prepare([disc(5000, 5000, 300, 150, 60)], PRINTER, RESIN, PROCESS)
    forward = [pmsl.vectors(job, k) for k in range(len(job))]
    for k in range(len(again) - 1, -1, -1):
        for a, b in zip(forward[k], pmsl.vectors(again, k), strict=True):
            assert a.kind == b.kind and np.array_equal(a.points_um, b.points_um)
    assert pmsl.vectors(job, -1)[0].kind == "border"
    with pytest.raises(IndexError):
        pmsl.vectors(job, 6)


def test_what_the_spot_cannot_draw_is_found():
    job = pmsl.prepare([box(4000, 4000, 700, 500, 50), box(4700, 4200, 300, 50, 50)], PRINTER, RESIN, PROCESS)
    found = [f for f in job[1].findings if f.code == "narrower-than-spot"]
    assert len(found) == 1 and found[0].box_um[0][0] > 4690 and found[0].value == 1
    with pytest.raises(pmsl.PmslError, match="light|lit|drawn"):
        pmsl.prepare([box(4000, 4000, 30, 30, 50)], PRINTER, RESIN, PROCESS)


def test_wide_spacing_and_coarse_pixels_are_found():
    codes = {f.code for f in pmsl.prepare([box(4000, 4000, 700, 500, 50)], pixels(25.0), RESIN, process(spacing_um=90.0)).findings}
    assert {"hatch-gaps", "spot-below-pixels"} <= codes
    assert not {"hatch-gaps", "spot-below-pixels"} & {f.code for f in pmsl.prepare(PART, PRINTER, RESIN, PROCESS).findings}


@pytest.mark.parametrize(
    ("hatch", "words"),
    [
        ({"spacing_um": 90.0}, "hatch lines are 90 µm apart"),
        ({"borders": 2, "border_step_um": 81.0}, "borders are 81 µm apart"),
        ({"hatch_inset_um": 5000.0}, "hatches and the innermost border are 5000 µm apart"),
        ({"skin": Skin(spacing_um=85.0)}, "skin lines are 85 µm apart"),
        ({"borders": 3, "border_step_um": 79.0, "hatch_inset_um": 79.0, "spacing_um": 79.0}, None),
        ({"borders": 1, "border_step_um": 500.0}, None),
    ],
)
def test_all_lines_beside_each_other_are_held_against_the_spot(hatch, words):
    found = [f for f in pmsl.prepare(PART, PRINTER, RESIN, process(**hatch)).findings if f.code == "hatch-gaps"]
    assert [f.message.startswith(words) for f in found] == ([] if words is None else [True])
    assert all(f.limit == 2 * W0 for f in found)


@given(inset=st.floats(-400, 20), room=st.floats(0, 400), offset=st.sampled_from([0.0, 30.0, -30.0]))
@settings(max_examples=15, deadline=None)
def test_no_line_is_drawn_beyond_the_field(inset, room, offset):
    """A border that is drawn outside of the part is refused where it leaves the field, and only there."""
    drawn = replace(process(inset_um=inset), xy_offset_um=offset)
    parts, printer, size = [box(room, 300, 400, 300, 50)], pixels(8.0, (120, 140)), (1120.0, 960.0)
    if min(room, 300, size[0] - room - 400, size[1] - 600) + inset - offset < -1e-6:
        with pytest.raises(MeshError, match="grow by .*inset_um|grow by .*xy_offset_um"):
            pmsl.prepare(parts, printer, RESIN, drawn)
        return
    for line in pmsl.vectors(pmsl.prepare(parts, printer, RESIN, drawn), 0):
        assert (line.points_um >= -1e-6).all() and (line.points_um <= np.add(size, 1e-6)).all()


PART = [box(4000, 4000, 700, 500, 50)]


@pytest.mark.parametrize(
    ("printer", "settings", "error", "words"),
    [
        ("laser-405", "default", UsageError, r"draws with a laser, process default shows pictures: it has no \[hatch\]"),
        ("pmsl-2um", PROCESS, UsageError, r"process laser draws with a laser .* printer pmsl-2um shows pictures"),
        (
            PRINTER,
            process(speed_um_s=6e6),
            ExposureError,
            "layer 0: the speed of its hatch lines is 6e.06 µm/s; the laser has 1000",
        ),
        (PRINTER, process(speed_um_s=10.0), ExposureError, "the speed of its hatch lines is 10 µm/s"),
        (PRINTER, process(power_mw=31.0), ExposureError, "the power of its hatch lines is 31 mW; the laser has 0 to 30 mW"),
        (PRINTER, process(power_mw=1e6), ExposureError, "the power of its hatch lines is 1e.06 mW.* lower power_mw"),
        (PRINTER, process(spacing_um=3000.0), ExposureError, "its lines are 75 radii of the spot apart: take a spacing_um of about one"),
        (PRINTER, process(spacing_um=0.001), ExposureError, "hatch lines are 0.001 µm apart, at least 0.4 µm is offered"),
        (PRINTER, process(skin=Skin(spacing_um=0.39)), ExposureError, "skin lines are 0.39 µm apart"),
        (PRINTER, process(inset_um=260.0), MeshError, r"no layer has a line: .* drawn 260 µm inside of it \(hatch.inset_um\)"),
        (PRINTER, process(border_power_mw=40.0), ExposureError, "the power of its border lines is 40 mW"),
        (PRINTER, process(power_mw=0.5, speed_um_s=1e6), ExposureError, "at its far face, below Ec = 17.9"),
        (
            PRINTER,
            process(border_power_mw=0.1, border_speed_um_s=1e6, spacing_um=20.0),
            ExposureError,
            "does not cure as far as it is drawn",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(printer, settings, error, words):
    with pytest.raises(error, match=words):
        pmsl.prepare(PART, printer, "pr48-405", settings)


def test_fields_doses_of_parts_and_vectors_of_pictures_are_refused():
    with pytest.raises(UsageError, match="--fields is of pictures"):
        pmsl.prepare(PART, PRINTER, RESIN, PROCESS, fields=(2, 1))
    with pytest.raises(UsageError, match="a laser draws all parts with one light"):
        pmsl.prepare([pmsl.Part(solid=PART[0], dose_scale=0.5)], PRINTER, RESIN, PROCESS)
    shown = pmsl.prepare([box(100, 100, 300, 300, 50)], "pmsl-2um", "pr48-405")
    with pytest.raises(JobError, match="printer pmsl-2um shows pictures, so nothing is drawn"):
        pmsl.vectors(shown, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[hatch]\nspacing_um = 0.0", "hatch.spacing_um"),
        ("[hatch]\nspacing = 10.0", "unknown key 'spacing' in .hatch.; did you mean 'spacing_um'"),
        ('[hatch]\nspacing_um = 20.0\norder = "spiral"', "hatch.order"),
        ('coverage = "volume"\n[hatch]\nspacing_um = 20.0', "coverage is of the light of pixels"),
        ('corrections = ["flatfield"]\n[hatch]\nspacing_um = 20.0', "corrections is of the light of pixels"),
        ("exposure_s = 2.0\n[hatch]\nspacing_um = 20.0", "exposure_s is of the light of pixels"),
        ("[hatch]\nspacing_um = 20.0\n[hatch.skin]\nlayers = 0", "hatch.skin.layers"),
    ],
)
def test_bad_hatches_in_a_process_are_refused(tmp_path, text, words):
    path = tmp_path / "mine.toml"
    path.write_text(f'schema = "pmsl.process/2"\nname = "mine"\ndescription = "x"\n{text}\n', encoding="utf-8")
    with pytest.raises(ProfileError, match=words):
        pmsl.find_process(path)


def test_hatches_came_with_version_2(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('schema = "pmsl.process/1"\nname = "mine"\ndescription = "x"\n[hatch]\nspacing_um = 20.0\n', encoding="utf-8")
    with pytest.raises(ProfileError, match="hatch came with pmsl.process/2"):
        pmsl.find_process(path)
    assert PROCESS.schema == "pmsl.process/2" and PRINTER.schema == "pmsl.printer/2"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"w0_um": 30.0}, "its spot is w0_um = 30 wide, so .optics.psf. is gaussian with sigma_um = 15"),
        ({"min_um_s": 1e7}, "min_um_s is 1e.07, above max_um_s"),
    ],
)
def test_a_laser_whose_values_do_not_fit_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(PRINTER, laser=replace(PRINTER.laser, **{name: replace(PRINTER.laser.w0_um, value=v) for name, v in change.items()}))
