"""Stated values of two jobs, one by one: grids, heights, exposures, moves, profiles, parts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np

from pmsl.formats.incomplete_job import WAVELENGTH
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.profiles.release import recorded
from pmsl.report.difference.records import JobDifference, Kind
from pmsl.report.page.layer_table import doses_known

NOISE = 1e-9  # of a number: rounding on its way through a file
WORDS = ("source", "class", "class_", "description", "schema")  # of profiles: what is said of values, not values


class Tolerance(NamedTuple):
    """By what values may differ: a share, of doses and times; a length [µm]."""

    dose: float = 0.0
    um: float = 0.0


class Pair(NamedTuple):
    """A key and its two values."""

    key: str
    a: Any
    b: Any


def differs(key: str, a: Any, b: Any, tolerance: Tolerance) -> float | None:
    """Return by how much two values differ, inf where they are no numbers; None where they do not, within the tolerance of their unit."""
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, (int, float)) and isinstance(b, (int, float))):
        return None if a == b else math.inf
    gap = abs(a - b)
    allowed = NOISE * max(abs(a), abs(b), 1e-3)
    if key.endswith("_um"):
        allowed = max(allowed, tolerance.um)
    elif key.endswith(("time_s", "wait_before_s", "wait_after_s", "dose_mj_cm2")):
        allowed = max(allowed, tolerance.dose * max(abs(a), abs(b)))
    return None if gap <= allowed else float(gap)


def flattened(item: Any, name: str = "") -> dict[str, Any]:
    """Return plain values by their dotted names; entries of lists by their numbers."""
    if isinstance(item, Mapping):
        parts: Iterator[tuple[str, Any]] = ((str(key), value) for key, value in item.items())
    elif isinstance(item, (list, tuple)):
        parts = ((str(i), value) for i, value in enumerate(item))
    else:
        return {name: item}
    out: dict[str, Any] = {}
    for key, value in parts:
        out |= flattened(value, f"{name}.{key}" if name else key)
    return out


def pairs_of(a: Any, b: Any, name: str = "") -> Iterator[Pair]:
    """Yield the values of two structures side by side; None for one that only the other has."""
    ours, theirs = (flattened(None if x is None else msgspec.to_builtins(x), name) for x in (a, b))
    for key in dict.fromkeys((*ours, *theirs)):
        yield Pair(key, ours.get(key), theirs.get(key))


def grid_pairs(a: PrintJob, b: PrintJob) -> Iterator[Pair]:
    """Yield what is said of pixels and engines."""
    for i in range(max(len(a.engines), len(b.engines))):
        ours, theirs = (job.engines[i] if i < len(job.engines) else None for job in (a, b))
        name = f"engine {i}" if i else "engine"
        yield Pair(f"{name}.wavelength_nm", *(_wavelength_nm(job, i) for job in (a, b)))
        for key in ("shape", "pitch_um", "orientation"):
            x, y = (_of_engine(engine, key) for engine in (ours, theirs))
            yield from pairs_of(x, y, f"{name}.{key}") if key != "pitch_um" else _lengths(x, y, f"{name}.pitch")


def _wavelength_nm(job: PrintJob, i: int) -> float | None:
    """Return the wavelength of an engine; None where a file does not say it, or there is no such engine."""
    unknown = i >= len(job.engines) or (i == 0 and WAVELENGTH in job.placeholders and not doses_known(job))
    return None if unknown else job.engines[i].wavelength_nm


def _lengths(a: Any, b: Any, name: str) -> Iterator[Pair]:
    for i, axis in enumerate("xy"):
        yield Pair(f"{name}_{axis}_um", None if a is None else a[i], None if b is None else b[i])


def _of_engine(engine: Any, key: str) -> Any:
    if engine is None:
        return None
    if key == "shape":
        return {"rows": engine.grid.shape[0], "cols": engine.grid.shape[1]}
    if key == "orientation":
        return msgspec.to_builtins(engine.orientation)
    return engine.grid.pitch_um.tolist()


def layer_pairs(a: LayerPlan, b: LayerPlan, power: bool) -> Iterator[tuple[Kind, Pair]]:
    """Yield what is said of a layer: heights, exposures one by one where they are as many, moves."""
    for key in ("z_top_um", "thickness_um"):
        yield "heights", Pair(key, getattr(a, key), getattr(b, key))
    yield "times", Pair("number of exposures", len(a.exposures), len(b.exposures))
    if len(a.exposures) == len(b.exposures):
        for i, (x, y) in enumerate(zip(a.exposures, b.exposures, strict=True)):
            name = "exposure" if len(a.exposures) == 1 else f"exposure {i}"
            for pair in pairs_of(_stated(x, power), _stated(y, power), name):
                yield "times", pair
    else:
        yield "times", Pair("lit_time_s", _lit_s(a), _lit_s(b))
    for pair in pairs_of(a.motion, b.motion, "motion"):
        yield "motion", pair
    for pair in pairs_of(a.squeeze, b.squeeze, "squeeze"):
        yield "motion", pair


def _lit_s(plan: LayerPlan) -> float:
    return sum(e.repeat * e.time_s for e in plan.exposures)


def _stated(e: Exposure, power: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"time_s": e.time_s, "repeat": e.repeat, "wait_before_s": e.wait_before_s, "wait_after_s": e.wait_after_s}
    facts |= {"engine": e.engine, "offset_x_um": e.offset_um[0], "offset_y_um": e.offset_um[1], "focus_um": e.focus_um}
    facts |= {"film_lift_um": e.film_lift_um, "relift": None if e.relift is None else msgspec.to_builtins(e.relift)}
    return facts | ({"power": e.power} if power else {})


def profile_pairs(a: PrintJob, b: PrintJob) -> Iterator[Pair]:
    """Yield the values of printers, resins and processes; what is only said of values is left out."""
    profiles = {"printer": (recorded(a.printer), recorded(b.printer)), "resin": (a.resin, b.resin), "process": (a.process, b.process)}
    for name, two in profiles.items():
        for pair in pairs_of(*two, name):
            if not set(pair.key.split(".")) & set(WORDS):
                yield pair._replace(key=pair.key.removesuffix(".value"), a=_short(pair.a), b=_short(pair.b))


def _short(value: Any) -> Any:
    return value[:60] + "…" if isinstance(value, str) and len(value) > 60 else value


def design_pairs(a: PrintJob, b: PrintJob) -> Iterator[Pair]:
    """Yield what is said of parts and meshes."""
    yield Pair("parts", len(a.parts), len(b.parts))
    for i, (x, y) in enumerate(zip(a.parts, b.parts, strict=False)):
        yield from pairs_of(x, y, f"part {i}")
    yield Pair("meshes", [given.sha256 for given in a.provenance.inputs], [given.sha256 for given in b.provenance.inputs])


class Collected:
    """Puts together what differs alike in several layers."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self._items: dict[tuple[Kind, str], list[tuple[int | None, Pair, float]]] = {}

    def add(self, kind: Kind, pair: Pair, layer: int | None = None) -> None:
        """Hold two values against each other, of a layer or of the job."""
        gap = differs(pair.key, pair.a, pair.b, self.tolerance)
        if gap is not None:
            self._items.setdefault((kind, pair.key), []).append((layer, pair, gap))

    def differences(self) -> list[JobDifference]:
        """Return what differs, a key once."""
        out = []
        for (kind, key), items in self._items.items():
            _, pair, gap = max(items, key=lambda item: item[2])
            layers = [layer for layer, _, _ in items if layer is not None]
            span = (layers[0], layers[-1]) if layers else None
            largest = gap if math.isfinite(gap) else None
            out.append(
                JobDifference(kind=kind, key=key, a=_plain(pair.a), b=_plain(pair.b), layers=span, n_layers=len(layers), largest=largest)
            )
        return out


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
