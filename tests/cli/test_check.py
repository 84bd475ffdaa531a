"""``pmsl check`` and ``--repair``: exit codes, what is said, what stands in the job."""

import json
import struct

import numpy as np
import pytest
from solids import box, icosphere, moved

import pmsl
from pmsl.pipeline import slice_jobs

SMALL = ["--printer", "pmsl-2um", "--resin", "pr48-405", "--layer-um", "20"]


def save(path, *solids, drop=(), turn=()):
    """Write a binary STL in µm."""
    triangles = np.concatenate([s.vertices_um[s.faces] for s in solids]).astype("<f4")
    triangles[list(turn)] = triangles[list(turn)][:, ::-1]
    triangles = np.delete(triangles, list(drop), axis=0)
    record = np.zeros(len(triangles), np.dtype([("n", "<f4", 3), ("c", "<f4", 9), ("a", "<u2")]))
    record["c"] = triangles.reshape(-1, 9)
    path.write_bytes(bytes(80) + struct.pack("<I", len(triangles)) + record.tobytes())
    return path


BALL, SMALLER = icosphere(2, 100, (0, 0, 100)), icosphere(2, 50, (90, 0, 100))


def test_a_sound_mesh_ends_with_0(run, tmp_path):
    code, out, err = run("check", save(tmp_path / "a.stl", BALL), "--unit", "um")
    assert code == 0 and "sound, 320 triangles" in out and not [line for line in err.splitlines() if line.startswith("warning")]


def test_a_mesh_is_loaded_and_repaired_once(run, tmp_path, monkeypatch):
    mesh = save(tmp_path / "h.stl", BALL, drop=[3])
    apart = run("check", mesh, "--unit", "um", "--json", *SMALL)
    assert "repaired-holes" in apart[1]

    def loaded_again(*args, **how):
        raise AssertionError("loaded again")

    monkeypatch.setattr(slice_jobs, "load_solid", loaded_again)
    assert run("check", mesh, "--unit", "um", "--json", *SMALL) == apart


def test_findings_end_with_4_from_the_severity_asked_for(run, tmp_path):
    cavity = save(tmp_path / "c.stl", box((0, 0, 0), (100, 100, 100)), box((20, 20, 20), (60, 60, 60)), turn=range(16, 32))
    for severity, wanted in (("info", 4), ("warning", 0), ("error", 0)):
        assert run("check", cavity, "--unit", "um", "--no-checks", "--fail-on", severity)[0] == wanted
    code, out, err = run("check", save(tmp_path / "h.stl", BALL, drop=[3]), "--unit", "um")
    assert code == 4 and "warning: open-edges: " in err and "warning: repaired-holes: " in err and "--fail-on warning" in err
    assert run("check", tmp_path / "h.stl", "--unit", "um", "--fail-on", "error")[0] == 0


def test_what_cannot_be_known_is_an_error_and_a_file_that_is_none_ends_with_3(run, tmp_path):
    scattered = save(tmp_path / "s.stl", *(moved(BALL, (300 * i, 0, 0)) for i in range(9)), drop=[i for i in range(9 * 320) if i % 64])
    code, _, err = run("check", scattered, "--unit", "um", "--fail-on", "error")
    assert code == 4 and "error: no-solid: " in err
    code, _, err = run("slice", scattered, "-o", "job", "--unit", "um", *SMALL)
    assert code == 3 and "enclose no volume" in err and "--repair none" not in err
    (tmp_path / "n.stl").write_bytes(b"no mesh")
    assert run("check", "n.stl")[0] == 3


def test_json_of_several_meshes(run, tmp_path):
    a, b = save(tmp_path / "a.stl", BALL), save(tmp_path / "b.stl", BALL, SMALLER)
    code, out, _ = run("check", a, b, "--unit", "um", "--json")
    told = json.loads(out)
    assert code == 4 and not told["sound"] and [m["sound"] for m in told["meshes"]] == [True, False]
    [finding] = told["meshes"][1]["findings"]
    assert finding["code"] == "overlapping-bodies" and np.shape(finding["box_um"]) == (2, 3)


def test_info_gives_the_volume_of_what_is_printed(run, tmp_path):
    save(tmp_path / "two.stl", box((0, 0, 0), (100, 100, 100)), box((50, 50, 50), (150, 150, 150)))
    facts = json.loads(run("info", "two.stl", "--unit", "um", "--json", *SMALL)[1])
    assert facts["volume_um3"] == pytest.approx(2e6 - 125e3, rel=1e-9) and facts["bodies"] == 2 and facts["watertight"]
    save(tmp_path / "open.stl", box((0, 0, 0), (100, 100, 100)), drop=[0, 1])
    facts = json.loads(run("info", "open.stl", "--unit", "um", "--json", *SMALL)[1])
    assert facts["volume_um3"] == pytest.approx(1e6, rel=1e-9) and not facts["watertight"] and len(facts["repairs"]) == 1
    assert "repaired  1 holes" in run("info", "open.stl", "--unit", "um", *SMALL)[1]
    told = json.loads(run("info", "open.stl", "--unit", "um", "--json", "--repair", "strict", *SMALL)[1])
    assert "strict allows none" in told["print"]["refused"]


def test_slice_says_what_it_repaired_or_refuses(run, tmp_path):
    save(tmp_path / "h.stl", BALL, drop=[3])
    code, _, err = run("slice", "h.stl", "-o", "auto", "--unit", "um", *SMALL)
    assert code == 0 and "warning: repaired-holes: " in err and "open-rows" not in err
    assert json.loads((tmp_path / "auto/job.json").read_text())["provenance"]["inputs"][0]["repairs"][0].startswith("1 holes of 3 edges")
    code, _, err = run("slice", "h.stl", "-o", "none", "--unit", "um", "--repair", "none", *SMALL)
    assert code == 0 and "open-rows" in err and "repaired" not in err
    code, _, err = run("slice", "h.stl", "-o", "strict", "--unit", "um", "--repair", "strict", *SMALL)
    assert code == 3 and "1 holes of 3 edges" in err and not (tmp_path / "strict").exists()
    whole = pmsl.read(tmp_path / "auto")
    assert whole.provenance.inputs[0].file == "h.stl"
