"""A profile's template names every key, and is the profile: as it stands, and with every default written out."""

import re

import msgspec
import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from PIL import Image
from tiers import examples

import pmsl
from pmsl.errors import ProfileError
from pmsl.profiles import Printer, Process, Resin, library, library_template
from pmsl.profiles.find import find_printer, find_process, find_resin
from pmsl.profiles.process import MotionSchedule, Regions
from pmsl.profiles.tables.keys import documented, keys_of_struct
from pmsl.profiles.tables.schema import build, parse
from pmsl.profiles.tables.strict_struct import Value
from pmsl.profiles.tables.template import template
from pmsl.profiles.tables.toml_text import toml_value

KINDS = {"printer": (Printer, find_printer), "resin": (Resin, find_resin), "process": (Process, find_process)}
SHIPPED = [(kind, name) for kind, names in library().items() for name in names]


def with_defaults(text):
    """Uncomment every default."""
    return re.sub(r"^# (?=[\w\[])", "", text.partition("\n\n")[2], flags=re.M)


def read(kind, text):
    return parse(text, KINDS[kind][0], "template")


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_a_template_is_its_profile(kind, name):
    text, profile = library_template(name), KINDS[kind][1](name)
    assert read(kind, text) == read(kind, with_defaults(text)) == profile
    assert max(map(len, text.splitlines())) < 450 and text.endswith("\n")


def structs(struct):
    """A struct, and those of all tables in it."""
    yield struct
    for key in keys_of_struct(struct):
        if key.table is not None:
            yield from structs(key.table)


@pytest.mark.parametrize(("kind", "name"), [("printer", "pmsl-2um"), ("resin", "pr48-405"), ("process", "default")])
def test_every_key_is_named_with_its_meaning(kind, name):
    text = library_template(name)
    for struct in structs(KINDS[kind][0]):
        assert set(documented(struct)) == set(struct.__struct_fields__), struct
        for key in keys_of_struct(struct):
            assert len(key.meaning) > 10 and (key.table or key.required or key.default is not None or key.example), key
            if key.table is None or key.sourced:
                assert re.search(rf"^(# |## |){key.name} = \S", text, re.M), key.name
                assert key.name == "schema" or key.meaning[:40].split()[0] in text
            else:
                assert re.search(rf"^(# |## |)\[+(\w+\.)*{key.name}\]", text, re.M), key.name


@pytest.mark.parametrize(("kind", "name"), [("printer", "pmsl-2um"), ("resin", "pr48-405"), ("process", "default")])
def test_every_example_is_a_value_its_key_can_have(kind, name, tmp_path):
    """Each on its own is taken, or refused for what stands beside it, never for its type."""
    (tmp_path / "response.txt").write_text(" ".join(map(str, range(256))), encoding="utf-8")
    Image.fromarray(np.full(pmsl.find_printer("pmsl-2um").dmd.shape.value, 200, np.uint8)).save(tmp_path / "field.png")
    lines = library_template(name).splitlines()
    taken = 0
    for i, line in enumerate(lines):
        if not line.startswith("## ") or line.startswith("## ["):
            continue
        changed = [*lines[:i], line[3:], *lines[i + 1 :]]
        head = max(
            (j for j in range(i) if re.match(r"(# |## |)\[", lines[j]) and not lines[j].startswith(("## [engine.", "## [[engine."))),
            default=0,
        )
        if re.match(r"## \[(hatch|laser)", lines[head]):  # tables with keys that must be there
            heads = [j for j in range(len(lines)) if re.match(r"(# |## |)\[", lines[j])]
            same = [k for k, j in enumerate(heads) if lines[j][:9] == lines[head][:9]]
            rest = range(heads[same[0]], [*heads, len(lines)][same[-1] + 1])
            changed = [line.removeprefix("## ") if j in rest else line for j, line in enumerate(lines)]
        if lines[head].startswith("## [["):  # a table that is left out: its keys belong together
            inside = "## [" + lines[head].removeprefix("## [[").rstrip("]").partition(".")[0] + "."  # tables in it come with it
            ends = [
                j for j in range(head + 1, len(lines)) if re.match(r"(# |## |)\[", lines[j]) and inside not in lines[j].replace("[[", "[")
            ]
            rest = range(head, ends[0] if ends else len(lines))
            changed = [line.removeprefix("## ") if j in rest else line for j, line in enumerate(lines)]
        changed[head] = re.sub(r"^#+ (?=\[)", "", changed[head])
        (tmp_path / "p.toml").write_text("\n".join(changed), encoding="utf-8")
        try:
            KINDS[kind][1](tmp_path / "p.toml")
            taken += 1
        except ProfileError as err:
            assert not re.search("unknown key|missing|[Ee]xpected `|came with", str(err)), err
    assert taken >= {"printer": 4, "resin": 6, "process": 11}[kind]


def test_what_has_its_default_is_commented_out():
    said = [line.split(" = ")[0] for line in library_template("default").splitlines() if line and not line.startswith("#")]
    assert said == ["schema", "name", "description"]
    bottom = template(msgspec.structs.replace(pmsl.find_process("default"), bottom_dose_factors=(3.0,)))
    assert "default [10.0, 5.0, 2.5])\nbottom_dose_factors = [3.0]" in bottom


def test_a_profile_of_ones_own_keeps_what_it_says():
    lists = MotionSchedule(lift_um=(4000.0, 1000.0), settle_s=0.5)
    regions = Regions(edge=0.8, edge_erode_px=2.0, roof=0.7)
    made = Process(
        schema="pmsl.process/1", name='a "b" \\ \x7f', description="µ\n", motion=lists, regions=regions, xy_offset_um=-3.0, power=0.5
    )
    for text in (template(made), with_defaults(template(made))):
        assert read("process", text) == made
    resin = pmsl.find_resin("pr48-405")
    decays = Value((pmsl.profiles.resin.ExtraDecay(share=0.2, length_um=1e-7),), "measured", "here")
    other = msgspec.structs.replace(resin, resin=msgspec.structs.replace(resin.resin, extra_decays=decays))
    assert read("resin", with_defaults(template(other))) == other


def number(low, high):
    return st.floats(low, high, allow_nan=False, exclude_min=True)


FACTOR = number(0, 10)
LISTS = st.one_of(number(1e-3, 1e6), st.lists(number(1e-3, 1e6), min_size=1, max_size=4))
OPTIONAL = {
    "layer_um": number(0, 1e5),
    "layers": st.lists(st.tuples(st.integers(1, 9), number(0, 1e5)).map(list), min_size=1, max_size=3),
    "coverage": st.sampled_from(["area", "volume"]),
    "margin_um": number(0, 1e6),
    "bottom_dose_factors": st.lists(number(0, 100), max_size=4),
    "power": number(0, 10),
    "corrections": st.lists(st.sampled_from(["edges", "printthrough", "flatfield"]), unique=True),
    "relief_layers": st.integers(0, 1000),
    "unreachable": st.sampled_from(["keep", "lift", "drop"]),
    "regions": st.fixed_dictionaries({}, optional={"bulk": FACTOR, "roof": FACTOR, "roof_layers": st.integers(1, 9)}),
    "motion": st.fixed_dictionaries({}, optional=dict.fromkeys(MotionSchedule.__struct_fields__, LISTS)),
    "exposure_s": number(0, 1e6),
    "xy_offset_um": st.floats(-1e4, 1e4),
}


@settings(max_examples=examples(8))
@given(
    st.fixed_dictionaries(
        {"schema": st.just("pmsl.process/2"), "name": st.text(max_size=8), "description": st.text(max_size=8)}, optional=OPTIONAL
    )
)
def test_any_process_survives_its_template(table):
    try:
        made = build(table, Process, "drawn")
    except ProfileError:
        reject()
    assert read("process", template(made)) == read("process", with_defaults(template(made))) == made


@pytest.mark.parametrize("value", ["\x00\x1f\x7f\x80 \U0001f600", True, -3, 1e-300, 1e22, [[1, "a"], []], {"a": {"b": [1.5]}}])
def test_values_survive_toml(value):
    import tomllib

    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value
