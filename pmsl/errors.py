"""The error tree.

    PmslError
      ├─ UsageError     wrong call: option, value, target that exists        exit 2
      ├─ MeshError      mesh missing, damaged, empty, or not placeable       exit 3
      ├─ ProfileError   printer, resin or process unknown or not valid       exit 3
      ├─ GridError      pitch, shape or slab edges that make no grid         exit 3
      ├─ ExposureError  dose or time that the resin or printer cannot have   exit 3
      ├─ JobError       a job on disk that is damaged or too new             exit 3
      │    └─ NotCheckedError  one whose light checks by dose do not hold for
      ├─ TargetError    a format or machine cannot express the job           exit 3
      ├─ HostError      engine or stage that a job does not fit, or failed   exit 3
      ├─ BatchError     batch file that is not valid, or that others work on exit 3
      ├─ MeasurementError  a sheet of measurements that is not valid, or from which nothing can be fitted  exit 3
      ├─ OutputError    the target cannot be written                         exit 3
      ├─ WorkerError    processes that make layers are lost, or not there    exit 3
      └─ FindingsError  findings at or above the severity asked to fail on   exit 4

Every message says what, where, value, limit, and what to do. Kernels never raise.
"""

from __future__ import annotations

from typing import Any


class PmslError(Exception):
    """Base of every error pmsl raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 3


class UsageError(PmslError):
    """The call is wrong: an option, a value, or a target that exists."""

    exit_code = 2


class MeshError(PmslError):
    """A mesh is missing, damaged, empty, or does not fit the printer."""


class ProfileError(PmslError):
    """A printer, resin or process is unknown or its file is not valid."""


class GridError(PmslError, ValueError):
    """Pitch, shape or slab edges do not make a grid."""


class ExposureError(PmslError):
    """A dose or a time that the resin or the printer cannot have."""


class JobError(PmslError):
    """A job on disk is damaged, or made for a newer pmsl."""


class NotCheckedError(JobError):
    """A job has light that checks by dose do not hold for so far: of another engine, or with an offset."""


class TargetError(PmslError):
    """A format or machine cannot express something of the job: `field`, its `value`, and the `limit`."""

    def __init__(self, message: str, field: str, value: Any, limit: Any) -> None:
        super().__init__(message)
        self.field, self.value, self.limit = field, value, limit


class HostError(PmslError):
    """A light engine or a stage that the job does not fit, or that failed while it played; the light is off."""


class BatchError(PmslError):
    """A batch file is not valid, or another batch works in its folder."""


class MeasurementError(PmslError):
    """A sheet of measurements is not valid, or nothing can be fitted to it."""


class OutputError(PmslError):
    """The target cannot be written: no permission, no space, not a folder."""


class WorkerError(PmslError):
    """Processes or machines that make layers were lost again and again, cannot be reached, or do not see the job's folder."""


class FindingsError(PmslError):
    """Findings at or above the severity asked to fail on; `findings` holds all of them."""

    exit_code = 4

    def __init__(self, message: str, findings: tuple[Any, ...]) -> None:
        super().__init__(message)
        self.findings = findings


def why_unread(err: Exception) -> str:
    """Return why a file could not be read: in the system's words where it has some, else in the error's own."""
    return err.strerror if isinstance(err, OSError) and err.strerror else str(err)
