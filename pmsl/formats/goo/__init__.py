"""GOO, version 3: one 8-bit mask a layer in run-length code, each with its check sum, time and move.

layout   header, layer definition, marks
write    PrintJob → file
read     file → PrintJob
"""

from __future__ import annotations

from pathlib import Path

from pmsl.core.job import PrintJob
from pmsl.formats import fit, stream, target
from pmsl.formats.capability import Capability
from pmsl.formats.contract import Seen, VerifyOptions, WriteOptions, Written
from pmsl.formats.desktop import NO_ACCELERATIONS, for_desktop
from pmsl.formats.goo.layout import MAGIC
from pmsl.formats.panel import Panel

TURNS = tuple((row, col) for row in ("-y", "+y") for col in ("+x", "-x"))  # two marks: mirrored in x, in y


class Goo:
    """Files of Elegoo's printers; frames turned sideways have no field, for mirroring there are two."""

    name = "goo"
    suffixes = (".goo",)
    takes_panel = True
    capability = Capability(
        multi_exposure=False, max_size=(65535, 65535), needs_thumbnail=True, holds=frozenset({"motion"}), moves_by_layer=NO_ACCELERATIONS
    )

    def recognises(self, seen: Seen) -> bool:
        """Tell by the mark after the version."""
        return seen.head[4:12] == MAGIC

    def foreign(self, path: Path) -> str:
        """Let GOO files be replaced."""
        return target.other_format(path, self)

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job, complete or absent."""
        from pmsl.formats.goo.write import write_draft

        fitted = for_desktop(fit.fit(job, self.capability, self.name, options), self.name, options.lossy, TURNS, "accelerations")
        with target.whole_or_absent(path, options.force, folder=False, foreign=self.foreign) as draft:
            return write_draft(fitted, draft, options)

    def read(self, path: Path, panel: Panel | None = None) -> PrintJob:
        """Read a file."""
        from pmsl.formats.goo.read import read

        return read(path, panel)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Decode every layer, its check sum held against its bytes."""
        return list(stream.problems(self.read(path, options.panel), options))


FORMAT = Goo()
