"""CTB, version 3: one 7-bit mask a layer in run-length code, plain or enciphered by a key, each with its time and move.

ctb_records  header, extensions, table of layers, pictures
write        PrintJob → file
read         file → PrintJob, version 2 too
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pmsl.core.finding import Finding
from pmsl.formats.adapt import adapt
from pmsl.formats.adapt.capability import Capability
from pmsl.formats.adapt.panel import Panel
from pmsl.formats.container import atomic_write, layer_writer
from pmsl.formats.ctb.ctb_records import GRAYS, LARGEST_SIDE, MAGIC, OTHERS
from pmsl.formats.desktop_common import NO_ACCELERATIONS, for_desktop
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.job.print_job import PrintJob

THINNEST_UM = 1.0
KEY = 0x706D736C  # any but 0: the same job is the same bytes
TURNS = (("-y", "+x"), ("-y", "-x"))  # what its one mark, mirrored or not, can say


@dataclass(frozen=True, slots=True)
class Ctb:
    """Files of ChiTu boards; `key` 0 leaves the layers in plain code."""

    name: str
    key: int
    suffixes: tuple[str, ...] = (".ctb",)
    uses_panel: bool = True
    capability: Capability = Capability(
        multi_exposure=False,
        gray_levels=128,
        gray_map=GRAYS,
        max_size=(LARGEST_SIDE, LARGEST_SIDE),
        needs_thumbnail=True,
        holds=frozenset({"motion"}),
        moves_by_layer=NO_ACCELERATIONS,
        first_move=NO_ACCELERATIONS - {"retract_um_s"},  # the header has one for all
    )

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by the mark at the beginning; files of its kin too, so that they are refused by their name."""
        return int.from_bytes(seen.head[:4], "little") in (MAGIC, *OTHERS)

    def foreign(self, path: Path) -> str:
        """Let CTB files be replaced."""
        return atomic_write.other_format(path, self)

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job, complete or absent."""
        from pmsl.formats.ctb.write import write_draft

        fitted = adapt.fit(job, self.capability, self.name, options)
        left = "accelerations and single waits (their sum is in the time the light is off)"
        fitted = for_desktop(fitted, self.name, options.lossy, TURNS, left)
        first_um = float(fitted.grid.thickness_um[0])
        if first_um < THINNEST_UM:
            message = f"the first layer is {first_um:g} µm high: some readers refuse files whose first is below {THINNEST_UM:g} µm"
            thin = Finding(
                code="thin-first-layer", severity="warning", message=message, layers=(0, 0), value=first_um, limit=THINNEST_UM, unit="µm"
            )
            fitted = replace(fitted, findings=(*fitted.findings, thin))
        with atomic_write.whole_or_absent(path, options.force, folder=False, foreign=self.foreign) as draft:
            return write_draft(fitted, draft, options, self.key, self.name)

    def read(self, path: Path, panel: Panel | None = None) -> PrintJob:
        """Read a file of version 2 or 3, enciphered or not."""
        from pmsl.formats.ctb.read import read

        return read(path, panel)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Decode every layer."""
        return list(layer_writer.problems(self.read(path, options.panel), options))


PLAIN = Ctb("ctb", 0)
XOR = Ctb("ctb-xor", KEY)
