"""`[optics.distortion]`: what may be said, what is refused, and the map both ways against its formulas."""

import numpy as np
import pytest
from distortion_oracle import KEYSTONE, Formulas, distorted, value
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsl.errors import ProfileError
from pmsl.profiles import find_printer, library_text
from pmsl.profiles.distortion.distortion_map import field_map
from pmsl.profiles.distortion.elementary_maps import PolynomialMap
from pmsl.profiles.distortion.field_map import CHORD_PX
from pmsl.profiles.printer import Distortion, Printer
from pmsl.profiles.tables.schema import parse
from pmsl.profiles.tables.toml_text import toml_value

SIZE, PITCH = (1000.0 * 7.6, 600.0 * 7.6), (7.6, 7.6)
small = st.floats(-0.01, 0.01)


def made(**stated):
    plain = {name: number if name in ("degree", "flat_field") else value(number) for name, number in stated.items()}
    return field_map(Distortion(**plain), SIZE, PITCH)


def places(n=300, seed=1, beyond=0.0):
    low, high = -beyond * np.array(SIZE), (1 + beyond) * np.array(SIZE)
    return np.random.default_rng(seed).uniform(low, high, (n, 2))


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(small, small, small, small, small, small, small, small), st.tuples(small, small), st.tuples(small, small), small, small, small
)
def test_both_ways_as_the_formulas_say(h, radial, center, along_x, along_y, skew):
    keystone = (1 + h[0], *h[1:4], 1 + h[4], *h[5:])
    stated = {"keystone": keystone, "radial": radial, "center": center, "scale": (1 + along_x, 1 + along_y), "skew": skew}
    found, right, at = made(**stated), Formulas(SIZE, **stated), places()
    assert np.abs(found.plate_um(at) - right.plate(at)).max() < 1e-8
    assert np.abs(found.picture_um(right.plate(at)) - at).max() < 1e-8
    assert np.abs(found.area_scale(at) / right.area_scale(at) - 1).max() < 2e-6
    x, y = right.plate(at[0])
    assert np.abs(found.picture_um(np.array([[x, y]]))[0] - right.picture_of((x, y))).max() < 1e-6


def test_equal_points_stay_equal_wherever_they_stand_in_an_array():
    found, at = made(keystone=KEYSTONE, radial=(1e-3, -2e-4)), places(20_000, beyond=0.2)
    whole = found.picture_um(at)
    for some in (slice(0, 1), slice(3, 20), slice(8190, 8195), slice(19_000, None)):
        assert np.array_equal(found.picture_um(at[some]), whole[some])
    assert np.array_equal(found.picture_um(at[::-1]), whole[::-1])


def test_beyond_the_picture_the_map_goes_on_and_never_folds():
    found = made(keystone=(1, 0, 0, 0, 1, 0, 0.1, 0.05), radial=(-0.05, 0.0))
    x = np.linspace(-20 * SIZE[0], 20 * SIZE[0], 4001)
    row = found.picture_um(np.column_stack([x, np.full_like(x, 0.3 * SIZE[1])]))
    column = found.picture_um(np.column_stack([np.full_like(x, 0.7 * SIZE[0]), x]))
    assert (np.diff(row[:, 0]) > 0).all() and (np.diff(column[:, 1]) > 0).all()


@pytest.mark.parametrize("stated", [{"keystone": KEYSTONE, "radial": (1e-3, 0.0)}, {"radial": (-0.02, 0.01), "center": (0.3, -0.2)}])
def test_edges_that_need_no_splitting_are_within_the_bound(stated):
    found, right, rng = made(**stated), Formulas(SIZE, **stated), np.random.default_rng(3)
    a = places(4000, seed=4)
    b = a + rng.uniform(-1, 1, a.shape) * 30 * 7.6
    straight = ~found.bends(a, b)
    assert 0.02 < straight.mean() < 0.98
    assert np.array_equal(found.bends(b, a), ~straight)
    a, b = a[straight], b[straight]
    ends = right.picture(a), right.picture(b)
    for share in np.linspace(0.05, 0.95, 19):
        off = right.picture((1 - share) * a + share * b) - ((1 - share) * ends[0] + share * ends[1])
        assert np.hypot(*off.T).max() / 7.6 < CHORD_PX


def test_scale_and_skew_alone_never_split():
    found = made(scale=(1.01, 0.99), skew=0.003)
    assert found.longest_px == np.inf and not found.bends(np.zeros((1, 2)), np.array([[1e7, 1e7]])).any()
    affine = made(keystone=(1.01, 0.02, 0.001, -0.01, 0.98, 0.0, 0.0, 0.0))
    assert affine.longest_px == np.inf


def lattice(n):
    x, y = np.meshgrid(np.linspace(0, SIZE[0], n), np.linspace(0, SIZE[1], n))
    return np.column_stack([x.ravel(), y.ravel()])


def marks_of(right, at, noise_um=0.0):
    landed = right.plate(at) + np.random.default_rng(5).normal(0, noise_um, at.shape)
    return [tuple(row) for row in np.hstack([at, landed]).tolist()]


def test_a_polynomial_lies_through_marks_and_states_what_it_leaves():
    right = Formulas(SIZE, radial=(1e-3, 0.0), scale=(1.002, 0.998), skew=1e-3)  # a cubic
    exact = made(marks=marks_of(right, lattice(5)))
    assert exact.residual_um < 1e-9 and isinstance(exact.maps[0], PolynomialMap)
    assert np.abs(exact.plate_um(places()) - right.plate(places())).max() < 1e-8
    noisy = made(marks=marks_of(right, lattice(9), noise_um=2.0))
    assert noisy.residual_um == pytest.approx(2.0 * np.sqrt(2 * (81 - 10) / 81), rel=0.15)
    assert np.abs(noisy.plate_um(places()) - right.plate(places())).max() < 3.0
    keystone = Formulas(SIZE, keystone=KEYSTONE)
    lower, higher = (made(marks=marks_of(keystone, lattice(7)), degree=n) for n in (2, 4))
    assert higher.residual_um < 0.01 < lower.residual_um  # no polynomial: what is left is said


FOLDS = r"the map folds: it has a local scale of -.* at \(.*\) µm of the picture.*must be above 0"
MARKS = [(x, y, x, y) for x, y in lattice(4).tolist()]
BAD = {
    "keystone that folds": ({"keystone": (1, 0, 0, 0, 1, 0, 1.2, 0)}, FOLDS),
    "radial that folds": ({"radial": (-0.5, 0.0)}, FOLDS),
    "no number": ({"radial": (float("nan"), 0.0)}, "the map folds: it has no local scale"),
    "a slip of units": ({"scale": (1.01, 99.0)}, "areas become 100 times as large .* limit 0.5 to 2"),
    "few marks": ({"marks": MARKS[:9]}, "marks are 9; a polynomial of degree 3 has 10 unknowns .* give 10 marks or more"),
    "marks outside": (
        {"marks": [(x, y - 1e-3, u, v) for x, y, u, v in MARKS]},
        r"marks\[0\] is at \(0, -0.001\) µm .* from \(0, 0\) to \(7600, 4560\)",
    ),
    "marks in the middle": (
        {"marks": [(x / 4, y, u / 4, v) for x, y, u, v in MARKS]},
        "marks span 0.25 of the field's width and 1 of its height, limit 0.5",
    ),
    "marks on a line": (
        {"marks": [(x, x / 2, x, x / 2) for x in np.linspace(0, 7600, 12).tolist()]},
        "marks determine 4 of the 10 unknowns of degree 3",
    ),
    "marks that fold": ({"marks": [(x, y, SIZE[0] - u, v) for x, y, u, v in MARKS]}, "the map folds"),
    "both": ({"marks": MARKS, "skew": 0.1}, "give marks or skew, not both"),
    "nothing": ({"flat_field": "ideal"}, "give keystone, radial, scale or skew, or marks"),
    "a center of nothing": ({"skew": 0.1, "center": (0.0, 0.0)}, "center belongs to radial"),
    "a degree of nothing": ({"skew": 0.1, "degree": 2}, "degree belongs to marks"),
}


@pytest.mark.parametrize("stated, text", BAD.values(), ids=BAD)
def test_bad_distortions_are_refused_with_value_and_limit(stated, text):
    with pytest.raises(ValueError, match=text):
        made(**stated)


def printer_text(keys):
    """A shipped profile with the table."""
    return library_text("microfluidics-7.6um").replace("[optics.psf]", f"[optics.distortion]\n{keys}\n\n[optics.psf]", 1)


def sourced(number):
    return toml_value({"value": number, "class": "measured", "source": "tests"})


def test_a_printer_states_it_in_version_2_and_refuses_it_by_name():
    text = printer_text(f"keystone = {sourced(KEYSTONE)}")
    printer = parse(text, Printer, "p.toml")
    assert printer == distorted(keystone=KEYSTONE)
    assert find_printer("microfluidics-7.6um").field_map is None
    with pytest.raises(ProfileError, match=r"p.toml: .*optics.distortion: the map folds"):
        parse(text.replace("0.01]", "2.0]"), Printer, "p.toml")
    with pytest.raises(ProfileError, match="unknown key 'keystones' in .optics.distortion.; did you mean 'keystone'"):
        parse(text.replace("keystone =", "keystones ="), Printer, "p.toml")
    with pytest.raises(ProfileError, match=r"optics.distortion.keystone.value\[7\] is nan; expected a finite number"):
        parse(text.replace("0.01]", "nan]"), Printer, "p.toml")
    with pytest.raises(ProfileError, match="optics.distortion.* came with pmsl.printer/2"):
        parse(text.replace("pmsl.printer/2", "pmsl.printer/1"), Printer, "p.toml")


def test_marks_may_lie_in_a_file(tmp_path):
    right = Formulas((2560 * 7.6, 1600 * 7.6), skew=1e-3)
    at = lattice(4) * 2.0
    (tmp_path / "marks.csv").write_text("\n".join(",".join(map(repr, row)) for row in marks_of(right, at)))
    (tmp_path / "p.toml").write_text(printer_text(f"marks = {sourced('marks.csv')}"), "utf-8")
    assert find_printer(str(tmp_path / "p.toml")) == distorted(marks=marks_of(right, at))


@given(
    key=st.sampled_from(["keystone", "radial", "center", "scale", "marks"]),
    bad=st.sampled_from([float("nan"), float("inf"), -float("inf")]),
    where=st.integers(0, 7),
)
@settings(max_examples=20, deadline=None)
def test_numbers_that_are_none_are_named_by_their_place(key, bad, where):
    """Not as a map that folds, which comes of them; a key with limits of its own says those."""
    good = {"keystone": list(KEYSTONE), "radial": [1e-3, 0.0], "center": [0.0, 0.0], "scale": [1.0, 1.0], "marks": [list(m) for m in MARKS]}
    table = good[key]
    place = [where % len(table)] if key != "marks" else [where, where % 4]
    (table[place[0]] if len(place) > 1 else table)[place[-1]] = bad
    text = printer_text("\n".join([f"{key} = {sourced(table)}", *([f"radial = {sourced([1e-3, 0.0])}"] if key == "center" else [])]))
    at = "".join(f"\\[{i}\\]" for i in place)
    with pytest.raises(ProfileError, match=rf"p.toml: optics.distortion.{key}.value{at}( is {bad}; expected a finite|: expected .* > 0.0)"):
        parse(text, Printer, "p.toml")


@pytest.mark.parametrize("text", ["", "\n\n", "# x y u v\n", " , \n;\n"])
def test_files_without_numbers_are_refused_quietly(tmp_path, text, recwarn):
    (tmp_path / "marks.csv").write_text(text)
    (tmp_path / "p.toml").write_text(printer_text(f"marks = {sourced('marks.csv')}"), "utf-8")
    with pytest.raises(ProfileError, match="optics.distortion.marks: file marks.csv holds no number; expected rows of numbers"):
        find_printer(str(tmp_path / "p.toml"))
    assert not recwarn.list


def test_several_engines_and_lasers_refuse_it_by_name():
    for name, words in (("microfluidics-7.6um-2um", "several light engines"), ("laser-405", "a printer with a laser")):
        with pytest.raises(ValueError, match=f"optics.distortion is not offered for .*{words}|offered for {words}"):
            distorted(name, skew=1e-3)
