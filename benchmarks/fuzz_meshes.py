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
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fuzz_readers import LIMIT_MB, peak_mb
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
    warnings.simplefilter("error")
    counts: Counter[str] = Counter()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="pmsl-fuzz-") as scratch:
        seeds = loader_fuzz.seeds()
        kinds = [wanted.kind] if wanted.kind else sorted(seeds)
        for kind in kinds:
            loader_fuzz.try_to_load(_put(Path(scratch), *seeds[kind]), deep=True)
        base = peak_mb()
        for i in range(wanted.first, wanted.first + wanted.inputs):
            kind, rng = kinds[i % len(kinds)], random.Random(wanted.seed * 10**9 + i)
            suffix, seed = seeds[kind]
            data = loader_fuzz.mutated(kind, seed, rng)
            outcome, failure = _one(_put(Path(scratch), suffix, data), rng.random() < DEEP, len(data))
            counts[f"{kind} {outcome}"] += 1
            if failure:
                wanted.keep.mkdir(exist_ok=True)
                (wanted.keep / f"{kind.replace(' ', '-')}-{wanted.seed}-{i}{suffix}").write_bytes(data)
                print(f"input {i} of {kind}:\n{failure}", file=sys.stderr)
    seconds = time.perf_counter() - began
    print(f"{wanted.inputs} inputs, {seconds:.0f} s, memory {base:.0f} MB before, {peak_mb():.0f} MB at most")
    for what, n in sorted(counts.items()):
        print(f"  {what:<24} {n}")
    return int(any("FAILED" in what for what in counts))


def _put(folder: Path, suffix: str, data: bytes) -> Path:
    path = folder / f"file{suffix}"
    path.write_bytes(data)
    return path


def _one(path: Path, deep: bool, size: int) -> tuple[str, str]:
    """Try one input: what came of it, and the traceback where it failed."""
    before, failure, outcome = peak_mb(), "", "FAILED"
    try:
        outcome = "read" if loader_fuzz.try_to_load(path, deep) else "refused"
    except Exception:
        failure = traceback.format_exc()
    if peak_mb() - before > LIMIT_MB + size / 1e6:
        failure += f"\nmemory grew from {before:.0f} to {peak_mb():.0f} MB for a file of {size} bytes"
    return ("FAILED" if failure else outcome), failure


if __name__ == "__main__":
    raise SystemExit(main())
