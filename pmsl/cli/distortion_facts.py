"""What the distortion of a printer's optics does, for programs and in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.profiles import Printer
from pmsl.profiles.printer import Distortion

PER_AXIS = 33  # places that are looked at along each axis of the field


def distortion_facts(printer: Printer) -> dict[str, Any] | None:
    """Return what a printer's distortion does; None where it states none.

    Parameters
    ----------
    printer : Printer

    Returns
    -------
    dict or None
        ``stated`` (keys), ``largest_um`` (how far a point of the field lands from where it is in the picture), ``area_scale`` (least and
        largest), ``chord_px`` (how far drawn outlines may be off) and, of marks, ``residual_um``.
    """
    field_map, distortion = printer.field_map, printer.optics.distortion
    if field_map is None or not isinstance(distortion, Distortion):
        return None
    from pmsl.profiles.distortion.field_map import CHORD_PX

    width, height = field_map.size_um
    x, y = np.meshgrid(np.linspace(0.0, width, PER_AXIS), np.linspace(0.0, height, PER_AXIS))
    places = np.column_stack([x.ravel(), y.ravel()])
    moved, scale = field_map.plate_um(places) - places, field_map.area_scale(places)
    facts: dict[str, Any] = {
        "stated": list(distortion.stated),
        "largest_um": float(np.hypot(moved[:, 0], moved[:, 1]).max()),
        "area_scale": [float(scale.min()), float(scale.max())],
        "chord_px": CHORD_PX,
        "flat_field": distortion.flat_field,
    }
    return facts if field_map.residual_um is None else facts | {"residual_um": field_map.residual_um}


def distortion_line(facts: dict[str, Any]) -> str:
    """Say it in a line.

    Parameters
    ----------
    facts : dict
        As `distortion_facts`.
    """
    low, high = facts["area_scale"]
    left = f", {facts['residual_um']:.3g} µm of the marks left" if "residual_um" in facts else ""
    return (
        f"{', '.join(facts['stated'])}: up to {facts['largest_um']:.4g} µm, areas × {low:.4g} to {high:.4g}{left}; "
        f"made up for in the frames to {facts['chord_px']:g} px"
    )
