"""GWL: text commands of Nanoscribe's NanoWrite. Lines of coordinates [µm] from the middle of the field, and ``Write`` after each polyline.

Used are ``InvertZAxis 1`` (z away from the substrate), ``GalvoScanMode``, ``ContinuousMode``, ``PowerScaling``, ``ScanSpeed`` [µm/s],
``LaserPower`` [%], ``FindInterfaceAt`` [µm], ``MoveStageX`` and ``MoveStageY`` (relative, [µm]) and ``AddZDrivePosition`` (relative, away
from the substrate, [µm]); ``%`` begins a comment. The stage stands in the middle of the part before and after. A slice's height is the z of
its points where the piezo moves the focus; where the stage does, z is 0 and the drive is moved. Numbers are whole nanometres, so relative
moves add up exactly.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pmsl.errors import JobError
from pmsl.formats.protocol import FileSignature, WriteOptions, Written
from pmsl.job.print_job import Estimate
from pmsl.job.two_photon_job import Polylines, TwoPhotonJob, WrittenSlice
from pmsl.kernels.codec.point_lines import point_text

FIRST = b"% GWL by pmsl "
LAST = b"%% end: %d polylines, %d points\n"
TAIL = re.compile(rb"% end: \d+ polylines, \d+ points\n\Z")
LONGEST_END = 1 << 10
SHORTEST, MOST_KEPT = 1 << 12, 1 << 25  # bytes of a block, and of all, that wait in memory


def recognises(seen: FileSignature) -> bool:
    """Tell by the first line that pmsl writes."""
    return seen.head.startswith(FIRST)


def write_draft(job: TwoPhotonJob, draft: Path, options: WriteOptions) -> Written:
    """Write all slices: one by one through all blocks, or those of each block into a file of its own that is then appended."""
    apart = job.process.two_photon.order == "blocks" and len(job.blocks) > 1
    middle, tally = _middle_nm(job), _Tally(job)
    with open(draft, "wb") as file:
        file.write(_head(job))
        if apart:
            places = [middle, *(_nm(block.centre_um) for block in job.blocks)]
            keep = max(SHORTEST, MOST_KEPT // len(job.blocks))
            spools = [_Spool(draft.with_name(f"block-{b}"), keep) for b in range(len(job.blocks))]
            cursors = [_Cursor(job, spool.write, place) for spool, place in zip(spools, places[:-1], strict=True)]
        else:
            cursors = [_Cursor(job, file.write, middle)]
        for drawn in job.draw():
            for b, (block, lines) in enumerate(zip(job.blocks, drawn.blocks, strict=True)):
                cursors[b if apart else 0].draw(_nm(block.centre_um), drawn, lines)
            tally.add(drawn)
            if options.progress is not None:
                options.progress(drawn.number + 1, job.n_layers)
        if apart:
            for cursor, spool, place in zip(cursors, spools, places[1:], strict=True):
                cursor.end(place)
                spool.append_to(file)
            cursors = [_Cursor(job, file.write, places[-1])]
        cursors[0].end(middle)
        file.write(LAST % (tally.polylines, tally.points))
    return Written(job.findings, tally.estimate(), job.n_layers)


def _head(job: TwoPhotonJob) -> bytes:
    """Return comments and settings."""
    scan, optics = job.process.two_photon, job.printer.two_photon
    columns, rows = (1 + max(getattr(block, way) for block in job.blocks) for way in ("column", "row"))
    names = ", ".join(re.sub(r"[^ -~]", "?", part.label)[:100] for part in job.parts)
    lines = [
        f"% printer {job.printer.name}, resin {job.resin.name}, process {job.process.name}",
        f"% parts: {names}",
        f"% {job.n_layers} slices of {scan.slice_um:g} um, hatch {scan.hatch_um:g} um, {columns} x {rows} blocks of "
        f"{job.blocks[0].side_um:g} um, {job.block_pitch_um[0]:g} x {job.block_pitch_um[1]:g} um apart, by {scan.order}",
        f"% 100 % are {optics.max_power_mw.value:g} mW; the stage stands in the middle of the part, the focus on the substrate",
    ]
    if not job.calibrated:
        lines.append(f"% not calibrated: placeholder values for {', '.join(job.placeholders)}")
    lines += ["InvertZAxis 1", "GalvoScanMode", "ContinuousMode", "PowerScaling 1.0", f"ScanSpeed {scan.speed_um_s:g}"]
    lines.append("FindInterfaceAt 0")
    return FIRST + job.provenance.version.encode("ascii") + b"\n" + "\n".join(lines).encode("ascii") + b"\n"


class _Cursor:
    """Writes commands, and remembers what was said last: place of the stage, height of the drive, power."""

    def __init__(self, job: TwoPhotonJob, write: Callable[[bytes], object], place_nm: tuple[int, int]) -> None:
        self._write, self._place, self._height, self._power = write, place_nm, 0, ""
        self._by_stage = job.process.two_photon.z_drive == "stage"
        self._full_mw = job.printer.two_photon.max_power_mw.value
        self._reach = math.floor(1000.0 * (0.5 * job.blocks[0].side_um + job.process.two_photon.seam_reach_um) + 1e-6)

    def draw(self, centre_nm: tuple[int, int], drawn: WrittenSlice, lines: Polylines) -> None:
        """Draw the lines of a slice in a block; nothing where it has none."""
        if not len(lines.xy_um):
            return
        self._move(centre_nm)
        height = round(1000.0 * drawn.z_um)
        if self._by_stage:
            self._drive(height)
        power = f"{100.0 * drawn.power_mw / self._full_mw:.4f}"
        if power != self._power:
            self._write(f"LaserPower {power}\n".encode("ascii"))
            self._power = power
        points = np.clip(np.rint(1000.0 * lines.xy_um), -self._reach, self._reach).astype(np.int64)
        z = 0 if self._by_stage else height
        self._write(point_text(points, lines.start, f" {_um(z)}\n".encode("ascii"), b"Write\n"))

    def end(self, place_nm: tuple[int, int]) -> None:
        """Drive the focus back to the substrate, and the stage to a place."""
        self._drive(0)
        self._move(place_nm)

    def _move(self, place_nm: tuple[int, int]) -> None:
        for axis, there, here in zip("XY", place_nm, self._place, strict=True):
            if there != here:
                self._write(f"MoveStage{axis} {_um(there - here)}\n".encode("ascii"))
        self._place = place_nm

    def _drive(self, height_nm: int) -> None:
        if height_nm != self._height:
            self._write(f"AddZDrivePosition {_um(height_nm - self._height)}\n".encode("ascii"))
        self._height = height_nm


class _Spool:
    """A file that grows while others do, with few of its bytes in memory; opened only to write."""

    def __init__(self, path: Path, keep: int) -> None:
        self._path, self._most, self._kept, self._size = path, keep, list[bytes](), 0

    def write(self, text: bytes) -> None:
        """Add text."""
        self._kept.append(text)
        self._size += len(text)
        if self._size >= self._most:
            self._flush()

    def append_to(self, file: BinaryIO) -> None:
        """Write all of it to another file, and remove this one."""
        self._flush()
        with open(self._path, "rb") as own:
            shutil.copyfileobj(own, file)
        self._path.unlink()

    def _flush(self) -> None:
        with open(self._path, "ab") as own:
            own.writelines(self._kept)
        self._kept, self._size = [], 0


class _Tally:
    """Counts what is drawn."""

    def __init__(self, job: TwoPhotonJob) -> None:
        self._job, self._length_um = job, 0.0
        self.polylines = self.points = 0

    def add(self, drawn: WrittenSlice) -> None:
        """Count a slice."""
        for lines in drawn.blocks:
            self.polylines += len(lines.start) - 1
            self.points += len(lines.xy_um)
            self._length_um += lines.length_um

    def estimate(self) -> Estimate:
        """Return how long is drawn, moves left out, and how much resin is cured: a strip of the hatch's width around each line."""
        scan = self._job.process.two_photon
        volume = self._length_um * scan.hatch_um * scan.slice_um
        return Estimate(print_time_s=self._length_um / scan.speed_um_s, resin_ml=volume * 1e-12)


def _middle_nm(job: TwoPhotonJob) -> tuple[int, int]:
    """Return the middle of the blocks [nm]."""
    places = np.array([block.centre_um for block in job.blocks])
    return _nm(tuple((0.5 * (places.min(axis=0) + places.max(axis=0))).tolist()))


def _nm(place_um: tuple[float, float]) -> tuple[int, int]:
    return round(1000.0 * place_um[0]), round(1000.0 * place_um[1])


def _um(nm: int) -> str:
    """Write nanometres as µm with three places."""
    sign, rest = "-" if nm < 0 else "", abs(nm)
    return f"{sign}{rest // 1000}.{rest % 1000:03d}"


def publish(job: TwoPhotonJob, draft: Path, path: Path, written: Written) -> None:
    """Do nothing: all is in the file."""


def problems(path: Path) -> list[str]:
    """Say whether a file ends as pmsl ends them: what is cut short does not.

    Raises
    ------
    JobError
        It cannot be read.
    """
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - LONGEST_END))
            end = file.read()
    except OSError as err:
        raise JobError(f"{path}: cannot be read ({err.strerror or err})") from err
    return [] if TAIL.search(end) else ["the file does not end as pmsl ends it: it was cut short, or changed; copy or slice it again"]
