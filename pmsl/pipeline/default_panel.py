"""Jobs read with a panel that counts only where a file does not say its own."""

from __future__ import annotations

from pathlib import Path

from pmsl.errors import UsageError
from pmsl.job.print_job import PrintJob
from pmsl.pipeline.io import read
from pmsl.profiles import Printer


def read_with_default_panel(
    path: str | Path,
    *,
    printer: Printer | None = None,
    pitch_um: float | tuple[float, float] | None = None,
    field: tuple[int, int] | None = None,
) -> PrintJob:
    """Read a job as `read` does; what is given of a panel counts for a file that does not say its own, and for no other."""
    try:
        return read(path, printer=printer, pitch_um=pitch_um, field=field)
    except UsageError:
        if printer is None and pitch_um is None and field is None:
            raise
        return read(path)
