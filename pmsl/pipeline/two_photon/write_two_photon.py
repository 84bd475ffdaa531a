"""Two-photon jobs to disk; a format of frames is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from pmsl.core.finding import Finding, Severity
from pmsl.core.parallel import default_threads
from pmsl.formats import registry
from pmsl.formats.adapt.capability import refusal
from pmsl.formats.protocol import WriteOptions, Written
from pmsl.formats.two_photon import TwoPhotonFile
from pmsl.job.two_photon_job import TwoPhotonJob
from pmsl.pipeline.io import refuse_findings


def write_two_photon(
    job: TwoPhotonJob,
    path: str | Path,
    *,
    format: str | None = None,
    threads: int | None = None,
    force: bool = False,
    fail_on: Severity | None = "error",
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write a two-photon job, complete or absent, the same bytes for any `threads`.

    Parameters
    ----------
    job : TwoPhotonJob
    path : str or Path
    format : {"gwl", "voxel-npy"}, optional
        Left out, by suffix.
    threads : int, optional
        Slices made at a time (default: one a processor).
    force : bool
        Replace a file of the same format.
    fail_on : {"info", "warning", "error"}, optional
        Findings at or above this severity stop the job; nothing is left. With None none does.
    progress : callable, optional
        Called with (slices done, slices in all).

    Returns
    -------
    Written

    Raises
    ------
    FindingsError
        Findings at or above `fail_on`.
    TargetError
        A format of frames.
    UsageError, OutputError
        The target exists, or cannot be written.
    """
    chosen = registry.find(registry.choose(Path(path), format))
    if not isinstance(chosen, TwoPhotonFile):
        raise refusal(
            chosen.name, "technique", "two photons", "pictures", "write its voxels as voxel-npy, its lines as gwl", must="must be"
        )

    def accept(findings: tuple[Finding, ...]) -> None:
        if fail_on is not None:
            refuse_findings(findings, fail_on, str(Path(path)))

    accept(job.findings)
    options = WriteOptions(response=np.zeros(0), threads=default_threads(threads), force=force, progress=progress, accept=accept)
    return chosen.write(job, Path(path), options)
