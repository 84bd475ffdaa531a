"""The microfluidics print file: held against a schema written from the specification's rules, and read in other people's forms."""

import zipfile

import jsonschema
import numpy as np
import pytest
from formats.byu_files import FOREIGN, FRAME, SCHEMA, edited, other_zip, settings
from formats.conformance import Conformance, exposure, f_frame, job_of, printer_of

import pmsl
from pmsl.errors import JobError, TargetError
from pmsl.formats.frames import png_write
from pmsl.job.print_job import FLAT_FIELD_BY_HOST


class TestByu(Conformance):
    name = "byu"
    suffix = ".zip"

    def test_every_field_of_an_exposure_comes_back(self, tmp_path):
        frame = f_frame(self.shape)
        fields = {"offset_um": (120.5, -3.25), "focus_um": -7.5, "repeat": 3, "wait_before_s": 0.25, "wait_after_s": 0.125}
        job = self.job([[exposure(frame, time_s=1.2345678, **fields), exposure(frame, time_s=0.5)], frame])
        path = self.written(tmp_path, job)
        one, two = pmsl.read(path)[0].exposures
        for name, value in fields.items():
            assert getattr(one, name) == pytest.approx(value), name
        assert (one.time_s, two.time_s, two.repeat) == (pytest.approx(1.2345678, abs=1e-9), 0.5, 1)
        assert pmsl.read(path)[0].motion == job[0].motion and pmsl.read(path).engines[0].wavelength_nm == 405


def test_it_fits_the_schema_and_names_only_what_is_there(tmp_path):
    frame = f_frame((1600, 2560))
    edge = [exposure(frame, time_s=0.5), exposure(frame // 2, time_s=0.25, focus_um=3.0, repeat=2)]
    layers = [frame, edge, None, edge, frame, [exposure(frame, time_s=1 / 3)]]
    pmsl.write(job_of(layers, printer_of((1600, 2560)), 10.0), tmp_path / "j.zip", format="byu")
    doc = settings(tmp_path / "j.zip")
    jsonschema.Draft7Validator(SCHEMA).validate(doc)
    with zipfile.ZipFile(tmp_path / "j.zip") as z:
        names = set(z.namelist())
    assert [n for n in names if n.endswith(".json")] == ["print_settings.json"]
    assert not [n for n in names if ".csv" in n or ".log" in n or "exposure_data" in n]
    used = {f"slices/{i['Image file']}" for layer in doc["Layers"] for i in layer["Image settings list"] if "Image file" in i}
    used.add(f"slices/{doc['Default layer settings']['Image settings']['Image file']}")
    assert used == names - {"print_settings.json"}  # no image that no layer shows, and each distinct one once
    assert len(used) == 3
    assert doc["Default layer settings"]["Image settings"]["Light engine"] == "visitech"
    assert set(doc["Named image settings"]) >= {i["Using named image settings"] for i in doc["Layers"][1]["Image settings list"]}
    assert pmsl.verify(tmp_path / "j.zip") == [] and len(pmsl.read(tmp_path / "j.zip")[1].exposures) == 2


def test_a_layer_without_light_never_shows_a_lit_image(tmp_path):
    pmsl.write(job_of([f_frame((37, 53)), None], printer_of((37, 53))), tmp_path / "j.zip", format="byu")
    doc = settings(tmp_path / "j.zip")
    assert doc["Layers"][1]["Image settings list"] == [{}]  # the default image, which is black
    with zipfile.ZipFile(tmp_path / "j.zip") as z:
        black = z.read("slices/" + doc["Default layer settings"]["Image settings"]["Image file"])
    assert black == png_write.encode(np.zeros((37, 53), np.uint8), True) or len(black) < 200
    assert [len(p.exposures) for p in pmsl.read(tmp_path / "j.zip").layers()] == [1, 0]


def test_long_exposures_are_split_only_when_asked(tmp_path):
    job = job_of([[exposure(f_frame((37, 53)), time_s=25.0)]], printer_of((37, 53)))
    with pytest.raises(TargetError, match=r"time_s is 25 s, the limit is 0.004046 to 10 s.*--lossy to show it in equal parts"):
        pmsl.write(job, tmp_path / "j.zip", format="byu")
    assert "lossy-repeat" in {f.code for f in pmsl.write(job, tmp_path / "j.zip", format="byu", lossy=True).findings}
    (shown,) = pmsl.read(tmp_path / "j.zip")[0].exposures
    assert shown.repeat == 3 and shown.repeat * shown.time_s == pytest.approx(25.0)


def test_a_file_in_other_peoples_forms(tmp_path):
    """Variables, named settings, groups, repeated layers and layers of 0 µm, with what a job does not hold."""
    path = other_zip(tmp_path / "other.zip", FOREIGN, {"a.png": FRAME, "b.png": FRAME[::-1]})
    job = pmsl.read(path)
    assert job.grid.z_edges_um.tolist() == [0, 10, 20, 25, 35, 45] and job.grid.shape == (5, 9)
    times = [[e.time_s for e in plan.exposures] for plan in job.layers()]
    assert times == [[0.5], [0.5], [0.9, 0.5], [0.123], [0.123]]
    assert job[2].exposures[0].focus_um == 5 and job[2].motion.lift_um_s == 1000 and job[0].motion.lift_um_s == 25000
    assert np.array_equal(job[3].exposures[0].mask.dense(np.uint8), FRAME)  # b.png upside down, row 0 of a frame is the largest y
    assert {"pitch-guessed", "host-techniques", "partial-file"} <= {f.code for f in job.findings}
    assert pmsl.verify(path) == []


@pytest.mark.parametrize(
    ("doc", "words"),
    [
        (edited(Variables={"bulk": "${bulk * 2}"}), "write its value"),
        (edited(Variables={}), "unknown variable"),
        (edited(Layers=[]), "no layers"),
        (edited(Layers=[{"Number of duplications": 10**9}]), "more than 2000"),
        (
            edited(Layers=[{"Using named layer group": "stack", "Number of duplications": 10**9, "Variables": {"t": 1}}]),
            "more than 2000 layers",
        ),
        (
            edited(
                Layers=[
                    {
                        "Image settings list": [
                            {"Special image techniques": {"0 um layer": {"Enable 0 um layer": True, "Number of duplications": 10**6}}}
                        ]
                    }
                ]
            ),
            "shown again more than 1000 times",
        ),
        (edited(Layers=[{"Using named layer group": "none"}]), "no group of layers is called 'none'"),
        (edited(Layers=[{"Colour": "red"}]), "unknown key 'Colour'"),
        (edited(Layers=[{"Image settings list": [{"Image file": "../../etc/passwd"}]}]), "no path inside"),
        (edited(Layers=[{"Image settings list": [{"Image file": "gone.png"}]}]), "gone.png is missing"),
        (edited(Header={"Schema version": "6.0.0", "Image directory": "slices"}), "'6.0.0'; this pmsl reads 5"),
        (edited(Named_image_settings={"edge": {"Using named image settings": "edge"}}), "in a circle"),
        (edited(Layers=[{"Position settings": {"Layer thickness (um)": -1}}]), "Layer thickness"),
        (edited(Layers=[{"Position settings": {"Layer thickness (um)": 0}}]), "first layer has no thickness"),
    ],
)
def test_what_cannot_be_trusted_is_refused(tmp_path, monkeypatch, doc, words):
    for module in ("table", "slabs"):
        monkeypatch.setattr(f"pmsl.formats.byu.{module}.MOST_LAYERS", 2000)
    path = other_zip(tmp_path / "x.zip", doc, {"a.png": FRAME, "b.png": FRAME})
    with pytest.raises(JobError, match=words):
        list(pmsl.read(path).layers())


def test_a_host_that_must_even_out_the_field_is_asked_to(tmp_path):
    frame = f_frame((37, 53))
    for asked, required in ((True, (FLAT_FIELD_BY_HOST,)), (None, ())):
        pmsl.write(job_of([frame], printer_of((37, 53)), requires=required), tmp_path / "j.zip", format="byu", force=True)
        assert settings(tmp_path / "j.zip")["Default layer settings"]["Image settings"].get("Do grayscale correction") is asked
