"""What an engine may state beside what every `LightEngine` has to, each with what holds where it says nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, cast

from pmsl.host.protocol import LightEngine


class Simulatable(Protocol):
    """An engine that no light may leave. What says nothing counts as real."""

    @property
    def real(self) -> bool:
        """False only where no light leaves it."""


class Providing(Protocol):
    """An engine that does by itself some of what jobs require. What says nothing does none of it."""

    @property
    def provides(self) -> Collection[str]:
        """Words of `PrintJob.requires`, as ``flat-field-by-host``."""


class LimitingLayers(Protocol):
    """An engine with a limit on the light of one layer. What says nothing has none."""

    @property
    def max_layer_s(self) -> float | None:
        """Most light in one layer, all exposures and repeats together [s]."""


class MeasuringPower(Protocol):
    """An engine with a sensor for its own light. What says nothing has none."""

    @property
    def measured_power(self) -> float | None:
        """The light setting that its sensor saw during the last `expose`, in the unit of `power`."""


def is_real(engine: object) -> bool:
    """Tell whether light leaves an engine, or the switch of a watched one."""
    try:
        return cast(Simulatable, engine).real is not False
    except AttributeError:
        return True


def provided_by(engine: LightEngine) -> frozenset[str]:
    """Return what of a job's `requires` an engine does by itself."""
    try:
        return frozenset(cast(Providing, engine).provides)
    except AttributeError:
        return frozenset()


def layer_limit_s(engine: LightEngine) -> float | None:
    """Return the most light an engine gives in one layer [s], None for no limit."""
    try:
        return cast(LimitingLayers, engine).max_layer_s
    except AttributeError:
        return None


def sensed_power(engine: LightEngine) -> float | None:
    """Return the light setting that an engine's sensor saw last, None where it has no sensor. What the sensor raises goes through."""
    try:
        return cast(MeasuringPower, engine).measured_power
    except AttributeError:
        return None
