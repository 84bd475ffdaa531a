"""Jobs to disk and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pmsl.core.finding import Finding, Severity, reaches
from pmsl.core.job import PrintJob
from pmsl.core.parallel import default_threads
from pmsl.errors import FindingsError, UsageError
from pmsl.exposure import dose_map
from pmsl.formats import native, registry
from pmsl.formats.native import Written


def write(
    job: PrintJob,
    path: str | Path,
    *,
    format: str | None = None,
    dose: bool = False,
    design: bool = True,
    png: Literal["fast", "small"] = "fast",
    threads: int | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    fail_on: Severity = "error",
) -> Written:
    """Write a job: a folder, or a zip where the path ends in ``.zip``; complete or absent, the same bytes for any `threads`.

    Parameters
    ----------
    job : PrintJob
    path : str or Path
    format : str, optional
        Name of the format; left out, by suffix.
    dose : bool
        Also write the dose map of every layer.
    design : bool
        Also store the placed parts.
    png : {"fast", "small"}
        How long to look for short files; the pixels are the same. The bytes of small ones may depend on the version of zlib.
    threads : int, optional
        Layers made at a time (default: one a processor).
    force : bool
        Replace a pmsl job or an empty folder.
    progress : callable, optional
        Called with (layers done, layers in all).
    fail_on : {"info", "warning", "error"}
        Findings at or above this severity stop the job; nothing is left.

    Returns
    -------
    Written

    Raises
    ------
    FindingsError
        Findings at or above `fail_on`.
    UsageError, OutputError
        The target exists, or cannot be written; an option that is none.
    """
    target = Path(path)
    registry.choose(target, format)
    if png not in ("fast", "small"):
        raise UsageError(f"png is {png!r}; choose 'fast' or 'small'")

    def accept(findings: tuple[Finding, ...]) -> None:
        if reaches(findings, fail_on):
            raise FindingsError(f"{target}: not written: there are findings at or above --fail-on {fail_on}", findings)

    accept(job.findings)
    return native.write(
        job,
        target,
        dose_of=dose_map if dose else None,
        with_design=design,
        small=png == "small",
        threads=default_threads() if threads is None else threads,
        force=force,
        progress=progress,
        accept=accept,
    )


def read(path: str | Path) -> PrintJob:
    """Read a job from disk; raises `JobError` where it is damaged or too new."""
    from pmsl.formats.native.read import read as read_job

    return read_job(Path(path))


def verify(path: str | Path, progress: Callable[[int, int], None] | None = None, threads: int | None = None) -> list[str]:
    """Check a job on disk from end to end, dose maps included; return what is wrong, nothing for a sound job.

    `threads` layers are read at a time (default: one a processor); the answer does not depend on it.
    """
    from pmsl.formats.native.verify import verify as verify_job

    return verify_job(Path(path), dose_map, progress, default_threads() if threads is None else threads)
