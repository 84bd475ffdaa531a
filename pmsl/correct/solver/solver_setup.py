"""What all blocks of a job share: geometry, light, resin, and what is corrected."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pmsl.core.grid import Grid
from pmsl.correct.prediction_cases import PredictionCases
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import Exchange
from pmsl.correct.solver.influence_rows import Spot
from pmsl.correct.solver.robust_dose import PossibleResin
from pmsl.correct.solver.target_surfaces import FaceFinder
from pmsl.masks.area_masks import PartMasks


@dataclass(frozen=True, slots=True, eq=False)
class SolverSetup:
    """What all blocks share.

    Attributes
    ----------
    grid : Grid
    law : Law
    spot : Spot
    maker : PartMasks
        Of middle planes.
    finder : FaceFinder
    cases : PredictionCases
        What walls and faces are predicted for.
    roof_layers : int
        Over how many layers next to a face its dose is shared out.
    edges, printthrough : bool
        Whether walls and faces are placed; if not, a few of them are looked at all the same.
    flat : (rows, cols) float64 or None
        Light of a white pixel relative to the white dose.
    response : (256,) float64
    exchange : Exchange or None
        By contact: what recoats exchange; None as long as that is not known.
    robust : tuple of PossibleResin
        All resins that the light is chosen for; none: that of the profile.
    optimise : bool
        Whether the levels near walls that are off are solved again, together.
    """

    grid: Grid
    law: Law
    spot: Spot
    maker: PartMasks
    finder: FaceFinder
    cases: PredictionCases
    roof_layers: int
    edges: bool
    printthrough: bool
    flat: np.ndarray | None
    response: np.ndarray
    exchange: Exchange | None = None
    robust: tuple[PossibleResin, ...] = ()
    optimise: bool = False

    def up_to(self, n_layers: int) -> SolverSetup:
        """Return what blocks of a job share that ends with layer `n_layers` - 1."""
        grid = replace(self.grid, z_edges_um=self.grid.z_edges_um[: n_layers + 1])
        return replace(self, grid=grid, law=self.law.up_to(n_layers))
