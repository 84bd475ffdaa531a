"""Plates of very many fields: frames bit for bit those of direct slicing, sums by area, memory that does not follow the plate."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pmsl
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.core.packed_mask import PackedMask
from pmsl.fields.shares import shares_of
from pmsl.fields.tile_masks import MaskSharer
from pmsl.fields.tiles import FieldLayout
from pmsl.masks import coverage, layer_masks
from pmsl.pipeline import field_planner
from tests.field_plates import moving_printer, process_with, resin_with
from tests.fields.test_field_jobs import plate_job
from tests.solids import box, cone

LINEAR = np.arange(256) / 255


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.uint16]), st.booleans())
def test_a_packed_mask_is_the_mask(seed, kind, empty):
    rng = np.random.default_rng(seed)
    levels = np.zeros((9, 12), kind) if empty else rng.choice([0, 0, 1, np.iinfo(kind).max], (9, 12)).astype(kind)
    for mask in (LayerMask.from_dense(3, levels), LayerMask.from_window(3, (20, 30), Window(4, 5, 9, 12), levels)):
        packed = PackedMask.of(mask)
        assert (packed.index, packed.shape, packed.window, packed.empty) == (3, mask.shape, mask.window, mask.empty)
        assert (packed.sha256(), packed.black_at_8_bit, packed.sum_px()) == (
            mask.sha256(),
            mask.black_at_8_bit,
            pytest.approx(mask.sum_px()),
        )
        assert (packed.dense(np.uint16) == mask.dense(np.uint16)).all()
        assert (packed.within(Window(1, 2, 6, 7)) == mask.within(Window(1, 2, 6, 7))).all()
        assert packed.column_sums_px() == pytest.approx(mask.column_sums_px())
        assert all((a == b).all() for a, b in zip(packed.runs(), mask.runs(), strict=True))
        assert all((a == b).all() for a, b in zip(packed.runs_8bit(), mask.runs_8bit(), strict=True))


def test_masks_of_many_fields_wait_packed_and_are_the_same(monkeypatch, tmp_path):
    plain, _ = plate_job()
    monkeypatch.setattr(field_planner, "PLAIN_FIELDS", 1)
    packed, _ = plate_job()
    assert sum(isinstance(e.mask, PackedMask) for e in packed[1].exposures) == 3
    for name, job in (("a", plain), ("b", packed)):
        pmsl.write(job, tmp_path / name)
    written = [{p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()} for n in "ab"]
    assert written[0] == written[1]


def dense_shared(sharer, mask, tile, f):
    """The same with every pixel of the window worked on, none left out."""
    x, y = shares_of(sharer.layout, tile, mask.index)
    return LayerMask.from_window(mask.index, mask.shape, mask.window, sharer._dense(mask, mask.window, x, y, f))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.sampled_from([0.0, 0.1]), st.sampled_from(["linear", "none"]))
def test_only_bands_are_worked_on_and_the_rest_stays_as_it_is(seed, layer, f, blend):
    """Maximal runs, the same levels, the same area, of masks in any part of a field."""
    layout = FieldLayout.of(moving_printer((60, 80), 10.0), process_with(overlap_px=10, blend=blend), (3, 3))
    rng, sharer = np.random.default_rng(seed), MaskSharer.of(layout, LINEAR)
    row0, col0 = int(rng.integers(0, 59)), int(rng.integers(0, 79))
    window = Window(row0, col0, int(rng.integers(1, 61 - row0)), int(rng.integers(1, 81 - col0)))
    levels = np.repeat(rng.choice([0, 65535, 65535, 20000], (window.rows, -(-window.cols // 5))), 5, axis=1)[:, : window.cols].astype(
        np.uint16
    )
    mask = LayerMask.from_window(layer, (60, 80), window, levels)
    for tile in layout.tiles(layer):
        got, slow = sharer.shared(mask, tile, f), dense_shared(sharer, mask, tile, f)
        assert got.window == slow.window
        assert all((a == b).all() for a, b in zip(got.runs(), slow.runs(), strict=True))
        x, y = shares_of(layout, tile, layer)
        assert sharer.covered_px(mask, tile) == pytest.approx(float(y.own @ mask.dense(np.float64) @ x.own), abs=1e-6)


@pytest.mark.slow
def test_sixty_fields_are_their_direct_slices_with_their_shares():
    """100 mm x 100 mm in 60 fields of 10 µm pixels: every frame bit for bit; all areas together to 1e-9."""
    solids = [
        box((103.3, 104.7, 0), (99893.1, 99791.9, 10)),
        *(cone(1800 + 97 * i, 700, 10, (5000 + 8300 * i, 95000 - 7900 * i, 10)) for i in range(11)),
    ]
    job = pmsl.prepare(solids, moving_printer((1080, 1920), 10.0), resin_with(0.1), process_with(overlap_px=20), fields="auto")
    assert job.tiles == (6, 10)
    layout, sharer = (
        FieldLayout.of(job.printer, job.process, job.tiles),
        MaskSharer.of(FieldLayout.of(job.printer, job.process, job.tiles), LINEAR),
    )
    for k in range(job.n_layers):
        frames, area_px = {e.offset_um: e.mask for e in job[k].exposures}, 0.0
        for tile in layout.tiles(k):
            grid = Grid(origin_um=tile.corner_um, pitch_um=10.0, shape=(1080, 1920), z_edges_um=job.grid.z_edges_um)
            direct = list(layer_masks(solids, grid))[k]
            shared = sharer.shared(direct, tile, job.plan_layer._f[k])
            assert shared.black_at_8_bit if tile.corner_um not in frames else frames[tile.corner_um].sha256() == shared.sha256()
            x, y = shares_of(layout, tile, k)
            area_px += float(y.own @ coverage(solids, grid, k) @ x.own)
        whole = Grid(origin_um=(0, 0), pitch_um=10.0, shape=layout.plate_px, z_edges_um=job.grid.z_edges_um)
        assert area_px == pytest.approx(
            sum(float(coverage(solids, whole, k)[i : i + 1000].sum()) for i in range(0, layout.plate_px[0], 1000)), rel=1e-9
        )


SCRIPT = """
import resource, pmsl
from tests.field_plates import moving_printer, process_with, resin_with
from tests.solids import box
rss = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
job = pmsl.prepare([box((3.3, 4.7, 0), (99900.0, 99900.0, 10.0))], moving_printer((1080, 1920), 2.0), resin_with(0.0),
                   process_with(overlap_px=20), fields="auto")
before = rss()
pmsl.write(job, "{target}", threads=1, facts=False)
print(*job.tiles, len(job[0].exposures), rss() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is that of Unix")
def test_a_plate_of_1296_fields_streams(tmp_path):
    """100 mm x 100 mm of 2 µm pixels, 2.5 billion of them: memory stays within 300 MiB over the mesh."""
    code = SCRIPT.format(target=tmp_path / "j.zip")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    nx, ny, frames, more_mib = (float(word) for word in done.stdout.split())
    assert (nx, ny, frames) == (27, 48, 1296)
    assert more_mib <= 300
