"""Does any mutated file bring a reader down? ``python benchmarks/fuzz_readers.py --inputs 100000 [--seed 1] [--keep FOLDER]``

Every input is a mutation of a real file of one of the formats: bytes changed anywhere, or tables, numbers and frames inside a zip
or a folder that stays whole. It must be read, or refused with a JobError, within seconds and within 200 MB. Inputs that are not are kept.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from formats import fuzz

LIMIT_MB = 200


def peak_mb() -> float:
    """Peak memory of this process [MB]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / (1 << 10)


@dataclass(frozen=True, slots=True)
class Input:
    """One input, put where `attempt` finds it: its number and kind, its bytes and what they are kept as, and what reads or refuses it."""

    number: int
    kind: str
    kept_as: str
    data: bytes
    attempt: Callable[[], bool]


def run_through(inputs: Iterable[Input], keep: Path) -> int:
    """Try all inputs, keep those that fail, and tell what came of them; return the exit code, 1 where one failed."""
    warnings.simplefilter("error")
    counts: Counter[str] = Counter()
    began, base = time.perf_counter(), peak_mb()
    with contextlib.suppress(KeyboardInterrupt):  # the figures of those that were tried
        for one in inputs:
            outcome, failure = _tried(one)
            counts[f"{one.kind} {outcome}"] += 1
            if failure:
                keep.mkdir(exist_ok=True)
                (keep / one.kept_as).write_bytes(one.data)
                print(f"input {one.number} of {one.kind}:\n{failure}", file=sys.stderr)
    seconds = time.perf_counter() - began
    print(f"{counts.total()} inputs, {seconds:.0f} s, memory {base:.0f} MB before, {peak_mb():.0f} MB at most")
    for what, n in sorted(counts.items()):
        print(f"  {what:<24} {n}")
    return int(any("FAILED" in what for what in counts))


def _tried(one: Input) -> tuple[str, str]:
    """Try one input: what came of it, and the traceback where it failed."""
    before, failure, outcome = peak_mb(), "", "FAILED"
    try:
        outcome = "read" if one.attempt() else "refused"
    except Exception:
        failure = traceback.format_exc()
    if peak_mb() - before > LIMIT_MB + len(one.data) / 1e6:
        failure += f"\nmemory grew from {before:.0f} to {peak_mb():.0f} MB for a file of {len(one.data)} bytes"
    return ("FAILED" if failure else outcome), failure


def main() -> int:
    """Run the inputs; the exit code is 1 where one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", help="only this one")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pmsl-fuzz-") as scratch:
        seeds, target = fuzz.seeds(Path(scratch)), Path(scratch) / "file"
        names = [wanted.format] if wanted.format else sorted(seeds)
        for name in names:
            fuzz.put(target, name, seeds[name])
            fuzz.try_to_read(target, name)

        def inputs() -> Iterator[Input]:
            for i in range(wanted.inputs):
                name, rng = names[i % len(names)], random.Random(wanted.seed * 10**9 + i)
                data = fuzz.mutated(seeds[name], rng, fuzz.is_folder(name))
                fuzz.put(target, name, data)
                yield Input(i, name, f"{name}-{wanted.seed}-{i}", data, partial(fuzz.try_to_read, target, name))

        return run_through(inputs(), wanted.keep)


if __name__ == "__main__":
    raise SystemExit(main())
