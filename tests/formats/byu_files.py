"""Print files for tests: small ones in other people's forms, and the specification's rules as a JSON Schema."""

import json
import zipfile

import numpy as np

from pmsl.formats.frames import png_write

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


def settings(path):
    with zipfile.ZipFile(path) as z:
        return json.loads(z.read("print_settings.json"))


def other_zip(path, doc, images, name="settings.json"):
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(name, json.dumps(doc))
        for image, frame in images.items():
            z.writestr(f"slices/{image}", png_write.encode(frame))
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


def edited(**changes):
    doc = json.loads(json.dumps(FOREIGN))
    for path, value in changes.items():
        item, *keys = doc, *path.split("__")
        for key in keys[:-1]:
            item = item[int(key) if key.isdigit() else key.replace("_", " ")]
        item[keys[-1].replace("_", " ")] = value
    return doc
