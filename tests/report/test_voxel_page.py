"""The page of an array of voxels: blocks, slices as they are in the file, findings; damaged files are refused, mutated ones too."""

import base64
import io
import json
import re

import numpy as np
import pytest
import two_photon_jobs as jobs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tiers import examples

import pmsl
from pmsl.errors import JobError, UsageError
from pmsl.pipeline.two_photon.write_two_photon import write_two_photon
from pmsl.report.voxel_page import write_voxel_report


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("voxels") / "a.npy"
    write_two_photon(jobs.job(block_um=4.0, overlap_um=0.4), path, threads=1, fail_on=None)
    return path


def test_a_page_shows_blocks_slices_and_findings(written, tmp_path):
    out = tmp_path / "a.html"
    assert write_voxel_report(written, out) == 27
    text = out.read_text(encoding="utf-8")
    facts = json.loads((written.parent / "a.npy.json").read_text())
    assert text.count("<rect") == len(facts["blocks"]) == 9 and "voxels-below-threshold" in text and "no: placeholders" in text
    assert "http" not in text.replace("http-equiv", "") and "<script" not in text and "default-src 'none'" in text
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in re.findall(r"base64,([^\"]+)", text)]
    numbers = [int(k) for k in re.findall(r"slice (\d+), z", text)]
    assert len(pictures) == len(numbers) + 1 == 7
    array = np.load(written)
    for k, picture in zip(numbers, pictures[:-1], strict=True):
        assert np.abs(picture[::-1] / 255.0 - array[:, :, k] * 50.0 / 18.0).max() <= 0.5 / 255 + 1e-6
    assert pictures[-1].shape == (27, array.shape[1]) and pictures[-1].max() == 255
    with pytest.raises(UsageError, match="exists"):
        write_voxel_report(written, out)
    write_voxel_report(written, out, force=True)


def test_text_of_a_file_is_no_markup(written, tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(written.read_bytes())
    facts = json.loads((written.parent / "a.npy.json").read_text())
    facts["printer"], facts["findings"][0]["message"] = "<script>alert(1)</script>", "<img src=x onerror=y>"
    (tmp_path / "a.npy.json").write_text(json.dumps(facts))
    write_voxel_report(path, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text()
    assert "<script" not in text and "<img src=x" not in text and "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("shape", [1, 2, 3], r"shape is \(1, 2, 3\), the array's"),
        ("pitch_um", [0.2, 0.2, 0.0], "pitch_um"),
        ("blocks", [], "blocks"),
        ("axes", ["x", "y", "z"], "axes"),
        ("schema", "pmsl.voxels/9", "schema"),
        ("unit", 4, "unit"),
    ],
)
def test_a_sidecar_that_does_not_fit_is_refused(written, tmp_path, key, value, said):
    path = tmp_path / "a.npy"
    path.write_bytes(written.read_bytes())
    facts = json.loads((written.parent / "a.npy.json").read_text())
    (tmp_path / "a.npy.json").write_text(json.dumps({**facts, key: value}))
    with pytest.raises(JobError, match=said):
        write_voxel_report(path, tmp_path / "a.html")
    assert pmsl.verify(path) and not (tmp_path / "a.html").exists()


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.booleans(), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), min_size=1, max_size=4), st.booleans())
def test_mutated_files_are_read_or_refused(written, tmp_path, beside, changes, cut):
    path = tmp_path / "a.npy"
    contents = {path: written.read_bytes(), path.with_name("a.npy.json"): (written.parent / "a.npy.json").read_bytes()}
    name = path.with_name("a.npy.json") if beside else path
    data = bytearray(contents[name])
    for place, some in changes:
        at = int(place * (len(data) if beside else 128))  # of the array: in its header
        data[at : at + (0 if cut else len(some))] = some
    contents[name] = bytes(data)
    for file, text in contents.items():
        file.write_bytes(text)
    try:
        problems = pmsl.verify(path)
        assert all(isinstance(p, str) and p for p in problems)
        write_voxel_report(path, tmp_path / "a.html", force=True)
    except JobError as err:
        assert str(err)
