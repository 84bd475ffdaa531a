"""Shared settings of the tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "pmsl", deadline=None, max_examples=60, derandomize=bool(os.environ.get("CI")), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("pmsl")

ROOT = Path(__file__).resolve().parents[1]
SHARED_MESHES = ROOT.parent / "shared" / "meshes"


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of the sample meshes."""
    return ROOT / "sample_meshes"
