"""Jobs end with a layer that has light; which one that is may depend on those above, which then are not printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from pmsl.core.finding import Finding
from pmsl.pipeline.setup import lit_layers
from pmsl.pipeline.setup.job_setup import JobSetup

OF_REGIONS = ("region-outside-field", "region-beside-part")  # untrue of a region that reaches only layers that are left out


class LitLayers(Protocol):
    """What tells how many of its layers have light."""

    def layers_up_to_the_last_lit(self) -> tuple[int, tuple[Finding, ...]]:
        """Count the layers up to the last one with light; also what was found of those above."""


P = TypeVar("P", bound=LitLayers)


def up_to_the_last_lit(staged: Callable[[int | None], JobSetup], planner_of: Callable[[JobSetup], P]) -> tuple[JobSetup, P]:
    """Return the stages and the planner of a job that ends with a layer that has light; `staged` makes the former for so many layers.

    What layers are given may depend on those above, so it is looked at again until none is left out.
    """
    first = s = staged(None)
    found: tuple[Finding, ...] = ()
    while True:
        planner = planner_of(s)
        n, more = planner.layers_up_to_the_last_lit()
        found = (*more, *found)
        if n == s.grid.n_layers:
            break
        s = staged(n)
    if s is first:
        return s, planner
    kept = [f for f in s.findings if f.code not in OF_REGIONS or f in first.findings]
    s = replace(s, findings=(*kept, *lit_layers.left_out(found, first.grid, n, first.bounds_um)))
    return s, planner
