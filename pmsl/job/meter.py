"""What a job costs: time and resin, added up layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

from pmsl.job.layer_plan import LayerPlan
from pmsl.job.stage_way import StagePlace, StageWay
from pmsl.profiles.tables.strict_struct import Strict

LayerCost = tuple[float, ...]  # of a layer, as `Meter` has it


class Estimate(Strict, frozen=True, kw_only=True):
    """What the job costs: print time [s], motion included and pauses left out, and cured resin [ml]."""

    print_time_s: float
    resin_ml: float


class Meter:
    """Adds up time and resin while plans go by, from the plate up.

    Parameters
    ----------
    pixels_um2 : sequence of float
        Area of a pixel of each engine of the job.
    way : StageWay, optional
        What ways of the stage and changes of engine take.
    """

    def __init__(self, pixels_um2: Sequence[float], way: StageWay | None = None) -> None:
        self._pixel_um2 = pixels_um2[0]
        self._way = way
        self._last: StagePlace | None = None
        self._of_engine = [um2 / pixels_um2[0] for um2 in pixels_um2]
        self._time_s = 0.0
        self._resin_um3 = 0.0

    def cost(self, plan: LayerPlan) -> LayerCost:
        """Return time [s] and resin [µm³] of one layer; where it does not say what is covered, its largest mask counts.

        Where ways of the stage take time these follow: the places of its first and its last exposure.
        """
        known = plan.covered_px if plan.exposures else 0.0
        if known is None:
            known = max(e.mask.sum_px() * self._of_engine[e.engine] for e in plan.exposures)
        resin_um3 = known * self._pixel_um2 * plan.thickness_um
        if self._way is None:
            return plan.duration_s, resin_um3
        ends = self._way.ends(plan.exposures)
        return plan.duration_s + self._way.inside_s(plan.exposures), resin_um3, *(() if ends is None else (*ends[0], *ends[1]))

    def add(self, time_s: float, resin_um3: float, *ends: float) -> None:
        """Count the cost of the next layer."""
        self._time_s += time_s
        self._resin_um3 += resin_um3
        if ends and self._way is not None:
            (x, y, engine), (x_last, y_last, engine_last) = ends[:3], ends[3:]
            self._time_s += self._way.between_s(self._last, StagePlace(x, y, int(engine)))
            self._last = StagePlace(x_last, y_last, int(engine_last))

    def estimate(self) -> Estimate:
        """Return the totals so far."""
        return Estimate(print_time_s=self._time_s, resin_ml=self._resin_um3 * 1e-12)
