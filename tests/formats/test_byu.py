"""The microfluidics print file: held against a schema written from the specification's rules, and read in other people's forms."""

import json
import zipfile

import jsonschema
import numpy as np
import pytest
from formats.conformance import Conformance, exposure, f_frame, job_of, printer_of

import pmsl
from pmsl.core.job import FLAT_FIELD_BY_HOST
from pmsl.errors import JobError, TargetError
from pmsl.formats import png

NUMBER, POSITIVE, TEXT = {"type": "number", "minimum": 0}, {"type": "number", "exclusiveMinimum": 0}, {"type": "string"}
COUNT = {"type": "integer", "minimum": 1}


def table(properties, required=()):
    """A JSON object with these keys, a comment, and no others."""
    return {"type": "object", "additionalProperties": False, "properties": {"Comment": TEXT, **properties}, "required": list(required)}


def bare(properties, required=()):
    """A JSON object with these keys and no others, a comment neither."""
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}


POSITION = {
    "Layer thickness (um)": NUMBER,
    "Distance up (mm)": POSITIVE,
    **{f"{w} wait (ms)": NUMBER for w in ("Initial", "Up", "Final")},
    **{f"BP {d} {what}": NUMBER for d in ("up", "down") for what in ("speed (mm/sec)", "acceleration (mm/sec^2)")},
}
IMAGE = {
    "Image file": TEXT,
    "Layer exposure time (ms)": {"type": "number", "minimum": 0, "maximum": 10000},
    "Light engine": TEXT,
    "Light engine wavelength (nm)": {"type": "integer"},
    "Light engine power setting": {"type": "integer", "minimum": 0, "maximum": 1000},
    "Relative focus position (um)": {"type": "number"},
    "Wait before exposure (ms)": NUMBER,
    "Wait after exposure (ms)": NUMBER,
}
BOOL = {"type": "boolean"}
FILM = {"Enable print on film": BOOL, "Distance up (mm)": POSITIVE, "Wait before exposure (ms)": NUMBER}
ZERO = {"Enable 0 um layer": BOOL, "Number of duplications": COUNT}
EXTRA = {
    "Image x offset (um)": {"type": "number"},
    "Image y offset (um)": {"type": "number"},
    **dict.fromkeys(("Do grayscale correction", "Mirror image short axis", "Mirror image long axis"), BOOL),
    "Special image techniques": bare({"0 um layer": bare(ZERO), "Print on film": bare(FILM)}),
    "Using named image settings": TEXT,
}
SQUEEZE = {
    "Enable squeeze": BOOL,
    "Squeeze count": {"type": "integer", "minimum": 0},
    "Squeeze force (N)": NUMBER,
    "Squeeze time (ms)": NUMBER,
}
MOVE_EXTRA = {"Special layer techniques": bare({"Squeeze out resin": bare(SQUEEZE)}), "Using named position settings": TEXT}
VACUUM = {"Enable vacuum": BOOL, "Target vacuum level (Torr)": NUMBER, "Vacuum wait time (sec)": NUMBER}
OWN_POSITION = table({**POSITION, **MOVE_EXTRA})
OWN_IMAGE = table({**IMAGE, **EXTRA})
LAYER = table(
    {
        "Number of duplications": COUNT,
        "Position settings": OWN_POSITION,
        "Using named default image settings": TEXT,
        "Image settings list": {"type": "array", "items": OWN_IMAGE},
    }
)
VARIABLES = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
CALL = table({"Using named layer group": TEXT, "Number of duplications": COUNT, "Variables": VARIABLES}, ["Using named layer group"])
DEFAULTS = {
    "Number of duplications": COUNT,
    "Position settings": table({**POSITION, **MOVE_EXTRA}, POSITION),
    "Image settings": table({**IMAGE, **EXTRA}, IMAGE),
}
DESIGN = ["User", "Purpose", "Description", "Resin", "3D printer", "Design file", "STL file", "Slicer", "Date"]


def named(item):
    """Names and what they stand for, with a comment."""
    return {"type": "object", "properties": {"Comment": TEXT}, "additionalProperties": item}


SCHEMA = bare(
    {
        "Header": table(
            {"Schema version": {"type": "string", "pattern": r"^5\.\d\.\d$"}, "Image directory": TEXT},
            ["Schema version", "Image directory"],
        ),
        "Design": table(dict.fromkeys(DESIGN, TEXT)),
        "Default layer settings": table(DEFAULTS, DEFAULTS),
        "Variables": VARIABLES,
        "Named image settings": named(OWN_IMAGE),
        "Named position settings": named(OWN_POSITION),
        "Named layer groups": named({"type": "array", "items": LAYER}),
        "Special print techniques": table({"Print under vacuum": bare(VACUUM)}),
        "Layers": {"type": "array", "items": {"oneOf": [LAYER, CALL]}},
    },
    ["Header", "Default layer settings"],
)


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


def settings(path):
    with zipfile.ZipFile(path) as z:
        return json.loads(z.read("print_settings.json"))


def other_zip(path, doc, images, name="settings.json"):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(name, json.dumps(doc))
        for image, frame in images.items():
            z.writestr(f"slices/{image}", png.encode(frame))
    return path


FRAME = np.zeros((5, 9), np.uint8)
FRAME[1:3, 2:7] = 200
FOREIGN = {
    "Header": {"Schema version": "5.0.0", "Image directory": "slices"},
    "Variables": {"bulk": 500, "t": 1},
    "Default layer settings": {
        "Number of duplications": 1,
        "Position settings": {
            "Layer thickness (um)": 10, "Distance up (mm)": 1.0, "Initial wait (ms)": 100, "BP up speed (mm/sec)": 25,
            "BP up acceleration (mm/sec^2)": 50, "Up wait (ms)": 0, "BP down speed (mm/sec)": 20, "BP down acceleration (mm/sec^2)": 50,
            "Final wait (ms)": 10,
        },
        "Image settings": {
            "Image file": "a.png", "Layer exposure time (ms)": "${bulk}", "Light engine": "visitech", "Light engine wavelength (nm)": 365,
            "Light engine power setting": 100, "Relative focus position (um)": 0, "Wait before exposure (ms)": 0,
            "Wait after exposure (ms)": 0,
        },
    },
    "Named image settings": {"edge": {"Layer exposure time (ms)": 900, "Relative focus position (um)": 5}},
    "Named position settings": {"slow": {"BP up speed (mm/sec)": 1}},
    "Named layer groups": {"stack": [{"Image settings list": [{"Image file": "b.png", "Layer exposure time (ms)": "${t}"}]}]},
    "Layers": [
        {"Number of duplications": 2, "Image settings list": [{}]},
        {"Position settings": {"Using named position settings": "slow", "Layer thickness (um)": 5},
         "Using named default image settings": "edge", "Image settings list": [{"Image file": "b.png"}, {"Light engine power setting": 0}]},
        {"Position settings": {"Layer thickness (um)": 0}, "Image settings list": [{"Wait after exposure (ms)": 20}]},
        {"Using named layer group": "stack", "Number of duplications": 2, "Variables": {"t": 123}},
    ],
}  # fmt: skip


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
    assert black == png.encode(np.zeros((37, 53), np.uint8), True) or len(black) < 200
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


def edited(**changes):
    doc = json.loads(json.dumps(FOREIGN))
    for path, value in changes.items():
        item, *keys = doc, *path.split("__")
        for key in keys[:-1]:
            item = item[int(key) if key.isdigit() else key.replace("_", " ")]
        item[keys[-1].replace("_", " ")] = value
    return doc


@pytest.mark.parametrize(
    ("doc", "words"),
    [
        (edited(Variables={"bulk": "${bulk * 2}"}), "write its value"),
        (edited(Variables={}), "unknown variable"),
        (edited(Layers=[]), "no layers"),
        (edited(Layers=[{"Number of duplications": 10**9}]), "more than 200000 layers"),
        (edited(Layers=[{"Using named layer group": "stack", "Number of duplications": 10**9, "Variables": {"t": 1}}]), "more than 200000"),
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
def test_what_cannot_be_trusted_is_refused(tmp_path, doc, words):
    path = other_zip(tmp_path / "x.zip", doc, {"a.png": FRAME, "b.png": FRAME})
    with pytest.raises(JobError, match=words):
        list(pmsl.read(path).layers())


def test_a_host_that_must_even_out_the_field_is_asked_to(tmp_path):
    frame = f_frame((37, 53))
    for asked, required in ((True, (FLAT_FIELD_BY_HOST,)), (None, ())):
        pmsl.write(job_of([frame], printer_of((37, 53)), requires=required), tmp_path / "j.zip", format="byu", force=True)
        assert settings(tmp_path / "j.zip")["Default layer settings"]["Image settings"].get("Do grayscale correction") is asked
