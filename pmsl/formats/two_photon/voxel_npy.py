"""Power of every voxel as a NumPy array ``[y, x, z]``, float32 from 0 to 1 (of the printer's largest power), in Fortran order.

In that order one slice after the other lies in the file, so it is written and read slice by slice. Beside it stands NAME.json: pitches,
axes, origin, power, blocks, where the job comes from, and the array's sha256.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.parallel import ordered_map
from pmsl.errors import JobError
from pmsl.formats.container.layer_writer import merged
from pmsl.formats.protocol import FileSignature, WriteOptions, Written
from pmsl.formats.two_photon.voxel_sidecar import MAGIC, SCHEMA, BlockPlace, VoxelFacts, read_array, read_facts, sidecar, write_facts
from pmsl.job.print_job import Estimate
from pmsl.job.two_photon_job import TwoPhotonJob

CHUNK = 1 << 20  # floats that are looked at a time


def recognises(seen: FileSignature) -> bool:
    """Tell by the magic of NumPy files."""
    return seen.head.startswith(MAGIC)


def write_draft(job: TwoPhotonJob, draft: Path, options: WriteOptions) -> Written:
    """Write all slices, as many at a time as there are threads."""
    found, tally = list(job.findings), _Tally(job)
    rows, cols = job.grid.shape
    with open(draft, "wb") as file:
        header = {"descr": "<f4", "fortran_order": True, "shape": (rows, cols, job.n_layers)}
        np.lib.format.write_array_header_1_0(file, header)
        for k, (levels, mean, weak, findings) in enumerate(ordered_map(lambda k: _slice(job, k), range(job.n_layers), options.threads)):
            file.write(levels)
            tally.add(k, mean, weak)
            found.extend(findings)
            if options.progress is not None:
                options.progress(k + 1, job.n_layers)
    return Written(merged([*found, *tally.findings()]), tally.estimate(), job.n_layers)


def _slice(job: TwoPhotonJob, k: int) -> tuple[bytes, float, tuple[int, float], tuple[Finding, ...]]:
    """Return the bytes of a slice, its covered voxels, those below the threshold with what they cover, and findings."""
    mask, findings = job.coverage(k)
    levels = job.levels(k)[mask.dense(np.uint16)]
    runs = mask.runs()
    weak = runs.value < job.response.first_cured(float(job.powers_mw[k]))
    below = int(runs.length[weak].sum()), float((runs.length[weak] * (runs.value[weak] / 65535.0)).sum())
    return np.ascontiguousarray(levels.T, "<f4").tobytes(), mask.sum_px(), below, findings


class _Tally:
    """Adds up what a job turns out to be, from the substrate up."""

    def __init__(self, job: TwoPhotonJob) -> None:
        self._job = job
        self._covered = self._lit = 0.0
        self._weak: list[tuple[int, int]] = []
        self._lost = 0.0

    def add(self, k: int, covered: float, weak: tuple[int, float]) -> None:
        """Count a slice."""
        self._covered += covered
        self._lost += weak[1]
        if weak[0]:
            self._weak.append((k, weak[0]))

    def estimate(self) -> Estimate:
        """Return how long it is drawn, moves left out, and how much resin it cures."""
        scan = self._job.process.two_photon
        volume = self._covered * self._job.grid.pixel_um2 * scan.slice_um
        return Estimate(print_time_s=self._covered * scan.hatch_um / scan.speed_um_s, resin_ml=volume * 1e-12)

    def findings(self) -> list[Finding]:
        """Return that voxels do not cure, where there are any."""
        if not self._weak:
            return []
        count, share = sum(n for _, n in self._weak), self._lost / self._covered
        done = {"keep": "they stay liquid", "lift": "they are raised to it", "drop": "they are dark"}
        return [
            Finding(
                code="voxels-below-threshold",
                severity="warning",
                message=f"{count} voxels that the part fills in part get less than the resin's threshold, "
                f"{self._job.response.threshold_mw:.4g} mW at {self._job.process.two_photon.speed_um_s:g} µm/s; "
                f"{done[self._job.process.two_photon.unreachable]}: {share:.3%} of the part's volume",
                layers=(self._weak[0][0], self._weak[-1][0]),
                value=100.0 * share,
                limit=0.0,
                unit="%",
            )
        ]


def publish(job: TwoPhotonJob, draft: Path, path: Path, written: Written) -> None:
    """Write the sidecar, before the array gets its name: where that stands, this does."""
    beside = draft.with_name("sidecar")
    write_facts(beside, _facts(job, draft, written))
    os.replace(beside, sidecar(path))


def _facts(job: TwoPhotonJob, draft: Path, written: Written) -> VoxelFacts:
    scan, optics = job.process.two_photon, job.printer.two_photon
    x0, y0 = job.grid.origin_um.tolist()
    places = [BlockPlace(column=b.column, row=b.row, centre_um=b.centre_um, side_um=b.side_um) for b in job.blocks]
    return VoxelFacts(
        schema=SCHEMA,
        axes=("y", "x", "z"),
        shape=(*job.grid.shape, job.n_layers),
        pitch_um=(scan.hatch_um, scan.hatch_um, scan.slice_um),
        origin_um=(y0, x0, 0.0),
        unit=f"share of {optics.max_power_mw.value:g} mW",
        speed_um_s=scan.speed_um_s,
        power_mw=sorted(set(job.powers_mw.tolist())),
        threshold_mw=job.response.threshold_mw,
        burn_mw=job.response.burn_mw,
        exponent=job.response.exponent,
        voxel_um=job.voxel_um,
        blocks=places,
        printer=job.printer.name,
        resin=job.resin.name,
        process=job.process.name,
        calibrated=job.calibrated,
        placeholders=list(job.placeholders),
        provenance=msgspec.to_builtins(job.provenance),
        findings=[f.as_dict() for f in written.findings],
        sha256=_sha256(draft),
    )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def problems(path: Path) -> list[str]:
    """Say what is wrong with an array and the file beside it.

    Raises
    ------
    JobError
        It is no array as `voxel-npy` writes it.
    """
    array = read_array(path)
    flat, out = array.reshape(-1, order="F"), list[str]()
    if any(not ((part >= 0.0) & (part <= 1.0)).all() for part in (flat[i : i + CHUNK] for i in range(0, flat.size, CHUNK))):
        out.append("powers below 0, above 1, or that are no numbers")
    try:
        facts = read_facts(path)
    except JobError as err:
        return [*out, str(err)]
    if facts.shape != array.shape:
        out.append(f"{sidecar(path).name}: shape is {facts.shape}, the array's {array.shape}")
    if _sha256(path) != facts.sha256:
        out.append(f"{sidecar(path).name}: sha256 is not that of the array")
    return out
