"""Where findings of the checks are: boxes in µm, areas in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid

Box = tuple[tuple[float, ...], tuple[float, ...]]
Extent = tuple[int, ...]  # first row and column, one past the last of both, first and last layer
MOST = 100  # findings of a code and severity in a job; more are counted


def box_um(grid: Grid, rows: tuple[int, int], cols: tuple[int, int], layers: tuple[int, int]) -> Box:
    """Return the box of pixels [µm].

    Parameters
    ----------
    grid : Grid
    rows, cols : (int, int)
        The first, and one past the last.
    layers : (int, int)
        The first and the last.
    """
    (x0, y0), (px, py), z = grid.origin_um.tolist(), grid.pitch_um.tolist(), grid.z_edges_um
    low = (x0 + cols[0] * px, y0 + rows[0] * py, float(z[layers[0]]))
    return low, (x0 + cols[1] * px, y0 + rows[1] * py, float(z[layers[1] + 1]))


def largest(findings: list[Finding], many: int = MOST) -> list[Finding]:
    """Return the findings with the largest values, from the plate up; the last of them says how many more there are.

    Parameters
    ----------
    findings : list of Finding
        Of one code and severity.
    many : int
        How many at most.
    """
    return worst(findings, lambda finding: -(finding.value or 0.0), many, "smaller ones")


def worst(findings: list[Finding], key: Callable[[Finding], float], many: int, others: str = "more") -> list[Finding]:
    """Return the findings with the smallest keys, in their order; the last of them says how many others there are.

    Parameters
    ----------
    findings : list of Finding
        Of one code and severity.
    key : callable
    many : int
        How many at most.
    others : str
        What those are that are not listed.
    """
    if len(findings) <= many:
        return findings
    order = sorted(range(len(findings)), key=lambda i: key(findings[i]))
    chosen = [findings[i] for i in sorted(order[:many])]
    more = f"{chosen[-1].message}; {len(findings) - many} {others} are not listed"
    return [*chosen[:-1], msgspec.structs.replace(chosen[-1], message=more)]


class Extents:
    """Extents to compare others with.

    Parameters
    ----------
    extents : sequence of (6,) tuple of int
    """

    def __init__(self, extents: Sequence[Extent]) -> None:
        along = np.array(extents, np.int64).reshape(-1, 6).T
        self._low, self._past = along[[0, 1, 4]], along[[2, 3, 5]] + [[0], [0], [1]]

    def meet(self, extent: Extent) -> np.ndarray:
        """Tell which of them overlap another extent, or touch it: (N,) bool.

        Parameters
        ----------
        extent : (6,) tuple of int
        """
        row0, col0, row1, col1, first, last = extent
        meets = np.ones(self._low.shape[1], bool)
        for axis, (low, past) in enumerate(((row0, row1), (col0, col1), (first, last + 1))):
            meets &= (self._past[axis] >= low) & (self._low[axis] <= past)
        return meets


def width_px(extent: Extent) -> int:
    """Return the smaller of the sizes of an extent along rows and columns [px].

    Parameters
    ----------
    extent : (6,) tuple of int
    """
    return min(extent[2] - extent[0], extent[3] - extent[1])


def area_text(area_um2: float) -> str:
    """Write an area [µm²] as people say it."""
    return f"{area_um2 * 1e-6:.5g} mm²" if area_um2 >= 1e4 else f"{area_um2:.4g} µm²"


def volume_text(volume_um3: float) -> str:
    """Write a volume [µm³] as people say it: 1e6 µm³ are 1 nl."""
    return f"{volume_um3 * 1e-6:.4g} nl"
