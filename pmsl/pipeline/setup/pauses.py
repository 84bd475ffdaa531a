"""Pauses of a job: as they are asked for, by layer or height, and as the job has them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.errors import UsageError
from pmsl.job.pauses import PAUSE, Pause, message_problem, pause_problems
from pmsl.job.print_job import PrintJob

ON_PLANE_UM = 1e-6
WHERE = re.compile(r"(\d{1,9})|(\d{1,9}(?:\.\d{0,9})?)\s*[uµμ]m")
EXAMPLES = "a layer, as 12=change the resin, or a height, as 250um=lay in the lens"


def parts_of(text: str) -> tuple[int | float, str]:
    """Read ``LAYER=MESSAGE`` or ``Zum=MESSAGE``: a layer (int) or a height [µm] (float), and the message.

    Raises
    ------
    UsageError
        Neither.
    """
    where, equals, message = text.partition("=")
    found = WHERE.fullmatch(where.strip())
    if not equals or found is None:
        raise UsageError(f"--pause {text}: give {EXAMPLES}")
    place = int(found[1]) if found[1] is not None else float(found[2])
    if (reason := message_problem(message.strip())) is not None:
        raise UsageError(f"--pause {where.strip()}={message[:40]}: its message {reason}")
    return place, message.strip()


def with_pauses(job: PrintJob, pauses: Iterable[str | Pause]) -> PrintJob:
    """Return a job that waits for the operator before some of its layers, beside those that it waits before already.

    Parameters
    ----------
    job : PrintJob
    pauses : iterable of str or Pause
        ``"12=change the resin"``: before layer 12; ``"250um=lay in the lens"``: before the first layer that begins at that height of the
        part, or above it.

    Returns
    -------
    PrintJob
        As lazy as `job`; a height between two planes is a finding.

    Raises
    ------
    UsageError
        A text that is neither, no such layer or height, a message that cannot be printed, two before one layer.
    """
    made, found = list(job.pauses), list[Finding]()
    for item in pauses:
        if isinstance(item, Pause):
            made.append(item)
            continue
        if not isinstance(item, str):
            raise UsageError(f"pause {item!r}: give {EXAMPLES}, or a Pause")
        place, message = parts_of(item)
        layer = place if isinstance(place, int) else _layer_at(place, job.grid, item, found)
        made.append(Pause(before_layer=layer, message=message))
    made.sort(key=lambda pause: pause.before_layer)
    for problem in pause_problems(made, job.n_layers):
        raise UsageError(f"--pause: {problem}")
    if not made:
        return job
    requires = (*(name for name in job.requires if name != PAUSE), PAUSE)
    paused = dataclasses.replace(job, pauses=tuple(made), requires=requires, findings=(*job.findings, *found))
    paused.prepared.update(job.prepared)
    return paused


def check_pauses(pauses: Sequence[str]) -> None:
    """Refuse texts that say no pause, before any work; raises `UsageError`."""
    for text in pauses:
        parts_of(text)


def _layer_at(z_um: float, grid: Grid, text: str, found: list[Finding]) -> int:
    """Return the first layer that begins at a height or above it."""
    begins = grid.z_edges_um[:-1]
    k = int(np.searchsorted(begins, z_um - ON_PLANE_UM))
    if k == len(begins):
        raise UsageError(f"--pause {text}: the last layer begins at {begins[-1]:g} µm; no layer comes after {z_um:g} µm")
    if abs(begins[k] - z_um) > ON_PLANE_UM:
        message = f"a pause at {z_um:g} µm is before layer {k}, which begins at {begins[k]:g} µm: the first one there or above"
        value = float(begins[k]) - z_um
        found.append(
            Finding(code="pause-between-planes", severity="info", message=message, layers=(k, k), value=value, limit=0.0, unit="µm")
        )
    return k
