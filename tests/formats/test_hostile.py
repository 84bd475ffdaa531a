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
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.errors import JobError
from pmsl.formats.container import read_limits
from pmsl.formats.container.containers import FolderSource, ZipSource
from pmsl.formats.frames import png_write


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
    data = png_write.encode(np.zeros((20000, 20000), np.uint8))
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
    with pytest.raises(JobError, match="has 33554432 bytes, at most 16777216 fit"):
        ZipSource(tmp_path / "x.zip").read("design/000.ply")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_table_of_more_numbers_than_any_job_has(whole, tmp_path, zipped):
    """It packs well and is no larger than it may be: what it would cost is counted before it is taken apart."""
    table = b"[" + b"0," * ((read_limits.ITEMS_FREE if zipped else read_limits.ITEMS) + (1 << 16)) + b"0]"
    assert len(table) < read_limits.of_table(1 << 18, 3)
    path = tmp_path / "x"
    if zipped:
        remade(whole, path, **{"job.json": table})
    else:
        path.mkdir()
        (path / "job.json").write_bytes(table)
    refused_in_little_memory(path, r"job.json: holds \d+ numbers, texts and tables, at most \d+ fit")


def test_a_sparse_file_of_a_folder_is_not_read(tmp_path):
    (tmp_path / "job").mkdir()
    for name, words in (("job.json", f"at most {read_limits.TABLE} fit"), ("design.ply", f"at most {read_limits.FILE} fit")):
        with open(tmp_path / "job" / name, "wb") as file:
            try:
                file.truncate(read_limits.FILE + 1)
            except OSError:
                pytest.skip("no sparse files here")
        with pytest.raises(JobError, match=words):
            FolderSource(tmp_path / "job").text(name) if name == "job.json" else FolderSource(tmp_path / "job").read(name)


@pytest.mark.parametrize(("row", "side", "limit"), [("-y", 1 << 16, read_limits.PIXELS), ("+x", 1 << 14, read_limits.TURNED_PIXELS)])
def test_frames_of_more_pixels_than_are_read(whole, tmp_path, row, side, limit):
    with zipfile.ZipFile(whole) as z:
        doc = json.loads(z.read("job.json"))
    doc["engines"][0]["grid"]["shape"] = [side, side]
    doc["engines"][0]["orientation"] |= {"row": row, "col": "+y" if row == "+x" else "+x", "mirrored": False}
    path = remade(whole, tmp_path / "x.zip", **{"job.json": json.dumps(doc).encode()})
    refused_in_little_memory(path, f"{side}x{side} px, {side * side} in all; at most {limit} are read")


def test_a_large_frame_that_packs_as_no_frame_does(whole, tmp_path):
    """Its grid would allow 400 MB of PNG; the zip gives 64 kB for them."""
    with zipfile.ZipFile(whole) as z:
        doc = json.loads(z.read("job.json"))
    doc["engines"][0]["grid"]["shape"] = [20000, 20000]
    path = remade(whole, tmp_path / "x.zip", **{"job.json": json.dumps(doc).encode(), "frames/00000.png": bytes(1 << 26)})
    refused_in_little_memory(path, "frames/00000.png has 67108864 bytes, at most 16777216 fit")


@pytest.mark.parametrize("name", ["native", "byu", "sl1", "nanodlp", "goo", "ctb", "ctb-xor", "ome-tiff", "ome-zarr"])
def test_a_frame_of_more_runs_than_are_read(tmp_path, monkeypatch, name):
    """Noise in a large frame takes ten times its pixels: every reader stops at the same number of runs."""
    noise = np.random.default_rng(3).integers(0, 128, (19, 27)).astype(np.uint8) * 2
    pmsl.write(job_of([noise], printer_of((19, 27))), tmp_path / "x", format=name, design=False, lossy=True)
    job = pmsl.read(tmp_path / "x")
    assert len(job[0].exposures[0].mask.runs_8bit().col) > 300
    monkeypatch.setattr(read_limits, "RUNS", 300)
    with pytest.raises(JobError, match="holds more than 300 runs of equal pixels"):
        pmsl.read(tmp_path / "x")[0]
    assert any("300 runs" in p for p in pmsl.verify(tmp_path / "x"))


@given(packed=st.integers(0, 1 << 40), more=st.integers(0, 1 << 30), members=st.integers(0, read_limits.MEMBERS))
def test_limits_grow_with_the_file_up_to_an_end(packed, more, members):
    assert read_limits.FREE <= read_limits.of_member(packed) <= read_limits.of_member(packed + more) <= read_limits.FILE
    assert (
        read_limits.TABLE_FREE <= read_limits.of_table(packed, members) <= read_limits.of_table(packed + more, members) <= read_limits.TABLE
    )
    assert read_limits.of_table(packed, 0) <= max(read_limits.UNPACKED, read_limits.TABLE_FREE)  # a zip with little in it stays cheap


def test_a_directory_that_says_less_than_it_holds(whole, tmp_path, monkeypatch):
    """Entries are read as long as there are bytes, whatever number is written down."""
    data = bytearray(whole.read_bytes())
    at = data.rindex(b"PK\5\6")
    data[at + 8 : at + 12] = struct.pack("<HH", 1, 1)
    (tmp_path / "x.zip").write_bytes(data)
    assert pmsl.verify(tmp_path / "x.zip") == []
    monkeypatch.setattr(read_limits, "MEMBERS", 3)
    with pytest.raises(JobError, match="a zip of 4 files"):
        pmsl.read(tmp_path / "x.zip")


def test_more_members_or_a_larger_directory_than_any_job(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(read_limits, "MEMBERS", 3)
    with pytest.raises(JobError, match="a zip of 4 files"):
        pmsl.read(whole)
    monkeypatch.setattr(read_limits, "MEMBERS", 100)
    monkeypatch.setattr(read_limits, "DIRECTORY", 100)
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


def packed_parts(whole, path, sizes):
    """Write the job with parts of zeros of these sizes, which pack a thousandfold, named and hashed as they are."""
    doc = json.loads(zipfile.ZipFile(whole).read("job.json"))
    files = {f"design/{i:03d}.ply": bytes(size) for i, size in enumerate(sizes)}
    doc["design"] = [{"file": name, "sha256": hashlib.sha256(data).hexdigest(), "label": "x"} for name, data in files.items()]
    return remade(whole, path, **{"job.json": json.dumps(doc).encode()}, **files)


def test_verify_unpacks_no_more_of_parts_than_a_reader_may(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(read_limits, "FREE", 1 << 16)
    monkeypatch.setattr(read_limits, "UNPACKED", 1 << 17)
    unpacked, of = [], ZipSource.sha256
    monkeypatch.setattr(ZipSource, "sha256", lambda self, name: unpacked.append(name) or of(self, name))
    found = pmsl.verify(packed_parts(whole, tmp_path / "one.zip", [1 << 18]))
    assert any("design/000.ply has 262144 bytes, at most" in problem for problem in found) and unpacked == []
    path = packed_parts(whole, tmp_path / "many.zip", [1 << 16] * 200)
    most = max(read_limits.FREE, read_limits.RATIO * path.stat().st_size)
    found = pmsl.verify(path)
    assert any(f"with the parts before it more than the {most} bytes" in problem for problem in found)
    assert len(unpacked) == most >> 16 < 200
    assert pmsl.verify(packed_parts(whole, tmp_path / "few.zip", [1 << 16] * 2)) == []


def test_verify_leaves_a_sparse_part_of_a_folder(whole, tmp_path):
    with zipfile.ZipFile(packed_parts(whole, tmp_path / "few.zip", [100])) as z:
        z.extractall(tmp_path / "job")
    assert pmsl.verify(tmp_path / "job") == []
    with open(tmp_path / "job" / "design" / "000.ply", "r+b") as file:
        file.truncate(1 << 40)
    assert any(f"has {1 << 40} bytes, at most" in problem for problem in pmsl.verify(tmp_path / "job"))
