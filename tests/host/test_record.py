"""played.jsonl: what is lit is on the disk before the light; a print goes on from any place a crash can leave it at."""

import dataclasses
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from host_doubles import CLOCK, Machine, Trouble, doubled, play, small_job, with_exposures
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

import pmsl
from pmsl.errors import HostError, JobError, OutputError, UsageError
from pmsl.host.record.play_log import PlayLog, read_record


@pytest.fixture(scope="module")
def job():
    return doubled(small_job(3))


@pytest.fixture(scope="module")
def whole(job, tmp_path_factory):
    """Bytes of the record of a whole print."""
    path = tmp_path_factory.mktemp("record") / "played.jsonl"
    play(job, Machine(job), record=path)
    return path.read_bytes()


def keys(job):
    """Every light of the job in order."""
    return [(k, j, r) for k in range(len(job)) for j, e in enumerate(job[k].exposures) for r in range(e.repeat)]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def lit_in(data):
    return [
        (line["layer"], line["exposure"], line["repeat"]) for line in map(json.loads, data.decode().splitlines()) if line["state"] == "lit"
    ]


def test_every_light_has_three_lines_in_order(job, tmp_path):
    path = tmp_path / "played.jsonl"
    play(job, Machine(job), record=path)
    first, *rest = lines(path)
    assert (first["state"], first["schema"], first["layers"], first["start"]) == ("job", "pmsl.played/1", 3, 0)
    assert len(rest) == 3 * len(keys(job))
    for i, (k, j, r) in enumerate(keys(job)):
        e = job[k].exposures[j]
        planned, lit, done = rest[3 * i : 3 * i + 3]
        assert [x["state"] for x in (planned, lit, done)] == ["planned", "lit", "done"]
        for line in (planned, lit, done):
            assert (line["layer"], line["exposure"], line["repeat"]) == (k, j, r)
            assert (line["time_s"], line["power"], line["sha256"]) == (e.time_s, e.power, e.mask.sha256())
            assert line["utc"].endswith("Z") and len(line["utc"]) == 27
        assert done["delivered_s"] == e.time_s
    assert [line["utc"] for line in rest] == sorted(line["utc"] for line in rest)


def test_a_light_is_on_the_disk_before_it_is_lit(job, tmp_path, monkeypatch):
    path, synced = tmp_path / "played.jsonl", []
    monkeypatch.setattr(os, "fsync", lambda handle, real=os.fsync: (real(handle), synced.append(path.read_bytes()))[0])

    def hook(machine, what):
        if what[0] == "lit":
            assert json.loads(synced[-1].splitlines()[-1])["state"] == "lit"

    play(job, Machine(job, hook=hook), record=path)
    assert json.loads(synced[-1].splitlines()[-1])["state"] == "done"


def test_a_record_that_cannot_be_written_stops_before_the_light(job, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    machine, count = Machine(job), []

    def tell(status):
        count.append(status.state)
        if count.count("lit") == 3:
            monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OutputError, match="No space left.*nothing is lit without it"):
        play(job, machine, record=tmp_path / "played.jsonl", on_status=tell)
    assert len(machine.shown) == 2
    with pytest.raises(OutputError, match="cannot be written"):
        play(job, Machine(job), record=tmp_path / "no" / "played.jsonl")


def test_a_disk_that_is_full_from_the_start_or_at_the_end_is_one_error(job, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: full(handle) if os.path.isfile(f"/proc/self/fd/{handle}") else real(handle))
    machine = Machine(job)
    with pytest.raises(OutputError, match="No space left.*nothing is lit without it"):
        play(job, machine, record=tmp_path / "a.jsonl")
    assert machine.shown == []
    monkeypatch.undo()
    assert resumed(job, tmp_path / "a.jsonl")[1] == keys(job)  # the file that was made meanwhile is a record of nothing

    class Full(io.BytesIO):
        def close(self):
            full(None)

    record = PlayLog(tmp_path / "b.jsonl", new=True)
    record._file.close()
    record._file = Full()
    with pytest.raises(OutputError, match=r"b.jsonl: the record cannot be written \(No space left"):
        record.close()


def resumed(job, path, **options):
    """Go on from a record; return what was lit."""
    before = lit_in(path.read_bytes()[: path.read_bytes().rfind(b"\n") + 1])
    machine = Machine(job)
    status = play(job, machine, record=path, resume=True, **options)
    after = lit_in(path.read_bytes())
    assert after[: len(before)] == before and len(after) - len(before) == len(machine.shown) == status.exposures_done
    return status, after[len(before) :]


def in_doubt(job, path, key=None):
    """Going on without a word is refused, naming the light in doubt and the choice, and changes nothing; return its layer."""
    stood, machine = path.read_bytes(), Machine(job)
    with pytest.raises(HostError, match="--relight.*--skip") as caught:
        play(job, machine, record=path, resume=True)
    k, j, r = map(int, re.match(r"layer (\d+), exposure (\d+), repeat (\d+): ", str(caught.value)).groups())
    assert (key is None or key == (k, j, r)) and f"--relight {k}" in str(caught.value) and f"--skip {k}" in str(caught.value)
    assert path.read_bytes() == stood and set(machine.kinds()) == {"dark", "stop"}
    return k


CHOICES = {"relight": lambda k: {"relight": k}, "skip": lambda k: {"skip": k}, "again": lambda k: {"again": True}}


@settings(max_examples=examples(10))
@given(data=st.data())
def test_from_wherever_a_crash_cut_it_the_print_goes_on_and_lights_nothing_twice(job, whole, tmp_path_factory, data):
    cut = data.draw(st.integers(0, len(whole)), label="cut")
    path = tmp_path_factory.mktemp("cut") / "played.jsonl"
    path.write_bytes(whole[:cut])
    left = whole[: whole.rfind(b"\n", 0, cut) + 1]
    if not left:
        with pytest.raises(JobError, match="record is empty"):
            play(job, Machine(job), record=path, resume=True)
        assert path.read_bytes() == whole[:cut]
        return
    known, choice, how, twice = lit_in(left), {}, None, Counter()
    if json.loads(left.splitlines()[-1])["state"] == "lit":
        k = in_doubt(job, path, known[-1])
        how = data.draw(st.sampled_from(sorted(CHOICES)), label="choice")
        choice, twice = CHOICES[how](k), Counter() if how == "skip" else Counter(known[-1:])
    status, now = resumed(job, path, **choice)
    assert Counter([*known, *now]) == Counter(keys(job)) + twice
    assert [f.code for f in status.findings] == (["exposure-cut-off"] if how == "skip" else [])
    again, nothing = resumed(job, path)  # and once more: nothing is left, and what was left as it is is still said
    assert nothing == [] and [f.code for f in again.findings] == [f.code for f in status.findings]


@pytest.mark.parametrize("fail_at", range(1, 25, 3))
def test_after_a_failure_every_light_is_lit_once_or_named(job, tmp_path, fail_at):
    path = tmp_path / "played.jsonl"
    with pytest.raises(HostError):
        play(job, Machine(job, fail_at=fail_at), record=path)
    before = lit_in(path.read_bytes())
    uncertain = set(before) - {(x["layer"], x["exposure"], x["repeat"]) for x in lines(path) if x["state"] == "done"}
    assert set(read_record(path).doubt) == uncertain and len(uncertain) <= 1
    status, now = resumed(job, path, **({"skip": in_doubt(job, path, *uncertain)} if uncertain else {}))
    assert Counter([*before, *now]) == Counter(keys(job))
    assert [f.code for f in status.findings] == ["exposure-cut-off"] * len(uncertain)


def cut_in_the_light(job, path):
    """A record that ends with the light of layer 1, exposure 1, second time."""

    def hook(machine, what):
        if what[0] == "lit" and len(machine.shown) == 6:
            raise Trouble

    with pytest.raises(HostError):
        play(job, Machine(job, hook=hook), record=path)
    assert read_record(path).last.key == (1, 1, 1)


def test_again_lights_what_was_cut_off(job, tmp_path):
    path = tmp_path / "played.jsonl"
    cut_in_the_light(job, path)
    status, now = resumed(job, path, again=True)
    assert now == keys(job)[6:] and now[0] == (1, 1, 1) and status.findings == ()


def test_start_at_a_layer_that_was_lit_is_refused_unless_told(job, tmp_path):
    path = tmp_path / "played.jsonl"
    cut_in_the_light(job, path)
    stood = path.read_bytes()
    with pytest.raises(HostError, match="layer 1, exposure 0 was lit already.*--again"):
        resumed(job, path, start=1)
    assert path.read_bytes() == stood
    assert resumed(job, path, start=1, again=True)[1] == [key for key in keys(job) if key[0] >= 1]


def test_start_beyond_the_record_says_what_is_left_out(job, tmp_path):
    path = tmp_path / "played.jsonl"
    play(job, Machine(job), record=path, start=0, on_status=None)
    path.write_bytes(b"".join(line for line in path.read_bytes().splitlines(True) if b'"layer":0' in line or b'"job"' in line))
    status, now = resumed(job, path, start=2)
    assert now == [key for key in keys(job) if key[0] == 2]
    (found,) = status.findings
    assert (found.code, found.layers) == ("layers-skipped", (1, 1))


def test_what_a_later_run_lit_anew_does_not_free_what_an_earlier_one_lit(job, tmp_path):
    """A print begun again at layer 1 that stops in it: layers above were lit by the first run, and are not lit again unless told."""
    path = tmp_path / "played.jsonl"
    play(job, Machine(job), record=path)
    calls = []

    def hook(machine, what):
        calls.append(what)
        if what[0] == "lit" and len(machine.shown) == 5:
            raise Trouble

    with pytest.raises(HostError, match="while it was lit"):
        play(job, Machine(job, hook=hook), record=path, resume=True, start=1, again=True)
    stood = path.read_bytes()
    k = in_doubt(job, path)
    for how in ("relight", "skip"):
        with pytest.raises(HostError, match="was lit already.*--again"):
            play(job, Machine(job), record=path, resume=True, **{how: k})
    assert path.read_bytes() == stood
    assert resumed(job, path, again=True)[1] == keys(job)[-3:]


def test_a_layer_that_goes_on_in_the_middle_is_moved_to_as_a_whole(job, tmp_path):
    path = tmp_path / "played.jsonl"
    cut_in_the_light(job, path)
    machine = Machine(job)
    machine.position_um = 0.0
    play(job, machine, record=path, resume=True, skip=1)
    assert [what for what in machine.log if what[0] == "move"][:2] == [("move", pytest.approx(110)), ("move", pytest.approx(20))]
    lost = Machine(job)
    lost.homed = False
    with pytest.raises(HostError, match="not homed"):
        play(job, lost, record=path, resume=True)


def test_a_cancelled_exposure_was_lit(job, tmp_path):
    path = tmp_path / "played.jsonl"

    class Half(Machine):
        def expose(self, time_s, power):
            super().expose(time_s, power)
            player._cancelled.set()  # as a cancel from another thread does, in the middle of the light
            return time_s / 2

    machine = Half(job)
    player = pmsl.host.Player(job, machine, machine, pmsl.host.Options(record=path), clock=CLOCK)
    assert player.run().state == "cancelled"
    assert in_doubt(job, path, (0, 0, 0)) == 0
    status, now = resumed(job, path, skip=0)
    assert now == keys(job)[1:] and [f.code for f in status.findings] == ["exposure-cut-off"]


def test_a_record_of_another_job_is_refused(job, tmp_path):
    path = tmp_path / "played.jsonl"
    cut_in_the_light(job, path)
    for other in (doubled(small_job(4)), doubled(small_job(3, shape=(26, 40)))):
        with pytest.raises(HostError, match="another job"):
            play(other, Machine(other), record=path, resume=True)
    changed = with_exposures(
        job, lambda k, es: [dataclasses.replace(e, time_s=e.time_s * 1.01, dose_mj_cm2=e.dose_mj_cm2 * 1.01) for e in es]
    )
    with pytest.raises(HostError, match="not those the record was begun with"):
        play(changed, Machine(changed), record=path, resume=True)
    blind = path.with_name("blind.jsonl")  # a record of a job nobody looked at as a whole still knows the frames it lit
    blind.write_bytes(path.read_bytes().replace(lines(path)[0]["exposures_sha256"].encode(), b"?").replace(b'"?"', b"null"))
    inverted = with_exposures(
        job, lambda k, es: [dataclasses.replace(e, mask=pmsl.LayerMask.from_dense(k, 255 - e.mask.dense(np.uint8))) for e in es]
    )
    with pytest.raises(HostError, match="layer 0, exposure 0 had another frame"):
        play(inverted, Machine(inverted), record=blind, resume=True)


@pytest.mark.parametrize("text", [b"hello\n", b'{"state":"lit"}\n', b'{"state":"job","utc":"x","head_sha256":1}\n', b"\xff\xfe\n", b"[]\n"])
def test_what_is_no_record_is_refused(job, tmp_path, text):
    path = tmp_path / "played.jsonl"
    path.write_bytes(text)
    with pytest.raises(JobError, match="line 1"):
        play(job, Machine(job), record=path, resume=True)
    assert path.read_bytes() == text


HOLDER = """
import sys
from pathlib import Path
from pmsl.host.record.play_log import PlayLog
record = PlayLog(Path(sys.argv[1]), new=False)
print("held", flush=True)
sys.stdin.read()
"""


def test_two_hosts_never_play_on_one_record(job, tmp_path):
    """The second would light what the first is about to; a host that was killed holds nothing."""
    path = tmp_path / "played.jsonl"
    cut_in_the_light(job, path)
    stood = path.read_bytes()
    env = {**os.environ, "PYTHONPATH": str(Path(pmsl.__file__).parents[1])}
    other = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    assert other.stdout.readline() == "held\n"
    machine = Machine(job)
    with pytest.raises(HostError, match="another host plays on this record"):
        play(job, machine, record=path, resume=True)
    assert machine.shown == [] and path.read_bytes() == stood
    other.kill()
    other.communicate()
    assert resumed(job, path, skip=1)[1] == keys(job)[7:]
    inner = []

    def hook(machine, what):
        if what[0] == "lit" and not inner:
            with pytest.raises(HostError, match="another host"):
                play(job, Machine(job), record=tmp_path / "new.jsonl", resume=True)
            inner.append(True)

    play(job, Machine(job, hook=hook), record=tmp_path / "new.jsonl")
    assert inner and len(lit_in((tmp_path / "new.jsonl").read_bytes())) == len(keys(job))


def test_a_record_is_never_overwritten(job, tmp_path):
    path = tmp_path / "played.jsonl"
    path.write_text("mine")
    with pytest.raises(UsageError, match="record is there already"):
        play(job, Machine(job), record=path)
    assert path.read_text() == "mine"
    with pytest.raises(JobError, match="no record can be read"):
        play(job, Machine(job), record=tmp_path / "none.jsonl", resume=True)
    with pytest.raises(UsageError, match="needs the record"):
        play(job, Machine(job), resume=True)
    with pytest.raises(UsageError, match="goes with resume"):
        play(job, Machine(job), record=tmp_path / "new.jsonl", again=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["played.jsonl"]
