"""The contact sheet shows masks as a plain shrink of their frames would, without making the frames."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from solids import box

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.formats.frames.device_frame import turn
from pmsl.kernels.runs import run_ops
from pmsl.profiles.printer import Orientation
from pmsl.report import contact_sheet, drawing, layer_crops
from pmsl.report import mask_preview as preview
from pmsl.report.distinct_layers import distinct_layers

levels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=25), elements=st.sampled_from([0, 0, 255, 255, 3, 254]))


@given(levels, st.integers(1, 40), st.integers(1, 40), st.booleans(), st.booleans(), st.data())
def test_shrink_is_the_mean_of_the_pixels(frame, n_rows, n_cols, up, left, data):
    row0, col0 = (data.draw(st.integers(0, n - 1)) for n in frame.shape)
    row1, col1 = data.draw(st.integers(row0 + 1, frame.shape[0])), data.draw(st.integers(col0 + 1, frame.shape[1]))
    rows, cols = layer_crops.bins(row0, row1, n_rows, up), layer_crops.bins(col0, col1, n_cols, left)
    mask, out = LayerMask.from_dense(0, frame), np.zeros((n_rows, n_cols), np.uint8)
    run_ops.shrink(*mask.runs_8bit(), mask.window.row0, *rows, *cols, np.zeros((2, int(cols[1][-1]) + 1), np.int64), out)
    for (low, high), (first, last) in ((rows, (row0, row1)), (cols, (col0, col1))):
        assert (np.diff(low) >= 0).all() and (low < high).all() and low.min() >= first and high.max() <= last
    for r, c in np.ndindex(out.shape):
        part = frame[rows[0][r] : rows[1][r], cols[0][c] : cols[1][c]]
        assert out[r, c] == np.floor(part.mean() + 0.5)


@pytest.mark.parametrize(("n", "size"), [(25_000, 451), (1920, 480), (481, 480), (100, 33), (7, 1), (480, 480)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_bins_share_all_pixels_out(n, size, mirrored):
    low, high = layer_crops.bins(5, 5 + n, size, mirrored)
    assert low[0] == 5 and high[-1] == 5 + n and np.array_equal(low[1:], high[:-1])
    assert set(high - low) <= {n // size, -(-n // size)}


@pytest.mark.parametrize("size", [(90, 131), (89, 77), (37, 61), (180, 262), (182, 300)])
@pytest.mark.parametrize("row", ["-y", "+y", "-x", "+x"])
@pytest.mark.parametrize("flip", ["-", "+"])
def test_tiles_look_as_the_frame_shrunk_by_pillow(size, row, flip):
    orientation = Orientation(row=row, col=flip + ("x" if row[1] == "y" else "y"))
    rng = np.random.default_rng(1)
    frame = np.resize(np.repeat(rng.choice([0, 255, 90], 4000), rng.geometric(0.1, 4000)), (90, 131)).astype(np.uint8)
    shown = turn(layer_crops.shrunk(LayerMask.from_dense(0, frame), (0, 0, 90, 131), size, orientation), orientation)
    pillow = Image.fromarray(np.ascontiguousarray(turn(frame, orientation)))
    way = Image.Resampling.BOX if shown.size < frame.size else Image.Resampling.NEAREST
    assert np.abs(np.array(pillow.resize(shown.shape[::-1], way)).astype(int) - shown).max() <= 1


@pytest.mark.parametrize("row", ["-y", "+x"])
def test_a_sheet_needs_no_frame(tmp_path, monkeypatch, row):
    printer = msgspec.structs.replace(pmsl.find_printer("pmsl-2um"), orientation=Orientation(row=row, col="+x" if row == "-y" else "-y"))
    resin = pmsl.find_resin("pr48-405")
    job = pmsl.prepare(pmsl.place([box((0, 0, 0), (900, 300, 60))], printer, resin), printer, resin)
    monkeypatch.setattr(LayerMask, "dense", lambda *_: pytest.fail("a dense frame was made"))
    contact_sheet(job, tmp_path / "sheet.png")
    sheet = np.array(Image.open(tmp_path / "sheet.png"))
    tile = sheet[preview.GAP * 2 + drawing.LINE_PX * 3 :, preview.GAP : preview.GAP + preview.TILE_PX]
    lit = np.argwhere(tile[: preview.TILE_PX // 4] == 255)
    wide = np.ptp(lit[:, 1]) > 2 * np.ptp(lit[:, 0])
    assert wide == (row == "-y")


def stacked(*boxes):
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    return pmsl.prepare(pmsl.place([box(*b) for b in boxes], printer, resin), printer, resin)


def test_layers_where_something_begins_are_shown():
    job = stacked(
        ((0, 0, 0), (400, 300, 1000)),
        ((0, 0, 1000), (100, 300, 1030)),
        ((0, 0, 1030), (400, 300, 4000)),
        ((300, 0, 4000), (400, 100, 5000)),
    )
    assert job.n_layers == 500  # more than are looked at
    found = distinct_layers(job, layer_crops.box_px(job), 8)
    assert {0, 100, 400} <= set(found) and len(found) == 8 and found == sorted(found)
    assert distinct_layers(job, layer_crops.box_px(job), 3) == [0, 100, 400]


def test_a_prism_is_shown_at_even_distances():
    job = stacked(((0, 0, 0), (400, 300, 300)))
    assert distinct_layers(job, layer_crops.box_px(job), 4) == [0, 6, 12, 17]
    low = stacked(((0, 0, 0), (400, 300, 30)))
    assert distinct_layers(low, layer_crops.box_px(low), 8) == [0, 1, 2]


def test_a_long_title_wraps(tmp_path):
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    parts = [pmsl.Part(solid=box((0, 0, 0), (400, 300, 30)), label=f"{'channel' * 9} {i}") for i in range(9)]
    job = pmsl.prepare(pmsl.place(parts, printer, resin), printer, resin)
    contact_sheet(job, tmp_path / "sheet.png")
    sheet = np.array(Image.open(tmp_path / "sheet.png"))
    lines = sheet[preview.GAP : preview.GAP + 3 * drawing.LINE_PX]
    assert (lines[drawing.LINE_PX : 2 * drawing.LINE_PX] > 128).sum() > 500  # a second line of the title
    assert (sheet[:, -preview.GAP // 2 :] == preview.PAPER).all()  # nothing runs over the edge


@given(st.text(min_size=0, max_size=80), st.integers(60, 400))
def test_lines_fit_and_lose_no_letter(text, width):
    lines = drawing.wrapped(text, width)
    assert all(drawing.font().getlength(line) <= width or len(line) == 1 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize(("most", "length"), [(0.9, 0.5), (1, 1), (49.9, 20), (50, 50), (1999, 1000), (7600, 5000)])
def test_bars_have_round_lengths(most, length):
    assert drawing.round_length_um(most) == pytest.approx(length)


@pytest.mark.parametrize("um_per_px", [0.26, 2.0, 7.6, 15.3])
def test_a_bar_is_as_long_as_it_says(um_per_px):
    picture = Image.new("L", (400, drawing.LINE_PX), 0)
    drawing.draw_scale_bar(picture, 10, 0, um_per_px, 160, 255)
    (at,) = np.nonzero(np.array(picture)[drawing.LINE_PX // 2])
    bar = at[: int(np.argmax(np.diff(at) > 1)) + 1]
    assert len(bar) == round(drawing.round_length_um(160 * um_per_px) / um_per_px)


@pytest.mark.parametrize("right", ["+x", "-x", "+y"])
def test_directions_are_those_of_the_frame(right):
    def drawn(sign):
        picture = Image.new("L", (80, drawing.LINE_PX), 0)
        drawing.draw_axes(picture, 0, 0, right, sign + "z", 255)
        return np.array(picture)

    assert not np.array_equal(drawn("+"), drawn("-"))
    head = drawn("-")[:, 40:54].astype(int)
    assert head[: drawing.LINE_PX // 2 - 2].sum() > head[drawing.LINE_PX // 2 + 3 :].sum()  # -z grows downward: z points up


def test_a_micro_has_its_stem_and_no_letter_is_an_empty_box():
    """The font has no µ: below the line a u has nothing, a µ has."""

    def ink(text):
        picture = Image.new("L", (200, 40))
        drawing.write_lines(picture, 4, 4, [text], 255)
        return np.asarray(picture).astype(int)

    micro, plain = ink("5 µm"), ink("5 um")
    more = np.argwhere(micro != plain)
    assert more[:, 0].max() > np.argwhere(plain > 64)[:, 0].max() and np.ptp(more[:, 1]) == 0  # one upright stroke, below the line
    assert drawing.text_width("5 µm") == drawing.text_width("5 um") and drawing.length_text(200.0) == "200 µm"
