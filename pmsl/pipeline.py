"""The stages in order: place → planes → masks → dose → job. Every intermediate can be had by name.

`prepare` is the whole house in one call; `stages` gives what it goes through, `pmsl.masks` and `pmsl.exposure` the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pmsl import checks
from pmsl.core.finding import Finding, Severity, reaches
from pmsl.core.grid import Grid
from pmsl.core.job import Box, Engine, Input, PartRecord, PrintJob, Provenance
from pmsl.core.parallel import default_threads
from pmsl.core.part import Part, Solid, as_part
from pmsl.core.plan import LayerPlan
from pmsl.errors import FindingsError, MeshError, UsageError
from pmsl.exposure import Ladder, dose_ladder, dose_map
from pmsl.formats import native, registry
from pmsl.formats.native import Written
from pmsl.formats.png import encode_mask
from pmsl.masks import MaskMaker
from pmsl.mesh.place import SLACK_UM, Placed, place
from pmsl.profiles import Printer, Process, Resin, find_printer, find_process, find_resin
from pmsl.slicing import z_edges_um
from pmsl.version import __version__

TURNED = "faces turned: the mesh was inside out"


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """What a job is made of before any layer: parts and their box (2, 3) [µm], grid, dose ladder, placeholders, findings."""

    parts: tuple[Part, ...]
    bounds_um: np.ndarray
    grid: Grid
    ladder: Ladder
    placeholders: tuple[str, ...]
    findings: tuple[Finding, ...]


def stages(parts: Sequence[Solid | Part], printer: Printer, resin: Resin, process: Process, bounds_um: np.ndarray | None = None) -> Stages:
    """Find grid, doses and findings of parts where their coordinates are; nothing is moved.

    Raises
    ------
    MeshError
        No part, or a part outside the field, below the plate or above the travel.
    ExposureError
        Doses the resin or the printer cannot have.
    UsageError
        A part that asks for a dose or a region of its own.
    """
    pieces = tuple(as_part(item) for item in parts)
    if not pieces:
        raise MeshError("no part to print; give at least one mesh")
    for part in pieces:
        if part.dose_scale != 1.0 or part.region != "bulk":
            raise UsageError(
                f"part {part.label}: dose_scale {part.dose_scale:g}, region {part.region!r}: all parts of a job get the same dose so far; "
                "leave dose_scale at 1 and region at 'bulk', or print the part in a job of its own"
            )
    boxes = np.array([p.bounds_um() for p in pieces])
    bounds = np.array([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)]) if bounds_um is None else bounds_um
    optics = printer.optics
    rows, cols = printer.dmd.shape.value
    grid = Grid(
        origin_um=(0.0, 0.0), pitch_um=optics.pitch_um.value, shape=(rows, cols), z_edges_um=z_edges_um(float(bounds[1, 2]), process)
    )
    _check_inside(bounds, grid, printer)
    ladder = dose_ladder(grid, printer, resin, process)
    missing = checks.placeholders(printer, resin, ladder.power)
    findings = [f for p in pieces for f in p.solid.findings]
    findings += checks.profile_findings(printer, resin, missing)
    findings += checks.winding_findings(pieces)
    findings += checks.height_findings(bounds, grid)
    findings += checks.facet_findings(pieces, grid)
    if process.coverage == "volume":
        findings += checks.partial_slab_findings(pieces, grid)
    return Stages(pieces, bounds, grid, ladder, missing, tuple(findings))


def prepare(
    parts: Sequence[Solid | Part] | Placed,
    printer: Printer | str,
    resin: Resin | str,
    process: Process | str = "default",
) -> PrintJob:
    """Make a print job of parts where their coordinates are (µm, field corner at 0, plate at z = 0); nothing is moved.

    Parameters
    ----------
    parts : sequence of Solid or Part, or Placed
        United where they overlap. `pmsl.place` puts meshes into the field.
    printer, resin, process : profile, library name, or path of a TOML file

    Returns
    -------
    PrintJob
        Lazy: a layer is made when it is asked for.

    Raises
    ------
    MeshError, ProfileError, ExposureError, UsageError
        Geometry outside the field, profiles that are not valid, doses that are refused.
    """
    printer = find_printer(printer) if isinstance(printer, str) else printer
    resin = find_resin(resin) if isinstance(resin, str) else resin
    process = find_process(process) if isinstance(process, str) else process
    placed = parts if isinstance(parts, Placed) else None
    s = stages(parts.parts if isinstance(parts, Placed) else parts, printer, resin, process, None if placed is None else placed.bounds_um)
    engine = Engine(grid=s.grid, wavelength_nm=printer.optics.wavelength_nm.value, orientation=printer.orientation)
    return PrintJob(
        engines=(engine,),
        printer=printer,
        resin=resin,
        process=process,
        provenance=Provenance(
            version=__version__,
            inputs=tuple(_input(p) for p in s.parts),
            placement=placed.how if placed else "where their coordinates are",
            shift_um=placed.shift_um if placed else None,
            shrinkage=resin.resin.shrinkage.value,
        ),
        parts=tuple(_record(p) for p in s.parts),
        n_layers=s.grid.n_layers,
        plan_layer=_Planner(s, process),
        design_of=lambda: s.parts,
        findings=s.findings,
        placeholders=s.placeholders,
    )


class _Planner:
    """Plans any layer from any thread; triangles are indexed when the first layer is asked for."""

    def __init__(self, s: Stages, process: Process) -> None:
        self._stages = s
        self._process = process
        self._maker: MaskMaker | None = None
        self._lock = threading.Lock()

    def __call__(self, k: int) -> LayerPlan:
        with self._lock:
            if self._maker is None:
                self._maker = MaskMaker(self._stages.parts, self._stages.grid, self._process.coverage)
        mask, defects = self._maker.mask_and_defects(k)
        found = tuple(checks.layer_findings(defects, self._stages.grid, k))
        return self._stages.ladder.plan(mask, self._stages.grid, self._process.motion, found)


def _box(points_um: np.ndarray) -> Box:
    (x0, y0, z0), (x1, y1, z1) = points_um.tolist()
    return (x0, y0, z0), (x1, y1, z1)


def _input(part: Part) -> Input:
    transform = tuple(float(v) for v in part.transform.reshape(-1))
    repairs = (TURNED,) if part.solid.inside_out else ()
    return Input(file=part.solid.source, sha256=part.solid.sha256, unit=part.solid.unit, transform=transform, repairs=repairs)


def _record(part: Part) -> PartRecord:
    return PartRecord(
        label=part.label, sha256=part.solid.sha256, bounds_um=_box(part.bounds_um()), region=part.region, dose_scale=part.dose_scale
    )


def _check_inside(bounds: np.ndarray, grid: Grid, printer: Printer) -> None:
    """Refuse parts that are not where the printer can print them."""
    low, high, size = bounds[0], bounds[1], grid.size_um
    if (low[:2] < -SLACK_UM).any() or (high[:2] > size + SLACK_UM).any():
        raise MeshError(
            f"parts reach from ({low[0]:.6g}, {low[1]:.6g}) to ({high[0]:.6g}, {high[1]:.6g}) µm, the field of printer {printer.name} "
            f"from (0, 0) to ({size[0]:.6g}, {size[1]:.6g}) µm; place them first (pmsl.place)"
        )
    if low[2] < -SLACK_UM:
        raise MeshError(f"parts reach {-low[2]:.6g} µm below the plate (z = 0); place them first (pmsl.place)")
    if high[2] > printer.stage.travel_um.value + SLACK_UM:
        raise MeshError(f"parts reach {high[2]:.6g} µm, printer {printer.name} builds up to {printer.stage.travel_um.value:.6g} µm")


def write(
    job: PrintJob,
    path: str | Path,
    *,
    format: str | None = None,
    dose: bool = False,
    design: bool = True,
    png: Literal["fast", "small"] = "fast",
    threads: int | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    fail_on: Severity = "error",
) -> Written:
    """Write a job: a folder, or a zip where the path ends in ``.zip``; complete or absent, the same bytes for any `threads`.

    Parameters
    ----------
    job : PrintJob
    path : str or Path
    format : str, optional
        Name of the format; left out, by suffix.
    dose : bool
        Also write the dose map of every layer.
    design : bool
        Also store the placed parts.
    png : {"fast", "small"}
        How long to look for short files; the pixels are the same. The bytes of small ones may depend on the version of zlib.
    threads : int, optional
        Layers made at a time (default: one a processor).
    force : bool
        Replace a pmsl job or an empty folder.
    progress : callable, optional
        Called with (layers done, layers in all).
    fail_on : {"info", "warning", "error"}
        Findings at or above this severity stop the job; nothing is left.

    Returns
    -------
    Written

    Raises
    ------
    FindingsError
        Findings at or above `fail_on`.
    UsageError, OutputError
        The target exists, or cannot be written; an option that is none.
    """
    target = Path(path)
    registry.choose(target, format)
    if png not in ("fast", "small"):
        raise UsageError(f"png is {png!r}; choose 'fast' or 'small'")

    def accept(findings: tuple[Finding, ...]) -> None:
        if reaches(findings, fail_on):
            raise FindingsError(f"{target}: not written: there are findings at or above --fail-on {fail_on}", findings)

    accept(job.findings)
    return native.write(
        job,
        target,
        dose_of=dose_map if dose else None,
        with_design=design,
        small=png == "small",
        threads=default_threads() if threads is None else threads,
        force=force,
        progress=progress,
        accept=accept,
    )


def read(path: str | Path) -> PrintJob:
    """Read a job from disk; raises `JobError` where it is damaged or too new."""
    return native.read(Path(path))


def verify(path: str | Path, progress: Callable[[int, int], None] | None = None, threads: int | None = None) -> list[str]:
    """Check a job on disk from end to end, dose maps included; return what is wrong, nothing for a sound job.

    `threads` layers are read at a time (default: one a processor); the answer does not depend on it.
    """
    return native.verify(Path(path), dose_map, progress, default_threads() if threads is None else threads)


def place_for(solids: Sequence[Solid], printer: Printer, resin: Resin, **options: Any) -> Placed:
    """Place meshes in the field of a printer, scaled for the resin's shrinkage; `options` as `pmsl.place`."""
    pitch = np.array(printer.optics.pitch_um.value)
    rows, cols = printer.dmd.shape.value
    return place(solids, pitch * (cols, rows), pitch, printer.stage.travel_um.value, shrinkage=resin.resin.shrinkage.value, **options)


def warmup() -> None:
    """Compile, or load from the cache, every kernel that a job needs, by printing a pyramid of two layers."""
    from pmsl.kernels import spans, unfilter

    corners = [[0, 0, 0], [30, 0, 0], [30, 30, 0], [0, 30, 0], [15, 15, 20]]
    solid = Solid.from_arrays(corners, np.array([[0, 2, 1], [0, 3, 2], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]))
    printer, resin = find_printer("pmsl-2um"), find_resin("pr48-405")
    unfilter.undo(np.zeros((1, 2), np.uint8), np.zeros(2, np.uint8))
    job = prepare(place_for([solid], printer, resin), printer, resin)
    mask = job[0].exposures[0].mask
    for small in (False, True):
        encode_mask(mask, printer.orientation, small)
    mask.sha256()
    low = np.zeros(1, np.int64)
    spans.shrink(*mask.runs_8bit(), mask.window.row0, low, low + 1, low, low + 1, np.zeros((2, 2), np.int64), np.zeros((1, 1), np.uint8))
    MaskMaker([solid], job.grid).coverage(0)
    volume = MaskMaker([solid], job.grid, "volume")
    volume.mask(0)
    volume.index.shells()
    list(checks.partial_slab_findings([Part(solid=solid)], job.grid))
