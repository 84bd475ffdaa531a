"""Archives that want to do harm: each is refused by name, at once, and for little memory."""

import hashlib
import io
import json
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from formats.conformance import f_frame, job_of, printer_of

import pmsl
from pmsl.errors import JobError
from pmsl.formats import bundle, png
from pmsl.formats.bundle import FolderSource, ZipSource


@pytest.fixture
def whole(tmp_path):
    path = tmp_path / "whole.zip"
    pmsl.write(job_of([f_frame((19, 27))] * 3, printer_of((19, 27))), path, design=False)
    return path


def remade(whole, path, compression=zipfile.ZIP_DEFLATED, **changes):
    """The same zip with members replaced or added."""
    with zipfile.ZipFile(whole) as z:
        members = {n: z.read(n) for n in z.namelist()}
    with zipfile.ZipFile(path, "w", compression) as z:
        for name, data in (members | changes).items():
            z.writestr(name, data)
    return path


def refused_in_little_memory(path, words, limit=64 << 20):
    tracemalloc.start()
    try:
        with pytest.raises(JobError, match=words):
            list(pmsl.read(path).layers())
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


def test_a_frame_that_unpacks_to_a_thousand_times_its_size(whole, tmp_path):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z, z.open("frames/00000.png", "w") as member:
        for _ in range(64):
            member.write(bytes(1 << 20))
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(bomb, "a") as z:
        for name in old.namelist():
            if name != "frames/00000.png":
                z.writestr(name, old.read(name))
    (tmp_path / "x.zip").write_bytes(bomb.getvalue())
    assert len(bomb.getvalue()) < 1 << 18
    refused_in_little_memory(tmp_path / "x.zip", r"frames/00000.png has 67108864 bytes, at most \d+ fit")


def test_a_frame_whose_pixels_go_on_for_ever(whole, tmp_path):
    """A small PNG of the right size by its header; inflating stops one byte after the last pixel."""
    data = png.encode(np.zeros((20000, 20000), np.uint8))
    header = struct.pack(">II", 27, 19) + data[24:29]
    lie = data[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]
    with zipfile.ZipFile(whole) as z:
        doc = json.loads(z.read("job.json"))
    doc["layers"][0]["exposures"][0]["file_sha256"] = hashlib.sha256(lie).hexdigest()
    path = remade(whole, tmp_path / "y.zip", **{"frames/00000.png": lie, "job.json": json.dumps(doc).encode()})
    refused_in_little_memory(path, "go on after the last row")


def test_a_table_that_unpacks_to_more_than_it_may(whole, tmp_path):
    path = remade(whole, tmp_path / "x.zip", **{"job.json": b"[" + b"[]," * (1 << 23) + b"0]"})
    refused_in_little_memory(path, r"job.json has 25165827 bytes, at most \d+ fit")


def test_a_design_that_unpacks_a_thousandfold(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("design/000.ply", bytes(1 << 25))
    with pytest.raises(JobError, match="at most 16777216 fit"):
        ZipSource(tmp_path / "x.zip").read("design/000.ply")


def test_more_members_or_a_larger_directory_than_any_job(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "MOST_MEMBERS", 3)
    with pytest.raises(JobError, match="a zip of 4 files"):
        pmsl.read(whole)
    monkeypatch.setattr(bundle, "MOST_MEMBERS", 100)
    monkeypatch.setattr(bundle, "DIRECTORY", 100)
    with pytest.raises(JobError, match="its directory of"):
        pmsl.read(whole)


def test_a_directory_that_claims_to_be_huge(whole, tmp_path):
    data = bytearray(whole.read_bytes())
    at = data.rindex(b"PK\5\6")
    data[at + 12 : at + 16] = struct.pack("<I", 0xFFFFFFF0)
    (tmp_path / "x.zip").write_bytes(data)
    refused_in_little_memory(tmp_path / "x.zip", "its directory of 4294967280 bytes")


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_compression_that_no_job_has(whole, tmp_path, how):
    refused_in_little_memory(remade(whole, tmp_path / "x.zip", how), "compressed in a way")


def test_an_encrypted_member(whole, tmp_path):
    data = bytearray(whole.read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 4)
    (tmp_path / "x.zip").write_bytes(data)
    refused_in_little_memory(tmp_path / "x.zip", "cannot be read")


@pytest.mark.parametrize("name", ["../up.png", "/etc/passwd", "a/../../b", "c:evil", "back\\slash", "nul\0"])
def test_paths_that_leave_the_job(whole, tmp_path, name):
    for source in (ZipSource(whole), FolderSource(tmp_path)):
        with pytest.raises(JobError, match="no path inside a job"):
            source.read(name)


def test_names_that_differ_in_case_only(whole, tmp_path):
    refused_in_little_memory(remade(whole, tmp_path / "x.zip", **{"JOB.JSON": b"{}"}), "twice")


def test_a_zip_in_a_folder_job_that_is_a_link_out(tmp_path):
    (tmp_path / "job").mkdir()
    (tmp_path / "secret.json").write_text("{}")
    (tmp_path / "job" / "job.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(JobError, match="no ordinary file"):
        pmsl.read(tmp_path / "job")
