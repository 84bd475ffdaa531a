"""How light of a measured spectrum falls in a resin of measured absorbance: Dp and further decays, from two curves over the wavelength.

Every wavelength falls by its own exponential, ``A(z) = Σ w_i exp(-α_i z)``, with w its share of the power and α = ln(10) times its
absorbance over the path. Few terms stand for them: those of the Gauss quadrature of w over α, which have the same moments (two for each
term, the derivatives of A at the exposure plane), weights above 0 that add up to 1, and lengths between the shortest and the longest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from pmsl.calibrate.sheets import ABOVE, FROM, SheetData, SheetFormat, read_sheets
from pmsl.cure import Decay
from pmsl.errors import MeasurementError
from pmsl.profiles import Resin
from pmsl.profiles.resin import ExtraDecay
from pmsl.profiles.tables.strict_struct import Value

SPECTRUM = SheetFormat("spectrum", {"wavelength_nm": ABOVE, "power": FROM}, ("power",), (("wavelength_nm",),), "a power")
ABSORBANCE = SheetFormat(
    "absorbance", {"wavelength_nm": ABOVE, "absorbance": FROM}, ("absorbance",), (("wavelength_nm",),), "an absorbance"
)
OUTSIDE = 0.01  # of the power, at most, where absorbance was not measured
FINE_NM = 0.1  # steps between measured wavelengths: power and absorbance are taken as linear there
FAINT = 1e-3  # of the light: beyond that depth nothing is asked of the terms
CLOSE = 2e-3  # of what is left of the light, down to there: how near the terms have to come
LEAST_NM, MOST_NM = 100.0, 10_000.0  # of light
LEAST_DP_UM, MOST_DP_UM = 0.01, 1e6  # of a resin
NONE = 1e-12  # a share of the light that is no term
MOST_TERMS = 8
ENDLESS_LENGTHS = 100.0  # of the depth at which the light is faint: a term that falls so slowly is a tail


@dataclass(frozen=True, slots=True, eq=False)
class SpectralDecay:
    """How light of a spectrum falls.

    Attributes
    ----------
    wavelength_nm : float
        Mean of the spectrum, by power.
    shares : (N,) float64
        Of the power, of every wavelength; they add up to 1.
    rates_per_um : (N,) float64
        How fast each falls [1/µm].
    decay : Decay
        The same in few terms, the heaviest first.
    error : float
        Largest relative error of `decay` down to the depth that a thousandth of the light reaches.
    """

    wavelength_nm: float
    shares: np.ndarray
    rates_per_um: np.ndarray
    decay: Decay
    error: float

    @property
    def initial_depth_um(self) -> float:
        """Depth in which light would fall to 1/e if it went on as it begins [µm]."""
        return 1.0 / float(self.shares @ self.rates_per_um)

    def fraction(self, depth_um: float) -> float:
        """Return what is left of the light at a depth, of all wavelengths by themselves.

        Parameters
        ----------
        depth_um : float
        """
        return float(self.shares @ np.exp(-self.rates_per_um * depth_um))


def spectral_decay(
    spectrum_nm: np.ndarray, power: np.ndarray, absorbance_nm: np.ndarray, absorbance: np.ndarray, path_um: float
) -> SpectralDecay:
    """Find how light of a spectrum falls in a resin.

    Parameters
    ----------
    spectrum_nm, power : (N,) float64
        Ascending wavelengths [nm], and the power of the light source there, in any unit, for a nanometre.
    absorbance_nm, absorbance : (M,) float64
        Ascending wavelengths [nm], and the decadic absorbance of the resin there, of a film of `path_um`.
    path_um : float
        Thickness of that film [µm].

    Raises
    ------
    MeasurementError
        Wavelengths that do not ascend; no power, or none where absorbance was measured, or more than 1 % of it outside of that;
        a resin that absorbs nothing; a path that is no length.

    Notes
    -----
    All wavelengths count by their power: how well the initiator makes use of each is not part of it.
    """
    if not 0 < path_um < math.inf:
        raise MeasurementError(f"the path of the absorbance is {path_um:g} µm; it must be above 0 and finite")
    for name, at in (("the spectrum", spectrum_nm), ("the absorbance curve", absorbance_nm)):
        _check_ascending(name, at)
    at, shares = _shares(spectrum_nm, power, absorbance_nm)
    rates = math.log(10.0) * np.interp(at, absorbance_nm, absorbance) / path_um
    if not float(shares @ rates) > 0:
        raise MeasurementError(
            f"the resin absorbs nothing from {at[0]:g} to {at[-1]:g} nm, where the light is; its absorbance must be above 0"
        )
    middle_um = 1.0 / float(shares @ rates)
    if not LEAST_DP_UM <= middle_um <= MOST_DP_UM:
        raise MeasurementError(
            f"light falls to 1/e within {middle_um:.4g} µm; limit {LEAST_DP_UM:g} to {MOST_DP_UM:g} µm: is the path of the absorbance in "
            f"µm, {path_um:g}, and the absorbance decadic?"
        )
    decay, error = _few_terms(shares, rates)
    return SpectralDecay(float(shares @ at), shares, rates, decay, error)


def read_spectral_decay(spectrum: str | Path, absorbance: str | Path, path_um: float) -> tuple[SpectralDecay, str]:
    """Read the two curves, and find how the light falls; the second is where it comes from, for profiles.

    Parameters
    ----------
    spectrum, absorbance : str or Path
        CSV files with the columns ``wavelength_nm, power`` and ``wavelength_nm, absorbance``.
    path_um : float
        As of `spectral_decay`.

    Raises
    ------
    MeasurementError
        As `spectral_decay`; a file that is none, or cells that are no numbers, each with its line.
    """
    light, film = read_sheets([spectrum], SPECTRUM), read_sheets([absorbance], ABSORBANCE)
    for data in (light, film):
        _check_rows(data)
    made = spectral_decay(
        light.values["wavelength_nm"], light.values["power"], film.values["wavelength_nm"], film.values["absorbance"], path_um
    )
    return made, f"overlap of {light.source} with {film.source}, film of {path_um:g} µm"


def resin_of_spectrum(resin: Resin, found: SpectralDecay, source: str, name: str | None = None) -> Resin:
    """Return a resin with the decays of a spectrum in place of its own; Ec and all else are as they were.

    Parameters
    ----------
    resin : Resin
    found : SpectralDecay
    source : str
        Where it comes from.
    name : str, optional
        Of the new profile (default: the old one with ``-spectrum``).
    """

    def measured(value: Any) -> Value[Any]:
        return Value(value=value, class_="measured", source=source)

    terms = list(zip(found.decay.weights, found.decay.lengths_um, strict=True))
    extra = tuple(ExtraDecay(share=share, length_um=length) for share, length in terms[1:] if length < math.inf)
    material = msgspec.structs.replace(
        resin.resin,
        wavelength_nm=measured(round(found.wavelength_nm, 2)),
        dp_um=measured(terms[0][1]),
        extra_decays=measured(extra) if extra else None,
        tail=measured(found.decay.tail) if found.decay.tail > 0 else None,
    )
    description = f"{resin.name}, with the decays of a measured spectrum; Ec is still that of {resin.name}"
    return msgspec.structs.replace(resin, name=name or f"{resin.name}-spectrum", description=description, resin=material, covariance=UNSET)


def _check_rows(data: SheetData) -> None:
    """Refuse wavelengths that do not ascend, by the line they stand in."""
    nm = data.values["wavelength_nm"]
    for i in np.flatnonzero(np.isnan(nm)).tolist():
        raise MeasurementError(f"{data.row[i]}: no wavelength_nm; every row needs one")
    for i in np.flatnonzero(np.diff(nm) <= 0).tolist():
        raise MeasurementError(f"{data.row[i + 1]}: wavelength_nm is {nm[i + 1]:g} after {nm[i]:g}; wavelengths must ascend, each once")


def _check_ascending(name: str, nm: np.ndarray) -> None:
    if len(nm) and np.isfinite(nm).all() and not (nm.min() >= LEAST_NM and nm.max() <= MOST_NM):
        raise MeasurementError(f"{name}: from {nm.min():g} to {nm.max():g} nm; limit {LEAST_NM:g} to {MOST_NM:g} nm: are they in nm?")
    if len(nm) < 1 or not np.isfinite(nm).all() or (np.diff(nm) <= 0).any():
        at = int(np.argmax(np.diff(nm) <= 0)) if len(nm) > 1 else 0
        after = f"{nm[at + 1]:g} nm after {nm[at]:g} nm" if len(nm) > 1 else f"{len(nm)} of them"
        raise MeasurementError(f"{name}: wavelengths must be finite and ascend; there are {after}")


def _shares(nm: np.ndarray, power: np.ndarray, absorbance_nm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return fine wavelengths at which there is light and absorbance is known, and their shares of the power."""
    if len(nm) == 1:  # a single line
        at, weight = nm, np.ones(1) * float(power[0] > 0)
    else:
        inner = absorbance_nm[(absorbance_nm > nm[0]) & (absorbance_nm < nm[-1])]
        fine = nm[0] + FINE_NM * np.arange(math.ceil((nm[-1] - nm[0]) / FINE_NM))
        at = np.unique(np.concatenate([nm, inner, fine]))
        widths = np.diff(at)
        weight = 0.5 * (np.append(widths, 0.0) + np.append(0.0, widths)) * np.interp(at, nm, power)
    total = float(weight.sum())
    if not total > 0:
        raise MeasurementError(f"the spectrum has no power from {nm[0]:g} to {nm[-1]:g} nm; it must be above 0 somewhere")
    known = (at >= absorbance_nm[0]) & (at <= absorbance_nm[-1])
    outside = 1.0 - float(weight[known].sum()) / total
    if outside > OUTSIDE:
        lit, film = at[weight > 0], absorbance_nm
        do = "do not overlap" if outside > 1 - 1e-12 else f"overlap in part: {100 * outside:.3g} % of the power lies outside"
        raise MeasurementError(
            f"the spectrum, {lit[0]:g} to {lit[-1]:g} nm, and the absorbance curve, {film[0]:g} to {film[-1]:g} nm, {do}; "
            f"at most {100 * OUTSIDE:g} % may: measure the absorbance wherever there is light"
        )
    some = known & (weight > 0)
    return at[some], weight[some] / float(weight[some].sum())


def _few_terms(shares: np.ndarray, rates: np.ndarray) -> tuple[Decay, float]:
    """Return the fewest terms that come near the sum of all, and how near they come."""
    depths = np.linspace(0.0, _faint_um(shares, rates), 400)
    wanted = np.exp(-np.outer(depths, rates)) @ shares
    found, nodes, error = np.ones(1), np.array([float(shares @ rates)]), math.inf
    for n in range(1, min(MOST_TERMS, len(np.unique(rates))) + 1):
        weights, at = _gauss(shares, rates, n)
        off = float(np.abs(np.exp(-np.outer(depths, at)) @ weights / wanted - 1.0).max())
        if off < error:
            found, nodes, error = weights, at, off
        if error <= CLOSE:
            break
    heaviest = np.argsort(-found, kind="stable")
    heaviest = heaviest[found[heaviest] > NONE]
    endless = ENDLESS_LENGTHS * float(depths[-1])
    weights, lengths = found[heaviest], 1.0 / np.maximum(nodes[heaviest], 1e-300)
    tail = lengths > endless
    terms = [*zip(weights[~tail].tolist(), lengths[~tail].tolist(), strict=True)]
    if tail.any():
        terms.append((float(weights[tail].sum()), math.inf))
    first = 1.0 - math.fsum(weight for weight, _ in terms[1:])
    return Decay((first, *(w for w, _ in terms[1:])), tuple(length for _, length in terms)), error


def _faint_um(shares: np.ndarray, rates: np.ndarray) -> float:
    """Return the depth that a thousandth of the light reaches; of light with a tail ten of the first depths."""
    low, high = 0.0, 10.0 / float(shares @ rates)
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(shares @ np.exp(-rates * middle)) > FAINT else (low, middle)
    return high


def _gauss(shares: np.ndarray, rates: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and nodes of the Gauss quadrature of n terms (Lanczos; Golub and Welsch 1969): each (n,) float64."""
    basis = [np.sqrt(shares)]
    diagonal, beside = [], []
    for i in range(n):
        last = basis[i]
        diagonal.append(float(last @ (rates * last)))
        rest = rates * last
        for _ in range(2):  # twice is enough
            for one in basis:
                rest = rest - one * float(one @ rest)
        length = float(np.linalg.norm(rest))
        if i + 1 == n or length <= 1e-13 * float(rates.max()):
            break
        beside.append(length)
        basis.append(rest / length)
    m = len(diagonal)
    matrix = np.diag(diagonal) + np.diag(beside[: m - 1], 1) + np.diag(beside[: m - 1], -1)
    nodes, vectors = np.linalg.eigh(matrix)
    weights = vectors[0] ** 2
    return np.asarray(weights / weights.sum()), np.asarray(nodes)
