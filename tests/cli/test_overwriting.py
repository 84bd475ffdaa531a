"""What is there is replaced only with --force, and a batch writes nothing outside its folder."""

import json
from pathlib import Path

import pytest

from pmsl.batch import read_batch, scheduler
from pmsl.errors import BatchError

SMALL = ["--printer", "pmsl-2um", "--resin", "pr48-405", "--scale", "0.2"]
MINE = b"mine"


@pytest.fixture
def mesh(samples):
    return samples / "f_orientation.stl"


def test_a_preview_replaces_a_file_only_with_force(run, mesh):
    sheet = Path("sheet.png")
    sheet.write_bytes(MINE)
    words = ("slice", mesh, "-o", "job", *SMALL, "--preview", "sheet.png")
    code, out, err = run(*words)
    assert code == 2 and "--preview sheet.png: exists already" in err and "--force" in err
    assert sheet.read_bytes() == MINE and not Path("job").exists()
    assert run(*words, "--force")[0] == 0 and sheet.read_bytes().startswith(b"\x89PNG")
    Path("link.png").symlink_to("sheet.png")
    code, out, err = run("slice", mesh, "-o", "job2", *SMALL, "--preview", "link.png", "--force")
    assert code == 2 and "no ordinary file" in err and Path("link.png").is_symlink()


def test_a_preview_that_came_while_it_was_sliced_is_left(run, mesh, monkeypatch):
    from pmsl.pipeline import slice_jobs as work

    put = work.write_job

    def late(*args, **options):
        made = put(*args, **options)
        Path("sheet.png").write_bytes(MINE)
        return made

    monkeypatch.setattr(work, "write_job", late)
    code, _, err = run("slice", mesh, "-o", "job", *SMALL, "--preview", "sheet.png")
    assert code == 2 and "exists already" in err and Path("sheet.png").read_bytes() == MINE


def test_a_mesh_and_pictures_of_a_prediction(run, mesh):
    pytest.importorskip("matplotlib")
    pytest.importorskip("skimage")
    assert run("slice", mesh, "-o", "job", *SMALL)[0] == 0
    Path("p").mkdir()
    files = [Path(name) for name in ("m.stl", "p/doses.png", "p/working-curve.png", "p/layer-00001.png", "p/section-x-1920um.png")]
    words = ("simulate", "job", "--mesh", "m.stl", "--pictures", "p", "--layers", "1:2", "--section", "x=1920")
    for file in files:
        file.write_bytes(MINE)
        code, out, err = run(*words)
        assert code == 2 and out == "" and f"{file}: exists already" in err and file.read_bytes() == MINE
        assert [path for path in Path("p").iterdir() if path != file] == [] and Path("m.stl").exists() == (file == files[0])
        file.unlink()
    Path("p/other.png").write_bytes(MINE)
    assert run(*words)[0] in (0, 4)
    assert all(file.stat().st_size > 100 for file in files) and Path("p/other.png").read_bytes() == MINE
    before = [file.read_bytes() for file in files]
    assert run(*words)[0] == 2
    for file in files:
        file.write_bytes(MINE)
    assert run(*words, "--force")[0] in (0, 4) and [file.read_bytes() for file in files] == before


@pytest.mark.parametrize("inside", ["job/x.sl1", "job/frames/x.sl1", "job/x"])
def test_no_job_is_written_into_the_folder_of_another(run, mesh, inside):
    assert run("slice", mesh, "-o", "job", *SMALL)[0] == 0
    before = sorted(Path("job").rglob("*"))
    for words in (("slice", mesh, *SMALL), ("convert", "job", "--lossy")):
        target = (inside,) if words[0] == "convert" else ("-o", inside)
        code, out, err = run(*words, *target)
        assert code == 2 and out == "" and f"lies inside the job {Path('job').absolute()}" in err
    assert sorted(Path("job").rglob("*")) == before


BATCH = """
schema = "pmsl.batch/2"
out = "night"
[[job]]
name = "a"
meshes = ["{mesh}"]
printer = "pmsl-2um"
resin = "pr48-405"
scale = "{scale}"
preview = "{preview}"
"""


def batch(mesh, preview, scale="0.2"):
    Path("b.toml").write_text(BATCH.format(mesh=mesh, scale=scale, preview=preview), encoding="utf-8")
    return "b.toml"


def test_a_batch_writes_nothing_outside_its_folder(run, mesh, tmp_path):
    Path("night").mkdir()
    Path("night/up").symlink_to(tmp_path)
    for preview in ("{name}.png", "night/../x.png", str(tmp_path / "x.png"), "night/up/x.png", "../x.png", "nightly/x.png"):
        with pytest.raises(BatchError, match="lies outside"):
            read_batch(batch(mesh, preview))
    code, _, err = run("batch", batch(mesh, "{name}.png"))
    assert code == 3 and "write 'night/{name}.png'" in err


def test_a_preview_of_a_batch_is_its_own_or_left(run, mesh):
    Path("night").mkdir()
    sheet = Path("night/a.png")
    sheet.write_bytes(MINE)
    code, _, err = run("batch", batch(mesh, "night/{name}.png"))
    assert code == 3 and "no batch made it" in err and sheet.read_bytes() == MINE and not Path("night/a").exists()
    sheet.unlink()
    assert run("batch", "b.toml")[0] == 0
    first = sheet.read_bytes()
    code, out, _ = run("batch", "b.toml", "--json")
    assert code == 0 and "already done" in out and "preview" not in json.loads(out.splitlines()[1])
    assert run("batch", batch(mesh, "night/{name}.png", scale="0.3"))[0] == 0  # its own: drawn again
    assert sheet.read_bytes() != first
    Path("night/b.png").write_bytes(MINE)
    code, _, err = run("batch", batch(mesh, "night/b.png", scale="0.2"))
    assert code == 3 and "no batch made it" in err and Path("night/b.png").read_bytes() == MINE
    assert scheduler.run(read_batch("b.toml"), force=True).exit_code == 0 and Path("night/b.png").read_bytes() != MINE
