"""``pmsl check`` by dose, of meshes and of jobs; what ``pmsl slice`` says and records."""

import json

import checks_parts as parts
import numpy as np
import pytest
from box_csg import flipped, joined
from solids import box

import pmsl

SMALL = ["--layer-um", "50", "--pitch-um", "20", "--field", "300x300", "--unit", "um", "--resin", "pegda-nps-0.5-385"]


def save(path, solid):
    triangles = solid.vertices_um[solid.faces].astype("<f4")
    record = np.zeros(len(triangles), np.dtype([("n", "<f4", 3), ("c", "<f4", 9), ("a", "<u2")]))
    record["c"] = triangles.reshape(-1, 9)
    path.write_bytes(bytes(80) + np.uint32(len(triangles)).tobytes() + record.tobytes())
    return path


def cells(k):
    holes = [flipped(box((200, 200, 200 + 600 * i), (800 - 50 * i, 800, 600 + 600 * i))) for i in range(k)]
    return joined(box((0, 0, 0), (1000, 1000, 600 * k + 200)), *holes)


@pytest.fixture(scope="module")
def meshes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("meshes")
    return {name: save(folder / f"{name}.stl", solid) for name, solid in (
        ("cells", cells(5)), ("block", box((0, 0, 0), (800, 800, 400))),
        ("loose", joined(box((0, 0, 0), (400, 400, 200)), box((0, 0, 600), (400, 400, 900)))))}  # fmt: skip


def by_dose(findings):
    """Codes of findings that are not of the design: ceilings of cells are overhangs, files of other programs hold no design."""
    told = [f if isinstance(f, dict) else f.as_dict() for f in findings]
    return [f["code"] for f in told if f["code"] not in ("overhang", "checks-left-out")]


def test_slice_names_the_three_worst_and_records_all(run, tmp_path, meshes):
    code, _, err = run("slice", meshes["cells"], "-o", "job", *SMALL)
    lines = [line for line in err.splitlines() if "resin-trap" in line]
    assert code == 0 and len(lines) == 4 and "2 more" in lines[3] and "give it two openings" in lines[0] and "x " in lines[0]
    written = json.loads((tmp_path / "job/job.json").read_text())
    traps = [f for f in written["findings"] if f["code"] == "resin-trap"]
    assert len(traps) == 5 and all(f["layers"] and f["box_um"] for f in traps)
    assert by_dose(pmsl.check(tmp_path / "job")) == ["resin-trap"] * 5
    assert run("slice", meshes["cells"], "-o", "job", "--force", "--fail-on", "warning", *SMALL)[0] == 4


def test_no_checks_and_a_part_without_findings_leave_the_bytes_of_a_job_alone(run, tmp_path, meshes):
    for name in ("block", "cells"):
        assert run("slice", meshes[name], "-o", f"{name}-not", "--no-checks", *SMALL)[0] == 0
        assert run("slice", meshes[name], "-o", name, *SMALL)[0] == 0
    plain, bare = (json.loads((tmp_path / name / "job.json").read_bytes()) for name in ("block", "block-not"))
    assert bare["schema"] == "pmsl.job/1" and not any("facts" in layer for layer in bare["layers"])
    for layer in plain["layers"]:
        assert layer.pop("facts")["components"] == 1
    assert plain | {"schema": "pmsl.job/1"} == bare and "release" not in json.dumps(plain)
    assert b"resin-trap" not in (tmp_path / "cells-not/job.json").read_bytes()


def test_the_same_bytes_for_threads_and_processes(run, tmp_path, meshes):
    for name, more in (("one", ["--threads", "1"]), ("two", ["--threads", "2"]), ("apart", ["--processes", "2"])):
        assert run("slice", meshes["cells"], "-o", name, *more, *SMALL)[0] == 0
    one, two, apart = ((tmp_path / name / "job.json").read_bytes() for name in ("one", "two", "apart"))
    assert one == two == apart and b"resin-trap" in one


def test_a_loose_body_stops_a_slice(run, tmp_path, meshes):
    code, _, err = run("slice", meshes["loose"], "-o", "job", *SMALL)
    assert code == 4 and "error: loose-body (layers 12..17): " in err and not (tmp_path / "job").exists()
    assert run("slice", meshes["loose"], "-o", "job", "--no-checks", *SMALL)[0] == 0


def test_check_of_meshes_and_jobs_and_what_its_json_has(run, tmp_path, meshes):
    code, out, err = run("check", meshes["cells"], "--json", *SMALL)
    seen = json.loads(out)
    assert code == 4 and not seen["sound"] and by_dose(seen["findings"]) == ["resin-trap"] * 5
    assert err.count("resin-trap") == 5
    assert run("check", meshes["cells"], "--fail-on", "error", *SMALL)[0] == 0
    assert run("check", meshes["block"], *SMALL)[0] == 0
    assert run("slice", meshes["cells"], "-o", "job.sl1", "--lossy", "--no-checks", *SMALL)[0] == 0
    code, out, _ = run("check", "job.sl1", "--json")
    [seen] = json.loads(out)["jobs"]
    assert code == 4 and by_dose(seen["findings"]) == ["dose-assumed", *["resin-trap"] * 5]
    code, out, _ = run("check", "job.sl1", "--json", "--resin", "pegda-nps-0.5-385", "--printer", "microfluidics-7.6um")
    assert by_dose(json.loads(out)["jobs"][0]["findings"]) == ["resin-trap"] * 5
    assert run("check", meshes["block"], "job.sl1")[0] == 2
    unused = ["--layer-um", "5", "--copies", "2", "--no-checks", "--irradiance", "30"]
    code, out, err = run("check", "job.sl1", *unused)
    assert code == 2 and out == "" and "--copies, --irradiance, --layer-um, --no-checks: job.sl1 is a job" in err
    assert run("check", "job.sl1", "--printer", "microfluidics-7.6um", "--irradiance", "30", "--threads", "1")[0] == 4


def test_a_mesh_that_does_not_fit_says_that_it_was_not_checked_by_dose(run, tmp_path):
    save(tmp_path / "large.stl", box((0, 0, 0), (50_000, 50_000, 1000)))
    code, _, err = run("check", "large.stl", "--unit", "um")
    assert code == 0 and "info: checks-left-out: checks by dose were not made: " in err


def test_solids_and_jobs_in_python():
    job = parts.job_of(cells(2), layer_um=50.0, pitch_um=20.0, field=(300, 300))
    assert by_dose(pmsl.check(job)) == ["resin-trap"] * 2
    assert [f.code for f in pmsl.check(box((200, 200, 0), (1000, 1000, 400)))] == []


def test_predict_names_a_wall_that_no_light_cures(run, meshes, tmp_path):
    """A fin of 2 µm has a tenth of a pixel's light and cures nowhere."""
    fin = save(tmp_path / "fin.stl", joined(box((0, 0, 0), (800, 800, 400)), box((300, 300, 400), (302, 700, 800))))
    code, out, _ = run("check", fin, "--json", "--predict", *SMALL)
    (found,) = (f for f in json.loads(out)["findings"] if f["code"] == "lost-feature")
    assert code == 4 and found["layers"] == [8, 15] and found["value"] == pytest.approx(2.0, abs=0.01) and found["limit"] == 20.0
    assert "lost-feature" not in {f["code"] for f in json.loads(run("check", fin, "--json", *SMALL)[1])["findings"]}
    found = json.loads(run("check", meshes["block"], "--json", "--predict", *SMALL)[1])["findings"]
    assert not {f["code"] for f in found} & {"lost-feature", "blocked-channel", "checks-left-out"}


def test_predict_of_a_job_without_design_is_said_to_be_left_out(run, meshes):
    assert run("slice", meshes["block"], "-o", "job", "--no-design", *SMALL)[0] == 0
    code, out, _ = run("check", "job", "--json", "--predict")
    said = [f["message"] for f in json.loads(out)["jobs"][0]["findings"] if f["code"] == "checks-left-out"]
    assert code == 0 and any("not predicted for lost features" in message and "no design" in message for message in said)
