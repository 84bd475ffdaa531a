"""Window of layers → what each layer is to receive: side walls and faces that land, doses of regions, an even field.

`Corrector` solves side walls and faces together, once; `regions` and `uncurable_grays` look at doses and grays, `flat_field` comes last.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.correct.corrector import CORRECTIONS, Corrector
    from pmsl.correct.face_prediction import FacePrediction

_HOMES = homes_in(__name__, corrector="CORRECTIONS Corrector", face_prediction="FacePrediction")
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["CORRECTIONS", "Corrector", "FacePrediction"]
