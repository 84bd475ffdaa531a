"""Compiled kernels: kept, loaded without the compiler, and never trusted when damaged."""

import hashlib
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from pmsl.core.runs import Runs
from pmsl.kernels._compiler import cache_folder, disk_cache
from pmsl.kernels._compiler.jit import FEW, Kernel, _kind, call, compile_watch, many
from pmsl.kernels.codec import deflate
from pmsl.kernels.runs import run_ops

USE = """
import sys
import numpy as np
from pmsl.kernels.codec import deflate
from pmsl.kernels._compiler.jit import compile_watch, uncached
with compile_watch(lambda: print('compiling')) as watch:
    value, length = np.array([0, 255], np.uint8), np.array([3, 70_000], np.int64)
    print(deflate.adler32(value, length, 2))
print('numba' in sys.modules, watch.seconds > 0, uncached)
"""


def use(folder, **more):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder), **more}
    env.pop("NUMBA_DISABLE_JIT", None)
    return subprocess.run([sys.executable, "-c", USE], env=env, capture_output=True, text=True, check=True).stdout.split("\n")


def adler():
    import zlib

    return str(zlib.adler32(bytes(3) + b"\xff" * 70_000))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with the one kernel that `use` needs."""
    folder = tmp_path_factory.mktemp("kept")
    assert use(folder)[:3] == ["compiling", adler(), "True True []"]
    return folder


def test_the_second_process_loads_machine_code_and_not_the_compiler(kept):
    (file,) = kept.iterdir()
    assert file.name.startswith("deflate.adler32-") and file.stat().st_mode & 0o444 == 0o444
    assert use(kept)[:2] == [adler(), "False False []"]


def whole(name, rest):
    """What a file of this name would have to hold: the hash of both first."""
    return hashlib.sha256(name.encode() + b"\n" + rest).hexdigest().encode() + b"\n" + rest


DAMAGES = {
    "half": lambda name, b: b[: len(b) // 2],
    "empty": lambda name, b: b"",
    "a bit": lambda name, b: b[:-1] + bytes([b[-1] ^ 1]),
    "a line more": lambda name, b: b"{}\n" + b,
    "of another kernel": lambda name, b: whole("spans.facts-0.pmslk", b.partition(b"\n")[2]),
    "no facts": lambda name, b: whole(name, b"not json\n" + b.split(b"\n", 2)[2]),
    "few facts": lambda name, b: whole(name, b"{}\n" + b.split(b"\n", 2)[2]),
    "another name": lambda name, b: whole(name, b.partition(b"\n")[2].replace(b'"symbol": "', b'"symbol": "x')),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_or_foreign_machine_code_is_compiled_anew(kept, tmp_path, monkeypatch, damage):
    if not isinstance(deflate.adler32, Kernel):
        pytest.skip("kernels are not compiled in this run")
    (file,) = kept.iterdir()
    place = tmp_path / file.name
    place.write_bytes(damage(file.name, file.read_bytes()))
    assert place.read_bytes() != file.read_bytes()
    monkeypatch.setattr(disk_cache, "cache_folder", lambda: tmp_path)
    for compiles in (True, False):
        with compile_watch(lambda: None) as watch:
            found = Kernel(deflate.adler32.py_func)(np.array([0, 255], np.uint8), np.array([3, 70_000], np.int64), 2)
        assert str(found) == adler() and (watch.seconds > 0) == compiles


def test_where_nothing_can_be_kept_the_kernel_runs_and_it_is_said_why(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert use(blocked / "cache")[:3] == ["compiling", adler(), "True True ['no folder to keep kernels in is writable']"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(  # no LLVM reads this
            "import pmsl.kernels._compiler.disk_cache as n\nn.shim = lambda *a: '\\ndefine i32 @x(i8* %slots, ptr'", marks=pytest.mark.slow
        ),
        "from pmsl.kernels._compiler import llvm_entry as m, disk_cache as n\nn.shim = lambda s, t, a, k: m.shim(s, t, [*a, 'i64'], k)",
    ],
)
def test_code_that_is_not_known_is_called_by_the_compiler_itself_and_it_is_said(tmp_path, change):
    code = USE.replace("print('numba'", "print(uncached)\nprint('numba'")
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", f"{change}\n{code}"], env=env, capture_output=True, text=True)
    said = done.stdout.split("\n")
    assert said[:2] == ["compiling", adler()], done.stderr
    assert "another kind" in said[2] and not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="rights are lists there")
def test_a_folder_that_others_may_write_is_refused(tmp_path, monkeypatch):
    shared, mine = tmp_path / "shared", tmp_path / "shared" / "mine"
    shared.mkdir()
    shared.chmod(0o777)
    for folder in (shared, mine):  # in the place of the second they may put another
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
        with pytest.raises(OSError, match="others may write to .*shared.*, and kernels there would be run as yours"):
            cache_folder.cache_folder.__wrapped__()
    shared.chmod(0o1777)  # as /tmp is
    assert cache_folder.cache_folder.__wrapped__() == mine


@pytest.mark.skipif(sys.platform == "win32", reason="rights are lists there")
def test_rights_of_folders():
    def facts(mode, uid=0, gid=0):
        return os.stat_result((mode, 0, 0, 0, uid, gid, 0, 0, 0, 0))

    others, me = cache_folder._writable_by_others, os.geteuid()
    assert not others(facts(0o755, me)) and not others(facts(0o755, 0)) and not others(facts(0o700, me))
    assert others(facts(0o757, me)) and others(facts(0o755, me + 12345)) and others(facts(0o775, me, 2**31 - 5))  # a group without a name


def test_without_a_home_kernels_run_all_the_same(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_CACHE_HOME", "NUMBA_DISABLE_JIT")}
    nobody = "import pwd\ndef unknown(*a): raise KeyError\npwd.getpwuid = unknown\n"
    command = [sys.executable, "-c", nobody + USE]
    told = subprocess.run(command, env={**env, "NUMBA_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, check=True).stdout
    assert adler() in told and "[]" in told


def test_kinds_of_arguments():
    assert _kind(np.float64(2.0)) is float and _kind(2.0) is float
    assert _kind(True) is int and _kind(np.int32(3)) is int
    assert _kind(np.zeros((2, 2))[:, 0]) == (np.dtype(float), 1, False)
    for wrong in ("text", None, (1, 2), [1.0]):
        with pytest.raises(TypeError, match="kernels take"):
            _kind(wrong)


def test_slices_and_read_only_arrays_are_read_where_they_are():
    if not isinstance(run_ops.to_8bit, Kernel):
        pytest.skip("kernels are not compiled in this run")
    level = np.array([100, 65535, 3, 30000], np.uint16)
    level.setflags(write=False)
    out = np.zeros(2, np.int64), np.zeros(2, np.int32), np.zeros(2, np.int32), np.zeros(2, np.uint8)
    start, col, length = np.array([0, 2]), np.array([4, 9], np.int32), np.array([5, 2], np.int32)
    assert run_ops.to_8bit(start, col, length, level[1::2], *out) == 2
    assert out[3].tolist() == [255, (30000 + 128) // 257] and out[1].tolist() == [4, 9]


def test_threads_that_call_first_at_the_same_time_agree():
    kernel = Kernel(getattr(run_ops.to_8bit, "py_func", run_ops.to_8bit))
    start, col, length = np.array([0, 1]), np.array([4], np.int32), np.array([5], np.int32)
    results = []

    def call():
        out = np.zeros(2, np.int64), np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.uint8)
        results.append((kernel(start, col, length, np.array([65535], np.uint16), *out), int(out[3][0])))

    threads = [threading.Thread(target=call) for _ in range(8)]
    with compile_watch(lambda: None):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [(1, 255)] * 8


def test_many_calls_in_a_row_are_the_calls_one_by_one():
    values = [np.array([0, 255, i], np.uint8) for i in range(9)]
    lengths = [np.array([3, 70_000 + i, 5]) for i in range(9)]
    calls = [(v, n, 3) for v, n in zip(values, lengths, strict=True)]
    wanted = [deflate.adler32(*args) for args in calls]
    assert len(set(wanted)) == 9 and many(deflate.adler32, calls) == wanted
    assert many(deflate.adler32, []) == []
    assert [call(deflate.adler32, n, *args) for n in (1, FEW + 1) for args in calls] == wanted * 2
    other = [*calls, (values[0][::-1], lengths[0], 2)]  # not of the same kinds: not contiguous
    assert many(deflate.adler32, other) == [*wanted, deflate.adler32(*other[-1])]


def test_kernels_that_return_nothing_or_several_numbers_are_called_in_a_row():
    runs = [Runs(np.array([0, 2]), np.array([i, 5], np.int32), np.array([1, 2], np.int32), np.array([i, 255], np.uint8)) for i in (1, 2)]
    outs = [np.zeros(5, np.int64) for _ in runs]
    many(run_ops.facts, [(r.row_start, r.col, r.length, r.value.astype(np.uint16), out) for r, out in zip(runs, outs, strict=True)])
    for r, out in zip(runs, outs, strict=True):
        alone = np.zeros(5, np.int64)
        assert run_ops.facts(r.row_start, r.col, r.length, r.value.astype(np.uint16), alone) is None
        assert np.array_equal(out, alone) and out.any()
