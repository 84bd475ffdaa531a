"""The predicted solid as a mesh: marching cubes over the cure front, a band of layers at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pmsl.core.grid import Grid
from pmsl.errors import OutputError
from pmsl.predict.measure.comparison import SeenLayer
from pmsl.profiles.distortion.field_map import FieldMap

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
POWER = 1 / 3  # of the dose: linear between pixels in it, walls lie within 0.15 px (in the dose or its logarithm: half a pixel off)
MOST = 20.0
GAP = 1e-3  # of a slab: how far above and below an exposure plane its two sides are
BAND = 1 << 25  # samples at a time


class MeshWriter:
    """Writes the predicted solid as binary STL [mm] while a job is simulated; use as a context, complete or absent.

    Two sheets a slab, one just below its exposure plane and one just above its far face. Between them the dose falls by one and the same
    factor in every column, so where marching cubes puts a surface tells the cured thickness exactly; across a plane the dose may jump.

    Parameters
    ----------
    path : str or Path
    grid : Grid
    field_map : FieldMap, optional
        Where the picture lands on the plate; left out, where it is.

    Raises
    ------
    OutputError
        The file cannot be written.
    """

    def __init__(self, path: str | Path, grid: Grid, field_map: FieldMap | None = None) -> None:
        self.path, self.grid, self._field_map = Path(path), grid, field_map
        self.facets = 0
        self.volume_um3 = 0.0
        self._sheets: list[np.ndarray] = []
        self._z_um: list[float] = []
        self._falls: list[float] = []
        self._file: BinaryIO | None = None
        self._draft = self.path.with_name(f".{self.path.name[:32]}.{os.getpid()}.partial")

    def __enter__(self) -> MeshWriter:
        """Open the draft; raises `OutputError` where it cannot be written."""
        try:
            self._file = open(self._draft, "wb")
            self._file.write(b"pmsl predicted solid, unit mm".ljust(80) + b"\0" * 4)
        except OSError as err:
            raise OutputError(f"{self.path}: the mesh cannot be written ({err.strerror or err})") from err
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the file, or leave nothing."""
        assert self._file is not None
        try:
            if kind is None:
                self._finish()
            self._file.close()
            if kind is None:
                os.replace(self._draft, self.path)
        except OSError as err:
            raise OutputError(f"{self.path}: the mesh cannot be written ({err.strerror or err})") from err
        finally:
            self._file.close()
            self._draft.unlink(missing_ok=True)

    def __call__(self, seen: SeenLayer) -> None:
        """Take one layer."""
        lit = seen.lit
        self._origin_px = np.array([seen.window.row0, seen.window.col0]) - 1  # of the rim of nothing
        rate = -POWER * np.log(lit.flush_share) / lit.shift  # of the powered dose's logarithm, for a slab
        level = np.pad(rate * lit.front, 1, constant_values=-np.inf)
        if not self._sheets:
            self._put(np.full(level.shape, -1.0, np.float32), lit.z_top_um, 0.0)
        for depth, fall in ((GAP, (1.0 - 2 * GAP) * rate), (1.0 - GAP, 0.0)):
            self._put(np.expm1(np.minimum(level - depth * rate, MOST)), lit.z_top_um - depth * lit.height_um, fall)
        if len(self._sheets) * level.size >= BAND:
            self._cut()

    def _put(self, sheet: np.ndarray, z_um: float, fall: float) -> None:
        """Add a sheet: relative excess of the powered dose over the threshold, height, fall of its logarithm to the next (0: a jump)."""
        self._sheets.append(np.asarray(sheet, np.float32))
        self._z_um.append(z_um)
        self._falls.append(fall)

    def _finish(self) -> None:
        if self._sheets:
            self._put(np.full_like(self._sheets[-1], -1.0), 0.0, 0.0)
            self._cut()
        assert self._file is not None
        self._file.seek(80)
        self._file.write(np.array(self.facets, "<u4").tobytes())

    def _cut(self) -> None:
        """March through the sheets so far; the last one begins the next band."""
        from skimage.measure import marching_cubes

        stack, heights, falls = np.array(self._sheets), np.array(self._z_um), np.array(self._falls)
        self._sheets, self._z_um, self._falls = self._sheets[-1:], self._z_um[-1:], self._falls[-1:]
        if len(stack) < 2 or not (stack > 0).any():
            return
        places, faces, _, _ = marching_cubes(stack, 0.0, gradient_direction="ascent")
        xy = (places[:, 1:].astype(np.float64) + self._origin_px + 0.5)[:, ::-1] * self.grid.pitch_um + self.grid.origin_um
        xy = xy if self._field_map is None else self._field_map.plate_um(xy)
        points_mm = np.column_stack([xy, _heights(places[:, 0].astype(np.float64), heights, falls)]) * 1e-3
        corners = points_mm[faces]
        out = np.zeros(len(faces), FACET)
        out["corners"] = corners
        self.volume_um3 += float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()) / 6 * 1e9
        self.facets += len(faces)
        assert self._file is not None
        self._file.write(out.tobytes())


def _heights(place: np.ndarray, heights: np.ndarray, falls: np.ndarray) -> np.ndarray:
    """Return the height of places between sheets (their numbers, from the top).

    Inside a slab the excess falls from ``e^u - 1`` to ``e^(u - f) - 1``, f the fall; what is linear there at part t is 0 at depth
    ``-ln(1 - t (1 - e^-f)) / f`` of the slab.
    """
    above = np.minimum(place.astype(np.int64), len(heights) - 2)
    part = place - above
    fall = falls[above]
    bent = -np.log1p(part * np.expm1(-fall)) / np.where(fall > 0, fall, 1.0)
    part = np.where(fall > 0, bent, part)
    return np.asarray(heights[above] + part * (heights[above + 1] - heights[above]))
