"""What a next print is to make surer: Dp, how far roofs come down, where walls stand, or the roofs or walls of a part.

Doses are held: they are those that the values so far ask for, 1.5 Ec at the far face of a layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from pmsl.calibrate.fits.cure_fit import cured_um
from pmsl.calibrate.next_print.known_values import KnownValues
from pmsl.calibrate.next_print.part_surfaces import part_surfaces
from pmsl.errors import UsageError
from pmsl.profiles import Printer, Resin

OF_CURE, OF_WALLS = ("dp", "roofs"), ("walls",)  # goals by what a kind measures; the path of a mesh beside them
WAYS_UM = {"ledges": 100.0, "channels": 1000.0}  # goals of renewal: how far from the vat a thick roof is
GOALS = (*OF_CURE, *WAYS_UM, *OF_WALLS)
FAR_FACE = 1.5  # dose at the far face of a roof's layers, in Ec
THICK, THICK_WITH_TAIL = 200.0, 40.0  # layers of a thick roof: more change nothing; with a tail they have no end
STEP = 1e-5  # of a value: for slopes


class Goal(NamedTuple):
    """What is wanted, by the values so far.

    Attributes
    ----------
    said : str
        For people.
    value : float
        [µm]; of a part the mean over its surfaces.
    slopes : (W, P) float64
        By each value, each row with the root of its share.
    """

    said: str
    value: float
    slopes: np.ndarray


def goal_of(goal: str, known: KnownValues, printer: Printer, resin: Resin, layer_um: float) -> Goal:
    """Return what is wanted.

    Parameters
    ----------
    goal : str
        ``dp``, ``roofs``, ``ledges``, ``channels``, ``walls``, or the path of a mesh.
    known : KnownValues
    printer, resin : Printer, Resin
        Pitch; of walls also the Dp that light falls with.
    layer_um : float

    Raises
    ------
    UsageError
        A goal that the kind says nothing about, a part without roofs.
    """
    walls, mesh = known.kind == "walls", goal not in GOALS
    own = OF_WALLS if walls else (*OF_CURE, *WAYS_UM) if known.kind == "renewal" else OF_CURE
    if mesh and not Path(goal).suffix:
        raise UsageError(f"no proposal of goal {goal!r}; known: {', '.join(GOALS)}, or the file of a mesh")
    if not mesh and goal not in own:
        raise UsageError(f"sheets of {known.kind} say nothing of {goal}; their goals: {', '.join(own)}, or the file of a mesh")
    if goal == "dp":
        return Goal("Dp", float(known.values[0]), np.eye(1, len(known.values)))
    whole = np.array([[0.0 if walls else _thick(known), 1.0]])
    name, surfaces = goal, whole
    if mesh:
        seen = part_surfaces(goal, printer.optics.pitch_um.value, layer_um)
        surfaces = seen.walls if walls else seen.roofs
        name = f"{'walls' if walls else 'roofs'} of {Path(goal).name}"
        if not len(surfaces):
            raise UsageError(f"{goal}: nothing of it hangs over liquid: it has no roofs whose depth could be surer; choose --goal dp")
    if walls:
        light = _walls_light(known, resin, layer_um, surfaces[:, 0])
        return _summed(name, known, lambda values: _wall_um(known, values, light, printer), surfaces[:, 1])
    dose = np.full(len(surfaces), roof_dose_mj_cm2(known.values[0], known.values[1], layer_um))
    layers, ones = np.full(len(surfaces), layer_um), np.ones(len(surfaces))
    if known.kind != "renewal":
        return _summed(name, known, lambda values: cured_um(known.cure(values), dose, ones, surfaces[:, 0], layers), surfaces[:, 1])
    way = np.full(len(surfaces), WAYS_UM.get(goal, math.inf))  # all roofs of a mesh as if they were sealed

    def depths(values: np.ndarray) -> np.ndarray:
        return cured_um(known.cure(values), dose, ones, surfaces[:, 0], layers, known.exchanged(values, way))

    return _summed(name, known, depths, surfaces[:, 1])


def roof_dose_mj_cm2(dp_um: float, ec_mj_cm2: float, layer_um: float) -> float:
    """Return the dose of a layer whose far face gets 1.5 Ec [mJ/cm²]."""
    return FAR_FACE * float(ec_mj_cm2) * math.exp(layer_um / float(dp_um))


def slopes_of(predict: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """Return slopes by each value, central; upward where a value is 0: (N, P) float64."""
    out = []
    for i, value in enumerate(values.tolist()):
        step = STEP * (abs(value) or 1.0)
        up, down = values.copy(), values.copy()
        up[i] += step
        down[i] -= step if value else 0.0
        out.append((predict(up) - predict(down)) / (up[i] - down[i]))
    return np.column_stack(out)


def _thick(known: KnownValues) -> float:
    return THICK_WITH_TAIL if "tail" in known.names else THICK


def _summed(name: str, known: KnownValues, predict: Callable[[np.ndarray], np.ndarray], shares: np.ndarray) -> Goal:
    return Goal(name, float(shares @ predict(known.values)), slopes_of(predict, known.values) * np.sqrt(shares)[:, None])


def _walls_light(known: KnownValues, resin: Resin, layer_um: float, above: np.ndarray) -> np.ndarray:
    """Return the dose in the middle of slabs with so many layers above [mJ/cm²]."""
    dp = resin.resin.dp_um.value
    ec = float(known.values[known.names.index("ec_mj_cm2")])
    q = math.exp(-layer_um / dp)
    return np.asarray(roof_dose_mj_cm2(dp, ec, layer_um) * math.sqrt(q) * (1 - q ** (above + 1)) / (1 - q))


def _wall_um(known: KnownValues, values: np.ndarray, light_mj_cm2: np.ndarray, printer: Printer) -> np.ndarray:
    """Return how far a wall stands outside of its design."""
    blur, ec = float(values[0]), float(values[known.names.index("ec_mj_cm2")])
    share = np.clip(ec / light_mj_cm2, 1e-9, 1 - 1e-9)
    off = np.tan(math.pi * (0.5 - share)) if known.names[0] == "gamma_px" else ndtri(1 - share)
    return np.asarray(blur * off * max(printer.optics.pitch_um.value))
