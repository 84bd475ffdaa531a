"""Stated values of two jobs, one by one: grids, heights, exposures, moves, profiles, parts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from pmsl.formats.incomplete_job import WAVELENGTH
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.profiles.release import recorded
from pmsl.report.difference.alignment import FLOAT32_NOISE
from pmsl.report.difference.records import JobDifference, Kind
from pmsl.report.page.layer_table import doses_known

NOISE = 1e-9  # of a number: rounding on its way through a file
TIMES = ("time_s", "lit_time_s", "wait_before_s", "wait_after_s")  # of exposures
DERIVED = ("process.layer", "process.motion.")  # of files of other formats: made of their layers, which are compared themselves
WORDS = ("source", "class", "class_", "description", "schema")  # of profiles: what is said of values, not values


class Tolerance(NamedTuple):
    """By what values may differ: a share, of times; a length [µm]."""

    dose: float = 0.0
    um: float = 0.0


class Pair(NamedTuple):
    """A key and its two values.

    `tolerated`: which tolerance is theirs; "" for values that must be equal. `scale`: of what their rounding is a share, where they are
    differences of larger numbers.
    """

    key: str
    a: Any
    b: Any
    tolerated: Literal["", "length", "time"] = ""
    scale: float = 0.0


def differs(pair: Pair, tolerance: Tolerance, noise: float = NOISE) -> float | None:
    """Return by how much two values differ, inf where they are no numbers; None where they do not, within their tolerance or `noise`."""
    _, a, b, tolerated, scale = pair
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, (int, float)) and isinstance(b, (int, float))):
        return None if a == b else math.inf
    gap = abs(a - b)
    allowed = noise * max(abs(a), abs(b), scale, 1e-3)
    if tolerated == "length":
        allowed = max(allowed, tolerance.um * (1 + NOISE))
    elif tolerated == "time":
        allowed = max(allowed, tolerance.dose * max(abs(a), abs(b)))
    return None if gap <= allowed else float(gap)


def tolerant(pair: Pair) -> Pair:
    """Return a value of an exposure, a move or a part with its tolerance; entries of lists have that of the list."""
    name = next((part for part in reversed(pair.key.split(".")) if not part.isdecimal()), "")
    if name.endswith("_um"):
        return pair._replace(tolerated="length")
    return pair._replace(tolerated="time") if name in TIMES else pair


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
        yield Pair(f"{name}.wavelength_nm", _wavelength_nm(a, i), _wavelength_nm(b, i))
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


def power_scales(a: PrintJob, b: PrintJob) -> tuple[float, float] | None:
    """Return what powers above 1 of either job are divided by to be of one unit; None where a job does not state powers."""
    known, full = [doses_known(job) for job in (a, b)], [job.prepared.get("full_power") for job in (a, b)]
    if known[0] == known[1]:
        return (1.0, 1.0) if full[0] == full[1] or all(known) else None
    of_file = full[known.index(False)]
    if of_file is None:
        return None
    return (float(of_file), 1.0) if known[0] else (1.0, float(of_file))


def layer_pairs(a: LayerPlan, b: LayerPlan, powers: tuple[float, float] | None) -> Iterator[tuple[Kind, Pair]]:
    """Yield what is said of a layer: heights, exposures one by one where they are as many, moves; powers by their scales."""
    far = 2 * max(abs(a.z_top_um), abs(b.z_top_um))  # thicknesses are differences of heights
    yield "heights", Pair("z_top_um", a.z_top_um, b.z_top_um, "length")
    yield "heights", Pair("thickness_um", a.thickness_um, b.thickness_um, "length", far)
    yield "times", Pair("number of exposures", len(a.exposures), len(b.exposures))
    if len(a.exposures) == len(b.exposures):
        for i, (x, y) in enumerate(zip(a.exposures, b.exposures, strict=True)):
            name = "exposure" if len(a.exposures) == 1 else f"exposure {i}"
            for pair in pairs_of(_stated(x), _stated(y), name):
                yield "times", tolerant(pair)
            if powers is not None:
                yield "times", Pair(f"{name}.power", _share(x.power, powers[0]), _share(y.power, powers[1]))
    else:
        yield "times", tolerant(Pair("lit_time_s", _lit_s(a), _lit_s(b)))
    for name in ("motion", "squeeze", "relift_after"):
        for pair in pairs_of(getattr(a, name), getattr(b, name), name):
            yield "motion", tolerant(pair)


def _share(power: float, full: float) -> float:
    """Return a power as a share of the full setting in the host's own numbers; powers up to 1 are shares already."""
    return power / full if power > 1 else power


def _lit_s(plan: LayerPlan) -> float:
    return sum(e.repeat * e.time_s for e in plan.exposures)


def _stated(e: Exposure) -> dict[str, Any]:
    facts: dict[str, Any] = {"time_s": e.time_s, "repeat": e.repeat, "wait_before_s": e.wait_before_s, "wait_after_s": e.wait_after_s}
    facts |= {"engine": e.engine, "offset_x_um": e.offset_um[0], "offset_y_um": e.offset_um[1], "focus_um": e.focus_um}
    facts |= {"film_lift_um": e.film_lift_um, "relift": None if e.relift is None else msgspec.to_builtins(e.relift)}
    return facts


def profile_pairs(a: PrintJob, b: PrintJob) -> Iterator[Pair]:
    """Yield the values of printers, resins and processes; what is only said of values is left out.

    Of two files of other formats also what stands in for what neither says, and what is made of layers, which are compared themselves.
    """
    profiles = {"printer": (recorded(a.printer), recorded(b.printer)), "resin": (a.resin, b.resin), "process": (a.process, b.process)}
    of_files = not (doses_known(a) or doses_known(b))
    listed = not of_files and all(isinstance(job.process.layers, (list, tuple)) for job in (a, b))
    left_out = DERIVED if of_files else ("process.layers.",) if listed else ()
    for name, two in profiles.items():
        pairs = list(pairs_of(*two, name))
        stand_ins = tuple(f"{key.removesuffix('.class')}.value" for key, x, y, *_ in pairs if of_files and (x, y) == ("placeholder",) * 2)
        for pair in pairs:
            if not set(pair.key.split(".")) & set(WORDS) and not pair.key.startswith((*left_out, *stand_ins)):
                yield pair._replace(key=pair.key.removesuffix(".value"), a=_short(pair.a), b=_short(pair.b))
    if listed:
        yield from _slab_pairs(a.process.layers, b.process.layers)


def _slab_pairs(a: Any, b: Any) -> Iterator[Pair]:
    """Yield the heights of layers that two processes list, each with the layer from which on both are of one height."""
    firsts: list[dict[int, float]] = []
    for ladder in (a, b):
        starts = [0, *itertools.accumulate(int(n) for n, _ in ladder[:-1])]  # the last height goes on
        firsts.append(dict(zip(starts, (float(um) for _, um in ladder), strict=True)))
    heights = [0.0, 0.0]
    for k in sorted({*firsts[0], *firsts[1]}):
        heights = [first.get(k, um) for first, um in zip(firsts, heights, strict=True)]
        yield Pair(f"process.layers from {k}", heights[0], heights[1], "length")


def _short(value: Any) -> Any:
    return value[:60] + "…" if isinstance(value, str) and len(value) > 60 else value


def pause_pairs(a: PrintJob, b: PrintJob) -> Iterator[Pair]:
    """Yield what is waited for before layers of either job."""
    ours, theirs = ({pause.before_layer: pause.message for pause in job.pauses} for job in (a, b))
    for k in sorted({*ours, *theirs}):
        yield Pair(f"pause before layer {k}", ours.get(k), theirs.get(k))


def design_pairs(a: PrintJob, b: PrintJob) -> Iterator[Pair]:
    """Yield what is said of parts and meshes."""
    yield Pair("parts", len(a.parts), len(b.parts))
    for i, (x, y) in enumerate(zip(a.parts, b.parts, strict=False)):
        for pair in pairs_of(x, y, f"part {i}"):
            yield tolerant(pair)
    yield Pair("meshes", [given.sha256 for given in a.provenance.inputs], [given.sha256 for given in b.provenance.inputs])


class Collected:
    """Puts together what differs alike in several layers."""

    def __init__(self, tolerance: Tolerance, exact: bool = True) -> None:
        self.tolerance = tolerance
        self.noise = NOISE if exact else FLOAT32_NOISE  # files of other formats hold 32-bit floats
        self._items: dict[tuple[Kind, str], list[tuple[int | None, Pair, float]]] = {}

    def add(self, kind: Kind, pair: Pair, layer: int | None = None) -> None:
        """Hold two values against each other, of a layer or of the job."""
        gap = differs(pair, self.tolerance, NOISE if kind == "grid" else self.noise)  # pixels of other pitches are other pixels
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
