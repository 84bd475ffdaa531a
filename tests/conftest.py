"""Shared settings of the tests."""

import compileall
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tiers import EXAMPLES, SWEEP

for name, times in (("pmsl", 1), ("sweep", SWEEP)):
    settings.register_profile(
        name,
        deadline=None,
        max_examples=EXAMPLES * times,
        derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("pmsl")

ROOT = Path(__file__).resolve().parents[1]
SHARED_MESHES = ROOT.parent / "shared" / "meshes"


def pytest_configure(config):
    """Compile the package to bytecode once, also where Python is told to keep none: tests start many a process that imports it."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(ROOT / "pmsl", quiet=2)


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of the sample meshes."""
    return ROOT / "sample_meshes"
