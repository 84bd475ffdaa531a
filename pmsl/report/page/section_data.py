"""Cuts of `pmsl simulate --section` as a page stores them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.predict.cross_section import Section
from pmsl.report.page.blocks import PageBlock, base64_text, packed

LEAST, MOST = 1e-4, 1e4  # doses that are told apart, of the threshold
FULL = 65535


def section_data(section: Section, name: str, threshold_mj_cm2: float) -> tuple[dict[str, Any], list[PageBlock]]:
    """Return what a page says of a cut and the blocks that hold it.

    Parameters
    ----------
    section : Section
        Which watched a simulation.
    name : str
        Of its blocks.
    threshold_mj_cm2 : float
        What doses are held against.

    Returns
    -------
    dict
        ``axis``, ``at_um``, ``first_um``, ``step_um`` along the cut, ``n`` pixels, ``least_mj_cm2``, ``ratio``, ``blocks``.
    list of PageBlock
        Cured thickness and designed share in parts of 65535 of a slab, doses as numbers q: ``least · ratio^(q - 1)``, 0 for less; each
        uint16 [layer, pixel] with the bytes by significance.
    """
    share = section.cured_um / section.grid.thickness_um[:, None]
    ratio = (MOST / LEAST) ** (1.0 / (FULL - 1))
    dose = np.maximum(section.dose_mj_cm2, 1e-30) / (LEAST * threshold_mj_cm2)
    steps = np.clip(np.rint(1 + np.log(dose) / np.log(ratio)), 0, FULL)
    along = section.along_um
    held = {"cured": np.rint(share * FULL), "dose": steps, "design": np.rint(section.design_share * FULL)}
    facts = {
        "axis": section.axis,
        "at_um": section.at_um,
        "first_um": float(along[0]),
        "step_um": float(along[1] - along[0]),
        "n": len(along) - 1,
        "least_mj_cm2": LEAST * threshold_mj_cm2,
        "ratio": ratio,
        "blocks": {kind: f"{name}-{kind}" for kind in held},
    }
    return facts, [PageBlock(f"{name}-{kind}", base64_text(packed(_planes(values.astype("<u2"))))) for kind, values in held.items()]


def _planes(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values.view(np.uint8).reshape(-1, 2).T)
