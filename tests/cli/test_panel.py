"""``--printer``, ``--pitch-um`` and ``--field`` of info, verify and convert, for files that do not say their pixels."""

import json

import pytest
from formats.byu_files import FRAME, edited, other_zip

import pmsl


@pytest.fixture
def path(tmp_path):
    return other_zip(tmp_path / "x.zip", edited(Layers=[{}]), {"a.png": FRAME, "b.png": FRAME[::-1]})


def test_info_says_what_is_a_placeholder(run, path):
    code, out, err = run("info", path)
    assert code == 0 and "9x5 px of 1 × 1 µm (placeholder)" in out and "say it with --pitch-um or --printer" in err
    code, out, _ = run("info", path, "--json", "--pitch-um", "7.6")
    told = json.loads(out)
    assert code == 0 and told["pitch_um"] == [7.6, 7.6] and "printer.optics.pitch_um" not in told["placeholders"]
    assert told["engines"] == [{"name": "visitech", "shape": [5, 9], "pitch_um": [7.6, 7.6], "wavelength_nm": 365.0}]


def test_verify_and_convert_take_them(run, path):
    assert run("verify", path, "--pitch-um", "7.6")[0] == 0
    code, _, err = run("verify", path, "--printer", "dlp6500")
    assert code == 2 and "frames are 9x5 px, printer dlp6500 says 1920x1080" in err
    assert run("verify", path, "--pitch-um", "0")[0] == 2
    assert run("convert", path, "out.zip", "--format", "byu", "--pitch-um", "7.6", "--field", "9x5")[0] == 0
    assert pmsl.read("out.zip").grid.pitch_um.tolist() == [7.6, 7.6]
    code, _, err = run("convert", path, "out.nanodlp")
    assert code == 3 and "pixel pitch is not known" in err


def test_files_that_state_their_pixels_take_none(run, path):
    assert run("convert", path, "native")[0] == 0
    for command in (["info", "native"], ["verify", "native"], ["convert", "native", "other"]):
        code, _, err = run(*command, "--pitch-um", "7.6")
        assert code == 2 and "native files state their pixels themselves; leave out --pitch-um" in err
