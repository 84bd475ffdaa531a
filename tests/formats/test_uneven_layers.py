"""Layers of several heights, and seven bits of gray: what every reader of a format takes, or a refusal by name."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from formats.conformance import f_frame, job_of, printer_of

import pmsl
from pmsl.errors import TargetError
from pmsl.formats.ctb.ctb_records import HEADER, LAYER

UNEVEN = {
    "first": [0, 50, 60, 70, 80],
    "last": [0, 10, 20, 30, 80],
    "one and a half": [0, 10, 25, 35, 45],
    "falling": [0, 50, 75, 90, 100],
    "even": [0, 10, 20, 30, 40],
}


def uneven_job(edges):
    return job_of([f_frame((37, 53))] * 4, printer_of((37, 53)), edges_um=np.array(edges, float))


@pytest.mark.parametrize("edges", UNEVEN.values(), ids=UNEVEN)
@pytest.mark.parametrize("name", ["ctb", "ctb-xor"])
def test_no_layer_of_a_ctb_is_far_above_the_nominal_height(tmp_path, name, edges):
    """One reader refuses layers above 1.5 times the nominal height, tops below 1 µm or that fall; in floats of 32 bits, as it counts."""
    path = tmp_path / "x.ctb"
    pmsl.write(uneven_job(edges), path, format=name)
    head = HEADER.unpack(path.read_bytes()[: HEADER.size], "x")
    tops = LAYER.table(path.read_bytes()[head["table_at"] :][: 4 * LAYER.size], "x")["z_mm"].astype(np.float32)
    nominal = np.float32(head["layer_mm"])
    assert (np.diff(tops) > 0).all() and (np.diff(tops) <= nominal * np.float32(1.5)).all() and tops[0] >= np.float32(0.001)
    assert pmsl.read(path).grid.z_edges_um == pytest.approx(edges, abs=1e-3)
    if edges == UNEVEN["even"]:
        assert nominal == np.float32(0.01)


def test_a_first_layer_that_a_reader_refuses_is_said(tmp_path):
    found = {f.code for f in pmsl.write(uneven_job([0, 0.5, 10, 20, 30]), tmp_path / "x.ctb").findings}
    assert "thin-first-layer" in found
    assert "thin-first-layer" not in {f.code for f in pmsl.write(uneven_job(UNEVEN["last"]), tmp_path / "y.ctb").findings}


def test_seven_bits_are_the_grays_of_a_ctb(tmp_path):
    frame = np.resize(np.arange(256, dtype=np.uint8), (37, 53))
    job = job_of([frame, f_frame((37, 53))], printer_of((37, 53)))
    with pytest.raises(TargetError, match="gray is"):
        pmsl.write(job, tmp_path / "x.ctb")
    few = pmsl.pipeline.with_depth(job, 7)
    pmsl.write(few, tmp_path / "x.ctb")
    again = pmsl.read(tmp_path / "x.ctb")[0].exposures[0].mask.dense(np.uint8)
    assert np.array_equal(again, few[0].exposures[0].mask.dense(np.uint8)) and len(np.unique(again)) == 128
    assert np.abs(again.astype(int) - frame).max() <= 2  # no gray is further off than the first, which is 3 or nothing


@pytest.mark.parametrize("edges", UNEVEN.values(), ids=UNEVEN)
def test_planes_of_an_ome_tiff_say_their_z(tmp_path, edges):
    import tifffile

    written = pmsl.write(uneven_job(edges), tmp_path / "x.tif")
    with tifffile.TiffFile(tmp_path / "x.tif") as tiff:
        xml = ET.fromstring(tiff.ome_metadata)
    pixels = xml.find(".//{*}Pixels")
    planes = [(float(p.get("PositionZ")), p.get("PositionZUnit")) for p in pixels.findall("{*}Plane")]
    assert planes == [(z, "µm") for z in edges[1:]]
    even = edges == UNEVEN["even"]
    assert pixels.get("PhysicalSizeZ") == ("10.0" if even else None) and (pixels.get("PhysicalSizeZUnit") is not None) == even
    assert ("uneven-layers" in {f.code for f in written.findings}) != even
    assert pmsl.read(tmp_path / "x.tif").grid.z_edges_um.tolist() == edges


@pytest.mark.parametrize("edges", UNEVEN.values(), ids=UNEVEN)
def test_an_ome_zarr_has_one_step_in_z_or_counts_layers_and_says_their_z(tmp_path, edges):
    pytest.importorskip("zarr")
    path, job = tmp_path / "x.zarr", uneven_job(edges)
    even = edges == UNEVEN["even"]
    found = {f.code for f in pmsl.write(job, path).findings}
    attributes = json.loads((path / "zarr.json").read_text())["attributes"]
    assert attributes["pmsl"]["z_edges_um"] == edges
    scales = attributes["ome"]["multiscales"][0]
    assert scales["axes"][0] == ({"name": "z", "type": "space", "unit": "micrometer"} if even else {"name": "z", "type": "space"})
    assert scales["datasets"][0]["coordinateTransformations"][0]["scale"][0] == (10.0 if even else 1.0)
    assert ("uneven-layers" in found) != even
    assert pmsl.read(path).grid.z_edges_um.tolist() == edges and pmsl.verify(path) == []
