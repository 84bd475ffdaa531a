"""Where the layers of a job come from: what may be asked of it, and layers changed one by one on their way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.job.layer_plan import LayerPlan
from pmsl.mesh.part import Part


class Origin(msgspec.Struct, frozen=True, eq=False):
    """What the layers of a job are made of beside its profiles: repaired parts, their box (2, 3) [µm], grays reduced to so many bits.

    `halo_layers` above a layer may have to be made to tell what is found of it; `repair` is what was done about meshes, `fields` how many
    there are along x and y of a plate of several.
    """

    parts: tuple[Part, ...]
    bounds_um: np.ndarray
    bits: int | None = None
    halo_layers: int = 0
    repair: str = "auto"
    fields: tuple[int, int] | None = None


class InOrder(Protocol):
    """A run through layers of a job, from the plate up: what takes several layers to notice costs little this way."""

    def plans(self, layers: Sequence[int]) -> list[LayerPlan]:
        """Make some layers; from any thread, ahead of `passed`, each once. Their findings are those of the layer by itself."""

    def passed(self, k: int) -> None:
        """Let layer k, made before, be the next; from one thread, layer after layer."""

    def findings(self) -> tuple[Finding, ...]:
        """Return what else was noticed, in order of layers, when all have passed."""


@runtime_checkable
class LayerSource(Protocol):
    """What makes the layers of a job, from any thread and in any order, always the same.

    A class that derives from it has to say `__call__`; what it does not say besides is what holds of a plain function.
    """

    __slots__ = ()

    def __call__(self, k: int) -> LayerPlan:
        """Make layer `k`, counted from 0."""

    def bare(self, k: int) -> LayerPlan:
        """Make layer `k` with fewer findings: those that other layers are needed for may be missing."""
        return self(k)

    def in_order(self, last: int) -> InOrder:
        """Return a run through the layers before `last`."""
        return _OneByOne(self)

    @property
    def origin(self) -> Origin | None:
        """What another process needs to make the same layers; None where it cannot."""
        return None

    @property
    def times_s(self) -> np.ndarray | None:
        """How long the ordinary dose of each layer takes: (L,) [s]; None where nobody knows before a layer is made."""
        return None


def layer_source(plan_layer: Callable[[int], LayerPlan]) -> LayerSource:
    """Return what makes layers as a `LayerSource`: itself, or a plain function in its clothes."""
    return plan_layer if isinstance(plan_layer, LayerSource) else FunctionSource(plan_layer)


@dataclass(frozen=True, slots=True)
class FunctionSource(LayerSource):
    """Layers that a plain function makes."""

    plan_layer: Callable[[int], LayerPlan]

    def __call__(self, k: int) -> LayerPlan:
        """Make layer `k`."""
        return self.plan_layer(k)


class _OneByOne(msgspec.Struct, frozen=True):
    """A run that looks at every layer by itself."""

    plan: Callable[[int], LayerPlan]

    def plans(self, layers: Sequence[int]) -> list[LayerPlan]:
        """Make some layers."""
        return [self.plan(k) for k in layers]

    def passed(self, k: int) -> None:
        """Nothing waits for it."""

    def findings(self) -> tuple[Finding, ...]:
        """All are in the plans."""
        return ()


@dataclass(frozen=True, slots=True)
class MappedLayers(LayerSource):
    """The layers of a source, each changed by itself: the `plan_layer` of another job."""

    source: LayerSource
    change: Callable[[LayerPlan], LayerPlan]

    def __call__(self, k: int) -> LayerPlan:
        """Return layer `k`, changed."""
        return self.change(self.source(k))

    def bare(self, k: int) -> LayerPlan:
        """Return layer `k`, changed, with fewer findings."""
        return self.change(self.source.bare(k))

    def in_order(self, last: int) -> InOrder:
        """Return a run through the layers before `last`, changed."""
        return _ChangedInOrder(self.source.in_order(last), self.change)


class _ChangedInOrder(msgspec.Struct, frozen=True):
    """A run of which each layer is changed by itself."""

    run: InOrder
    change: Callable[[LayerPlan], LayerPlan]

    def plans(self, layers: Sequence[int]) -> list[LayerPlan]:
        """Make some layers, changed."""
        return [self.change(plan) for plan in self.run.plans(layers)]

    def passed(self, k: int) -> None:
        """Let layer k be the next."""
        self.run.passed(k)

    def findings(self) -> tuple[Finding, ...]:
        """Return what else was noticed."""
        return self.run.findings()
