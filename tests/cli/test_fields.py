"""``--fields`` on the command line: slice, verify, info, simulate, check, report, batch."""

from __future__ import annotations

import json

from pmsl.profiles.tables.template import template
from tests.field_plates import moving_printer
from tests.fields.test_fields_through_doors import write_slab

PROCESS = 'schema = "pmsl.process/2"\nname = "tiles"\ndescription = "tiles"\n[fields]\noverlap_px = 10\n'


def profiles(folder):
    (folder / "mine.toml").write_text(template(moving_printer((60, 80), 10.0)))
    (folder / "process.toml").write_text(PROCESS)
    return ["--printer", "mine.toml", "--process", "process.toml", "--resin", "pr48-405"]


def test_a_plate_is_sliced_verified_told_of_simulated_and_checked(tmp_path, run):
    own = profiles(tmp_path)
    write_slab(tmp_path / "slab.stl", 1.06, 0.69, 0.03)
    code, out, err = run("slice", "slab.stl", "-o", "job", "--fields", "auto", *own)
    assert code == 0, err
    assert "checks by dose were not made" in err
    assert run("verify", "job")[0] == 0
    code, out, _ = run("info", "job")
    assert "fields    2 × 2 on a plate of 1.2 × 0.8 mm, overlap 10 px, seams move 10 px a layer" in out
    facts = json.loads(run("info", "job", "--json")[1])
    assert facts["fields"]["tiles"] == [2, 2]
    assert facts["fields"]["plate_um"] == [1200.0, 800.0]
    predicted = json.loads(run("simulate", "job", "--json")[1])
    assert predicted["epe_um"]["lost"] == 0
    assert abs(predicted["epe_um"]["median"]) < 10
    code, out, err = run("check", "job", "--fail-on", "error")
    assert code == 0, err
    code, out, err = run("play", "job")
    assert code == 0, err
    assert run("report", "job", "-o", "page.html")[0] == 0


def test_what_cannot_be_is_refused_by_name(tmp_path, run):
    own = profiles(tmp_path)
    write_slab(tmp_path / "slab.stl", 1.06, 0.69, 0.03)
    assert run("slice", "slab.stl", "-o", "job", *own)[0] == 3  # larger than a field
    code, _, err = run("slice", "slab.stl", "-o", "job", "--fields", "2by2", *own)
    assert (code, "expected auto, or fields along x and y like 6x10" in err) == (2, True)
    code, _, err = run("slice", "slab.stl", "-o", "job", "--fields", "auto", "--dose", *own)
    assert (code, "--fields: not offered with --dose" in err) == (2, True)
    code, _, err = run("slice", "slab.stl", "-o", "job", "--fields", "auto")
    assert (code, "has no [stage.xy]" in err) == (2, True)
    assert run("slice", "slab.stl", "-o", "job", "--fields", "1x2", *own)[0] == 3  # larger than the plate
    assert not (tmp_path / "job").exists()


def test_a_batch_slices_plates(tmp_path, run):
    profiles(tmp_path)
    write_slab(tmp_path / "slab.stl", 1.06, 0.69, 0.02)
    (tmp_path / "night.toml").write_text(
        'schema = "pmsl.batch/2"\nout = "."\n[defaults]\nprinter = "mine.toml"\nprocess = "process.toml"\nresin = "pr48-405"\n'
        '[[job]]\nmeshes = ["slab.stl"]\nname = "plate"\nfields = "auto"\n'
    )
    code, out, err = run("batch", "night.toml")
    assert code == 0, err
    assert json.loads((tmp_path / "plate/job.json").read_text())["tiles"] == [2, 2]
