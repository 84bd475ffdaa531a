"""What was stated of a proposed print, in the head of its sheet, beside what the sheet then gave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.kinds import PROPOSED
from pmsl.calibrate.kinds.kind import FitOptions
from pmsl.calibrate.sheets import text_of
from pmsl.core.finding import Finding

LAYERS = re.compile(r"(roofs|ledges|channels|walls), layers of ([0-9.e+-]+) um$")
LINE = re.compile(r"^# Proposed for (?P<goal>[^;\n]+); sd expected (?P<expected>[0-9.e+-]+) um, before (?P<before>[0-9.e+-]+) um\.$", re.M)


class StatedGain(NamedTuple):
    """What a sheet says was expected of it: the goal, its standard deviation with the sheet, and without it [µm]."""

    goal: str
    expected_um: float
    before_um: float


def stated_line(goal: str, expected_um: float, before_um: float) -> str:
    """Return the line of a sheet's head."""
    return f"Proposed for {goal[:60]}; sd expected {expected_um:.6g} um, before {before_um:.6g} um."


def stated_before(paths: Sequence[str | Path]) -> list[StatedGain]:
    """Return what sheets say was expected of them, in their order.

    Parameters
    ----------
    paths : sequence of paths
    """
    found = []
    for path in paths:
        for line in LINE.finditer(text_of(Path(path))):
            found.append(StatedGain(line["goal"], float(line["expected"]), float(line["before"])))
    return found


def with_outcome(result: FitResult, paths: Sequence[Path], options: FitOptions) -> FitResult:
    """Return a fit with what came of the last proposed print among its sheets; of one for a part, `propose` says it.

    Parameters
    ----------
    result : FitResult
    paths : sequence of Path
        Its sheets.
    options : FitOptions
    """
    if result.kind not in PROPOSED or "ec_mj_cm2" not in result.parameters:
        return result
    stated = stated_before(paths)
    now = _sd_um(stated[-1].goal, result, options) if stated else None
    return result if now is None else result.with_findings(outcome_finding(stated[-1], now))


def _sd_um(goal: str, result: FitResult, options: FitOptions) -> float | None:
    """Return the standard deviation of a goal as a sheet says it, by a fit; None where it says nothing of it."""
    if goal == "Dp":
        return result.parameters["dp_um"].sd if "dp_um" in result.parameters else None
    found = LAYERS.match(goal)
    from pmsl.calibrate.next_print.goals import WAYS_UM, goal_of

    if found is None or (found[1] == "walls") != (result.kind == "walls") or (found[1] in WAYS_UM and result.kind != "renewal"):
        return None
    if result.kind != "renewal" and not (result.covariance.diagonal() > 0).all():
        return None
    from pmsl.calibrate.next_print.known_values import values_of
    from pmsl.calibrate.next_print.tile_choice import sd_of

    known = values_of(result.kind, result, result.rmse)
    return sd_of(known.information, goal_of(found[1], known, options.printer, options.resin, float(found[2])).slopes)


def outcome_finding(stated: StatedGain, now_um: float) -> Finding:
    """Say what came of a proposed print.

    Parameters
    ----------
    stated : StatedGain
    now_um : float
        Standard deviation with its sheet [µm].
    """
    return Finding(
        code="proposal-outcome",
        severity="info",
        message=f"{stated.goal}: ± {stated.before_um:.3g} µm before the proposed print, ± {stated.expected_um:.3g} expected with it, "
        f"± {now_um:.3g} came of it",
        value=now_um,
        limit=stated.expected_um,
        unit="µm",
    )
