"""Arithmetic over a print file's own variables, and nothing else."""

import pytest
from formats.byu_files import FRAME, edited, other_zip
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.errors import JobError
from pmsl.formats.byu.expressions import LARGEST, LONGEST, Variables

VALUES = {"bulk_exp": 300, "step": 20, "half": 0.5, "file": "a.png", "on": True, "edge": "${bulk_exp * 0.9}", "edges": "${edge * 2}"}


def value(text, **more):
    return Variables({**VALUES, **more}, "x").filled(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("${bulk_exp}", 300),
        ("${ bulk_exp * 1.5 }", 450.0),
        ("${step * -8}", -160),
        ("${2 * step}", 40),
        ("${tt * 10 * -12}", -240),
        ("${(bulk_exp + step) / 2 - half}", 159.5),
        ("${bulk_exp // 7 % 5 + 2 ** 3}", 10),
        ("${+step}", 20),
        ("${file}", "a.png"),
        ("${on}", True),
        ("plain", "plain"),
        ("${step}-${step + 1}.png", "20-21.png"),
        ("${edges}", 540.0),
    ],
)
def test_values(text, wanted):
    found = value(text, tt=2)
    assert found == wanted and type(found) is type(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "${__import__('os').system('true')}",
        "${step.real}",
        "${step(1)}",
        "${step if on else 1}",
        "${step == 20}",
        "${not on}",
        "${on + 1}",
        "${file + file}",
        "${'a' * 9}",
        "${[step][0]}",
        "${{step}}",
        "${lambda: 1}",
        "${(x := 1)}",
        "${step and 1}",
        "${~step}",
        "${step << 60}",
        "${1j}",
        "${True}",
        "${f'{step}'}",
        "${1/0}",
        "${step % 0}",
        "${(-8) ** 0.5}",
        "${9 ** 9 ** 9}",
        "${2 ** -65}",
        "${1e400}",
        "${1e12 * 10}",
        "${nothing + 1}",
        "${my name}",
        "${" + "(" * 90 + "1" + ")" * 90 + "+}",
        "${" + "1+" * (LONGEST // 2) + "1}",
        "${loop}",
    ],
)
def test_what_is_no_arithmetic_is_refused(text):
    with pytest.raises(JobError, match=r"^x: .*(write its value|unknown variable|characters)"):
        value(text, loop="${loop + 1}")


def test_half_a_place_is_text():
    assert [value(text) for text in ("${}x${", "${step", "$step", "{step}")] == ["${}x${", "${step", "$step", "{step}"]


def test_chains_end():
    chain = {f"v{i}": f"${{v{i + 1}}}" for i in range(40)} | {"v40": 1}
    assert value("${v30}", **chain) == 1
    with pytest.raises(JobError, match="too many others"):
        value("${v0}", **chain)


def test_texts_do_not_grow_without_end():
    """A few variables that hold each other many times would fill any memory."""
    laughs = {f"v{i}": f"${{v{i + 1}}}" * 50 + " " for i in range(4)} | {"v4": "x"}
    with pytest.raises(JobError, match="characters with its values"):
        value("${v0}", **laughs)
    many = Variables({"t": "x" * 5000}, "x")
    with pytest.raises(JobError, match="in all"):
        for _ in range(3000):
            many.filled("a ${t}")


numbers = st.one_of(st.integers(-1000, 1000), st.floats(-1000, 1000).map(lambda v: round(v, 3)))
trees = st.recursive(
    st.one_of(numbers.map(repr), st.sampled_from(["bulk_exp", "step", "half"])),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner),
    max_leaves=6,
)


@given(trees)
def test_it_is_ordinary_arithmetic(text):
    text = text.replace("--", "- -")
    try:
        wanted = eval(text, {"__builtins__": {}}, {k: VALUES[k] for k in ("bulk_exp", "step", "half")})
    except ZeroDivisionError:
        wanted = None
    try:
        found = value("${" + text + "}")
    except JobError as err:
        assert wanted is None or "beyond" in str(err) or "characters" in str(err)
    else:
        assert found == wanted and type(found) is type(wanted) and abs(found) <= LARGEST


def test_a_print_of_expressions(tmp_path):
    """Times, foci, counts, names of images, in named settings, layers and groups, whose calls have variables of their own."""
    doc = edited(
        Variables={"bulk": 300, "n": 2, "step": 20, "t": 1, "Comment": "all of them"},
        Named_image_settings={"pillar": {"Layer exposure time (ms)": "${bulk * 1.5}"}},
        Named_layer_groups={"g": [{"Image settings list": [{"Image file": "${x}.png", "Layer exposure time (ms)": "${bulk / t}"}]}]},
        Layers=[
            {"Number of duplications": "${n * 2}", "Image settings list": [{}]},
            {"Image settings list": [{"Using named image settings": "pillar", "Relative focus position (um)": "${step * -8}"}]},
            {"Using named layer group": "g", "Variables": {"x": "b", "t": "${n + 1}"}},
            {"Using named layer group": "g", "Variables": {"x": "a", "bulk": 90}},
        ],
    )
    path = other_zip(tmp_path / "x.zip", doc, {"a.png": FRAME, "b.png": FRAME[::-1]})
    job = pmsl.read(path)
    assert [[(e.time_s, e.focus_um) for e in p.exposures] for p in job.layers()] == [
        *[[(0.3, 0)]] * 4,
        [(0.45, -160)],
        [(0.1, 0)],
        [(0.09, 0)],
    ]
    assert job[5].exposures[0].mask.sha256() != job[6].exposures[0].mask.sha256()
