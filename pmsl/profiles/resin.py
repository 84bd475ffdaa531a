"""Resin: working curve and shrinkage."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from msgspec import Meta

from pmsl.profiles.printer import Positive
from pmsl.profiles.strict import Strict, Value

Fraction = Annotated[float, Meta(gt=-0.5, lt=0.5)]
Share = Annotated[float, Meta(gt=0, lt=1)]
NotNegative = Annotated[float, Meta(ge=0)]


class ExtraDecay(Strict, frozen=True, kw_only=True):
    """A further decay of light with depth: `share` of the dose falls with the 1/e length `length_um`."""

    share: Share
    length_um: Positive


class Material(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The `[resin]` table.

    `dp_um` is the 1/e penetration depth, `ec_mj_cm2` the single-shot critical dose (induction included), both at
    `wavelength_nm`. `shrinkage` (x, y, z) is the fraction a printed part loses: 0.02 ends 2 % smaller, so parts are
    scaled by 1/(1 - shrinkage) when they are placed.

    Optional: `induction_mj_cm2`, what every exposure event spends on dissolved oxygen, below Ec; `extra_decays` and `tail`, shares
    of the dose that fall with other lengths and not at all (Dp has the rest); `scatter_um`, growth of the light's lateral variance
    with depth [µm² per µm]; `memory`, whether liquid keeps its dose ("enclosed") or recoating replaces it ("open");
    `dose_range_mj_cm2`, the lowest and the highest dose the working curve was measured with.
    """

    wavelength_nm: Value[Positive]
    dp_um: Value[Positive]
    ec_mj_cm2: Value[Positive]
    shrinkage: Value[tuple[Fraction, Fraction, Fraction]]
    induction_mj_cm2: Value[NotNegative] | None = None
    extra_decays: Value[tuple[ExtraDecay, ...]] | None = None
    tail: Value[Share] | None = None
    scatter_um: Value[NotNegative] | None = None
    memory: Value[Literal["enclosed", "open"]] | None = None
    dose_range_mj_cm2: Value[tuple[Positive, Positive]] | None = None

    def __post_init__(self) -> None:
        induction, ec = self.induction_mj_cm2, self.ec_mj_cm2
        if induction is not None and not induction.value < ec.value:
            raise ValueError(f"induction_mj_cm2 is {induction.value:g}, it must be below ec_mj_cm2 = {ec.value:g}, which includes it")
        if self.dose_range_mj_cm2 is not None and not self.dose_range_mj_cm2.value[0] < self.dose_range_mj_cm2.value[1]:
            low, high = self.dose_range_mj_cm2.value
            raise ValueError(f"dose_range_mj_cm2 is {low:g} to {high:g}; it goes from a lower to a higher dose")
        if not self.other_shares < 1:
            raise ValueError(f"extra_decays and tail take {self.other_shares:g} of the dose; less than 1 in all, the rest falls with dp_um")

    @property
    def other_shares(self) -> float:
        """Share of the dose that does not fall with `dp_um`."""
        extra = () if self.extra_decays is None else self.extra_decays.value
        return math.fsum([d.share for d in extra] + ([] if self.tail is None else [self.tail.value]))


class Resin(Strict, frozen=True, kw_only=True):
    """A photopolymer, schema ``pmsl.resin/1``."""

    schema: Literal["pmsl.resin/1"]
    name: str
    description: str
    resin: Material
