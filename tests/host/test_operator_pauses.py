"""Pauses of a job: dark, the plate lifted, nobody passes one unasked, and a print that goes on knows which are over."""

import asyncio
import json
import threading
import time

import pytest
from host_doubles import CLOCK, Machine, Trouble, play, small_job

import pmsl
from pmsl.errors import HostError, JobError
from pmsl.host.record.play_log import fits, read_record
from pmsl.job.pauses import PAUSE, Pause
from pmsl.pipeline import with_pauses

CHANGE, LENS = "change the resin", "lay in the lens"


@pytest.fixture(scope="module")
def job():
    return with_pauses(small_job(5), [f"4={LENS}", f"2={CHANGE}"])


def states(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def asked_in(path):
    return [(line["state"], line["layer"]) for line in states(path) if line["state"] in ("paused", "confirmed")]


class Ended(Exception):
    """The operator goes home."""


def test_at_a_pause_it_is_dark_the_plate_is_lifted_and_nothing_is_loaded(job):
    machine, seen = Machine(job), []

    def at(pause):
        moved = [what[1] for what in machine.log if what[0] == "move"]
        seen.append((pause.message, len(machine.shown), machine.log[-1][0], moved[-1]))

    assert play(job, machine, on_pause=at).state == "done"
    lift_um = job[2].motion.lift_um
    assert seen == [(CHANGE, 2, "move", 20.0 + lift_um), (LENS, 4, "move", 40.0 + lift_um)]
    assert machine.log[machine.log.index(("move", 20.0 + lift_um)) - 1] == ("dark",)
    plain = Machine(job)
    play(small_job(5), plain)
    assert [what for what in machine.log if what[0] != "dark"] == [what for what in plain.log if what[0] != "dark"]


def test_who_gives_nothing_that_waits_is_refused_in_the_dark(job):
    machine = Machine(job)

    def not_reached(status):
        if status.state == "paused":  # or it would wait for ever
            raise Ended

    with pytest.raises(HostError, match="2 of its layers, first before layer 2 \\(change the resin\\)"):
        play(job, machine, on_status=not_reached)
    assert not machine.log
    with pytest.raises(HostError, match="on_pause"):
        asyncio.run(pmsl.host.aplay(job, machine, machine, clock=CLOCK, on_status=not_reached))
    assert not machine.log


def test_what_the_operator_raises_ends_the_print_in_the_dark(job):
    machine = Machine(job)

    def at(pause):
        raise Ended

    with pytest.raises(Ended):
        play(job, machine, on_pause=at)
    assert len(machine.shown) == 2 and machine.log[-1][0] in ("dark", "stop")


def test_a_player_waits_for_go_on_that_comes_after_the_pause_began(job):
    machine, told = Machine(job), []
    said = threading.Event()

    def tell(status):
        if status.state == "paused":
            told.append((status.layer, status.message, len(machine.shown)))
            said.set()

    player = pmsl.host.Player(job, machine, machine, clock=CLOCK, on_status=tell)
    player.go_on()  # of nothing: it ends no pause that has not begun
    thread = threading.Thread(target=player.run)
    thread.start()
    for n in (1, 2):
        assert said.wait(20)
        said.clear()
        time.sleep(0.1)  # long enough to light all layers, if it did not wait
        assert len(told) == n and len(machine.shown) == told[-1][2] and thread.is_alive()
        player.go_on()
    thread.join(20)
    assert player.status.state == "done" and told == [(2, CHANGE, 2), (4, LENS, 4)]


def test_a_pause_in_an_event_loop_is_waited_for_and_ends_when_the_print_is_cancelled(job):
    async def printed(cancel):
        machine, asked = Machine(job), []
        loop = asyncio.get_running_loop()
        reached = asyncio.Event()

        async def at(pause):
            asked.append(pause.message)
            reached.set()
            await asyncio.sleep(3600 if cancel else 0)

        task = asyncio.ensure_future(pmsl.host.aplay(job, machine, machine, clock=CLOCK, on_pause=at))
        if cancel:
            await reached.wait()
            began = loop.time()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert loop.time() - began < 20
        else:
            await task
        return asked, len(machine.shown)

    assert asyncio.run(printed(False)) == ([CHANGE, LENS], 5)
    assert asyncio.run(printed(True)) == ([CHANGE], 2)


def test_the_plate_may_be_moved_by_hand_meanwhile_but_not_lost(job):
    machine = Machine(job)

    def at(pause):
        machine.position_um += 5000.0

    assert play(job, machine, on_pause=at).state == "done"
    lost = Machine(job)

    def lose(pause):
        lost.homed = False

    with pytest.raises(HostError, match="lost its place"):
        play(job, lost, on_pause=lose)
    assert len(lost.shown) == 2


def test_the_record_has_each_pause_before_and_after_the_wait(job, tmp_path):
    path, seen = tmp_path / "played.jsonl", []
    play(job, Machine(job), record=path, on_pause=lambda pause: seen.append(asked_in(path)[-1]))
    assert seen == [("paused", 2), ("paused", 4)]
    assert asked_in(path) == [("paused", 2), ("confirmed", 2), ("paused", 4), ("confirmed", 4)]
    assert states(path)[0]["schema"] == "pmsl.played/3"
    assert read_record(path).confirmed == {2, 4}


def test_a_print_that_ended_in_a_pause_waits_again_and_one_that_ended_after_it_does_not(job, tmp_path):
    path, asked = tmp_path / "played.jsonl", []

    def leave(pause):
        raise Ended

    with pytest.raises(Ended):
        play(job, Machine(job), record=path, on_pause=leave)
    with pytest.raises(Trouble):  # confirmed, and ended before its light

        def tell(status):
            if status.state == "moving" and status.layer == 2:
                raise Trouble

        play(job, Machine(job), record=path, resume=True, on_pause=asked.append, on_status=tell)
    assert [p.before_layer for p in asked] == [2]
    machine = Machine(job)
    play(job, machine, record=path, resume=True, on_pause=asked.append)
    assert [p.before_layer for p in asked] == [2, 4] and len(machine.shown) == 3


def test_a_print_that_begins_above_pauses_asks_for_all_that_nobody_confirmed(job, tmp_path):
    asked = []
    play(job, Machine(job), start=4, on_pause=asked.append)
    assert [p.message for p in asked] == [CHANGE, LENS]


def test_a_record_that_lost_a_line_of_a_pause_is_refused(job, tmp_path):
    path = tmp_path / "played.jsonl"
    play(job, Machine(job), record=path, on_pause=lambda pause: None)
    lines = path.read_bytes().splitlines(keepends=True)
    played = read_record(path)

    def count(k, j):
        return int(j == 0)

    fits(played, job, None, count, path)
    of_pauses = [i for i, line in enumerate(lines) if b'"paused"' in line or b'"confirmed"' in line]
    assert len(of_pauses) == 4
    for i in of_pauses:
        other = lines[i].replace(b'"layer":2', b'"layer":3').replace(b'"layer":4', b'"layer":1')
        for changed in (b"", 2 * lines[i], other):
            path.write_bytes(b"".join([*lines[:i], changed, *lines[i + 1 :]]))
            with pytest.raises(JobError, match="pauses; lines are missing"):
                fits(read_record(path), job, None, count, path)


def test_the_record_of_a_job_with_other_pauses_is_refused(job, tmp_path):
    path = tmp_path / "played.jsonl"
    play(job, Machine(job), record=path, on_pause=lambda pause: None)
    with pytest.raises(HostError, match="record of another job"):
        play(small_job(5), Machine(job), record=path, resume=True)


def test_hosts_with_loops_of_their_own_are_told(job):
    told = {(s.layer, s.exposure): s.pauses for s in pmsl.host.exposures(job) if s.pauses}
    assert told == {(2, 0): (CHANGE,), (4, 0): (LENS,)}
    assert pmsl.host.shots(job, 2)[0].pauses == (CHANGE,) and pmsl.host.shots(job, 3)[0].pauses == ()
    events = [e["metadata"]["pmsl"].get("pauses") for e in pmsl.host.useq_events(job)]
    assert events == [None, None, [CHANGE], None, [LENS]]


def test_a_pause_before_a_dark_layer_is_told_with_the_next_light(job):
    from host_doubles import with_exposures

    dark = with_exposures(job, lambda k, es: () if k == 2 else es)
    assert {s.layer: s.pauses for s in pmsl.host.exposures(dark) if s.pauses} == {3: (CHANGE,), 4: (LENS,)}


def test_an_engine_need_not_provide_what_the_player_does(job):
    assert job.requires == (PAUSE,) and job.pauses == (Pause(before_layer=2, message=CHANGE), Pause(before_layer=4, message=LENS))
