"""PrintJob → what it prints, held against the design, by the same model that made the masks.

light      exposures from the light side down → dose and cure front of a layer; layered: the same for scatter, induction, open memory
design     the parts a job was made of, and what each layer of them looks like
run        one layer after the other: edges, Z errors, openings, lost features, doses
"""

from pmsl.predict.prediction import DoseHistogram, Prediction
from pmsl.predict.run import SeenLayer, simulate

__all__ = ["DoseHistogram", "Prediction", "SeenLayer", "simulate"]
