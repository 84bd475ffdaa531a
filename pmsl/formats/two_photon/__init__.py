"""Files of two-photon writers: voxels of power as an array, and lines as GWL commands. They are written, not read back as jobs.

voxel_npy   power of every voxel, with a sidecar of pitches
gwl         contours and hatches, block by block, slice by slice
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pmsl.errors import JobError, UsageError
from pmsl.formats.adapt.capability import Capability, refusal
from pmsl.formats.container import atomic_write
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.job.print_job import PrintJob
from pmsl.job.two_photon_job import TwoPhotonJob


@dataclass(frozen=True, slots=True)
class TwoPhotonFile:
    """A file of a two-photon writer; `module` holds ``recognises``, ``write_draft``, ``publish`` and ``problems``."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    capability: Capability = Capability(holds=frozenset())

    def _own(self, word: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(f"pmsl.formats.two_photon.{self.module}"), word)
        return found

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by content."""
        return bool(self._own("recognises")(seen))

    def foreign(self, path: Path) -> str:
        """Let files of this format be replaced."""
        return atomic_write.other_format(path, self)

    def write(self, job: PrintJob | TwoPhotonJob, path: Path, options: WriteOptions) -> Written:
        """Write the job, complete or absent; refuse one that projects, or that has no place for what is asked."""
        if not isinstance(job, TwoPhotonJob):
            advice = "give a printer, a resin and a process with a table [two_photon], or choose another format"
            raise refusal(self.name, "technique", f"that of printer {job.printer.name}", "two photons", advice, must="must be")
        if options.dose_of is not None:
            raise UsageError(f"--dose: {self.name} holds no dose maps; leave it out")
        with atomic_write.whole_or_absent(path, options.force, folder=False, foreign=self.foreign) as draft:
            written: Written = self._own("write_draft")(job, draft, options)
            if options.accept is not None:
                options.accept(written.findings)
            self._own("publish")(job, draft, path, written)
        return written

    def read(self, path: Path) -> PrintJob:
        """Refuse: they hold no exposures of frames."""
        raise JobError(f"{path}: {self.name} files hold what a two-photon writer does and no exposures; slice the part it was made of")

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Say what is wrong with a file."""
        found: list[str] = self._own("problems")(path)
        return found


VOXEL_NPY = TwoPhotonFile("voxel-npy", (".npy",), "voxel_npy")
GWL = TwoPhotonFile("gwl", (".gwl",), "gwl")
