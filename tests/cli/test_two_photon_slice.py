"""`pmsl slice` with two-photon profiles: samples, JSON, pictures, and what such jobs do not have."""

import json
from pathlib import Path

import numpy as np
import pytest
from gwl_reader import read_gwl
from PIL import Image

PROFILES = ("--printer", "two-photon-63x", "--resin", "sz2080-780", "--process", "two-photon")


def test_a_gripper_by_blocks_with_a_picture(run, samples):
    out = run("slice", samples / "micro_gripper.stl", "--scale", "0.02", "-o", "a.gwl", *PROFILES, "--preview", "a.png", "--json")
    code, text, _ = out
    facts = json.loads(text)
    assert code == 0 and facts["format"] == "gwl" and facts["blocks"] == [1, 1] and facts["layers"] == 14 and not facts["calibrated"]
    drawn, *_ = read_gwl(Path("a.gwl").read_text(encoding="ascii"))
    assert len(drawn) > 1000 and facts["print_time_s"] > 0
    assert len(np.unique(np.asarray(Image.open("a.png")).reshape(-1, 3), axis=0)) > 4
    code, text, _ = run("slice", samples / "micro_gripper.stl", "--scale", "0.01", "-o", "a.gwl", *PROFILES, "--force")
    assert code == 0 and "7 slices" in text and "cures above 12, burns from 40" in text and "1 × 1 blocks of 140 µm" in text
    assert run("verify", "a.gwl")[0] == 0


def test_a_lens_as_voxels(run, samples):
    code, text, err = run("slice", samples / "microlens_array.stl", "--scale", "0.01", "-o", "lens.npy", *PROFILES, "--threads", "1")
    assert code == 0 and "voxels-below-threshold" in err
    array = np.load("lens.npy")
    assert (
        array.flags.f_contiguous
        and array.max() == np.float32(18.0 / 50.0)
        and json.loads(Path("lens.npy.json").read_text())["shape"] == list(array.shape)
    )
    assert run("verify", "lens.npy")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-o", "a.gwl", *PROFILES[:4]), 2, "--process: two-photon jobs have no default"),
        (
            ("-o", "a.gwl", *PROFILES[:2], "--resin", "pr48-405"),
            3,
            "resin pr48-405 does not: give a printer, a resin and a process that all",
        ),
        (("-o", "a.gwl", "--printer", "dlp6500", *PROFILES[4:]), 3, "process two-photon writes voxels with two photons, printer dlp6500"),
        (("-o", "a.zip", *PROFILES), 3, "native cannot hold this job: technique is two photons, it must be pictures"),
        (
            ("-o", "a.gwl", "--scale", "1"),
            3,
            "gwl cannot hold this job: technique is that of printer microfluidics-7.6um, it must be two photons",
        ),
        (("-o", "a.gwl", *PROFILES, "--correct", "edges"), 2, "--correct: is for jobs of frames"),
        (("-o", "a.gwl", *PROFILES, "--layer-um", "5"), 2, "--layer-um: is for jobs of frames"),
        (("-o", "a.gwl", *PROFILES, "--depth", "4"), 2, "--depth: is for jobs of frames"),
        (("-o", "a.gwl", *PROFILES, "--region", "b.stl=2"), 2, "--region: is for jobs of frames"),
        (("-o", "a.npy", *PROFILES, "--dose"), 2, "--dose: is for jobs of frames"),
        (("-o", "a.gwl", *PROFILES, "--fields", "2x2"), 2, "--fields: is for jobs of frames"),
    ],
)
def test_refusals_are_one_line_by_name(run, samples, words, code, said):
    result = run("slice", samples / "f_orientation.stl", "--scale", "0.01", *words)
    assert result[0] == code and said in result[2] and "Traceback" not in result[2]
    assert not list(Path().iterdir())


@pytest.mark.parametrize("command", ["info", "check", "simulate", "report", "view"])
def test_commands_of_frames_say_that_there_are_none(run, samples, command):
    words = ["-o", "r.html"] if command == "report" else []
    code, _, err = run(command, samples / "f_orientation.stl", "--printer", "two-photon-63x", *words)
    assert code in (2, 3) and ("writes voxels with two photons" in err or "No such option" in err)


def test_batches_and_python_say_so_too(run, samples):
    words = f'printer = "two-photon-63x"\nresin = "ip-dip-780"\nprocess = "two-photon"\nmeshes = ["{samples / "f_orientation.stl"}"]\n'
    Path("b.toml").write_text(f'schema = "pmsl.batch/2"\nout = "jobs"\n\n[[job]]\nname = "a"\n{words}')
    code, text, err = run("batch", "b.toml")
    assert code == 3 and "writes voxels with two photons and has no frames" in text + err


def test_profiles_are_listed_with_the_others(run):
    listed = json.loads(run("profiles", "--json")[1])
    assert {"two-photon-63x"} < {p["name"] for p in listed["printers"]} and {"ip-dip-780", "sz2080-780"} < {
        p["name"] for p in listed["resins"]
    }
    code, text, _ = run("profiles", "show", "ip-dip-780")
    assert code == 0 and "[two_photon]" in text


def test_a_report_of_voxels(run, samples):
    run("slice", samples / "microlens_array.stl", "--scale", "0.01", "-o", "lens.npy", *PROFILES)
    code, text, _ = run("report", "lens.npy", "-o", "lens.html")
    assert code == 0 and "page of 4 slices" in text and "9 blocks" not in Path("lens.html").read_text()
    code, _, err = run("report", "lens.npy", "-o", "lens.html")
    assert code == 2 and "exists already" in err
    assert run("report", "lens.npy", "-o", "lens.html", "--force", "--json")[0] == 0
    Path("lens.npy.json").unlink()
    code, _, err = run("report", "lens.npy", "-o", "b.html")
    assert code == 3 and "lens.npy.json: cannot be read" in err and not Path("b.html").exists()
