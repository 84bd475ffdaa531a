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
from pmsl.kernels.raster import run_ops
from pmsl.profiles.printer import Orientation
from pmsl.report import contact_sheet
from pmsl.report import mask_preview as preview

levels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=25), elements=st.sampled_from([0, 0, 255, 255, 3, 254]))


@given(levels, st.integers(1, 40), st.integers(1, 40), st.booleans(), st.booleans(), st.data())
def test_shrink_is_the_mean_of_the_pixels(frame, n_rows, n_cols, up, left, data):
    row0, col0 = (data.draw(st.integers(0, n - 1)) for n in frame.shape)
    row1, col1 = data.draw(st.integers(row0 + 1, frame.shape[0])), data.draw(st.integers(col0 + 1, frame.shape[1]))
    rows, cols = preview._bins(row0, row1, n_rows, up), preview._bins(col0, col1, n_cols, left)
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
    low, high = preview._bins(5, 5 + n, size, mirrored)
    assert low[0] == 5 and high[-1] == 5 + n and np.array_equal(low[1:], high[:-1])
    assert set(high - low) <= {n // size, -(-n // size)}


@pytest.mark.parametrize("size", [(90, 131), (89, 77), (37, 61), (180, 262), (182, 300)])
@pytest.mark.parametrize("row", ["-y", "+y", "-x", "+x"])
@pytest.mark.parametrize("flip", ["-", "+"])
def test_tiles_look_as_the_frame_shrunk_by_pillow(size, row, flip):
    orientation = Orientation(row=row, col=flip + ("x" if row[1] == "y" else "y"))
    rng = np.random.default_rng(1)
    frame = np.resize(np.repeat(rng.choice([0, 255, 90], 4000), rng.geometric(0.1, 4000)), (90, 131)).astype(np.uint8)
    shown = turn(preview._shrunk(LayerMask.from_dense(0, frame), (0, 0, 90, 131), size, orientation), orientation)
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
    tile = sheet[preview.GAP * 2 + preview.LABEL * 2 :, preview.GAP : preview.GAP + preview.TILE_PX]
    lit = np.argwhere(tile[: preview.TILE_PX // 4] == 255)
    wide = np.ptp(lit[:, 1]) > 2 * np.ptp(lit[:, 0])
    assert wide == (row == "-y")
