"""What a simulated job says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pmsl.core.finding import Finding

LABEL = "predicted by the same model and the same profile values that the masks were made with; not a measurement"
QUANTILES = {"least": 0.0, "p05": 0.05, "median": 0.5, "p95": 0.95, "most": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The predicted print held against the design.

    Attributes
    ----------
    iou : float or None
        Volume of the intersection over that of the union; None where nothing is designed or printed.
    design_um3, printed_um3, outside_um3 : float
        Volume designed, printed, and printed where none is designed [µm³].
    gelled_void_um3 : float
        Volume of voids that are gelled [µm³].
    epe_um : dict
        Edges: ``median`` (signed), ``median_abs``, ``p95_abs`` [µm]; ``probes``, of which ``lost`` and ``merged`` found no edge.
    z_error_um : dict of dict
        ``up`` and ``down``: ``median``, ``median_abs``, ``p95_abs`` [µm]; ``area_um2`` compared, ``merged_um2``, ``lost_um2`` without
        a printed counterpart.
    openings, lost : list of dict
        Channels and lost features; see `openings` and `LostFeatures`.
    dose_mj_cm2 : dict
        Doses at the exposure planes: quantiles in pixels wholly solid, and wholly void where light comes; threshold; histogram.
    model : dict
        What was predicted with: resin, memory, threshold, blur, window.
    findings : tuple of Finding
    seams : dict or None
        Where an error of the stage was asked for: ``stage_error_um``, ``seed``; ``parts_of_a_pixel`` and ``rounded_um``, what places were
        reckoned with; ``jog_um`` and ``gap_um``, how far neighbours are shifted along and across the seam between them; ``dose`` and
        ``pixel_dose``, ``least`` and ``most`` relative to the dose without it, away from edges, of up to 4 layers: in places, and of means
        over pixels.
    """

    iou: float | None
    design_um3: float
    printed_um3: float
    outside_um3: float
    gelled_void_um3: float
    epe_um: dict[str, Any]
    z_error_um: dict[str, dict[str, Any]]
    openings: list[dict[str, Any]]
    lost: list[dict[str, Any]]
    dose_mj_cm2: dict[str, Any]
    model: dict[str, Any]
    findings: tuple[Finding, ...] = ()
    seams: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON; the histogram without its empty bins."""
        doses = {k: v for k, v in self.dose_mj_cm2.items() if k != "histogram"}
        return {
            "predicted": LABEL,
            "iou": self.iou,
            "volume_um3": {
                "design": self.design_um3,
                "printed": self.printed_um3,
                "outside_design": self.outside_um3,
                "gelled_void": self.gelled_void_um3,
            },
            "epe_um": self.epe_um,
            "z_error_um": self.z_error_um,
            "openings": self.openings,
            "lost": self.lost,
            "dose_mj_cm2": doses,
            "model": self.model,
            "findings": [f.as_dict() for f in self.findings],
            **({} if self.seams is None else {"seams": self.seams}),
        }


@dataclass(frozen=True, slots=True, eq=False)
class DoseHistogram:
    """Counted doses of solid and void pixels.

    Attributes
    ----------
    edges_mj_cm2 : (N + 1,) float64
    solid, void : (N,) int64
    """

    edges_mj_cm2: np.ndarray
    solid: np.ndarray
    void: np.ndarray
