"""The page of a job as a file: the same bytes, nothing from elsewhere, foreign text nowhere but in JSON."""

import base64
import dataclasses
import json
import os
import re
import sys
import zlib

import msgspec
import numpy as np
import pytest
from jobs_of_arrays import job_of
from page_jobs import HOSTILE, hostile_job, job_with_exposures

import pmsl
from pmsl.errors import OutputError, UsageError
from pmsl.job.layer_source import MappedLayers
from pmsl.predict.cross_section import Section
from pmsl.report.page.blocks import packed
from pmsl.report.page.overlay_size import fitted
from pmsl.report.viewer.served_job import ServedJob
from pmsl.report.viewer.view_page import view_page


def blocks_of(path):
    """The named elements of a page, and its data."""
    text = path.read_text(encoding="utf-8")
    found = dict(re.findall(r'<script type="text/plain" id="([\w-]+)">([^<]*)</script>', text))
    return found, json.loads(found["page-data"])


def inflated(text):
    return zlib.decompress(base64.b64decode(text)) if text else b""


def planes(data):
    """uint16 numbers stored with their lowest bytes first."""
    low, high = np.frombuffer(data, np.uint8).reshape(2, -1).astype(np.uint16)
    return low | high << 8


def test_the_same_job_is_the_same_bytes_and_reads_back(tmp_path):
    job = job_with_exposures()
    for name, threads in (("a.html", 1), ("b.html", 3)):
        pmsl.report(job, tmp_path / name, threads=threads)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    blocks, facts = blocks_of(tmp_path / "a.html")
    for k, (layer, plan) in enumerate(zip(facts["layers"], job.layers(), strict=True)):
        assert [e["time_s"] for e in layer["exposures"]] == [e.time_s for e in plan.exposures]
        for shown, e in zip(layer["exposures"], plan.exposures, strict=True):
            row0, col0, rows, cols = facts["frames"][shown["frame"]]
            levels = np.zeros((job.grid.shape[0], job.grid.shape[1] + 3), np.uint8)
            data = inflated(blocks[f"frame-{shown['frame']}"])
            levels[row0 : row0 + rows, col0 : col0 + cols] = np.frombuffer(data, np.uint8).reshape(rows, cols)
            assert col0 % 4 == cols % 4 == 0 and np.array_equal(levels[:, :-3], e.mask.dense(np.uint8)), k
    assert len(facts["frames"]) < sum(len(layer["exposures"]) for layer in facts["layers"])  # equal frames stand once


def test_a_written_job_has_the_page_of_the_one_in_memory(tmp_path):
    job = pmsl.read(_written(tmp_path))
    pmsl.report(job, tmp_path / "a.html", predict=False)
    pmsl.report(tmp_path / "job.zip", tmp_path / "b.html", predict=False)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def _written(folder):
    pmsl.write(job_with_exposures("even"), folder / "job.zip")
    return folder / "job.zip"


def test_facts_of_layers_are_those_of_the_job(tmp_path):
    """Of a job in memory, of one that states them, and as they are served; every key is one that the graphs know."""
    job = job_with_exposures("even")
    pmsl.write(job, tmp_path / "job.zip")
    wanted = [msgspec.to_builtins(job[k].facts) for k in range(job.n_layers)]
    for one in (job, tmp_path / "job.zip"):
        pmsl.report(one, tmp_path / "page.html", predict=False, force=True)
        rows = blocks_of(tmp_path / "page.html")[1]["layers"]
        assert [{key: row[key] for key in facts} for row, facts in zip(rows, wanted, strict=True)] == json.loads(json.dumps(wanted))
    served = ServedJob(job)
    assert [{key: served.layer(k)[key] for key in facts} for k, facts in enumerate(wanted)] == wanted
    assert {"components", "perimeter_um", "overhang_um2"} <= set(wanted[3]) and wanted[3]["components"] == 2


def test_foreign_text_is_json_and_nothing_else(tmp_path):
    pmsl.report(hostile_job(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    _, facts = blocks_of(tmp_path / "page.html")
    for words in HOSTILE[:3]:
        assert words not in text
    assert HOSTILE[0] in facts["title"] and [HOSTILE[0], HOSTILE[1]] in facts["provenance"]
    scripts = re.findall(r"<script[^>]*>", text)
    assert all(tag == "<script>" or re.fullmatch(r'<script type="text/plain" id="[\w-]+">', tag) for tag in scripts)
    assert scripts.count("<script>") == 1 and not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text.partition("library")[0])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert "default-src &#x27;none&#x27;" in policy and "connect-src &#x27;none&#x27;" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0] and "unsafe-eval" not in policy


def test_sections_of_the_page_are_those_of_simulate(tmp_path):
    job = job_with_exposures()
    places = (("x", 233.0), ("y", 240.0))
    cuts = [Section(job.grid, *place) for place in places]
    pmsl.simulate(job, watch=cuts)
    pmsl.report(job, tmp_path / "page.html", sections=places)
    blocks, facts = blocks_of(tmp_path / "page.html")
    for cut, stored in zip(cuts, facts["sections"], strict=True):
        found = {kind: planes(inflated(blocks[name])).reshape(job.n_layers, stored["n"]) for kind, name in stored["blocks"].items()}
        assert (stored["first_um"], stored["at_um"]) == (cut.along_um[0], cut.at_um) and stored["n"] == len(cut.along_um) - 1
        thick = job.grid.thickness_um[:, None]
        assert np.abs(found["cured"] / 65535 * thick - cut.cured_um).max() <= 1e-5 * thick.max()
        assert np.abs(found["design"] / 65535 - cut.design_share).max() <= 1e-5
        dose = np.where(found["dose"] > 0, stored["least_mj_cm2"] * stored["ratio"] ** (found["dose"] - 1.0), 0.0)
        lit = cut.dose_mj_cm2 > stored["least_mj_cm2"]
        assert np.abs(dose[lit] / cut.dose_mj_cm2[lit] - 1).max() < 2e-4 and lit.any() and found["cured"].any()


def test_predicted_layers_are_means_of_what_is_cured_and_designed(tmp_path, monkeypatch):
    from pmsl.report.page import predicted_layers

    monkeypatch.setattr(predicted_layers, "SCREEN_PX", (20, 22))  # squares of several pixels, cut at the border
    job, seen = job_with_exposures(), {}

    def watch(layer):
        seen[layer.lit.index] = np.clip(layer.lit.front, 0, 1).astype(float), layer.design_share.astype(float)

    pmsl.simulate(job, watch=[watch])
    pmsl.report(job, tmp_path / "page.html")
    blocks, facts = blocks_of(tmp_path / "page.html")
    cured, f = facts["cured"], facts["cured"]["factor"]
    assert f > 1
    for k, maps in seen.items():
        stored = np.frombuffer(inflated(blocks[f"cured-{k}"]), np.uint8).reshape(cured["rows"], cured["cols"])
        for nibble, whole in zip((stored >> 4, stored & 15), maps, strict=True):
            for r, c in np.ndindex(nibble.shape):
                assert abs(nibble[r, c] / 15 - whole[r * f : r * f + f, c * f : c * f + f].mean()) <= 0.5 / 15 + 0.003


def test_findings_of_checks_are_on_the_page_once(tmp_path):
    job = job_with_exposures("even")
    by_check = pmsl.check(job)
    assert by_check
    held = dataclasses.replace(job, findings=(*job.findings, *by_check))
    for one, how in ((job, {}), (held, {}), (held, {"check": False})):
        pmsl.report(one, tmp_path / "page.html", predict=False, force=True, **how)
        shown = [(f["code"], f["layers"]) for f in blocks_of(tmp_path / "page.html")[1]["findings"]]
        for f in by_check:
            assert shown.count((f.code, None if f.layers is None else list(f.layers))) >= 1
        assert len(shown) == len(job.findings) + len(by_check)
    pmsl.report(job, tmp_path / "page.html", predict=False, check=False, force=True)
    assert len(blocks_of(tmp_path / "page.html")[1]["findings"]) == len(job.findings)


def test_predicted_layers_fit_in_the_bytes_there_are():
    """Fewer steps first, then larger squares; means stay means."""
    rng = np.random.default_rng(3)
    maps = {k: rng.integers(0, 256, (41, 53), dtype=np.uint8) for k in range(30)}
    layers = {k: packed(shares) for k, shares in maps.items()}
    whole = sum(map(len, layers.values()))
    assert fitted(layers, (41, 53), whole) == (layers, 1)
    for share in (0.6, 0.2, 0.05):
        made, squares = fitted(layers, (41, 53), int(share * whole))
        assert sum(map(len, made.values())) <= share * whole and (squares > 1) == (share < 0.5)
        shape = -(-41 // squares), -(-53 // squares)
        small = np.frombuffer(zlib.decompress(made[7]), np.uint8).reshape(shape)
        for shift in (4, 0):
            block = (maps[7][:squares, :squares] >> shift & 15).mean()
            assert (small >> shift & 15)[0, 0] == 5 * np.rint(block / 5)
    assert fitted(layers, (41, 53), 1)[1] == 16


def test_jobs_without_design_times_or_doses_say_so(tmp_path):
    levels = np.zeros((3, 20, 30), np.uint8)
    levels[:2, 5:15, 5:25] = 200
    foreign = job_of(levels, [1.0, 2.0, 0.0])
    notes = pmsl.report(foreign, tmp_path / "foreign.html")
    assert any("irradiance" in note for note in notes) and any("no design" in note for note in notes)
    _, facts = blocks_of(tmp_path / "foreign.html")
    assert facts["doses"] is None and facts["layers"][0]["exposures"][0]["white"] is None and "cured" not in facts
    assert facts["layers"][2]["exposures"] == []
    pmsl.write(job_with_exposures("even"), tmp_path / "bare.zip", design=False)
    assert any("no design" in note for note in pmsl.report(tmp_path / "bare.zip", tmp_path / "bare.html"))
    _, facts = blocks_of(tmp_path / "bare.html")
    assert facts["cured"]["design"] is False and facts["doses"] is not None and "prediction" not in facts


@pytest.mark.parametrize("format", ["native", "nanodlp", "sl1", "goo", "ctb", "ome-tiff", "ome-zarr", "byu"])
def test_a_file_of_any_format_has_a_page(tmp_path, format):
    """Each exposure with its time; heights; what the file does not say is said."""
    job = job_with_exposures("even")
    single = dataclasses.replace(
        job, plan_layer=MappedLayers(job.layer_source, lambda p: dataclasses.replace(p, exposures=p.exposures[:1]))
    )
    pmsl.write(single, tmp_path / "out", format=format, lossy=True)
    notes = pmsl.report(tmp_path / "out", tmp_path / "page.html", predict=False)
    assert any("irradiance" in note for note in notes) == (format != "native")
    _, facts = blocks_of(tmp_path / "page.html")
    read = pmsl.read(tmp_path / "out")
    assert [[e["time_s"] for e in layer["exposures"]] for layer in facts["layers"]] == [
        [e.time_s for e in plan.exposures] for plan in read.layers()
    ]
    assert facts["z_edges_um"] == read.grid.z_edges_um.tolist() and len(facts["layers"]) == job.n_layers


def test_corrected_jobs_are_set_beside_plain_ones(tmp_path):
    job = job_with_exposures("even", corrections=("edges",))
    pmsl.report(job, tmp_path / "page.html")
    _, facts = blocks_of(tmp_path / "page.html")
    assert facts["before"]["iou"] != facts["prediction"]["iou"] and len(facts["before-sections"]) == len(facts["sections"]) == 2


def test_a_page_without_plotly_says_so(tmp_path, monkeypatch):
    from pmsl.report.page import job_report

    monkeypatch.setattr(job_report, "drawing_library", lambda: None)
    notes = pmsl.report(job_with_exposures("even"), tmp_path / "page.html")
    assert any("pmsl[view]" in note for note in notes) and "library" not in blocks_of(tmp_path / "page.html")[0]


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path):
    job = job_with_exposures("even")
    with pytest.raises(UsageError, match=r"must end in \.html"):
        pmsl.report(job, tmp_path / "page.pdf")
    with pytest.raises(OutputError, match="choose a folder"):
        pmsl.report(job, tmp_path / "none" / "page.html")
    (tmp_path / "page.html").write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        pmsl.report(job, tmp_path / "page.html")
    with pytest.raises(UsageError, match="outside the part"):
        pmsl.report(job, tmp_path / "other.html", sections=[("x", 1e6)])
    with pytest.raises(UsageError, match="nothing is cut"):
        pmsl.report(job_of(np.full((1, 4, 4), 255, np.uint8), [1.0]), tmp_path / "other.html", sections=[("x", 5.0)])
    assert (tmp_path / "page.html").read_text() == "mine" and sorted(p.name for p in tmp_path.iterdir()) == ["page.html"]


@pytest.mark.parametrize("inside", ["page.html", "frames/page.html"])
def test_a_page_inside_a_job_is_refused(tmp_path, inside):
    """The job would hold something else, and `--force` would not replace it any more."""
    job, folder = job_of(np.full((1, 4, 4), 255, np.uint8), [1.0]), tmp_path / "job"
    pmsl.write(job, folder)
    with pytest.raises(UsageError, match="lies inside the job"):
        pmsl.report(folder, folder / inside)
    pmsl.write(job, folder, force=True)
    pmsl.report(folder, tmp_path / "page.html")


def test_a_page_beside_a_job_json_of_others_is_written(tmp_path):
    (tmp_path / "job.json").write_text('{"schema": "theirs/1"}')
    (tmp_path / "deep").mkdir()
    pmsl.report(job_of(np.zeros((1, 4, 4), np.uint8), [0.0]), tmp_path / "deep" / "page.html")


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text there")
def test_names_that_are_no_text_are_spelled_out(tmp_path):
    """In the page's title, texts and findings, and as it is served."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.sl1")
    pmsl.write(job_of(np.full((1, 4, 4), 255, np.uint8), [1.0]), tmp_path / "job.sl1", lossy=True)
    os.rename(tmp_path / "job.sl1", path)
    job = pmsl.read(path)
    pmsl.report(job, tmp_path / "page.html")
    assert "bad\\udcff.sl1" in json.dumps(blocks_of(tmp_path / "page.html")[1]).replace("\\\\", "\\")
    made = dataclasses.replace(job, provenance=msgspec.structs.replace(job.provenance, placement="</title>\udcff"))
    assert b"<title>&lt;/title&gt;\\udcff" in view_page(made)


def test_an_empty_job_has_a_page(tmp_path):
    notes = pmsl.report(job_of(np.zeros((2, 4, 4), np.uint8), [0.0, 0.0]), tmp_path / "page.html")
    assert notes and blocks_of(tmp_path / "page.html")[1]["frames"] == []
