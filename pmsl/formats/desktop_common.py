"""What print files of desktop machines share: mm and mm/min, no acceleration, bottom layers, flips but no quarter turns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import JobError
from pmsl.formats.adapt.capability import MOVES, loss, refusal
from pmsl.formats.binary_records import decimals
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Motion

MM_MIN = 60e-3  # of one µm/s
SLOWEST_UM_S = 1e-3
LONGEST_S = 1e6
NO_ACCELERATIONS = MOVES - {"lift_um_s2", "retract_um_s2"}  # what of a motion a layer of such a file has a place for


@dataclass(frozen=True, slots=True)
class BottomLayerTimes:
    """Exposure times of a job as files with bottom layers want them: that of most lit layers, that of the first, how many come before.

    Attributes
    ----------
    normal_s, bottom_s : float
    bottom_layers : int
        Layers before the first that is shown the normal time.
    """

    normal_s: float
    bottom_s: float
    bottom_layers: int


def times_of(times_s: Iterable[float]) -> BottomLayerTimes:
    """Return the common times of layers; a time of 0 is a layer without light."""
    times = np.array(list(times_s))
    lit = times[times > 0]
    if not lit.size:
        return BottomLayerTimes(0.0, 0.0, 0)
    values, counts = np.unique(lit, return_counts=True)
    normal = float(values[np.argmax(counts)])
    return BottomLayerTimes(normal, float(lit[0]), int(np.flatnonzero(times == normal)[0]))


def common_height_um(job: PrintJob) -> float:
    """Return the layer height of most layers [µm]."""
    values, counts = np.unique(np.round(job.grid.thickness_um, 6), return_counts=True)
    return float(values[np.argmax(counts)])


def for_desktop(job: PrintJob, name: str, lossy: bool, turns: Sequence[tuple[str, str]], left: str) -> PrintJob:
    """Return the fitted job with a finding on what of its moves the file has no place for.

    Parameters
    ----------
    job : PrintJob
    name : str
        Of the format.
    lossy : bool
    turns : sequence of (str, str)
        Axes of frame rows and columns that the file's marks can tell apart.
    left : str
        What the file has no place for.

    Raises
    ------
    TargetError
        Frames that are turned in a way the file cannot say.
    """
    found = [Finding(code="left-to-host", severity="info", message=f"{name} has no place for {left}: set them at the machine")]
    turn = job.engines[0].orientation
    if (turn.row, turn.col) not in turns:
        value = f"rows along {turn.row}, columns along {turn.col}"
        if not lossy:
            limit = " or ".join(f"rows along {row}, columns along {col}" for row, col in turns)
            advice = (
                "choose another format, or pass --lossy to write the frames as they are, though the file does not say how they are turned"
            )
            raise refusal(name, "orientation", value, limit, advice, must="must be")
        found.append(loss("orientation", f"{name} has no mark for frames with {value}: they are written so, and read as if they were not"))
    return dataclasses.replace(job, findings=(*job.findings, *found))


def z_edges_um(z_mm: np.ndarray, where: str) -> np.ndarray:
    """Return slab boundaries (L + 1,) float64 [µm] from the heights of all layers' tops, (L,) float32 [mm].

    Raises
    ------
    JobError
        They do not grow from the plate up.
    """
    edges = np.concatenate([np.zeros(1), np.round(decimals(z_mm) * 1e3, 6)])
    wrong = np.flatnonzero(np.diff(edges) <= 0)
    if wrong.size:
        k = int(wrong[0])
        raise JobError(
            f"{where}: layer {k} is at z = {edges[k + 1]:g} µm, what is below it ends at {edges[k]:g} µm; "
            "layers must grow: the file is damaged, or is for a machine that prints layers twice"
        )
    return edges


def speed_um_s(mm_min: float) -> float:
    """Return a speed; files that leave it at zero mean the machine's own, and get the default's."""
    return min(max(mm_min / MM_MIN, SLOWEST_UM_S), 1e9) if mm_min > 0 else Motion().lift_um_s


def bounded(value: float, high: float) -> float:
    """Return a number of a file held between 0 and `high`."""
    return min(max(value, 0.0), high)


def check_times(times_s: np.ndarray, where: str) -> None:
    """Refuse exposure times [s] that are none."""
    wrong = np.flatnonzero((times_s < 0) | (times_s > LONGEST_S))
    if wrong.size:
        raise JobError(
            f"{where}: layer {wrong[0]}: exposure_s is {times_s[wrong[0]]:g}, it must be 0 to {LONGEST_S:g} s; "
            "the file is damaged, copy or slice it again"
        )


def stated_pitch_um(size_mm: tuple[float, float], shape: tuple[int, int], where: str) -> tuple[float, float] | None:
    """Return the pixel pitch (x, y) [µm] of a field (x, y) [mm, 32-bit floats] of `shape` (rows, cols) pixels; None where it is 0.

    Raises
    ------
    JobError
        A field that is none.
    """
    if size_mm == (0.0, 0.0):
        return None
    if not min(size_mm) > 0:
        sizes = f"{size_mm[0]:g} × {size_mm[1]:g} mm"
        raise JobError(f"{where}: its field is {sizes}, it must be above 0; the file is damaged, copy or slice it again")
    x, y = np.round(decimals(np.array(size_mm)) * 1e3 / shape[::-1], 9).tolist()
    return x, y
