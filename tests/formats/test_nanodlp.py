"""NanoDLP plates: the tables the host's manual and its readers want, and the areas in them."""

import io
import json
import zipfile

import numpy as np
import pytest
from formats.conformance import Conformance, exposure, f_frame, job_of, printer_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.errors import JobError
from pmsl.formats.nanodlp.tables import layer_info
from pmsl.profiles.printer import Orientation


class TestNanoDlp(Conformance):
    name = "nanodlp"
    suffix = ".nanodlp"


def tables(path):
    with zipfile.ZipFile(path) as z:
        return {n: json.loads(z.read(n)) for n in z.namelist() if n.endswith(".json")}, z.namelist()


def with_times(times_s, layer_um=12.5, **more):
    frame = f_frame((37, 53))
    return job_of([[exposure(frame, time_s=t)] for t in times_s], printer_of((37, 53), (7.5, 5.0)), layer_um, **more)


def test_members_and_tables_are_as_readers_want_them(tmp_path):
    pmsl.write(with_times([8, 8, 1.5, 1.5, 1.5]), tmp_path / "x.nanodlp")
    found, names = tables(tmp_path / "x.nanodlp")
    assert set(found) == {"meta.json", "plate.json", "profile.json", "options.json", "slicer.json", "info.json"}
    assert {n for n in names if n.endswith(".png")} == {"3d.png", *(f"{k}.png" for k in range(1, 6))}
    assert found["options.json"] == found["slicer.json"]
    options, profile, plate = found["options.json"], found["profile.json"], found["plate.json"]
    assert (options["PWidth"], options["PHeight"], options["Thickness"]) == (53, 37, 12.5)
    assert (options["XPixelSize"], options["YPixelSize"]) == (0.0075, 0.005)
    assert (profile["SupportLayerNumber"], profile["SupportCureTime"], profile["CureTime"]) == (2, 8, 1.5)
    assert plate["CureTimes"] is None and plate["LayersCount"] == 5 and plate["Processed"] is True
    assert found["meta.json"]["FormatVersion"] == 2 and found["meta.json"]["Profile"] is True and len(found["info.json"]) == 5
    with zipfile.ZipFile(tmp_path / "x.nanodlp") as z, Image.open(io.BytesIO(z.read("3d.png"))) as image:
        assert image.size == (200, 100)
    with zipfile.ZipFile(tmp_path / "x.nanodlp") as z, Image.open(io.BytesIO(z.read("1.png"))) as image:
        assert image.mode == "L" and image.size == (53, 37)
        assert np.array_equal(np.array(image)[::-1], f_frame((37, 53)))


def test_a_time_for_each_layer_is_listed_and_said(tmp_path):
    written = pmsl.write(with_times([10, 5, 2.5, 1, 1]), tmp_path / "x.nanodlp")
    assert "layer-lists" in {f.code for f in written.findings}
    assert tables(tmp_path / "x.nanodlp")[0]["plate.json"]["CureTimes"] == [10, 5, 2.5, 1, 1]
    assert [p.exposures[0].time_s for p in pmsl.read(tmp_path / "x.nanodlp").layers()] == [10, 5, 2.5, 1, 1]
    even = pmsl.write(with_times([1, 1]), tmp_path / "y.nanodlp")
    assert "layer-lists" not in {f.code for f in even.findings}


def test_uneven_layers_and_lift_come_back(tmp_path):
    job = with_times([1, 1, 1], edges_um=[0, 5, 12.5, 40])
    pmsl.write(job, tmp_path / "x.nanodlp")
    again = pmsl.read(tmp_path / "x.nanodlp")
    assert again.grid.z_edges_um.tolist() == [0, 5, 12.5, 40] and np.allclose(again.grid.pitch_um, (7.5, 5.0))
    ours, theirs = job.process.motion.last, again[0].motion
    assert (theirs.lift_um, theirs.settle_s, theirs.wait_top_s) == (ours.lift_um, ours.settle_s, ours.wait_top_s)


@given(st.lists(st.lists(st.sampled_from([0, 0, 0, 255, 100]), min_size=6, max_size=6), min_size=1, max_size=7))
def test_areas_are_those_an_image_library_finds(rows):
    from skimage.measure import label

    frame = np.array(rows, np.uint8)
    labels, n = label(frame > 0, connectivity=2, return_num=True)
    sizes = [frame[labels == i].sum() / 255 for i in range(1, n + 1)]
    info = layer_info(LayerMask.from_dense(0, frame.copy()), Orientation(row="+y", col="+x"), 1e6)
    assert info["AreaCount"] == n
    if n:
        y, x = np.nonzero(frame)
        assert (info["MinX"], info["MaxX"], info["MinY"], info["MaxY"]) == (x.min(), x.max(), y.min(), y.max())
        assert info["LargestArea"] == pytest.approx(max(sizes)) and info["SmallestArea"] == pytest.approx(min(sizes))
        assert info["TotalSolidArea"] == pytest.approx(frame.sum() / 255)


@pytest.mark.parametrize("turn", [("-y", "+x"), ("+y", "-x"), ("-x", "+y"), ("+x", "-y")])
def test_boxes_are_those_of_the_stored_frame(tmp_path, turn):
    printer = printer_of((37, 53), orientation=Orientation(row=turn[0], col=turn[1]))
    pmsl.write(job_of([f_frame((37, 53))], printer), tmp_path / "x.nanodlp")
    with zipfile.ZipFile(tmp_path / "x.nanodlp") as z:
        (info,) = json.loads(z.read("info.json"))
        with Image.open(io.BytesIO(z.read("1.png"))) as image:
            y, x = np.nonzero(np.array(image))
    assert (info["MinX"], info["MaxX"], info["MinY"], info["MaxY"]) == (x.min(), x.max(), y.min(), y.max())


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("plate.json", {"CureTimes": [1.0]}, "CureTimes has 1 entries for 2 layers"),
        ("plate.json", {"CureTimes": [1.0, -1.0]}, "layer 1 is shown -1 s"),
        ("plate.json", {"DynamicThickness": [0.0, 1.0]}, "layers of 0 to 1 µm"),
        ("options.json", {"PWidth": 0}, "shape"),
        ("options.json", {"PWidth": 54}, "53x37 px; the job's frames are 54x37"),
        ("options.json", {"PWidth": "wide"}, "PWidth"),
        ("profile.json", {"CureTime": 1e300, "SupportLayerNumber": -5}, "1e.300 s"),
        ("profile.json", {"Desc": "row = -y; col = +y"}, "same axis"),
        ("profile.json", {"WaitHeight": -1}, "lift_um"),
    ],
)
def test_tables_that_lie_are_refused(tmp_path, name, change, words):
    pmsl.write(with_times([1, 1]), tmp_path / "x.nanodlp")
    with zipfile.ZipFile(tmp_path / "x.nanodlp") as z, zipfile.ZipFile(tmp_path / "y.nanodlp", "w") as out:
        for member in z.namelist():
            data = z.read(member)
            out.writestr(member, json.dumps({**json.loads(data), **change}) if member == name else data)
    with pytest.raises(JobError, match=words):
        list(pmsl.read(tmp_path / "y.nanodlp").layers())
