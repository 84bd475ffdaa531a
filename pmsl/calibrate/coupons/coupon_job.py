"""Coupons as jobs: what is lit when, what the parts are, and the record of both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET

from pmsl.calibrate.coupons.tile_layout import TileLayout
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.errors import UsageError
from pmsl.exposure.dose_limits import check_limits
from pmsl.exposure.planning import whole_frames
from pmsl.exposure.technique import check_technique
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import Engine, PartRecord, PrintJob, Provenance
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.optics import LightSetting
from pmsl.profiles.placeholders import placeholders
from pmsl.version import __version__

Row = Mapping[str, float | int | str]
Rectangle = tuple[int, int, int, int]  # first row, first column, rows, columns [px]


class Prism(NamedTuple):
    """A convex polygon, counterclockwise, drawn up from one height to another [µm]."""

    xy_um: Sequence[tuple[float, float]]
    low_um: float
    high_um: float


class TileExposure(NamedTuple):
    """One exposure of a coupon: what is lit, with which dose of a white pixel, light setting, dark time before it, focus, and where."""

    mask: LayerMask
    dose_mj_cm2: float
    power: float | None = None
    wait_before_s: float = 0.0
    focus_um: float = 0.0
    offset_um: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Coupon:
    """A test print, and the sheet that goes with it.

    Attributes
    ----------
    kind : str
    job : PrintJob
    layout : TileLayout
        Where tiles and numbers lie.
    columns : tuple of str
        Of the sheet, without ``sd_um, replicate, use, note``.
    rows : tuple of mapping
        Of the sheet: column → what is known before it is measured; a number, or a text.
    notes : tuple of str
        How to measure, for the head of the sheet.
    marks_px : tuple of (float, float, str)
        Where to measure, column and row in the field [px], with a word or two.
    """

    kind: str
    job: PrintJob
    layout: TileLayout
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    marks_px: tuple[tuple[float, float, str], ...] = ()

    @property
    def digest(self) -> str:
        """What sheet and job say they are of: 16 hexadecimal digits."""
        return digest_of(self.columns, self.rows)


def check_pictures(printer: Printer, process: Process) -> None:
    """Refuse a printer that shows no pictures, of which coupons are made; raises `UsageError`."""
    if printer.laser is not UNSET:
        raise UsageError(
            f"printer {printer.name} draws with a laser, and test prints are pictures; measure the lines that it draws, as a film's "
            "thickness at several speeds, and give doses (dose_mj_cm2) to pmsl calibrate fit working-curve"
        )
    check_technique(printer, process)


def row_text(columns: Sequence[str], row: Row) -> str:
    """Return the cells of a row, those that are measured blank."""
    cells = (row.get(name, "") for name in columns)
    return ",".join(f"{cell:.9g}" if isinstance(cell, float) else str(cell) for cell in cells)


def digest_of(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Return the digest of a coupon's rows."""
    return hashlib.sha256("\n".join(row_text(columns, row) for row in rows).encode()).hexdigest()[:16]


def rectangles_mask(index: int, shape: tuple[int, int], rectangles: Sequence[Rectangle], levels: int | Sequence[int] = 255) -> LayerMask:
    """Return rectangles as a mask.

    Parameters
    ----------
    index : int
        Layer.
    shape : (int, int)
        (rows, cols) of the field.
    rectangles : sequence of (row0, col0, rows, cols)
    levels : int or sequence of int
        Gray of all, or of each.
    """
    out = np.zeros(shape, np.uint8)
    each = [levels] * len(rectangles) if isinstance(levels, int) else levels
    for (row0, col0, rows, cols), level in zip(rectangles, each, strict=True):
        out[row0 : row0 + rows, col0 : col0 + cols] = level
    return LayerMask.from_window(index, shape, Window(0, 0, *shape), out)


def numbers_mask(layout: TileLayout, tiles: Sequence[int], index: int = 0) -> LayerMask:
    """Return the numbers of tiles, without the tiles, as a mask."""
    return rectangles_mask(index, layout.shape, [r for i in tiles for r in layout.rectangles(i)[1:]])


def prism_of(grid: Grid, rectangle: Rectangle, low_um: float, high_um: float) -> Prism:
    """Return a rectangle of pixels as a block."""
    row, col, rows, cols = rectangle
    (x0, y0), (px, py) = grid.origin_um.tolist(), grid.pitch_um.tolist()
    left, right, front, back = x0 + col * px, x0 + (col + cols) * px, y0 + row * py, y0 + (row + rows) * py
    return Prism(((left, front), (right, front), (right, back), (left, back)), low_um, high_um)


def prism_part(prisms: Sequence[Prism], label: str) -> Part:
    """Return prisms as a part; they may touch.

    Parameters
    ----------
    prisms : sequence of Prism
    label : str
        What a job calls it.
    """
    corners, faces, base = [], [], 0
    for xy, low, high in prisms:
        n = len(xy)
        corners += [(x, y, z) for z in (low, high) for x, y in xy]
        for k in range(1, n - 1):
            faces += [(0, k + 1, k), (n, n + k, n + k + 1)]
        for k in range(n):
            m = (k + 1) % n
            faces += [(k, m, n + m), (k, n + m, n + k)]
        faces[-(4 * n - 4) :] = [(a + base, b + base, c + base) for a, b, c in faces[-(4 * n - 4) :]]
        base += 2 * n
    return Part(solid=Solid.from_arrays(np.array(corners, np.float64), np.array(faces), source=label), label=label)


def coupon_grid(printer: Printer, heights_um: Sequence[float]) -> Grid:
    """Return the field of a printer with slabs of these heights [µm] from the plate on."""
    edges = np.concatenate([[0.0], np.cumsum(heights_um)])
    return Grid(origin_um=(0.0, 0.0), pitch_um=printer.optics.pitch_um.value, shape=printer.field_px, z_edges_um=edges)


def coupon_job(
    kind: str,
    digest: str,
    profiles: tuple[Printer, Resin, Process],
    grid: Grid,
    shots: Callable[[int], Sequence[TileExposure]],
    parts: Sequence[Part],
) -> PrintJob:
    """Return the job of a coupon.

    Parameters
    ----------
    kind, digest : str
        Of the coupon; the job says them as its placement.
    profiles : (Printer, Resin, Process)
    grid : Grid
    shots : callable
        Layer → its exposures, in order.
    parts : sequence of Part
        The design.

    Raises
    ------
    ExposureError
        A dose beyond the printer's limits.
    """
    printer, resin, process = profiles
    heights = grid.thickness_um
    process = msgspec.structs.replace(process, name=kind, layer_um=float(heights[0]), layers=None, corrections=(), bottom_dose_factors=())
    settings = {setting.power: setting for setting in printer.optics.settings}

    def exposure(shot: TileExposure) -> Exposure:
        power = printer.optics.settings[0].power if shot.power is None else shot.power
        dose, time = whole_frames(np.array([shot.dose_mj_cm2]), settings[power].irradiance_mw_cm2.value, printer)
        check_limits(dose, time, power, printer, np.array([shot.mask.index]))
        return Exposure(
            mask=shot.mask,
            time_s=float(time[0]),
            dose_mj_cm2=float(dose[0]),
            power=power,
            wait_before_s=shot.wait_before_s,
            focus_um=shot.focus_um,
            offset_um=shot.offset_um,
        )

    def plan(k: int) -> LayerPlan:
        exposures = tuple(exposure(shot) for shot in shots(k) if not shot.mask.empty)
        top = float(grid.z_edges_um[k + 1])
        return LayerPlan(index=k, z_top_um=top, thickness_um=float(heights[k]), motion=process.motion.at(k), exposures=exposures)

    design = tuple(parts)
    used = dict.fromkeys(e.power for e in plan(0).exposures)
    missing = tuple(dict.fromkeys(name for power in used for name in placeholders(printer, resin, power)))
    return PrintJob(
        engines=(Engine(grid=grid, wavelength_nm=printer.optics.wavelength_nm.value, orientation=printer.turn),),
        printer=printer,
        resin=resin,
        process=process,
        provenance=Provenance(version=__version__, inputs=(), placement=f"coupon {kind} {digest}"),
        parts=tuple(_record(part) for part in design),
        n_layers=len(heights),
        plan_layer=plan,
        design_of=lambda: design,
        placeholders=missing,
    )


def most_dose_mj_cm2(printer: Printer, settings: Sequence[LightSetting] = ()) -> float:
    """Return the largest dose that a printer gives in one exposure with each of some light settings, else with its first [mJ/cm²]."""
    limits, lights = printer.limits, settings or printer.optics.settings[:1]
    return min(limits.max_dose_mj_cm2.value, *(limits.max_exposure_s.value * s.irradiance_mw_cm2.value for s in lights))


def check_dose(dose_mj_cm2: float, printer: Printer, kind: str) -> None:
    """Refuse a coupon whose strongest dose the printer does not give in one exposure; raises `UsageError`."""
    most = most_dose_mj_cm2(printer)
    if dose_mj_cm2 > most * (1 + 1e-9):
        raise UsageError(
            f"coupon {kind}: needs {dose_mj_cm2:.4g} mJ/cm²; printer {printer.name} gives at most {most:.4g} an exposure; "
            "choose lower doses (--range LO,HI)"
        )


def _record(part: Part) -> PartRecord:
    low, high = part.bounds_um().tolist()
    return PartRecord(label=part.label, sha256=part.solid.sha256, bounds_um=(tuple(low), tuple(high)))
