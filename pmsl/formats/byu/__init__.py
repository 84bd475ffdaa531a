"""The microfluidics print file of the Nordin group (BYU), schema 5: a zip of one JSON table and a folder of gray PNG images.

print_file   the JSON table as strict structs
expressions  arithmetic over the file's variables
table        the table with variables put in and groups called
slabs        its layers with their settings in full
engines      light engines, and whose pixels are known
read         file → PrintJob
validator    what the host would not take
repeated_settings   layers → the table: names, groups, duplications for what repeats
write        PrintJob → file

Facts: the published schema 5 with its README, and the host that prints such files.
"""

from __future__ import annotations

from pathlib import Path

from pmsl.formats.adapt.panel import Panel
from pmsl.formats.byu.read import open_file, table_name
from pmsl.formats.byu.validator import verify
from pmsl.formats.byu.write import CAPABILITY, write
from pmsl.formats.container.atomic_write import other_format
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.job.print_job import PrintJob


class Byu:
    """The print file."""

    name = "byu"
    suffixes: tuple[str, ...] = ()  # its files end in .zip, which is native
    capability = CAPABILITY
    uses_panel = True

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by one JSON table in the root beside a folder of images."""
        table = None if seen.folder else table_name(seen.names)
        if table is None:
            return False
        images = any(name.endswith(".png") and name.count("/") > table.count("/") for name in seen.names)
        return images or all(name.endswith((".json", ".md")) for name in seen.names)  # without images it calls functions of the host

    def foreign(self, path: Path) -> str:
        """Let print files be replaced."""
        return other_format(path, self)

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job."""
        return write(self, job, path, options)

    def read(self, path: Path, panel: Panel | None = None) -> PrintJob:
        """Read a job."""
        return open_file(path, panel).job

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Read every image, and look for what the host would not take."""
        return verify(path, options)


FORMAT = Byu()
