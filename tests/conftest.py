"""Shared settings of the tests."""

import compileall
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = False  # asserts of all tests are rewritten for pytest: some ten seconds, in every process where they are not kept

from browser import browser  # noqa: E402, F401 (a fixture)
from hypothesis import HealthCheck, settings  # noqa: E402 (rewritten too)
from tiers import EXAMPLES, SWEEP  # noqa: E402

for name, times in (("few", 0.2), ("pmsl", 1), ("sweep", SWEEP)):
    settings.register_profile(
        name,
        deadline=None,
        max_examples=round(EXAMPLES * times),
        derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("pmsl")

ROOT = Path(__file__).resolve().parents[1]
SLOW_CASES = ROOT / "tests" / "slow_cases.txt"  # beginnings of the names of tests
SHARED_MESHES = ROOT.parent / "shared" / "meshes"


def pytest_configure(config):
    """Compile the package to bytecode once, also where Python is told to keep none: tests start many a process that imports it."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(ROOT / "pmsl", quiet=2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs):
    """Compile the kernels once where they are not kept, on several processors: workers would each compile all of them."""
    from pmsl.kernels._compiler import ahead, disk_cache, jit

    if not (ROOT / "tests" / "contracts" / "__pycache__").exists():
        _rewrite_asserts(len(specs))
    names = ahead.names_of("warmup")
    if len(specs) > 1 and isinstance(ahead._parsed(names[0])[0], jit.Kernel) and not all(disk_cache.load(*ahead._parsed(n)) for n in names):
        subprocess.run([sys.executable, "-m", "pmsl", "warmup"], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)  # it says what it does


def _rewrite_asserts(processes):
    """Let each process read its share of the tests, so that rewritten ones are kept: workers would each rewrite all of them."""
    files = sorted((ROOT / "tests").glob("*/test_*.py"), key=lambda path: -path.stat().st_size)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-n", "0"]
    shares = [[*command, *map(str, files[i::processes])] for i in range(processes)]
    for reader in [subprocess.Popen(share, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for share in shares]:
        reader.wait()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark as slow what `slow_cases.txt` lists: cases of seconds, which `.ci/run` runs by themselves."""
    listed = tuple(f"tests/{line}" for line in SLOW_CASES.read_text().splitlines())
    for item in items:
        if item.nodeid.startswith(listed):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.slow_case)


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of the sample meshes."""
    return ROOT / "sample_meshes"
