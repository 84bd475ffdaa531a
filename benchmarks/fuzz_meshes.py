"""Does any mutated mesh file bring a loader down? ``python benchmarks/fuzz_meshes.py --inputs 100000 [--seed 1] [--keep FOLDER]``

Every input is a mutation of a small real file: STL binary and ASCII, OBJ in UTF-8 and UTF-16, PLY ASCII and of both byte orders,
3MF. It must be loaded, or refused with one MeshError that names the file, within seconds and within 200 MB; one in ten that
loads is looked over, repaired and sliced as well. Inputs that are not are kept.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fuzz_readers import Input, run_through
from mesh import loader_fuzz

DEEP = 0.1  # of the inputs are also sliced


def main() -> int:
    """Run the inputs; the exit code is 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input: goes on from an earlier run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=sorted(loader_fuzz.seeds()), help="only this one")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pmsl-fuzz-") as scratch:
        seeds = loader_fuzz.seeds()
        kinds = [wanted.kind] if wanted.kind else sorted(seeds)
        for kind in kinds:
            loader_fuzz.try_to_load(_put(Path(scratch), *seeds[kind]), deep=True)

        def inputs() -> Iterator[Input]:
            for i in range(wanted.first, wanted.first + wanted.inputs):
                kind, rng = kinds[i % len(kinds)], random.Random(wanted.seed * 10**9 + i)
                suffix, seed = seeds[kind]
                data = loader_fuzz.mutated(kind, seed, rng)
                attempt = partial(loader_fuzz.try_to_load, _put(Path(scratch), suffix, data), rng.random() < DEEP)
                yield Input(i, kind, f"{kind.replace(' ', '-')}-{wanted.seed}-{i}{suffix}", data, attempt)

        return run_through(inputs(), wanted.keep)


def _put(folder: Path, suffix: str, data: bytes) -> Path:
    path = folder / f"file{suffix}"
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    raise SystemExit(main())
