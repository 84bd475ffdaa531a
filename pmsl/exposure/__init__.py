"""LayerMask → LayerPlan, DoseMap: how long each mask is shown and what dose every pixel then gets."""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.exposure.dose import DoseMaker, dose_map
    from pmsl.exposure.planning import Ladder, dose_ladder

_HOMES = homes_in(
    __name__,
    dose="DoseMaker dose_map",
    planning="Ladder dose_ladder",
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["DoseMaker", "Ladder", "dose_ladder", "dose_map"]
