"""Files that do not say how large their pixels are: a person says it, as options of `read`, `verify`, and of the commands; or nobody."""

import json
import struct
import zipfile

import numpy as np
import pytest
from formats.conformance import f_frame, job_of, printer_of

import pmsl
from pmsl.errors import JobError, UsageError

SHAPE = (37, 53)
FIELDS_AT = {"ctb": (8, "<ff"), "goo": (0x2FAF8, ">ff")}  # width and height of the field [mm]
FORMATS = ["ctb", "ctb-xor", "goo", "nanodlp"]


def bare(folder, format, size_mm=(0.0, 0.0)):
    """A file of a format, its field set to so many mm."""
    path = folder / f"x.{format[:3] if format != 'nanodlp' else format}"
    pmsl.write(job_of([f_frame(SHAPE)] * 2, printer_of(SHAPE)), path, format=format)
    if format == "nanodlp":
        with zipfile.ZipFile(path) as z:
            members = {name: z.read(name) for name in z.namelist()}
        with zipfile.ZipFile(path, "w") as out:
            for name, data in members.items():
                if name in ("options.json", "slicer.json"):
                    pitch = {"XPixelSize": size_mm[0] / SHAPE[1], "YPixelSize": size_mm[1] / SHAPE[0]}
                    data = json.dumps(json.loads(data) | pitch)
                out.writestr(name, data)
        return path
    at, kind = FIELDS_AT[format[:3]]
    data = bytearray(path.read_bytes())
    data[at : at + 8] = struct.pack(kind, *size_mm)
    path.write_bytes(data)
    return path


def frame(job):
    return job[0].exposures[0].mask.dense(np.uint8)


@pytest.mark.parametrize("format", FORMATS)
def test_a_person_says_the_pixels(tmp_path, format):
    path = bare(tmp_path, format)
    job = pmsl.read(path, pitch_um=(7.0, 8.0), field=SHAPE)
    assert job.grid.pitch_um.tolist() == [7.0, 8.0] and np.array_equal(frame(job), f_frame(SHAPE))
    assert (job.printer.optics.pitch_um.source, job.printer.optics.pitch_um.class_) == ("--pitch-um, --field", "published")
    assert "printer.optics.pitch_um" not in job.placeholders
    assert pmsl.verify(path, printer=printer_of(SHAPE, (9.0, 9.0))) == []
    assert pmsl.read(path, printer=printer_of(SHAPE, (9.0, 9.0))).grid.pitch_um.tolist() == [9.0, 9.0]
    with pytest.raises(UsageError, match="says 54x37; give the printer"):
        pmsl.read(path, pitch_um=7.0, field=(37, 54))


@pytest.mark.parametrize("format", FORMATS)
def test_what_a_file_states_is_not_said_otherwise(tmp_path, format):
    path = bare(tmp_path, format, (SHAPE[1] * 8e-3, SHAPE[0] * 8e-3))
    assert pmsl.read(path, pitch_um=8.0).grid.pitch_um.tolist() == [8.0, 8.0]
    assert pmsl.read(path, pitch_um=8.0).printer.optics.pitch_um.source == "the file"
    with pytest.raises(UsageError, match="states a pixel pitch of 8 × 8 µm"):
        pmsl.read(path, pitch_um=9.0)


@pytest.mark.parametrize("format", FORMATS[:3])
def test_nobody_says_the_pixels(tmp_path, format):
    with pytest.raises(JobError, match=r"--printer P, or with --pitch-um P and --field 53x37"):
        pmsl.read(bare(tmp_path, format))


@pytest.mark.parametrize("size_mm", [(0.0, 1.0), (-1.0, -1.0), (float("nan"), 1.0)])
@pytest.mark.parametrize("format", FORMATS[:3])
def test_a_field_that_is_none_is_damage(tmp_path, format, size_mm):
    with pytest.raises(JobError, match="damaged|finite"):
        pmsl.read(bare(tmp_path, format, size_mm))


def test_a_pitch_that_stands_in_stays_one(tmp_path):
    job = pmsl.read(bare(tmp_path, "nanodlp"))
    assert "printer.optics.pitch_um" in job.placeholders and "pitch-guessed" in {f.code for f in job.findings}
    pmsl.write(job, tmp_path / "native.zip")
    assert "printer.optics.pitch_um" in pmsl.read(tmp_path / "native.zip").placeholders
