"""A process that is killed while it writes leaves nothing under the final name; the next one writes the same bytes and tidies up."""

import os
import signal
import stat
import sys

import pytest
from formats.conformance import degenerate_frames, digest, job_of, printer_of

import pmsl

SHAPE = (19, 27)
FILES = {
    "native": "job",
    "byu": "job.zip",
    "sl1": "job.sl1",
    "nanodlp": "job.nanodlp",
    "goo": "job.goo",
    "ctb": "job.ctb",
    "ome-tiff": "job.tif",
    "ome-zarr": "job.zarr",
}


def write(folder, name, progress=None):
    job = job_of(degenerate_frames(SHAPE), printer_of(SHAPE))
    pmsl.write(job, folder / FILES[name], format=name, design=False, threads=1, lossy=True, progress=progress)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", FILES)
def test_killed_while_writing(name, tmp_path):
    def kill(done, total):
        if done == total // 2:
            os.kill(os.getpid(), signal.SIGKILL)

    (tmp_path / "whole").mkdir()
    write(tmp_path / "whole", name)
    child = os.fork()
    if child == 0:
        try:
            write(tmp_path, name, kill)
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    left = [p.name for p in tmp_path.iterdir() if p.name != "whole"]
    assert len(left) == 1 and left[0].startswith(".") and left[0].endswith(".partial")  # it was in the middle
    write(tmp_path, name)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([FILES[name], "whole"])  # what the killed one left is gone
    assert digest(tmp_path / FILES[name]) == digest(tmp_path / "whole" / FILES[name])


@pytest.mark.skipif(not hasattr(os, "pread"), reason="no pread on this system")
@pytest.mark.parametrize("name", [name for name in FILES if name not in ("native", "ome-zarr")])
def test_a_file_is_on_the_disk_before_it_gets_its_name(name, tmp_path, monkeypatch):
    """All of it: what is synced last, before the file has its name, has the bytes of the file."""
    synced = []

    def note(handle, real=os.fsync):
        real(handle)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            assert not (tmp_path / FILES[name]).exists()
            synced.append(os.pread(handle, 1 << 24, 0))

    monkeypatch.setattr(os, "fsync", note)
    write(tmp_path, name)
    assert synced == [(tmp_path / FILES[name]).read_bytes()]
