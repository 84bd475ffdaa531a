"""What a laser draws in a layer: polylines with the power and speed of the spot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.errors import JobError

if TYPE_CHECKING:
    from pmsl.profiles.printer import Laser

Kind = Literal["border", "hatch", "skin"]
KINDS: tuple[Kind, ...] = ("border", "hatch", "skin")


@dataclass(frozen=True, slots=True, eq=False)
class Polyline:
    """One line that is drawn without a break.

    Attributes
    ----------
    kind : {"border", "hatch", "skin"}
        An outline, a hatch line, or one of a first or last layer of a face.
    points_um : (n, 2) float64
        From its first to its last point, x and y on the field [µm]; of a border the last point is the first.
    power_mw : float
        Of the laser at the resin [mW].
    speed_um_s : float
        Of the spot [µm/s].
    """

    kind: Kind
    points_um: np.ndarray
    power_mw: float
    speed_um_s: float


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLines:
    """Lines of one kind, one power and one speed, in the order they are drawn.

    Attributes
    ----------
    kind : {"border", "hatch", "skin"}
    power_mw, speed_um_s : float
    points_um : (N, 2) float64
        Points of all of them [µm].
    start : (n + 1,) int64
        First point of each line, and N; a line has two points or more.
    """

    kind: Kind
    power_mw: float
    speed_um_s: float
    points_um: np.ndarray
    start: np.ndarray

    def __post_init__(self) -> None:
        start, n = self.start, len(self.points_um)
        fits = len(start) > 0 and start[0] == 0 and start[-1] == n and (np.diff(start) >= 2).all() and self.points_um.shape == (n, 2)
        if not fits:
            raise JobError(f"drawn lines: offsets do not fit {n} points, or a line has less than two")
        for array in (self.points_um, start):
            frozen(array)

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def first_um(self) -> np.ndarray:
        """(n, 2) float64 [µm]: first point of every line."""
        return np.asarray(self.points_um[self.start[:-1]])

    @property
    def last_um(self) -> np.ndarray:
        """(n, 2) float64 [µm]: last point of every line."""
        return np.asarray(self.points_um[self.start[1:] - 1])

    @property
    def segments_um(self) -> np.ndarray:
        """(m, 2, 2) float64 [µm]: straight pieces of all lines, from and to."""
        inside = np.ones(max(len(self.points_um) - 1, 0), bool)
        inside[self.start[1:-1] - 1] = False
        return np.stack([self.points_um[:-1], self.points_um[1:]], axis=1)[inside]

    @property
    def length_um(self) -> float:
        """Length of all lines [µm]."""
        way = self.segments_um[:, 1] - self.segments_um[:, 0]
        return float(np.hypot(way[:, 0], way[:, 1]).sum())

    @property
    def mj_um(self) -> float:
        """Energy on each µm of a line [mJ/µm]."""
        return self.power_mw / self.speed_um_s

    def polylines(self) -> Iterator[Polyline]:
        """Yield the lines one by one, in the order they are drawn."""
        for a, b in zip(self.start[:-1].tolist(), self.start[1:].tolist(), strict=True):
            yield Polyline(self.kind, self.points_um[a:b], self.power_mw, self.speed_um_s)


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """All that is drawn in one layer, in the order it is drawn.

    Attributes
    ----------
    w0_um : float
        Radius of the spot (1/e²) [µm].
    groups : tuple of DrawnLines
        None of them empty.
    """

    w0_um: float
    groups: tuple[DrawnLines, ...]

    @property
    def points_um(self) -> np.ndarray:
        """(N, 2) float64 [µm]: points of all lines."""
        return np.concatenate([group.points_um for group in self.groups] or [np.zeros((0, 2))])

    def polylines(self) -> Iterator[Polyline]:
        """Yield all lines, in the order they are drawn."""
        for group in self.groups:
            yield from group.polylines()

    def mark_s(self, laser: Laser) -> float:
        """Return how long the spot draws [s]: lengths over speeds, and the delay at the end of each line."""
        return sum(group.length_um / group.speed_um_s + len(group) * laser.mark_delay_s.value for group in self.groups)

    def jump_s(self, laser: Laser) -> float:
        """Return how long the dark ways between lines take [s]; the way to the first line is not among them."""
        if not self.groups:
            return 0.0
        first = np.concatenate([group.first_um for group in self.groups])
        last = np.concatenate([group.last_um for group in self.groups])
        way = first[1:] - last[:-1]
        return float(np.hypot(way[:, 0], way[:, 1]).sum()) / laser.jump_um_s.value + len(way) * laser.jump_delay_s.value


def lines_of(kind: Kind, power_mw: float, speed_um_s: float, lines: Sequence[np.ndarray] | np.ndarray) -> DrawnLines:
    """Return lines, each (n, 2) float64 [µm], or all (m, 2, 2), as one group."""
    if isinstance(lines, np.ndarray):
        return DrawnLines(kind, power_mw, speed_um_s, lines.reshape(-1, 2), np.arange(0, 2 * len(lines) + 1, 2))
    points = np.concatenate(lines) if len(lines) else np.zeros((0, 2))
    return DrawnLines(kind, power_mw, speed_um_s, points, np.cumsum([0, *(len(line) for line in lines)]).astype(np.int64))
