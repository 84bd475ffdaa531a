"""A thin job: some layers of another, made and written as they would be there."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.layer_source import InOrder, LayerSource
from pmsl.job.meter import LayerCost
from pmsl.job.print_job import PrintJob


def thin(job: PrintJob, blocks: Sequence[range], design: bool) -> tuple[PrintJob, SampledLayers]:
    """Return a job of some layers of another, stacked on one another, and what notes their costs.

    Parameters
    ----------
    job : PrintJob
    blocks : sequence of range
        Layers. Those of a block are made in order, as in the whole job, so that what looks at neighbours sees them.
    design : bool
        Whether it has the parts.
    """
    layers = tuple(k for block in blocks for k in block)
    g = job.grid
    one = len(blocks) == 1
    heights = g.thickness_um[list(layers)]
    edges = g.z_edges_um[blocks[0].start : blocks[0].stop + 1] if one else np.concatenate([[0.0], np.cumsum(heights)])
    grid = Grid(origin_um=g.origin_um, pitch_um=g.pitch_um, shape=g.shape, z_edges_um=edges)
    sampled = SampledLayers(job, tuple(blocks), layers, edges, [(0.0, 0.0)] * len(layers))
    engines = (dataclasses.replace(job.engines[0], grid=grid), *job.engines[1:])
    made = dataclasses.replace(job, engines=engines, n_layers=len(layers), plan_layer=sampled, known_estimate=None)
    out = made if design else dataclasses.replace(made, design_of=tuple, parts=job.parts)
    out.prepared["sample"] = True  # nobody prints it: its planes need not begin on the plate
    return out, sampled


@dataclass(frozen=True, slots=True, eq=False)
class SampledLayers(LayerSource):
    """The `plan_layer` of a thin job; `costs` are time [s] and resin [µm³] of its layers, once they are made."""

    job: PrintJob
    blocks: tuple[range, ...]
    layers: tuple[int, ...]
    edges_um: np.ndarray
    costs: list[LayerCost]

    def __call__(self, i: int) -> LayerPlan:
        """Return layer `i`."""
        return self.as_mine(i, self.job[self.layers[i]])

    def bare(self, i: int) -> LayerPlan:
        """Return layer `i`; as `PrintJob.bare`."""
        return self.as_mine(i, self.job.bare(self.layers[i]))

    def in_order(self, last: int) -> InOrder:
        """Return a run through all layers, `last` in number: a thin job is never parted."""
        assert last == len(self.layers)
        owners = [b for b, block in enumerate(self.blocks) for _ in block]
        return _Run(self, owners, [self.job.in_order() for _ in self.blocks])

    def as_mine(self, i: int, plan: LayerPlan) -> LayerPlan:
        """Give a layer its place in the thin job, and note what it costs."""
        self.costs[i] = self.job.meter().cost(plan)
        return dataclasses.replace(plan, index=i, z_top_um=float(self.edges_um[i + 1]))


@dataclass(frozen=True, slots=True)
class _Run:
    """A run through the layers of a thin job: one of the whole job for each block."""

    sampled: SampledLayers
    owners: list[int]
    runs: list[InOrder]

    def plans(self, layers: Sequence[int]) -> list[LayerPlan]:
        """Make some layers; of each block those that are its own together."""
        made: dict[int, LayerPlan] = {}
        for owner in dict.fromkeys(self.owners[i] for i in layers):
            own = [i for i in layers if self.owners[i] == owner]
            made |= zip(own, self.runs[owner].plans([self.sampled.layers[i] for i in own]), strict=True)
        return [self.sampled.as_mine(i, made[i]) for i in layers]

    def passed(self, i: int) -> None:
        """Let layer i be the next."""
        self.runs[self.owners[i]].passed(self.sampled.layers[i])

    def findings(self) -> tuple[Finding, ...]:
        """Return none: at the end of a block much would seem lost that the layers above it save."""
        return ()
