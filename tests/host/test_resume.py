"""Going on: a light in doubt is named with the choice, a damaged record is refused, and no layer stays dark without a word."""

import json
from collections import Counter

import pytest
from host_doubles import Machine, Trouble, doubled, play, small_job, with_exposures
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.errors import HostError, JobError, UsageError
from pmsl.host.record.play_log import read_record


@pytest.fixture(scope="module")
def job():
    """Three layers of four lights, the second layer dark."""
    return with_exposures(doubled(small_job(4)), lambda k, es: () if k == 1 else es)


@pytest.fixture(scope="module")
def whole(job, tmp_path_factory):
    """Lines of the record of a whole print."""
    path = tmp_path_factory.mktemp("record") / "played.jsonl"
    play(job, Machine(job), record=path)
    return path.read_bytes().splitlines(True)


def keys(job):
    return [(k, j, r) for k in range(len(job)) for j, e in enumerate(job[k].exposures) for r in range(e.repeat)]


def cut_at(job, path, n):
    """A record that ends with the n-th light on."""

    def hook(machine, what):
        if what[0] == "lit" and len(machine.shown) == n:
            raise Trouble

    with pytest.raises(HostError, match="how long it was lit is not known"):
        play(job, Machine(job, hook=hook), record=path)
    return keys(job)[n]


def lit(path):
    read = map(json.loads, path.read_text().splitlines())
    return [(x["layer"], x["exposure"], x["repeat"]) for x in read if x["state"] == "lit"]


@pytest.mark.parametrize("n", [0, 2, 4, 7])
def test_a_light_in_doubt_is_named_with_the_choice_and_nothing_is_moved(job, tmp_path, n):
    path = tmp_path / "played.jsonl"
    k, j, r = cut_at(job, path, n)
    stood, machine = path.read_bytes(), Machine(job)
    words = f"layer {k}, exposure {j}, repeat {r}: may have got no light.*relight={k} .--relight {k}: .*skip={k} .--skip {k}: "
    with pytest.raises(HostError, match=words):
        play(job, machine, record=path, resume=True)
    assert set(machine.kinds()) == {"dark", "stop"} and path.read_bytes() == stood


@pytest.mark.parametrize("n", [0, 2, 4, 7])
def test_relight_gives_that_light_again_and_no_other(job, tmp_path, n):
    path = tmp_path / "played.jsonl"
    key = cut_at(job, path, n)
    status = play(job, Machine(job), record=path, resume=True, relight=key[0])
    assert lit(path) == keys(job)[: n + 1] + keys(job)[n:] and status.findings == () and read_record(path).doubt == {}
    run = [json.loads(x) for x in path.read_text().splitlines() if '"job"' in x][1]
    assert (run["schema"], run["relight"], run["start"]) == ("pmsl.played/2", key[0], key[0]) and "skip" not in run


@pytest.mark.parametrize("n", [0, 2, 4, 7])
def test_skip_leaves_it_as_it_is_goes_on_in_the_same_layer_and_says_so_every_time(job, tmp_path, n):
    path = tmp_path / "played.jsonl"
    key = cut_at(job, path, n)
    for now in (keys(job)[n + 1 :], []):
        status = play(job, Machine(job), record=path, resume=True, **({"skip": key[0]} if now else {}))
        assert status.exposures_done == len(now)
        assert [(f.code, f.layers) for f in status.findings] == [("exposure-cut-off", (key[0], key[0]))]
    assert lit(path) == keys(job)


def test_a_decision_that_was_not_carried_out_is_asked_for_again(job, tmp_path):
    """Stopped in the move after the choice: a skipped light stays skipped, one to be lit again is in doubt still."""
    path = tmp_path / "played.jsonl"
    key = cut_at(job, path, 5)
    record = path.read_bytes()
    for choice, asked in (("skip", False), ("relight", True)):
        path.write_bytes(record)
        with pytest.raises(HostError, match="on its way"):
            play(job, Machine(job, fail_at=1), record=path, resume=True, **{choice: key[0]})
        if asked:
            with pytest.raises(HostError, match="may have got no light"):
                play(job, Machine(job), record=path, resume=True)
        else:
            assert play(job, Machine(job), record=path, resume=True).exposures_done == len(keys(job)) - 6


def test_a_light_cut_off_while_it_is_given_again_is_in_doubt_again(job, tmp_path):
    path = tmp_path / "played.jsonl"
    key = cut_at(job, path, 5)
    for fail_at in (3, 4):  # in its load, in its light
        with pytest.raises(HostError):
            play(job, Machine(job, fail_at=fail_at), record=path, resume=True, relight=key[0])
        with pytest.raises(HostError, match=f"layer {key[0]}, exposure {key[1]}, repeat {key[2]}: may have got no light"):
            play(job, Machine(job), record=path, resume=True)
    assert lit(path) == [*keys(job)[:6], key]
    assert play(job, Machine(job), record=path, resume=True, skip=key[0]).exposures_done == len(keys(job)) - 6


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"relight": 4}, HostError, "relight is layer 4; the job has layers 0..3"),
        ({"skip": -1}, HostError, "skip is layer -1"),
        ({"start": 4}, HostError, "start is layer 4"),
        ({"relight": 0}, HostError, "relight is layer 0, but the light in doubt is one of layer 2"),
        ({"skip": 3}, HostError, "skip is layer 3, but the light in doubt is one of layer 2"),
        ({"relight": 2, "skip": 2}, UsageError, "relight and skip say different"),
        ({"again": True, "skip": 2}, UsageError, "again and skip say different"),
        ({"relight": 2, "start": 3}, UsageError, "so does start"),
        ({"start": 3}, HostError, "layer 2, exposure 1, repeat 0: may have got no light"),
    ],
)
def test_choices_that_do_not_fit_change_nothing(job, tmp_path, options, error, words):
    path = tmp_path / "played.jsonl"
    cut_at(job, path, 5)
    stood, machine = path.read_bytes(), Machine(job)
    with pytest.raises(error, match=words):
        play(job, machine, record=path, resume=True, **options)
    assert path.read_bytes() == stood and set(machine.kinds()) == {"dark", "stop"}


def test_choices_need_a_record_with_a_doubt(job, tmp_path, whole):
    for name in ("relight", "skip"):
        with pytest.raises(UsageError, match=f"{name} is about what a record says"):
            play(job, Machine(job), record=tmp_path / "new.jsonl", **{name: 0})
        (tmp_path / "whole.jsonl").write_bytes(b"".join(whole))
        with pytest.raises(HostError, match="no light is in doubt"):
            play(job, Machine(job), record=tmp_path / "whole.jsonl", resume=True, **{name: 0})
    assert not (tmp_path / "new.jsonl").exists()


# --- layers that stay dark are named -----------------------------------------------------------------------------


def test_layers_below_the_start_are_named_now_and_whenever_the_print_goes_on(job, tmp_path):
    path = tmp_path / "played.jsonl"
    named = [("layers-skipped", (0, 0))]  # layer 1 has no light
    assert [(f.code, f.layers) for f in play(job, Machine(job), start=2).findings] == named
    assert [(f.code, f.layers) for f in play(job, Machine(job), start=2, record=path).findings] == named
    assert [(f.code, f.layers) for f in play(job, Machine(job), record=path, resume=True).findings] == named


def test_skip_and_start_together_name_all_that_is_left_out(job, tmp_path):
    path = tmp_path / "played.jsonl"
    assert cut_at(job, path, 5)[0] == 2
    status = play(job, Machine(job), record=path, resume=True, skip=2, start=3)
    assert [(f.code, f.layers) for f in status.findings] == [("exposure-cut-off", (2, 2)), ("layers-skipped", (2, 2))]
    assert lit(path) == [*keys(job)[:6], *keys(job)[8:]]


# --- records that are none ---------------------------------------------------------------------------------------


def refused(job, path, words):
    stood, machine = path.read_bytes(), Machine(job)
    with pytest.raises(JobError, match=words):
        play(job, machine, record=path, resume=True)
    assert path.read_bytes() == stood and set(machine.kinds()) == {"dark", "stop"}


@pytest.mark.parametrize("data", [b"", b'{"state":"job","utc"', b"\n", b"\0" * 500 + b"\n"])
def test_an_empty_record_is_refused(job, tmp_path, data):
    path = tmp_path / "played.jsonl"
    path.write_bytes(data)
    refused(job, path, "line 1" if b"\n" in data else "the record is empty")


@settings(max_examples=examples(12))
@given(data=st.data())
def test_a_record_that_lost_doubled_or_swapped_a_line_is_refused(job, whole, tmp_path_factory, data):
    path, n = tmp_path_factory.mktemp("damaged") / "played.jsonl", len(whole)
    i = data.draw(st.integers(0, n - 2), label="line")
    how = data.draw(st.sampled_from(["lost", "doubled", "swapped"]), label="how")
    if how == "doubled" and i == 0:
        i = 1  # a run that ended before its first light is there twice
    made = {
        "lost": whole[:i] + whole[i + 1 :],
        "doubled": whole[: i + 1] + whole[i:],
        "swapped": [*whole[:i], whole[i + 1], whole[i], *whole[i + 2 :]],
    }
    path.write_bytes(b"".join(made[how]))
    refused(job, path, "line ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("layer", 4),
        ("layer", 1),
        ("layer", 10**30),
        ("exposure", 2),
        ("repeat", 3),
        ("layer", 2),
        ("sha256", "0" * 64),
        ("time_s", 1.0),
        ("power", 0.5),
    ],
)
@pytest.mark.parametrize("state", ["planned", "lit", "done"])
def test_a_record_with_a_light_the_job_does_not_have_is_refused(job, whole, tmp_path, state, field, value):
    path, lines = tmp_path / "played.jsonl", [json.loads(x) for x in whole]
    i = next(i for i, x in enumerate(lines) if x["state"] == state)
    assert lines[i][field] != value
    lines[i][field] = value
    path.write_text("".join(json.dumps(x) + "\n" for x in lines))
    refused(job, path, "line ")


@pytest.mark.parametrize("i", range(11))
@pytest.mark.parametrize("how", ["lost", "doubled", "swapped"])
def test_a_record_that_lost_doubled_or_swapped_a_whole_light_is_refused(job, whole, tmp_path, i, how):
    lights = [b"".join(whole[n : n + 3]) for n in range(1, len(whole), 3)]
    made = {"lost": [], "doubled": [lights[i], lights[i]], "swapped": [lights[i + 1], lights[i]]}[how]
    path = tmp_path / "played.jsonl"
    path.write_bytes(b"".join([whole[0], *lights[:i], *made, *lights[i + (2 if how == "swapped" else 1) :]]))
    if how == "lost" and i == 0:  # a run may begin in the middle of its first layer: the light is named as one that is left out
        assert [(f.code, f.layers) for f in play(job, Machine(job), record=path, resume=True).findings] == [("layers-skipped", (0, 0))]
    else:
        refused(job, path, "line .*: does not follow the one before it")


def test_a_light_that_is_missing_in_the_layer_that_goes_on_is_named(job, whole, tmp_path):
    path = tmp_path / "played.jsonl"
    path.write_bytes(b"".join([whole[0], *whole[4:7]]))  # the second light of layer 0, not the first
    status = play(job, Machine(job), record=path, resume=True)
    assert [(f.code, f.layers) for f in status.findings] == [("layers-skipped", (0, 0))] and status.exposures_done == len(keys(job)) - 2


def test_a_run_that_begins_beyond_the_job_or_at_another_layer_is_refused(job, whole, tmp_path):
    path = tmp_path / "played.jsonl"
    for start in (5, 3):
        path.write_bytes(b"".join([whole[0].replace(b'"start":0', b'"start":%d' % start), *whole[1:]]))
        refused(job, path, "line ")
    path.write_bytes(whole[0].replace(b'"start":0', b'"start":5'))
    refused(job, path, "line 1: does not follow")


def test_a_record_that_is_no_file_is_refused(job, tmp_path):
    with pytest.raises(JobError, match="no ordinary file"):
        play(job, Machine(job), record=tmp_path, resume=True)


def test_records_of_version_1_are_read_and_written_where_nothing_is_new(job, whole, tmp_path):
    assert b'"pmsl.played/1"' in whole[0] and not any(b"relight" in x or b"skip" in x or b"measured_power" in x for x in whole)
    assert Counter(x.split(b'"state":"')[1].split(b'"')[0] for x in whole) == {b"job": 1, b"planned": 12, b"lit": 12, b"done": 12}
