"""Prusa's .sl1 and .sl1s: a zip of PNG frames with exposure times that the printer derives from a few numbers.

config      config.ini and what beside it: the keys that change light
light_mask  mask.png, which darkens every layer
exposure_fade  times of all layers from first, normal and number of fade layers, and back
panels      the printers' panels, and how a panel's frames are turned
write       PrintJob → file
read        file → PrintJob

Facts: the printer's firmware (project reader), PrusaSlicer's writer and importer, and hosts that take the same files.
"""

from __future__ import annotations

from pathlib import Path

from pmsl.formats.adapt import panel as pixels
from pmsl.formats.adapt.capability import Capability
from pmsl.formats.container.atomic_write import other_format
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.formats.sl1.panels import GENERIC, SL1_PANEL, SL1S_PANEL, Sl1Panel
from pmsl.formats.sl1.read import read, verify
from pmsl.formats.sl1.write import write
from pmsl.job.print_job import PrintJob


class Sl1:
    """One of the family; they differ in what the target can show."""

    uses_panel = True

    def __init__(self, name: str, suffixes: tuple[str, ...], panel: Sl1Panel) -> None:
        self.name, self.suffixes, self._panel = name, suffixes, panel

    @property
    def capability(self) -> Capability:
        """What the panel can show."""
        return self._panel.capability

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by its config.ini beside PNG files."""
        return not seen.folder and "config.ini" in seen.names and any(name.endswith(".png") and "/" not in name for name in seen.names)

    def foreign(self, path: Path) -> str:
        """Let files of the family be replaced."""
        return other_format(path, self)

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job."""
        return write(self, self._panel, job, path, options)

    def read(self, path: Path, panel: pixels.Panel | None = None) -> PrintJob:
        """Read a job; `panel` is for files that do not say theirs."""
        return read(path, panel)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Read every frame, and hold the tables against each other and against the printer they name."""
        return verify(path, options)


FORMAT = Sl1("sl1", (".sl1", ".sl1s"), GENERIC)
PRUSA_SL1 = Sl1("sl1-prusa", (), SL1_PANEL)
PRUSA_SL1S = Sl1("sl1s-prusa", (), SL1S_PANEL)
