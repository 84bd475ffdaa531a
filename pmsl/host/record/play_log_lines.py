"""The lines of played.jsonl, as strict structs."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from pmsl.host.control.drift import MOST_DRIFT, drift, whole
from pmsl.profiles.tables.strict_struct import Strict

Number = Annotated[int, Meta(ge=0)]


class Run(Strict, frozen=True, kw_only=True, tag="job", tag_field="state"):
    """A run begins: which job, from which layer."""

    utc: str
    schema: Literal["pmsl.played/1", "pmsl.played/2", "pmsl.played/3"] = "pmsl.played/1"
    head_sha256: str
    exposures_sha256: str | None
    layers: Number
    start: Number
    relight: Number | UnsetType = UNSET
    skip: Number | UnsetType = UNSET


class ExposureLine(Strict, frozen=True, kw_only=True):
    """What every line about an exposure has."""

    utc: str
    layer: Number
    exposure: Number
    repeat: Number

    @property
    def key(self) -> ExposureKey:
        """Which light it is about."""
        return self.layer, self.exposure, self.repeat


ExposureKey = tuple[int, int, int]


class Planned(ExposureLine, frozen=True, kw_only=True, tag="planned", tag_field="state"):
    """A frame is loaded."""

    time_s: float
    power: float
    sha256: str


class Lit(ExposureLine, frozen=True, kw_only=True, tag="lit", tag_field="state"):
    """The light is about to go on."""

    time_s: float
    power: float
    sha256: str


class Done(ExposureLine, frozen=True, kw_only=True, tag="done", tag_field="state"):
    """It is dark again."""

    time_s: float
    delivered_s: float
    power: float
    sha256: str
    measured_power: float | UnsetType = UNSET

    @property
    def whole(self) -> bool:
        """True where it gave the light that was asked for."""
        measured = self.power if self.measured_power is UNSET else self.measured_power
        return whole(self.delivered_s, self.time_s) and abs(drift(measured, self.power)) <= MOST_DRIFT


class Paused(Strict, frozen=True, kw_only=True, tag="paused", tag_field="state"):
    """The operator is waited for, dark, before a layer."""

    utc: str
    layer: Number
    message: str


class Confirmed(Strict, frozen=True, kw_only=True, tag="confirmed", tag_field="state"):
    """The operator said that it is done: a print that goes on does not wait for it again."""

    utc: str
    layer: Number


Line = Run | Planned | Lit | Done | Paused | Confirmed
