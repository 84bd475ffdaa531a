"""What ``info`` and ``simulate`` say of depths: how deep ordinary layers cure, and how well that is known."""

from __future__ import annotations

from typing import Any

import msgspec

from pmsl.core.measure_text import plus_minus
from pmsl.cure.uncertainty import depth_bands
from pmsl.errors import PmslError
from pmsl.profiles import Resin


def depth_facts(light: dict[str, Any], resin: Resin) -> dict[str, Any] | None:
    """Return what ordinary layers cure, with bands, ready for JSON; None where there are none, or their dose is not known.

    Parameters
    ----------
    light : dict
        Of `pmsl.cli.light_facts`.
    resin : Resin
    """
    ordinary = None if light["exposure"] is None else light["exposure"]["ordinary"]
    if ordinary is None or ordinary["dose_mj_cm2"] is None:
        return None
    height = max(light["layer_heights_um"], key=lambda run: run[0])[1]
    dose = ordinary["dose_mj_cm2"][1]
    try:
        bands = depth_bands(resin, dose, height, ordinary["irradiance_mw_cm2"])
    except PmslError:  # another version may have been less strict
        return None
    return {"dose_mj_cm2": dose, "height_um": height, **msgspec.to_builtins(bands)}


def depth_line(facts: dict[str, Any]) -> str:
    """Return them as a line for a person.

    Parameters
    ----------
    facts : dict
        Of `depth_facts`.
    """
    alone, roof = (plus_minus(**facts[name]) for name in ("cured_depth_um", "print_through_um"))
    return f"one ordinary exposure cures {alone} µm deep, a thick roof {roof} µm below its face (± one sd, {facts['reason']})"
