"""Exposures one by one, for hosts with a loop of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from pmsl.errors import UsageError
from pmsl.formats.frames.device_frame import frame_shape, painted_frame
from pmsl.host.control.interruptible_wait import finished
from pmsl.host.control.layer_prefetch import LayerPrefetch
from pmsl.host.record.mask_hashes import checked_plan
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Motion

AHEAD = 4  # layers made ahead of time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """One exposure, ready for a device.

    Attributes
    ----------
    layer, exposure : int
        Number of the layer, and of the exposure in it.
    frame : (rows, cols) uint8
        As the device shows it: turned, C-contiguous, read-only unless it lies in a buffer of the caller's.
    z_um, thickness_um : float
        Distance from plate to exposure plane, and thickness of the layer [µm].
    motion : Motion
        The move before the first exposure of the layer.
    time_s, power, dose_mj_cm2 : float
        How long, with what light setting, and what a white pixel then receives.
    repeat : int
        How many times it is shown, each with its waits.
    wait_before_s, wait_after_s : float
        Dark time around it [s].
    engine : int
        Number of the engine in the job.
    wavelength_nm : float
    offset_um : (float, float)
    focus_um : float
    sha256 : str
        Hash of the mask, as in job.json.
    pauses : tuple of str
        What the operator is asked for before the move of its layer, where it is the first of that and the job pauses there: the host waits,
        dark, until that is done. Of layers of which nothing is lit they come with the next that has light.
    """

    layer: int
    exposure: int
    frame: np.ndarray
    z_um: float
    thickness_um: float
    motion: Motion
    time_s: float
    power: float
    dose_mj_cm2: float
    repeat: int
    wait_before_s: float
    wait_after_s: float
    engine: int
    wavelength_nm: float
    offset_um: tuple[float, float]
    focus_um: float
    sha256: str
    pauses: tuple[str, ...] = ()


def shots(job: PrintJob, k: int) -> tuple[Shot, ...]:
    """Return the exposures of layer `k`, read or sliced now: the same bytes in any order, any number of times.

    Parameters
    ----------
    job : PrintJob
        From disk, or made of meshes and never written.
    k : int
        Negative numbers count from the top.

    Returns
    -------
    tuple of Shot
        None for a layer of which nothing is lit.

    Raises
    ------
    IndexError
        No such layer.
    JobError
        A frame that does not have its hash.
    """
    plan = checked_plan(job, k)
    asked = _pauses(job, plan.index - 1, plan.index)
    return tuple(_shot(job, plan, j, e, None, asked if j == 0 else ()) for j, e in enumerate(plan.exposures))


def exposures(
    job: PrintJob,
    start: int | tuple[int, int] = 0,
    prefetch: int = AHEAD,
    out: Sequence[np.ndarray] | None = None,
) -> Generator[Shot, None, None]:
    """Yield the exposures of a job in order; layers are read, or sliced, by workers while the caller is busy.

    Parameters
    ----------
    job : PrintJob
    start : int or (int, int)
        Layer, or (layer, exposure in it), to begin with.
    prefetch : int
        How many layers may be made ahead; the workers wait when that many are. 0: none, each is made when it is asked for.
    out : sequence of (rows, cols) uint8 arrays, optional
        Frames are painted into these in turn: with n of them a frame is good until the n-th call after its own. Left
        out, each frame is a new array.

    Yields
    ------
    Shot
        A layer of which nothing is lit has none. Closing the generator, or dropping it, stops the workers within a layer.

    Raises
    ------
    UsageError
        No such start, a negative prefetch, or buffers that do not fit.
    JobError
        A frame that does not have its hash; nothing comes after it.
    """
    layer, skip = start if isinstance(start, tuple) else (start, 0)
    if not 0 <= layer < job.n_layers or skip < 0:
        raise UsageError(f"start is {start}; the job has layers 0..{job.n_layers - 1}")
    if prefetch < 0:
        raise UsageError(f"prefetch is {prefetch}; expected 0 (nothing ahead) or more")
    _check_buffers(job, out)
    return _exposures(job, range(layer, job.n_layers), skip, prefetch, out)


def _exposures(job: PrintJob, layers: range, skip: int, prefetch: int, out: Sequence[np.ndarray] | None) -> Generator[Shot, None, None]:
    feed = LayerPrefetch(job, layers, prefetch)
    number, lit = count(), layers.start - 1
    try:
        while (plan := feed.next()) is not None:
            first, skip = skip, 0
            for j in range(first, len(plan.exposures)):
                asked, lit = _pauses(job, lit, plan.index) if j == 0 else (), plan.index
                yield _shot(job, plan, j, plan.exposures[j], None if out is None else out[next(number) % len(out)], asked)
    finally:
        feed.close()


async def aexposures(
    job: PrintJob,
    start: int | tuple[int, int] = 0,
    prefetch: int = AHEAD,
    out: Sequence[np.ndarray] | None = None,
) -> AsyncGenerator[Shot, None]:
    """Yield what `exposures` does, without holding up the event loop while a frame is made.

    Parameters
    ----------
    job, start, prefetch, out
        As `exposures`.

    Yields
    ------
    Shot

    Raises
    ------
    UsageError, JobError
        As `exposures`.
    """
    pulled = exposures(job, start, prefetch, out)
    pending: asyncio.Future[Shot | None] | None = None
    try:
        while True:
            pending = asyncio.ensure_future(asyncio.to_thread(next, pulled, None))
            shot = await asyncio.shield(pending)
            if shot is None:
                return
            yield shot
    finally:
        if pending is not None:  # cancelled while a thread is inside the generator
            await finished(pending)
        await finished(asyncio.ensure_future(asyncio.to_thread(pulled.close)))


def _pauses(job: PrintJob, lit: int, k: int) -> tuple[str, ...]:
    """Return what the operator is asked for after layer `lit` and before layer `k` moves."""
    return tuple(pause.message for pause in job.pauses if lit < pause.before_layer <= k)


def _shot(job: PrintJob, plan: LayerPlan, j: int, e: Exposure, out: np.ndarray | None, pauses: tuple[str, ...]) -> Shot:
    engine = job.engines[e.engine]
    frame = painted_frame(e.mask, engine.orientation, out)
    if out is None:
        frame.setflags(write=False)
    return Shot(
        layer=plan.index,
        exposure=j,
        frame=frame,
        z_um=plan.z_top_um,
        thickness_um=plan.thickness_um,
        motion=plan.motion,
        time_s=e.time_s,
        power=e.power,
        dose_mj_cm2=e.dose_mj_cm2,
        repeat=e.repeat,
        wait_before_s=e.wait_before_s,
        wait_after_s=e.wait_after_s,
        engine=e.engine,
        wavelength_nm=engine.wavelength_nm,
        offset_um=e.offset_um,
        focus_um=e.focus_um,
        sha256=e.mask.sha256(),
        pauses=pauses,
    )


def _check_buffers(job: PrintJob, out: Sequence[np.ndarray] | None) -> None:
    if out is None:
        return
    if len(out) == 0:
        raise UsageError("out: no buffer is given; give one or more, or leave it out")
    wanted = {frame_shape(e.grid.shape, e.orientation) for e in job.engines}
    for i, buffer in enumerate(out):
        if {buffer.shape} != wanted or buffer.dtype != np.uint8 or not buffer.flags.c_contiguous or not buffer.flags.writeable:
            shapes = " or ".join(str(s) for s in sorted(wanted))
            raise UsageError(f"out[{i}]: {buffer.dtype} of shape {buffer.shape}; expected writable, C-contiguous uint8 of shape {shapes}")
        if any(np.may_share_memory(buffer, other) for other in out[:i]):
            raise UsageError(f"out[{i}]: shares memory with a buffer before it; a frame would be painted over another")
