"""`pmsl.diff`: two jobs, of any formats, held against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from pmsl.core.parallel import default_threads, ordered_map
from pmsl.errors import UsageError
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.report.difference import stated_values as values
from pmsl.report.difference.light_difference import LightComparison
from pmsl.report.difference.records import KINDS, JobDiff, JobDifference, Kind, LightDifference
from pmsl.report.page.layer_table import doses_known

NOT_READ = ("partial-file", "not-read")  # findings of what a file does not say

STATED = {True: "as the job has them", False: "not in the file"}


def diff(
    a: PrintJob | str | Path,
    b: PrintJob | str | Path,
    *,
    tolerance_dose: float = 0.0,
    tolerance_um: float = 0.0,
    kinds: Iterable[Kind] = (),
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobDiff:
    """Hold two jobs against each other: pixels, heights, light, times, motion, profiles, parts.

    Parameters
    ----------
    a, b : PrintJob or path
        Jobs, or job folders or files of any format.
    tolerance_dose : float
        Share by which doses and times of exposures may differ: doses of pixels of what white gets in their layer, times and lit areas of
        themselves.
    tolerance_um : float
        Length by which heights, lifts, offsets and boxes of parts may differ [µm]; never pitches or values of profiles.
    kinds : iterable of Kind
        What is held against each other: ``"grid"``, ``"heights"``, ``"light"``, ``"times"``, ``"motion"``, ``"profiles"``, ``"design"``
        (default: all).
    threads : int, optional
        Layers read at a time (default: one a processor).
    progress : callable, optional
        Called with (layers done, layers in all).

    Returns
    -------
    JobDiff

    Raises
    ------
    JobError
        A damaged job.
    UsageError
        A tolerance below 0, a kind that is none.

    Notes
    -----
    Light is compared in mJ/cm² where both jobs know their doses, else in seconds of white light, by bytes: that is what a conversion to a
    format without irradiance keeps. Pixels are the same where pitches are equal to rounding, else only lit areas are compared. Fields of
    other sizes are laid on each other, engine by engine, by the boxes of all their light where those are of one size, else corner on
    corner; a note says which.
    """
    return compare_jobs(a, b, tolerance_dose, tolerance_um, kinds, threads, progress)[0]


def compare_jobs(
    a: PrintJob | str | Path,
    b: PrintJob | str | Path,
    tolerance_dose: float,
    tolerance_um: float,
    kinds: Iterable[Kind],
    threads: int | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[JobDiff, LightComparison]:
    """Do as `diff`; return also what their light was held against each other with, which pictures of it are drawn by."""
    wanted = _check(kinds, tolerance_dose, tolerance_um)
    first, second = _opened(a), _opened(b)
    tolerance = values.Tolerance(tolerance_dose, tolerance_um)
    collected = values.Collected(tolerance, doses_known(first) and doses_known(second))
    notes = [*_unsaid(first, "the first"), *_unsaid(second, "the second")]
    _of_the_job(collected, first, second, wanted, notes)
    if "light" in wanted:
        comparison = LightComparison.of(first, second, tolerance_dose, tolerance_um)
        notes += [one.note for one in comparison.alignment if one.note is not None]
    else:
        comparison = LightComparison(first, second, tolerance_dose, tolerance_um)
    light = _of_the_layers(collected, comparison, wanted, default_threads(threads), progress)
    found = collected.differences()
    if light:
        most = max(light, key=lambda one: one.share)
        span = (light[0].layer, light[-1].layer)
        found.append(JobDifference(kind="light", key=most.unit, a=most.a, b=most.b, layers=span, n_layers=len(light), largest=most.largest))
    order = {kind: i for i, kind in enumerate(KINDS)}
    found.sort(key=lambda one: order[one.kind])
    return JobDiff(differences=tuple(found), light=tuple(light), light_unit=comparison.unit, notes=tuple(notes)), comparison


def _check(kinds: Iterable[Kind], tolerance_dose: float, tolerance_um: float) -> frozenset[Kind]:
    if not (tolerance_dose >= 0 and tolerance_um >= 0):
        raise UsageError(f"tolerances are {tolerance_dose:g} and {tolerance_um:g} µm; neither can be below 0")
    wanted = frozenset(kinds)
    if not wanted <= set(KINDS):
        raise UsageError(f"kinds {', '.join(sorted(wanted - set(KINDS)))}: no kind of difference; choose from {', '.join(KINDS)}")
    return wanted or frozenset(KINDS)


def _opened(job: PrintJob | str | Path) -> PrintJob:
    if isinstance(job, PrintJob):
        return job
    from pmsl import pipeline

    return pipeline.read(job)


def _unsaid(job: PrintJob, which: str) -> list[str]:
    return [f"{which}: {f.message}" for f in job.findings if f.code in NOT_READ]


def _of_the_job(collected: values.Collected, a: PrintJob, b: PrintJob, kinds: frozenset[Kind], notes: list[str]) -> None:
    """Hold against each other what is said of jobs as a whole."""
    if "heights" in kinds:
        collected.add("heights", values.Pair("layers", a.n_layers, b.n_layers))
    if "grid" in kinds:
        for pair in values.grid_pairs(a, b):
            collected.add("grid", pair)
    if "profiles" in kinds:
        if doses_known(a) == doses_known(b):
            for pair in values.profile_pairs(a, b):
                collected.add("profiles", pair)
        else:  # what stands in for values that a file does not say is not held against values
            collected.add("profiles", values.Pair("printer, resin, process", STATED[doses_known(a)], STATED[doses_known(b)]))
    if "times" in kinds:
        for pair in values.pause_pairs(a, b):
            collected.add("times", pair)
    if "motion" in kinds and _motion_known(a) != _motion_known(b):
        collected.add("motion", values.Pair("moves", STATED[_motion_known(a)], STATED[_motion_known(b)]))
    if "design" in kinds:
        for pair in values.design_pairs(a, b):
            collected.add("design", pair)


def _motion_known(job: PrintJob) -> bool:
    return bool(job.prepared.get("motion_known", True))


def _of_the_layers(
    collected: values.Collected,
    comparison: LightComparison,
    kinds: frozenset[Kind],
    threads: int,
    progress: Callable[[int, int], None] | None,
) -> list[LightDifference]:
    """Hold layers against each other, one by one; return those whose light differs."""
    a, b = comparison.a, comparison.b
    both, powers = min(a.n_layers, b.n_layers), values.power_scales(a, b)

    def compare(k: int) -> tuple[LayerPlan, LayerPlan, LightDifference | None]:
        ours, theirs = a.bare(k), b.bare(k)
        if "light" not in kinds:
            return ours, theirs, None
        return ours, theirs, comparison.layer(ours, theirs)

    light, stated = [], kinds - ({"motion"} if _motion_known(a) != _motion_known(b) else set())
    for ours, theirs, gap in ordered_map(compare, range(both), threads):
        for kind, pair in values.layer_pairs(ours, theirs, powers):
            if kind in stated:
                collected.add(kind, pair, ours.index)
        if gap is not None:
            light.append(gap)
        if progress is not None:
            progress(ours.index + 1, both)
    return light
