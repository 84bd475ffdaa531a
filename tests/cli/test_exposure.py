"""What the command line says about light, and how it is chosen there: times, bottom layers."""

import json
import sys

import pytest

import pmsl
from pmsl.cli import main

SMALL = ["--printer", "pmsl-2um", "--resin", "pr48-405"]


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run one command line in an empty folder; return its exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["pmsl", *map(str, words)])
        code = main()
        out, err = capsys.readouterr()
        return code, out, err

    return call


def times(path):
    doc = json.loads((path / "job.json").read_text())
    return [[e["time_s"] for e in layer["exposures"]] for layer in doc["layers"]]


def test_a_time_and_bottom_factors_on_the_command_line(run, samples, tmp_path):
    code, _, err = run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--exposure-s", 3, "--bottom-dose-factors", "4,2")
    assert code == 0, err
    assert times(tmp_path / "job")[:4] == [[12.0], [6.0], [3.0], [3.0]]
    code, _, err = run("slice", samples / "f_orientation.stl", "-o", "even", *SMALL, "--exposure-s", 3, "--bottom-dose-factors", "none")
    assert code == 0 and set(map(tuple, times(tmp_path / "even"))) == {(3.0,)}


def test_bottom_factors_alone_are_nothing_new_in_the_job(run, samples, tmp_path):
    assert run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--bottom-dose-factors", "4")[0] == 0
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    assert (doc["schema"], doc["process"]["schema"], doc["process"]["bottom_dose_factors"]) == ("pmsl.job/1", "pmsl.process/1", [4.0])


def test_a_time_replaces_the_margin_of_the_process_as_a_height_replaces_its_list(run, samples, tmp_path):
    text = pmsl.profiles.library_text("default").replace("layer_um = 10.0", "layer_um = 10.0\nmargin_um = 3.0")
    (tmp_path / "p.toml").write_text(text)
    assert run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--process", "p.toml", "--exposure-s", 3)[0] == 0
    assert times(tmp_path / "job")[-1] == [3.0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--exposure-s", "0"), "--exposure-s 0: must be a finite number above 0 s"),
        (("--exposure-s", "nan"), "--exposure-s nan"),
        (("--exposure-s", "0.001"), "raise its bottom dose factor or exposure_s"),
        (("--exposure-s", "1e5"), "above the limit"),
        (("--bottom-dose-factors", "4,x"), "expected numbers like 10,5,2.5, or none"),
        (("--bottom-dose-factors", "4,0"), "every factor must be above 0"),
        (("--bottom-dose-factors", ""), "--bottom-dose-factors"),
        (("--bottom-dose-factors", "inf"), "finite numbers"),
        (("--bottom-dose-factors", "0.01"), "raise its bottom dose factor or margin_um"),
    ],
)
def test_what_no_job_can_have_is_refused_before_anything_is_written(run, samples, tmp_path, options, words):
    code, out, err = run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, *options)
    assert code in (2, 3) and words in err and out == "" and list(tmp_path.iterdir()) == []


def test_one_time_for_several_heights_is_a_finding(run, samples, tmp_path):
    text = pmsl.profiles.library_text("default").replace("layer_um = 10.0", "layers = [[5, 5.0], [1, 10.0]]")
    (tmp_path / "p.toml").write_text(text)
    code, _, err = run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--process", "p.toml", "--exposure-s", 5)
    assert code == 0 and "one-exposure-for-heights" in err and "layers of 5 to 10 µm" in err
    assert "one-exposure" not in run("slice", samples / "f_orientation.stl", "-o", "even", *SMALL, "--exposure-s", 5)[2]
