"""How near does a chip land on machines that nobody has told, before they are measured and after each round of coupons?

Printer and resin are drawn at random (blur, gray response, irradiance; Dp, Ec, induction, renewal, reach); films, roofs and widths of the
coupons come from slow models of their own with 2 µm of noise, 5 % of the tiles lost; the chip, a block with a closed channel, is printed by
tests/contact_oracle.py. Errors: roof of the channel in µm; walls in the middle of slabs (pixels of 10 µm), outer ones and the channel's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from hidden_machine import HiddenMachine, chip_job, measured_rounds, shipped

ROOF_UM = 122.5


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield what lands where."""
    for seed in (2,) if quick else (1, 2, 3):
        machine = HiddenMachine(seed)
        yield _row(seed, "shipped profiles, plain", machine, *shipped(machine), ())
        if not quick:
            yield _row(seed, "shipped profiles, corrected", machine, *shipped(machine))
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            rounds = list(measured_rounds(machine, Path(folder)))
            spent = time.perf_counter() - begun
        for turn, profiles in enumerate(rounds, start=1):
            if turn == len(rounds) or not quick:
                yield _row(seed, f"measured, round {turn}", machine, *profiles) | {"all rounds [s]": round(spent, 1)}


def _row(
    seed: int,
    name: str,
    machine: HiddenMachine,
    printer: Any,
    resin: Any,
    corrections: tuple[str, ...] = ("edges", "printthrough"),
) -> dict[str, Any]:
    roofs, walls = machine.landed(chip_job(ROOF_UM, printer, resin, corrections), ROOF_UM)
    far = np.abs(roofs).max()
    return {
        "table": "a chip on machines nobody has told",
        "machine": seed,
        "profiles": name,
        "roof [µm]": "lost" if np.isinf(far) else f"{float(roofs.flat[np.abs(roofs).argmax()]):+.2f}",
        "walls, median |error| [px]": round(float(np.median(np.abs(walls))), 3),
        "most [px]": round(float(np.abs(walls).max()), 3),
    }
