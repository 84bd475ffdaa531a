"""Names of targets are names on every system and told apart; a sweep is every combination, with words that are part of a name."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.batch.job_names import LONGEST, SUMMARY, check_distinct, check_previews, target_name
from pmsl.batch.sweep import combinations, value_word
from pmsl.errors import BatchError

words = st.lists(st.from_regex(r"[a-z_]{1,8}=[0-9.]{1,5}", fullmatch=True), max_size=4)


@settings(max_examples=examples(8))
@given(st.from_regex(r"[A-Za-z0-9_äß-]{1,300}", fullmatch=True), words, st.sampled_from(["", ".zip", ".cbddlp"]))
def test_a_name_has_its_words_and_suffix_and_is_not_too_long(name, some, suffix):
    try:
        target = target_name(name, some, suffix, "here")
    except BatchError:
        assert re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)", name, re.IGNORECASE)
        return
    full = "_".join((name, *some))
    assert target.endswith(suffix) and len(target.removesuffix(suffix).encode()) <= LONGEST
    if len(full.encode()) <= LONGEST:
        assert target == full + suffix
    else:
        assert re.fullmatch(r".*_[0-9a-f]{16}", target.removesuffix(suffix)) and full.startswith(target[:40])


def test_long_names_that_differ_at_their_end_only_stay_apart():
    names = {target_name("n" * 300 + last, [], ".zip", "here") for last in ("", "a", "b", "c")}
    assert len(names) == 4
    assert target_name("ä" * 300, [], "", "here").encode().decode() and len(target_name("ä" * 300, [], "", "here").encode()) <= LONGEST


@pytest.mark.parametrize("suffix", [".zip", ""])
def test_a_suffix_that_stands_there_is_not_doubled(suffix):
    assert target_name("part.zip", ["dp_um=5"], ".zip", "here") == "part_dp_um=5.zip"
    assert target_name(f"part{suffix}", [], suffix, "here") == f"part{suffix}"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a/b", "it holds '/'"),
        ("..\\b", r"it holds '\\\\'"),
        ("a:b", "it holds ':'"),
        ("a\tb", r"it holds '\\t'"),
        ("what?", r"it holds '\?'"),
        ("", "it is empty, a device, or begins or ends with a dot or a space"),
        ("  ", "it is empty"),
        (".hidden", "it is empty"),
        ("dot.", "it is empty"),
        (" x", "it is empty"),
        ("x ", "it is empty"),
        ("NUL", "it is empty, a device"),
        ("com1.zip", "it is empty, a device"),
    ],
)
def test_what_is_no_name_on_some_system_is_refused_with_the_reason(name, why):
    with pytest.raises(BatchError, match=f"^jobs.toml, job 2: .* is no name for a job \\({why}"):
        target_name(name, [], ".zip", "jobs.toml, job 2")


@pytest.mark.parametrize("name", ["console", "com10", "auxiliary", "lpt", "a.b", "(1) part, two"])
def test_names_that_only_look_like_devices_are_names(name):
    assert target_name(name, [], "", "here") == name


def test_names_that_capitals_alone_tell_apart_are_one():
    check_distinct(["a", "b", "ab"], "here")
    with pytest.raises(BatchError, match="here: two jobs are called 'Part' and 'pART'"):
        check_distinct(["x", "Part", "pART"], "here")
    with pytest.raises(BatchError, match="as the summary of the batch"):
        check_distinct([SUMMARY.upper()], "here")


def test_a_preview_is_of_one_job():
    check_previews([("a", "a.png"), ("b", "b.png"), ("a", "a.png")], "here")
    with pytest.raises(BatchError, match="here: jobs 'a' and 'b' have one preview, P.png; write it with their name"):
        check_previews([("a", "p.png"), ("b", "P.png")], "here")


sweeps = st.dictionaries(
    st.sampled_from(["layer_um", "resin.dp_um", "ec", "name"]), st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=3
)


@given(sweeps)
def test_every_combination_once_the_last_key_fastest(swept):
    found = list(combinations(swept, "here", 64))
    assert [list(values.values()) for _, values in found] == [list(v) for v in itertools.product(*swept.values())]
    assert all(list(values) == list(swept) for _, values in found)
    for some, values in found:
        assert list(some) == [f"{key.rpartition('.')[2]}={value}" for key, value in values.items()]


def test_keys_that_end_alike_or_in_a_number_are_written_whole():
    (((first, second, third), _),) = combinations({"a.um": [1], "b.um": [2], "factors.0": [3]}, "here", 9)
    assert (first, second, third) == ("a.um=1", "b.um=2", "factors.0=3")


@pytest.mark.parametrize("values", [[], 5, "text", (1, 2), None])
def test_a_key_without_a_list_is_refused(values):
    with pytest.raises(BatchError, match="^sweep: layer_um is .*; expected a list of values"):
        list(combinations({"layer_um": values}, "sweep", 9))


def test_no_more_combinations_than_allowed():
    assert len(list(combinations({"a": [1, 2, 3], "b": [1, 2, 3]}, "sweep", 9))) == 9
    with pytest.raises(BatchError, match="^sweep: 9 combinations; at most 8: sweep over fewer values"):
        list(combinations({"a": [1, 2, 3], "b": [1, 2, 3]}, "sweep", 8))


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (5, "5"),
        (-2.5, "-2.5"),
        (1e-07, "1e-07"),
        (True, "true"),
        ([1, 2.5], "1-2.5"),
        ([], "none"),
        ("profiles/fast one.toml", "fast-one"),
        ("C:\\meshes\\part.stl", "part"),
        ("Part.STL", "Part"),
        ("a b?c", "a-b-c"),
        (".hidden.", "hidden"),
        ({"lift": 5, "wait": [1, 2]}, "lift-5-wait-1-2"),
        ("größer", "größer"),
    ],
)
def test_values_as_words_of_a_name(value, word):
    assert value_word(value) == word


@given(st.text(max_size=30) | st.lists(st.floats(allow_nan=False) | st.text(max_size=5), max_size=3))
def test_whatever_is_swept_its_word_can_stand_in_a_name(value):
    assert re.fullmatch(r"[\w.+-]*", value_word(value))
