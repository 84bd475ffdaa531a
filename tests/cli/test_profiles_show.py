"""`pmsl profiles show`: what it prints, saved, is the profile."""


def test_a_saved_template_slices_the_same_job(run, samples, tmp_path):
    names = {"printer": "pmsl-2um", "resin": "pr48-405", "process": "default"}
    for kind, name in names.items():
        (tmp_path / f"{kind}.toml").write_text(run("profiles", "show", name)[1], encoding="utf-8")
    mesh = samples / "f_orientation.stl"
    assert run("slice", mesh, "-o", "a", *(word for kind in names for word in (f"--{kind}", names[kind])))[0] == 0
    assert run("slice", mesh, "-o", "b", *(word for kind in names for word in (f"--{kind}", f"{kind}.toml")))[0] == 0
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) > 20 and all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
