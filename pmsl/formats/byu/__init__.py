"""The microfluidics print file of the Nordin group (BYU), schema 5: a zip of one JSON table and a folder of gray PNG images.

document   the JSON table as strict structs
write      PrintJob → file
read       file → PrintJob

Facts: the published schema 5 with its README, and the host that prints such files.
"""

from __future__ import annotations

from pathlib import Path

from pmsl.core.job import PrintJob
from pmsl.formats.byu.read import read, verify
from pmsl.formats.byu.write import CAPABILITY, write
from pmsl.formats.contract import Seen, VerifyOptions, WriteOptions, Written
from pmsl.formats.target import other_format


class Byu:
    """The print file."""

    name = "byu"
    suffixes: tuple[str, ...] = ()  # its files end in .zip, which is native
    capability = CAPABILITY

    def recognises(self, seen: Seen) -> bool:
        """Tell by one JSON table in the root beside a folder of images."""
        tables = [name for name in seen.names if name.endswith(".json") and "/" not in name]
        images = any(name.endswith(".png") and "/" in name for name in seen.names)
        return not seen.folder and images and len(tables) == 1 and tables[0] != "job.json"

    def foreign(self, path: Path) -> str:
        """Let print files be replaced."""
        return other_format(path, self)

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job."""
        return write(self, job, path, options)

    def read(self, path: Path) -> PrintJob:
        """Read a job."""
        return read(path)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Read every image, and look for what the host would not take."""
        return verify(path, options)


FORMAT = Byu()
