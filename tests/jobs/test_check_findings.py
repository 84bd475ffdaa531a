"""Findings before light: what each says, of which layers, with which value and limit, and that nothing is said below its limit."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids import box

import pmsl
from pmsl import Grid, Part, Solid, checks
from pmsl.profiles.tables.strict_struct import Value
from pmsl.slicing.boundary_defects import Defects, OffsetLoss

PRINTER, RESIN, PROCESS = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405"), pmsl.find_process("default")
GRID = Grid(origin_um=(100, -50), pitch_um=(2.0, 3.0), shape=(40, 60), z_edges_um=[0, 10, 30, 60])
SOUND = Defects(0, -1, -1, 60, -1, 0, 0.0)
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


def printer_at(nm):
    return replace(PRINTER, optics=replace(PRINTER.optics, wavelength_nm=value(nm)))


def resin_with(**fields):
    return replace(RESIN, resin=replace(RESIN.resin, **{name: None if v is None else value(v) for name, v in fields.items()}))


def only(findings, code, severity):
    (found,) = findings
    assert (found.code, found.severity) == (code, severity)
    return found


@pytest.mark.parametrize(("off_nm", "said"), [(0, False), (7.5, False), (-7.5, False), (7.6, True), (-7.6, True), (40, True)])
def test_a_resin_of_another_wavelength(off_nm, said):
    printer, resin = printer_at(405.0 + off_nm), resin_with(wavelength_nm=405.0)
    found = list(checks.profile_findings(printer, resin, []))
    assert checks.wavelengths_differ(printer, resin) == bool(found) == said
    if said:
        one = only(found, "wavelength-mismatch", "warning")
        assert (one.value, one.limit, one.unit) == (405.0 + off_nm, 405.0, "nm")
        assert f"{405 + off_nm:g} nm" in one.message and resin.name in one.message and printer.name in one.message


def test_placeholders_are_named():
    one = only(
        checks.profile_findings(printer_at(405.0), resin_with(wavelength_nm=405.0), ["ec", "irradiance"]), "not-calibrated", "warning"
    )
    assert "placeholder values for ec, irradiance:" in one.message


doses = st.lists(st.floats(0.1, 100), min_size=1, max_size=12)


@given(doses)
def test_doses_outside_what_was_measured(found):
    resin, found = resin_with(dose_range_mj_cm2=(5.0, 50.0)), np.array(found)
    said = {f.limit: f for f in checks.dose_findings(resin, found)}
    for limit, outside, worst in ((5.0, found < 5, found.min()), (50.0, found > 50, found.max())):
        assert (limit in said) == outside.any()
        if outside.any():
            one, layers = said[limit], np.flatnonzero(outside)
            assert (one.code, one.severity, one.unit) == ("dose-outside-measured", "warning", "mJ/cm²")
            assert one.layers == (layers[0], layers[-1]) and one.value == worst
            assert "from 5 to 50 mJ/cm²" in one.message


def test_nothing_is_said_of_doses_where_nobody_says_what_was_measured():
    assert list(checks.dose_findings(resin_with(dose_range_mj_cm2=None), np.array([0.001, 1e9]))) == []
    assert list(checks.dose_findings(resin_with(dose_range_mj_cm2=(5.0, 50.0)), np.array([5.0, 50.0]))) == []


@pytest.mark.parametrize(
    ("edges", "exposure_s", "said"),
    [
        ([0, 10, 30, 60], 1.5, True),
        ([0, 10, 20, 30], 1.5, False),
        ([0, 10, 20.0005, 30], 1.5, False),  # heights that rounding makes
        ([0, 10, 20.002, 30], 1.5, True),
        ([0, 10, 30, 60], None, False),
    ],
)
def test_one_exposure_for_layers_of_several_heights(edges, exposure_s, said):
    process = PROCESS if exposure_s is None else msgspec.convert(msgspec.to_builtins(PROCESS) | {"exposure_s": exposure_s}, type(PROCESS))
    grid = Grid(origin_um=(0, 0), pitch_um=1, shape=(2, 2), z_edges_um=edges)
    found = list(checks.exposure_findings(process, grid))
    assert bool(found) == said
    if said:
        one = only(found, "one-exposure-for-heights", "info")
        assert (one.value, one.limit) == (grid.thickness_um.min(), grid.thickness_um.max()) and "exposure_s = 1.5 s" in one.message


def test_of_copies_that_look_inward_the_first_is_named():
    sound = box((0, 0, 0), (1, 1, 1))
    inward = Solid.from_arrays(sound.vertices_um, sound.faces[:, ::-1])
    parts = [Part(solid=sound, label="a"), Part(solid=inward, label="b"), Part(solid=inward, label="c")]
    one = only(checks.winding_findings(parts), "inside-out", "warning")
    assert one.message.startswith("b: its faces look inward")
    assert list(checks.winding_findings(parts[:1])) == []
    assert only(checks.winding_findings([Part(solid=inward)]), "inside-out", "warning").message.startswith(f"{inward.source}: ")


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6, unique=True), st.lists(st.floats(0.1, 1), min_size=31, max_size=31))
def test_weak_layers_are_counted_and_the_weakest_is_the_value(weak, factors):
    weak, factors = np.array(weak), np.array(factors)
    one = only(checks.weak_findings(weak, factors), "weak-layers", "warning")
    assert one.layers == (weak.min(), weak.max()) and one.value == factors[weak].min() and one.limit == 1.0
    assert f"leave {len(weak)} layers below Ec" in one.message and "raise the dose scale of the part or the factor of bulk" in one.message


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        (["tip"], "raise the dose_scale of region tip, or margin_um"),
        (["a", "b"], "raise the dose_scale of regions a, b, or margin_um"),
        (list("abcde"), "regions a, b, c, d, e, or"),
        (list("abcdefgh"), "regions a, b, c, d, e and 3 more, or"),
    ],
)
def test_regions_that_leave_layers_weak_are_named(regions, words):
    assert words in only(checks.weak_findings(np.array([3]), np.ones(5), regions), "weak-layers", "warning").message
    assert list(checks.weak_findings(np.array([], int), np.ones(5), regions)) == []


@pytest.mark.parametrize(("doubtful", "severity"), [(0.0, "warning"), (0.1, "warning"), (0.11, "error")])
def test_rows_that_did_not_close_have_their_place(doubtful, severity):
    defects = replace(SOUND, rows=3, first_row=4, last_row=9, first_col=10, last_col=12, doubtful=doubtful)
    one = only(checks.layer_findings(defects, GRID, 1), "open-rows", severity)
    assert one.box_um == ((100 + 2 * 10, -50 + 3 * 4, 10.0), (100 + 2 * 13, -50 + 3 * 10, 30.0))
    assert (one.layers, one.value, one.limit, one.unit) == ((1, 1), 3.0, 0.0, "rows")
    assert "3 pixel rows" in one.message and f"may hold {100 * doubtful:.2g} %" in one.message


@pytest.mark.parametrize(
    ("repair", "words"), [("auto", "their union is printed, exactly"), ("strict", "their union"), ("none", "--repair none")]
)
def test_pixels_of_overlapping_shells(repair, words):
    one = only(checks.layer_findings(replace(SOUND, overlap=7), GRID, 2, repair), "overlap-united", "info")
    assert (one.layers, one.value, one.unit) == ((2, 2), 7.0, "px") and "in 7 pixels" in one.message and words in one.message


def test_voxels_that_shells_share_say_their_bound_in_volume():
    one = only(checks.layer_findings(replace(SOUND, shared=5, excess_px=0.25), GRID, 2), "shared-voxels", "info")
    assert one.value == pytest.approx(0.25 * 6.0 * 30) and one.unit == "µm³" and "share 5 pixels" in one.message and "45 µm³" in one.message


def test_a_sound_layer_has_no_findings():
    assert list(checks.layer_findings(SOUND, GRID, 0)) == []


LOSSES = (
    OffsetLoss(kind="wall", box_px=(2.0, 1.0, 4.0, 5.0), area_px=3.0),
    OffsetLoss(kind="gap", box_px=(0.0, 0.0, 1.0, 1.0), area_px=0.5),
    OffsetLoss(kind="wall", box_px=(10.0, 8.0, 12.0, 9.0), area_px=1.0),
)


def test_what_an_offset_took_is_one_finding_a_kind_around_all_places():
    wall, gap = checks.layer_findings(replace(SOUND, lost=LOSSES), GRID, 1)
    assert (wall.code, gap.code) == ("wall-vanished", "gap-closed") and wall.severity == gap.severity == "warning"
    assert wall.box_um == ((104.0, -47.0, 10.0), (124.0, -23.0, 30.0)) and wall.value == pytest.approx(4 * 6.0) and wall.unit == "µm²"
    assert "at 2 places of a layer, the largest of 18 µm² around x 106, y -41 µm; make them thicker" in wall.message
    assert gap.box_um == ((100.0, -50.0, 10.0), (102.0, -47.0, 30.0)) and gap.value == pytest.approx(3.0)
    assert "at 1 place of a layer" in gap.message and "widen them" in gap.message


@given(st.tuples(*[st.floats(-50, 50)] * 4), st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
def test_a_place_moves_with_its_corner_and_back(box_px, corner):
    loss = OffsetLoss(kind="gap", box_px=box_px, area_px=1.0)
    moved = loss.at(np.array(corner))
    assert moved.box_px == tuple(v + corner[i % 2] for i, v in enumerate(box_px)) and (moved.kind, moved.area_px) == ("gap", 1.0)
    assert moved.at(-np.array(corner)).box_px == pytest.approx(box_px, abs=1e-12)
