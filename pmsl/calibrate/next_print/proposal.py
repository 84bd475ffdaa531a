"""Which tiles the next print has, and what to expect of them.

A tile whose thickness, depth or widths have the slopes G by the fitted values, and the error σ, adds ``Gᵀ G / σ²`` to their information M;
the variance of a wanted value of slopes c is then ``cᵀ M⁻¹ c`` (`pmsl.calibrate.next_print.tile_choice`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pmsl.calibrate.coupons.working_curve_coupon import MOST_TILES
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.kinds import PROPOSED
from pmsl.calibrate.next_print.candidate_tiles import CandidateTiles, candidate_tiles
from pmsl.calibrate.next_print.goals import Goal, goal_of
from pmsl.calibrate.next_print.known_values import KnownValues, known_values
from pmsl.calibrate.next_print.outcome import outcome_finding, stated_before
from pmsl.calibrate.next_print.tile_choice import chosen_tiles, informations, sd_of
from pmsl.core.finding import Finding
from pmsl.errors import UsageError
from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_RESIN, Printer, Resin, find_printer, find_resin
from pmsl.profiles.resin import of_first_engine

TILES = {"working-curve": 8, "induction": 12, "roofs": 12, "renewal": 12, "walls": 3}
TILES_PER_BAR, BARS = 4, 2  # of renewal: bars are long, and two of them say how far liquid is exchanged


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """Tiles of a next print, and what they are expected to tell.

    Attributes
    ----------
    kind, goal : str
        Of the coupon; what is wanted.
    columns : dict of (N,) ndarray
        Of each tile, from the lowest dose up: ``dose_mj_cm2`` and ``time_s`` of one exposure; ``events`` (induction), ``cover_layers``
        (roofs, renewal); what the fit expects, ``thickness_um`` of films, ``depth_um`` of roofs. Of walls a tile stands for all features
        at a dose; of renewal ``bar`` is 1 of long ones, measured at places from their port, whose depth is that of the nearest.
    irradiance_mw_cm2 : float
        Of the printer's first light setting, at which the times hold.
    layer_um : float
        Of roofs.
    value : float
        What is wanted, by the measurements so far, in `unit`; of a part the mean over its roofs, or its walls.
    sd_now, sd_expected : float
        Its standard deviation by the measurements so far, and with these tiles; of a part the root of the mean variance.
    sd_ladder : float
        With as many tiles evenly spaced over all that could be chosen.
    unit : str
    source : str
        Sheets with their SHA-256.
    fit : FitResult
        Of the sheets.
    findings : tuple of Finding
        Of the fit, and of what was stated of a proposed print among the sheets.
    """

    kind: str
    goal: str
    columns: dict[str, np.ndarray]
    irradiance_mw_cm2: float
    layer_um: float
    value: float
    sd_now: float
    sd_expected: float
    sd_ladder: float
    unit: str
    source: str
    fit: FitResult
    findings: tuple[Finding, ...] = ()

    @property
    def dose_mj_cm2(self) -> np.ndarray:
        """(N,) float64: dose of one exposure of each tile."""
        return self.columns["dose_mj_cm2"]

    @property
    def time_s(self) -> np.ndarray:
        """(N,) float64: its time."""
        return self.columns["time_s"]

    @property
    def settings(self) -> list[dict[str, float]]:
        """Tiles that are alike, as one: ``tiles``, how many, and their columns."""
        table = np.column_stack(list(self.columns.values()))
        _, first, many = np.unique(table, axis=0, return_index=True, return_counts=True)
        return [
            {"tiles": n, **{name: column[i].item() for name, column in self.columns.items()}}
            for i, n in sorted(zip(first.tolist(), many.tolist(), strict=True))
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        return {
            "kind": self.kind,
            "goal": self.goal,
            "settings": self.settings,
            "irradiance_mw_cm2": self.irradiance_mw_cm2,
            "value": self.value,
            "sd_now": self.sd_now,
            "sd_expected": self.sd_expected,
            "sd_ladder": self.sd_ladder,
            "unit": self.unit,
            "source": self.source,
            "findings": [f.as_dict() for f in self.findings],
        }


def propose(
    kind: str,
    sheets: str | Path | Sequence[str | Path],
    goal: str | None = None,
    tiles: int | None = None,
    printer: Printer | None = None,
    irradiance_mw_cm2: float | None = None,
    dose_range_mj_cm2: tuple[float, float] | None = None,
    layer_um: float = 10.0,
    resin: Resin | None = None,
) -> Proposal:
    """Choose the tiles of the next print that make what is wanted surest.

    Parameters
    ----------
    kind : str
        One of `pmsl.calibrate.kinds.PROPOSED`.
    sheets : path, or sequence of paths
        What is measured already: CSV files that `pmsl.calibrate.fit` takes for this kind, joined.
    goal : str, optional
        Of sheets of thicknesses and depths ``dp`` [µm]; ``roofs``: how far a thick roof of layers of `layer_um`, each with 1.5 Ec at its
        far face, cures below its design [µm]; of sheets of renewal also ``ledges`` and ``channels``: the same 100 µm and 1 mm from the
        vat (roofs, and those of a mesh, are sealed); of sheets of walls ``walls``: how far a wall in the middle of such a layer, on
        glass, stands outside of its design [µm]. Or the path of a mesh: the same of all its roofs, or walls. Left out: ``dp``, of walls
        ``walls``.
    tiles : int, optional
        How many, 1 to 999; of walls how many doses. Left out: 8 of a working curve, 12 of induction, roofs and renewal (two of them
        bars), 3 of walls.
    printer : Printer, optional
        Whose irradiance, limits and frames the times keep to. Left out: the default.
    irradiance_mw_cm2 : float, optional
        Of rows that state none [mW/cm²].
    dose_range_mj_cm2 : (float, float), optional
        Lowest and highest dose to choose from [mJ/cm²]; left out: as the coupon of the kind has them, by the values of the fit.
    layer_um : float
        Height of the layers of a roof [µm].
    resin : Resin, optional
        What is known beside the sheets. Left out: the default.

    Returns
    -------
    Proposal

    Raises
    ------
    MeasurementError
        What the fit of the kind refuses, measurements without an irradiance, or without any error.
    MeshError
        The part of the goal is no mesh.
    UsageError
        Another kind or goal, a number of tiles or a height that is none, doses beyond the printer's limits.
    """
    count = _checked(kind, tiles, layer_um)
    machine, material = of_first_engine(printer or find_printer(DEFAULT_PRINTER), resin or find_resin(DEFAULT_RESIN))
    paths = [sheets] if isinstance(sheets, (str, Path)) else list(sheets)
    known = known_values(kind, paths, machine, material, irradiance_mw_cm2)
    wanted = goal_of(goal or ("walls" if kind == "walls" else "dp"), known, machine, material, layer_um)
    choice = candidate_tiles(known, machine, dose_range_mj_cm2, layer_um)
    chosen = _chosen(known, choice, wanted, count)
    adds = informations(choice.slopes)
    even = np.concatenate([at[np.round(np.linspace(0, len(at) - 1, many)).astype(np.int64)] for at, many in _groups(choice, count)])
    now = sd_of(known.information, wanted.slopes)
    before = [outcome_finding(one, now) for one in stated_before(paths) if one.goal == _word(wanted.said, layer_um)]
    return Proposal(
        kind=kind,
        goal=wanted.said if goal and Path(goal).suffix else goal or ("walls" if kind == "walls" else "dp"),
        columns={name: column[chosen] for name, column in choice.columns.items()},
        irradiance_mw_cm2=choice.light_mw_cm2,
        layer_um=layer_um,
        value=wanted.value,
        sd_now=now,
        sd_expected=sd_of(known.information + adds[chosen].sum(axis=0), wanted.slopes),
        sd_ladder=sd_of(known.information + adds[even].sum(axis=0), wanted.slopes),
        unit="µm",
        source=known.result.source,
        fit=known.result,
        findings=(*known.result.findings, *before[-1:]),
    )


def _groups(choice: CandidateTiles, count: int) -> list[tuple[np.ndarray, int]]:
    """Return candidates that are of one shape, and how many of each are to be chosen: of renewal bars first, as they say most."""
    bar = choice.columns.get("bar", np.zeros(len(choice.slopes)))
    bars = min(BARS, count // TILES_PER_BAR) if "bar" in choice.columns else 0
    return [(np.flatnonzero(bar == shape), many) for shape, many in ((1, bars), (0, count - bars)) if many]


def _chosen(known: KnownValues, choice: CandidateTiles, wanted: Goal, count: int) -> np.ndarray:
    """Return which tiles say most."""
    information, out = known.information, []
    for at, many in _groups(choice, count):
        out.append(at[chosen_tiles(information, choice.slopes[at], wanted.slopes, many)])
        information = information + informations(choice.slopes[out[-1]]).sum(axis=0)
    return np.sort(np.concatenate(out))


def _word(said: str, layer_um: float) -> str:
    """Return a goal as a sheet says it."""
    return said if said == "Dp" else f"{said}, layers of {layer_um:g} um"


def _checked(kind: str, tiles: int | None, layer_um: float) -> int:
    if kind not in PROPOSED:
        raise UsageError(f"no proposal of kind {kind!r}; known: {', '.join(PROPOSED)}")
    count = TILES[kind] if tiles is None else tiles
    if not 1 <= count <= MOST_TILES:
        raise UsageError(f"{count} tiles: expected 1 to {MOST_TILES} (--tiles N)")
    if not 0 < layer_um < 500:
        raise UsageError(f"layers of {layer_um:g} µm: expected a height above 0, below 500 µm (--layer-um UM)")
    return count
