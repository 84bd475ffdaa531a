"""The native job: a folder or zip with job.json, frames/, design/ and dose/.

job_json    job.json as strict structs, and its JSON Schema
write       PrintJob → disk
read        disk → PrintJob
verify      every file against its hash, its shape and its neighbours; file_check: what it finds in files, `play` too
design_ply  placed parts as PLY
dose_tiff   dose maps as TIFF
"""

from __future__ import annotations

from pathlib import Path

from pmsl.formats.adapt.capability import Capability
from pmsl.formats.container.atomic_write import native_only
from pmsl.formats.native.write import write
from pmsl.formats.protocol import FileSignature, VerifyOptions, Written
from pmsl.job.print_job import PrintJob


class Native:
    """pmsl's own job: holds everything."""

    name = "native"
    suffixes = (".zip",)
    capability = Capability()
    spreads = True
    write = staticmethod(write)

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by its job.json."""
        return "job.json" in seen.names

    def foreign(self, path: Path) -> str:
        """Let a pmsl job be replaced, and an empty folder."""
        return native_only(path)

    def read(self, path: Path) -> PrintJob:
        """Read a folder or zip."""
        from pmsl.formats.native.read import read

        return read(path)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Hold every file against its hash, its shape and its neighbours."""
        from pmsl.formats.native.verify import verify

        return verify(path, options)


FORMAT = Native()

__all__ = ["FORMAT", "Written", "write"]
