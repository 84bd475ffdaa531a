"""Areas → lines that a spot is drawn along: hatches clipped to the area, moved outlines, both in the order of least travel.

Numbers in, numbers out: nothing here knows of light. A laser and two photons use the same functions, a layer at a time.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.slicing.hatching.hatch_lines import hatch_lines
    from pmsl.slicing.hatching.outlines import area_of_rings, inset_area, ordered_rings

_HOMES = homes_in(__name__, hatch_lines="hatch_lines", outlines="area_of_rings inset_area ordered_rings")
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["area_of_rings", "hatch_lines", "inset_area", "ordered_rings"]
