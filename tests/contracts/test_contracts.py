"""The house rules that a test can hold: imports, public names, what stays unloaded, kernels without the compiler."""

import ast
import importlib
import importlib.util
import os
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import pmsl

ROOT = Path(pmsl.__file__).parent


def loaded_after(code):
    """Modules that a fresh interpreter has loaded after `code`."""
    out = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"], capture_output=True, text=True, check=True
    )
    return set(out.stdout.split("\n"))


def test_import_contracts():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", str(ROOT.parent / "pyproject.toml")],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_public_names_resolve_and_are_listed():
    for name in pmsl.__all__:
        assert getattr(pmsl, name) is not None
    assert set(pmsl.__all__) <= set(dir(pmsl))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pmsl.nothing


LATE = ["mesh", "cure", "optics", "masks", "exposure", "pipeline", "slicing", "correct"]


@pytest.mark.parametrize("room", LATE)
def test_rooms_that_open_late_have_what_they_list(room):
    """Also after every module in them is loaded, which must not put itself in the place of a name."""
    code = (
        f"import importlib, pkgutil, types, pmsl.{room} as room\n"
        "for found in pkgutil.walk_packages(room.__path__, room.__name__ + '.'): importlib.import_module(found.name)\n"
        "assert not any(isinstance(getattr(room, name), types.ModuleType) for name in room.__all__)\n"
        "assert set(room.__all__) <= set(dir(room)) and not hasattr(room, 'nothing')"
    )
    loaded_after(code)


@pytest.mark.parametrize("room", ["", *LATE])
def test_what_a_type_checker_sees_is_what_is_loaded(room):
    """The names imported for types, the homes they are loaded from and the list of public names say the same."""
    path = ROOT / room / "__init__.py"
    package = importlib.import_module(".".join(filter(None, ("pmsl", room))))
    checked = [n for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.If)]
    typed = {
        alias.asname or alias.name: (statement.module, alias.name)
        for statement in checked[0].body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert set(typed) == set(package._HOMES) <= set(package.__all__)
    for name, (module, inner) in typed.items():
        assert getattr(importlib.import_module(module), inner) is getattr(package, name), name
    help_text = pydoc.plain(pydoc.render_doc(package))
    assert package.__name__ in help_text and set(package.__all__) <= set(dir(package))


def test_slicing_loads_nothing_of_cure_simulation_packing_and_repair(samples, tmp_path):
    code = (
        "from pmsl.cli.app import app\n"
        f"app(['slice', {str(samples / 'grating.stl')!r}, '-o', {str(tmp_path / 'job.zip')!r}], standalone_mode=False)"
    )
    late = (
        "cure.events",
        "cure.stack",
        "predict",
        "mesh.repair.repair_steps",
        "mesh.repair.welded_surface",
        "mesh.placing.packing",
        "core.contours",
        "formats.adapt.adapt",
        "cli.commands.info",
    )
    assert all(importlib.util.find_spec(f"pmsl.{name}") for name in late)
    loaded = loaded_after(code)
    assert not {f"pmsl.{name}" for name in late} & loaded
    assert not {"trimesh", "psutil", "skimage", "rectpack", "distributed", "scipy", "numpy.ma"} & loaded


def test_a_check_of_a_mesh_loads_no_masked_arrays(samples):
    """`np.unique` and its like load `numpy.ma`, a tenth of the time that a small part takes."""
    code = f"from pmsl.cli.app import app\napp(['check', {str(samples / 'grating.stl')!r}], standalone_mode=False)"
    assert not {"numpy.ma", "trimesh", "skimage", "scipy"} & loaded_after(code)


@pytest.mark.parametrize("code", ["import pmsl", "import pmsl.cli", "import pmsl.__main__"])
def test_import_and_help_load_no_compiler_and_no_mesh_library(code):
    assert not {"numba", "trimesh", "shapely", "scipy", "skimage", "PIL", "tifffile"} & loaded_after(code)


@pytest.mark.parametrize("words", [[], ["slice"], ["check"], ["batch"], ["profiles"], ["findings"]])
def test_help_loads_no_arrays_and_no_compiler(words):
    """Options, their defaults and the fields of a request they come from are text and numbers."""
    code = f"from pmsl.cli.app import app\napp([*{words}, '--help'], standalone_mode=False)"
    loaded = loaded_after(code)
    assert "click" in loaded and not {"numpy", "llvmlite", "numba", "rich"} & loaded


def test_a_host_that_reads_a_job_loads_no_compiler(samples, tmp_path):
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    pmsl.write(pmsl.prepare(pmsl.place([pmsl.load_solid(samples / "f_orientation.stl")], printer, resin), printer, resin), tmp_path / "j")
    code = (
        f"import pmsl, numpy as np; job = pmsl.read({str(tmp_path / 'j')!r})\n"
        "frames = [e.mask.dense(np.uint8) for plan in job.layers() for e in plan.exposures]\n"
        "pmsl.dose_map(job, job[3]).dense(); job[0].exposures[0].mask.sha256()\n"
        f"assert len(frames) == 20 and pmsl.verify({str(tmp_path / 'j')!r}) == []"
    )
    assert not {"numba", "trimesh", "shapely", "scipy", "skimage"} & loaded_after(code)


def test_reading_an_stl_loads_no_mesh_library(samples):
    code = f"import pmsl; pmsl.load_solid({str(samples / 'grating.stl')!r})"
    assert not {"numba", "trimesh", "shapely", "scipy", "lxml"} & loaded_after(code)


HAVE_RECORDS = {  # of their arrays, for those who call them
    *("area.py", "cells_to_runs.py", "compare_voxels.py", "edge_probes.py", "face_matching.py", "near_triangles.py", "pixel_light.py"),
    *("slice_layer.py", "triangle_pairs.py", "union.py", "void_records.py", "volume.py"),
}


def test_kernels_import_only_math_numpy_numba_and_kernels():
    kernels = [path for path in (ROOT / "kernels").rglob("*.py") if path.parent.name != "_compiler"]
    assert len(kernels) > 50
    for path in kernels:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []
            )
            for name in names:
                fine = name in ("math", "numpy") or name.startswith("pmsl.kernels") or (name == "typing" and path.name in HAVE_RECORDS)
                assert fine, f"{path.name} imports {name}"


def test_rooms_are_small():
    for path in ROOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 320, f"{path.name} has {text.count(chr(10))} lines"


def test_kernels_give_the_same_without_the_compiler(samples, tmp_path):
    code = (
        "import pmsl, numpy as np\n"
        f"solid = pmsl.load_solid({str(samples / 'grating.stl')!r})\n"
        "g = pmsl.Grid(origin_um=(-5, -7), pitch_um=(50, 40), shape=(30, 44), z_edges_um=[0, 20, 110, 120])\n"
        "maker = pmsl.masks.masks_of([solid], g)\n"
        "for k in range(3):\n"
        "    m = maker.mask(k)\n"
        "    print(m.sha256(), m.sum_px(), m.dense(np.uint8).sum(), maker.coverage(k).sum(), m.column_sums_px().max())\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-W", "ignore::RuntimeWarning", "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **extra},
        ).stdout
        for extra in ({}, {"NUMBA_DISABLE_JIT": "1"})
    ]
    assert runs[0] == runs[1] and runs[0].count("\n") == 3
