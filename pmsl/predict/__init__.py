"""PrintJob → what it prints, held against the design, by the same model that made the masks.

light      exposures from the light side down → dose and cure front of a layer; layered: the same for scatter, induction, open memory
blur       the light in the middles of pixels and inside them
design     the parts a job was made of, and what each layer of them looks like
comparison one layer after the other: edges, Z errors, openings, lost features, doses
section, solid   what watches a simulation: cuts, a mesh of what is printed
"""

from pmsl.predict.measure.comparison import SeenLayer
from pmsl.predict.prediction import DoseHistogram, Prediction
from pmsl.predict.simulation import simulate

__all__ = ["DoseHistogram", "Prediction", "SeenLayer", "simulate"]
