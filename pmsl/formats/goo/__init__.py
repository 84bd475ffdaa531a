"""GOO, version 3: one 8-bit mask a layer in run-length code, each with its check sum, time and move.

goo_records  header, layer definition, marks
write        PrintJob → file
read         file → PrintJob
"""

from __future__ import annotations

from pathlib import Path

from pmsl.formats.adapt import adapt
from pmsl.formats.adapt.capability import Capability
from pmsl.formats.adapt.panel import Panel
from pmsl.formats.container import atomic_write, layer_writer
from pmsl.formats.desktop_common import NO_ACCELERATIONS, for_desktop
from pmsl.formats.goo.goo_records import MAGIC
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.job.print_job import PrintJob

TURNS = tuple((row, col) for row in ("-y", "+y") for col in ("+x", "-x"))  # two marks: mirrored in x, in y


class Goo:
    """Files of Elegoo's printers; frames turned sideways have no field, for mirroring there are two."""

    name = "goo"
    suffixes = (".goo",)
    uses_panel = True
    capability = Capability(
        multi_exposure=False, max_size=(65535, 65535), needs_thumbnail=True, holds=frozenset({"motion"}), moves_by_layer=NO_ACCELERATIONS
    )

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by the mark after the version."""
        return seen.head[4:12] == MAGIC

    def foreign(self, path: Path) -> str:
        """Let GOO files be replaced."""
        return atomic_write.other_format(path, self)

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job, complete or absent."""
        from pmsl.formats.goo.write import write_draft

        fitted = for_desktop(adapt.fit(job, self.capability, self.name, options), self.name, options.lossy, TURNS, "accelerations")
        with atomic_write.whole_or_absent(path, options.force, folder=False, foreign=self.foreign) as draft:
            return write_draft(fitted, draft, options)

    def read(self, path: Path, panel: Panel | None = None) -> PrintJob:
        """Read a file."""
        from pmsl.formats.goo.read import read

        return read(path, panel)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Decode every layer, its check sum held against its bytes."""
        return list(layer_writer.problems(self.read(path, options.panel), options))


FORMAT = Goo()
