"""What the group's own validator does not take, `verify` does not, and what pmsl writes it does take."""

import contextlib
import copy
import re
import zipfile

import numpy as np
import pytest
from formats.byu_files import FOREIGN, FRAME, edited, other_zip
from formats.byu_host import Rejected, assert_as_the_host_prints, host_layers
from formats.conformance import exposure, f_frame, job_of, printer_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tiers import examples

import pmsl
from pmsl.errors import JobError

IMAGES = {"a.png": FRAME, "b.png": FRAME[::-1]}
DEFAULTS = FOREIGN["Default layer settings"]


def problems(path):
    try:
        return pmsl.verify(path)
    except JobError as err:
        return [str(err)]


def without(*keys):
    doc = copy.deepcopy(FOREIGN)
    item = doc
    for key in keys[:-1]:
        item = item[key]
    del item[keys[-1]]
    return doc


@pytest.mark.parametrize(
    ("doc", "words"),
    [
        (edited(Variables={"bulk": "${b}", "b": 5, "t": 1}), "'bulk' is an expression itself"),
        (edited(Variables={"bulk": 500}), "'t' is an unknown variable.*own variables"),
        (edited(Named_layer_groups={**FOREIGN["Named layer groups"], "bad": [{"Colour": 1}]}), "group 'bad': unknown key 'Colour'"),
        (without("Default layer settings", "Image settings", "Relative focus position (um)"), "do not say 'Relative focus position"),
        (without("Default layer settings", "Image settings", "Light engine"), "do not say 'Light engine'"),
        (without("Layers"), "no layers"),
        (edited(Layers=[{"Image settings list": [{"Image file": "gone.png", "Layer exposure time (ms)": 0}, {}]}]), "gone.png.*missing"),
        (edited(Layers=[{"Variables": {"t": 1}}]), "calls no group"),
        (edited(Layers=[{"Image settings list": [{"Layer exposure time (ms)": 10001}]}]), "Layer exposure time"),
        (edited(Layers=[{"Image settings list": [{"Light engine power setting": 1001}]}]), "power setting"),
        (edited(Layers=[{"Image settings list": [{"Light engine power setting": 10.5}]}]), "power setting"),
        (edited(Layers=[{"Image settings list": [{"Do grayscale correction": "yes"}]}]), "grayscale"),
        (edited(Named_position_settings={"slow": {"Distance up (mm)": 0}}), "Distance up"),
        (edited(Named_image_settings={"edge": {}, "unused": {"Colour": 1}}), "unknown key 'Colour'"),
        (edited(Comment="at the top"), "unknown key 'Comment'"),
        (edited(Header={"Schema version": "5.10.0", "Image directory": "slices"}), "schema version"),
        (edited(Special_print_techniques={"Print under vacuum": {"Enable vacuum": 1}}), "Enable vacuum"),
    ],
)
def test_what_their_validator_rejects(tmp_path, doc, words):
    path = other_zip(tmp_path / "x.zip", doc, IMAGES)
    with pytest.raises(Rejected):
        host_layers(path)
    found = " ".join(problems(path))
    assert re.search(words, found), found


def test_a_call_with_settings_of_its_own_is_not_half_understood(tmp_path):
    """The host leaves such settings out and says nothing."""
    doc = edited(Layers=[{"Using named layer group": "stack", "Position settings": {"Layer thickness (um)": 5}}])
    with pytest.raises(JobError, match="has settings of its own"):
        pmsl.read(other_zip(tmp_path / "x.zip", doc, IMAGES))


def test_images_that_are_no_gray_png_of_8_bits(tmp_path):
    path = other_zip(
        tmp_path / "x.zip", edited(Layers=[{"Image settings list": [{"Image file": "c.png", "Layer exposure time (ms)": 0}]}]), IMAGES
    )
    Image.fromarray(np.zeros((5, 9, 3), np.uint8)).save(tmp_path / "c.png")
    with zipfile.ZipFile(path, "a") as z:
        z.write(tmp_path / "c.png", "slices/c.png")
    with pytest.raises(Rejected):
        host_layers(path)
    assert any("no PNG image of 8-bit gray" in line for line in problems(path))


def places(item, path=()):
    """Yield the paths of everything in a document."""
    inner = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from places(value, (*path, key))


PLACES = sorted(places(FOREIGN), key=str)
VALUES = [
    None,
    -1,
    0,
    1,
    2.0,
    2.5,
    1e9,
    "x",
    "5.0.0",
    "${bulk}",
    "${none}",
    "edge",
    "a.png",
    True,
    False,
    {},
    [],
    [{}],
    {"Comment": ""},
    {"x": 1},
]
KEYS = ["Colour", "Comment", "Number of duplications", "Variables", "Image file", "Using named image settings", "Layer thickness (um)"]


def changed(doc, place, how, value):
    """Change a document in one place, where it has such a place."""
    item, (key, new) = doc, value
    with contextlib.suppress(KeyError, IndexError, TypeError):
        for step in place[:-1]:
            item = item[step]
        if how == "add":
            item[key] = new
        elif how == "delete":
            del item[place[-1]]
        else:
            item[place[-1]] = new


changes = st.tuples(
    st.sampled_from(PLACES), st.sampled_from(["set", "set", "delete", "add"]), st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES))
)


def held_against_the_host(tmp_path, edits):
    doc = copy.deepcopy(FOREIGN)
    for edit in edits:
        changed(doc, *copy.deepcopy(edit))
    path = tmp_path / "x.zip"
    path.unlink(missing_ok=True)
    other_zip(path, doc, IMAGES)
    try:
        host_layers(path)
    except (Rejected, AttributeError, TypeError, KeyError, ValueError, RecursionError):
        assert problems(path), doc  # theirs may also fall over
        return
    try:
        job = pmsl.read(path)
    except JobError:
        return  # pmsl may be stricter: what never prints, or is no expression of arithmetic
    assert_as_the_host_prints(job, path)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, min_size=1, max_size=3))
def test_whatever_is_changed(tmp_path, edits):
    held_against_the_host(tmp_path, edits)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(changes, min_size=1, max_size=3))
def test_whatever_is_changed_at_length(tmp_path, edits):
    held_against_the_host(tmp_path, edits)


def test_what_pmsl_writes_their_host_prints(tmp_path):
    frame = f_frame((37, 53))
    edge = [exposure(frame, time_s=0.5), exposure(frame // 2, time_s=0.25, focus_um=3.0, repeat=2, offset_um=(1.0, -2.0))]
    job = job_of([frame, edge, None, edge, frame, edge, None, edge, [exposure(frame, time_s=1 / 3)]], printer_of((37, 53)))
    pmsl.write(job, tmp_path / "j.zip", format="byu")
    assert_as_the_host_prints(pmsl.read(tmp_path / "j.zip"), tmp_path / "j.zip")
    assert len(host_layers(tmp_path / "j.zip")[1]) == 9
