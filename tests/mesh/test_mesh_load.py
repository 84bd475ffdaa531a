"""The door: units, suffixes, paths, and what the solid remembers."""

import hashlib
import os

import pytest

from pmsl.errors import MeshError, UsageError
from pmsl.mesh import load_solid

OBJ = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"


def test_solid_remembers_name_hash_and_unit_but_no_folder(tmp_path):
    path = tmp_path / "a b 'c' \u00e4\u6f22.OBJ"
    path.write_bytes(OBJ)
    solid = load_solid(str(path), unit="inch")
    assert (solid.source, solid.unit) == (path.name, "inch")
    assert solid.sha256 == hashlib.sha256(OBJ).hexdigest()
    assert solid.vertices_um.max() == 25400.0
    assert not solid.vertices_um.flags.writeable and not solid.faces.flags.writeable


def test_default_unit_is_millimetre(tmp_path):
    (tmp_path / "a.obj").write_bytes(OBJ)
    assert load_solid(tmp_path / "a.obj").vertices_um.max() == 1000.0


def test_unknown_unit_lists_the_known(tmp_path):
    with pytest.raises(UsageError, match="um, mm, cm, m, inch"):
        load_solid(tmp_path / "a.obj", unit="foot")


@pytest.mark.parametrize("name", ["missing.stl", "nul\0.stl", "x" * 300 + ".stl"])
def test_missing_files_are_named(tmp_path, name):
    with pytest.raises(MeshError, match=name[:3]):
        load_solid(tmp_path / name)


def test_folders_and_other_formats_are_refused(tmp_path):
    (tmp_path / "folder.stl").mkdir()
    (tmp_path / "part.step").write_bytes(b"ISO-10303-21;")
    (tmp_path / "bare").write_bytes(OBJ)
    with pytest.raises(MeshError, match="is a folder"):
        load_solid(tmp_path / "folder.stl")
    for name in ("part.step", "bare"):
        with pytest.raises(MeshError, match=r"\.stl, \.obj, \.ply, \.3mf"):
            load_solid(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_a_fifo_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.stl")
    with pytest.raises(MeshError, match="not a regular file"):
        load_solid(tmp_path / "pipe.stl")


def test_unreadable_files_are_refused(tmp_path, monkeypatch):
    (tmp_path / "a.stl").write_bytes(b"solid")

    def denied(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(MeshError, match="Permission denied"):
        load_solid(tmp_path / "a.stl")


def test_content_of_another_kind_is_named(tmp_path):
    (tmp_path / "a.stl").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(MeshError, match=r"rename it to \.3mf"):
        load_solid(tmp_path / "a.stl")


def test_a_scale_that_overflows_is_refused(tmp_path):
    (tmp_path / "a.obj").write_bytes(OBJ.replace(b"v 1", b"v 1e308"))
    with pytest.raises(MeshError, match="not finite"):
        load_solid(tmp_path / "a.obj", unit="m")


def test_trimesh_stays_outside(tmp_path):
    import subprocess
    import sys

    (tmp_path / "a.obj").write_bytes(OBJ)
    code = f"import sys; from pmsl.mesh.load import load_solid; load_solid({str(tmp_path / 'a.obj')!r}); "
    code += "print({'trimesh', 'numba', 'scipy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "set()"
