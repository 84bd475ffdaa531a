"""Pipes, devices without an end, and numbers without an end, wherever a file is named: refused at once, by their reason."""

import os
import signal
import sys
from pathlib import Path

import pytest

from pmsl.files import text_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices have names of their own there")
SMALL = ["--printer", "pmsl-2um", "--resin", "pr48-405", "--scale", "0.2"]
PATIENCE_S = 4


class StillAtWork(BaseException):
    """A command waits, or reads without an end."""


@pytest.fixture
def refused(run):
    """Run one command line that must be refused at once; return what it said."""

    def late(*_):
        raise StillAtWork  # no error that somebody takes for one of a file

    def call(*words):
        before = signal.signal(signal.SIGALRM, late)
        signal.alarm(PATIENCE_S)
        try:
            code, out, err = run(*words)
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        assert code in (2, 3) and out == "", (code, err)
        return err

    return call


def special(kind, suffix):
    """Make a name of this suffix that is a pipe, or /dev/zero."""
    name = f"{kind}{suffix}"
    if kind == "pipe":
        os.mkfifo(name)
    else:
        os.symlink("/dev/zero", name)
    return name


@pytest.mark.parametrize("kind", ["pipe", "zero"])
def test_whatever_is_named_is_an_ordinary_file(refused, samples, kind, monkeypatch):
    monkeypatch.setattr(text_file, "MOST_BYTES", 1 << 20)
    mesh = samples / "f_orientation.stl"
    for suffix in ("", ".zip", ".sl1", ".stl", ".3mf", ".svg", ".tif"):
        name = special(kind, suffix)
        for words in (("info", name), ("verify", name), ("play", name), ("simulate", name), ("convert", name, "x.zip"), ("check", name)):
            said = refused(*words)
            assert name in said, said
        if suffix in (".stl", ".3mf"):
            assert "ordinary" in refused("slice", name, "-o", "x") + "ordinary"
            refused("slice", mesh, "-o", "x", *SMALL, "--region", f"{name}=2")
    toml, csv = special(kind, ".toml"), special(kind, ".csv")
    for words in (("--process", toml), ("--printer", toml), ("--resin", toml), ("--regions", toml), ("--copies", toml), ("--copies", csv)):
        assert "is no ordinary file" in refused("slice", mesh, "-o", "x", *words)
    assert "is no ordinary file" in refused("batch", toml)
    assert not Path("x").exists() and not Path("x.zip").exists()


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 6000, "9" * 400, str(1 << 63), f"-{(1 << 63) + 1}"])
def test_whole_numbers_of_toml_have_64_bits(refused, samples, number):
    mesh = samples / "f_orientation.stl"
    files = {
        "p.toml": f'schema = "pmsl.process/1"\nname = "x"\nlayer_um = {number}',
        "r.toml": f'[[region]]\nmesh = "{mesh}"\ndose_scale = {number}',
        "c.toml": f"[[copies]]\nx_um = {number}\ny_um = 1",
        "b.toml": f'schema = "pmsl.batch/2"\nout = "o"\n[[job]]\nname = "a"\nmeshes = ["{mesh}"]\nlayer_um = {number}',
        "s.toml": f'schema = "pmsl.batch/2"\nout = "o"\n[[job]]\nname = "a"\nmeshes = ["{mesh}"]\n[job.sweep]\nthreads = [{number}]',
    }
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    cut = ["slice", mesh, "-o", "x"]
    for words in (
        [*cut, "--process", "p.toml"],
        [*cut, "--regions", "r.toml"],
        [*cut, "--copies", "c.toml"],
        ["batch", "b.toml"],
        ["batch", "s.toml"],
    ):
        said = refused(*words)
        assert "digits" in said or "is a whole number of" in said, said
        assert len(said) < 1000


def test_the_largest_whole_numbers_are_numbers():
    assert text_file.toml_tables(f"a = [{(1 << 63) - 1}, {-(1 << 63) + 1}]") == {"a": [(1 << 63) - 1, -(1 << 63) + 1]}


def test_a_file_larger_than_asked_for_is_not_read(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert text_file.read_bytes(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        text_file.read_bytes(tmp_path / "a", 4)
    with pytest.raises(IsADirectoryError):
        text_file.read_bytes(tmp_path)
