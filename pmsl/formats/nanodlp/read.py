"""Plate file → PrintJob."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import GridError, JobError
from pmsl.formats.adapt.panel import Panel
from pmsl.formats.container import layer_writer, zip_of_frames
from pmsl.formats.container.containers import ZipSource
from pmsl.formats.frames import device_frame
from pmsl.formats.incomplete_job import FileExposure, FileFacts, job
from pmsl.formats.nanodlp.tables import OPTIONS, PLATE, PROFILE, OptionsRead, PlateRead, ProfileRead
from pmsl.formats.protocol import VerifyOptions
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Motion
from pmsl.profiles.printer import Orientation
from pmsl.profiles.tables.schema import build

MOST_LAYERS, MOST_S, MOST_UM = 200_000, 1e6, 1e5
STATED = re.compile(r"row = ([+-][xy]); col = ([+-][xy])")
S = TypeVar("S", bound=msgspec.Struct)
PITCH_UM = 1.0  # stands in for a pitch that nobody says
PITCH_GUESSED = Finding(
    code="pitch-guessed",
    severity="warning",
    message=f"the file does not say its pixel size; {PITCH_UM:g} µm stands in its place, sizes in x and y mean nothing; say it with "
    "--pitch-um or --printer",
    value=PITCH_UM,
    unit="µm",
)


def read(path: Path, panel: Panel | None = None) -> PrintJob:
    """Read a job; `panel` is for files that do not say how large their pixels are.

    Raises
    ------
    JobError
        Damaged, or a table says what no job can be.
    """
    return _read(path, panel)[0]


def verify(path: Path, options: VerifyOptions) -> list[str]:
    """Read every frame, and hold the tables against each other and against the frames."""
    made, plate, source = _read(path, options.panel)
    wrong = []
    if plate.layers_count != made.n_layers:
        wrong.append(f"plate.json: LayersCount is {plate.layers_count}, the file has {made.n_layers} frames")
    present = [name for name in OPTIONS if name in source.names()]
    if len(present) == 2 and source.text(OPTIONS[0]) != source.text(OPTIONS[1]):
        wrong.append("options.json and slicer.json say different things")
    wrong += [f"{name}: not in the file, some readers need it" for name in ("info.json", "3d.png") if name not in source.names()]
    return [*wrong, *layer_writer.problems(made, options)]


def _read(path: Path, panel: Panel | None) -> tuple[PrintJob, PlateRead, ZipSource]:
    source = ZipSource(path)
    names, where = source.names(), str(path)
    option = next((name for name in OPTIONS if name in names), OPTIONS[0])
    plate, settings = _table(source, PLATE, PlateRead, where), _table(source, option, OptionsRead, where)
    profile = _table(source, PROFILE, ProfileRead, where)
    n, first = _layers(names, where)
    stated = STATED.search(profile.desc)
    try:
        turn = Orientation(row=stated[1], col=stated[2]) if stated else Orientation(col="-x" if settings.mirror else "+x")  # type: ignore[arg-type]
    except ValueError as err:
        raise JobError(f"{where}: profile.json: {err}; the file is damaged") from err
    pitch = _pitch(settings, turn, panel, where)
    grid = _grid(settings, plate, profile, turn, n, pitch or (PITCH_UM, PITCH_UM), where)
    times = _times(plate, profile, n, where)

    def mask_of(k: int, j: int) -> LayerMask:
        return zip_of_frames.mask_of_png(source, f"{k + first}.png", k, grid.shape, turn, where)

    facts = FileFacts(
        format="nanodlp",
        file=path.name,
        grid=grid,
        orientation=turn,
        resin=profile.title or None,
        motion=_motion(profile, where),
        findings=() if pitch is not None else (PITCH_GUESSED,),
        pitch_known=pitch is not None,
        pitch_source="the file" if panel is None or min(settings.x_mm, settings.y_mm) > 0 else panel.source,
    )
    return job(facts, [[FileExposure(time_s=t)] for t in times], mask_of), plate, source


def _table(source: ZipSource, name: str, kind: type[S], where: str) -> S:
    try:
        table = msgspec.json.decode(source.text(name))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as err:
        raise JobError(f"{where}/{name}: not valid JSON ({err}); the file is damaged") from err
    return build(table, kind, f"{where}/{name}", JobError)


def _layers(names: set[str], where: str) -> tuple[int, int]:
    """Return how many frames there are and the number of the first: they count from 1, of some writers from 0."""
    numbers = {int(name[:-4]) for name in names if re.fullmatch(r"(0|[1-9]\d{0,6})\.png", name)}
    first = 0 if 0 in numbers else 1
    if not numbers or len(numbers) > MOST_LAYERS or max(numbers) != len(numbers) - 1 + first:
        raise JobError(f"{where}: {len(numbers)} frames that do not count from {first}.png without a gap; the file is damaged")
    return len(numbers), first


def _pitch(settings: OptionsRead, turn: Orientation, panel: Panel | None, where: str) -> tuple[float, float] | None:
    """Return the pitch (x, y) of the field [µm]; None where nobody says it."""
    pitch = (round(settings.x_mm * 1000.0, 9), round(settings.y_mm * 1000.0, 9))
    stated = None if min(pitch) <= 0 else pitch if turn.row[1] == "y" else pitch[::-1]
    return stated if panel is None else panel.pitch_for((settings.height, settings.width), stated, where, turn)


def _grid(
    settings: OptionsRead, plate: PlateRead, profile: ProfileRead, turn: Orientation, n: int, pitch_um: tuple[float, float], where: str
) -> Grid:
    """Return pixels and slabs."""
    heights = np.full(n, settings.thickness_um or profile.depth)
    if profile.support_depth > 0:
        heights[: max(profile.support_layer_number, 0)] = profile.support_depth
    if plate.dynamic_thickness:
        if len(plate.dynamic_thickness) != n:
            raise JobError(f"{where}: DynamicThickness has {len(plate.dynamic_thickness)} entries for {n} layers; the file is damaged")
        heights = np.array(plate.dynamic_thickness)
    if not ((heights > 0) & (heights <= MOST_UM)).all():
        raise JobError(f"{where}: layers of {heights.min():g} to {heights.max():g} µm; expected above 0 to {MOST_UM:g}")
    edges = np.concatenate([[0.0], np.round(np.cumsum(heights), 9)])
    try:
        shape = device_frame.frame_shape((settings.height, settings.width), turn)
        return Grid(origin_um=(0.0, 0.0), pitch_um=pitch_um, shape=shape, z_edges_um=edges)
    except GridError as err:
        raise JobError(f"{where}: {err}; the file is damaged") from err


def _times(plate: PlateRead, profile: ProfileRead, n: int, where: str) -> list[float]:
    times = [profile.cure_time] * n
    support = min(max(profile.support_layer_number, 0), n)
    times[:support] = [profile.support_cure_time] * support
    if plate.cure_times:
        if len(plate.cure_times) != n:
            raise JobError(f"{where}: CureTimes has {len(plate.cure_times)} entries for {n} layers; the file is damaged")
        times = plate.cure_times
    for k, t in enumerate(times):
        if not (math.isfinite(t) and 0 < t <= MOST_S):
            raise JobError(f"{where}: layer {k} is shown {t:g} s; expected above 0 to {MOST_S:g}")
    return times


def _motion(profile: ProfileRead, where: str) -> Motion:
    """Return lift and waits; speeds are in the host's own code, the defaults of a process stand in their place."""
    values = {
        "lift_um": round(profile.wait_height * 1000.0, 9),
        "wait_top_s": profile.top_wait,
        "settle_s": profile.wait_before_print,
        "wait_before_lift_s": profile.wait_after_print,
    }
    return build(values, Motion, f"{where}/{PROFILE}", JobError)
