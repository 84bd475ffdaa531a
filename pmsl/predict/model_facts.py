"""What a prediction says of the model that it was made with."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.core.mask import Window
from pmsl.cure import CureModel
from pmsl.cure.model import FLUSH_SHARE
from pmsl.job.print_job import PrintJob


def model_facts(job: PrintJob, model: CureModel, exact: bool, window: Window) -> dict[str, Any]:
    """Return what was predicted with, ready for JSON; terms that a resin may have only where it has them.

    Parameters
    ----------
    job : PrintJob
    model : CureModel
    exact : bool
        Whether edges are found in the light itself, not between points of it.
    window : Window
        Of the field, that was looked at.
    """
    psf, resin = job.printer.optics.psf, job.resin
    terms = zip(model.decay.weights, model.decay.lengths_um, strict=True)
    return {
        "printer": job.printer.name,
        "resin": resin.name,
        "calibrated": job.calibrated,
        "decay": [{"share": a, "length_um": b if np.isfinite(b) else None} for a, b in terms],
        "ec_mj_cm2": model.ec_mj_cm2,
        "induction_mj_cm2": model.induction_mj_cm2,
        "scatter_um": model.scatter_um,
        "memory": model.memory,
        "memory_assumed": resin.resin.memory is None,
        **_exchange(model),
        **_optional(model),
        "psf": psf.kind,
        "edges": "exact" if exact else "interpolated between three points a pixel",
        "window_px": list(window),
    }


def _exchange(model: CureModel) -> dict[str, float | None]:
    """Return what memory by contact adds to what is said of a model; None is a reach without an end."""
    if model.memory != "contact":
        return {}
    return {"renewal": model.renewal, "reach_um": model.reach_um if np.isfinite(model.reach_um) else None}


def optional_text(facts: dict[str, Any]) -> str:
    """Return the terms that a resin may have, of what is said of a model, for a person; empty without any."""
    names = ("reciprocity", "reciprocity_mw_cm2", "bleach_share", "bleach_cm2_mj", "flush_share")
    return "".join(f", {name} {facts[name]:g}" for name in names if name in facts)


def _optional(model: CureModel) -> dict[str, float]:
    """Return what terms that a resin may have add to what is said of a model."""
    found: dict[str, float] = {}
    if model.reciprocity != 1:
        found |= {"reciprocity": model.reciprocity, "reciprocity_mw_cm2": model.reciprocity_mw_cm2}
    if model.bleaching is not None:
        found |= {"bleach_share": model.bleaching.share, "bleach_cm2_mj": model.bleaching.cm2_mj}
    if model.flush_share != FLUSH_SHARE:
        found["flush_share"] = model.flush_share
    return found
