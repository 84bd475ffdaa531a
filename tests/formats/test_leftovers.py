"""Drafts of killed writers go, drafts of living ones stay, whatever their process numbers say."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from formats.conformance import digest, f_frame, job_of, printer_of

import pmsl
from pmsl.errors import UsageError
from pmsl.formats.container import atomic_write, drafts

posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
WRITER = """
import sys, time
from pathlib import Path
from pmsl.formats.container import drafts
with drafts.draft(Path(sys.argv[1])) as draft:
    (draft / "job").mkdir()
    (draft / "job" / "half").write_text("written")
    if sys.argv[2] == "moved":
        Path(sys.argv[1]).rename(draft / "old")
    print(draft, flush=True)
    sys.stdin.read()
"""


def writer(path, how="new"):
    """Another process in the middle of writing `path`; and its draft."""
    root = str(Path(pmsl.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="surrogateescape",
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    return process, Path(process.stdout.readline().strip())


def ended(process, kill=True):
    if kill:
        process.kill()
    process.communicate()


def write(path, **more):
    pmsl.write(job_of([f_frame((19, 27))] * 2, printer_of((19, 27))), path, design=False, threads=1, **more)


@posix
def test_a_killed_writers_draft_is_swept_by_the_next_and_a_living_ones_never(tmp_path):
    path = tmp_path / "job"
    living, its_draft = writer(path)
    dead, left = writer(path)
    ended(dead)
    assert left.is_dir()
    write(path)
    assert not left.exists() and (its_draft / "job" / "half").read_text() == "written"
    owner = msgspec.json.decode((its_draft / "owner.json").read_bytes())
    assert owner["pid"] == living.pid and owner["target"] == "job" and owner["host"] and owner["started"]
    ended(living, kill=False)  # it goes on to its end, and takes its draft along
    assert sorted(p.name for p in tmp_path.iterdir()) == ["job"]


@posix
def test_a_stopped_writer_lives(tmp_path):
    living, its_draft = writer(tmp_path / "job")
    try:
        living.send_signal(signal.SIGSTOP)
        assert drafts.sweep(tmp_path) == () and its_draft.is_dir()
    finally:
        ended(living)
    assert drafts.sweep(tmp_path) == (its_draft.name,)


@posix
def test_a_number_that_another_process_has_since_is_no_sign_of_life(tmp_path):
    dead, left = writer(tmp_path / "job")
    ended(dead)
    owner = msgspec.json.decode((left / "owner.json").read_bytes())
    (left / "owner.json").write_bytes(msgspec.json.encode({**owner, "pid": os.getpid()}))
    assert drafts.sweep(tmp_path) == (left.name,)


@posix
@pytest.mark.parametrize("single", [False, True])
def test_a_job_that_a_killed_writer_had_moved_away_comes_back(tmp_path, single):
    path = tmp_path / ("job.zip" if single else "job")
    write(path)
    before = digest(path)
    dead, left = writer(path, "moved")
    ended(dead)
    assert not path.exists() and (left / "old").exists()
    with pytest.raises(UsageError, match="--force"):  # it is there again, so it is not overwritten either
        write(path)
    assert digest(path) == before and not left.exists()
    write(path, force=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@posix
def test_what_was_moved_away_is_kept_where_something_else_has_its_name(tmp_path):
    """Killed after the new job had its name: the old one goes with the draft."""
    path = tmp_path / "job"
    write(path)
    dead, left = writer(path, "moved")
    ended(dead)
    path.mkdir()
    assert drafts.sweep(tmp_path, "job") == (left.name,) and path.is_dir() and not list(path.iterdir())


@posix
def test_only_drafts_of_the_target_unless_all_are_asked_for(tmp_path):
    names = ["a", "a.b", "x" * 40, "x" * 41, "µ ß.zip", os.fsdecode(b"\xff.zip")]
    left = {}
    for name in names:
        dead, left[name] = writer(tmp_path / name)
        ended(dead)
    for name in names[:4]:
        assert drafts.sweep(tmp_path, name) == (left[name].name,)
    assert set(drafts.sweep(tmp_path)) == {left[name].name for name in names[4:]}


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"pid": 1, "host": "elsewhere", "started": "", "target": "job"}, "another computer's, on a shared disk"),
        ({"pid": 1, "host": None, "started": "", "target": "../job"}, "a name that leads away"),
        ({"pid": 1, "host": None, "started": "", "target": "."}, "no name"),
        ({"pid": 1, "host": None, "started": "", "target": "other"}, "not the name of the folder"),
        ([], "no owner"),
    ],
)
def test_what_is_not_known_to_be_abandoned_stays(tmp_path, table, why):
    place = tmp_path / ".job.abc.partial"
    (place / "old").mkdir(parents=True)
    (place / "job").mkdir()
    if isinstance(table, dict) and table["host"] is None:
        table = {**table, "host": drafts._host()}
    (place / "owner.json").write_bytes(msgspec.json.encode(table))
    assert drafts.sweep(tmp_path) == () and (place / "old").is_dir() and (place / "job").is_dir(), why


def test_folders_that_only_look_like_drafts_stay(tmp_path):
    """Without an owner nobody can say whose it is; an empty one is between two steps of its making, and is made anew."""
    (tmp_path / ".job.full.partial" / "job").mkdir(parents=True)
    (tmp_path / ".job.empty.partial").mkdir()
    (tmp_path / ".job.file.partial").write_text("")
    assert drafts.sweep(tmp_path, "job") == (".job.empty.partial",)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".job.file.partial", ".job.full.partial"]
    assert drafts.sweep(tmp_path / "nowhere") == ()


@posix
def test_a_draft_that_is_a_link_is_not_followed(tmp_path):
    dead, left = writer(tmp_path / "job")
    ended(dead)
    left.rename(tmp_path / "elsewhere")
    left.symlink_to(tmp_path / "elsewhere")
    assert drafts.sweep(tmp_path) == () and (tmp_path / "elsewhere" / "job" / "half").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed on this system")
def test_a_draft_whose_writer_was_killed_before_it_said_its_name_is_swept(tmp_path):
    for more in ((), ("job",)):
        place = tmp_path / f".job.{len(more)}.partial"
        place.mkdir()
        (place / "owner.json").touch()
        for name in more:
            (place / name).mkdir()
    assert drafts.sweep(tmp_path, "job") == (".job.0.partial",)
    assert [p.name for p in tmp_path.iterdir()] == [".job.1.partial"]  # no writer of ours makes that


@pytest.mark.parametrize("step", ["before its owner", "before its name", "before its lock"])
def test_a_sweep_between_two_steps_of_making_a_draft_only_makes_another(tmp_path, monkeypatch, step):
    """The sweep of another process comes at the worst moments; the writer ends up with a draft that is there, and locked."""
    swept = []
    if step == "before its owner":
        make = Path.mkdir

        def makes(self, **more):
            make(self, **more)
            if len(swept) < 3:
                swept.extend(drafts.sweep(tmp_path))

        monkeypatch.setattr(Path, "mkdir", makes)
    elif step == "before its name":

        def opens(path, mode):
            opened = open(path, mode)  # noqa: SIM115 — closed by the writer
            if mode == "xb" and len(swept) < 3:
                swept.extend(drafts.sweep(tmp_path))
            return opened

        monkeypatch.setattr(drafts, "open", opens, raising=False)
    else:
        lock = drafts.lock

        def locks(held):
            if held.mode == "xb" and len(swept) < 3:
                swept.extend(drafts.sweep(tmp_path))
            return lock(held)

        monkeypatch.setattr(drafts, "lock", locks)
    with drafts.draft(tmp_path / "job") as draft:
        assert len(swept) == 3 and draft.is_dir() and draft.name not in swept
        assert drafts.sweep(tmp_path) == () and draft.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_locks_is_written_to_and_never_swept(tmp_path, monkeypatch):
    import errno

    def none(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("msvcrt.locking" if os.name == "nt" else "fcntl.flock", none)
    with drafts.draft(tmp_path / "job"):
        assert drafts.sweep(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "job")
    assert [p.name for p in tmp_path.iterdir()] == ["job"]


def test_a_failed_return_of_the_old_job_keeps_it(tmp_path, monkeypatch):
    """Neither the new nor the old job could be moved to its name: the draft stays, and the next writer puts the old one back."""
    path = tmp_path / "job"
    write(path)
    before, rename = digest(path), os.rename

    def fails(a, b):
        if Path(b) == path:
            raise OSError(5, "input or output error")
        rename(a, b)

    monkeypatch.setattr(atomic_write.os, "rename", fails)
    with pytest.raises(pmsl.errors.OutputError):
        write(path, force=True)
    monkeypatch.undo()
    assert not path.exists() and len(list(tmp_path.glob(".job.*.partial/old"))) == 1
    drafts.sweep(tmp_path, "job")
    assert digest(path) == before and [p.name for p in tmp_path.iterdir()] == ["job"]


class _Stopped(BaseException):
    """Stands for Ctrl-C."""


@pytest.mark.parametrize("place", ["mkdir", "lock", "_lies_at"])
def test_an_interrupt_between_any_two_steps_of_making_a_draft_leaves_none(tmp_path, monkeypatch, place):
    """Right after each step, before its result is in anyone's hands."""
    owner = Path if place == "mkdir" else drafts
    real = getattr(owner, place)

    def stopped(*given, **more):
        real(*given, **more)
        raise _Stopped

    with monkeypatch.context() as patch:
        patch.setattr(owner, place, stopped)
        with pytest.raises(_Stopped), drafts.draft(tmp_path / "job"):
            pass
    assert list(tmp_path.iterdir()) == []
