"""Prusa's .sl1: what its firmware and other hosts read from the file, and what they would get wrong."""

import io
import zipfile

import msgspec
import numpy as np
import pytest
from formats.conformance import Conformance, exposure, f_frame, job_of, printer_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import pmsl
from pmsl.errors import JobError, TargetError
from pmsl.formats.sl1.exposure_fade import Fade, fade_over
from pmsl.formats.sl1.panels import display_of, turn_of
from pmsl.formats.sl1.write import _number
from pmsl.profiles.printer import Orientation

SL1_TURN = Orientation(row="-x", col="+y")


class TestSl1(Conformance):
    name = "sl1"
    suffix = ".sl1"
    time_slack_s = 1e-3


class TestSl1Prusa(Conformance):
    """Small frames in the middle of the panel."""

    name = "sl1-prusa"
    read_as = "sl1"
    suffix = ".sl1"
    pitch_um = (47.25, 47.25)
    lossy = True
    time_slack_s = 1e-3

    def test_the_stored_frame_is_the_panel_turned_as_slicers_do(self, tmp_path):
        """As in a file that PrusaSlicer 2.5 wrote for this printer: the stem along the bottom, bars up, the top bar at the right."""
        path = self.written(tmp_path, job_of([f_frame((1440, 2560))], printer_of((1440, 2560), (47.25, 47.25))))
        with zipfile.ZipFile(path) as z, Image.open(io.BytesIO(z.read("pmsl00000.png"))) as image:
            assert image.mode == "L" and image.size == (1440, 2560)
            frame = np.array(image) > 127
        rows, cols = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
        f = frame[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        assert f[-1].all() and f[:, -1].all() and not f[: f.shape[0] // 2, 0].any()


class TestSl1sPrusa(Conformance):
    name = "sl1s-prusa"
    read_as = "sl1"
    suffix = ".sl1s"
    pitch_um = (50.0, 50.0)
    lossy = True
    time_slack_s = 1e-3


def ini(path, name):
    with zipfile.ZipFile(path) as z:
        return dict(line.split(" = ", 1) for line in z.read(name).decode("ascii").splitlines())


def firmware_times_ms(config, n):
    """What Prusa's firmware makes of config.ini, written down a second time, in its own words."""
    first, normal, fade = int(float(config["expTimeFirst"]) * 1e3), int(float(config["expTime"]) * 1e3), int(config["numFade"])
    loss = (first - normal) / (fade - 1)
    return [first if i == 0 else int(first - i * loss) if i < fade - 1 else normal for i in range(n)]


def with_times(times_s, **more):
    frame = f_frame((37, 53))
    return job_of([[exposure(frame, time_s=t)] for t in times_s], printer_of((37, 53)), **more)


# --- times -------------------------------------------------------------------------------------------------------


@given(first=st.integers(1000, 120_000), normal=st.integers(100, 60_000), layers=st.integers(2, 40), more=st.integers(0, 20))
def test_a_linear_fall_is_found_and_shown_within_a_millisecond(first, normal, layers, more):
    line = [first + (normal - first) * min(i, layers - 1) / (layers - 1) for i in range(layers + more)]
    wanted = np.array(line) / 1000
    fade = fade_over(wanted)
    config = {"expTimeFirst": _number(fade.first_ms, 1000), "expTime": _number(fade.normal_ms, 1000), "numFade": str(fade.layers)}
    shown = np.array(firmware_times_ms(config, len(wanted))) / 1000
    assert np.abs(shown - wanted).max() <= 1e-3 + 1e-9
    assert np.array_equal(shown, fade.times_s(len(wanted)))


@given(st.lists(st.one_of(st.floats(0.1, 100.0), st.just(float("nan"))), min_size=1, max_size=60))
def test_the_fade_never_shows_a_layer_too_short(wanted):
    wanted = np.array(wanted)
    fade = fade_over(wanted)
    given_s = fade.times_s(len(wanted))
    lit = np.isfinite(wanted)
    assert (given_s[lit] >= wanted[lit] - 1e-3 - 1e-9).all()
    if lit.all() and fade.layers <= len(wanted):  # the fall ends inside the job: shown times ask for the same fade again
        assert np.abs(fade_over(given_s).times_s(len(wanted)) - given_s).max() <= 1e-3 + 1e-9


def test_fades_by_name():
    assert fade_over(np.full(9, 2.0)) == Fade(2000, 2000, 2)
    assert fade_over(np.array([20, 17, 14, 11, 8, 5, 5])) == Fade(20000, 5000, 6)
    assert fade_over(np.array([np.nan, 3.0, 3.0])) == Fade(3000, 3000, 2)
    assert fade_over(np.array([np.nan])).layers == 2
    assert fade_over(np.array([10, 5, 2.5, 1, 1])) == Fade(10000, 1000, 4)  # covers it: 10 7 4 1 1


def test_doses_of_their_own_are_refused_or_folded_into_gray(tmp_path):
    job = with_times([10, 5, 2.5, 1, 1, 1])
    with pytest.raises(TargetError, match=r"layer 1: time_s is 5 s, it must equal 7 s") as caught:
        pmsl.write(job, tmp_path / "x.sl1")
    assert (caught.value.field, caught.value.exit_code) == ("time_s", 3) and not (tmp_path / "x.sl1").exists()
    written = pmsl.write(job, tmp_path / "x.sl1", lossy=True)
    assert {"lossy-time-s"} <= {f.code for f in written.findings}
    again = pmsl.read(tmp_path / "x.sl1")
    for k, wanted in enumerate([10, 5, 2.5, 1, 1, 1]):
        (shown,) = again[k].exposures
        assert shown.time_s * shown.mask.dense(np.uint8).max() / 255 == pytest.approx(wanted, rel=0.01)


def test_hosts_that_fade_otherwise_are_named(tmp_path):
    found = {f.code: f for f in pmsl.write(with_times([20, 17, 14, 11, 8, 5, 5]), tmp_path / "x.sl1").findings}
    assert "Odyssey" in found["fade-by-host"].message and found["fade-by-host"].value == pytest.approx(2.5)
    assert "fade-by-host" not in {f.code for f in pmsl.write(with_times([5, 5, 5]), tmp_path / "y.sl1").findings}


# --- layers and panels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sl1", "sl1-prusa", "sl1s-prusa"])
@pytest.mark.parametrize("layer_um", [2.5, 5.0])
def test_thin_layers_are_refused(tmp_path, name, layer_um):
    pitch = {"sl1-prusa": 47.25, "sl1s-prusa": 50.0}.get(name, 7.6)
    job = job_of([f_frame((37, 53))] * 3, printer_of((37, 53), (pitch, pitch)), layer_um)
    for lossy in (False, True):
        with pytest.raises(TargetError, match=f"layer height is {layer_um:g} µm, the limit is at least 10 µm"):
            pmsl.write(job, tmp_path / "x.sl1", format=name, lossy=lossy)


def test_a_height_other_hosts_would_cut_is_refused(tmp_path):
    with pytest.raises(TargetError, match=r"12.5 µm, it must be a multiple of 1 µm"):
        pmsl.write(job_of([f_frame((37, 53))], printer_of((37, 53)), 12.5), tmp_path / "x.sl1", lossy=True)


def test_a_pitch_that_would_scale_is_refused_even_lossy(tmp_path):
    with pytest.raises(TargetError, match=r"printed 4.725 × 4.725 times as large"):
        pmsl.write(job_of([f_frame((37, 53))], printer_of((37, 53), (10, 10))), tmp_path / "x.sl1", format="sl1-prusa", lossy=True)


def test_padding_is_asked_for_listed_and_centred(tmp_path):
    job = job_of([f_frame((36, 52))], printer_of((36, 52), (47.25, 47.25)))
    with pytest.raises(TargetError, match=r"frame size is 52x36 px, it must equal 2560x1440 px; slice with --field 2560x1440"):
        pmsl.write(job, tmp_path / "x.sl1", format="sl1-prusa")
    found = {f.code for f in pmsl.write(job, tmp_path / "x.sl1", format="sl1-prusa", lossy=True).findings}
    assert "lossy-frame-size" in found
    seen = pmsl.read(tmp_path / "x.sl1")[0].exposures[0].mask.dense(np.uint8)
    assert np.array_equal(seen[702:738, 1254:1306], f_frame((36, 52))) and seen.sum() == f_frame((36, 52)).sum()


def test_light_outside_the_panel_is_never_cut_off(tmp_path):
    large = np.zeros((1500, 2600), np.uint8)
    large[700:800, 1300:1400] = 255
    printer = printer_of((1500, 2600), (47.25, 47.25))
    pmsl.write(job_of([large], printer), tmp_path / "x.sl1", format="sl1-prusa", lossy=True)
    large[5, 5] = 255
    with pytest.raises(TargetError, match="lit area"):
        pmsl.write(job_of([large], printer), tmp_path / "y.sl1", format="sl1-prusa", lossy=True)


# --- the tables --------------------------------------------------------------------------------------------------


def test_tables_are_as_every_reader_wants_them(tmp_path):
    job = with_times([20, 15, 10, 5, 5], layer_um=35.0)
    path = tmp_path / "x.sl1"
    pmsl.write(job, path)
    config, slicer = ini(path, "config.ini"), ini(path, "prusaslicer.ini")
    assert list(config) == sorted(config)
    assert set(config) >= {
        *("action", "jobDir", "expTime", "expTimeFirst", "expUserProfile", "fileCreationTimestamp", "hollow", "layerHeight"),
        *("layerHeightFirst", "materialName", "numFade", "numFast", "numSlow", "printProfile", "printTime", "printerModel"),
        *("printerProfile", "printerVariant", "prusaSlicerVersion", "usedMaterial"),
    }
    assert all(config.values()) and all(slicer.values())
    assert int(config["numFast"]) + int(config["numSlow"]) == 5
    assert int(float(config["layerHeight"]) * 1e6) == 35_000 == int(float(config["layerHeightFirst"]) * 1e6)
    assert int(float(config["layerHeight"]) * 1000) == 35
    assert config["fileCreationTimestamp"] == "1980-01-01 at 00:00:00 UTC"
    assert (slicer["display_pixels_x"], slicer["display_pixels_y"]) == ("53", "37")
    assert float(slicer["display_width"]) == pytest.approx(53 * 7.6e-3)
    assert config["printerModel"] not in ("SL1", "SL1S", "M1")  # no Prusa takes frames of another size
    with zipfile.ZipFile(path) as z:
        assert {i.date_time for i in z.infolist()} == {(1980, 1, 1, 0, 0, 0)} and z.testzip() is None
        root = sorted(n for n in z.namelist() if n.endswith(".png") and "/" not in n)
        assert root == [f"{config['jobDir']}{k:05d}.png" for k in range(5)]
        for size in ((400, 400), (800, 480)):
            with Image.open(io.BytesIO(z.read(f"thumbnail/thumbnail{size[0]}x{size[1]}.png"))) as image:
                assert image.size == size and image.mode == "RGB" and np.array(image).std() > 5


def test_a_file_names_the_prusa_whose_panel_it_is(tmp_path):
    frame = f_frame((1440, 2560))
    printer = printer_of((1440, 2560), (47.25, 47.25), SL1_TURN)
    pmsl.write(job_of([frame], printer), tmp_path / "x.sl1")
    pmsl.write(job_of([frame], printer_of((1440, 2560), (47.25, 47.25))), tmp_path / "p.sl1", format="sl1-prusa")
    assert ini(tmp_path / "x.sl1", "config.ini")["printerModel"] == ini(tmp_path / "p.sl1", "config.ini")["printerModel"] == "SL1"
    upright = msgspec.structs.replace(printer, orientation=Orientation(), name="SL1")
    pmsl.write(job_of([frame], upright), tmp_path / "u.sl1")
    assert ini(tmp_path / "u.sl1", "config.ini")["printerModel"] == "other-SL1"


@given(st.integers(1, 10**9))
def test_numbers_survive_readers_that_cut_off(whole):
    assert int(float(_number(whole, 1000)) * 1e3) == whole
    assert int(float(_number(whole, 1_000_000)) * 1e6) == whole


def test_every_turn_comes_back():
    for row in ("+x", "-x", "+y", "-y"):
        for col in ("+x", "-x", "+y", "-y"):
            if row[1] != col[1]:
                assert turn_of(display_of(Orientation(row=row, col=col))) == Orientation(row=row, col=col)


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        ("config.ini", "layerHeight = 0.02", "layerHeight = -1", "layerHeight is -1"),
        ("config.ini", "expTime = 2", "expTime = nan", "expTime is nan"),
        ("config.ini", "expTimeFirst = 2", "expTimeFirst = soon", "expected a number"),
        ("config.ini", "jobDir = pmsl", "jobDir = else", "0 frames begin with 'else'"),
        ("config.ini", "numFade = 2", "numFade = 2.5", "whole number"),
        ("prusaslicer.ini", "display_pixels_x = 53", "display_pixels_x = 9999999", "53x37 px; the job's frames are 9999999x37 px"),
        ("prusaslicer.ini", "display_pixels_x = 53", "display_pixels_x = 1e30", "display_pixels_x is 1e+30"),
    ],
)
def test_tables_that_lie_are_refused(tmp_path, table, old, new, words):
    pmsl.write(with_times([2, 2]), tmp_path / "x.sl1")
    with zipfile.ZipFile(tmp_path / "x.sl1") as z, zipfile.ZipFile(tmp_path / "y.sl1", "w") as out:
        for name in z.namelist():
            data = z.read(name)
            out.writestr(name, data.replace(old.encode() + b"\n", new.encode() + b"\n") if name == table else data)
    with pytest.raises(JobError, match=words.replace("+", r"\+")):
        list(pmsl.read(tmp_path / "y.sl1").layers())


def test_verify_holds_tables_against_frames(tmp_path):
    pmsl.write(with_times([2, 2, 2]), tmp_path / "x.sl1")
    with zipfile.ZipFile(tmp_path / "x.sl1") as z, zipfile.ZipFile(tmp_path / "y.sl1", "w") as out:
        for name in z.namelist():
            if name != "pmsl00001.png":
                out.writestr(name, z.read(name))
    problems = pmsl.verify(tmp_path / "y.sl1")
    assert any("numFast + numSlow are 3, the file has 2 frames" in p for p in problems) and any("gap" in p for p in problems)
