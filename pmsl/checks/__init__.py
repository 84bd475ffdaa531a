"""What a user should know about a job before light.

Of profiles, meshes and single layers while a job is prepared: `profile_findings`, `layer_findings` and their like. Of the whole job, by
dose: `check_layers` shows every layer to small check classes, from the plate up, with what its exposures have just cured and what all
light will (`CheckedLayer`, runs of pixels); memory is that of a few layers. `checks_of` lists the checks of a job. The light is followed in
`light`, what is looked for in it lies in `shapes`.

To add a check, write a class with ``add(layer)`` and ``findings()`` (`LayerCheck`) in a file of its own in `shapes`, register its codes in
`pmsl.core.finding_codes`, put its limits into `pmsl.profiles.checks` and `pmsl.checks.limits`, and name it in `checks_of`. A check that
needs the design, or more of a layer than its runs, is given a source for it when it is made, and asks that for layer ``layer.index``.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.checks.by_dose import checks_of
    from pmsl.checks.light.layer_stream import CheckedLayer, DoseRule, LayerCheck, check_layers
    from pmsl.checks.limits import CheckLimits

_HOMES = homes_in(
    __name__,
    by_dose="checks_of",
    limits="CheckLimits",
    mesh_findings="layer_findings winding_findings",
    profile_fit="WAVELENGTH_SLACK_NM dose_findings exposure_findings profile_findings wavelengths_differ weak_findings",
    **{"light.layer_stream": "CheckedLayer DoseRule LayerCheck check_layers"},
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["CheckLimits", "CheckedLayer", "DoseRule", "LayerCheck", "check_layers", "checks_of"]
