"""A stack of layers from the light side down → what each becomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.cure.bleached_recursion import BleachedRecursion
from pmsl.cure.events import EventSum
from pmsl.cure.model import CuredLayer, CureModel
from pmsl.cure.recursion import Recursion
from pmsl.errors import ExposureError


@dataclass(frozen=True, slots=True, eq=False)
class ExposedLayer:
    """One layer as exposed.

    Attributes
    ----------
    index : int
        Layer number; 0 lies on the plate.
    height_um : float
        Its thickness [µm].
    events_mj_cm2 : sequence of (rows, cols) ndarray
        Areal dose of each of its exposures at its exposure plane [mJ/cm²]; empty where it is not lit.
    """

    index: int
    height_um: float
    events_mj_cm2: Sequence[np.ndarray]


def accumulation(
    model: CureModel, shape: tuple[int, int], pitch_um: tuple[float, float] | None = None, beyond_um: float = 0.0
) -> Recursion | EventSum | BleachedRecursion:
    """Return what adds up the layers of this model: the recursion where it is exact, else the sum over events.

    Parameters
    ----------
    model : CureModel
    shape : (int, int)
        (rows, cols) of every dose.
    pitch_um : (float, float), optional
        Pixel pitch in x and y [µm]; needed for scatter.
    beyond_um : float, optional
        As of `EventSum` (default 0).

    Raises
    ------
    ExposureError
        Scatter without a pitch, scatter and a constant tail with induction or open memory, or memory by contact.
    """
    if model.memory == "contact":
        raise ExposureError("memory by contact needs what recoats exchange (ContactPass), which ContactSum adds up with")
    if model.bleaching is not None:
        return BleachedRecursion(model, shape)
    pure = len(model.decay.weights) == 1 and model.scatter_um == 0
    if model.induction_mj_cm2 == 0 and (model.memory == "enclosed" or pure):
        return Recursion(model, shape, pitch_um)
    return EventSum(model, shape, pitch_um, beyond_um=beyond_um)


def cured_layers(
    model: CureModel, shape: tuple[int, int], layers: Iterable[ExposedLayer], pitch_um: tuple[float, float] | None = None
) -> Iterator[CuredLayer]:
    """Yield what every layer becomes, as it is fed; a few maps are held, never the stack.

    Parameters
    ----------
    model : CureModel
    shape : (int, int)
        (rows, cols) of every dose.
    layers : iterable of ExposedLayer
        From the layer nearest the light toward the plate, none left out; thickness may vary.
    pitch_um : (float, float), optional
        Pixel pitch in x and y [µm]; needed for scatter.

    Yields
    ------
    CuredLayer

    Raises
    ------
    ExposureError
        As `accumulation` and `Recursion.add`.
    """
    sum_ = accumulation(model, shape, pitch_um)
    for layer in layers:
        yield sum_.add(layer.index, layer.height_um, *layer.events_mj_cm2)
