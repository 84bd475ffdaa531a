"""``pmsl convert``, and slice, info and verify of formats other than native."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import pmsl
from pmsl.formats.frames.device_frame import depth_levels

PART = ["--printer", "pmsl-10um", "--resin", "pr48-405", "--layer-um", "20", "--no-design"]
EVEN = 'schema = "pmsl.process/1"\nname = "even"\ndescription = ""\nlayer_um = 20.0\nbottom_dose_factors = []\n'


@pytest.fixture
def run(run):
    """Run one command line in a folder with a process of even doses."""
    Path("even.toml").write_text(EVEN)
    return run


def shown(path):
    return [[e.mask.sha256() for e in plan.exposures] for plan in pmsl.read(path).layers()]


def sha(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.mark.parametrize(("out", "format"), [("x.sl1", "sl1"), ("x.nanodlp", "nanodlp"), ("x.zip", "byu")])
def test_slice_straight_into_a_printers_file_or_by_way_of_a_job(run, samples, out, format):
    part = samples / "f_orientation.stl"
    assert run("slice", part, "-o", out, "--format", format, *PART, "--process", "even.toml")[0] == 0
    assert run("slice", part, "-o", "job", *PART, "--process", "even.toml")[0] == 0
    assert run("convert", "job", f"y{out}", "--format", format)[0] == 0
    assert sha(out) == sha(f"y{out}")
    assert run("verify", out)[:2] == (0, f"{out}: sound\n")
    facts = json.loads(run("info", out, "--json")[1])
    assert (facts["format"], facts["layers"], facts["shape"]) == (format, 10, [1080, 1920])
    assert "irradiance" in facts["partial"][0] and not facts["calibrated"]
    assert f"({format})" in run("info", out)[1]
    assert run("convert", out, "back")[0] == 0 and run("verify", "back")[0] == 0
    assert shown("back") == shown("job")
    assert run("convert", "back", f"again{out}", "--format", format)[0] == 0
    assert np.array_equal([e.time_s for p in pmsl.read(f"again{out}").layers() for e in p.exposures], times(out))


def times(path):
    return [e.time_s for p in pmsl.read(path).layers() for e in p.exposures]


def test_what_a_format_cannot_hold_is_refused_with_field_value_and_limit(run, samples, tmp_path):
    part = samples / "f_orientation.stl"
    code, out, err = run("slice", part, "-o", "x.sl1", *PART)
    assert code == 3 and out == "" and "layer 1: time_s is 8.95822 s, it must equal" in err and "--lossy" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["even.toml"]
    assert "bottom dose factors that fall in equal steps, --bottom-dose-factors 10,7,4" in err and "limit" not in err
    assert run("slice", part, "-o", "fall.sl1", "--no-design", "--bottom-dose-factors", "10,7,4")[0] == 0  # the advice helps: all defaults
    assert run("slice", part, "-o", "none.sl1", *PART, "--bottom-dose-factors", "none")[0] == 0
    code, out, err = run("slice", part, "-o", "x.sl1", *PART, "--lossy", "--json")
    assert code == 0 and {"lossy-time-s", "fade-by-host"} <= {f["code"] for f in json.loads(out)["findings"]}
    code, out, err = run("slice", part, "-o", "y.sl1", *PART, "--layer-um", "5", "--lossy")
    assert code == 3 and "5 µm" in err and "at least 10 µm" in err
    code, _, err = run("slice", part, "-o", "y.sl1", "--format", "sl1-prusa", *PART, "--lossy")
    assert code == 3 and "pixel pitch is 10 × 10 µm, it must equal 47.25 × 47.25 µm" in err
    assert not Path("y.sl1").exists()
    for format, layer in (("native", "2.5"), ("byu", "2.5")):
        assert run("slice", part, "-o", f"{format}.zip", "--format", format, *PART, "--layer-um", layer, "--process", "even.toml")[0] == 0
        assert pmsl.read(f"{format}.zip").grid.thickness_um == pytest.approx(2.5)


def test_the_real_panels(run, samples):
    part = samples / "f_orientation.stl"
    for name, pitch, size in (("sl1-prusa", 47.25, "2560x1440"), ("sl1s-prusa", 50, "2560x1620")):
        words = [*PART, "--pitch-um", pitch, "--field", size, "--process", "even.toml", "--format", name]
        assert run("slice", part, "-o", f"{name}.sl1", *words)[0] == 0
        with zipfile.ZipFile(f"{name}.sl1") as z:
            assert f"printerModel = {'SL1' if pitch == 47.25 else 'SL1S'}\n" in z.read("config.ini").decode()
        assert run("verify", f"{name}.sl1")[0] == 0


def test_pixels_that_a_file_does_not_say_are_options(run, samples):
    """In info, verify and convert; without them the file is refused, with others than its frames too."""
    run("slice", samples / "f_orientation.stl", "-o", "job.sl1", "--bottom-dose-factors", "none")
    with zipfile.ZipFile("job.sl1") as z, zipfile.ZipFile("x.sl1", "w") as out:
        for name in z.namelist():
            if name != "prusaslicer.ini":
                out.writestr(name, z.read(name))
    commands = (["info", "x.sl1"], ["verify", "x.sl1"], ["convert", "x.sl1", "y.zip"])
    for command in commands:
        code, _, err = run(*command)
        assert code == 3 and "--printer P, or with --pitch-um P and --field" in err
        code, _, err = run(*command, "--pitch-um", "7.5", "--field", "2560x1601")
        assert code == 2 and "2560x1601" in err
        assert run(*command, "--printer", "microfluidics-7.6um")[0] == 0
    assert run("convert", "x.sl1", "z.zip", "--pitch-um", "7.5", "--field", "2560x1600")[0] == 0
    assert "2560x1600 px of 7.5 × 7.5 µm, wavelength not known" in run("info", "z.zip")[1]
    facts = json.loads(run("info", "z.zip", "--json")[1])
    assert facts["wavelength_nm"] is None and facts["pitch_um"] == [7.5, 7.5] and facts["shape"] == [1600, 2560]
    assert "printer.optics.wavelength_nm" in facts["placeholders"] and "printer.optics.pitch_um" not in facts["placeholders"]


def test_convert_says_what_it_did_and_refuses_as_slice_does(run, samples, tmp_path):
    code, _, err = run("slice", samples / "f_orientation.stl", "-o", "job", *PART, "--process", "even.toml")
    assert code == 0, err
    code, out, err = run("convert", "job", "x.nanodlp")
    assert code == 0 and out == "x.nanodlp: 10 layers as nanodlp, from job (native)\n" and "left-to-host" in err
    code, out, err = run("convert", "job", "y.nanodlp", "--json")
    assert code == 0, (code, out, err)
    facts = json.loads(out)
    assert (facts["job"], facts["format"], facts["from"]) == ("y.nanodlp", "nanodlp", {"file": "job", "format": "native"})
    before = sha("x.nanodlp")
    assert run("convert", "job", "x.nanodlp")[0] == 2 and sha("x.nanodlp") == before
    assert run("convert", "job", "x.nanodlp", "--force")[0] == 0
    Path("thesis.sl1").write_text("ten years")
    assert run("convert", "job", "thesis.sl1", "--force")[0] == 2 and Path("thesis.sl1").read_text() == "ten years"
    assert run("convert", "nothing", "z.sl1")[0] == 3
    assert run("convert", "job", "z.xyz")[0] == 2 and run("convert", "job", "z", "--format", "sl9")[0] == 2
    assert run("convert", "job", "z.sl1", "--dose")[0] == 2
    assert run("convert", "even.toml", "z.sl1")[0] == 3
    Path("x.nanodlp").write_bytes(Path("x.nanodlp").read_bytes()[:-100])
    assert run("convert", "x.nanodlp", "z")[0] == 3 and run("verify", "x.nanodlp")[0] == 3 and run("info", "x.nanodlp")[0] == 3
    assert not list(tmp_path.glob("z*")) and not list(tmp_path.glob(".*"))


def test_info_of_contours(run, samples):
    part = samples / "f_orientation.stl"
    for out, words in (("c.svg", []), ("c.3mf", ["--format", "3mf-slices"]), ("alone.3mf", ["--format", "3mf-slices"])):
        design = PART[:-1] if out == "c.3mf" else PART
        assert run("slice", part, "-o", out, *design, *words)[0] == 0 and run("verify", out)[0] == 0
        code, text, _ = run("info", out)
        assert code == 0 and f"contours  {out}" in text and ("mesh      " in text) == (out == "c.3mf")
        facts = json.loads(run("info", out, "--json")[1])
        facts = facts.get("contours", facts)
        assert facts["layers"] == 10 and facts["rings"] == 10 and facts["z_um"] == pytest.approx([10.0, 190.0])
        assert np.ptp(facts["bounds_um"], axis=0) == pytest.approx([1000.0, 1400.0], abs=0.01)
    assert "contours" not in run("info", part)[1]


@pytest.mark.parametrize("bits", [pytest.param(1, marks=pytest.mark.slow), 4, pytest.param(6, marks=pytest.mark.slow)])
def test_a_depth_is_the_same_when_sliced_and_when_converted(run, samples, bits):
    """Only the levels of the device, the mean light kept where they are dithered, and said; dose maps are of what is shown."""
    part = samples / "f_orientation.stl"
    words = ["--process", "even.toml", "--rotate", "0,0,10"]  # so that there are grays
    assert run("slice", part, "-o", "whole", *PART, *words)[0] == 0
    code, _, err = run("slice", part, "-o", "few", *PART, *words, "--depth", bits, "--dose")
    assert code == 0 and "lossy-gray" in err
    assert run("convert", "whole", "few.zip", "--depth", bits)[0] == 0
    assert run("verify", "few")[0] == run("verify", "few.zip")[0] == 0
    assert shown("few") == shown("few.zip") != shown("whole")
    whole, few = (pmsl.read(name)[3].exposures[0].mask.dense(np.uint8) for name in ("whole", "few"))
    assert set(np.unique(few)) <= set(depth_levels(bits)) and len(np.unique(whole)) > 16
    edge = ((whole > 0) & (whole < 255)).sum()
    assert abs(few.sum(dtype=float) - whole.sum(dtype=float)) < 255 / (2**bits - 1) * 0.15 * edge
    assert run("convert", "few", "again", "--depth", bits)[0] == 0 and shown("again") == shown("few")
    if bits == 4:  # seven bits are those of a CTB, which says so
        code, _, err = run("convert", "whole", "x.ctb")
        assert code == 3 and "pass --depth 7 or --lossy" in err
        assert run("convert", "whole", "x.ctb", "--depth", 7)[0] == 0 and run("verify", "x.ctb")[0] == 0
    assert run("convert", "whole", "x.nanodlp", "--depth", bits)[0] == 0 and shown("x.nanodlp") == shown("few")


@pytest.mark.parametrize("bits", ["0", "9", "-1", "2.5", "many"])
def test_depths_that_are_none(run, samples, tmp_path, bits):
    for words in (["slice", samples / "f_orientation.stl", "-o", "x"], ["convert", "even.toml", "x"]):
        code, _, err = run(*words, "--depth", bits)
        assert code == 2 and "--depth" in err
    assert [p.name for p in tmp_path.iterdir()] == ["even.toml"]
