"""TwoPhotonJob: what a two-photon writer needs, slice by slice: the power of every voxel, and the lines of every block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.job.print_job import PartRecord, Provenance
from pmsl.mesh.part import Part
from pmsl.profiles import TwoPhotonPrinter, TwoPhotonProcess, TwoPhotonResin


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingBlock:
    """A square that is written without moving the stage: its place in the lattice, its middle and its side [µm]."""

    column: int
    row: int
    centre_um: tuple[float, float]
    side_um: float

    @property
    def corners_um(self) -> tuple[np.ndarray, np.ndarray]:
        """Its lower and upper corner: 2 × (2,) float64."""
        centre = np.array(self.centre_um)
        return centre - 0.5 * self.side_um, centre + 0.5 * self.side_um


class Polylines(NamedTuple):
    """Lines of several points: line i has points ``start[i]`` to ``start[i + 1]``.

    Attributes
    ----------
    xy_um : (N, 2) float64
        Relative to the middle of a block.
    start : (n + 1,) int64
    """

    xy_um: np.ndarray
    start: np.ndarray

    @property
    def length_um(self) -> float:
        """Length of all lines."""
        steps = np.linalg.norm(np.diff(self.xy_um, axis=0), axis=1)
        steps[self.start[1:-1] - 1] = 0.0
        return float(steps.sum())


class WrittenSlice(NamedTuple):
    """What is drawn of one slice: its number, height over the substrate [µm], power [mW], and the lines of each block, contours first."""

    number: int
    z_um: float
    power_mw: float
    blocks: tuple[Polylines, ...]


class PowerResponse(Protocol):
    """What a resin answers to power: `pmsl.cure.two_photon.TwoPhotonResponse`."""

    @property
    def threshold_mw(self) -> float:
        """Power from which it cures."""

    @property
    def burn_mw(self) -> float:
        """Power from which it burns."""

    @property
    def exponent(self) -> float:
        """How dose goes with power."""

    def shares_of_power(self) -> np.ndarray:
        """Return the share of full power by coverage: (65536,) float64."""

    def first_cured(self, power_mw: float) -> int:
        """Return the least coverage that cures where full voxels get a power."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoPhotonJob:
    """A job of a two-photon writer.

    Attributes
    ----------
    printer, resin, process : TwoPhotonPrinter, TwoPhotonResin, TwoPhotonProcess
    provenance : Provenance
    parts : tuple of PartRecord
    design : tuple of Part
        The placed parts.
    grid : Grid
        Voxels: `hatch_um` wide, `slice_um` high, around the parts.
    blocks : tuple of WritingBlock
        In the order they are written.
    block_pitch_um : (float, float)
        How far apart they are.
    powers_mw : (L,) float64
        Power of a full voxel, by slice.
    voxel_um : (float, float)
        Width and height of what a full voxel cures, far above the substrate.
    response : PowerResponse
        What the resin answers to power, at the scan speed.
    findings : tuple of Finding
    placeholders : tuple of str
        Values that nobody measured or published.
    coverage : callable
        Gives the exact volume coverage of the voxels of slice k, and what is doubtful about it.
    draw : callable
        Yields every slice's lines, from the substrate up.
    """

    printer: TwoPhotonPrinter
    resin: TwoPhotonResin
    process: TwoPhotonProcess
    provenance: Provenance
    parts: tuple[PartRecord, ...]
    design: tuple[Part, ...]
    grid: Grid
    blocks: tuple[WritingBlock, ...]
    block_pitch_um: tuple[float, float]
    powers_mw: np.ndarray
    voxel_um: tuple[float, float]
    response: PowerResponse
    findings: tuple[Finding, ...]
    placeholders: tuple[str, ...]
    coverage: Callable[[int], tuple[LayerMask, tuple[Finding, ...]]]
    draw: Callable[[], Iterator[WrittenSlice]]

    @property
    def n_layers(self) -> int:
        """How many slices there are."""
        return self.grid.n_layers

    @property
    def calibrated(self) -> bool:
        """False while powers rest on a placeholder."""
        return not self.placeholders

    def levels(self, k: int) -> np.ndarray:
        """Return the power of voxels of slice k by their coverage, as a share of the printer's largest: (65536,) float32.

        Those below the threshold are as the process says (`unreachable`).
        """
        full = float(self.powers_mw[k])
        powers = self.response.shares_of_power() * full
        if self.process.two_photon.unreachable != "keep":
            powers[1 : self.response.first_cured(full)] = (
                self.response.threshold_mw if self.process.two_photon.unreachable == "lift" else 0.0
            )
        return (powers / self.printer.two_photon.max_power_mw.value).astype(np.float32)

    def voxels(self, k: int) -> np.ndarray:
        """Return the power of every voxel of slice k as a share of the printer's largest: (rows, cols) float32, row 0 the smallest y."""
        return np.asarray(self.levels(k)[self.coverage(k)[0].dense(np.uint16)])
