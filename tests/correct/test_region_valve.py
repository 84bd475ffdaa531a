"""A membrane valve with the regions its author drew, held against the job that the author's own program makes of it."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pmsl
from pmsl.masks import coverage
from pmsl.pipeline.slice_jobs import slice_job
from pmsl.pipeline.slice_request import SliceRequest

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
PEER_JOB = CASES / "region_valve_peer_job.zip"
BULK_MS = 450.0
DARK_PX = 8  # pixels it lights where the part is empty: circles are drawn with whole pixels, and lack four inside of their edge
MISSED_PX = 4  # the same of the membrane's, which its bulk image lights instead
SIDE, FIRST = 36, (782, 1262)  # pixels of the part, and where the peer puts it in its frames
NAMES = ("membrane_layer", "fluidic_block", "slow_above_membrane", "vertical_channel_edges")

pytestmark = pytest.mark.skipif(not PEER_JOB.is_file(), reason="no ../shared/cases beside the project")

PROCESS = """
schema = "pmsl.process/1"
name = "valve"
description = "10 µm layers, edges of 1 px, across corners too"
layer_um = 10
bottom_dose_factors = []
[regions]
edge = 0.6
edge_erode_px = 1.5
"""


def regions_file(folder):
    said = {
        "membrane_layer": "dose_scale = 0.5\nfocus_um = 50\ndilate_um = 15.2",  # 2 px
        "fluidic_block": "dose_scale = 2",
        "slow_above_membrane": "dose_scale = 1",
        "vertical_channel_edges": 'factors = ["edge"]',
    }
    text = "".join(f'[[region]]\nmesh = "{CASES}/region_valve_{name}.stl"\n{said[name]}\n' for name in NAMES)
    (folder / "regions.toml").write_text(text)
    (folder / "valve.toml").write_text(PROCESS)
    return str(folder / "regions.toml"), str(folder / "valve.toml")


@pytest.fixture(scope="module")
def order(tmp_path_factory):
    folder = tmp_path_factory.mktemp("valve")
    regions, process = regions_file(folder)
    meshes = [str(CASES / "region_valve_part.stl")]
    return SliceRequest(meshes=meshes, out=str(folder / "job"), process=process, regions=regions, printer="microfluidics-7.6um")


@pytest.fixture(scope="module")
def job(order):
    return slice_job(order).job


@pytest.fixture(scope="module")
def peer():
    """Images of every layer of the peer: dose over that of bulk and focus of each, (rows, cols) with row 0 at the smallest y."""
    with zipfile.ZipFile(PEER_JOB) as archive:
        table = json.loads(archive.read("print_settings.json"))
        named, folder = table["Named image settings"], table["Header"]["Image directory"]
        layers = []
        for layer in table["Layers"]:
            shown = []
            for image in layer["Image settings list"]:
                said = {**named.get(image.get("Using named image settings"), {}), **image}
                levels = np.array(Image.open(io.BytesIO(archive.read(f"{folder}/{image['Image file']}"))))
                assert not levels[: FIRST[0]].any() and set(np.unique(levels)) <= {0, 255}
                inside = levels[FIRST[0] : FIRST[0] + SIDE, FIRST[1] : FIRST[1] + SIDE][::-1] > 0
                assert inside.sum() == (levels > 0).sum()
                factor = said.get("Layer exposure time (ms)", BULK_MS) / BULK_MS
                shown.append((inside * factor, said.get("Relative focus position (um)", 0)))
            layers += [shown] * layer.get("Number of duplications", 1)
    return layers


def doses_of(exposures, white):
    """Doses over the ordinary one by focus, in the part's box."""
    out = {}
    for e in exposures:
        levels = e.mask.dense(np.float64)
        inside = levels[FIRST[0] : FIRST[0] + SIDE, FIRST[1] : FIRST[1] + SIDE]
        assert inside.sum() == pytest.approx(levels.sum())
        out[e.focus_um] = out.get(e.focus_um, 0.0) + inside * e.dose_mj_cm2 / white
    return out


def covers(name, z_edges_um):
    """Exact coverage of a shape in every layer, in the part's own box."""
    solid = pmsl.load_solid(CASES / f"region_valve_{name}.stl", "mm")
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=7.6, shape=(SIDE, SIDE), z_edges_um=z_edges_um)
    return [coverage([solid], grid, k) for k in range(grid.n_layers)]


def test_layers_and_exposures_are_those_of_the_peer(job, peer):
    assert job.n_layers == len(peer) == 24
    for k, shown in enumerate(peer):
        assert 1 <= len(job[k].exposures) <= 3
        assert {e.focus_um for e in job[k].exposures} == {float(focus) for _, focus in shown}
    assert len(job[6].exposures) == 2  # the membrane has a focus of its own
    assert [r.label.removeprefix("region_valve_").removesuffix(".stl") for r in job.regions] == list(NAMES)


def test_masks_and_dose_ratios_agree_wherever_a_pixel_is_whole(job, peer):
    """Pixels that boundaries cross are binary in the peer's job; so are doses of the bottom layers, which its regions replace."""
    z = np.arange(25) * 10.0
    part = covers("part", z)
    shapes = {name: covers(name, z) for name in NAMES}
    white = next(e for e in job[20].exposures).dose_mj_cm2
    lit_where_empty, wrong = 0, {}
    for k, shown in enumerate(peer):
        ours = doses_of(job[k].exposures, white)
        whole = (part[k] < 1e-6) | (part[k] > 1 - 1e-6)
        for name in ("membrane_layer", "fluidic_block"):
            whole &= (shapes[name][k] < 1e-6) | (shapes[name][k] > 1 - 1e-6)
        theirs = {focus: sum(dose for dose, f in shown if f == focus) for _, focus in shown}
        lit_where_empty += int(((sum(theirs.values()) > 0) & (part[k] < 1e-9)).sum())
        for focus, dose in theirs.items():
            compared = whole & (part[k] > 0.5)
            if k < 3:
                compared &= dose <= 2.0
            if focus == 50:
                compared &= np.isin(ours[50.0].round(3), (0.0, 0.5))
            assert compared.sum() > 500 or k < 3
            wrong[k, focus] = int((np.abs(ours[float(focus)] - dose)[compared] > 0.5 / 255 * 2.0 * 1.01).sum())
    assert lit_where_empty == DARK_PX
    assert {at: n for at, n in wrong.items() if n} == {(6, 0): MISSED_PX}


def test_the_membrane_has_its_collar_and_its_focus(job, peer):
    white = job[20].exposures[0].dose_mj_cm2
    ours = doses_of(job[6].exposures, white)
    theirs = {focus: dose for dose, focus in peer[6]}
    row, col = np.indices((SIDE, SIDE)) + 0.5 - 18
    radius = np.hypot(row, col)
    assert ours[50.0][radius < 11] == pytest.approx(0.5, abs=1e-3) and (theirs[50][radius < 11] == 0.5).all()
    assert not ours[50.0][radius > 13].any() and not theirs[50][radius > 13].any()
    assert ours[0.0][radius > 11] == pytest.approx(1.0, abs=0.02) and not ours[0.0][radius < 9].any()
    area = ours[50.0].sum() / 0.5
    assert area == pytest.approx(np.pi * 12**2, rel=0.02)  # the drawn circle is a polygon


def test_it_is_written_for_the_host_of_the_peer(job, tmp_path, peer):
    pmsl.write(job, tmp_path / "valve.zip", format="byu")
    again = pmsl.read(tmp_path / "valve.zip")
    for k in range(24):
        a, b = job[k].exposures, again[k].exposures
        assert [(e.focus_um, e.mask.sha256()) for e in a] == [(e.focus_um, e.mask.sha256()) for e in b]
        assert [e.time_s for e in a] == pytest.approx([e.time_s for e in b], rel=1e-9)
    table = json.loads(zipfile.ZipFile(tmp_path / "valve.zip").read("print_settings.json"))
    focused = [settings for settings in tables_in(table) if settings.get("Relative focus position (um)") == 50]
    assert focused and all("Image settings list" not in settings for settings in focused)  # of images, under a name or in a layer


def tables_in(item):
    inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return [*([item] if isinstance(item, dict) else []), *(table for one in inner for table in tables_in(one))]
