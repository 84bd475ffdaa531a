"""The checks by dose of a job whose layers go by while it is written: cheap where nothing is found.

What the exposures of a layer cure of it by themselves is less than what all light does, so whatever floats or shuts a space when all light
is counted does so then, too. Bodies, voids and spaces below a window are looked for in that first, as layers go by. Only those of which
any are found are looked for again with the light of all layers added up; and where most pixels are gray (corrections, volume coverage,
doses of regions), all are, and in that alone.
"""

from __future__ import annotations

from typing import NamedTuple

from pmsl.checks.by_dose import checks_of
from pmsl.checks.light.final_light import DARK, Shown, own_runs
from pmsl.checks.light.layer_stream import OWN_PIXELS, CheckedLayer, DoseRule, check_exposures, check_spooled, shown_of
from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.light.spool import LayerSpool
from pmsl.checks.shapes.bodies import BodyCheck
from pmsl.checks.shapes.suction import SuctionCheck
from pmsl.core.finding import Finding
from pmsl.core.parallel import ordered_map
from pmsl.errors import JobError, NotCheckedError
from pmsl.job.layer_facts import CheckedFacts
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.job.printer_optics import landed
from pmsl.profiles.release import release_of


class WrittenLayer(NamedTuple):
    """What is needed of a layer: its exposures, and what they cure of it by themselves; None where that is not looked at."""

    layer: int
    shown: Shown
    own: RowRuns | None


class WrittenJobChecks:
    """Sees the plans of a job's layers, then says what was found.

    Parameters
    ----------
    job : PrintJob
    threads : int
        On which layers are made that were not seen.
    """

    def __init__(self, job: PrintJob, threads: int) -> None:
        self._job, self._threads, self._rule = job, threads, DoseRule.of(job)
        self._checks, self._added, self._reason = checks_of(job), 0, "" if job.one_grid else OWN_PIXELS
        self._gray = pixels_may_be_gray(job)
        self._spool = LayerSpool(job.n_layers, job.grid.shape)

    def seen(self, plan: LayerPlan) -> WrittenLayer | JobError:
        """Return what is needed of a layer; from any thread."""
        try:
            if not self._job.one_grid:
                raise NotCheckedError(OWN_PIXELS)
            check_exposures(plan)
        except JobError as err:
            return err
        shown = shown_of(self._job, plan, self._rule)
        for mask, _, _ in shown:
            mask.runs_8bit()
        if self._gray:
            return WrittenLayer(plan.index, shown, None)
        model = self._rule.model
        share = model.decay.fraction(0.5 * plan.thickness_um)
        own = own_runs(shown, self._job.grid.shape[0], share, model.threshold_mj_cm2, DARK * model.threshold_mj_cm2)
        return WrittenLayer(plan.index, shown, own)

    def add(self, seen: WrittenLayer | JobError) -> None:
        """Add the next layer from the plate up; from one thread."""
        self._added += 1
        if isinstance(seen, JobError):
            self._reason = self._reason or str(seen)
        if self._reason or isinstance(seen, JobError):
            return
        k, shown, own = seen
        self._spool.put_shown(k, shown)
        if own is None:
            return
        layer = CheckedLayer(k, own, ((k, own),) if len(own.col) else ())
        for check in self._checks:
            check.add(layer)

    def findings(self) -> list[Finding]:
        """Return what was found; layers that were not seen are made for it."""
        job = self._job
        try:
            if self._added == 0:  # they were made in other processes
                for seen in ordered_map(lambda k: self.seen(job.bare(k)), range(job.n_layers), self._threads):
                    self.add(seen)
            if self._reason:
                return [left_out(self._reason)]
            looked = list(zip(self._checks, checks_of(job), strict=True))
            self._checks = [fresh if self._gray or check.findings() else check for check, fresh in looked]
            again = [fresh for check, (_, fresh) in zip(self._checks, looked, strict=True) if check is fresh]
            return list(landed(check_spooled(job, self._rule.model, again, self._spool), job.printer)) if again else []
        finally:
            self._spool.close()

    def of_layers(self) -> CheckedFacts | None:
        """Return what was found by layers, after `findings`; None where the checks were not made."""
        if self._reason:
            return None
        islands = next(check.begun for check in self._checks if isinstance(check, BodyCheck))
        sealed = next((check.sealed_um2 for check in self._checks if isinstance(check, SuctionCheck)), None)
        if sealed is None and release_of(self._job.printer) == "free-surface":
            sealed = {}
        return CheckedFacts(islands, sealed)


def pixels_may_be_gray(job: PrintJob) -> bool:
    """Tell whether pixels inside the part of a job may be gray.

    Parameters
    ----------
    job : PrintJob
    """
    process = job.process
    return job.drawn or bool(process.corrections) or process.coverage == "volume" or process.regions is not None or bool(job.regions)


def left_out(reason: str, what: str = "checks by dose were not made") -> Finding:
    """Return the finding that checks were not made.

    Parameters
    ----------
    reason : str
        Why.
    what : str
        What was not done.
    """
    return Finding(code="checks-left-out", severity="info", message=f"{what}: {reason}")
