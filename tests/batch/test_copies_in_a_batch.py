"""Copies in a batch: keys of a job like the options of `pmsl slice`; plates and workers are none."""

from pathlib import Path

import msgspec
import pytest

from pmsl.batch.batch_file import read_batch
from pmsl.batch.fingerprint import FileHashes, identity
from pmsl.errors import BatchError, UsageError
from pmsl.pipeline.slice_jobs import prepare_job, slice_job
from pmsl.pipeline.slice_request import SliceRequest

F = "f_orientation.stl"


def batch(folder, text):
    (folder / "b.toml").write_text(f"schema = 'pmsl.batch/1'\nout = 'out'\n[[job]]\nname = 'a'\nmeshes = ['{F}']\n{text}\n")
    return read_batch(folder / "b.toml").jobs[0].request


def test_arrays_and_lists_of_copies(tmp_path):
    order = batch(tmp_path, "copies = '3x2'\nspacing_um = [100, 50.5]")
    assert (order.copies, order.layout().spacing_um) == ("3x2", (100, 50.5))
    assert batch(tmp_path, "copies = 4\npack = 100").layout().clearance_um == 100
    assert batch(tmp_path, "copies = 'c.csv'").copies == str(tmp_path / "c.csv")


@pytest.mark.parametrize("key", ["plates = 2", "processes = 2", "scheduler = 'local'"])
def test_what_is_no_matter_of_a_job(tmp_path, key):
    with pytest.raises(BatchError, match="unknown key"):
        batch(tmp_path, key)


def test_another_list_is_another_job(tmp_path, samples):
    order = SliceRequest(
        meshes=[str(samples / F)], out=str(tmp_path / "job"), copies=str(tmp_path / "c.csv"), printer="pmsl-2um", resin="pr48-405"
    )
    seen = []
    for text in ("x_um,y_um\n1,2\n", "x_um,y_um\n1,3\n", "x_um,y_um\n1,2\n"):
        (tmp_path / "c.csv").write_text(text)
        seen.append(identity(order, FileHashes()))
    assert seen[0] == seen[2] != seen[1]
    moved = msgspec.structs.replace(order, copies=str(Path(tmp_path) / "." / "c.csv"), processes=2)
    assert identity(moved, FileHashes()) == seen[0]
    made = slice_job(msgspec.structs.replace(order, scale="0.3,0.3,1"))
    assert made.placed.parts[0].bounds_um()[0].tolist() == pytest.approx([1, 2, 0]) and (tmp_path / "job").is_dir()


def test_an_order_of_several_plates_is_no_single_job(tmp_path, samples):
    order = SliceRequest(meshes=[str(samples / F)], out=str(tmp_path / "job"), pack=5.0, plates=2)
    with pytest.raises(UsageError, match="--plates 2: several jobs come of this order"):
        prepare_job(order)
