"""Fields on a plate: counts, places, seams that move, the way of the stage, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsl.errors import UsageError
from pmsl.fields.order import ordered, way_um
from pmsl.fields.tiles import PHASES, FieldLayout, axis_of, count_for, fields_of
from pmsl.profiles import find_printer, find_process
from pmsl.profiles.printer import XyStage
from pmsl.profiles.process import Fields
from pmsl.profiles.tables.strict_struct import Value
from tests.field_plates import moving_printer, process_with


@pytest.mark.parametrize(
    ("length_um", "field", "pitch_um", "overlap", "counts"),
    [((100_000, 100_000), (1920, 1080), 10.0, 20, (6, 10)), ((50_000, 50_000), (1920, 1080), 2.0, 20, (14, 24))],
)
def test_as_many_fields_as_the_closed_form(length_um, field, pitch_um, overlap, counts):
    lengths = [round(um / pitch_um) for um in length_um]
    got = tuple(count_for(n, f, pitch_um, 0.1, Fields(overlap_px=overlap), a) for n, f, a in zip(lengths, field, "xy", strict=True))
    assert got == counts == tuple(-(-(n - overlap) // (f - overlap)) for n, f in zip(lengths, field, strict=True))


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 5000), field=st.integers(200, 700), overlap=st.integers(0, 20), step=st.sampled_from([0.1, 0.5, 1.0, 3.7, 25.0])
)
def test_the_fewest_fields_that_cover_the_length_in_every_layer(length, field, overlap, step):
    fields = Fields(overlap_px=overlap)
    n = count_for(length, field, 7.6, step, fields, "x")
    axis = axis_of(n, field, 7.6, step, fields, "x")
    assert axis.plate_px >= length
    assert n == 1 or axis_of(n - 1, field, 7.6, step, fields, "x").plate_px < length
    for layer in range(PHASES):
        assert axis.corner_px(0, layer) <= 0
        assert axis.corner_px(n - 1, layer) + field >= axis.plate_px


@pytest.mark.parametrize(
    "fields", [Fields(), Fields(overlap_px=7), Fields(overlap_px=20, stagger_px=31), Fields(overlap_px=0, blend="none")]
)
@pytest.mark.parametrize("step_um", [0.1, 0.5, 3.7])
def test_no_seam_lies_over_one_of_the_three_layers_below(fields, step_um):
    axis = axis_of(5, 300, 7.6, step_um, fields, "x")
    for layer in range(3, 12):
        for start, end in axis.bands_px(layer):
            for below in range(layer - 3, layer):
                for other_start, other_end in axis.bands_px(below):
                    assert end <= other_start or other_end <= start
                    assert start != other_start  # of cuts, which are no wider than nothing


def test_corners_are_where_the_stage_can_go():
    layout = FieldLayout.of(moving_printer((50, 70), pitch_um=7.6, step_um=11.0), process_with(overlap_px=4, stagger_px=4), (3, 3))
    assert not layout.on_one_grid
    for layer in range(PHASES):
        for tile in layout.tiles(layer):
            steps = np.array(tile.corner_um) / 11.0
            assert np.abs(steps - np.rint(steps)).max() < 1e-9
            meant = np.array([layout.x.corner_px(tile.col, layer), layout.y.corner_px(tile.row, layer)]) * 7.6
            assert np.abs(tile.corner_um - meant).max() <= 5.5 + 1e-9


def test_pixels_of_all_fields_lie_on_one_grid_where_the_step_allows_it():
    layout = FieldLayout.of(moving_printer((100, 200), pitch_um=7.6, step_um=0.5), process_with(overlap_px=4, stagger_px=4), (3, 2))
    assert layout.on_one_grid
    assert layout.x.advance_px == 195  # 196 px are 1489.6 µm, no multiple of 0.5
    for tile in layout.tiles(3):
        at = np.array(tile.corner_um) / 7.6
        assert np.abs(at - np.rint(at)).max() < 1e-9


def test_errors_of_the_stage_are_made_up_for():
    """The stage goes q + E q; a field lies where it really goes, on a place it can be sent to, and is focussed there."""
    error = (0.8, -0.3, 0.5, 0.2, 1.1, -0.4)
    layout = FieldLayout.of(moving_printer((400, 600), pitch_um=10.0, step_um=0.1, error=error), process_with(), (3, 3))
    wild = np.array([[0.8, 0.2], [-0.3, 1.1]]) * 1e-3
    for tile in layout.tiles(2):
        sent = np.array(layout.stage.sent_um(*tile.corner_um))
        assert np.abs(sent / 0.1 - np.rint(sent / 0.1)).max() < 1e-5
        assert np.abs(sent + wild @ sent - tile.corner_um).max() < 1e-5
        assert tile.focus_um == pytest.approx(-(0.5e-3 * sent[0] - 0.4e-3 * sent[1]), abs=1e-8)
        meant = np.array([layout.x.corner_px(tile.col, 2), layout.y.corner_px(tile.row, 2)]) * 10.0
        assert np.abs(tile.corner_um - meant).max() <= 0.0501


def test_the_way_of_a_full_plate_is_there_and_back():
    layout = FieldLayout.of(moving_printer((40, 60), 10.0), process_with(overlap_px=2), (4, 3))
    tiles = ordered(layout.tiles(0), "travel", 0)
    right, up = layout.x.advance_px * 10.0, layout.y.advance_px * 10.0
    assert way_um(tiles) == pytest.approx(min(9 * right + 2 * up, 3 * right + 8 * up))
    assert sorted(t[:2] for t in tiles) == sorted(t[:2] for t in layout.tiles(0))
    assert ordered(layout.tiles(1), "travel", 1)[0][:2] == tiles[-1][:2]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 34), min_size=1), st.randoms(use_true_random=False))
def test_the_way_is_never_longer_than_rows_and_does_not_depend_on_the_order_given(lit, random):
    layout = FieldLayout.of(moving_printer((40, 60), 10.0), process_with(overlap_px=2), (7, 5))
    tiles = [t for n, t in enumerate(layout.tiles(0)) if n in lit]
    shuffled = random.sample(tiles, len(tiles))
    found = ordered(shuffled, "travel", 0)
    assert found == ordered(tiles, "travel", 0)
    assert sorted(found) == sorted(tiles)
    assert way_um(found) <= way_um(ordered(tiles, "rows", 0)) + 1e-6


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"overlap_px": 60}, "overlap_px is 60: the field has 60 px along x"),
        ({"overlap_px": 20, "stagger_px": 20}, "the seams of 4 layers need 80 px"),
        ({"overlap_px": 40, "stagger_px": 0}, "overlap less"),
    ],
)
def test_overlaps_that_leave_no_field_are_refused(fields, words):
    with pytest.raises(UsageError, match=words):
        FieldLayout.of(moving_printer((200, 60), 10.0), process_with(**fields), (3, 1))


def test_seams_that_would_lie_over_each_other_are_refused():
    with pytest.raises(ValueError, match="stagger_px is 5, overlap_px 20"):
        Fields(overlap_px=20, stagger_px=5)
    assert Fields(overlap_px=20, stagger_px=0).moved_px == 0
    assert Fields(overlap_px=20, stagger_px=5, blend="none").moved_px == 5


def test_travel_beyond_the_stage_is_refused_with_both():
    printer = moving_printer((100, 100), 10.0, travel_um=(1000.0, 10_000.0))
    with pytest.raises(UsageError, match=r"3 fields along x need 2100 µm of travel, stage\.xy of printer .* has 1000 µm"):
        FieldLayout.of(printer, process_with(overlap_px=10), (3, 1))
    FieldLayout.of(printer, process_with(overlap_px=10), (1, 3))


def test_printers_that_do_not_move_are_refused():
    with pytest.raises(UsageError, match=r"has no \[stage.xy\]"):
        FieldLayout.of(find_printer("dlp6500"), find_process("default"), (2, 2))
    with pytest.raises(UsageError, match="0x2"):
        FieldLayout.of(moving_printer((100, 100), 10.0), process_with(), (0, 2))


def test_newer_keys_make_version_2_and_are_read_back():
    process = process_with(overlap_px=12)
    assert process.schema == "pmsl.process/2"
    assert fields_of(process).overlap_px == 12
    assert fields_of(find_process("default")) == Fields()
    plain = find_printer("dlp6500")
    assert isinstance(moving_printer((10, 10), 10.0).stage.xy, XyStage)
    assert isinstance(plain.stage.travel_um, Value)
    assert moving_printer((10, 10), 10.0).schema == "pmsl.printer/2"
