"""Grays that never reach the critical dose: found away from white only, kept, lifted or dropped."""

import json
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printer_resin_pairs import printer_for
from solids import box
from tiers import examples

import pmsl
from pmsl.cli.app import main
from pmsl.core.mask import LayerMask
from pmsl.correct.morphology import disc
from pmsl.correct.solver.pixel_light import NOTHING, LevelBuffers
from pmsl.correct.solver.psf_footprint import patch_of
from pmsl.correct.uncurable_grays import GrayCheck
from pmsl.correct.uncurable_pass import GrayPass
from pmsl.cure import CureModel, Decay
from pmsl.formats.container.layer_writer import merged
from pmsl.kernels.solve import faint_grays, pixel_light
from pmsl.optics import Gaussian, Lorentzian, Projector, Sampled, aerial_image
from pmsl.optics.grayscale import response
from pmsl.profiles.printer import FlatField, Psf
from pmsl.profiles.process import Regions
from pmsl.profiles.tables.strict_struct import Value

RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
PRINTER = printer_for(RESIN)
SHAPE, P, DP, EC = (40, 60), 27.0, 69.3, 17.9
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


def printer_of(sigma=0.36, flat=None, **psf):
    optics = replace(PRINTER.optics, psf=Psf(**psf) if psf else Psf(sigma_pitch=value(sigma)), flat_field=flat)
    return replace(PRINTER, dmd=replace(PRINTER.dmd, shape=value(SHAPE)), optics=optics)


def job_of(parts, unreachable="keep", coverage="volume", printer=None, resin=RESIN):
    process = replace(PROCESS, bottom_dose_factors=(), coverage=coverage, unreachable=unreachable)
    return pmsl.prepare(parts, printer or printer_of(), resin, process)


def px(low, high):
    return box((low[0] * P, low[1] * P, low[2]), (high[0] * P, high[1] * P, high[2]))


def found(job, k):
    return [f for f in job[k].findings if f.code == "unreachable-gray"]


def levels_of(job, k):
    (e,) = job[k].exposures
    return e.mask.dense(np.uint8)


def far_face_dose(job, k, lowered=None):
    """Dose in the middle of every pixel at layer k's far face, from its aerial image and those of the layers above."""
    total = np.zeros(SHAPE)
    for j in range(k, len(job)):
        for e in job[j].exposures:
            levels = e.mask.dense(np.uint8)
            if lowered is not None and j == k:
                levels[lowered] -= 1
            image = aerial_image(LayerMask.from_dense(j, levels), job.printer, response(job.printer), 1)
            r, c, rows, cols = image.window
            total[r : r + rows, c : c + cols] += image.irradiance * e.dose_mj_cm2 * np.exp(-10 * (j - k + 1) / DP)
    return total


PLATEAU = [px((10, 8, 0), (40, 30, 23))]  # the third slab is filled to three tenths: 0.52 Ec at its exposure plane


def test_a_plateau_that_never_cures_is_named_with_its_place():
    job = job_of(PLATEAU)
    (finding,) = found(job, 2)
    assert (finding.value, finding.layers, finding.severity, finding.unit) == (30 * 22, (2, 2), "warning", "px")
    assert finding.box_um == ((10 * P, 8 * P, 20.0), (40 * P, 30 * P, 30.0))
    assert not found(job, 0) and not found(job, 1)
    assert levels_of(job, 2).max() == 77


def test_lifted_it_cures_through_its_layer_with_the_least_levels():
    job = job_of(PLATEAU, "lift")
    levels = levels_of(job, 2)
    assert levels[12:26, 14:36].max() == levels[12:26, 14:36].min() == 170  # 1.5 · 170/255 = 1
    assert (levels[8:30, 10:40] >= 170).all() and levels[8, 10] > levels[8, 20] > 170  # edges and corners lose light
    dose = far_face_dose(job, 2)
    lit = np.zeros(SHAPE, bool)
    lit[8:30, 10:40] = True
    assert (dose[lit & (levels < 255)] >= EC * (1 - 1e-6)).all() and not levels[~lit].any()
    for pixel in [(12, 20), (8, 25), (20, 10)]:
        if levels[pixel] < 255:
            assert far_face_dose(job, 2, pixel)[pixel] < EC * (1 + 2e-3)
    assert found(job, 2)[0].severity == "info" and levels_of(job_of(PLATEAU), 1).tolist() == levels_of(job, 1).tolist()


def test_dropped_it_is_black():
    job = job_of(PLATEAU, "drop")
    assert len(job) == 2  # nothing is left of the topmost layer, so it is none
    (dropped,) = (f for f in job.findings if f.code == "unreachable-gray")
    assert dropped.value == 660 and dropped.layers is None and dropped.box_um[1][2] == 30
    assert np.array_equal(levels_of(job, 1), levels_of(job_of(PLATEAU), 1))


def regional(parts, unreachable="keep", **factors):
    process = replace(PROCESS, bottom_dose_factors=(), coverage="volume", unreachable=unreachable, regions=Regions(**factors))
    return pmsl.prepare(parts, printer_of(), RESIN, process)


def in_order(job):
    """Findings of a run through all layers."""
    run = job.in_order()
    for k in range(len(job)):
        run.plans([k])
        run.passed(k)
    return [f for f in run.findings() if f.code == "unreachable-gray"]


def test_doses_of_regions_decide_what_cures():
    """The third slab's faint plateau is no material, so all of it is edge; the middle of a denser one is not."""
    for factor, many in ((1.0, 660), (2.0, 660 - 28 * 20), (2.5, 0)):  # light blurs away from the outermost pixels
        job = regional(PLATEAU, edge=factor, edge_erode_px=2)
        assert [f.value for f in found(job, 2)] == ([many] if many else []) == [f.value for f in in_order(job)]
    dense = [px((10, 8, 0), (40, 30, 27))]  # 1.2 Ec at the exposure plane of the third slab, and 0.97 with the factor
    job = regional(dense, edge=0.8, edge_erode_px=2)
    (finding,) = found(job, 2)
    assert finding.value == 660 - 26 * 18 and in_order(job) == [finding] and not found(regional(dense, edge=1.5, edge_erode_px=2), 2)


def test_layers_above_give_what_their_regions_get():
    part = [px((10, 8, 0), (20, 30, 60)), px((10, 8, 27), (40, 30, 60))]  # an overhang whose first slab is filled to 0.3
    assert not found(regional(part, roof=1.0, roof_layers=4), 2)
    job = regional(part, roof=0.1, roof_layers=4)
    (finding,) = found(job, 2)
    assert finding.value > 300 and in_order(job) == [finding]


def test_what_is_lifted_cures_with_the_dose_of_its_region():
    job = regional([px((10, 8, 0), (40, 30, 27))], "lift", edge=0.8, edge_erode_px=2)
    assert found(job, 2)[0].severity == "info"
    dose, levels = far_face_dose(job, 2), job[2].exposures[0].mask.dense(np.uint8)
    assert len(job[2].exposures) == 1 and levels[9, 20] > levels[19, 20] / 1.5 > 0
    assert (dose[9, 11:39] >= EC * (1 - 4e-3)).all() and dose[9, 20] < 1.03 * EC  # levels of the merged image are rounded


def test_grays_that_the_layers_above_cure_are_left_alone():
    part = [px((10, 8, 0), (20, 30, 60)), px((10, 8, 27), (40, 30, 60))]  # an overhang whose first slab is filled to 0.3
    for do in ("keep", "lift", "drop"):
        job = job_of(part, do)
        assert levels_of(job, 2)[20, 30] == 77 and not any(found(job, k) for k in range(6))


def test_grays_beside_white_place_edges_and_are_left_alone():
    part = [px((10.7, 8.8, 0), (40.25, 30.1, 30))]
    for do in ("keep", "drop"):
        job = job_of(part, do, "area")
        assert not any(found(job, k) for k in range(3))
        assert levels_of(job, 1)[20, 40] == 64 and levels_of(job, 1)[30, 40] == 6


@pytest.mark.parametrize(("sigma", "kept"), [(0.36, 1), (1.0, 3), (1.5, 4)])
def test_nothing_within_three_sigma_of_white_is_touched(sigma, kept):
    part = [px((10, 8, 0), (20, 30, 30)), px((20, 8, 0), (50, 30, 22))]
    row = levels_of(job_of(part, "drop", printer=printer_of(sigma)), 2)[19]
    assert row[10:20].tolist() == [255] * 10 and row[20 : 20 + kept].tolist() == [51] * kept and not row[20 + kept :].any()


def test_thin_walls_are_found_and_layers_join(tmp_path):
    job = job_of([px((10, 8, 0), (10.4, 30, 60)), px((20, 8, 0), (30, 30, 60))], coverage="area")
    written = pmsl.write(job, tmp_path / "job")
    (finding,) = [f for f in written.findings if f.code == "unreachable-gray"]
    assert finding.layers == (4, 5) and finding.value == 22  # further down the layers above cure it


def test_the_flat_field_counts():
    field = FlatField(grid=value([[2.0, 1.0], [2.0, 1.0]]), reference="maximum")
    part = [px((0, 8, 0), (60, 30, 29))]  # 0.9 of 1.73 Ec: enough on the left, not on the right
    (finding,) = found(job_of(part, printer=printer_of(flat=field)), 2)
    assert 20 * P < finding.box_um[0][0] < 60 * P and finding.box_um[1][0] == 60 * P
    assert not found(job_of(part), 2)


@pytest.mark.parametrize(
    "psf",
    [
        {"kind": "lorentzian", "gamma_pitch": value(0.3)},
        {"kind": "sampled", "step_pitch": value(0.5), "samples": value([[0.0, 1.0, 0.0], [1.0, 4.0, 2.0], [0.0, 1.0, 0.0]])},
    ],
    ids=["lorentzian", "sampled"],
)
def test_every_spread_has_its_say(psf):
    job = job_of(PLATEAU, printer=printer_of(**psf))
    (finding,) = found(job, 2)
    assert finding.value == 660
    lifted = job_of(PLATEAU, "lift", printer=printer_of(**psf))
    levels, dose = levels_of(lifted, 2), far_face_dose(lifted, 2)
    some = (levels > 0) & (levels < 255)
    assert some.sum() > 300 and (dose[some] >= EC * (1 - 1e-6)).all()


@pytest.mark.parametrize("memory", ["enclosed", "open"])
@pytest.mark.parametrize("induction", [0.0, 4.0])
@settings(max_examples=examples(6))
@given(st.integers(0, 1 << 30))
def test_the_judgement_is_that_of_the_sum_over_layers(memory, induction, seed):
    rng = np.random.default_rng(seed)
    psf = [Gaussian((0.5, 0.3)), Gaussian((0.4, 0.4), 0.9), Sampled(np.array([[0, 1, 0], [2, 5, 0], [0, 2, 0]]) / 10, (0.5, 0.5))][seed % 3]
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=10, shape=(16, 20), z_edges_um=[0, 10, 25, 30, 200])
    masks = []
    for k in range(4):
        levels = rng.integers(0, 200, grid.shape) * (rng.random(grid.shape) < rng.choice([0.02, 0.3, 1.0]))
        levels[rng.integers(0, 16), rng.integers(0, 20)] = 255
        masks.append(LayerMask.from_dense(k, levels.astype(np.uint8)))
    model = CureModel(Decay((0.8, 0.2), (9.0, 14.0)), 12.0, induction, memory=memory)
    light, white = np.arange(256) / 255, np.array([18.0, 25.0, 15.0, 30.0])
    check = GrayCheck("drop", grid, Projector(grid.shape, psf, 0.5 + rng.random(grid.shape)), light, model, white)
    after, _ = check.apply(0, masks[0], masks.__getitem__)
    effective, join = np.zeros(grid.shape), np.maximum if memory == "open" else np.add
    for j, z in enumerate((0.0, 15.0, 20.0)):  # the fourth layer is further than 5 · 14 µm
        image = check.projector.aerial_image(masks[j], light, 1)
        seen = np.zeros(grid.shape)
        r, c, rows, cols = image.window
        seen[r : r + rows, c : c + cols] = image.irradiance
        effective = join(effective, np.maximum(seen * white[j] * model.decay.fraction(z) - induction, 0))
    levels = masks[0].dense(np.uint8)
    alone = ~near_white(levels, check._known["guard"])
    below = (levels > 0) & alone & (effective < model.threshold_mj_cm2)
    unsure = np.abs(effective - model.threshold_mj_cm2) < 1e-6
    dropped = (levels > 0) & (after.dense(np.uint8) == 0)
    assert np.array_equal(dropped[~unsure], below[~unsure])
    assert np.array_equal(after.dense(np.uint8)[~dropped], levels[~dropped])


@pytest.mark.parametrize("memory", ["enclosed", "open"])
@settings(max_examples=examples(6))
@given(st.integers(0, 1 << 30))
def test_a_run_through_all_layers_finds_what_single_layers_find(memory, seed):
    rng = np.random.default_rng(seed)
    shape, edges = (16, 20), np.cumsum([0, *rng.choice([3.0, 5.0, 8.0], 12)])
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=10, shape=shape, z_edges_um=edges)
    masks = []
    for k in range(12):
        levels = rng.integers(0, 200, shape) * (rng.random(shape) < rng.choice([0.0, 0.05, 0.6]))
        masks.append(LayerMask.from_dense(k, levels.astype(np.uint8)))
    model = CureModel(Decay((0.8, 0.2), (4.0, 7.0)), 12.0, float(rng.choice([0.0, 3.0])), memory=memory)
    psf = [Gaussian((0.5, 0.3)), Lorentzian((0.3, 0.3))][seed % 2]
    check = GrayCheck("keep", grid, Projector(shape, psf), np.arange(256) / 255, model, rng.uniform(8, 25, 12))
    one_by_one = [f for k in range(12) for f in check.apply(k, masks[k], masks.__getitem__)[1]]
    run = GrayPass(check)
    begun = -1
    for k in range(12):
        while begun < min(k + int(rng.integers(0, 4)), 11):  # layers are begun ahead
            begun += 1
            run.begin(begun, check.look(begun, masks[begun]))
        if begun < k:
            begun = k
            run.begin(k, check.look(k, masks[k]))
        run.passed(k)
    assert list(run.findings()) == one_by_one


@settings(max_examples=examples(6))
@given(st.integers(0, 1 << 30), st.sampled_from([(9, 200), (40, 64), (1, 63), (70, 1)]), st.sampled_from([(0.3, 0.5), (0.9, 0.3)]))
def test_painted_masks_give_the_light_of_their_runs(seed, size, sigma):
    rng = np.random.default_rng(seed)
    painter = LevelBuffers(*patch_of(Gaussian(sigma)))
    flat, response = rng.uniform(0.5, 1, (90, 230)), np.linspace(0, 1, 256) ** 2
    for _ in range(3):  # the second and the third into the memory of the first
        levels = rng.integers(0, 256, size) * (rng.random(size) < rng.choice([0.003, 0.1, 0.9]))
        dense = np.zeros((90, 230), np.uint8)
        row, col = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(dense.shape, size, strict=True))
        dense[row : row + size[0], col : col + size[1]] = levels
        mask = LayerMask.from_dense(0, dense)
        pixels = np.argwhere(np.ones(dense.shape, bool))
        runs, light = mask.runs_8bit(), np.zeros((2, len(pixels)))
        painted = painter.paint(mask, len(pixels))
        assert painted is not NOTHING
        for given_levels, out in zip((painted, NOTHING), light, strict=True):
            pixel_light.light_at(
                *(
                    runs.row_start,
                    mask.window.row0,
                    runs.col,
                    runs.length,
                    runs.value,
                    response,
                    flat,
                    pixels,
                    painter.first,
                    painter.share,
                ),
                *(np.zeros(len(painter.share), np.int64), *given_levels, out),
            )
        painter.done(painted)
        assert np.array_equal(light[0], light[1])
        assert dense.any() == (light[0] > 0).any()


def test_painted_masks_wait_only_in_so_much_memory(monkeypatch):
    painter = LevelBuffers(*patch_of(Gaussian((0.4, 0.4))))
    mask = LayerMask.from_dense(0, np.full((50, 100), 99, np.uint8))
    assert painter.paint(mask, 49) is NOTHING
    monkeypatch.setattr("pmsl.correct.solver.pixel_light.KEPT", 10_000)
    first, second = painter.paint(mask, 50), painter.paint(mask, 50)
    assert painter.retained(second) is NOTHING
    assert painter.retained(first) is first
    assert painter.paint(mask, 50).levels.base is second.levels.base


def test_a_written_job_has_the_findings_of_its_layers(tmp_path):
    parts = [*PLATEAU, px((42, 8, 0), (42.4, 30, 60)), px((46, 9, 10), (47.4, 9.3, 40)), px((50, 8, 0), (58, 30, 26))]
    job = job_of(parts)
    alone = [f for k in range(len(job)) for f in found(job, k)]
    assert len(alone) > 2
    written = pmsl.write(job, tmp_path / "job")
    assert [f for f in written.findings if f.code == "unreachable-gray"] == list(merged(alone))
    fitted = pmsl.pipeline.with_depth(job, 7)
    assert merged(f for f in pmsl.write(fitted, tmp_path / "seven").findings if f.code == "unreachable-gray") == merged(alone)
    assert all(not [f for f in job.bare(k).findings if f.code == "unreachable-gray"] for k in range(len(job)))


# --- the search ------------------------------------------------------------------------------------------------


def near_white(levels, half):
    out, reach = np.zeros(levels.shape, bool), len(half) // 2
    for r, c in np.argwhere(levels == 255):
        for i, w in enumerate(half.tolist()):
            if 0 <= r + i - reach < levels.shape[0]:
                out[r + i - reach, max(0, c - w) : c + w + 1] = True
    return out


@given(st.integers(0, 1 << 30), st.sampled_from([(1.5, 1.5), (3.0, 3.0), (1.5, 4.2), (2.0, 70.0)]))
def test_pixels_away_from_white_are_those_of_every_pair(seed, radius):
    rng = np.random.default_rng(seed)
    cols = int(rng.choice([26, 64, 65, 140]))
    levels = np.zeros((14, cols), np.uint8)
    for _ in range(rng.integers(1, 7)):
        r, c = rng.integers(0, 14), rng.integers(0, cols)
        levels[r : r + rng.integers(1, 6), c : c + rng.integers(1, cols)] = rng.choice([0, 60, 200, 254, 255])
    mask, half = LayerMask.from_dense(0, levels), disc(radius)
    room = [np.full((n, (mask.window.cols + 63) // 64 + 2), seed, np.uint64) for n in (len(half), len(half), 2)]
    pixels = np.zeros((2000, 2), np.int64)
    n = faint_grays.far_from_white(*mask.runs_8bit(), mask.window.row0, mask.window.col0, half, *room, pixels)
    wanted = np.argwhere((levels > 0) & (levels < 255) & ~near_white(levels, half))
    assert np.array_equal(pixels[:n], wanted)
    assert faint_grays.far_from_white(*mask.runs_8bit(), mask.window.row0, mask.window.col0, half, *room, pixels[:1]) == n


def test_masks_without_lonely_grays_come_back_as_they_are_and_ask_for_no_other_layer():
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=10, shape=SHAPE, z_edges_um=[0, 10, 20])
    levels = np.zeros(SHAPE, np.uint8)
    levels[5:20, 5:20], levels[5:20, 20], levels[20, 5:20] = 255, 90, 3
    mask = LayerMask.from_dense(0, levels)
    for psf in (Gaussian((0.36, 0.36)), Lorentzian((0.3, 0.3))):
        check = GrayCheck("drop", grid, Projector(SHAPE, psf), np.arange(256) / 255, CureModel(Decay.single(40.0), 10.0), np.full(2, 20.0))
        after, findings = check.apply(0, mask, lambda j: pytest.fail(f"layer {j} was asked for"))
        assert after is mask and findings == ()


def test_the_command_line_says_what_becomes_of_them(tmp_path, monkeypatch):
    from pmsl.mesh import load_solid

    mesh = tmp_path / "p.stl"
    lines = ["solid p"]
    solid = px((0, 0, 0), (30, 22, 43))
    for face in solid.vertices_um[solid.faces]:
        corners = "".join(f"vertex {x!r} {y!r} {z!r}\n" for x, y, z in face.tolist())
        lines.append(f"facet normal 0 0 0\nouter loop\n{corners}endloop\nendfacet")
    mesh.write_text("\n".join([*lines, "endsolid p"]))
    assert len(load_solid(mesh, "um").faces) == len(solid.faces)
    args = ["slice", str(mesh), "-o", str(tmp_path / "j"), "--unit", "um", "--printer", "dlp-27um", "--resin", "pr48-385"]
    monkeypatch.setattr(sys, "argv", ["pmsl", *args, "--coverage", "volume", "--unreachable", "drop", "--json"])
    assert main() == 0
    doc = json.loads((tmp_path / "j" / "job.json").read_text())
    assert doc["process"]["unreachable"] == "drop" and len(doc["layers"]) == 4 and all(layer["exposures"] for layer in doc["layers"])
    assert "unreachable-gray" in [f["code"] for f in doc["findings"]]
