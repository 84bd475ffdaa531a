"""LayerMask → LayerPlan, DoseMap: how long each mask is shown and what dose every pixel then gets."""

from pmsl.exposure.dose import DoseMaker, dose_map
from pmsl.exposure.plan import Ladder, dose_ladder

__all__ = ["DoseMaker", "Ladder", "dose_ladder", "dose_map"]
