"""Window of layers → corrected images of a layer: side walls that land, faces that land, an even field; solved together, once."""

from pmsl.correct.corrector import CORRECTIONS, Corrector
from pmsl.correct.predicted import Prediction

__all__ = ["CORRECTIONS", "Corrector", "Prediction"]
