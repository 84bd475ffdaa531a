"""Mesh files that others write while they are read: refused or read whole, never a killed process."""

import os
import subprocess
import sys

import numpy as np
import pytest

import pmsl
from pmsl.errors import MeshError
from pmsl.mesh import load

CUT = """
import os, sys, threading, time
import pmsl
from pmsl.errors import MeshError
path, seconds = sys.argv[1], float(sys.argv[2])
whole = os.path.getsize(path)
end = time.monotonic() + seconds
def cut():
    while time.monotonic() < end:
        os.truncate(path, 84)
        os.truncate(path, whole)
threading.Thread(target=cut, daemon=True).start()
ends = set()
while time.monotonic() < end:
    try:
        pmsl.load_solid(path)
        ends.add("whole")
    except MeshError as err:
        ends.add("refused")
print(*sorted(ends))
"""


def stl(path, triangles):
    """Write a binary STL of so many triangles, all alike."""
    record = np.zeros(triangles, np.dtype([("n", "<f4", 3), ("v", "<f4", (3, 3)), ("a", "<u2")]))
    record["v"] = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    path.write_bytes(bytes(80) + np.uint32(triangles).tobytes() + record.tobytes())
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open is not cut there")
def test_a_mesh_that_is_cut_while_it_is_read_kills_nothing(tmp_path):
    words = [sys.executable, "-c", CUT, str(stl(tmp_path / "m.stl", 40_000)), "1.5"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "refused" in done.stdout, (done.returncode, done.stderr)


@pytest.mark.parametrize("what", ["st_size", "st_mtime_ns"])
def test_what_grows_or_is_written_again_meanwhile_is_refused_by_name(tmp_path, monkeypatch, what):
    path = stl(tmp_path / "m.stl", 10)
    seen = []

    def fstat(number):
        found = os.stat(number)
        values = {"st_size": found.st_size, "st_mtime_ns": found.st_mtime_ns}
        values[what] += len(seen)
        seen.append(number)
        return type("Stat", (), values)

    monkeypatch.setattr(load.os, "fstat", fstat)
    with pytest.raises(MeshError, match=r"m\.stl: was changed while it was read \(584 bytes, then 58[45]\); wait"):
        pmsl.load_solid(path)
    assert len(seen) == 2


def test_a_mesh_left_alone_is_read(tmp_path):
    assert len(pmsl.load_solid(stl(tmp_path / "m.stl", 10)).faces) == 10
