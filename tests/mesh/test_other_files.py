"""Files that are something else than their suffix says are refused as what they are: pointers of git-LFS, pages, archives, CAD models."""

import gzip
import io
import json
import shutil
import zipfile

import pytest

import pmsl
from pmsl.batch import read_batch
from pmsl.errors import BatchError, JobError, MeshError, PmslError, ProfileError, UsageError
from pmsl.files.file_kind import kind_and_remedy
from pmsl.mesh.placing.copies_file import read_copies

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
PAGE = b"<!DOCTYPE html>\n<html><head><title>Not found</title></head><body>vertex facet</body></html>\n" * 3
IGES = b" " * 72 + b"S      1\n" + b"1H,,1H;,7Hpart.x_,".ljust(72) + b"G      1\n"


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("part.stl", b"solid\nendsolid\n")
    return out.getvalue()


CONTENTS = {
    "pointer": (POINTER, "git-LFS pointer.*git lfs pull"),
    "page": (PAGE, "web page"),
    "error": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "web page or an error"),
    "gzip": (gzip.compress(b"solid x" * 50), "gzip archive.*unpack"),
    "step": (b"ISO-10303-21;\nHEADER;\nENDSEC;\n" * 9, "STEP file.*export it as STL"),
    "iges": (IGES, "IGES file"),
    "json": (b'{"vertices": [[0, 0, 0]], "faces": []}' * 5, "JSON text"),
    "xml": (b"<?xml version='1.0'?><svg/>" * 9, "XML text"),
    "amf": (b'<?xml version="1.0"?><amf unit="millimeter"></amf>' * 4, "AMF file"),
    "zeros": (bytes(700), "all zeros"),
    "pdf": (b"%PDF-1.7\n" * 30, "PDF document"),
    "png": (b"\x89PNG\r\n\x1a\n" + b"abcd" * 60, "PNG picture"),
    "blend": (b"BLENDER-v300" * 30, "Blender file"),
    "ole": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 30, "CAD or office program"),
    "7z": (b"7z\xbc\xaf\x27\x1c" * 30, "7z archive"),
}


@pytest.mark.parametrize("suffix", [".stl", ".obj", ".ply", ".3mf", ".STL"])
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_mesh_that_is_something_else(kind, suffix, tmp_path):
    content, words = CONTENTS[kind]
    file = tmp_path / f"part{suffix}"
    file.write_bytes(content)
    with pytest.raises(MeshError, match=words) as caught:
        pmsl.load_solid(file)
    assert str(caught.value).startswith(f"part{suffix}: is ") and suffix.lower() in str(caught.value)


def test_meshes_of_another_suffix_say_how_to_call_them(tmp_path, samples):
    stl = (samples / "f_orientation.stl").read_bytes()
    for name, content, words in (
        ("a.stl", zipped(), "zip archive.*3MF.*3mf"),
        ("a.obj", b"solid a\nfacet normal 0 0 1\nouter loop\nendloop\nendfacet\nendsolid\n", "ASCII STL file.*rename it to .stl"),
        ("a.3mf", b"ply\nformat ascii 1.0\n", "PLY file.*rename"),
        ("a.stl", b"ply\nformat ascii 1.0\n", "PLY file.*rename"),
        ("empty.stl", b"", "empty"),
        ("empty.3mf", b"", "empty"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MeshError, match=words):
            pmsl.load_solid(tmp_path / name)
    header = b'{"made": "by hand"}'.ljust(80)  # what a binary STL says in its header decides nothing
    (tmp_path / "b.stl").write_bytes(header + stl[80:])
    assert pmsl.load_solid(tmp_path / "b.stl").n_faces > 0


def test_damaged_files_of_the_right_kind_keep_their_own_reason(tmp_path, samples):
    (tmp_path / "a.stl").write_bytes((samples / "f_orientation.stl").read_bytes()[:-70])
    with pytest.raises(MeshError, match="cut off"):
        pmsl.load_solid(tmp_path / "a.stl")
    (tmp_path / "a.3mf").write_bytes(zipped()[:-30])
    with pytest.raises(MeshError, match="damaged"):
        pmsl.load_solid(tmp_path / "a.3mf")
    (tmp_path / "a.ply").write_bytes(b"ply\nformat ascii 1.0\n")
    with pytest.raises(MeshError) as caught:
        pmsl.load_solid(tmp_path / "a.ply")
    assert "is a PLY file, not" not in str(caught.value)


@pytest.mark.parametrize("kind", ["pointer", "page", "gzip", "json"])
def test_profiles_batches_and_lists_that_are_something_else(kind, tmp_path):
    content, words = CONTENTS[kind]
    file = tmp_path / "p.toml"
    file.write_bytes(content)
    for find in (pmsl.find_printer, pmsl.find_resin, pmsl.find_process):
        with pytest.raises(ProfileError, match=words):
            find(str(file))
    with pytest.raises(BatchError, match=words):
        read_batch(file)
    for suffix in (".toml", ".csv"):
        (tmp_path / f"c{suffix}").write_bytes(content)
        with pytest.raises(UsageError, match=words):
            read_copies(tmp_path / f"c{suffix}")


@pytest.mark.parametrize("suffix", [".zip", ".sl1", ".goo", ".ctb", ".nanodlp", ".tif", ".svg"])
@pytest.mark.parametrize("kind", ["pointer", "page", "gzip"])
def test_jobs_that_are_something_else(kind, suffix, tmp_path):
    content, words = CONTENTS[kind]
    file = tmp_path / f"j{suffix}"
    file.write_bytes(content)
    with pytest.raises(PmslError, match=words):
        pmsl.read(file)


def test_parts_of_a_job_that_are_pointers(tmp_path, samples):
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    job = pmsl.prepare(pmsl.place([pmsl.load_solid(samples / "f_orientation.stl")], printer, resin), printer, resin)
    pmsl.write(job, tmp_path / "j")
    document = json.loads((tmp_path / "j" / "job.json").read_bytes())
    for inner, act in (
        ("frames/00003.png", lambda at: pmsl.read(at)[3]),
        (document["parts"][0].get("file") or next(p.name for p in (tmp_path / "j" / "design").iterdir()), None),
        ("job.json", pmsl.read),
    ):
        name = inner if "/" in inner or inner == "job.json" else f"design/{inner}"
        copy = tmp_path / name.replace("/", "_")
        shutil.copytree(tmp_path / "j", copy)
        (copy / name).write_bytes(POINTER)
        with pytest.raises(JobError, match="git-LFS pointer"):
            act(copy) if act else pmsl.read(copy).design


def test_flat_fields_that_are_pointers(tmp_path):
    from pmsl.cli.app import app

    text = pmsl.profiles.library_text("pmsl-2um") if hasattr(pmsl.profiles, "library_text") else ""
    assert text and app is not None
    for table, name in (("grid", "f.txt"), ("image", "f.png")):
        (tmp_path / name).write_bytes(POINTER)
        own = text + f'\n[optics.flat_field]\n{table} = {{ value = "{name}", class = "measured", source = "t" }}\n'
        (tmp_path / "p.toml").write_text(own)
        with pytest.raises(ProfileError, match="git-LFS pointer"):
            pmsl.find_printer(str(tmp_path / "p.toml"))


def test_what_is_not_known_is_not_guessed():
    assert kind_and_remedy(b"") is None
    assert kind_and_remedy(b"v 0 0 0\nv 1 0 0\n") is None and kind_and_remedy(bytes(range(1, 200))) is None
