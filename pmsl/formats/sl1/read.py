"""Prusa's .sl1 → PrintJob: frames, layer heights and times; nothing about light, resin constants or motion is in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid, size_text
from pmsl.core.mask import LayerMask
from pmsl.errors import GridError, JobError
from pmsl.formats.adapt.panel import Panel, known_pitch
from pmsl.formats.container import layer_writer, zip_of_frames
from pmsl.formats.container.containers import ZipSource
from pmsl.formats.frames import device_frame
from pmsl.formats.frames.png_read import frame_size
from pmsl.formats.incomplete_job import FileExposure, FileFacts, job
from pmsl.formats.protocol import VerifyOptions
from pmsl.formats.sl1.config import SLICER, Table, changed_by_printer, config_of, number, table_of, whole
from pmsl.formats.sl1.exposure_fade import FEWEST, MOST, Fade
from pmsl.formats.sl1.light_mask import LightMask
from pmsl.formats.sl1.panels import MOST_LAYERS, PANELS, TURN, turn_of
from pmsl.job.print_job import PrintJob
from pmsl.profiles.printer import Orientation

MOST_MM, MOST_S = 1e6, 1e6
FIRST_UM = 50.0  # of Prusa's printers, where the file does not say


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a file says, before any frame is read."""

    source: ZipSource
    config: Table
    slicer: Table
    frames: list[str]
    grid: Grid
    turn: Orientation
    fade: Fade
    mask: LightMask
    pitch_source: str
    findings: list[Finding]


def read(path: Path, panel: Panel | None = None) -> PrintJob:
    """Read a job.

    Parameters
    ----------
    path : Path
    panel : Panel, optional
        Of files that neither say their pixels nor name a printer whose panel is known.

    Raises
    ------
    JobError
        Damaged, a table says what no job can be, or what changes the light and is not read.
    UsageError
        `panel` contradicts the file.
    """
    return _job(_open(path, panel), path)


def verify(path: Path, options: VerifyOptions) -> list[str]:
    """Read every frame, and hold the tables against each other and against the printer they name."""
    opened = _open(path, options.panel)
    return [*_tables(opened), *layer_writer.problems(_job(opened, path), options)]


def _job(opened: _Opened, path: Path) -> PrintJob:
    grid, turn, config = opened.grid, opened.turn, opened.config
    times = opened.fade.times_s(grid.n_layers).tolist()

    def mask_of(k: int, j: int) -> LayerMask:
        return zip_of_frames.mask_of_png(opened.source, opened.frames[k], k, grid.shape, turn, str(path))

    facts = FileFacts(
        format="sl1",
        file=path.name,
        grid=grid,
        orientation=turn,
        printer=config.get("printerProfile") or config.get("printerModel") or None,
        resin=config.get("materialName") or None,
        process=config.get("printProfile") or None,
        pitch_source=opened.pitch_source,
        findings=tuple(opened.findings),
        resin_ml=number(config, "usedMaterial", f"{path}/config.ini", 0.0, 1e9) if "usedMaterial" in config else None,
    )
    return job(facts, [[FileExposure(time_s=t)] for t in times], opened.mask.over(mask_of))


def _open(path: Path, panel: Panel | None) -> _Opened:
    source = ZipSource(path)
    names = source.names()
    config, found = config_of(source, str(path))
    slicer = table_of(source.text(SLICER), f"{path}/{SLICER}") if SLICER in names else {}
    prefix = config.get("jobDir")
    if prefix is None:
        raise JobError(f"{path}/config.ini: jobDir, what the names of frames begin with, is missing; the file is damaged")
    layers = sorted(name for name in names if name.startswith(prefix) and name.lower().endswith(".png") and "/" not in name)
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise JobError(f"{path}: {len(layers)} frames begin with {prefix!r}; expected 1 to {MOST_LAYERS}")
    display = _display(config, slicer, panel, lambda: frame_size(source.read(layers[0]), f"{path}: {layers[0]}"), str(path))
    edges = _edges(config, slicer, len(layers), str(path))
    try:
        grid = Grid(origin_um=(0.0, 0.0), pitch_um=display.pitch_um, shape=display.shape, z_edges_um=edges)
    except GridError as err:
        raise JobError(f"{path}: {err}; the file is damaged") from err
    model = PANELS.get(config.get("printerModel", ""))
    mask = LightMask.of(source, layers, grid.shape, display.turn, str(path))
    found += [*display.findings, *mask.findings(), *_first_layer(config, model is not None, edges)]
    found += [Finding(code="changed-by-printer", severity="warning", message=text) for text in changed_by_printer(config, model)]
    fade = _fade(config, f"{path}/config.ini")
    return _Opened(source, config, slicer, layers, grid, display.turn, fade, mask, display.source, found)


@dataclass(frozen=True, slots=True)
class _Display:
    """How frames are turned, the grid's (rows, cols) and pitch (x, y) [µm], who says so, what is to be said of it."""

    turn: Orientation
    shape: tuple[int, int]
    pitch_um: tuple[float, float]
    source: str = "the file"
    findings: tuple[Finding, ...] = ()


def _display(config: Table, slicer: Table, panel: Panel | None, frame_of: Callable[[], tuple[int, int]], where: str) -> _Display:
    """Return the display: as prusaslicer.ini states it, else that of the printer the file names, else that of `panel`."""
    if "display_pixels_x" not in slicer:
        model = PANELS.get(config.get("printerModel", ""))
        if model is None:
            return _display_said(panel, frame_of(), where)
        capability = model.capability
        assert capability.orientation is not None and capability.exact_size is not None and capability.exact_pitch_um is not None
        turn, pitch = capability.orientation, capability.exact_pitch_um
        shape = device_frame.frame_shape(capability.exact_size, turn)
    else:
        table = f"{where}/{SLICER}"
        cols, rows = (whole(slicer, f"display_pixels_{axis}", table, 1, 1 << 24) for axis in "xy")
        width, height = (number(slicer, key, table, 1e-6, MOST_MM) for key in ("display_width", "display_height"))
        turn, shape, pitch = turn_of(slicer), (rows, cols), (round(width * 1000.0 / cols, 9), round(height * 1000.0 / rows, 9))
    if panel is not None:
        panel.pitch_for(device_frame.frame_shape(shape, turn), pitch, where, turn)
    return _Display(turn, shape, pitch)


def _display_said(panel: Panel | None, frame: tuple[int, int], where: str) -> _Display:
    """Return the display of a file that does not say it; how frames are turned is guessed where `panel` does not say that either."""
    turn = None if panel is None else panel.orientation
    guessed = turn is None
    if turn is None:  # as PrusaSlicer turns them, unless the field is said to lie as frames do
        turn = turn_of({"display_orientation": "landscape"}) if panel is not None and panel.field == frame else TURN
    pitch = known_pitch(panel, frame, None, where, turn)
    assert panel is not None
    said = f"rows along {turn.row}, columns along {turn.col}"
    message = (
        f"the file does not say how its frames are turned; they are read as PrusaSlicer turns them ({said}): --printer says it otherwise"
    )
    found = (Finding(code="orientation-guessed", severity="warning", message=message),) if guessed else ()
    return _Display(turn, device_frame.frame_shape(frame, turn), pitch, panel.source, found)


def _first_layer(config: Table, prusa: bool, edges: np.ndarray) -> list[Finding]:
    """Say where a Prusa makes the first layer of another height than the file's slicer meant."""
    if not prusa or "layerHeightFirst" in config or abs(edges[1] - FIRST_UM) < 1e-6:
        return []
    message = (
        f"config.ini does not say layerHeightFirst: the first layer is read as {edges[1]:g} µm, Prusa's firmware makes it {FIRST_UM:g} µm"
    )
    return [Finding(code="changed-by-printer", severity="warning", message=message, layers=(0, 0), value=FIRST_UM, unit="µm")]


def _edges(config: Table, slicer: Table, n: int, where: str) -> np.ndarray:
    """Return the slab edges [µm]."""
    height = number(config, "layerHeight", f"{where}/config.ini", 1e-6, MOST_MM)
    first = height
    if "layerHeightFirst" in config:
        first = number(config, "layerHeightFirst", f"{where}/config.ini", 1e-6, MOST_MM)
    elif "initial_layer_height" in slicer:
        first = number(slicer, "initial_layer_height", f"{where}/prusaslicer.ini", 1e-6, MOST_MM)
    first_um, height_um = round(first * 1000.0, 6), round(height * 1000.0, 6)
    return np.concatenate([[0.0], first_um + height_um * np.arange(n)])


def _fade(config: Table, where: str) -> Fade:
    first, normal = (number(config, key, where, 1e-3, MOST_S) for key in ("expTimeFirst", "expTime"))
    layers = whole(config, "numFade", where, 0, 1 << 31)
    return Fade(max(1, int(first * 1e3)), max(1, int(normal * 1e3)), min(max(layers, FEWEST), MOST))


def _tables(opened: _Opened) -> list[str]:
    """Say where the tables do not fit the frames or the printer."""
    config, wrong = opened.config, []
    counted = sum(int(config[key]) for key in ("numFast", "numSlow") if config.get(key, "").isdecimal())
    if counted != len(opened.frames):
        wrong.append(f"config.ini: numFast + numSlow are {counted}, the file has {len(opened.frames)} frames")
    panel = PANELS.get(config.get("printerModel", ""))
    wrong += changed_by_printer(config, panel)
    prefix = config["jobDir"]
    if [name for k, name in enumerate(opened.frames) if name != f"{prefix}{k:05d}.png"]:
        wrong.append("names of frames do not count from 00000 without a gap")
    if panel is None:
        return wrong
    size = device_frame.frame_shape(opened.grid.shape, opened.turn)
    assert panel.capability.exact_size is not None
    if size != panel.capability.exact_size:
        wrong.append(
            f"frames are {size_text(size)} px; those of printer {config['printerModel']} are {size_text(panel.capability.exact_size)} px"
        )
    if float(opened.grid.thickness_um.min()) < panel.capability.min_layer_um:
        wrong.append(f"layers of {opened.grid.thickness_um.min():g} µm; printer {config['printerModel']} prints 50 µm instead")
    return wrong
