"""Fill the cache of the kernels that predict."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np

from pmsl import pipeline
from pmsl.mesh.solid import Solid
from pmsl.predict.simulation import simulate
from pmsl.profiles import find_printer, find_resin
from pmsl.profiles.tables.strict_struct import Value


def warmup() -> None:
    """Compile, or load from the cache, every kernel that a prediction needs, by predicting a pyramid and a channel of a few layers."""
    corners = [[0, 0, 0], [30, 0, 0], [30, 30, 0], [0, 30, 0], [15, 15, 20]]
    solid = Solid.from_arrays(corners, np.array([[0, 2, 1], [0, 3, 2], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]))
    printer, resin = find_printer("pmsl-2um"), find_resin("pr48-405")
    job = pipeline.prepare(pipeline.place_for([solid], printer, resin), printer, resin)
    simulate(job)
    walls_and_roof = [_box((0, 0, 0), (10, 60, 20)), _box((20, 0, 0), (30, 60, 20)), _box((0, 0, 20), (30, 60, 30))]
    simulate(pipeline.prepare(pipeline.place_for(walls_and_roof, printer, resin), printer, resin))
    tail = Value(value=0.01, class_="placeholder", source="warmup")
    simulate(dataclasses.replace(job, resin=msgspec.structs.replace(resin, resin=msgspec.structs.replace(resin.resin, tail=tail))))


def _box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Solid:
    corners = np.array([[(low, high)[i >> axis & 1][axis] for axis in range(3)] for i in range(8)])
    sides = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
    return Solid.from_arrays(corners, np.array([t for a, b, c, d in sides for t in ((a, b, c), (a, c, d))]))
