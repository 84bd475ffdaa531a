"""Contours of the placed parts for other CAM tools, and what a laser draws: 3MF slice stacks, SVG, Common Layer Interface.

They hold no masks, times or doses, nor powers and speeds of a laser.

slice_3mf   3MF core and slice extension: contours of the parts
svg         one group a layer: contours of the parts, and the lines of a drawn job
cli         Common Layer Interface, ASCII and binary: the lines of a drawn job, of another the contours of the parts
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pmsl.core.contours import Contours
from pmsl.core.finding import Finding
from pmsl.errors import JobError, UsageError
from pmsl.formats.adapt.capability import Capability, check_pauses
from pmsl.formats.container import atomic_write
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.job.print_job import PrintJob

NONE = Capability(multi_exposure=True, holds=frozenset({"engine", "offset_um", "focus_um", "repeat", "wait_before_s", "wait_after_s"}))


@dataclass(frozen=True, slots=True)
class ContourFile:
    """A file of contours; `module` holds ``recognises``, `draft`, which writes it, and ``read_contours``; `lines`: also what is drawn."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    lines: bool = False
    draft: str = "write_draft"
    capability: Capability = NONE

    def _own(self, word: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(f"pmsl.formats.contourfiles.{self.module}"), word)
        return found

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by content."""
        return bool(self._own("recognises")(seen))

    def foreign(self, path: Path) -> str:
        """Let files of contours be replaced."""
        return atomic_write.other_format(path, self) or ("" if self._readable(path) else "its slices cannot be read")

    def _readable(self, path: Path) -> bool:
        try:
            self.contours(path)
        except JobError:
            return False
        return True

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the contours, complete or absent."""
        if options.dose_of is not None:
            raise UsageError(f"--dose: {self.name} holds no dose maps; leave it out, or write a native job beside")
        if options.contours_of is None:
            raise UsageError(f"{self.name} needs the contours of the parts (contours_of); write it through pmsl.write")
        check_pauses(job, self.capability, self.name)
        findings = (*job.findings, self._note(job))
        with atomic_write.whole_or_absent(path, options.force, folder=False, foreign=self.foreign) as draft:
            if options.accept is not None:
                options.accept(findings)
            self._own(self.draft)(job, draft, options)
            made = self.contours(draft)
            if made.n_layers != job.n_layers:
                raise JobError(f"{path}: {made.n_layers} layers were read back, {job.n_layers} written; the disk is not to be trusted")
        return Written(findings, job.estimate(), job.n_layers)

    def _note(self, job: PrintJob) -> Finding:
        """Say what of a job is not in the file."""
        if job.drawn and self.lines:
            message = f"{self.name} holds the lines of every layer: no powers, speeds or moves, which have to be set at the machine"
            return Finding(code="lines-only", severity="info", message=message)
        message = f"{self.name} holds the parts' contours in the middle of every slab: no masks, times, doses or moves"
        return Finding(code="contours-only", severity="info", message=message)

    def contours(self, path: Path) -> Contours:
        """Read the contours [µm]; each layer's height is the middle of its slab."""
        found: Contours = self._own("read_contours")(path)
        return found

    def read(self, path: Path) -> PrintJob:
        """Refuse: contours are no job."""
        raise JobError(f"{path}: {self.name} files hold contours and no exposures, so it is no job; slice the part it was made of")

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Read all contours."""
        self.contours(path)
        return []


SVG = ContourFile("svg", (".svg",), "svg", lines=True)
CLI = ContourFile("cli", (".cli",), "cli", lines=True)
CLI_BINARY = ContourFile("cli-binary", (), "cli", lines=True, draft="write_binary_draft")
THREEMF = ContourFile("3mf-slices", (), "slice_3mf")
