"""`--engine`: parts on two light engines by the command line, from profiles to a page, a print and back."""

import json
from pathlib import Path

import pytest

import pmsl
from pmsl.profiles.tables.template import template
from tests.cli.test_dose_by_place import write_stl
from tests.engine_plates import two_engine_printer, two_wavelength_resin
from tests.solids import box

WORDS = ("--printer", "two.toml", "--resin", "r.toml", "--unit", "um", "--keep-place", "--layer-um", "10", "--bottom-dose-factors", "none")


@pytest.fixture
def run(run, tmp_path):
    write_stl(tmp_path / "body.stl", box((20, 20, 0), (90, 200, 30)))
    write_stl(tmp_path / "detail.stl", box((120, 80, 0), (200, 150, 50)))
    (tmp_path / "two.toml").write_text(template(two_engine_printer()), encoding="utf-8")
    (tmp_path / "r.toml").write_text(template(two_wavelength_resin()), encoding="utf-8")
    return run


def test_from_meshes_to_a_page_and_a_print(run, tmp_path):
    code, _, err = run("slice", "body.stl", "detail.stl", "-o", "job", "--engine", "coarse,fine", *WORDS)
    assert code == 0 and "checks-left-out" in err and "pixels of their own" in err, err
    code, out, _ = run("info", "job")
    assert code == 0 and "engine 1  fine: 80x60 px of 2 × 2 µm, 385 nm" in out
    assert "pmsl-10um: engine coarse, 50x40 px" in out and ", on engine fine" in out
    facts = json.loads(run("info", "job", "--json")[1])
    assert [e["name"] for e in facts["engines"]] == ["coarse", "fine"] and [p.get("engine") for p in facts["parts"]] == ["coarse", "fine"]
    assert run("verify", "job")[0] == 0
    assert run("play", "job")[0] == 0
    assert run("simulate", "job")[0] == 0
    code, _, err = run("report", "job", "-o", "job.html")
    assert code == 0 and Path("job.html").stat().st_size > 1000, err
    code, _, err = run("convert", "job", "both.zip", "--format", "byu")
    assert code == 0, err
    assert [e.name for e in pmsl.read("both.zip").engines] == ["coarse", "fine"]
    code, out, _ = run("diff", "job", "both.zip", "--kind", "light", "--kind", "times", "--kind", "grid")
    assert code == 0, out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--engine", "coarse,fine,fine"), "3 names for 2 meshes"),
        (("--engine", "coarse,red"), "'red'; printer pmsl-10um has coarse, fine"),
        (("--engine", "coarse,fine", "--fields", "2x1"), "fields"),
        (("--engine", "coarse,fine", "--preview", "p.png"), "--preview: not offered for a job of several light engines"),
        (("--engine", "coarse,fine", "--depth", "4"), "--depth: not offered"),
        (("--engine", "coarse,fine", "--dose"), "--dose: not offered for a job of several light engines"),
        (("--engine", "coarse,fine", "--processes", "2"), "--processes: not offered for a job of several light engines"),
        (
            ("--engine", "fine", "--irradiance", "5"),
            "--irradiance: printer pmsl-10um has the light engines coarse, fine, each with its own",
        ),
        (("--engine", "coarse,fine", "--pitch-um", "5"), "--pitch-um: printer pmsl-10um has the light engines"),
        (("--field", "60x60"), "--field: printer pmsl-10um has the light engines"),
    ],
)
def test_what_does_not_go_with_it_is_refused_and_nothing_is_written(run, words, told):
    code, _, err = run("slice", "body.stl", "detail.stl", "-o", "job", *words, *WORDS)
    assert code == 2 and told in err and not Path("job").exists(), err


def test_what_has_one_engine_goes_by_the_curve_of_the_first(run):
    """A mesh is looked at, and a coupon made, as the first engine prints it, whichever row of the resin that is."""
    shipped = ("--printer", "microfluidics-7.6um-2um", "--resin", "pr48-385-405")
    code, out, _ = run("info", "body.stl", *shipped, "--unit", "um")
    assert code == 0 and "refused" not in out and "on microfluidics-7.6um-2um" in out
    facts = json.loads(run("info", "body.stl", *shipped, "--unit", "um", "--json")[1])
    one = json.loads(run("info", "body.stl", "--printer", "microfluidics-7.6um", "--resin", "pr48-385", "--unit", "um", "--json")[1])
    assert facts["print"]["exposure"] == one["print"]["exposure"]
    code, _, err = run("calibrate", "coupon", "working-curve", "-o", "c.zip", "--sheet", "c.csv", *shipped)
    coupon = pmsl.read("c.zip")
    assert code == 0 and coupon.resin.resin.dp_um.value == 39.2 and coupon.engines[0].wavelength_nm == 385.0, err
    assert not coupon.printer.several


def test_a_printer_of_one_engine_knows_no_other(run):
    code, _, err = run("slice", "body.stl", "-o", "job", "--engine", "fine", "--printer", "pmsl-2um", "--resin", "pr48-405", "--unit", "um")
    assert code == 2 and "engine 'fine'; printer pmsl-2um has one, without a name" in err
