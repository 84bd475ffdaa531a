"""How often does the 95 % interval of a fitted value hold the true one, in labs with 2 µm of noise and missing tiles?

Labs of every kind are drawn at random by slow models of tests/calibrate; nobody tells the fit what is true. Values at a bound are
one-sided. Labs in which the fit names an outlier are counted with all others, and once more apart. Below, how often data that break the
model (reciprocity of 0.8 at a ratio of 10, three repeats; bleaching that bends the curve by three standard deviations of that bend, and
by four) raise a lack of fit, and how often sound ones do.

By itself it goes on where it ended, so that it can be run in pieces:
python benchmarks/calibration_coverage.py --log labs.jsonl [--labs 1000] [--kind NAME]... [--seconds S]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "calibrate")]

Lab = Callable[[int, Path], tuple[dict[str, float], Any]]


curves = import_module("test_working_curve_fit")


def _next(module: str, *how: Any) -> Lab:
    return lambda seed, folder: next(iter(import_module(module).labs([seed], *how, folder)))


def _curve(seed: int, _folder: Path) -> tuple[dict[str, float], Any]:
    dp, ec, data = curves.lab(seed)
    return {"dp_um": dp, "ec_mj_cm2": ec}, curves.fit_working_curve(data)


LABS: dict[str, Lab] = {
    "working-curve": _curve,
    "induction": _next("test_induction"),
    "gray, thickness": _next("test_gray", "thickness_um"),
    "gray, first cure": _next("test_gray", "first_cure_s"),
    "gray, power meter": _next("test_gray", "reading"),
    "walls": _next("test_walls"),
    "roofs": _next("test_roofs"),
    "renewal": _next("test_renewal"),
    "scale, lengths": _next("test_scale"),
    "scale, marks": _next("test_distortion_fit"),
    "bottom": _next("test_bottom"),
    "focus": _next("test_focus"),
}
BROKEN: dict[str, dict[str, float]] = {
    "sound": {"repeats": 3},
    "reciprocity 0.8": {"power": 0.8, "ratio": 10.0, "repeats": 3},
    "bleaching, 3 sd": {"repeats": 3, "bleach_um": 5.9},
    "bleaching, 4 sd": {"repeats": 3, "bleach_um": 7.9},
}


def lab_row(kind: str, seed: int, folder: Path) -> dict[str, Any]:
    """Fit one lab, and say which true values are inside: -1 below the interval, 0 inside, 1 above.

    Parameters
    ----------
    kind : str
        Of `LABS`, or of `BROKEN`.
    seed : int
    folder : Path
        For its sheets.
    """
    if kind in BROKEN:
        codes = [f.code for f in curves.fit_working_curve(curves.lab(seed, **BROKEN[kind])[2]).findings]
        return {"kind": kind, "seed": seed, "raised": "lack-of-fit" in codes}
    true, found = LABS[kind](seed, folder)
    sides = {}
    for name, value in true.items():
        low, high = found.parameters[name].interval95
        sides[name] = -1 if value < low - 1e-9 else int(value > high + 1e-9)
    return {"kind": kind, "seed": seed, "sides": sides, "outlier": "measurement-outlier" in [f.code for f in found.findings]}


def table(labs: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each value of each kind.

    Parameters
    ----------
    labs : iterable of dict
        As `lab_row` gives them.
    """
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for lab in labs:
        by_kind[lab["kind"]].append(lab)
    every: list[bool] = []
    for kind in (name for name in LABS if name in by_kind):
        of_kind: list[tuple[bool, bool]] = []
        sides: dict[str, list[int]] = defaultdict(list)
        for lab in by_kind[kind]:
            for name, side in lab["sides"].items():
                sides[name].append(side)
                of_kind.append((side == 0, lab["outlier"]))
        for name, found in sides.items():
            yield {
                "table": "true values inside their 95 % interval",
                "labs of": kind,
                "value": name,
                "labs": len(found),
                "inside [%]": _share(s == 0 for s in found),
                "true below [%]": _share(s < 0 for s in found),
                "true above [%]": _share(s > 0 for s in found),
            }
        every += [inside for inside, _ in of_kind]
        apart = [inside for inside, outlier in of_kind if outlier]
        yield {
            "table": "true values inside their 95 % interval, all of a kind",
            "labs of": kind,
            "labs": len(by_kind[kind]),
            "pooled [%]": _share(inside for inside, _ in of_kind),
            "outlier named, labs": sum(lab["outlier"] for lab in by_kind[kind]),
            "of these inside [%]": _share(apart) if apart else None,
        }
    if every:
        yield {"table": "all kinds", "values": len(every), "pooled [%]": _share(every)}
    for kind in (name for name in BROKEN if name in by_kind):
        yield {
            "table": "lack of fit",
            "working curves": kind,
            "labs": len(by_kind[kind]),
            "raised [%]": _share(lab["raised"] for lab in by_kind[kind]),
        }


def _share(hits: Iterable[bool]) -> float:
    return round(100 * float(np.mean(list(hits))), 1)


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the table of a few labs of each kind; a thousand take the best part of an hour: run this file by itself."""
    with tempfile.TemporaryDirectory() as folder:
        many = 1 if quick else 20
        yield from table([lab_row(kind, seed, Path(folder)) for kind in (*LABS, *BROKEN) for seed in range(many)])


def main() -> int:
    """Run what is missing in the log, as far as time allows, and print the table of all that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True, help="a line a lab; labs that are in it are not run again")
    parser.add_argument("--labs", type=int, default=1000)
    parser.add_argument("--kind", action="append", choices=[*LABS, *BROKEN], help="may be given again; left out: all")
    parser.add_argument("--seconds", type=float, default=np.inf, help="end after so long")
    wanted = parser.parse_args()
    lines = wanted.log.read_text("utf-8").splitlines() if wanted.log.exists() else []
    done = [json.loads(line) for line in lines]
    there = {(lab["kind"], lab["seed"]) for lab in done}
    end = time.monotonic() + wanted.seconds
    missing = [(kind, seed) for kind in wanted.kind or (*LABS, *BROKEN) for seed in range(wanted.labs) if (kind, seed) not in there]
    with tempfile.TemporaryDirectory() as folder, wanted.log.open("a", encoding="utf-8") as log:
        for kind, seed in missing:
            if time.monotonic() > end:
                break
            done.append(lab_row(kind, seed, Path(folder)))
            log.write(json.dumps(done[-1]) + "\n")
            log.flush()
    from rich.console import Console
    from run import tables

    for one in tables(table(done)):
        Console(width=120).print(one)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
