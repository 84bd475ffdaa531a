"""The plate file of NanoDLP: a zip of tables and PNG frames, one byte a pixel.

tables     the JSON tables as structs
write      PrintJob → file
read       file → PrintJob

Facts: the host's manual, and two programs that read such files; the host itself is closed, so only its rules could be followed.
"""

from __future__ import annotations

from pathlib import Path

from pmsl.formats.adapt.panel import Panel
from pmsl.formats.container.atomic_write import other_format
from pmsl.formats.nanodlp.read import read, verify
from pmsl.formats.nanodlp.write import CAPABILITY, write
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.job.print_job import PrintJob


class NanoDlp:
    """The plate file."""

    name = "nanodlp"
    suffixes = (".nanodlp",)
    uses_panel = True
    capability = CAPABILITY

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by its plate.json."""
        return not seen.folder and "plate.json" in seen.names and ("profile.json" in seen.names or "meta.json" in seen.names)

    def foreign(self, path: Path) -> str:
        """Let plate files be replaced."""
        return other_format(path, self)

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job."""
        return write(self, job, path, options)

    def read(self, path: Path, panel: Panel | None = None) -> PrintJob:
        """Read a job."""
        return read(path, panel)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Read every frame, and hold the tables against each other and against the frames."""
        return verify(path, options)


FORMAT = NanoDlp()
