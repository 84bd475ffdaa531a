"""Dose → what is solid: working curve, light of all layers above, cured thickness of every layer.

`cured_layers` runs over a stack from the layer nearest the light to the first and yields one `CuredLayer` each; `accumulation`
is the same, fed by hand. `CureModel` holds what the resin does with light; the rest are closed forms.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.cure.curve import cure_depth_um, dose_for_depth_mj_cm2, effective_dose_mj_cm2, scaled_dose_mj_cm2
    from pmsl.cure.decay import Decay
    from pmsl.cure.equal_layers import (
        accumulation_factor,
        dose_spread,
        fewest_relief_layers,
        layers_to_close,
        print_through_um,
        relief_factor,
    )
    from pmsl.cure.events import EventSum
    from pmsl.cure.model import CuredLayer, CureModel
    from pmsl.cure.recursion import Recursion
    from pmsl.cure.stack import ExposedLayer, accumulation, cured_layers

_HOMES = homes_in(
    __name__,
    curve="cure_depth_um dose_for_depth_mj_cm2 effective_dose_mj_cm2 scaled_dose_mj_cm2",
    decay="Decay",
    equal_layers="accumulation_factor dose_spread fewest_relief_layers layers_to_close print_through_um relief_factor",
    events="EventSum",
    model="CuredLayer CureModel",
    recursion="Recursion",
    stack="ExposedLayer accumulation cured_layers",
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = [
    "CureModel",
    "CuredLayer",
    "Decay",
    "EventSum",
    "ExposedLayer",
    "Recursion",
    "accumulation",
    "accumulation_factor",
    "cure_depth_um",
    "cured_layers",
    "dose_for_depth_mj_cm2",
    "dose_spread",
    "effective_dose_mj_cm2",
    "fewest_relief_layers",
    "layers_to_close",
    "print_through_um",
    "relief_factor",
    "scaled_dose_mj_cm2",
]
