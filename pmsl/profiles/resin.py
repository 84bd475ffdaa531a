"""Resin: working curve and shrinkage."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import force_setattr, replace

from pmsl.profiles.printer import Positive, Printer
from pmsl.profiles.tables.strict_struct import Sourced, Strict, Value
from pmsl.profiles.tables.versions import set_schema

Fraction = Annotated[float, Meta(gt=-0.5, lt=0.5)]
Share = Annotated[float, Meta(gt=0, lt=1)]
NotNegative = Annotated[float, Meta(ge=0)]
Renewal = Annotated[float, Meta(ge=0, le=1)]
Reach = Annotated[float, Meta(gt=0)] | Literal["inf"]  # JSON has no number for it
Exponent = Annotated[float, Meta(gt=0, le=2)]
Whole = Annotated[float, Meta(gt=0, le=1)]
TOGETHER = (("reciprocity", "reciprocity_mw_cm2"), ("bleach_share", "bleach_cm2_mj"))  # one says nothing without the other


class ExtraDecay(Strict, frozen=True, kw_only=True):
    """A further decay of light with depth.

    Attributes
    ----------
    share : float
        Share of the dose that falls with this length.
    length_um : float
        Depth at which it has fallen to 1/e.
    """

    share: Share
    length_um: Positive


class Material(Sourced, frozen=True, kw_only=True, omit_defaults=True):
    """The working curve of a resin, and what it does to light and parts.

    Attributes
    ----------
    wavelength_nm : Value of float
        At which `dp_um` and `ec_mj_cm2` hold.
    dp_um : Value of float
        Penetration depth: the dose falls to 1/e.
    ec_mj_cm2 : Value of float
        Critical dose of a single exposure, induction included.
    shrinkage : Value of (float, float, float)
        Fraction a printed part loses along x, y, z: 0.02 ends 2 % smaller, so parts are scaled by 1/(1 - shrinkage) when they are placed.
    induction_mj_cm2 : Value of float, e.g. 1.5
        What every exposure spends on dissolved oxygen; below Ec, which includes it.
    extra_decays : Value of list of ExtraDecay, e.g. [{ share = 0.2, length_um = 120.0 }]
        Shares of the dose that fall with other lengths; Dp has the rest.
    tail : Value of float, e.g. 0.01
        Share of the dose that does not fall with depth.
    scatter_um : Value of float, e.g. 0.05
        Growth of the light's lateral variance with depth [µm² per µm].
    memory : Value of {"enclosed", "open", "contact"}, e.g. "enclosed"
        Whether liquid that was lit keeps its dose, or recoating replaces it, or it is exchanged where it is connected to the vat (from
        version 2, with renewal and reach_um); the correction printthrough wants it stated.
    dose_range_mj_cm2 : Value of (float, float), e.g. [5.0, 200.0]
        Lowest and highest dose the working curve was measured with; doses outside are a finding.
    renewal : Value of float, e.g. 1.0
        Share of the liquid at the vat that a recoat exchanges.
    reach_um : Value of float or "inf", e.g. 200.0
        Way along liquid over which that share falls to 1/e; "inf": all that is connected to the vat is exchanged alike.
    reciprocity : Value of float, e.g. 0.8
        Exponent p of the irradiance in the dose that counts, ``I^p t``; left out: 1, only the product of irradiance and time counts.
    reciprocity_mw_cm2 : Value of float, e.g. 20.0
        Irradiance at which Dp and Ec were measured, by exposures of different times; needed with reciprocity.
    bleach_share : Value of float, e.g. 0.5
        Share of the absorption that light destroys (Dill: A / (A + B)); dp_um holds before any light. Left out: nothing bleaches.
    bleach_cm2_mj : Value of float, e.g. 0.01
        How fast: after a dose of 1 over this that share has fallen to 1/e (Dill: C); needed with bleach_share.
    flush_share : Value of float, e.g. 0.3
        Share of the dose that cures from which on liquid is too thick to be flushed out of a channel; left out: 0.5.
    """

    SINCE: ClassVar[dict[str, int]] = dict.fromkeys(
        ("renewal", "reach_um", "reciprocity", "reciprocity_mw_cm2", "bleach_share", "bleach_cm2_mj", "flush_share"), 2
    )

    wavelength_nm: Value[Positive]
    dp_um: Value[Positive]
    ec_mj_cm2: Value[Positive]
    shrinkage: Value[tuple[Fraction, Fraction, Fraction]]
    induction_mj_cm2: Value[NotNegative] | None = None
    extra_decays: Value[tuple[ExtraDecay, ...]] | None = None
    tail: Value[Share] | None = None
    scatter_um: Value[NotNegative] | None = None
    memory: Value[Literal["enclosed", "open", "contact"]] | None = None
    dose_range_mj_cm2: Value[tuple[Positive, Positive]] | None = None
    renewal: Value[Renewal] | UnsetType = UNSET
    reach_um: Value[Reach] | UnsetType = UNSET
    reciprocity: Value[Exponent] | UnsetType = UNSET
    reciprocity_mw_cm2: Value[Positive] | UnsetType = UNSET
    bleach_share: Value[Whole] | UnsetType = UNSET
    bleach_cm2_mj: Value[Positive] | UnsetType = UNSET
    flush_share: Value[Share] | UnsetType = UNSET

    def __post_init__(self) -> None:
        induction, ec = self.induction_mj_cm2, self.ec_mj_cm2
        if induction is not None and not induction.value < ec.value:
            raise ValueError(f"induction_mj_cm2 is {induction.value:g}, it must be below ec_mj_cm2 = {ec.value:g}, which includes it")
        if self.dose_range_mj_cm2 is not None and not self.dose_range_mj_cm2.value[0] < self.dose_range_mj_cm2.value[1]:
            low, high = self.dose_range_mj_cm2.value
            raise ValueError(f"dose_range_mj_cm2 is {low:g} to {high:g}; it goes from a lower to a higher dose")
        if not self.other_shares < 1:
            raise ValueError(f"extra_decays and tail take {self.other_shares:g} of the dose; less than 1 in all, the rest falls with dp_um")
        if not isinstance(self.reach_um, UnsetType) and self.reach_um.value == math.inf:
            force_setattr(self, "reach_um", replace(self.reach_um, value="inf"))
        missing = [name for name in ("renewal", "reach_um") if getattr(self, name) is UNSET]
        if self.by_contact and missing:
            raise ValueError(
                f"memory is 'contact', which needs renewal (0 to 1) and reach_um (above 0, or \"inf\"); {' and '.join(missing)} "
                f"{'are' if len(missing) > 1 else 'is'} missing"
            )
        for pair in TOGETHER:
            given = [name for name in pair if getattr(self, name) is not UNSET]
            if len(given) == 1:
                raise ValueError(f"{given[0]} is stated without {pair[1 - pair.index(given[0])]}; one says nothing without the other")

    def own_version(self) -> int:
        """Return the lowest version of the schema that has what this table uses."""
        return max(2 if self.by_contact else 1, super().own_version())

    @property
    def by_contact(self) -> bool:
        """Whether liquid is exchanged where it is connected to the vat."""
        return self.memory is not None and self.memory.value == "contact"

    @property
    def other_shares(self) -> float:
        """Share of the dose that does not fall with `dp_um`."""
        extra = () if self.extra_decays is None else self.extra_decays.value
        return math.fsum([d.share for d in extra] + ([] if self.tail is None else [self.tail.value]))


class AtWavelength(Sourced, frozen=True, kw_only=True, omit_defaults=True):
    """What a resin does with light of another wavelength: the keys of `Material` that depend on it.

    Attributes
    ----------
    wavelength_nm : Value of float, e.g. 385.0
        At which the others hold.
    dp_um : Value of float, e.g. 39.2
        Penetration depth.
    ec_mj_cm2 : Value of float, e.g. 12.3
        Critical dose of a single exposure, induction included.
    induction_mj_cm2 : Value of float, e.g. 1.5
        What every exposure spends on dissolved oxygen.
    extra_decays : Value of list of ExtraDecay, e.g. [{ share = 0.2, length_um = 120.0 }]
        Shares of the dose that fall with other lengths.
    tail : Value of float, e.g. 0.01
        Share of the dose that does not fall with depth.
    scatter_um : Value of float, e.g. 0.05
        Growth of the light's lateral variance with depth [µm² per µm].
    dose_range_mj_cm2 : Value of (float, float), e.g. [5.0, 200.0]
        Lowest and highest dose the working curve was measured with.
    """

    wavelength_nm: Value[Positive]
    dp_um: Value[Positive]
    ec_mj_cm2: Value[Positive]
    induction_mj_cm2: Value[NotNegative] | None = None
    extra_decays: Value[tuple[ExtraDecay, ...]] | None = None
    tail: Value[Share] | None = None
    scatter_um: Value[NotNegative] | None = None
    dose_range_mj_cm2: Value[tuple[Positive, Positive]] | None = None


WAVELENGTH_SLACK_NM = 7.5  # what the wavelengths of light and of a working curve may differ by


class Covariance(Strict, frozen=True, kw_only=True):
    """How fitted values of a resin vary together.

    Attributes
    ----------
    names : list of str, e.g. ["dp_um", "ec_mj_cm2"]
        Keys of the table `resin`, at least two.
    matrix : list of list of float, e.g. [[29.1, 0.85], [0.85, 0.0276]]
        Covariances, in the units of both values: symmetric, no negative variance of any combination.
    """

    names: Annotated[list[str], Meta(min_length=2)]
    matrix: list[list[float]]

    def __post_init__(self) -> None:
        import numpy as np

        n = len(self.names)
        unknown = [name for name in self.names if name not in Material.__struct_fields__]
        if unknown or len(set(self.names)) < n:
            raise ValueError(f"covariance: names are {self.names}; expected different keys of [resin], as dp_um, ec_mj_cm2")
        if [len(row) for row in self.matrix] != [n] * n:
            raise ValueError(f"covariance: matrix has rows of {[len(row) for row in self.matrix]}; expected {n} × {n} for {n} names")
        values = np.array(self.matrix)
        scale = np.sqrt(np.abs(np.diag(values)))
        if not np.allclose(values, values.T, rtol=1e-9, atol=0) or (scale == 0).any():
            raise ValueError("covariance: matrix is not symmetric, or a variance is 0")
        if np.linalg.eigvalsh(values / np.outer(scale, scale)).min() < -1e-9:
            raise ValueError("covariance: no values vary like this: a combination of them has a negative variance")


class Resin(Strict, frozen=True, kw_only=True):
    """A photopolymer, schema ``pmsl.resin/1``, or ``/2`` where a key is used that came with it.

    Attributes
    ----------
    schema : str
        What the file is, and its version.
    name : str
        Its name, which jobs say.
    description : str
        A line for people.
    resin : Material
        The working curve.
    covariance : list of Covariance
        How its fitted values vary together; left out: not known. From version 2.
    wavelength : list of AtWavelength
        Working curves at other wavelengths, for printers with several light engines; left out: none. From version 2.
    """

    SINCE: ClassVar[dict[str, int]] = {"covariance": 2, "wavelength": 2}
    NESTED: ClassVar[tuple[str, ...]] = ("resin", "wavelength")

    schema: Literal["pmsl.resin/1", "pmsl.resin/2"]
    name: str
    description: str
    resin: Material
    covariance: list[Covariance] | UnsetType = UNSET
    wavelength: Annotated[list[AtWavelength], Meta(min_length=1)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        set_schema(self)
        for row in self._rows:
            try:
                self._with(row)
            except ValueError as err:
                raise ValueError(f"wavelength {row.wavelength_nm.value:g} nm: {err}") from err
        stated = sorted(self.wavelengths_nm)
        for low, high in zip(stated, stated[1:], strict=False):
            if high - low <= WAVELENGTH_SLACK_NM:
                raise ValueError(
                    f"working curves at {low:g} and {high:g} nm: {WAVELENGTH_SLACK_NM:g} nm or less apart they are for one light"
                )

    @property
    def _rows(self) -> list[AtWavelength]:
        return [] if isinstance(self.wavelength, UnsetType) else self.wavelength

    @property
    def several(self) -> bool:
        """Whether it states more than one working curve."""
        return self.wavelength is not UNSET

    @property
    def wavelengths_nm(self) -> list[float]:
        """Wavelengths whose working curves it states, that of `resin` first."""
        return [self.resin.wavelength_nm.value, *(row.wavelength_nm.value for row in self._rows)]

    def at(self, wavelength_nm: float) -> Resin:
        """Return the resin for light of one wavelength: its own, or that of the nearest row within 7.5 nm; where there is none, its own.

        Parameters
        ----------
        wavelength_nm : float
        """
        if isinstance(self.wavelength, UnsetType):
            return self
        off = [abs(stated - wavelength_nm) for stated in self.wavelengths_nm]
        nearest = off.index(min(off))
        if nearest == 0 or off[nearest] > WAVELENGTH_SLACK_NM:
            return replace(self, wavelength=UNSET)
        return replace(self, resin=self._with(self._rows[nearest - 1]), covariance=UNSET, wavelength=UNSET)

    def _with(self, row: AtWavelength) -> Material:
        return replace(self.resin, **{name: getattr(row, name) for name in row.__struct_fields__})


def of_first_engine(printer: Printer, resin: Resin) -> tuple[Printer, Resin]:
    """Return a printer with its first light engine alone, and a resin at the wavelength of that.

    Parameters
    ----------
    printer : Printer
    resin : Resin
    """
    alone = printer.of_engine(printer.engine_names[0])
    return alone, resin.at(alone.optics.wavelength_nm.value)
