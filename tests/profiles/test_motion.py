"""Moves of a process: single values as before, lists for the first layers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.errors import ProfileError
from pmsl.profiles import Motion, MotionSchedule, Process, library_text
from pmsl.profiles.tables.overrides import with_values
from pmsl.profiles.tables.schema import parse

DEFAULT = library_text("default")
TWO = DEFAULT.replace("process/1", "process/2")
replace = msgspec.structs.replace


def test_single_values_are_one_motion_for_all_layers_and_nothing_new():
    process = parse(DEFAULT, Process, "a")
    assert process.motion == MotionSchedule() and process.schema == "pmsl.process/1"
    assert process.motion.at(0) == process.motion.at(10**6) == process.motion.last == Motion()
    assert msgspec.json.encode(process.motion) == msgspec.json.encode(Motion())


@pytest.mark.parametrize("values", ["[3000, 2000, 1000.0]", "[3000, 1000]"])
def test_entry_k_is_of_the_move_before_layer_k_and_the_last_goes_on(values):
    process = parse(TWO.replace("lift_um = 1000.0", f"lift_um = {values}"), Process, "a")
    wanted = msgspec.json.decode(values)
    lifts = [process.motion.at(k).lift_um for k in range(6)]
    assert lifts == [wanted[min(k, len(wanted) - 1)] for k in range(6)]
    assert process.motion.last.lift_um == 1000 and process.motion.highest_um == 3000 and process.motion.first_layers == len(wanted) - 1
    assert process.schema == "pmsl.process/2" and isinstance(process.motion.at(0), Motion)


def test_a_list_that_says_no_more_than_a_number_is_one():
    plain = parse(TWO.replace("lift_um = 1000.0", "lift_um = [1000.0, 1000.0]"), Process, "a")
    assert plain == parse(DEFAULT, Process, "a") and plain.schema == "pmsl.process/1"


def test_a_list_needs_version_2():
    with pytest.raises(ProfileError, match=r"a list in motion came with pmsl\.process/2; write schema"):
        parse(DEFAULT.replace("lift_um = 1000.0", "lift_um = [2000.0, 1000.0]"), Process, "a.toml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("lift_um = 1000.0", "lift_um = []", r"motion\.lift_um"),
        ("lift_um = 1000.0", "lift_um = [2000.0, -1.0]", r"motion\.lift_um\[1\]"),
        ("lift_um_s = 2000.0", "lift_um_s = [2000.0, 0.0]", r"motion\.lift_um_s\[1\]"),
        ("settle_s = 1.0", "settle_s = [2.0, nan]", r"motion\.settle_s"),
        ("settle_s = 1.0", "settle_s = ['2']", r"motion\.settle_s"),
        ("settle_s = 1.0", "settle = [2.0]", "did you mean 'settle_s'"),
    ],
)
def test_lists_that_are_none_are_refused_with_their_place(old, new, words):
    with pytest.raises(ProfileError, match=words):
        parse(TWO.replace(old, new), Process, "a.toml")


def test_python_may_give_a_motion_a_schedule_or_change_one_entry():
    process = pmsl.find_process("default")
    assert replace(process, motion=Motion(lift_um=50.0)).motion == MotionSchedule(lift_um=50.0)
    listed = replace(process, motion=replace(process.motion, settle_s=(3.0, 1.0)))
    assert listed.schema == "pmsl.process/2" and replace(listed, motion=Motion()).schema == "pmsl.process/1"
    printer, resin = pmsl.find_printer("dlp-27um"), pmsl.find_resin("pr48-405")
    assert with_values(printer, resin, listed, {"process.motion.settle_s.0": 5.0})[2].motion.settle_s == (5.0, 1.0)
    assert with_values(printer, resin, process, {"process.motion.settle_s": [4.0, 1.0]})[2].motion.settle_s == (4.0, 1.0)


numbers = st.floats(0, 100)


@given(st.one_of(numbers, st.lists(numbers, min_size=1, max_size=5).map(tuple)), numbers, st.integers(0, 12))
def test_the_time_of_all_moves_is_the_sum_of_each(settle, wait, n):
    schedule = MotionSchedule(settle_s=settle, wait_top_s=(wait, 1.0), lift_um=(5000.0, 10.0, 100.0))
    assert schedule.duration_s(n) == pytest.approx(sum(schedule.at(k).duration_s for k in range(n)))
