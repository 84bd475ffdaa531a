"""A stage that is off: fields of a job at the places that they really get to, on a plate of pixels fine enough for these."""

from __future__ import annotations

import dataclasses
import math

import msgspec
import numpy as np

from pmsl.core.arrays import distinct
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.core.runs import Runs
from pmsl.errors import JobError, UsageError
from pmsl.fields.on_plate import MOST_PX, with_field
from pmsl.fields.tiles import PHASES, FieldLayout
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.layer_source import MappedLayers
from pmsl.job.print_job import STAGE_ERROR, PrintJob
from pmsl.profiles import Printer
from pmsl.profiles.tables.strict_struct import Value

MOST_PARTS = 10  # of a pixel along each axis
NEAR_PARTS_PX = 0.01  # what a place may be off by on the fine plate before finer ones are tried


class StageError(msgspec.Struct, frozen=True):
    """How far a stage is off that moves pictures.

    Attributes
    ----------
    um : float
        From neighbour to neighbour along x and y in the worst case; one standard deviation of every place along each axis at random [µm].
    seed : int, optional
        Of the random places; left out, the worst case: every second field, as on a chessboard, is off by that along x and y, so that
        seams gape and overlap in turn.
    """

    um: float
    seed: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.um) and self.um >= 0):
            raise UsageError(f"stage error {self.um:g} µm: expected a length of 0 or more")
        if self.seed is not None and self.seed < 0:
            raise UsageError(f"seed {self.seed}: expected a whole number of 0 or more")

    def off_um(self, col: int, row: int, layer: int) -> np.ndarray:
        """Return how far a field of a layer is off: (2,) float64, x and y [µm]; the same every time.

        Parameters
        ----------
        col, row : int
            Of the field.
        layer : int
        """
        if self.seed is None:
            return np.full(2, self.um * ((col + row) % 2))
        return np.asarray(np.random.default_rng([self.seed, layer, row, col]).normal(0.0, self.um, 2))


class FinePlate(msgspec.Struct, frozen=True, eq=False):
    """A job of several fields put together on a plate of finer pixels.

    Attributes
    ----------
    job : PrintJob
        Of one field.
    parts : int
        Of a pixel along each axis.
    rounded_um : float
        What places are rounded by at most [µm].
    """

    job: PrintJob
    parts: int
    rounded_um: float


def on_fine_plate(job: PrintJob, error: StageError | None, moved: bool = True) -> FinePlate:
    """Put the fields of a job together where a stage that is off takes them.

    Parameters
    ----------
    job : PrintJob
        Of several fields.
    error : StageError, optional
        Beside what the job knows; left out, fields lie where it says.
    moved : bool
        False: fields stay where the job says, on the plate that the error asks for.

    Notes
    -----
    Pixels are cut into the fewest parts along each axis that all places are whole numbers of, or into 10; light beside the plate is lost.

    Raises
    ------
    JobError
        An uneven field that nobody evens out, a spot whose mirrors cannot be parted, a plate of more than 2**27 fine pixels.
    """
    assert job.tiles is not None
    _check(job)
    layout, pitch = FieldLayout.of(job.printer, job.process, job.tiles), np.array(job.printer.optics.pitch_um.value)
    places_px = _places_px(layout, error)
    parts = _parts(places_px)
    margin = math.ceil(_largest_um(layout, error, job.n_layers) / float(pitch.min())) if error is not None else 0
    margin += 0 if layout.on_one_grid else 1
    rows, cols = (parts * (n + 2 * margin) for n in layout.plate_px)
    if rows * cols > MOST_PX:
        raise JobError(f"the plate has {rows * cols:.3g} pixels, {parts} of each along x and y; limit {MOST_PX:.3g}: look at a smaller job")
    first, fine = job.engines[0], pitch / parts
    corner, z_edges = -margin * pitch, first.grid.z_edges_um
    grid = Grid(
        origin_um=(float(corner[0]), float(corner[1])), pitch_um=(float(fine[0]), float(fine[1])), shape=(rows, cols), z_edges_um=z_edges
    )
    fields = _Places(layout, error if moved else None, corner, fine, parts, (rows, cols))

    def together(plan: LayerPlan) -> LayerPlan:
        return dataclasses.replace(plan, exposures=tuple(fields.placed(e, plan.index) for e in plan.exposures), facts_of=None)

    whole = dataclasses.replace(
        job,
        engines=(dataclasses.replace(first, grid=grid), *job.engines[1:]),
        printer=_finer(with_field(job.printer, (rows, cols)), parts),
        plan_layer=MappedLayers(job.layer_source, together),
        tiles=None,
        requires=tuple(name for name in job.requires if name != STAGE_ERROR),
    )
    at_random = error is not None and error.seed is not None
    return FinePlate(whole, parts, (0.5 if at_random else _missed(places_px, parts)) * float(fine.max()))


def off_of_layer(job: PrintJob, error: StageError, layer: int) -> dict[tuple[int, int], np.ndarray]:
    """Return how far each field of a layer that has light is off: x and y [µm] by column and row."""
    assert job.tiles is not None
    layout = FieldLayout.of(job.printer, job.process, job.tiles)
    numbers = [_number(layout, e, layer) for e in job.bare(layer).exposures]
    return {(col, row): error.off_um(col, row, layer) for col, row in numbers}


def jogs_um(off: dict[tuple[int, int], np.ndarray]) -> tuple[float, float]:
    """Return how far neighbours are shifted along the seam between them, and across it, at most: (jog, gap) [µm]."""
    jog = gap = 0.0
    for (col, row), here in off.items():
        for along, other in ((1, (col + 1, row)), (0, (col, row + 1))):
            if other in off:
                apart = np.abs(off[other] - here)
                jog, gap = max(jog, float(apart[along])), max(gap, float(apart[1 - along]))
    return jog, gap


class _Places(msgspec.Struct, frozen=True, eq=False):
    """Where frames go on the fine plate, whose lower corner is at `corner_um`."""

    layout: FieldLayout
    error: StageError | None
    corner_um: np.ndarray
    fine_um: np.ndarray
    parts: int
    shape: tuple[int, int]

    def placed(self, e: Exposure, k: int) -> Exposure:
        """Return an exposure on the fine plate; light beside it is lost."""
        off = 0.0 if self.error is None else self.error.off_um(*_number(self.layout, e, k), k)
        at = (np.array(e.offset_um) + off - self.corner_um) / self.fine_um
        col, row = np.rint(at).astype(int).tolist()
        mask = _parted(e.mask, self.parts, row, col, self.shape)
        return dataclasses.replace(e, mask=mask, offset_um=(0.0, 0.0), mask_sha256=None)


def _parted(mask: LayerMask, parts: int, row: int, col: int, shape: tuple[int, int]) -> LayerMask:
    """Return a mask whose pixels are cut into parts, its corner at a row and a column of a field of `shape`; cut off at its edges."""
    runs, top = mask.runs_8bit(), mask.window.row0 * parts + row
    first, end = np.clip(runs.col * parts + col, 0, shape[1]), np.clip((runs.col + runs.length) * parts + col, 0, shape[1])
    inside = end > first
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(inside)])[runs.row_start]
    n = len(runs.row_start) - 1
    wanted = np.arange(max(top, 0), min(top + n * parts, shape[0]))
    which = (wanted - top) // parts
    counts = np.diff(before)[which]
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    at = np.repeat(before[which] - start[:-1], counts) + np.arange(start[-1])
    first, length, value = first[inside][at].astype(np.int32), (end - first)[inside][at].astype(np.int32), runs.value[inside][at]
    return LayerMask.from_runs(mask.index, shape, max(top, 0), Runs(start, first, length, value))


def _number(layout: FieldLayout, e: Exposure, layer: int) -> tuple[int, int]:
    """Return column and row of the field that an exposure is of: the nearest."""
    at = np.array(e.offset_um) / layout.pitch_um
    col, row = (
        int(np.argmin([abs(a.corner_px(i, layer) - px) for i in range(a.count)])) for a, px in zip((layout.x, layout.y), at, strict=True)
    )
    return col, row


def _places_px(layout: FieldLayout, error: StageError | None) -> np.ndarray:
    """Return what places have to be whole numbers of parts of: (n,) [px]."""
    pitch = np.array(layout.pitch_um)
    places = [np.zeros(2)]
    if error is not None and error.seed is None:
        places.append(error.um / pitch)
    if not layout.on_one_grid:
        places += [np.array(t.corner_um) / pitch for k in range(PHASES) for t in layout.tiles(k)]
    found = np.concatenate(places)
    return distinct(np.round(found % 1.0, 9))[0] if error is None or error.seed is None else np.array([0.5, 1.0 / MOST_PARTS])


def _parts(places_px: np.ndarray) -> int:
    """Return the fewest parts of a pixel that places are whole numbers of, near enough."""
    return next((n for n in range(1, MOST_PARTS) if _missed(places_px, n) <= NEAR_PARTS_PX * n), MOST_PARTS)


def _missed(places_px: np.ndarray, parts: int) -> float:
    """Return by how many parts places miss whole numbers of them, at most."""
    return float(np.abs(places_px * parts - np.rint(places_px * parts)).max())


def _largest_um(layout: FieldLayout, error: StageError, n_layers: int) -> float:
    if error.seed is None:
        return error.um
    (nx, ny), most = layout.counts, 0.0
    for k in range(n_layers):
        most = max(most, *(float(np.abs(error.off_um(i, j, k)).max()) for i in range(nx) for j in range(ny)))
    return most


def _check(job: PrintJob) -> None:
    optics = job.printer.optics
    if optics.flat_field is not None and job.process.evened != "delegated":
        raise JobError(
            f"printer {job.printer.name} has an uneven field, other in each field of the plate: what is asked for is not offered"
        )
    if optics.psf.kind not in ("gaussian", "lorentzian"):
        raise JobError(
            f"printer {job.printer.name} has a psf of kind {optics.psf.kind!r}: places between pixels are known of 'gaussian' and "
            "'lorentzian' spots, whose mirrors fill their pixels"
        )


def _finer(printer: Printer, parts: int) -> Printer:
    """Return a printer whose pixels are cut into parts, with the same spot."""
    optics = printer.optics
    x, y = optics.pitch_um.value
    pitch = msgspec.structs.replace(optics.pitch_um, value=(x / parts, y / parts))
    lengths = {name: getattr(optics.psf, name) for name in ("sigma_pitch", "gamma_pitch")}
    longer = {name: _times(value, parts) for name, value in lengths.items() if value is not None}
    psf = msgspec.structs.replace(optics.psf, **longer)
    return msgspec.structs.replace(printer, optics=msgspec.structs.replace(optics, pitch_um=pitch, psf=psf))


def _times(value: Value[float], parts: int) -> Value[float]:
    return msgspec.structs.replace(value, value=parts * value.value)
