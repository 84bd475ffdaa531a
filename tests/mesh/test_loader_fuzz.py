"""A short run of mutated mesh files through every reader; the long one is ``benchmarks/fuzz_meshes.py``."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh import loader_fuzz
from tiers import examples

SEEDS = loader_fuzz.seeds()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def test_seeds_can_be_read(folder):
    for kind, (suffix, data) in SEEDS.items():
        path = folder / f"file{suffix}"
        path.write_bytes(data)
        assert loader_fuzz.try_to_load(path, deep=True), kind


@settings(max_examples=examples(50))
@given(number=st.integers(0, 2**64 - 1))
def test_mutated_files_are_read_or_refused(folder, number):
    rng = random.Random(number)
    for kind, (suffix, data) in SEEDS.items():
        path = folder / f"file{suffix}"
        path.write_bytes(loader_fuzz.mutated(kind, data, rng))
        loader_fuzz.try_to_load(path, deep=rng.random() < 0.05)
