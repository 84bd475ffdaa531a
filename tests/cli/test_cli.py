"""The command line as a user meets it: results, messages, exit codes, nothing left behind."""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args, get_type_hints

import click
import numpy as np
import pytest
from PIL import Image

import pmsl
from pmsl.cli.app import app
from pmsl.core.finding import Severity
from pmsl.kernels._compiler import disk_cache
from pmsl.mesh.load import UNITS_UM
from pmsl.mesh.repair.repair import WAYS
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.profiles import Process
from pmsl.profiles.process import Unreachable

SMALL = ["--printer", "pmsl-2um", "--resin", "pr48-405"]


def refused(result, *words, codes=(2, 3)):
    """One clear message on standard error, nothing on standard output, no traceback."""
    code, out, err = result
    assert code in codes, (code, err)
    assert "Traceback" not in err and out == ""
    for word in words:
        assert word in err, err


def files(path):
    return sorted(p.relative_to(path).as_posix() for p in path.rglob("*"))


def test_slice_verify_info_round(run, samples, tmp_path):
    code, out, err = run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--preview", "sheet.png", "--dose")
    assert code == 0 and "20 layers" in out
    assert "not-calibrated" in err and "process default" in err
    assert np.array(Image.open("sheet.png")).std() > 20
    assert run("verify", "job")[:2] == (0, "job: sound\n")
    code, out, _ = run("info", "job")
    assert code == 0 and "20, 200 µm high" in out and "no: placeholder" in out
    facts = json.loads(run("info", "job", "--json")[1])
    assert (facts["layers"], facts["shape"], facts["calibrated"]) == (20, [1080, 1920], False)
    assert sorted(p.name for p in Path("job").iterdir()) == ["design", "dose", "frames", "job.json"]


def test_json_is_the_only_thing_on_standard_output(run, samples):
    code, out, _ = run("slice", samples / "f_orientation.stl", "-o", "j.zip", *SMALL, "--json", "--no-design")
    facts = json.loads(out)
    assert code == 0 and facts["layers"] == 20 and facts["job"] == "j.zip"
    assert facts["resin_ml"] == pytest.approx(0.0551e-3, rel=0.01)
    assert json.loads(run("verify", "j.zip", "--json")[1]) == {"job": "j.zip", "sound": True, "problems": []}


def test_info_of_a_mesh(run, samples):
    facts = json.loads(run("info", samples / "microfluidic_chip.stl", "--json")[1])
    assert (facts["triangles"], facts["watertight"], facts["bodies"], facts["findings"]) == (1816, True, 1, [])
    assert facts["volume_um3"] == pytest.approx(33.80478e9, rel=1e-5)
    assert np.ptp(facts["bounds_um"], axis=0) == pytest.approx([9000, 5000, 800])
    assert facts["print"]["layers"] == 80
    assert facts["slicing"]["seconds"] > 0 and facts["slicing"]["peak_bytes"] > 50e6 and facts["slicing"]["sampled_layers"] < 80
    assert "watertight, 1 body" in run("info", samples / "microfluidic_chip.stl")[1]


def test_info_of_a_mesh_too_large_says_so_and_is_no_error(run, samples):
    code, out, _ = run("info", samples / "microfluidic_chip.stl", "--printer", "pmsl-2um")
    assert code == 0 and "refused: the part is 9 × 5 mm (x × y), the field 3.84 × 2.16 mm" in out


def test_profiles(run, tmp_path):
    listed = json.loads(run("profiles", "--json")[1])
    assert {"name", "description"} == set(listed["printers"][0]) and set(listed) == {"printers", "resins", "processes"}
    assert "pr48-405" in run("profiles")[1]
    text = run("profiles", "show", "pmsl-2um")[1]
    Path("mine.toml").write_text(text, encoding="utf-8")
    assert pmsl.find_printer("mine.toml") == pmsl.find_printer("pmsl-2um")
    refused(run("profiles", "show", "pmsl-2m"), "did you mean 'pmsl-2um'")


def test_overrides_are_used_and_recorded(run, samples):
    code, _, err = run(
        *("slice", samples / "grating.stl", "-o", "j", "--printer", "dlp-27um", "--resin", "pr48-385", "--process", "default"),
        *(
            "--layer-um",
            "20",
            "--pitch-um",
            "5,4",
            "--field",
            "640x480",
            "--irradiance",
            "11.5",
            "--at",
            "10,20",
            "--rotate",
            "0,0,90",
            "--scale",
            "0.5",
            "--coverage",
            "volume",
        ),
    )
    assert code == 0 and "defaults" not in err
    doc = json.loads(Path("j/job.json").read_text())
    grid = doc["engines"][0]["grid"]
    assert (grid["pitch_um"], grid["shape"]) == ([5, 4], [480, 640])
    assert doc["printer"]["optics"]["settings"][0]["irradiance_mw_cm2"] == {"value": 11.5, "class": "measured", "source": "--irradiance"}
    low, high = doc["parts"][0]["bounds_um"]
    assert low == pytest.approx([10, 20, 0], abs=1e-6) and np.subtract(high, low) == pytest.approx([1292 / 2, 1976 / 2, 60], abs=0.01)
    assert [layer["thickness_um"] for layer in doc["layers"]] == [20, 20, 20]
    assert doc["placeholders"] == ["printer.optics.psf.sigma"] and doc["process"]["coverage"] == "volume"


def test_shrinkage_scales_at_placement_and_is_recorded(run, samples):
    text = run("profiles", "show", "pr48-405")[1].replace("[0.0, 0.0, 0.0]", "[0.02, 0.02, 0.01]").replace("pr48-405", "shrinks")
    Path("r.toml").write_text(text, encoding="utf-8")
    assert run("slice", samples / "f_orientation.stl", "-o", "j", "--printer", "pmsl-2um", "--resin", "r.toml")[0] == 0
    doc = json.loads(Path("j/job.json").read_text())
    low, high = doc["parts"][0]["bounds_um"]
    assert np.subtract(high, low) == pytest.approx([1000 / 0.98, 1400 / 0.98, 200 / 0.99], rel=1e-6)
    assert doc["provenance"]["shrinkage"] == [0.02, 0.02, 0.01] and doc["resin"]["name"] == "shrinks"


def test_several_meshes_keep_their_relative_positions(run, samples):
    assert run("slice", samples / "f_orientation.stl", samples / "grating.stl", "-o", "j", *SMALL)[0] == 0
    parts = json.loads(Path("j/job.json").read_text())["parts"]
    assert [p["label"] for p in parts] == ["f_orientation.stl", "grating.stl"]
    files_low = [pmsl.load_solid(samples / p["label"]).bounds_um[0] for p in parts]
    assert np.subtract(parts[1]["bounds_um"][0], parts[0]["bounds_um"][0]) == pytest.approx(files_low[1] - files_low[0], abs=1e-6)


def test_units(run, samples):
    assert run("info", samples / "f_orientation.stl", "--unit", "um", "--json")[0] == 0
    facts = json.loads(run("info", samples / "f_orientation.stl", "--unit", "inch", "--json")[1])
    assert np.ptp(facts["bounds_um"], axis=0)[0] == pytest.approx(25400)
    refused(run("info", samples / "f_orientation.stl", "--unit", "furlong"), codes=(2,))


# --- bad input: one message, exit 2 or 3, nothing left -----------------------------------------------------------


def binary_stl(triangles, count=None):
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *np.ravel(t), 0) for t in triangles)
    return bytes(80) + struct.pack("<I", len(triangles) if count is None else count) + body


TRIANGLES = [
    [(0, 0, 0), (1, 0, 0), (0, 1, 0)],
    [(0, 0, 0), (0, 1, 0), (0, 0, 1)],
    [(0, 0, 0), (0, 0, 1), (1, 0, 0)],
    [(1, 0, 0), (0, 0, 1), (0, 1, 0)],
]
NAN = [*TRIANGLES[:3], [(1, 0, 0), (0, float("nan"), 1), (0, 1, 0)]]

MESHES = {
    "missing.stl": (None, "no such file"),
    "empty.stl": (b"", "empty"),
    "noise.stl": (bytes(range(256)) * 16, "STL"),
    "prose.stl": (b"Dear reader, this is no mesh at all.\n" * 20, "STL"),
    "zero.stl": (binary_stl([]), "0 triangles"),
    "nan.stl": (binary_stl(NAN), "triangle 3"),
    "cut.stl": (binary_stl(TRIANGLES)[:-30], "3 whole triangles of 4"),
    "lies.stl": (binary_stl(TRIANGLES, 66), "66 triangles"),
    "part.step": (b"ISO-10303-21;", ".stl"),
    "huge.stl": (binary_stl(np.array(TRIANGLES) * 1000.0), "field"),
}


@pytest.mark.parametrize("name", MESHES)
def test_bad_meshes(run, tmp_path, name):
    content, words = MESHES[name]
    if content is not None:
        Path(tmp_path / name).write_bytes(content)
    before = files(tmp_path)
    refused(run("slice", name, "-o", "job"), name if name != "huge.stl" else "mm", words)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--printer", "pmsl-3um"], "did you mean 'pmsl-2um'"),
        (["--resin", "nowhere.toml"], "No such file"),
        (["--layer-um", "0"], "--layer-um 0"),
        (["--layer-um", "nan"], "--layer-um nan"),
        (["--layer-um", "1e-9"], "is the unit right"),
        (["--pitch-um", "-2"], "above 0"),
        (["--pitch-um", "2,3,4"], "1 or 2"),
        (["--field", "640*480"], "COLSxROWS"),
        (["--field", "100x100", "--printer", "pmsl-2um"], "field"),
        (["--irradiance", "0"], "--irradiance"),
        (["--irradiance", "0.001"], "exposure time"),
        (["--at", "1"], "--at"),
        (["--at", "1e7,0"], "--at"),
        (["--at", "0,0", "--keep-place"], "exclude"),
        (["--rotate", "0,0,x"], "--rotate"),
        (["--scale", "0"], "above 0"),
        (["--scale", "-1"], "above 0"),
        (["--threads", "0"], "threads"),
        (["--format", "sl9"], "native"),
        (["--preview", "sheet.jpg"], ".png"),
        (["--preview", "no/sheet.png"], "sheet.png"),
        (["--preview", "job/sheet.png"], "inside the job"),
        (["--printer", "p" * 300], "not in the library"),
        (["--field", "16777216x16777216"], "limit"),
        (["--layer-um", "50000"], "thinner"),
        (["--unit", "ell"], "ell"),
        (["--fail-on", "sometimes"], "sometimes"),
        (["--png", "tiny"], "tiny"),
        (["--colour", "red"], "--colour"),
    ],
)
def test_bad_options(run, samples, tmp_path, options, words):
    refused(run("slice", samples / "f_orientation.stl", "-o", "job", *options), words)
    assert files(tmp_path) == []


def test_a_misspelt_key_in_a_profile(run, samples, tmp_path):
    Path(tmp_path / "p.toml").write_text(run("profiles", "show", "default")[1].replace("# layer_um", "layer_mm", 1), encoding="utf-8")
    refused(
        run("slice", samples / "f_orientation.stl", "-o", "job", "--process", "p.toml"),
        "p.toml",
        "layer_mm",
        "did you mean 'layer_um'",
        codes=(3,),
    )


def test_targets(run, samples, tmp_path):
    part = samples / "f_orientation.stl"
    refused(run("slice", part, "-o", "no/such/folder"), "no such folder")
    refused(run("slice", part, "-o", "job.xyz"), "'.xyz'", ".sl1", codes=(2,))
    assert run("slice", part, "-o", "job", *SMALL, "--no-design")[0] == 0
    stamp = Path("job/job.json").stat().st_mtime_ns
    refused(run("slice", part, "-o", "job", *SMALL), "exists already", "--force", codes=(2,))
    assert Path("job/job.json").stat().st_mtime_ns == stamp
    assert run("slice", part, "-o", "job", *SMALL, "--force")[0] == 0
    assert Path("job/design").exists() and files(tmp_path)[0] == "job"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind the superuser")
def test_no_permission(run, samples, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    refused(run("slice", samples / "f_orientation.stl", "-o", "locked/job"), "no permission")


def test_fail_on(run, samples, tmp_path):
    code, _, err = run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--fail-on", "warning")
    assert code == 4 and "not-calibrated" in err and files(tmp_path) == []
    code, out, _ = run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--fail-on", "info", "--json")
    assert code == 4 and json.loads(out)["findings"][0]["code"] == "not-calibrated"


def test_small_frames(run, samples):
    for how in ("fast", "small"):
        assert run("slice", samples / "f_orientation.stl", "-o", how, *SMALL, "--png", how)[0] == 0
    assert run("verify", "small", "--threads", "2")[0] == 0
    fast, small = (sum(p.stat().st_size for p in Path(how).rglob("*.png")) for how in ("fast", "small"))
    assert 0 < small < fast


def test_verify_exit_codes(run, samples):
    run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL)
    frame = Path("job/frames/00002.png")
    frame.write_bytes(frame.read_bytes()[:-20])
    code, _, err = run("verify", "job")
    assert code == 3 and "00002.png" in err
    refused(run("verify", "nothing"), "no such", codes=(3,))
    refused(run("info", "nothing.zip"), "no such", codes=(3,))


def test_choices_are_what_the_types_allow():
    options = {p.name: p for p in app.get_command(click.Context(app), "slice").params}
    allowed = {
        "unit": set(UNITS_UM),
        "coverage": set(get_args(get_type_hints(Process)["coverage"])),
        "unreachable": set(get_args(Unreachable)),
        "png": set(get_args(get_type_hints(SliceRequest)["png"])),
        "fail_on": set(get_args(Severity)),
        "repair": set(WAYS),
    }
    assert {name: set(p.type.choices) for name, p in options.items() if isinstance(p.type, click.Choice)} == allowed


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("pmsl ver", "plain,verify"),
        ("pmsl slice part.stl --cov", "plain,--coverage"),
        ("pmsl slice part.stl --coverage v", "plain,volume"),
        ("pmsl verify jo", "file,jo"),
        ("pmsl simulate job --design pa", "file,pa"),
    ],
)
def test_a_shell_completes_commands_options_and_files(words, shown):
    env = {**os.environ, "_PMSL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code = "import sys; sys.argv = ['pmsl']; from pmsl.cli import main; sys.exit(main())"
    assert subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout == shown + "\n"


def test_names_that_are_no_unicode_and_terminals_that_show_none(samples, tmp_path):
    part = os.fsencode(samples / "f_orientation.stl")
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for extra in ([], [b"--json"]):
        name = b"j\xff" + bytes(str(len(extra)), "ascii")
        command = [sys.executable.encode(), b"-m", b"pmsl", b"slice", part, b"-o", name, *(w.encode() for w in SMALL), *extra]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True)
        assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr
        assert (Path(os.fsdecode(tmp_path)) / os.fsdecode(name)).is_dir()


BUFFERED = pytest.mark.parametrize("env", [{"PYTHONUNBUFFERED": ""}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])


@BUFFERED
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_standard_output_that_is_full(env):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "pmsl", "profiles"]
        done = subprocess.run(command, env={**os.environ, **env}, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 3 and "standard output" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


@BUFFERED
@pytest.mark.parametrize("words", [["--help"], ["profiles"], ["profiles", "--json"]])
@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_left_is_no_error(env, words):
    there, here = os.pipe()
    os.close(there)
    command = [sys.executable, "-m", "pmsl", *words]
    done = subprocess.run(command, env={**os.environ, **env}, stdout=here, stderr=subprocess.PIPE, text=True)
    os.close(here)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(signal, "SIGTERM") or os.name == "nt", reason="no SIGTERM on this system")
def test_sigterm_leaves_nothing(samples, tmp_path):
    interrupt(signal.SIGTERM, samples, tmp_path)


# --- whole processes ---------------------------------------------------------------------------------------------


def interrupt(number, samples, tmp_path):
    """Send a signal to a slice that is writing; nothing may be left."""
    command = [sys.executable, "-m", "pmsl", "slice", str(samples / "horn_antenna.stl"), "-o", "job", "--layer-um", "0.2", "--dose"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(600):
        if any(tmp_path.glob(".job.*")):
            break
        time.sleep(0.05)
    assert any(tmp_path.glob(".job.*"))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and b"cancelled" in err and b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(samples, tmp_path):
    interrupt(signal.SIGINT, samples, tmp_path)


def slices_into(folder, samples, tmp_path):
    """Return a function that slices in a process of its own, with the kernels kept in a folder, and gives its standard error."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-m", "pmsl", "slice", str(samples / "f_orientation.stl"), *SMALL]

    def run_slice(name):
        words = [*command, "-o", name, "--preview", f"{name}.png"]
        return subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stderr

    return run_slice


def compiles_once(run_slice):
    first, second = run_slice("a"), run_slice("b")
    assert "compiling kernels" in first and "compiled kernels in" in first
    assert "compil" not in second


def test_a_second_slice_compiles_nothing(run, samples, tmp_path):
    """Of the kernels that a slice needs, which this process has kept, all but two are there for the first one."""
    assert run("slice", samples / "f_orientation.stl", "-o", "job", *SMALL, "--preview", "job.png")[0] == 0
    cache = tmp_path / "cache"
    shutil.copytree(disk_cache.cache_folder(), cache, ignore=lambda _, names: [n for n in names if not n.endswith(".pmslk")])
    lacking = [path for name in ("plane_crossings.plane_ranges", "mesh_stats.count_partial") for path in cache.glob(f"{name}-*")]
    assert len(lacking) >= 2
    for path in lacking:
        path.unlink()
    compiles_once(slices_into(cache, samples, tmp_path))


@pytest.mark.slow
def test_a_second_slice_compiles_nothing_after_a_first_that_compiled_all(samples, tmp_path):
    compiles_once(slices_into(tmp_path / "cache", samples, tmp_path))


@pytest.mark.slow
def test_after_a_warmup_meshes_of_single_and_double_precision_compile_nothing(samples, tmp_path):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run(*words):
        command = [sys.executable, "-m", "pmsl", *words]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stderr

    assert "compiling kernels" in run("warmup")
    binary = samples / "f_orientation.stl"
    solid = pmsl.load_solid(binary)
    points, corners = solid.vertices_um / 1000.0, solid.faces + 1
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in points.tolist()] + [f"f {a} {b} {c}" for a, b, c in corners.tolist()]
    (tmp_path / "f.obj").write_text("\n".join(lines))
    for mesh in (binary, tmp_path / "f.obj"):
        for coverage in ("area", "volume"):
            out = f"{mesh.suffix[1:]}-{coverage}"
            assert "compil" not in run("slice", str(mesh), "-o", out, *SMALL, "--coverage", coverage)


def test_python_m_and_console_script_agree(tmp_path):
    a = subprocess.run([sys.executable, "-m", "pmsl", "--version"], capture_output=True, text=True, check=True)
    assert a.stdout == f"pmsl {pmsl.__version__}\n"


SLOW_IMPORT = """
import importlib, signal, sys, threading, time
from pathlib import Path
from pmsl.cli import app
app._prepare()
Path("slow.py").write_text("import _thread, signal, time\\n_thread.interrupt_main(signal.SIGINT)\\ntime.sleep(0.1)\\nloaded = True")
sys.path.insert(0, "")
try:
    import slow
    time.sleep(5)
except KeyboardInterrupt:
    print("interrupted", slow.loaded, "slow" in sys.modules)
"""


def test_ctrl_c_waits_until_a_module_is_loaded(tmp_path):
    """Raised inside an import it may be lost: importlib drops what its callbacks raise."""
    done = subprocess.run([sys.executable, "-c", SLOW_IMPORT], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted True True\n", "")
