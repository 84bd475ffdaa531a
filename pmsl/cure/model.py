"""What a resin does with light: its decay with depth, threshold, induction, scatter and memory; and what one layer becomes."""

from __future__ import annotations

import math
from typing import Literal, Protocol

import msgspec
import numpy as np
from msgspec import UnsetType

from pmsl.errors import ExposureError
from pmsl.profiles import Resin

Memory = Literal["enclosed", "open", "contact"]
WEIGHT_SLACK = 1e-9


class Decay(msgspec.Struct, frozen=True):
    """Fraction of the dose at the exposure plane that is left at a depth, ``A(z) = Σ a_i exp(-z / b_i)``.

    Attributes
    ----------
    weights : tuple of float
        a_i, each above 0; they add up to 1.
    lengths_um : tuple of float
        b_i [µm], each above 0; ``math.inf`` is a constant tail.

    Raises
    ------
    ExposureError
        Weights or lengths that are not above 0, not as many of one as of the other, or weights that do not add up to 1.

    Notes
    -----
    One term is the law of Beer and Lambert. Two terms, or one and a tail, fit LEDs whose spectrum the absorber does not cover.
    """

    weights: tuple[float, ...]
    lengths_um: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.lengths_um) or not self.weights:
            raise ExposureError(
                f"decay: {len(self.weights)} weights and {len(self.lengths_um)} lengths; give as many of one as of the other"
            )
        for weight, length in zip(self.weights, self.lengths_um, strict=True):
            if not (weight > 0 and length > 0):
                raise ExposureError(f"decay: a term of weight {weight} and length {length} µm; both must be above 0")
        if not abs(math.fsum(self.weights) - 1) <= WEIGHT_SLACK:
            raise ExposureError(f"decay: the weights add up to {math.fsum(self.weights)!r}; they must add up to 1")

    @classmethod
    def single(cls, dp_um: float) -> Decay:
        """Return pure absorption with penetration depth Dp [µm]; raises `ExposureError` where Dp is not above 0.

        Parameters
        ----------
        dp_um : float
            Above 0 [µm].
        """
        if not 0 < dp_um < math.inf:
            raise ExposureError(f"Dp is {dp_um} µm; it must be above 0 and finite")
        return cls((1.0,), (dp_um,))

    @property
    def tail(self) -> float:
        """Weight of the constant tail: the fraction of light that reaches any depth."""
        return math.fsum(a for a, b in zip(self.weights, self.lengths_um, strict=True) if b == math.inf)

    @property
    def longest_um(self) -> float:
        """Longest finite decay length [µm]; 0 where all is tail."""
        return max((b for b in self.lengths_um if b < math.inf), default=0.0)

    def factors(self, depth_um: float) -> np.ndarray:
        """Return ``exp(-z / b_i)`` of every term: (terms,) float64.

        Parameters
        ----------
        depth_um : float
            Below the exposure plane [µm].
        """
        return np.exp(-depth_um / np.array(self.lengths_um))

    def fraction(self, depth_um: float) -> float:
        """Return A(z): the fraction of the dose that is left `depth_um` below the exposure plane.

        Parameters
        ----------
        depth_um : float
            [µm].
        """
        return float(np.array(self.weights) @ self.factors(depth_um))


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

    Raises
    ------
    ExposureError
        A value out of these ranges.
    """

    decay: Decay
    ec_mj_cm2: float
    induction_mj_cm2: float = 0.0
    scatter_um: float = 0.0
    memory: Memory = "enclosed"
    renewal: float = 0.0
    reach_um: float = math.inf

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
        )

    @property
    def without_exchange(self) -> CureModel:
        """The same without exchange by contact: liquid keeps its dose. Checks of a whole job, which follow no liquid, go by it."""
        return msgspec.structs.replace(self, memory="enclosed") if self.memory == "contact" else self

    @property
    def threshold_mj_cm2(self) -> float:
        """Effective dose from which on resin is solid, ``Ec - E_ind`` [mJ/cm²]."""
        return self.ec_mj_cm2 - self.induction_mj_cm2


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
