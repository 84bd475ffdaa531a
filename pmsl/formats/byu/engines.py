"""Light engines of a print file: which there are, how large their frames, what is known of their pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.errors import GridError, JobError, UsageError
from pmsl.formats.adapt.panel import Panel
from pmsl.formats.byu.print_file import Image
from pmsl.formats.frames import device_frame
from pmsl.job.print_job import Engine
from pmsl.profiles.printer import Orientation

ENGINES = {(1600, 2560): "visitech", (1080, 1920): "wintech"}  # by (rows, cols) of the frame, as the host's configurations call them
LABEL = re.compile(r"\s*(.{1,80}?)\s*\((\d{1,5})\s*nm\)\s*")  # how older files name an engine and its wavelength
NUMBER = r"([0-9.e+-]{1,30})"
STATED = re.compile(rf"pmsl: (?:pitch_um = {NUMBER} {NUMBER}; )?row = ([+-][xy]); col = ([+-][xy])")
EACH = re.compile(rf"; engine ([^;]{{0,80}}) (\d{{1,5}}) nm: pitch_um = {NUMBER} {NUMBER}(?: from {NUMBER} {NUMBER} um)?")
UNKNOWN_NM = 405.0  # stands in for a wavelength that the file does not say
PITCH_UM = 1.0  # stands in for a pitch that nobody says


class EngineKey(NamedTuple):
    """What makes a light engine: its name and wavelength [nm], 0 where the file does not say it."""

    name: str
    wavelength_nm: int


def key_of(image: Image) -> EngineKey:
    """Return the engine of an image."""
    name, wavelength = image.engine or "", image.wavelength_nm
    older = LABEL.fullmatch(name)
    if older is not None:
        name, wavelength = older[1], wavelength or int(older[2])
    return EngineKey(name, wavelength if wavelength is not None and wavelength > 0 else 0)


@dataclass(frozen=True, slots=True)
class Stated:
    """What pmsl wrote into a file's header: how frames lie, the pitch of the only engine, or of each."""

    orientation: Orientation | None = None
    pitch_um: tuple[float, float] | None = None
    each_um: dict[EngineKey, tuple[float, float]] = field(default_factory=dict)
    corner_um: dict[EngineKey, tuple[float, float]] = field(default_factory=dict)  # of engines whose middles are not the first one's

    def pitch_of(self, key: EngineKey) -> tuple[float, float] | None:
        """Return what is stated of an engine."""
        return self.each_um.get(key) if self.each_um else self.pitch_um

    @classmethod
    def of(cls, engines: Sequence[tuple[EngineKey, Engine]], pitch_known: bool) -> Stated:
        """Return what there is to state of engines."""
        turn = engines[0][1].orientation.plain
        if not pitch_known:
            return cls(turn)
        pitches = {key: _pair(engine.grid.pitch_um) for key, engine in engines}
        corners = {key: _pair(engine.grid.origin_um) for key, engine in engines}
        first = engines[0][1].grid
        apart = {key: corners[key] for key, e in engines[1:] if corners[key] != _same_middle(first, e.grid.shape, pitches[key])}
        return cls(turn, pitches[engines[0][0]], pitches if len(engines) > 1 else {}, apart)

    def comment(self) -> str:
        """Return it as a header's comment has it."""
        assert self.orientation is not None
        turn = self.orientation
        pitch = "" if self.pitch_um is None else f"pitch_um = {self.pitch_um[0]!r} {self.pitch_um[1]!r}; "
        each = "".join(
            f"; engine {key.name} {key.wavelength_nm} nm: pitch_um = {x!r} {y!r}{self._corner(key)}" for key, (x, y) in self.each_um.items()
        )
        mirrored = str(turn.mirrored).lower()
        return f"pmsl: {pitch}row = {turn.row}; col = {turn.col}; seen from the light side; mirrored = {mirrored}{each}"

    def _corner(self, key: EngineKey) -> str:
        """Say where an engine's field begins, where its middle is not that of the first one's."""
        return "" if key not in self.corner_um else " from {!r} {!r} um".format(*self.corner_um[key])


def _pair(pitch_um: np.ndarray) -> tuple[float, float]:
    x, y = pitch_um.tolist()
    return x, y


def stated(comment: str, where: str) -> Stated:
    """Read what a header's comment states."""
    found = STATED.search(comment)
    if found is None:
        return Stated()
    try:
        rows = EACH.findall(comment, found.end())
        each = {EngineKey(name, int(nm)): (float(x), float(y)) for name, nm, x, y, _, _ in rows}
        corners = {EngineKey(name, int(nm)): (float(x), float(y)) for name, nm, _, _, x, y in rows if x}
        pitch = None if found[1] is None else (float(found[1]), float(found[2]))
        return Stated(Orientation(row=found[3], col=found[4]), pitch, each, corners)  # type: ignore[arg-type]
    except ValueError as err:
        raise JobError(f"{where}: Header: {err}; the file is damaged") from err


def engines_of(
    shapes: Mapping[EngineKey, tuple[int, int]], edges_um: np.ndarray, said: Stated, panel: Panel | None, where: str, found: list[Finding]
) -> tuple[tuple[Engine, ...], bool]:
    """Return the engines, and whether the pitch of all is known.

    Parameters
    ----------
    shapes : mapping
        (rows, cols) of the frames of each engine, in the order of their numbers.
    edges_um : (L + 1,) float64
        Edges of the slabs.
    said : Stated
    panel : Panel or None
        Who else says what the file does not.
    where : str
    found : list of Finding
        Gets what had to stand in for what nobody says.
    """
    turn = said.orientation or (panel.orientation if panel is not None and panel.orientation is not None else Orientation())
    pitches = _pitches(shapes, said, panel, where)
    unknown = [key for key, pitch in pitches.items() if pitch is None]
    if unknown:
        names = dict.fromkeys(f"{key.name} ({shapes[key][1]}x{shapes[key][0]} px)" for key in unknown)
        words = f" of {' and '.join(names)}" if len(set(shapes.values())) > 1 else ""
        message = (
            f"the file does not say its pixel pitch{words}: {PITCH_UM:g} µm stands in its place, sizes in x and y mean nothing; "
            "say it with --pitch-um or --printer"
        )
        found.append(Finding(code="pitch-guessed", severity="warning", message=message, value=PITCH_UM, unit="µm"))
    engines: list[Engine] = []
    for key, frame in shapes.items():
        pitch = pitches[key] or (PITCH_UM, PITCH_UM)
        shape = device_frame.frame_shape(frame, turn)
        middle = engines[0].grid if engines else None
        origin = (0.0, 0.0) if middle is None else said.corner_um.get(key) or _same_middle(middle, shape, pitch)
        try:
            grid = Grid(origin_um=origin, pitch_um=pitch, shape=shape, z_edges_um=edges_um)
        except GridError as err:
            raise JobError(f"{where}: {err}; the file is damaged") from err
        engines.append(Engine(grid=grid, wavelength_nm=float(key.wavelength_nm or UNKNOWN_NM), orientation=turn, name=key.name))
    return tuple(engines), not unknown


def _pitches(
    shapes: Mapping[EngineKey, tuple[int, int]], said: Stated, panel: Panel | None, where: str
) -> dict[EngineKey, tuple[float, float] | None]:
    """Return the pitch of each engine, None where nobody says it: a panel is that of the engines with its frames."""
    if panel is None:
        return {key: said.pitch_of(key) for key in shapes}
    sizes = dict.fromkeys(shapes.values())
    if len(sizes) > 1 and panel.frame is None:
        words = " and ".join(f"{key.name} ({frame[1]}x{frame[0]} px)" for key, frame in shapes.items())
        raise UsageError(f"{where}: the file has light engines of several sizes, {words}: say which with --field, or give its --printer")
    if panel.frame not in (None, *sizes):
        panel.pitch_for(next(iter(sizes)), None, where)  # says which sizes differ
    return {
        key: panel.pitch_for(frame, said.pitch_of(key), where) if panel.frame in (None, frame) else said.pitch_of(key)
        for key, frame in shapes.items()
    }


def _same_middle(grid: Grid, shape: tuple[int, int], pitch_um: tuple[float, float]) -> tuple[float, float]:
    """Return the origin of a field that has its middle where `grid` has it: there the host aligns its engines."""
    size = np.array([shape[1] * pitch_um[0], shape[0] * pitch_um[1]])
    own = np.array([grid.shape[1], grid.shape[0]]) * grid.pitch_um
    x, y = np.round(grid.origin_um + (own - size) / 2, 9).tolist()
    return x, y
