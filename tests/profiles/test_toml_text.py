"""Values written in one line of TOML are read back the same."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.files.text_file import toml_tables
from pmsl.profiles.tables.toml_text import toml_value

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
names = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)
values = st.recursive(
    text | numbers | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_a_value_comes_back_from_its_line(value):
    line = toml_value(value)
    assert "\n" not in line
    back = tomllib.loads(f"key = {line}")["key"]
    assert back == value and type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("a", '"a"'),
        ('"\\\t\x7f', '"\\"\\\\\\t\\u007f"'),
        ("µm²", '"µm²"'),
        (True, "true"),
        (1.0, "1.0"),
        (1e-07, "1e-07"),
        ([], "[]"),
        ((1, 2.5), "[1, 2.5]"),
        ({}, "{}"),
        ({"a": 1, "b": ["x", {"c": False}]}, '{ a = 1, b = ["x", { c = false }] }'),
    ],
)
def test_lines(value, line):
    assert toml_value(value) == line


@pytest.mark.parametrize(
    ("line", "place"), [("a = [1, {b = 99999999999999999999}]", r"a\[1\].b"), ("[x]\ny = -99999999999999999999", "x.y")]
)
def test_whole_numbers_of_more_bits_than_toml_has_are_refused_with_their_place(line, place):
    with pytest.raises(ValueError, match=f"^{place} is a whole number of 67 bits; TOML's have 64, with the sign"):
        toml_tables(line)
    assert toml_tables(f"a = {2**63 - 1}") == {"a": 2**63 - 1}


def test_what_is_nested_too_deep_is_no_crash():
    with pytest.raises(ValueError, match=r"nested too deep|recursion"):
        toml_tables("a = " + "[" * 100_000 + "]" * 100_000)
