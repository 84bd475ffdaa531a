"""What corrections are predicted for: every memory, and the resin's values off by what is known of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from msgspec import UnsetType

from pmsl.correct.solver.attenuation import Law
from pmsl.cure.model import Memory
from pmsl.cure.uncertainty import ASSUMED, ResinUncertainty
from pmsl.profiles import Resin
from pmsl.profiles.tables.strict_struct import Value

MEMORIES: tuple[Memory, ...] = ("enclosed", "open", "contact")
SHORT = {"ec_mj_cm2": "ec", "dp_um": "dp", "induction_mj_cm2": "induction"}  # names of cases: with _low and _high
RENEWAL, REACH_UM = 1.0, 200.0  # of a resin that states none
LEAST = 1e-3  # of Ec: a threshold is not lower
LEAST_DP = 0.05  # of Dp


@dataclass(frozen=True, slots=True, eq=False)
class PredictionCase:
    """A resin as it may be: its name, what it makes of light, and by contact renewal and reach [µm]."""

    name: str
    law: Law
    renewal: float
    reach_um: float

    @property
    def light_key(self) -> tuple[object, ...]:
        """What its light depends on: cases that differ in the threshold alone share it."""
        return self.law.memory, self.law.lengths_um.tobytes(), self.law.induction_mj_cm2, self.renewal


@dataclass(frozen=True, slots=True, eq=False)
class PredictionCases:
    """All of them.

    Attributes
    ----------
    cases : tuple of PredictionCase
        Every memory; then each value lower and higher by one standard deviation, with the profile's memory.
    correlation : (N, N) float64
        Of the values, in the order of `names`.
    names : tuple of str
        Of the values, as cases are named: "ec", "dp", "induction".
    labels : dict of str to str
        How far each is lower and higher, in words; "renewal" besides, by contact.
    reason : str
        What that rests on, in words.
    contact_text : str
        With what renewal and reach, in words.
    """

    cases: tuple[PredictionCase, ...]
    correlation: np.ndarray
    names: tuple[str, ...]
    labels: dict[str, str]
    reason: str
    contact_text: str

    @property
    def by_contact(self) -> bool:
        """Whether that is the profile's memory."""
        return "renewal" in self.labels

    def robust(self, resin: Resin) -> tuple[PredictionCase, ...]:
        """Return those that a robust choice reckons with.

        Parameters
        ----------
        resin : Resin
            The same.
        """
        names = robust_names(resin, [case.name for case in self.cases])
        return tuple(case for case in self.cases if case.name in names)

    @property
    def varied(self) -> tuple[str, ...]:
        """All that is lower and higher in some case."""
        return tuple(self.labels)

    @classmethod
    def of(cls, resin: Resin, law: Law) -> PredictionCases:
        """Take what a profile states; ±10 % of a value that states no standard deviation.

        Parameters
        ----------
        resin : Resin
        law : Law
            Of the resin.
        """
        rule = exchange_rule(resin)
        found = [PredictionCase(name, replace(law, memory=name), *rule) for name in MEMORIES]
        uncertainty = ResinUncertainty.of(resin)
        sd = np.sqrt(np.diag(uncertainty.covariance))
        order = [uncertainty.names.index(name) for name in SHORT if name in uncertainty.names]
        for i in order:
            for end, sign in (("low", -1.0), ("high", 1.0)):
                value = float(uncertainty.values[i] + sign * sd[i])
                name = f"{SHORT[uncertainty.names[i]]}_{end}"
                found.append(PredictionCase(name, _off(law, uncertainty.names[i], value), *rule))
        if law.memory == "contact":
            low, high = renewal_range(resin)
            found += [PredictionCase(f"renewal_{end}", law, r, rule[1]) for end, r in (("low", low), ("high", high))]
        scale = np.where(sd > 0, sd, 1.0)
        correlation = (uncertainty.covariance / np.outer(scale, scale))[np.ix_(order, order)]
        names = tuple(SHORT[uncertainty.names[i]] for i in order)
        labels = {name: _label(name, float(uncertainty.values[i]), float(sd[i])) for name, i in zip(names, order, strict=True)}
        if law.memory == "contact":
            labels["renewal"] = "renewal {:g} and {:g}".format(*renewal_range(resin))
        return cls(tuple(found), correlation, names, labels, uncertainty.reason, contact_text(resin, rule))

    def sd_of(self, errors: dict[str, float]) -> float:
        """Return one standard deviation of an error, to first order: half of what every value moves it, as far as they vary together."""
        slopes = np.array([0.5 * (errors[f"{name}_high"] - errors[f"{name}_low"]) for name in self.names])
        return float(np.sqrt(max(slopes @ self.correlation @ slopes, 0.0)))


def robust_names(resin: Resin, names: Iterable[str]) -> set[str]:
    """Return the names of the cases that a robust choice reckons with: of all that a profile may stand for.

    Its memory if that was measured or published, else each; and all values lower and higher by what is known of them. What exchange by
    contact does lies between enclosed and open liquid.

    Parameters
    ----------
    resin : Resin
    names : iterable of str
        Of all cases.
    """
    stated = resin.resin.memory
    ends = {name for name in names if name.endswith(("_low", "_high"))}
    if stated is None or stated.class_ == "placeholder":
        return {"enclosed", "open"} | {name for name in ends if not name.startswith("renewal")}
    return {str(stated.value)} | ends


def _off(law: Law, name: str, value: float) -> Law:
    """Return a law with another value."""
    if name == "dp_um":
        lengths = law.lengths_um.copy()
        lengths[0] = max(value, LEAST_DP * law.dp_um)
        return replace(law, lengths_um=lengths)
    if name == "ec_mj_cm2":
        return replace(law, ec_mj_cm2=max(value, law.induction_mj_cm2 + LEAST * law.ec_mj_cm2))
    return replace(law, induction_mj_cm2=min(max(value, 0.0), (1.0 - LEAST) * law.ec_mj_cm2))


def _label(name: str, value: float, sd: float) -> str:
    """Say how far a value is lower and higher."""
    return f"{name.capitalize()} ± {100.0 * sd / value:.2g} %"


def contact_text(resin: Resin, rule: tuple[float, float]) -> str:
    """Say with what renewal and reach errors are predicted by contact, and whether the resin states them."""
    renewal, reach_um = rule
    reach = f"reach {reach_um:g} µm" if math.isfinite(reach_um) else "a reach without end"
    assumed = "" if isinstance(resin.resin.renewal, Value) and isinstance(resin.resin.reach_um, Value) else ", assumed"
    return f" (renewal {renewal:g}, {reach}{assumed})"


def exchange_rule(resin: Resin) -> tuple[float, float]:
    """Return renewal and reach [µm] of a resin, or those that are assumed where it states none."""
    renewal, reach = resin.resin.renewal, resin.resin.reach_um
    return (
        RENEWAL if isinstance(renewal, UnsetType) else renewal.value,
        REACH_UM if isinstance(reach, UnsetType) else float(reach.value),
    )


def renewal_range(resin: Resin) -> tuple[float, float]:
    """Return the lowest and the highest renewal of a resin by contact: one standard deviation off, ±10 % where it states none."""
    renewal = resin.resin.renewal
    if isinstance(renewal, UnsetType):
        return RENEWAL, RENEWAL
    sd = ASSUMED * renewal.value if isinstance(renewal.sd, UnsetType) else float(renewal.sd)
    return max(renewal.value - sd, 0.0), min(renewal.value + sd, 1.0)
