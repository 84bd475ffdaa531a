"""Window of layers → what each layer is to receive: walls and faces that land, doses of regions, an even field.

`Corrector` chooses grays so that side walls and faces that look at the plate land; the field is evened out last, by `flatfield`.
"""

from pmsl.correct.corrector import CORRECTIONS, Corrector
from pmsl.correct.predicted import Prediction

__all__ = ["CORRECTIONS", "Corrector", "Prediction"]
