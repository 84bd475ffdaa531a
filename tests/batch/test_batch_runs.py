"""What a batch makes, goes on from, refuses and tells."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from batched import HEAD, PART, batch_file, digests, outcomes, ran, started, states

import pmsl
from pmsl.batch import Outcome, Summary, journal, read_batch, run, scheduler, worker
from pmsl.batch.journal import HOME, JOURNAL
from pmsl.errors import BatchError, FindingsError, OutputError

MIB = 1 << 20
ENV = {**os.environ, "PYTHONPATH": str(Path(pmsl.__file__).parents[1])}
TWO = '[[job]]\nname = "a"\nmeshes = ["a.stl"]\n[[job]]\nname = "b.zip"\nmeshes = ["b.stl"]\nno_design = true\n'


@pytest.fixture
def file(tmp_path):
    for name in "ab":
        shutil.copy(PART, tmp_path / f"{name}.stl")
    return batch_file(tmp_path, TWO)


def made(file, **options):
    summary = run(read_batch(file), workers=1, **options)
    return summary, {o.name: (o.state, o.message) for o in summary.outcomes}


def words(found):
    return {name: state for name, (state, _) in found.items()}


def test_jobs_are_those_of_slice_and_are_not_made_twice(file, tmp_path):
    summary, found = made(file)
    assert words(found) == {"a": "done", "b.zip": "done"} and summary.exit_code == 0
    order = ["--printer", "pmsl-10um", "--resin", "pr48-405", "--field", "160x160"]
    command = [sys.executable, "-m", "pmsl", "slice", "a.stl", "-o", "alone", *order]
    subprocess.run(
        command, cwd=tmp_path, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(Path(pmsl.__file__).parents[1])}
    )
    assert digests(tmp_path / "alone") == digests(tmp_path / "night" / "a")
    assert pmsl.verify(tmp_path / "night" / "b.zip") == []
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "night").rglob("*") if p.name == "job.json" or p.suffix == ".zip"}
    os.utime(tmp_path / "a.stl")  # touched, not changed
    assert words(made(file)[1]) == {"a": "already done", "b.zip": "already done"}
    assert {p: p.stat().st_mtime_ns for p in before} == before and len(before) == 2
    with open(tmp_path / "night" / "batch-summary.csv", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [(r["name"], r["state"], r["layers"]) for r in rows] == [("a", "already done", "20"), ("b.zip", "already done", "20")]
    assert rows[0]["findings"] == "warning not-calibrated" and float(rows[0]["print_time_s"]) > 60
    assert {p.name for p in (tmp_path / "night" / HOME).iterdir()} == {"lock", JOURNAL}


def test_what_has_changed_is_made_again_and_the_rest_is_not(file, tmp_path):
    made(file)
    first = digests(tmp_path / "night")
    (tmp_path / "a.stl").write_bytes(b"another".ljust(80) + PART.read_bytes()[80:])  # its head: the same solid, another file
    assert words(made(file)[1]) == {"a": "done", "b.zip": "already done"}
    assert digests(tmp_path / "night")["b.zip"] == first["b.zip"] and digests(tmp_path / "night") != first
    batch_file(tmp_path, TWO + "layer_um = 20\n")
    assert words(made(file)[1]) == {"a": "already done", "b.zip": "done"}
    shutil.rmtree(tmp_path / "night" / "a")  # somebody took it away
    shutil.copy(PART, tmp_path / "a.stl")
    batch_file(tmp_path, TWO)
    assert words(made(file)[1]) == {"a": "done", "b.zip": "done"}
    assert digests(tmp_path / "night") == first


def test_what_others_put_there_is_never_replaced_unless_forced(file, tmp_path):
    night = tmp_path / "night"
    night.mkdir()
    (night / "a").mkdir()
    (night / "a" / "letter.txt").write_text("mine")
    (night / "b.zip").write_bytes(b"PK mine")
    summary, found = made(file)
    assert words(found) == {"a": "refused", "b.zip": "refused"} and summary.exit_code == 3
    assert "no batch of this folder made it" in found["a"][1] and "--force" in found["a"][1]
    summary, found = made(file, force=True)
    assert words(found) == {"a": "refused", "b.zip": "refused"}  # forced or not: they are no jobs
    assert "letter.txt" in found["a"][1] or "no job.json" in found["a"][1]
    assert (night / "a" / "letter.txt").read_text() == "mine" and (night / "b.zip").read_bytes() == b"PK mine"
    shutil.rmtree(night)
    made(file)
    document = night / "a" / "job.json"
    document.write_bytes(document.read_bytes().replace(b"not-calibrated", b"really-changed"))
    summary, found = made(file)
    assert words(found) == {"a": "refused", "b.zip": "already done"} and "was changed since" in found["a"][1]
    assert words(made(file, force=True)[1]) == {"a": "done", "b.zip": "already done"}


def test_one_bad_job_does_not_stop_the_others_and_the_worst_gives_the_exit_code(tmp_path):
    (tmp_path / "bad.stl").write_bytes(b"solid nothing\nendsolid nothing\n")
    text = (
        '[[job]]\nname = "missing"\nmeshes = ["nothing.stl"]\n'
        '[[job]]\nname = "empty"\nmeshes = ["bad.stl"]\n'
        '[[job]]\nname = "outside"\nat = [5000, 5000]\n'
        '[[job]]\nname = "typed"\nrotate = "abc"\n'
        '[[job]]\nname = "strict"\nfail_on = "warning"\n'
        '[[job]]\nname = "good"\n'
    )
    code, events, err = ran(batch_file(tmp_path, text), "--jobs", 2)
    assert code == 3 and events[0]["event"] == "start" and events[-1]["event"] == "end"
    assert states(events) == {
        "missing": "refused",
        "empty": "refused",
        "outside": "refused",
        "typed": "refused",
        "strict": "findings",
        "good": "done",
    }
    assert {name: e["exit_code"] for name, e in outcomes(events).items()} == {
        **dict.fromkeys(("missing", "empty", "outside", "typed"), 3),
        "strict": 4,
        "good": 0,
    }
    assert outcomes(events)["strict"]["findings"] == {"warning not-calibrated": 1}
    assert "nothing.stl" in outcomes(events)["missing"]["message"] and "--rotate" in outcomes(events)["typed"]["message"]
    assert events[-1]["states"] == {"refused": 4, "findings": 1, "done": 1}
    assert sorted(p.name for p in (tmp_path / "night").iterdir()) == [HOME, "batch-summary.csv", "good"]


def test_fail_on_of_the_command_is_for_jobs_that_do_not_say_it(tmp_path):
    file = batch_file(tmp_path, '[[job]]\nname = "a"\n[[job]]\nname = "b"\nfail_on = "error"\n')
    summary = run(read_batch(file, "warning"), workers=1)
    assert [o.state for o in summary.outcomes] == ["findings", "done"] and summary.exit_code == 4


def test_two_batches_do_not_work_in_one_folder(file, tmp_path):
    held = journal.opened(tmp_path / "night")
    try:
        with pytest.raises(BatchError, match=f"another batch works here \\(process {os.getpid()} on "):
            made(file)
        assert [p.name for p in (tmp_path / "night").iterdir()] == [HOME]
    finally:
        held.close()
    assert words(made(file)[1]) == {"a": "done", "b.zip": "done"}


def test_a_torn_line_of_the_journal_counts_for_nothing(file, tmp_path):
    made(file)
    place = tmp_path / "night" / HOME / JOURNAL
    lines = place.read_bytes().splitlines(keepends=True)
    place.write_bytes(b"\xff\x00{\n" + b"".join(lines[:-1]) + lines[-1][:50])
    assert words(made(file)[1]) == {"a": "already done", "b.zip": "done"}
    assert words(made(file)[1]) == {"a": "already done", "b.zip": "already done"} and len(place.read_bytes().splitlines()) == 2


def test_memory_is_a_cap_and_what_cannot_fit_is_not_started(tmp_path, monkeypatch):
    monkeypatch.setattr(scheduler, "_own_bytes", lambda: 100 * MIB)  # not what all tests before took
    big = tmp_path / "big.stl"
    with open(big, "wb") as out:
        out.truncate(84 + 50 * 4_000_000)  # as large as a mesh of 4 million triangles, and empty on the disk
    file = batch_file(tmp_path, '[[job]]\nname = "big"\nmeshes = ["big.stl"]\n[[job]]\nname = "small"\n')
    summary, found = made(file, memory_bytes=600 * MIB)
    assert words(found) == {"big": "refused", "small": "done"} and summary.exit_code == 3
    assert "MiB" in found["big"][1] and "--memory 600 MiB" in found["big"][1]
    big.unlink()
    summary, found = made(file, memory_bytes=20 * MIB)
    assert words(found)["small"] == "already done"
    shutil.rmtree(tmp_path / "night")
    summary, found = made(file, memory_bytes=20 * MIB)
    assert "--memory 20 MiB" in found["small"][1] and not (tmp_path / "night" / "small").exists()


def test_jobs_wait_until_they_fit(tmp_path, monkeypatch):
    """Never more is promised than the cap: with room for two peaks, four workers make two jobs at a time."""
    monkeypatch.setattr(scheduler, "most_bytes", lambda order: 400 * MIB)
    monkeypatch.setattr(scheduler, "_own_bytes", lambda: 100 * MIB)
    most = [0]

    def tell(event):
        running.add(event["name"]) if event["event"] == "job-start" else running.discard(event.get("name"))
        most[0] = max(most[0], len(running))

    running = set()
    file = batch_file(tmp_path, '[[job]]\nname = "a"\n[job.sweep]\n"resin.dp_um" = [20, 21, 22, 23, 24, 25]\n')
    summary = run(read_batch(file), workers=4, memory_bytes=1000 * MIB, on_event=tell)
    assert [o.state for o in summary.outcomes] == ["done"] * 6 and most[0] == 2


def test_a_full_disk_costs_the_jobs_that_do_not_fit(tmp_path):
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    text = '[[job]]\nname = "large"\ndose = true\n[[job]]\nname = "small"\nno_design = true\nlayer_um = 50\n'

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    code, events, _ = ran(batch_file(tmp_path, text), "--jobs", 1, preexec_fn=small_files)
    assert code == 3 and states(events) == {"large": "refused", "small": "done"}
    assert "cannot be written" in outcomes(events)["large"]["message"]
    assert sorted(p.name for p in (tmp_path / "night").iterdir()) == [HOME, "batch-summary.csv", "small"]


def test_a_disk_without_room_for_a_note_is_the_reason(tmp_path):
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    code, _, err = ran(batch_file(tmp_path, '[[job]]\nname = "a"\n'), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8)))
    assert code == 3 and f"{HOME}: cannot be written (File too large); free some space" in err, err


def test_an_out_folder_that_cannot_be_written_is_refused_at_once(file, tmp_path):
    (tmp_path / "night").write_text("a file")
    with pytest.raises(OutputError, match="night: the out folder of the batch cannot be made"):
        made(file)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        pytest.skip("a superuser may write anywhere: read-only folders are not tried")
    (tmp_path / "night").unlink()
    (tmp_path / "night").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot be made or written"):
        made(file)


def test_another_summary_is_left_alone(file, tmp_path):
    made(file)
    (tmp_path / "night" / "batch-summary.csv").write_text("my own notes")
    with pytest.raises(OutputError, match="no summary of a batch"):
        made(file)
    assert (tmp_path / "night" / "batch-summary.csv").read_text() == "my own notes"


def test_a_dry_run_predicts_and_writes_nothing(tmp_path):
    text = '[[job]]\nname = "a"\n[[job]]\nname = "b.sl1"\nlossy = true\n[[job]]\nname = "c"\nmeshes = ["nothing.stl"]\n'
    file = batch_file(tmp_path, text)
    code, events, _ = ran(file, "--dry-run")
    assert code == 3 and [p.name for p in tmp_path.iterdir()] == ["batch.toml"]
    plan = {e["name"]: e for e in events if e["event"] == "plan"}
    assert {name: e["state"] for name, e in plan.items()} == {"a": "to do", "b.sl1": "to do", "c": "refused"}
    code, events, _ = ran(file)
    for name in ("a", "b.sl1"):
        real, told, target = outcomes(events)[name], plan[name], tmp_path / "night" / name
        size = sum(p.stat().st_size for p in ([target] if target.is_file() else target.rglob("*")) if p.is_file())
        assert told["layers"] == real["layers"]
        assert told["print_time_s"] == pytest.approx(real["print_time_s"], rel=1e-9 if name == "a" else 0.1)  # sl1 rounds times
        assert told["resin_ml"] == pytest.approx(real["resin_ml"], rel=0.1)
        assert told["disk_bytes"] == pytest.approx(size, rel=0.1)
        assert told["seconds"] > 0 and told["peak_bytes"] > 50 * MIB


def test_it_tells_a_person_what_it_did(tmp_path):
    file = batch_file(tmp_path, '[[job]]\nname = "a"\n[[job]]\nname = "c"\nmeshes = ["nothing.stl"]\n')
    command = [sys.executable, "-m", "pmsl", "batch", str(file), "--jobs", "1"]
    told = subprocess.run(command, capture_output=True, text=True, env=ENV)
    assert told.returncode == 3
    assert "2 jobs: 1 done, 1 refused" in told.stdout and "print time" in told.stdout
    assert told.stderr.startswith("c: refused: ") and "nothing.stl" in told.stderr
    plan = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, env=ENV)
    assert plan.returncode == 3 and "already done" in plan.stdout and "2 jobs, 0 to be sliced" in plan.stdout


def test_a_mesh_that_changes_while_it_is_sliced_is_not_taken_for_done(tmp_path):
    shutil.copy(PART, tmp_path / "a.stl")
    file = batch_file(tmp_path, '[[job]]\nname = "a"\nmeshes = ["a.stl"]\n')
    batch = read_batch(file)

    def tell(event):
        if event["event"] == "job-start":
            os.utime(tmp_path / "a.stl")

    summary = run(batch, workers=1, on_event=tell)
    assert [o.state for o in summary.outcomes] == ["refused"] and "changed while it was sliced" in summary.outcomes[0].message
    assert [o.state for o in run(batch, workers=1).outcomes] == ["done"]


def test_json_is_one_line_an_event(tmp_path):
    process = started(batch_file(tmp_path, '[[job]]\nname = "a"\n', HEAD))
    out, err = process.communicate()
    assert [json.loads(line)["event"] for line in out.splitlines() if b'"progress"' not in line and b"compiling" not in line] == [
        "start",
        "job-start",
        "job",
        "end",
    ]


def test_what_is_no_file_is_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names on this system")
    os.mkfifo(tmp_path / "pipe.stl")
    text = '[[job]]\nname = "pipe"\nmeshes = ["pipe.stl"]\n[[job]]\nname = "folder"\nmeshes = ["."]\n'
    summary, found = made(batch_file(tmp_path, text))
    assert words(found) == {"pipe": "refused", "folder": "refused"} and "is no ordinary file" in found["pipe"][1]


def test_whatever_happens_in_a_worker_is_a_report(tmp_path, monkeypatch):
    order = read_batch(batch_file(tmp_path, '[[job]]\nname = "a"\n')).jobs[0].request
    for error, state, code in (
        (ZeroDivisionError("odd"), "bug", 1),
        (MemoryError(), "refused", 3),
        (OSError(28, "No space left on device", "x"), "refused", 3),
        (FindingsError("found", ()), "findings", 4),
    ):

        def fails(order, progress, error=error):
            raise error

        monkeypatch.setattr(worker, "slice_job", fails)
        report = worker._done(worker.Task(number=7, request=order), None)
        assert (report.number, report.state, report.exit_code) == (7, state, code)
        assert report.tired == isinstance(error, (ZeroDivisionError, MemoryError))
        assert ("Traceback" in report.message) == (code == 1)


@pytest.mark.parametrize(("codes", "worst"), [((0, 0), 0), ((0, 4), 4), ((4, 3, 0), 3), ((3, 1, 4), 1), ((), 0)])
def test_a_batch_ends_with_the_worst_of_its_jobs(codes, worst):
    assert Summary(tuple(Outcome(str(i), "done", code) for i, code in enumerate(codes)), 1.0).exit_code == worst
