"""Exposures as the events of other hosts' loops, as plain dicts: nothing of theirs is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pmsl.host.exposure_iterator import AHEAD, Shot, exposures
from pmsl.job.print_job import PrintJob


def useq_event(shot: Shot, repeat: int = 0, device: str | None = None) -> dict[str, Any]:
    """Return the fields of a ``useq.MDAEvent``: ``MDAEvent(**useq_event(shot))``.

    Parameters
    ----------
    shot : Shot
    repeat : int
        Which showing of it.
    device : str, optional
        Name of the light modulator; left out, the default one.

    Returns
    -------
    dict
        Times are ms there, positions µm; `z_pos` is the distance from plate to exposure plane. What useq has no field
        for (power, motion, waits, hash) is in ``metadata["pmsl"]``; a `pauses` there is for the runner to stop at, dark.
    """
    return {
        "index": {"layer": shot.layer, "exposure": shot.exposure, "repeat": repeat},
        "z_pos": shot.z_um,
        "x_pos": shot.offset_um[0],
        "y_pos": shot.offset_um[1],
        "exposure": 1000.0 * shot.time_s,
        "slm_image": {"data": shot.frame, "device": device, "exposure": 1000.0 * shot.time_s},
        "metadata": {
            "pmsl": {
                "power": shot.power,
                "dose_mj_cm2": shot.dose_mj_cm2,
                "wavelength_nm": shot.wavelength_nm,
                "engine": shot.engine,
                "focus_um": shot.focus_um,
                "wait_before_s": shot.wait_before_s,
                "wait_after_s": shot.wait_after_s,
                "thickness_um": shot.thickness_um,
                "sha256": shot.sha256,
                **({"pauses": list(shot.pauses)} if shot.pauses and repeat == 0 else {}),
            }
        },
    }


def useq_events(
    job: PrintJob, start: int | tuple[int, int] = 0, prefetch: int = AHEAD, device: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the fields of an event for every exposure and repeat of a job, made while the runner pulls them; see `exposures`.

    Parameters
    ----------
    job, start, prefetch
        As `exposures`.
    device : str, optional
        Name of the device that shows the frames.

    Yields
    ------
    dict
        Fields of a ``useq.MDAEvent``.

    Raises
    ------
    UsageError, JobError
        As `exposures`.
    """
    pulled = exposures(job, start, prefetch)
    return (useq_event(shot, r, device) for shot in pulled for r in range(shot.repeat))
