"""What a resin does with light: its decay with depth, threshold, induction, scatter and memory; and what one layer becomes."""

from __future__ import annotations

import math
from typing import Literal, Protocol, TypeVar

import msgspec
import numpy as np
from msgspec import UnsetType

from pmsl.cure.bleaching import Bleaching
from pmsl.cure.decay import Decay
from pmsl.errors import ExposureError
from pmsl.profiles import Resin
from pmsl.profiles.resin import Material

Memory = Literal["enclosed", "open", "contact"]
Doses = TypeVar("Doses", float, np.ndarray)
FLUSH_SHARE = 0.5  # of the dose that cures: where a resin states none


class CureModel(msgspec.Struct, frozen=True):
    """What decides between solid and liquid.

    Attributes
    ----------
    decay : Decay
        How light falls with depth.
    ec_mj_cm2 : float
        Single-shot critical dose Ec [mJ/cm²]; it includes one induction dose.
    induction_mj_cm2 : float
        E_ind [mJ/cm²], what every exposure event spends on dissolved oxygen; from 0 to below Ec.
    scatter_um : float
        κ: growth of the lateral variance with depth, ``σ²(z) = σ0² + κ z`` [µm² per µm]. σ0 belongs to the optics.
    memory : {"enclosed", "open", "contact"}
        Liquid keeps the dose of all layers above it; or recoating replaces liquid that was lit and is not yet solid, so that
        only the exposures between two recoats add up; or it is exchanged, the less the farther it is from the vat along liquid.
    renewal : float
        r, by contact: share of the liquid at the vat that a recoat exchanges, 0 to 1.
    reach_um : float
        ℓ, by contact: way along liquid over which that share falls to 1/e [µm], above 0; ``math.inf``: it does not fall.
    reciprocity : float
        p, above 0 to 2: of an exposure of E mJ/cm² in t seconds ``(E / t)^p t`` counts (`effective_mj_cm2`). Decay, Ec and E_ind are of
        such doses, as exposures of different times at `reciprocity_mw_cm2` show them.
    reciprocity_mw_cm2 : float
        Irradiance at which the dose that counts is the dose [mW/cm²].
    bleaching : Bleaching, optional
        The decay before any light is then that of the one term of `decay`.
    flush_share : float
        Share of the threshold from which on liquid is too thick to be flushed out of a channel; above 0, below 1.

    Raises
    ------
    ExposureError
        A value out of these ranges; scatter, induction, several decays, another memory than enclosed or reciprocity with bleaching;
        scatter with reciprocity.
    """

    decay: Decay
    ec_mj_cm2: float
    induction_mj_cm2: float = 0.0
    scatter_um: float = 0.0
    memory: Memory = "enclosed"
    renewal: float = 0.0
    reach_um: float = math.inf
    reciprocity: float = 1.0
    reciprocity_mw_cm2: float = 1.0
    bleaching: Bleaching | None = None
    flush_share: float = FLUSH_SHARE

    def __post_init__(self) -> None:
        if not 0 < self.ec_mj_cm2 < math.inf:
            raise ExposureError(f"Ec is {self.ec_mj_cm2} mJ/cm²; it must be above 0 and finite")
        if not 0 <= self.induction_mj_cm2 < self.ec_mj_cm2:
            raise ExposureError(
                f"induction dose is {self.induction_mj_cm2} mJ/cm²; it must be from 0 to below Ec = {self.ec_mj_cm2} mJ/cm²"
            )
        if not 0 <= self.scatter_um < math.inf:
            raise ExposureError(f"scatter is {self.scatter_um} µm² of variance per µm; it cannot be negative")
        if self.memory not in ("enclosed", "open", "contact"):
            raise ExposureError(f"memory is {self.memory!r}; it is 'enclosed', 'open' or 'contact'")
        if not 0 <= self.renewal <= 1:
            raise ExposureError(f"renewal is {self.renewal}; it must be from 0 to 1")
        if not self.reach_um > 0:
            raise ExposureError(f"the reach of the renewal is {self.reach_um} µm; it must be above 0")
        if not 0 < self.reciprocity <= 2:
            raise ExposureError(f"the exponent of reciprocity is {self.reciprocity}; it must be above 0 and at most 2")
        if not 0 < self.reciprocity_mw_cm2 < math.inf:
            raise ExposureError(f"the irradiance of reciprocity is {self.reciprocity_mw_cm2} mW/cm²; it must be above 0 and finite")
        if not 0 < self.flush_share < 1:
            raise ExposureError(f"flush_share is {self.flush_share}; it must be above 0 and below 1")
        self._check_together()

    def _check_together(self) -> None:
        """Refuse terms that do not hold beside each other."""
        if self.reciprocity != 1 and self.scatter_um > 0:
            raise ExposureError(
                f"reciprocity is {self.reciprocity:g} and scatter_um {self.scatter_um:g}: light scatters before it counts, and "
                "how much of it counts hangs on how bright it is there; leave one of them out"
            )
        if self.bleaching is None:
            return
        others = {
            "extra_decays or tail": len(self.decay.weights) > 1,
            f"scatter_um = {self.scatter_um:g}": self.scatter_um > 0,
            f"induction_mj_cm2 = {self.induction_mj_cm2:g}": self.induction_mj_cm2 > 0,
            f"memory = {self.memory!r}": self.memory != "enclosed",
            f"reciprocity = {self.reciprocity:g}": self.reciprocity != 1,
        }
        for what, there in others.items():
            if there:
                raise ExposureError(
                    f"bleach_share is {self.bleaching.share:g} beside {what}: what an absorber that light destroys leaves of an "
                    "exposure is known of one decay, in liquid that keeps its dose and its absorber; leave one of the two out"
                )

    @classmethod
    def of(cls, resin: Resin) -> CureModel:
        """Return the model of a resin profile; what the profile does not give is pure absorption with enclosed memory.

        Parameters
        ----------
        resin : Resin
        """
        material = resin.resin
        terms = [(1.0 - material.other_shares, material.dp_um.value)]
        terms += [] if material.extra_decays is None else [(d.share, d.length_um) for d in material.extra_decays.value]
        terms += [] if material.tail is None else [(material.tail.value, math.inf)]
        return cls(
            decay=Decay(tuple(weight for weight, _ in terms), tuple(length for _, length in terms)),
            ec_mj_cm2=material.ec_mj_cm2.value,
            induction_mj_cm2=0.0 if material.induction_mj_cm2 is None else material.induction_mj_cm2.value,
            scatter_um=0.0 if material.scatter_um is None else material.scatter_um.value,
            memory="enclosed" if material.memory is None else material.memory.value,
            renewal=0.0 if isinstance(material.renewal, UnsetType) else material.renewal.value,
            reach_um=math.inf if isinstance(material.reach_um, UnsetType) else float(material.reach_um.value),
            reciprocity=1.0 if isinstance(material.reciprocity, UnsetType) else material.reciprocity.value,
            reciprocity_mw_cm2=1.0 if isinstance(material.reciprocity_mw_cm2, UnsetType) else material.reciprocity_mw_cm2.value,
            bleaching=_bleaching_of(material),
            flush_share=FLUSH_SHARE if isinstance(material.flush_share, UnsetType) else material.flush_share.value,
        )

    @property
    def for_checks(self) -> CureModel:
        """The same without exchange by contact and without bleaching: checks of a whole job, which follow no liquid, go by it."""
        if self.memory != "contact" and self.bleaching is None:
            return self
        return msgspec.structs.replace(self, memory="enclosed" if self.memory == "contact" else self.memory, bleaching=None)

    @property
    def linear(self) -> bool:
        """Whether the light of exposures may be added up before optics and resin blur it: no term tells events or places apart."""
        plain = self.induction_mj_cm2 == 0 and self.scatter_um == 0 and self.memory == "enclosed"
        return plain and self.reciprocity == 1 and self.bleaching is None

    def at_irradiance(self, white_mw_cm2: float) -> CureModel:
        """Return the same for doses of white exposures at that irradiance: what counts of these is their dose, by other Ec and E_ind.

        Parameters
        ----------
        white_mw_cm2 : float
        """
        if self.reciprocity == 1:
            return self
        counts = (white_mw_cm2 / self.reciprocity_mw_cm2) ** (self.reciprocity - 1.0)
        ec, induction = self.ec_mj_cm2 / counts, self.induction_mj_cm2 / counts
        return msgspec.structs.replace(self, ec_mj_cm2=ec, induction_mj_cm2=induction, reciprocity_mw_cm2=white_mw_cm2)

    def effective_mj_cm2(self, dose_mj_cm2: Doses, time_s: float) -> Doses:
        """Return what counts of the dose of one exposure, at its exposure plane: ``(E / t)^p t``, as a dose at `reciprocity_mw_cm2`.

        Parameters
        ----------
        dose_mj_cm2 : float or ndarray
            Where light is, also where gray levels make it fainter: they are shown faster than the resin tells apart.
        time_s : float
            Of the exposure.

        Notes
        -----
        At one irradiance exposures of different times have the same decay and Ec as without: only light that is fainter or brighter than
        that counts otherwise. Radicals that end each other in pairs give p = 1/2, alone p = 1.
        """
        if self.reciprocity == 1 or time_s <= 0:
            return dose_mj_cm2
        scale = time_s * self.reciprocity_mw_cm2
        counts: Doses = scale * (dose_mj_cm2 / scale) ** self.reciprocity
        return counts

    def dose_reaching_mj_cm2(self, dose_mj_cm2: float, depth_um: float) -> float:
        """Return the dose of one exposure at its plane that leaves `dose_mj_cm2` at a depth [mJ/cm²].

        Parameters
        ----------
        dose_mj_cm2 : float
        depth_um : float
        """
        if self.bleaching is None:
            return dose_mj_cm2 / self.decay.fraction(depth_um)
        return float(self.bleaching.below(dose_mj_cm2, -depth_um, self.decay.lengths_um[0]))

    @property
    def threshold_mj_cm2(self) -> float:
        """Effective dose from which on resin is solid, ``Ec - E_ind`` [mJ/cm²]."""
        return self.ec_mj_cm2 - self.induction_mj_cm2


def _bleaching_of(material: Material) -> Bleaching | None:
    share, rate = material.bleach_share, material.bleach_cm2_mj
    if isinstance(share, UnsetType) or isinstance(rate, UnsetType):
        return None
    return Bleaching(share.value, rate.value)


class DepthDose(Protocol):
    """The effective dose inside one layer as a function of depth; it does not grow with depth."""

    def dose_mj_cm2(self, depth_um: float) -> np.ndarray:
        """Return the effective dose `depth_um` below the exposure plane: (rows, cols) float64 [mJ/cm²]."""

    def roots_um(self, where: np.ndarray, height_um: float, threshold_mj_cm2: float) -> np.ndarray:
        """Return the depth where the dose is the threshold, of the columns at flat indices `where`: (n,) float64 [µm].

        Each of them has more than the threshold at depth 0 and less at `height_um`.
        """


class CuredLayer(msgspec.Struct, frozen=True, eq=False):
    """What one layer becomes once all layers on its light side are exposed.

    Attributes
    ----------
    index : int
        Layer number.
    height_um : float
        Its thickness h_j [µm].
    dose_mj_cm2 : (rows, cols) float64
        Effective dose at its exposure plane [mJ/cm²], to be compared with `CureModel.threshold_mj_cm2`: S_j, all light that arrives
        there; with induction what is left of it; with open memory the most between two recoats.
    cured_um : (rows, cols) float64
        C_j: cured thickness [µm], hanging from the exposure plane, 0 to `height_um`.
    light : DepthDose
        The dose inside the layer.
    """

    index: int
    height_um: float
    dose_mj_cm2: np.ndarray
    cured_um: np.ndarray
    light: DepthDose

    @classmethod
    def of(cls, index: int, height_um: float, light: DepthDose, threshold_mj_cm2: float) -> CuredLayer:
        """Find where the dose of `light` reaches the threshold, column by column.

        Parameters
        ----------
        index : int
            The layer, from 0 at the plate.
        height_um : float
            Its thickness [µm].
        light : DepthDose
            Effective dose [mJ/cm²] over depth, which does not grow with depth.
        threshold_mj_cm2 : float
            Dose from which resin is solid [mJ/cm²].
        """
        at_plane = light.dose_mj_cm2(0.0)
        through = light.dose_mj_cm2(height_um) >= threshold_mj_cm2
        cured = np.where(through, height_um, 0.0)
        partly = np.flatnonzero((at_plane > threshold_mj_cm2) & ~through)
        if partly.size:
            cured.reshape(-1)[partly] = np.clip(light.roots_um(partly, height_um, threshold_mj_cm2), 0.0, height_um)
        return cls(index, height_um, at_plane, cured, light)

    def dose_at_mj_cm2(self, depth_um: float) -> np.ndarray:
        """Return the effective dose `depth_um` below the exposure plane: (rows, cols) float64 [mJ/cm²].

        Parameters
        ----------
        depth_um : float
            From 0 at the exposure plane to the layer's thickness [µm].

        Raises
        ------
        ExposureError
            A depth outside the layer.
        """
        if not 0 <= depth_um <= self.height_um:
            raise ExposureError(f"layer {self.index}: depth {depth_um} µm is not inside its {self.height_um:g} µm")
        return self.light.dose_mj_cm2(depth_um)
