"""What the command line says about light, and how it is chosen there: times, bottom layers, moved contours."""

import json

import pytest

import pmsl

SMALL = ["--printer", "pmsl-2um", "--resin", "pr48-405"]


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
    assert (doc["schema"], doc["process"]["schema"], doc["process"]["bottom_dose_factors"]) == ("pmsl.job/2", "pmsl.process/1", [4.0])


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


# --- what is said ------------------------------------------------------------------------------------------------


def facts_of(run, *words):
    code, out, err = run(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_info_of_a_mesh_of_its_job_and_slice_say_the_same_light_and_it_is_that_of_the_layers(run, samples, tmp_path):
    mesh, options = samples / "f_orientation.stl", (*SMALL, "--bottom-dose-factors", "6,6,3,1.5")
    sliced = facts_of(run, "slice", mesh, "-o", "job", *options)
    job, print_ = facts_of(run, "info", "job"), facts_of(run, "info", mesh, *options)["print"]
    for key in ("exposure", "layer_heights_um", "region_doses", "xy_offset_um"):
        assert sliced[key] == job[key] == print_[key], key
    e = job["exposure"]
    assert [e[kind]["layers"] for kind in ("bottom", "transition", "ordinary")] == [[0, 1], [2, 3], [4, 19]]
    assert job["layer_heights_um"] == [[20, 10.0]] and job["region_doses"] == [] == job["regions"]
    doc = json.loads((tmp_path / "job" / "job.json").read_text())["layers"]
    for kind in e.values():
        a, b = kind["layers"]
        first, last = doc[a]["exposures"][0], doc[b]["exposures"][0]
        assert kind["time_s"] == [first["time_s"], last["time_s"]] and kind["dose_mj_cm2"] == [first["dose_mj_cm2"], last["dose_mj_cm2"]]
        assert kind["time_s"][0] * kind["irradiance_mw_cm2"] == pytest.approx(kind["dose_mj_cm2"][0])


def test_text_says_it_in_words(run, samples, tmp_path):
    mesh = samples / "f_orientation.stl"
    code, out, _ = run("slice", mesh, "-o", "job", *SMALL, "--exposure-s", 3, "--xy-offset-um", -2, "--bottom-xy-offset-um", 1)
    assert code == 0
    for text in (out, run("info", "job")[1]):
        assert "heights   10 µm\nbottom    layer 0, 30 s, " in text and "ordinary  layers 3 to 19, 3 s, " in text and "mW/cm²" in text
        assert "transition layers 1 to 2, 15 to 7.5 s" in text and "× 5 to 2.5" in text
        assert "contours moved inward by 2 µm; in bottom layers moved outward by 1 µm" in text
    plain = run("info", mesh, *SMALL)[1]
    assert "ordinary  layers 3 to 19" in plain
    assert not [line for line in plain.splitlines() if line.startswith(("offset", "region"))]  # the path may have these words


def test_heights_and_regions_of_a_process(run, samples, tmp_path):
    text = pmsl.profiles.library_text("default").replace("layer_um = 10.0", "layers = [[4, 5.0], [1, 10.0]]")
    (tmp_path / "p.toml").write_text(text + "\n[regions]\nedge = 0.8\nedge_erode_px = 2\nroof = 1.5\n")
    options = (*SMALL, "--process", "p.toml")
    p = facts_of(run, "info", samples / "f_orientation.stl", *options)["print"]
    assert p["layer_heights_um"] == [[4, 5.0], [18, 10.0]]
    ordinary = p["exposure"]["ordinary"]
    assert ordinary["layers"] == [3, 21] and ordinary["time_s"][0] < ordinary["time_s"][1]  # thin layers need less
    regions = {r["region"]: r for r in p["region_doses"]}
    assert set(regions) == {"bulk", "edge", "roof"} and regions["bulk"]["time_s"] == ordinary["time_s"][0]
    assert regions["edge"]["dose_mj_cm2"] == pytest.approx(0.8 * regions["bulk"]["dose_mj_cm2"])
    out = run("info", samples / "f_orientation.stl", *options)[1]
    assert "heights   4 × 5, 18 × 10 µm from the plate up; 5 to 10 µm" in out and "region    edge: × 0.8" in out


def test_a_file_that_has_no_profiles_says_its_own_times(run, samples, tmp_path):
    assert run("slice", samples / "f_orientation.stl", "-o", "a.goo", *SMALL)[0] == 0
    job = facts_of(run, "info", "a.goo")
    e = job["exposure"]
    assert [e[kind]["layers"] for kind in e] == [[0, 0], [1, 2], [3, 19]] and e["ordinary"]["dose_mj_cm2"] is None
    assert e["bottom"]["time_s"][0] / e["ordinary"]["time_s"][0] == pytest.approx(10, rel=1e-5)
    out = run("info", "a.goo")[1]
    assert "bottom    layer 0, " in out and "mJ/cm²" not in out


def test_a_process_without_bottom_layers_has_only_ordinary_ones(run, samples, tmp_path):
    e = facts_of(run, "info", samples / "f_orientation.stl", *SMALL, "--bottom-dose-factors", "none")["print"]["exposure"]
    assert e["bottom"] is None and e["transition"] is None and e["ordinary"]["layers"] == [0, 19]
    e = facts_of(run, "info", samples / "f_orientation.stl", *SMALL, "--bottom-dose-factors", ",".join(["3"] * 40))["print"]["exposure"]
    assert e["bottom"]["layers"] == [0, 19] and e["transition"] is None and e["ordinary"] is None


def test_resin_of_moved_contours_is_not_that_of_the_mesh(run, samples, tmp_path):
    mesh = samples / "f_orientation.stl"
    plain, moved = (facts_of(run, "info", mesh, *SMALL, "--xy-offset-um", d)["print"]["resin_ml"] for d in (0, -10))
    assert facts_of(run, "slice", mesh, "-o", "job", *SMALL, "--xy-offset-um", -10)["resin_ml"] == pytest.approx(moved, rel=0.02)
    assert moved < 0.95 * plain


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--xy-offset-um", "2", "--coverage", "volume"), "coverage 'volume' has none"),
        (("--xy-offset-um", "2", "--correct", "edges", "--accept-uncalibrated"), "corrections (edges)"),
        (("--xy-offset-um", "nan"), "--xy-offset-um nan"),
        (("--xy-offset-um", "1e6"), "at most 10000 µm; is the unit right?"),
        (("--bottom-xy-offset-um", "2", "--bottom-dose-factors", "none"), "bottom_dose_factors has none"),
        (("--xy-offset-um", "9000"), "grow by 9000 µm"),
    ],
)
def test_offsets_that_cannot_be_are_refused_before_anything_is_written(run, samples, tmp_path, options, words):
    code, out, err = run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, *options)
    assert code in (2, 3) and words in err and out == "" and list(tmp_path.iterdir()) == []


def test_options_are_put_in_together_whatever_the_process_says(run, samples, tmp_path):
    (tmp_path / "p.toml").write_text(pmsl.profiles.library_text("default").replace('"area"', '"volume"'))
    words = ("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--process", "p.toml", "--xy-offset-um", 2)
    assert run(*words)[0] == 2
    assert run(*words, "--coverage", "area")[0] == 0
