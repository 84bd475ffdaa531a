"""PrintJob → what it prints, held against the design, by the same model that made the masks.

simulation  one layer after the other, from the light side down
light       exposures → dose and cure front of a layer; the same for scatter, induction, open memory
measure     the design and what is printed of it: edges, Z errors, doses
features    openings, voids, lost features
seams       what a stage that is off does to a plate of fields
cross_section, predicted_mesh   what watches a simulation: cuts, a mesh of what is printed
"""

from pmsl.fields.stage_error import StageError
from pmsl.predict.measure.comparison import SeenLayer
from pmsl.predict.prediction import DoseHistogram, Prediction
from pmsl.predict.simulation import simulate

__all__ = ["DoseHistogram", "Prediction", "SeenLayer", "StageError", "simulate"]
