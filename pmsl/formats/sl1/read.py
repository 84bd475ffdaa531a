"""Prusa's .sl1 → PrintJob: frames, layer heights and times; nothing about light, resin constants or motion is in the file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pmsl.core.grid import Grid, size_text
from pmsl.core.job import PrintJob
from pmsl.core.mask import LayerMask
from pmsl.errors import GridError, JobError
from pmsl.formats import frames, stream, zipped
from pmsl.formats.bundle import ZipSource
from pmsl.formats.contract import VerifyOptions
from pmsl.formats.partial import Facts, Shown, job
from pmsl.formats.sl1.fade import FEWEST, MOST, Fade
from pmsl.formats.sl1.panels import MOST_LAYERS, PANELS, turn_of
from pmsl.profiles.printer import Orientation

MOST_MM, MOST_S = 1e6, 1e6
Table = dict[str, str]


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


def read(path: Path) -> PrintJob:
    """Read a job.

    Raises
    ------
    JobError
        Damaged, or a table says what no job can be.
    """
    return _job(_open(path), path)


def verify(path: Path, options: VerifyOptions) -> list[str]:
    """Read every frame, and hold the tables against each other and against the printer they name."""
    opened = _open(path)
    return [*_tables(opened), *stream.problems(_job(opened, path), options)]


def _job(opened: _Opened, path: Path) -> PrintJob:
    grid, turn, config = opened.grid, opened.turn, opened.config
    times = opened.fade.times_s(grid.n_layers).tolist()

    def mask_of(k: int, j: int) -> LayerMask:
        return zipped.mask_of_png(opened.source, opened.frames[k], k, grid.shape, turn, str(path))

    facts = Facts(
        format="sl1",
        file=path.name,
        grid=grid,
        orientation=turn,
        printer=config.get("printerProfile") or config.get("printerModel") or None,
        resin=config.get("materialName") or None,
        process=config.get("printProfile") or None,
        resin_ml=_float(config, "usedMaterial", f"{path}/config.ini", 0.0, 1e9) if "usedMaterial" in config else None,
    )
    return job(facts, [[Shown(time_s=t)] for t in times], mask_of)


def _open(path: Path) -> _Opened:
    source = ZipSource(path)
    names = source.names()
    config = _table(source.text("config.ini"), f"{path}/config.ini")
    slicer = _table(source.text("prusaslicer.ini"), f"{path}/prusaslicer.ini") if "prusaslicer.ini" in names else {}
    prefix = config.get("jobDir")
    if prefix is None:
        raise JobError(f"{path}/config.ini: jobDir, what the names of frames begin with, is missing; the file is damaged")
    layers = sorted(name for name in names if name.startswith(prefix) and name.lower().endswith(".png") and "/" not in name)
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise JobError(f"{path}: {len(layers)} frames begin with {prefix!r}; expected 1 to {MOST_LAYERS}")
    turn, (rows, cols), pitch = _display(config, slicer, str(path))
    edges = _edges(config, slicer, len(layers), str(path))
    try:
        grid = Grid(origin_um=(0.0, 0.0), pitch_um=pitch, shape=(rows, cols), z_edges_um=edges)
    except GridError as err:
        raise JobError(f"{path}: {err}; the file is damaged") from err
    return _Opened(source, config, slicer, layers, grid, turn, _fade(config, f"{path}/config.ini"))


def _display(config: Table, slicer: Table, where: str) -> tuple[Orientation, tuple[int, int], tuple[float, float]]:
    """Return how frames are turned, the grid's (rows, cols), and its pitch (x, y) [µm]."""
    if "display_pixels_x" not in slicer:
        panel = PANELS.get(config.get("printerModel", ""))
        if panel is None:
            raise JobError(f"{where}: no prusaslicer.ini with display_pixels_x and display_width, and no printer whose panel is known")
        capability = panel.capability
        assert capability.orientation is not None and capability.exact_size is not None and capability.exact_pitch_um is not None
        return capability.orientation, frames.frame_shape(capability.exact_size, capability.orientation), capability.exact_pitch_um
    table = f"{where}/prusaslicer.ini"
    cols, rows = (_whole(slicer, f"display_pixels_{axis}", table, 1, 1 << 24) for axis in "xy")
    width, height = (_float(slicer, key, table, 1e-6, MOST_MM) for key in ("display_width", "display_height"))
    return turn_of(slicer), (rows, cols), (round(width * 1000.0 / cols, 9), round(height * 1000.0 / rows, 9))


def _edges(config: Table, slicer: Table, n: int, where: str) -> np.ndarray:
    """Return the slab edges [µm]."""
    height = _float(config, "layerHeight", f"{where}/config.ini", 1e-6, MOST_MM)
    first = height
    if "layerHeightFirst" in config:
        first = _float(config, "layerHeightFirst", f"{where}/config.ini", 1e-6, MOST_MM)
    elif "initial_layer_height" in slicer:
        first = _float(slicer, "initial_layer_height", f"{where}/prusaslicer.ini", 1e-6, MOST_MM)
    first_um, height_um = round(first * 1000.0, 6), round(height * 1000.0, 6)
    return np.concatenate([[0.0], first_um + height_um * np.arange(n)])


def _fade(config: Table, where: str) -> Fade:
    first, normal = (_float(config, key, where, 1e-3, MOST_S) for key in ("expTimeFirst", "expTime"))
    layers = _whole(config, "numFade", where, 0, 1 << 31)
    return Fade(max(1, int(first * 1e3)), max(1, int(normal * 1e3)), min(max(layers, FEWEST), MOST))


def _tables(opened: _Opened) -> list[str]:
    """Say where the tables do not fit the frames or the printer."""
    config, wrong = opened.config, []
    counted = sum(int(config[key]) for key in ("numFast", "numSlow") if config.get(key, "").isdecimal())
    if counted != len(opened.frames):
        wrong.append(f"config.ini: numFast + numSlow are {counted}, the file has {len(opened.frames)} frames")
    layers = config.get("numFade", "")
    if not (layers.isdecimal() and FEWEST <= int(layers) <= MOST):
        wrong.append(f"config.ini: numFade is {layers}; printers take {FEWEST} to {MOST}")
    prefix = config["jobDir"]
    if [name for k, name in enumerate(opened.frames) if name != f"{prefix}{k:05d}.png"]:
        wrong.append("names of frames do not count from 00000 without a gap")
    panel = PANELS.get(config.get("printerModel", ""))
    if panel is None:
        return wrong
    size = frames.frame_shape(opened.grid.shape, opened.turn)
    assert panel.capability.exact_size is not None
    if size != panel.capability.exact_size:
        wrong.append(
            f"frames are {size_text(size)} px; those of printer {config['printerModel']} are {size_text(panel.capability.exact_size)} px"
        )
    if float(opened.grid.thickness_um.min()) < panel.capability.min_layer_um:
        wrong.append(f"layers of {opened.grid.thickness_um.min():g} µm; printer {config['printerModel']} prints 50 µm instead")
    return wrong


def _table(data: bytes, where: str) -> Table:
    """Read lines of ``key = value``."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise JobError(f"{where}: not text ({err}); the file is damaged") from err
    table: Table = {}
    for line in text.splitlines():
        key, mark, value = line.partition("=")
        if mark and not line.lstrip().startswith(("#", ";")):
            table[key.strip()] = value.strip()
    return table


def _float(table: Table, key: str, where: str, low: float, high: float) -> float:
    try:
        value = float(table[key])
    except KeyError:
        raise JobError(f"{where}: {key} is missing; the file is damaged") from None
    except ValueError:
        raise JobError(f"{where}: {key} is {table[key][:40]!r}; expected a number") from None
    if not (math.isfinite(value) and low <= value <= high):
        raise JobError(f"{where}: {key} is {value:g}; expected {low:g} to {high:g}")
    return value


def _whole(table: Table, key: str, where: str, low: int, high: int) -> int:
    value = _float(table, key, where, low, high)
    if value != int(value):
        raise JobError(f"{where}: {key} is {value:g}; expected a whole number")
    return int(value)
