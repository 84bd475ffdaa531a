"""Resin: working curve and shrinkage."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from pmsl.profiles.printer import Positive
from pmsl.profiles.strict import Strict, Value

Fraction = Annotated[float, Meta(gt=-0.5, lt=0.5)]


class Material(Strict, frozen=True, kw_only=True):
    """The `[resin]` table.

    `dp_um` is the 1/e penetration depth, `ec_mj_cm2` the single-shot critical dose (induction included), both at
    `wavelength_nm`. `shrinkage` (x, y, z) is the fraction a printed part loses: 0.02 ends 2 % smaller, so parts are
    scaled by 1/(1 - shrinkage) when they are placed.
    """

    wavelength_nm: Value[Positive]
    dp_um: Value[Positive]
    ec_mj_cm2: Value[Positive]
    shrinkage: Value[tuple[Fraction, Fraction, Fraction]]


class Resin(Strict, frozen=True, kw_only=True):
    """A photopolymer, schema ``pmsl.resin/1``."""

    schema: Literal["pmsl.resin/1"]
    name: str
    description: str
    resin: Material
