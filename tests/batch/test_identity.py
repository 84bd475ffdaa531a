"""What makes a job of a batch another one: every option that its bytes depend on, and no other."""

import shutil

import msgspec
import pytest
from batched import PART

from pmsl.batch.fingerprint import ELSEWHERE, FileHashes, identity
from pmsl.pipeline.slice_request import SliceRequest

OTHER = {  # of options that bytes depend on, a value that is not the usual one
    "format": "ome-tiff",
    "layer_um": 7.0,
    "layer_heights": "auto:5,20",
    "no_checks": True,
    "exposure_s": 3.0,
    "bottom_dose_factors": "4,2",
    "xy_offset_um": -1.5,
    "bottom_xy_offset_um": -2.5,
    "pitch_um": "9",
    "field": "200x160",
    "coverage": "volume",
    "unreachable": "lift",
    "irradiance": 11.0,
    "unit": "um",
    "repair": "none",
    "weld_um": 0.1,
    "at": "10,20",
    "rotate": "0,0,90",
    "scale": "2",
    "keep_place": True,
    "spacing_um": "30,30",
    "pack": 40.0,
    "plates": 2,
    "dose_scale": "1.5",
    "depth": 4,
    "dose": True,
    "no_design": True,
    "correct": "edges",
    "accept_uncalibrated": True,
    "png": "small",
    "fail_on": "warning",
    "lossy": True,
    "fields": "2x2",
    "pause": ["2=change the resin"],
    "engine": "fine",
    "values": {"resin.dp_um": 40},
}
SAME = {"threads": 1, "processes": 2, "scheduler": "tcp://host:1", "preview": "x.png", "force": True, "out": "elsewhere"}


@pytest.fixture
def order(tmp_path):
    shutil.copy(PART, tmp_path / "a.stl")
    return SliceRequest(meshes=[str(tmp_path / "a.stl")], out="a", printer="pmsl-10um", resin="pr48-405")


def test_every_option_is_one_or_the_other():
    assert {*OTHER, *ELSEWHERE} == set(SliceRequest.__struct_fields__) and not set(OTHER) & set(ELSEWHERE)


@pytest.mark.parametrize("name", OTHER)
def test_an_option_that_changes_bytes_makes_another_job(order, name):
    asked = {"spacing_um": {"copies": "2x1"}, "plates": {"pack": 40.0}}.get(name, {})  # which make sense only with another
    plain = msgspec.structs.replace(order, **asked)
    changed = msgspec.structs.replace(plain, **{name: OTHER[name]})
    assert identity(changed, FileHashes()) != identity(plain, FileHashes())


@pytest.mark.parametrize("name", SAME)
def test_an_option_that_changes_no_byte_leaves_the_job_as_it_is(order, name):
    assert identity(msgspec.structs.replace(order, **{name: SAME[name]}), FileHashes()) == identity(order, FileHashes())


def test_what_comes_resolved_counts_by_what_it_holds(order, tmp_path):
    usual = identity(order, FileHashes())
    for changed in ({"printer": "microfluidics-7.6um"}, {"resin": "pegda-nps-1.0-385"}, {"copies": "2x1"}):
        assert identity(msgspec.structs.replace(order, **changed), FileHashes()) != usual
    shutil.copy(tmp_path / "a.stl", tmp_path / "r.stl")
    region = msgspec.structs.replace(order, region=[f"{tmp_path / 'r.stl'}=2"])
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("a.stl", "r.stl"):
        shutil.copy(tmp_path / name, moved / name)
    there = msgspec.structs.replace(order, meshes=[str(moved / "a.stl")], region=[f"{moved / 'r.stl'}=2"])
    assert identity(region, FileHashes()) == identity(there, FileHashes()) != usual
    with open(tmp_path / "a.stl", "ab") as file:
        file.write(b" ")
    assert identity(order, FileHashes()) != usual
