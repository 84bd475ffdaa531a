"""What ``info`` and ``slice`` say of the light of a job: bottom, transition and ordinary layers, heights, regions, moved contours."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.core.grid import Grid
from pmsl.errors import PmslError
from pmsl.exposure import Ladder, dose_ladder
from pmsl.exposure.drawn.line_light import drawn_light
from pmsl.job.print_job import PrintJob
from pmsl.mesh.region import RegionRecord, says_light
from pmsl.profiles import Process

KINDS = ("bottom", "transition", "ordinary")
SHOWN = 24  # runs of equal heights in a line
Facts = dict[str, Any]


def light_facts(job: PrintJob) -> Facts:
    """Return the light of a job, ready for JSON, from its header: no frame is read.

    Notes
    -----
    Times and doses are those of an ordinary white pixel, by the job's own profiles. A file that does not have them gives its own times;
    doses and irradiance are then unknown (null). Bottom layers are the first ones with one factor, transition layers those until the
    factor is 1, ordinary layers all others.
    """
    if any(f.code == "partial-file" for f in job.findings):
        return _facts_of_times(job)
    try:
        ladder = dose_ladder(job.grid, job.printer, job.resin, job.process)
    except PmslError:  # another version may have been less strict
        return _facts_of_times(job)
    if job.drawn:
        return _facts_of_lines(job, ladder)
    facts = ladder_facts(ladder, job.grid, job.process)
    drawn = [dose for doses in region_doses(job) for dose in doses] if job.regions else []
    return facts | {"region_doses": [*facts["region_doses"], *drawn]}


def _facts_of_lines(job: PrintJob, ladder: Ladder) -> Facts:
    """Return the light of a job that a laser draws: doses between hatches, powers and speeds; how long a layer takes, it says itself."""
    spot = {"irradiance_mw_cm2": job.printer.optics.largest_irradiance_mw_cm2}  # in its middle
    light = drawn_light(job.grid, ladder, job.printer, job.resin, job.process)
    factors = np.ones(job.grid.n_layers)
    said = job.process.bottom_dose_factors[: job.grid.n_layers]
    factors[: len(said)] = said
    exposure = _by_kind(factors, job.grid, np.full(len(factors), np.nan), light.dose_mj_cm2, spot)
    for kind in KINDS:
        if (facts := exposure[kind]) is not None:
            first = facts["layers"][0]
            del facts["time_s"]
            facts["lines"] = {
                name: {"power_mw": float(lines.power_mw[first]), "speed_um_s": float(lines.speed_um_s[first])}
                for name, lines in sorted(light.kinds.items())
            }
            facts["inset_um"] = float(light.inset_um[first])
    offset = dict(zip(("ordinary", "bottom"), job.process.xy_offsets_um, strict=True))
    return {"layer_heights_um": heights(job.grid), "exposure": exposure, "region_doses": [], "xy_offset_um": offset}


def region_doses(job: PrintJob) -> list[list[Facts]]:
    """Return what white gets in ordinary layers in each region that a mesh draws, by the dose of its parts; nothing where unknown."""
    try:
        ladder = dose_ladder(job.grid, job.printer, job.resin, job.process)
    except PmslError:  # as of `light_facts`
        return [[] for _ in job.regions]
    layer = _typical(ladder_facts(ladder, job.grid, job.process)["exposure"])
    return [_drawn(region, job, ladder, layer) for region in job.regions]


def ladder_facts(ladder: Ladder, grid: Grid, process: Process) -> Facts:
    """Return the light of layers, ready for JSON, from their doses."""
    factors = np.ones(grid.n_layers)
    said = process.bottom_dose_factors[: grid.n_layers]
    factors[: len(said)] = said
    irradiance = next(s for s in ladder.printer.optics.settings if s.power == ladder.power).irradiance_mw_cm2.value
    light = {"power": ladder.power, "irradiance_mw_cm2": irradiance}
    exposure = _by_kind(factors, grid, ladder.time_s, ladder.dose_mj_cm2, light)
    return {
        "layer_heights_um": heights(grid),
        "exposure": exposure,
        "region_doses": _regions(ladder, process, exposure),
        "xy_offset_um": dict(zip(("ordinary", "bottom"), process.xy_offsets_um, strict=True)),
    }


def heights(grid: Grid) -> list[tuple[int, float]]:
    """Return the layer heights from the plate up as runs: (count, µm)."""
    return [(len(list(same)), h) for h, same in itertools.groupby(np.round(grid.thickness_um, 9).tolist())]


def _facts_of_times(job: PrintJob) -> Facts:
    """Return what a file says by itself of its layers: their times."""
    shown = job.prepared.get("exposures_of")
    facts: Facts = {"layer_heights_um": heights(job.grid), "exposure": None, "region_doses": [], "xy_offset_um": None}
    if shown is None:
        return facts
    times = np.array([sum(time_s for time_s in shown(k)) for k in range(job.n_layers)])
    lit = times[times > 0]
    if not lit.size:
        return facts
    values, counts = np.unique(np.round(lit, 9), return_counts=True)
    factors = times / values[np.argmax(counts)]
    first = int(np.argmax(np.abs(factors - 1) < 1e-9))  # from here on layers are ordinary, whatever their times
    factors[first:] = 1.0
    unknown = {"power": None, "irradiance_mw_cm2": None}
    return facts | {"exposure": _by_kind(factors, job.grid, times, None, unknown)}


def _by_kind(factors: np.ndarray, grid: Grid, time_s: np.ndarray, dose: np.ndarray | None, light: Facts) -> Facts:
    """Return the facts of bottom, transition and ordinary layers; None for a kind without any."""
    special = np.flatnonzero(factors != 1)
    n = int(special[-1]) + 1 if special.size else 0
    bottom = int(np.argmax(np.append(factors[:n] != factors[0], True))) if n else 0
    spans = {"bottom": (0, bottom), "transition": (bottom, n), "ordinary": (n, grid.n_layers)}

    def ends(values: np.ndarray, kind: str, a: int, b: int) -> list[float]:
        some = values[a:b]
        return [float(some[0]), float(some[-1])] if kind == "transition" else [float(some.min()), float(some.max())]

    return {
        kind: None
        if a == b
        else {
            "layers": [a, b - 1],
            "factor": ends(factors, kind, a, b),
            "time_s": ends(time_s, kind, a, b),
            "dose_mj_cm2": None if dose is None else ends(dose, kind, a, b),
            **light,
        }
        for kind, (a, b) in spans.items()
    }


def _regions(ladder: Ladder, process: Process, exposure: Facts) -> list[Facts]:
    """Return what white gets in the regions of the process in ordinary layers, in the last kind there is where none are."""
    r = process.regions
    if r is None:
        return []
    layer = _typical(exposure)
    out = []
    for name, factor in (("bulk", r.bulk), ("edge", r.edge), ("roof", r.roof), ("membrane", r.membrane)):
        if factor is None:
            continue
        out.append({"region": name, **_white(ladder, layer, factor)})
    return out


def _typical(exposure: Facts) -> int:
    """Return the first ordinary layer, or that of the last kind there is where none are."""
    return next(int(exposure[kind]["layers"][0]) for kind in reversed(KINDS) if exposure[kind] is not None)


def _white(ladder: Ladder, layer: int, factor: float, power: float | None = None) -> Facts:
    """Return what white gets in a layer, with a factor on its effective dose."""
    dose = ladder.merger.white_mj_cm2(float(ladder.dose_mj_cm2[layer]), factor) if factor else 0.0
    doses, times = ladder.shown(np.array([dose]), power) if dose else (np.zeros(1), np.zeros(1))  # no light is no frame
    return {"factor": factor, "time_s": float(times[0]), "dose_mj_cm2": float(doses[0])}


def _drawn(region: RegionRecord, job: PrintJob, ladder: Ladder, layer: int) -> list[Facts]:
    """Return what white gets in a region that a mesh draws: one entry for each dose that its parts have; none where it says no light."""
    if not says_light(region):
        return []
    bulk = 1.0 if job.process.regions is None else job.process.regions.bulk
    scale = bulk * (1.0 if region.dose_scale is None else region.dose_scale)
    owners: dict[float, list[int]] = {}
    for number in region.parts:
        owners.setdefault(scale * job.parts[number].dose_scale, []).append(number)
    own = {"region": region.label, "mesh": region.file}
    return [{**own, "parts": parts, **_white(ladder, layer, factor, region.power)} for factor, parts in owners.items()]


def light_lines(facts: Facts) -> list[str]:
    """Return the light of a job as lines for a person."""
    lines = [_heights_line(facts["layer_heights_um"])]
    exposure = facts["exposure"]
    for kind in KINDS if exposure is not None else ():
        if exposure[kind] is not None:
            lines.append(f"{kind:<9} {_kind_line(exposure[kind])}")
    for region in facts["region_doses"]:
        if "mesh" in region:  # said with the region itself
            continue
        light = f"{region['time_s']:.4g} s, {region['dose_mj_cm2']:.4g} mJ/cm²"
        lines.append(f"region    {region['region']}: × {region['factor']:g}, {light} in ordinary layers")
    moved = facts["xy_offset_um"]
    if moved is not None and any(moved.values()):
        bottom = "" if moved["bottom"] == moved["ordinary"] else f"; in bottom layers {_moved(moved['bottom'])}"
        lines.append(f"offset    contours {_moved(moved['ordinary'])}{bottom}")
    return lines


def _heights_line(runs: Sequence[tuple[int, float]]) -> str:
    if len(runs) == 1:
        return f"heights   {runs[0][1]:g} µm"
    words = [f"{n} × {h:g}" for n, h in runs[:SHOWN]] + ([f"… ({len(runs)} runs)"] if len(runs) > SHOWN else [])
    low, high = min(h for _, h in runs), max(h for _, h in runs)
    return f"heights   {', '.join(words)} µm from the plate up; {low:g} to {high:g} µm"


def _moved(distance_um: float) -> str:
    if distance_um == 0:
        return "as drawn"
    return f"moved {'outward' if distance_um > 0 else 'inward'} by {abs(distance_um):g} µm"


def _kind_line(facts: Facts) -> str:
    a, b = facts["layers"]
    words = [f"layer {a}" if a == b else f"layers {a} to {b}"]
    if "lines" in facts:
        words.append(f"{_range(facts['dose_mj_cm2'])} mJ/cm² between hatches")
        words += [f"{name} {of['power_mw']:.4g} mW at {of['speed_um_s'] * 1e-3:.4g} mm/s" for name, of in facts["lines"].items()]
        words.append(f"inset {facts['inset_um']:.4g} µm")
    else:
        words.append(f"{_range(facts['time_s'])} s")
    if facts["dose_mj_cm2"] is not None and "lines" not in facts:
        words.append(f"{_range(facts['dose_mj_cm2'])} mJ/cm²")
        words.append(f"white at {facts['irradiance_mw_cm2']:g} mW/cm²")
    if facts["factor"] != [1.0, 1.0]:
        words.append(f"× {_range(facts['factor'])}")
    return ", ".join(words)


def _range(ends: Sequence[float]) -> str:
    first, last = (f"{v:.4g}" for v in ends)
    return first if first == last else f"{first} to {last}"
