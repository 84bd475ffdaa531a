"""GOO and CTB byte by byte at the offsets of the specifications, OME-TIFF and OME-Zarr through other software."""

import struct
import warnings

import jobs_of_arrays
import numpy as np
import pytest
import tifffile
from PIL import Image
from slow_codes import seven_bit, slow_cipher, slow_ctb, slow_goo

import pmsl
from pmsl.errors import JobError, UsageError
from pmsl.formats import ome_zarr, registry
from pmsl.formats.frames.device_frame import device_frame, turn
from pmsl.formats.protocol import VerifyOptions
from pmsl.profiles.printer import Orientation


def write(name, job, path, **more):
    registry.find(name).write(job, path, jobs_of_arrays.options(force=True, **more))
    return path


def frames_of(job):
    return [device_frame(plan.exposures[0].mask, job.engines[0].orientation) for plan in job.layers()]


@pytest.fixture(scope="module")
def f(samples):
    return jobs_of_arrays.f_job(samples)


def test_goo_at_the_offsets_of_the_specification(f, tmp_path):
    data = write("goo", f, tmp_path / "f.goo").read_bytes()

    def at(offset, code):
        values = struct.unpack_from(">" + code, data, offset)
        return values[0] if len(values) == 1 else values

    assert data[:12] == b"V3.0\x07\0\0\0DLP\0" and data[0x0C:0x10] == b"pmsl" and data[0x7C:0x80] == b"DLP\0"
    assert data[0x5C:0x7C].rstrip(b"\0") == b"pmsl-2um" and data[0x9C:0xBC].rstrip(b"\0") == b"pr48-405"
    assert data[0x69E2:0x69E4] == data[0x2FAEC:0x2FAEE] == b"\r\n"
    assert at(0x2FAEE, "I") == 20 and at(0x2FAF2, "HH") == (1920, 1080) and at(0x2FAF6, "BB") == (0, 0)
    assert at(0x2FAF8, "3f") == pytest.approx((3.84, 2.16, f.printer.stage.travel_um.value / 1000)) and at(0x2FB04, "f") == pytest.approx(
        0.01
    )
    times = jobs_of_arrays.times_of(f)
    assert at(0x2FB08, "f") == pytest.approx(times[-1]) and at(0x2FB0C, "B") == 1 and at(0x2FB29, "f") == pytest.approx(times[0])
    assert at(0x2FB2D, "I") == 3 and at(0x2FB31, "16f") == pytest.approx([1, 120] * 4 + [0] * 8) and at(0x2FB71, "HHB") == (255, 255, 1)
    assert at(0x2FB76, "I") == round(f.estimate().print_time_s) and at(0x2FB7A, "f") == pytest.approx(f.estimate().resin_ml * 1e3)
    assert at(0x2FB8E, "IBH") == (195477, 1, 0)
    here = 195477
    for k, frame in enumerate(frames_of(f)):
        pause, _, z, time_s, off = struct.unpack_from(">Hffff", data, here)
        assert (pause, off) == (0, 0) and z == pytest.approx(0.01 * (k + 1)) and time_s == pytest.approx(times[k])
        assert struct.unpack_from(">11f", data, here + 18) == pytest.approx((0, 0, 1, 1, 120, 0, 0, 1, 120, 0, 0))
        assert data[here + 62 : here + 66] == b"\0\xff\r\n"
        size = at(here + 66, "I")
        if k % 7 == 0:
            assert slow_goo(data[here + 70 : here + 70 + size]) == frame.reshape(-1).tolist()
        here += 70 + size + 2
        assert data[here - 2 : here] == b"\r\n"
    assert data[here:] == bytes.fromhex("00000007000000444c5000")


def picture(data, at):
    """Pixels of a CTB picture, read word by word."""
    width, height, here, size = struct.unpack_from("<4I", data, at)
    pixels, words = [], struct.unpack_from(f"<{size // 2}H", data, here)
    i = 0
    while i < len(words):
        many = 1
        if words[i] & 0x20:
            assert words[i + 1] >> 12 == 3
            many += words[i + 1] & 0xFFF
        pixels += [words[i] & ~0x20] * many
        i += 2 if words[i] & 0x20 else 1
    assert len(pixels) == width * height
    return np.array(pixels).reshape(height, width)


@pytest.mark.parametrize("name", ["ctb", "ctb-xor"])
def test_ctb_at_the_offsets_of_the_specification(name, f, tmp_path):
    data = write(name, f, tmp_path / "f.ctb", lossy=True).read_bytes()
    head = struct.unpack_from("<II3fII5fI7I4IHHIII", data)
    assert head[:2] == (0x12FD0086, 3) and head[2:5] == pytest.approx((3.84, 2.16, f.printer.stage.travel_um.value / 1000))
    assert head[7:9] == pytest.approx((0.2, 0.01)) and head[9:11] == pytest.approx(
        (jobs_of_arrays.times_of(f)[-1], jobs_of_arrays.times_of(f)[0])
    )
    assert head[12:15] == (3, 1920, 1080)
    large, table, layers, small = head[15:19]
    mirrored, ext, ext_size, sets, pwm, bottom_pwm, key, ext2, ext2_size = head[20:29]
    assert (layers, mirrored, ext_size, sets, pwm, bottom_pwm, ext2_size) == (20, 0, 60, 1, 255, 255, 76) and (key != 0) == (
        name == "ctb-xor"
    )
    assert picture(data, large).shape == (300, 400) and picture(data, small).shape == (125, 200)
    assert struct.unpack_from("<5f", data, ext) == pytest.approx((1, 120, 1, 120, 120))
    name_at, name_size, mode, _, _, software = struct.unpack_from("<6I", data, ext2 + 28)
    assert data[name_at : name_at + name_size] == b"pmsl-2um" and mode & 0xF == 0xF and software == 0x01060300
    for k, frame in enumerate(frames_of(f)):
        entry = data[table + 36 * k : table + 36 * (k + 1)]
        z, time_s, off, here, size, page, table_size, *zeros = struct.unpack("<3f6I", entry)
        assert (page, table_size, zeros) == (0, 84, [0, 0]) and off == pytest.approx(f[k].motion.duration_s)
        assert z == pytest.approx(0.01 * (k + 1)) and time_s == pytest.approx(jobs_of_arrays.times_of(f)[k])
        assert data[here - 84 : here - 48] == entry and struct.unpack_from("<I", data, here - 48) == (84 + size,)
        if k % 7 == 0:
            plain = data[here : here + size] if key == 0 else bytes(slow_cipher(data[here : here + size], key, k))
            assert slow_ctb(plain) == seven_bit(frame).reshape(-1).tolist()


def test_pictures_show_the_f_upright(f, tmp_path):
    data = write("goo", f, tmp_path / "f.goo").read_bytes()
    words = np.frombuffer(data, ">u2", 290 * 290, 0x69E4).reshape(290, 290)
    lit = (words >> 11) > (words[0, 0] >> 11) + 4
    rows, cols = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    letter = lit[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    assert (
        letter[: len(letter) // 8].mean() > 0.9 > 0.3 > letter[-len(letter) // 8 :].mean()
        and letter[:, : letter.shape[1] // 8].mean() > 0.9
    )


def test_other_ctb_files_are_refused_by_name(f, tmp_path):
    path = write("ctb", f, tmp_path / "f.ctb", lossy=True)
    raw = bytearray(path.read_bytes())
    for magic, what in ((0x12FD0019, "CBDDLP"), (0x12FD0106, "version 4"), (0x12FD0107, "encrypted")):
        raw[:4] = struct.pack("<I", magic)
        path.write_bytes(raw)
        with pytest.raises(JobError, match=what):
            registry.recognise(path).read(path)


def test_a_ctb_of_version_2_has_the_moves_of_all_layers_in_one_place(tmp_path):
    job = jobs_of_arrays.job_of(np.full((3, 4, 5), 255), [2.0, 1.0, 1.0])
    raw = bytearray(write("ctb", job, tmp_path / "j.ctb").read_bytes())
    raw[4:8] = struct.pack("<I", 2)
    (tmp_path / "j.ctb").write_bytes(raw)
    again = registry.find("ctb").read(tmp_path / "j.ctb")
    assert np.array_equal(jobs_of_arrays.levels_of(again), jobs_of_arrays.levels_of(job)) and again[2].motion.lift_um == 2500


def test_goo_without_settings_of_layers_fades_from_the_bottom_time(tmp_path):
    job = jobs_of_arrays.job_of(np.full((6, 4, 5), 255), [9.0, 9.0, 1.0, 1.0, 1.0, 1.0])
    raw = bytearray(write("goo", job, tmp_path / "j.goo").read_bytes())
    raw[0x2FB75] = 0
    raw[0x2FB93:0x2FB95] = struct.pack(">H", 1)
    (tmp_path / "j.goo").write_bytes(raw)
    assert jobs_of_arrays.times_of(registry.find("goo").read(tmp_path / "j.goo")) == pytest.approx([9, 9, 5, 1, 1, 1])
    raw[0x2FB92] = 0
    (tmp_path / "j.goo").write_bytes(raw)
    with pytest.raises(JobError, match="grays are 0 to 15"):
        registry.find("goo").read(tmp_path / "j.goo")


def test_other_software_reads_the_tiff(f, tmp_path):
    path = tmp_path / "f.ome.tif"
    pmsl.write(f, path, dose=True)
    o, frames = f.engines[0].orientation, frames_of(f)
    doses = [turn(pmsl.dose_map(f, plan).dense(), o) for plan in f.layers()]
    with tifffile.TiffFile(path) as tiff:
        masks, dose = tiff.series
        assert tiff.is_ome and (masks.axes, dose.axes, dose.name) == ("ZYX", "ZYX", "dose [mJ/cm2]")
        assert np.array_equal(masks.asarray(), frames) and np.array_equal(dose.asarray(), doses)
        pixels = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"][0]["Pixels"]
    sizes = [pixels[name] for name in ("PhysicalSizeX", "PhysicalSizeXUnit", "PhysicalSizeZ", "SizeZ")]
    assert sizes == [2.0, "µm", 10.0, 20] and [p["ExposureTime"] for p in pixels["Plane"]] == jobs_of_arrays.times_of(f)
    assert [p["PositionZ"] for p in pixels["Plane"]][::19] == [10.0, 200.0]
    with Image.open(path) as picture:
        assert (picture.n_frames, picture.mode) == (40, "L")
        picture.seek(13)
        assert np.array_equal(np.array(picture), frames[13])
    assert pmsl.verify(path) == []


@pytest.mark.slow
def test_the_facts_of_the_tiff_are_those_of_the_schema_of_its_makers(f, tmp_path):
    path = tmp_path / "f.ome.tif"
    pmsl.write(f, path, dose=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ome_types import from_tiff

        pixels = from_tiff(path).images[0].pixels
    assert (pixels.physical_size_x, pixels.physical_size_z, pixels.size_z, pixels.physical_size_x_unit.value) == (2.0, 10.0, 20, "µm")
    assert [p.exposure_time for p in pixels.planes] == jobs_of_arrays.times_of(f) and [p.position_z for p in pixels.planes][::19] == [
        10.0,
        200.0,
    ]
    assert pmsl.verify(path) == []


def test_no_reader_turns_a_page(tmp_path):
    levels = np.array([[[255, 0, 0], [255, 255, 0]]], np.uint8)
    for a, b in ((a + u, b + v) for u, v in ("xy", "yx") for a in "+-" for b in "+-"):
        path = write("ome-tiff", jobs_of_arrays.job_of(levels, [1.0], row=a, col=b), tmp_path / "t.tif")
        with Image.open(path) as picture:  # follows the orientation tag
            assert np.array_equal(np.array(picture), turn(levels[0], Orientation(row=a, col=b)))


def test_large_stacks_are_bigtiff(tmp_path, monkeypatch):
    from pmsl.formats.ometiff import write as writer

    monkeypatch.setattr(writer, "CLASSIC", 10)
    path = write("ome-tiff", jobs_of_arrays.job_of(np.full((2, 4, 5), 255), [1.0, 1.0]), tmp_path / "t.tif")
    assert path.read_bytes()[:4] == b"II+\0" and jobs_of_arrays.times_of(registry.recognise(path).read(path)) == [1.0, 1.0]


def test_the_zarr_library_reads_the_stack(f, tmp_path):
    import zarr

    path = tmp_path / "f.zarr"
    pmsl.write(f, path, dose=True)
    root = zarr.open_group(str(path), mode="r")
    o = f.engines[0].orientation
    assert np.array_equal(root["0"][:], frames_of(f))
    assert np.array_equal(root["dose/0"][3], turn(pmsl.dose_map(f, f[3]).dense(), o)) and root["dose/0"].dtype == np.float32
    (image,) = root.attrs["ome"]["multiscales"]
    assert root.attrs["ome"]["version"] == "0.5" and [a["name"] for a in image["axes"]] == ["z", "y", "x"]
    assert image["datasets"][0]["coordinateTransformations"][0] == {"type": "scale", "scale": [10.0, 2.0, 2.0]}
    assert pmsl.verify(path) == [] and root["0"].chunks == (1, 1080, 1920)


def test_wrong_doses_are_found(f, tmp_path):
    for suffix in ("tif", "zarr"):
        path = tmp_path / f"f.{suffix}"

        def everywhere(job, plan):
            made_map = pmsl.dose_map(job, plan)
            return type(made_map)(plan.index, job.grid.shape, (0, 0, *job.grid.shape), np.ones(job.grid.shape, np.float32))

        write({"tif": "ome-tiff", "zarr": "ome-zarr"}[suffix], f, path, dose_of=everywhere)
        found = registry.recognise(path).verify(path, VerifyOptions())
        assert len(found) == 20 and "not 0 where the mask is black" in found[0]


def test_a_missing_chunk_is_no_black_layer(tmp_path):
    path = write("ome-zarr", jobs_of_arrays.job_of(np.full((2, 4, 5), 255), [1.0, 1.0]), tmp_path / "j.zarr")
    (path / "0/c/1/0/0").unlink()
    with pytest.raises(JobError, match="0/c/1/0/0: cannot be read"):
        jobs_of_arrays.levels_of(registry.recognise(path).read(path))


def test_bombs_are_not_inflated(tmp_path):
    import gzip

    path = write("ome-zarr", jobs_of_arrays.job_of(np.full((1, 4, 5), 255), [1.0]), tmp_path / "j.zarr")
    (path / "0/c/0/0/0").write_bytes(gzip.compress(bytes(50_000_000)))
    with pytest.raises(JobError, match="go on after the last pixel"):
        jobs_of_arrays.levels_of(registry.recognise(path).read(path))


def test_without_the_library_zarr_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(UsageError, match="extra 'zarr'"):
        ome_zarr.FORMAT.write(jobs_of_arrays.job_of(np.full((1, 4, 5), 255), [1.0]), tmp_path / "j.zarr", jobs_of_arrays.options())


def test_stacks_of_other_software_are_told(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5), np.uint8))
    with pytest.raises(JobError, match="no notes of pmsl"):
        pmsl.read(tmp_path / "a.tif")
    xml = '<!DOCTYPE a [<!ENTITY b "bb">]><OME>&b;</OME>'
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((4, 5), np.uint8), description=xml, metadata=None)
    with pytest.raises(JobError, match="defines entities"):
        pmsl.read(tmp_path / "b.tif")
