"""What an .sl1 holds beside frames and times: mask.png and keys that change light are applied or refused by name; whose pixels they are."""

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from formats.conformance import exposure, f_frame, job_of, printer_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps
from tiers import examples

import pmsl
from pmsl.errors import JobError, UsageError
from pmsl.formats.sl1.light_mask import darkened
from pmsl.formats.sl1.panels import TURN
from pmsl.profiles.printer import Orientation

SHAPE = (37, 53)
CASE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "prusa_numbers_with_mask.sl1"


def png(frame):
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "png")
    return file.getvalue()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A file of three layers, whose first is shown longer."""
    path = tmp_path_factory.mktemp("sl1") / "plain.sl1"
    frame = f_frame(SHAPE)
    frame[5:9, 5:50] = np.arange(45, dtype=np.uint8) * 5
    layers = [[exposure(frame, time_s=t)] for t in (4.0, 2.0, 2.0)]
    pmsl.write(job_of(layers, printer_of(SHAPE, orientation=TURN), 50.0), path)
    return path


def changed(plain, path, config="", drop=(), lines=None, **members):
    """A copy with lines added to config.ini or in place of its keys, without some members, with others."""
    with zipfile.ZipFile(plain) as z, zipfile.ZipFile(path, "w") as out:
        for name in z.namelist():
            if name in drop:
                continue
            data = z.read(name)
            if name == "config.ini":
                text = data.decode()
                for key, value in (lines or {}).items():
                    old = next((line for line in text.splitlines() if line.startswith(f"{key} = ")), None)
                    assert old is not None
                    text = text.replace(old + "\n", f"{key} = {value}\n" if value is not None else "")
                data = (text + config).encode()
            out.writestr(name, data)
        for name, data in members.items():
            out.writestr(name.replace("__", "."), data)
    return path


def levels(job, k=0):
    """The frame of a layer as the printer has it."""
    from pmsl.formats.frames.device_frame import device_frame

    return device_frame(job[k].exposures[0].mask, job.engines[0].orientation)


def codes(job):
    return {f.code: f for f in job.findings}


# --- mask.png ----------------------------------------------------------------------------------------------------


def as_firmware_shows(frame, mask):
    """What Prusa's firmware does, in Pillow: black laid over the frame where the inverted mask is."""
    image = Image.fromarray(frame)
    image.paste(Image.new("L", image.size), mask=ImageOps.invert(Image.fromarray(mask)))
    return np.array(image)


@given(frame=arrays(np.uint8, (7, 11)), mask=arrays(np.uint8, (7, 11)))
def test_darkening_is_what_the_firmware_does(frame, mask):
    assert np.array_equal(darkened(frame, mask), as_firmware_shows(frame, mask))


def test_every_pair_of_levels():
    frame, mask = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    assert np.array_equal(darkened(frame, mask), as_firmware_shows(frame, mask))
    assert np.array_equal(darkened(frame.repeat(3, 0), mask.repeat(3, 0)), as_firmware_shows(frame, mask).repeat(3, 0))  # several bands


def test_a_mask_darkens_every_layer_and_is_said(plain, tmp_path):
    frame = levels(pmsl.read(plain))
    mask = np.random.default_rng(2).integers(0, 256, frame.shape).astype(np.uint8)
    mask[:, :10] = 0
    path = changed(plain, tmp_path / "x.sl1", mask__png=png(mask))
    job = pmsl.read(path)
    for k in range(3):
        assert np.array_equal(levels(job, k), as_firmware_shows(frame, mask))
    assert codes(job)["light-mask"].value == pytest.approx((mask < 255).mean()) and "mask.png" in codes(job)["light-mask"].message
    assert pmsl.verify(path) == []
    pmsl.write(job, tmp_path / "again.sl1")
    with zipfile.ZipFile(tmp_path / "again.sl1") as z:  # in the frames, for every host, and not twice
        assert "mask.png" not in z.namelist()
    assert np.array_equal(levels(pmsl.read(tmp_path / "again.sl1")), levels(job))


def test_a_black_mask_leaves_no_exposure_and_a_white_one_changes_nothing(plain, tmp_path):
    frame = levels(pmsl.read(plain))
    dark = pmsl.read(changed(plain, tmp_path / "x.sl1", mask__png=png(np.zeros_like(frame))))
    assert [plan.exposures for plan in dark.layers()] == [(), (), ()]
    white = pmsl.read(changed(plain, tmp_path / "y.sl1", mask__png=png(np.full_like(frame, 255))))
    assert np.array_equal(levels(white), frame) and "light-mask" not in codes(white)


@pytest.mark.parametrize(
    "bad",
    [np.zeros(SHAPE, np.uint8), np.zeros((53, 37, 3), np.uint8), np.zeros((53, 37), bool), b"no picture", b""],
    ids=["size", "colour", "bits", "text", "empty"],
)
def test_a_mask_that_does_not_fit_is_refused_by_name(plain, tmp_path, bad):
    path = changed(plain, tmp_path / "x.sl1", mask__png=bad if isinstance(bad, bytes) else png(bad))
    with pytest.raises(JobError, match=r"mask\.png"):
        pmsl.read(path)


def test_a_mask_is_no_frame(plain, tmp_path):
    white = png(np.full((53, 37), 255, np.uint8))
    with pytest.raises(JobError, match=r"jobDir makes mask\.png"):
        pmsl.read(changed(plain, tmp_path / "x.sl1", lines={"jobDir": "m"}, mask__png=white, m00000__png=white))


@pytest.mark.skipif(not CASE.exists(), reason="the shared cases are not here")
def test_the_firmwares_own_sample(tmp_path):
    job = pmsl.read(CASE)
    with zipfile.ZipFile(CASE) as z:
        frame, mask = (np.array(Image.open(io.BytesIO(z.read(name)))) for name in ("numbers00001.png", "mask.png"))
    assert np.array_equal(levels(job, 1), as_firmware_shows(frame, mask)) and not np.array_equal(levels(job, 1), frame)
    assert "light-mask" in codes(job)


# --- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("calibrateRegions = 8\ncalibrateTime = 1\n", "calibrateRegions is 8, calibrateTime is 1"),
        ("calibrateRegions = 2\n", "calibrateRegions is 2"),
        ("calibrateregions = 9\n", "calibrateRegions is 9"),  # the firmware takes small letters too
        ("calibrateTimeExact = [1.0, 2.0]\n", "calibrateTimeExact is"),
        ("calibrateTimeExact = 1.0 2.0\n", "calibrateTimeExact is"),
        ("calibrateRegions = many\n", "calibrateRegions is 'many'"),
        ("expTime = 7\n", "expTime is '2.*' and also '7'"),
        ("exptime = 7\n", "expTime"),
    ],
)
def test_keys_that_change_light_are_refused_by_name(plain, tmp_path, config, words):
    path = changed(plain, tmp_path / "x.sl1", config)
    with pytest.raises(JobError, match=words):
        pmsl.read(path)
    assert re.search(words, "".join(pmsl.verify(path)))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("calibrateRegions = 0\ncalibrateTime = 1.5\n", "calibrateTime without calibrateRegions"),
        ("expUserProfile2 = 1\n", "expUserProfile2, which pmsl does not know"),
    ],
)
def test_keys_without_light_or_meaning_are_said(plain, tmp_path, config, words):
    job = pmsl.read(changed(plain, tmp_path / "x.sl1", config))
    assert words in codes(job)["not-read"].message
    assert [e.time_s for plan in job.layers() for e in plan.exposures] == [4.0, 2.0, 2.0]
    assert "not-read" not in codes(pmsl.read(plain))


def test_a_profile_of_slow_moves_is_said(plain, tmp_path):
    job = pmsl.read(changed(plain, tmp_path / "x.sl1", lines={"expUserProfile": "1"}))
    assert "expUserProfile" in codes(job)["not-read"].message


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"expTime": 2}, None),
        ({"expTime": 2.0, "jobDir": "pmsl", "version": 1}, None),
        ({"expTime": 3}, "expTime is 3 in config.json, which the printer reads first"),
        ({"exptime": 3}, "expTime is 3 in config.json"),
        ({"expTimeFirst": 9.5}, "expTimeFirst is 9.5"),
        ({"layerHeight": 0.1}, "layerHeight is 0.1"),
        ({"numFade": 7}, "numFade is 7"),
        ({"calibrateRegions": 4}, "calibrateRegions is 4"),
        ({"calibrateTimeExact": [1.0, 2.0]}, "calibrateTimeExact is"),
        ([1], "holds no table"),
    ],
)
def test_what_the_printer_reads_first_is_held_against_the_rest(plain, tmp_path, table, words):
    path = changed(plain, tmp_path / "x.sl1", config__json=json.dumps(table))
    if words is None:
        assert [e.time_s for plan in pmsl.read(path).layers() for e in plan.exposures] == [4.0, 2.0, 2.0]
        return
    with pytest.raises(JobError, match=words.replace("[", r"\[")):
        pmsl.read(path)


def test_moves_of_the_printer_are_said(plain, tmp_path):
    path = changed(plain, tmp_path / "x.sl1", config__json=json.dumps({"exposure_profile": {"delay_before_exposure_ms": [0]}}))
    assert "exposure_profile" in codes(pmsl.read(path))["not-read"].message


def test_values_that_the_printer_changes_are_findings_and_no_sound_file(plain, tmp_path):
    lines = {"expTime": "70", "expTimeFirst": "130", "printerModel": "SL1", "layerHeightFirst": None}
    shape = (1440, 2560)
    pmsl.write(job_of([f_frame(shape)], printer_of(shape, (47.25, 47.25)), 100.0), tmp_path / "x.sl1", format="sl1-prusa")
    path = changed(tmp_path / "x.sl1", tmp_path / "y.sl1", lines=lines)
    said = [f.message for f in pmsl.read(path).findings if f.code == "changed-by-printer"]
    assert len(said) == 3 and "expTime is 70" in said[1] and "expTimeFirst is 130" in said[2] and "makes it 50 µm" in said[0]
    assert any("expTime is 70" in p for p in pmsl.verify(path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(15))
@given(key=st.sampled_from(["calibrateRegions", "calibrateTime", "calibrateTimeExact", "numFade", "expTime"]), value=st.text(max_size=12))
def test_no_value_is_more_than_a_refusal(plain, tmp_path, key, value):
    text = f"jobDir = pmsl\nexpTimeFirst = 4\n{key} = {value}\n"
    path = changed(plain, tmp_path / "x.sl1", drop=("config.ini",), config__ini=text.encode())
    with pytest.raises(JobError):
        pmsl.read(path)


# --- whose pixels ------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(plain, tmp_path):
    """A file that says neither its pixels nor a known printer."""
    return changed(plain, tmp_path / "bare.sl1", drop=("prusaslicer.ini",), lines={"printerModel": "Athena"})


def test_pixels_that_nobody_says_are_asked_for(bare):
    with pytest.raises(JobError, match=r"--printer P, or with --pitch-um P and --field 53x37"):
        pmsl.read(bare)
    assert "--field 53x37" in "".join(pmsl.verify(bare))


def test_pixels_as_they_are_said(bare, plain, tmp_path):
    job = pmsl.read(bare, pitch_um=7.6, field=SHAPE)
    assert job.grid.shape == SHAPE and job.grid.pitch_um.tolist() == [7.6, 7.6] and job.engines[0].orientation == TURN
    assert job.printer.optics.pitch_um.source == "--pitch-um, --field" and "orientation-guessed" in codes(job)
    assert np.array_equal(levels(job), levels(pmsl.read(plain)))
    assert pmsl.verify(bare, pitch_um=7.6) == []
    printer = printer_of(SHAPE, (9.0, 8.0), Orientation(row="+x", col="+y"))
    said = pmsl.read(bare, printer=printer)
    assert (said.engines[0].orientation, said.grid.pitch_um.tolist()) == (printer.orientation, [9.0, 8.0])
    assert "orientation-guessed" not in codes(said)
    upright = pmsl.read(bare, pitch_um=7.6, field=SHAPE[::-1])  # as the frames lie
    assert upright.grid.shape == SHAPE[::-1] and upright.engines[0].orientation.row[1] == "y"
    for wrong in ({"field": (37, 54)}, {"printer": pmsl.find_printer("dlp-27um")}):
        with pytest.raises(UsageError, match="the field is"):
            pmsl.read(bare, pitch_um=7.6, **wrong)


def test_what_a_file_states_is_not_said_otherwise(plain):
    assert pmsl.read(plain, pitch_um=7.6, field=SHAPE).printer.optics.pitch_um.source == "the file"
    with pytest.raises(UsageError, match="states a pixel pitch of 7.6"):
        pmsl.read(plain, pitch_um=7.7)


def test_an_m1_has_the_panel_of_an_sl1s(tmp_path):
    shape = (1620, 2560)
    pmsl.write(job_of([f_frame(shape)], printer_of(shape, (50.0, 50.0))), tmp_path / "x.sl1", format="sl1s-prusa")
    path = changed(tmp_path / "x.sl1", tmp_path / "y.sl1", drop=("prusaslicer.ini",), lines={"printerModel": "M1"})
    assert pmsl.read(path).grid.shape == shape and pmsl.verify(path) == []


# --- a wavelength that the file does not hold ---------------------------------------------------------------------


def test_a_wavelength_that_nobody_said_stays_a_placeholder(plain, tmp_path):
    job = pmsl.read(plain)
    assert "printer.optics.wavelength_nm" in job.placeholders and job.printer.optics.wavelength_nm.class_ == "placeholder"
    for name in ("a.zip", "a.tif"):
        pmsl.write(job, tmp_path / name)
        assert "printer.optics.wavelength_nm" in pmsl.read(tmp_path / name).placeholders
        assert pmsl.verify(tmp_path / name) == []
    found = {f.code for f in pmsl.write(job, tmp_path / "b.zip", format="byu").findings}
    assert "wavelength-guessed" in found
