"""Commands on meshes that no one would print: an answer or one clear refusal, and never a warning of numpy."""

import warnings

import numpy as np
import pytest
from solids import box, cone, icosphere

SMALL = ("--printer", "pmsl-2um", "--resin", "pr48-405", "--unit", "um", "--field", "48x32")
COMMANDS = {
    "check": ("check", "MESH", "--unit", "um"),
    "info": ("info", "MESH", *SMALL),
    "slice": ("slice", "MESH", "-o", "job", *SMALL),
    "slice volume": ("slice", "MESH", "-o", "job", *SMALL, "--coverage", "volume"),
    "slice offset": ("slice", "MESH", "-o", "job", *SMALL, "--xy-offset-um", "-1"),
    "slice none volume": ("slice", "MESH", "-o", "job", *SMALL, "--repair", "none", "--coverage", "volume"),
    "slice corrected": ("slice", "MESH", "-o", "job", *SMALL, "--correct", "edges,printthrough", "--accept-uncalibrated"),
    "scaled": ("slice", "MESH", "-o", "job", *SMALL, "--scale", "1e-9"),
    "repaired strictly": ("slice", "MESH", "-o", "job", *SMALL, "--repair", "strict"),
}


def _soup():
    rng = np.random.default_rng(5)
    vertices = rng.uniform(0, 80, (60, 3))
    return vertices, np.arange(60).reshape(-1, 3)


def _moved(solid, by):
    return solid.vertices_um + by, solid.faces


def _with_value(value):
    vertices = box((0, 0, 0), (60, 40, 30)).vertices_um.copy()
    vertices[3, 1] = value
    return vertices, box((0, 0, 0), (60, 40, 30)).faces


def _inverse(solid):
    n = len(solid.vertices_um)
    return np.concatenate([solid.vertices_um] * 2), np.concatenate([solid.faces, solid.faces[:, ::-1] + n])


BODY = box((0, 0, 0), (60, 40, 30))
BALL = icosphere(2, 20.0, (30, 30, 20))
MESHES = {
    "a point": (np.zeros((3, 3)), np.array([[0, 1, 2]])),
    "a line": (np.array([[0, 0, 0], [10, 0, 0], [20, 0, 0]]), np.array([[0, 1, 2]])),
    "a flat box": (BODY.vertices_um * (1, 1, 0), BODY.faces),
    "a wall without thickness": (BODY.vertices_um * (0, 1, 1), BODY.faces),
    "tiny": (BODY.vertices_um * 1e-7, BODY.faces),
    "denormal": (BODY.vertices_um * 1e-42, BODY.faces),
    "huge": (BODY.vertices_um * 1e30, BODY.faces),
    "near the end of single precision": (BODY.vertices_um * 5e36, BODY.faces),
    "far away": _moved(BODY, 1e8),
    "not a number": _with_value(np.nan),
    "infinite": _with_value(np.inf),
    "one far corner": _with_value(3e37),
    "open": (BALL.vertices_um, BALL.faces[:-9]),
    "half a ball": (BALL.vertices_um, BALL.faces[: len(BALL.faces) // 2]),
    "soup": _soup(),
    "a body and its inverse": _inverse(BODY),
    "inside out": (BODY.vertices_um, BODY.faces[:, ::-1]),
    "a needle": (cone(12, 0.5, 60, (5, 5, 0)).vertices_um, cone(12, 0.5, 60, (5, 5, 0)).faces),
    "sound": (BODY.vertices_um, BODY.faces),
}


def write_stl(path, vertices, faces):
    records = np.zeros(len(faces), np.dtype([("n", "<f4", 3), ("v", "<f4", (3, 3)), ("a", "<u2")]))
    with np.errstate(all="ignore"):
        records["v"] = np.asarray(vertices)[faces]
    path.write_bytes(bytes(80) + np.uint32(len(records)).tobytes() + records.tobytes())


MORE = (
    "a line",
    "a flat box",
    "a wall without thickness",
    "denormal",
    "infinite",
    "half a ball",
    "inside out",
    "sound",
    "a needle",
    "far away",
)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in MORE else ()) for name in MESHES])
def test_no_command_warns(name, run, tmp_path):
    write_stl(tmp_path / "m.stl", *MESHES[name])
    sliced = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for words in COMMANDS.values():
            code, _, err = run(*(str(tmp_path / "m.stl") if w == "MESH" else w for w in words), *(("--force",) if "-o" in words else ()))
            assert code in (0, 3, 4), (words, code, err)
            assert "Warning" not in err and "internal" not in err, (words, err)
            if code == 0 and (tmp_path / "job" / "job.json").exists():
                sliced = True
                assert run("simulate", "job")[0] in (0, 3, 4), words
    assert sliced or name != "sound"
