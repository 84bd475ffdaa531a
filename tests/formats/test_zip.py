"""Zips are what the standard library writes, though their members are written in one go."""

import os
import zipfile

from pmsl.formats.container import containers


def test_a_zip_is_byte_for_byte_what_zipfile_writes(tmp_path):
    """Members written without going back to their heads stand before and after some that are compressed."""
    files = [("a.json", b"{}" * 50), ("frames/0.png", b"\x00" * 10), ("frames/é.png", os.urandom(70_000))]
    files += [("b.json", b"[]"), ("empty.png", b"")]
    sink = containers.ZipSink(tmp_path / "ours.zip")
    for name, data in files:
        sink.add(name, data)
    sink.close()
    with zipfile.ZipFile(tmp_path / "theirs.zip", "w") as theirs:
        for name, data in files:
            info = zipfile.ZipInfo(name, containers.ZIP_DATE)
            info.create_system, info.external_attr = 3, 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            theirs.writestr(info, data)
    assert (tmp_path / "ours.zip").read_bytes() == (tmp_path / "theirs.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "ours.zip") as read:
        assert read.testzip() is None and [(n, read.read(n)) for n in read.namelist()] == files


def test_a_zip_of_frames_alone_has_its_directory(tmp_path):
    sink = containers.ZipSink(tmp_path / "frames.zip")
    sink.add("0.png", b"frame")
    sink.close()
    assert containers.ZipSource(tmp_path / "frames.zip").read("0.png") == b"frame"
