"""Copies, plates and many processes on the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from cli.test_cli import SMALL as PROFILES
from cli.test_cli import files, refused
from pools.test_local_pool import gone, same

F = "f_orientation.stl"  # 1 × 1.4 mm
SMALL = [*PROFILES, "--scale", "0.3,0.3,1"]


def parts_of(path):
    return json.loads((path / "job.json").read_text())["parts"]


def test_an_array(run, samples, tmp_path):
    code, out, err = run("slice", samples / F, "-o", "plate", *SMALL, "--copies", "3x2", "--spacing-um", "100,50")
    assert code == 0 and "3 × 2 copies, 100 and 50 µm between their boxes" in out, err
    parts = parts_of(tmp_path / "plate")
    assert [p["label"] for p in parts] == [f"{F}-{n}" for n in range(1, 7)]
    assert len({p["sha256"] for p in parts}) == 1 and len({tuple(p["bounds_um"][0]) for p in parts}) == 6
    assert [p.name for p in (tmp_path / "plate/design").iterdir()] == ["000.ply"]
    assert run("verify", "plate")[0] == 0
    code, out, _ = run("simulate", "plate", "--json")
    assert code == 0 and json.loads(out)["iou"] > 0.9


def test_a_list_with_doses_and_labels(run, samples, tmp_path):
    (tmp_path / "c.csv").write_text("x_um,y_um,rotate_deg,dose_scale,label\n100.5,200,0,1,left\n1500,700,90,1.5,right\n")
    assert run("slice", samples / F, "-o", "plate", *SMALL, "--copies", "c.csv")[0] == 0
    left, right = parts_of(tmp_path / "plate")
    assert (left["label"], left["dose_scale"], right["label"], right["dose_scale"]) == ("left", 1.0, "right", 1.5)
    assert left["bounds_um"][0] == pytest.approx([100.5, 200, 0]) and right["bounds_um"][0] == pytest.approx([1500, 700, 0])


def test_packed_on_numbered_plates(run, samples, tmp_path):
    words = ("slice", samples / F, "-o", "plate.zip", *SMALL, "--field", "400x300", "--copies", 4, "--pack", 100)
    refused(run(*words), "of 4 parts do not fit on 1 plate with 100 µm between them; all fit on", codes=(3,))
    assert not list(tmp_path.iterdir())
    code, out, err = run(*words, "--plates", 9, "--json")
    told = json.loads(out)
    assert code == 0 and len(told["jobs"]) > 1, err
    names = [f"plate-{n + 1}.zip" for n in range(len(told["jobs"]))]
    assert [job["job"] for job in told["jobs"]] == names and sorted(p.name for p in tmp_path.iterdir()) == names
    assert sorted(p["label"] for job in told["jobs"] for p in job["parts"]) == [f"{F}-{n}" for n in range(1, 5)]


def test_one_plate_of_several_is_numbered_too(run, samples, tmp_path):
    assert run("slice", samples / F, "-o", "job", *SMALL, "--pack", 100, "--plates", 3)[0] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["job-1"]


def test_nothing_is_written_where_one_of_the_plates_is_taken(run, samples, tmp_path):
    (tmp_path / "job-2").mkdir()
    (tmp_path / "job-2" / "mine").write_text("x")
    words = ("slice", samples / F, "-o", "job", *SMALL, "--field", "400x300", "--copies", 4, "--pack", 100, "--plates", 9)
    refused(run(*words), "job-2", codes=(2,))
    assert files(tmp_path) == ["job-2", "job-2/mine"]


REFUSED = {
    ("--copies", "4"): "an array is like 4x1; or add --pack",
    ("--copies", "0x3"): "at least 1 along x and y",
    ("--copies", "99x99"): "copies take",
    ("--copies", "nothing.csv"): "nothing.csv: cannot be read",
    ("--copies", "two by two"): "an array is like 4x3",
    ("--copies", "2x2", "--keep-place"): "--copies and --keep-place exclude each other",
    ("--copies", "2x2", "--pack", "5"): "--copies is how often each part is packed",
    ("--spacing-um", "5"): "--spacing-um: is for an array",
    ("--copies", "2x2", "--spacing-um=-5"): "gap between the boxes",
    ("--plates", "2"): "add it",
    ("--pack", "5", "--at", "1,1"): "--pack and --at exclude each other",
    ("--pack", "nan"): "0 or more",
    ("--pack=-1",): "0 or more",
    ("--processes", "2", "--threads", "2"): "--threads and --processes exclude each other",
    ("--processes", "2", "--format", "goo"): "its layers are made in one process",
    ("--scheduler", "nowhere"): "expected local, or an address like tcp://",
    ("--scheduler", "tcp://127.0.0.1:9", "--processes", "2"): "its workers are there already",
}


@pytest.mark.parametrize("words", REFUSED)
def test_refused(run, samples, tmp_path, words):
    refused(run("slice", samples / F, "-o", "job", *SMALL, *words), REFUSED[words])
    assert not list(tmp_path.iterdir())


def test_a_copy_half_out_of_the_field_is_refused_by_its_label(run, samples, tmp_path):
    (tmp_path / "c.toml").write_text("[[copies]]\nx_um = 5\ny_um = 5\n[[copies]]\nx_um = 3800\ny_um = 5\nlabel = 'the last'\n")
    refused(run("slice", samples / F, "-o", "job", *SMALL, "--copies", "c.toml"), "copy the last: the part reaches", codes=(3,))


def test_processes_give_the_same_bytes(run, samples, tmp_path):
    for name in ("a.zip", "b.zip"):
        more = ("--processes", 2) if name == "b.zip" else ()
        assert run("slice", samples / F, "-o", name, *SMALL, "--field", "640x480", "--copies", "2x2", "--dose", "--depth", 4, *more)[0] == 0
    assert same(tmp_path / "a.zip", tmp_path / "b.zip")


PLAIN, DASK = ("--processes", "2"), ("--scheduler", "local", "--processes", "2")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is looked at")
@pytest.mark.parametrize(
    ("sent", "words"), [(signal.SIGINT, PLAIN), pytest.param(signal.SIGTERM, PLAIN, marks=pytest.mark.slow), (signal.SIGINT, DASK)]
)
def test_ctrl_c_leaves_no_worker_and_nothing_half_written(samples, tmp_path, sent, words):
    if words is DASK:
        pytest.importorskip("distributed")
    words = ("slice", samples / F, "-o", "job", *SMALL, "--scale", "0.3,0.3,5", "--layer-um", "0.1", *words)
    command = [sys.executable, "-m", "pmsl", *map(str, words)]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until = time.monotonic() + 60
    while not list(tmp_path.glob(".job*/job/frames/*.png")) and child.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    workers = child_pids(child.pid)
    os.killpg(child.pid, sent)  # as a terminal does
    err = child.communicate(timeout=30)[1]
    assert child.returncode == 130 and "cancelled; nothing half-written is left" in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())
    until = time.monotonic() + 10
    while not all(gone(pid) for pid in workers) and time.monotonic() < until:  # what Dask starts beside its workers ends a little later
        time.sleep(0.01)
    assert len(workers) >= 2 and all(gone(pid) for pid in workers)


def child_pids(pid):
    """Processes whose parent is `pid`."""
    out = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                if entry.isdigit() and stat.read().split(")")[1].split()[1] == str(pid):
                    out.append(int(entry))
        except OSError:
            continue
    return out
