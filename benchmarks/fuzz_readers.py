"""Does any mutated file bring a reader down? ``python benchmarks/fuzz_readers.py --inputs 100000 [--seed 1] [--keep FOLDER]``

Every input is a mutation of a real file of one of the formats: bytes changed anywhere, or tables, numbers and frames inside a zip
or a folder that stays whole. It must be read, or refused with a JobError, within seconds and within 200 MB. Inputs that are not are kept.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from formats import fuzz

LIMIT_MB = 200


def peak_mb() -> float:
    """Peak memory of this process [MB]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)


def main() -> int:
    """Run the inputs; the exit code is 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", help="only this one")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    wanted = parser.parse_args()
    warnings.simplefilter("error")
    counts: Counter[str] = Counter()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="pmsl-fuzz-") as scratch:
        seeds = fuzz.seeds(Path(scratch))
        names = [wanted.format] if wanted.format else sorted(seeds)
        target = Path(scratch) / "file"
        for name in names:
            fuzz.put(target, name, seeds[name])
            fuzz.try_to_read(target, name)
        base = peak_mb()
        for i in range(wanted.inputs):
            name, rng = names[i % len(names)], random.Random(wanted.seed * 10**9 + i)
            data = fuzz.mutated(seeds[name], rng, fuzz.is_folder(name))
            fuzz.put(target, name, data)
            before, failure = peak_mb(), ""
            try:
                read = fuzz.try_to_read(target, name)
                counts[f"{name} {'read' if read else 'refused'}"] += 1
            except Exception:
                failure = traceback.format_exc()
            if peak_mb() - before > LIMIT_MB + len(data) / 1e6:
                failure += f"\nmemory grew from {before:.0f} to {peak_mb():.0f} MB for a file of {len(data)} bytes"
            if failure:
                counts[f"{name} FAILED"] += 1
                wanted.keep.mkdir(exist_ok=True)
                (wanted.keep / f"{name}-{wanted.seed}-{i}").write_bytes(data)
                print(f"input {i} of {name}:\n{failure}", file=sys.stderr)
    seconds = time.perf_counter() - began
    print(f"{wanted.inputs} inputs, {seconds:.0f} s, memory {base:.0f} MB before, {peak_mb():.0f} MB at most")
    for what, n in sorted(counts.items()):
        print(f"  {what:<24} {n}")
    return int(any("FAILED" in what for what in counts))


if __name__ == "__main__":
    raise SystemExit(main())
