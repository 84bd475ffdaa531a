"""Formats found by name, suffix and content; those of other packages through entry points, loaded only when asked for."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from formats.conformance import f_frame, job_of, printer_of

import pmsl
from pmsl.errors import JobError, UsageError
from pmsl.formats import registry
from pmsl.formats.adapt.capability import Capability
from pmsl.formats.protocol import Format


class Theirs:
    """A format as another package would bring it."""

    name = "theirs"
    suffixes = (".thr",)
    capability = Capability()

    def recognises(self, seen):
        return seen.head.startswith(b"THEIRS")

    def foreign(self, path):
        return ""

    def write(self, job, path, options):
        path.write_bytes(b"THEIRS")
        return "written"

    def read(self, path):
        return self.job

    def verify(self, path, options):
        return []


FORMAT, NONSENSE = Theirs(), object()


@pytest.fixture
def installed(monkeypatch):
    """Pretend that packages with these entry points are installed."""

    def install(**found):
        entries = [EntryPoint(name=n, value=v, group=registry.GROUP) for n, v in found.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == registry.GROUP else [])

    return install


def test_every_shipped_format_is_what_the_registry_says():
    for shipped in registry.SHIPPED:
        made: Format = shipped.load()
        assert (made.name, tuple(made.suffixes)) == (shipped.name, shipped.suffixes)
        assert isinstance(made.capability, Capability)
        for method in (made.recognises, made.foreign, made.write, made.read, made.verify):
            assert callable(method)


@pytest.mark.parametrize(
    ("file", "name", "chosen"),
    [
        ("job", None, "native"), ("job.v2-final", None, "native"), ("job.ZIP", None, "native"), ("x.SL1", None, "sl1"),
        ("x.sl1s", None, "sl1"), ("x.nanodlp", None, "nanodlp"), ("x.zip", "byu", "byu"), ("x.anything", "native", "native"),
    ],
)  # fmt: skip
def test_names_and_suffixes(tmp_path, file, name, chosen):
    assert registry.choose(tmp_path / file, name) == chosen


def test_unknown_names_and_suffixes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="'sl9' is not known; known: native, sl1"):
        registry.choose(tmp_path / "x", "sl9")
    with pytest.raises(UsageError, match="no format writes '.xyz' files"):
        registry.choose(tmp_path / "x.xyz", None)


def test_another_packages_format_is_found_in_all_three_ways(tmp_path, installed):
    installed(theirs=f"{__name__}:FORMAT", broken="no.such.module:FORMAT")
    assert registry.choose(tmp_path / "x", "theirs") == "theirs" and registry.find("theirs").name == "theirs"
    installed(theirs=f"{__name__}:FORMAT")
    assert registry.choose(tmp_path / "x.thr", None) == "theirs"
    job = job_of([f_frame((9, 11))], printer_of((9, 11)))
    assert pmsl.write(job, tmp_path / "x.thr") == "written"
    FORMAT.job = job_of([f_frame((9, 11))], printer_of((9, 11)))
    assert pmsl.read(tmp_path / "x.thr") is FORMAT.job
    assert pmsl.verify(tmp_path / "x.thr") == [] and registry.is_job(tmp_path / "x.thr")


def test_a_format_that_cannot_be_loaded_is_named_when_asked_for_and_only_then(tmp_path, installed):
    installed(broken="no.such.module:FORMAT", nonsense=f"{__name__}:NONSENSE", renamed=f"{__name__}:FORMAT", sl1=f"{__name__}:FORMAT")
    pmsl.write(job_of([f_frame((9, 11))], printer_of((9, 11))), tmp_path / "x.sl1")
    assert pmsl.read(tmp_path / "x.sl1").n_layers == 1  # no other package takes the place of a shipped format
    for name, words in (("broken", "cannot be loaded"), ("nonsense", "it has no name"), ("renamed", "it calls itself 'theirs'")):
        with pytest.raises(UsageError, match=words):
            registry.find(name)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4 no zip", b"no job at all", bytes(5000)])
def test_what_is_no_job_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(JobError):
        registry.recognise(tmp_path / "x")
    assert not registry.is_job(tmp_path / "x")


def test_content_counts_and_not_the_suffix(tmp_path):
    """Also where the suffix is that of native zips."""
    job = job_of([f_frame((19, 27))], printer_of((19, 27)))
    for name in ("native", "byu", "sl1", "nanodlp", "goo", "ctb", "ome-tiff"):
        for suffix in (".zip", ".goo", ".tif") if name != "native" else (".zip",):  # native names of other suffixes are folders
            path = tmp_path / f"{name}{suffix}"
            pmsl.write(job, path, format=name, design=False, lossy=True)
            assert registry.recognise(path).name == name


def test_what_is_no_file_with_something_in_it_is_named(tmp_path):
    (tmp_path / "empty.zip").touch()
    (tmp_path / "text.zip").write_text("hello")
    for name, words in (("empty.zip", "empty .0 bytes"), ("text.zip", "begins with b'hell': not a zip")):
        for ask in (registry.recognise, pmsl.read, pmsl.verify):
            with pytest.raises(JobError, match=words):
                ask(tmp_path / name)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")  # whoever opens it waits for a writer
        with pytest.raises(JobError, match="no ordinary file"):
            pmsl.read(tmp_path / "pipe")


def test_formats_are_not_imported_before_they_are_asked_for():
    code = (
        "import sys, pmsl.cli, pmsl.pipeline; from pathlib import Path; from pmsl.formats import registry\n"
        "registry.find(registry.choose(Path('job.zip'), None))\n"
        "print([m for m in sys.modules if m.startswith('pmsl.formats.') and m.split('.')[2] in ('sl1', 'byu', 'nanodlp')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
