"""A short run of mutated real files through every reader; the long one is ``benchmarks/fuzz_readers.py``."""

import random

import pytest
from formats import fuzz
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.formats import registry


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return fuzz.seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "file"


def test_seeds_can_be_read(seeds, target):
    for name, data in seeds.items():
        fuzz.put(target, name, data)
        assert fuzz.try_to_read(target, name), name
        assert registry.recognise(target).name == name.removesuffix("-xor").removesuffix("-binary")  # one reader for both


@settings(max_examples=examples(15))
@given(number=st.integers(0, 2**64 - 1))
def test_mutated_files_are_read_or_refused(seeds, target, number):
    rng = random.Random(number)
    for name, data in seeds.items():
        fuzz.put(target, name, fuzz.mutated(data, rng, fuzz.is_folder(name)))
        fuzz.try_to_read(target, name)
