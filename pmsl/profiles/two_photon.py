"""Profiles of two-photon writing: the objective and its stages, a resin's window of power, and how a part is scanned.

They are the files of a printer, a resin and a process that have a table ``[two_photon]``: voxels are written one after the other, so there
are no pixels, no working curve and no frames, and such a profile goes only with two others of its kind.
"""

from __future__ import annotations

import itertools
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from pmsl.profiles.printer import Positive, StageProfile
from pmsl.profiles.process import Unreachable
from pmsl.profiles.tables.strict_struct import Sourced, Strict, Value

TABLE = "two_photon"  # a profile that has it is one of these
SEAM_CYCLE = 4  # slices after which seams are where they were
SQUARE = 2.0  # two photons: dose goes as the square of power
Fraction = Annotated[float, Meta(gt=-0.5, lt=0.5)]
Share = Annotated[float, Meta(gt=0, le=1)]
Degrees = Annotated[float, Meta(ge=-360, le=360)]
Lengths = Annotated[float, Meta(gt=0, le=10_000)]
Order = Annotated[float, Meta(ge=1, le=10)]
Height = Annotated[float, Meta(ge=0, le=10_000)]
Factor = Annotated[float, Meta(gt=0, le=10)]


class Objective(Sourced, frozen=True, kw_only=True):
    """The objective, its laser and what moves its focus.

    Attributes
    ----------
    wavelength_nm : Value of float
        Wavelength of the laser; absorbed is half of it.
    field_um : Value of float
        Side of the square that the galvanometers reach without the stage.
    spot_um : Value of (float, float)
        Radius at which the intensity of the focus has fallen to 1/e², across the beam and along it.
    max_power_mw : Value of float
        Average power at the focus that a setting of 100 % gives.
    max_speed_um_s : Value of float
        Fastest scan.
    piezo_um : Value of float
        Travel of the piezo along z.
    """

    wavelength_nm: Value[Positive]
    field_um: Value[Positive]
    spot_um: Value[tuple[Positive, Positive]]
    max_power_mw: Value[Positive]
    max_speed_um_s: Value[Positive]
    piezo_um: Value[Positive]


class TwoPhotonPrinter(Strict, frozen=True, kw_only=True):
    """A two-photon writer, schema ``pmsl.printer/2``.

    Attributes
    ----------
    schema : str
        What the file is, and its version.
    name : str
        Its name, which jobs say.
    description : str
        A line for people.
    two_photon : Objective
        The objective and its laser.
    stage : StageProfile
        What carries the substrate: its travel along z, and in `stage.xy` along x and y.
    """

    NESTED: ClassVar[tuple[str, ...]] = ("two_photon", "stage")

    schema: Literal["pmsl.printer/2"]
    name: str
    description: str
    two_photon: Objective
    stage: StageProfile

    @property
    def plate_um(self) -> tuple[float, float]:
        """Width and height of what can be written on [µm]: what the stage reaches, and half a field around it."""
        field = self.two_photon.field_um.value
        if isinstance(self.stage.xy, UnsetType):
            return field, field
        x, y = self.stage.xy.travel_um.value
        return x + field, y + field

    @property
    def step_um(self) -> float:
        """What places of the stage are multiples of [µm]; 0 without a stage that moves along x and y."""
        return 0.0 if isinstance(self.stage.xy, UnsetType) else self.stage.xy.step_um.value


class PowerWindow(Sourced, frozen=True, kw_only=True):
    """Between what powers a resin is written: above where it cures, below where it burns.

    Attributes
    ----------
    wavelength_nm : Value of float
        At which the powers hold.
    threshold_mw : Value of float
        Least average power at the focus whose line stays, at `speed_um_s` and the printer's objective.
    burn_mw : Value of float
        Power at which it burns or boils there.
    speed_um_s : Value of float
        Scan speed at which both were measured.
    exponent : Value of float, e.g. 2.1
        How the dose goes with power, as measured; left out: 2, the square.
    burn_overlap : Value of float, e.g. 0.53
        Share of `burn_mw` that is left where lines overlap; left out: 1.
    shrinkage : Value of (float, float, float)
        Fraction a written part loses along x, y, z: parts are scaled by 1/(1 - shrinkage) when they are placed.
    """

    wavelength_nm: Value[Positive]
    threshold_mw: Value[Positive]
    burn_mw: Value[Positive]
    speed_um_s: Value[Positive]
    exponent: Value[Order] | UnsetType = UNSET
    burn_overlap: Value[Share] | UnsetType = UNSET
    shrinkage: Value[tuple[Fraction, Fraction, Fraction]]

    def __post_init__(self) -> None:
        if not self.threshold_mw.value < self.highest_mw:
            share = "" if isinstance(self.burn_overlap, UnsetType) else f" × burn_overlap {self.burn_overlap.value:g}"
            raise ValueError(
                f"threshold_mw is {self.threshold_mw.value:g}, burn_mw {self.burn_mw.value:g}{share}: nothing is written between them; "
                "threshold_mw must be below"
            )

    @property
    def highest_mw(self) -> float:
        """Power from which hatched lines burn [mW], at `speed_um_s`."""
        return self.burn_mw.value * (1.0 if isinstance(self.burn_overlap, UnsetType) else self.burn_overlap.value)

    @property
    def order(self) -> float:
        """The exponent of power in the dose."""
        return SQUARE if isinstance(self.exponent, UnsetType) else self.exponent.value


class TwoPhotonResin(Strict, frozen=True, kw_only=True):
    """A resin for two-photon writing, schema ``pmsl.resin/2``.

    Attributes
    ----------
    schema : str
        What the file is, and its version.
    name : str
        Its name, which jobs say.
    description : str
        A line for people.
    two_photon : PowerWindow
        Its window of power.
    """

    NESTED: ClassVar[tuple[str, ...]] = ("two_photon",)

    schema: Literal["pmsl.resin/2"]
    name: str
    description: str
    two_photon: PowerWindow


class VoxelScan(Strict, frozen=True, kw_only=True):
    """How a part is scanned.

    Attributes
    ----------
    power_mw : float
        Average power at the focus of a full voxel, far above the substrate.
    speed_um_s : float
        Scan speed.
    hatch_um : float
        Distance of neighbouring lines; side of a voxel in x and y.
    slice_um : float
        Distance of neighbouring slices; height of a voxel.
    hatch_angle_deg : float
        Direction of the lines of the first slice, from +x toward +y.
    hatch_step_deg : float
        How far the direction turns from slice to slice.
    contours : int
        Lines along the outline, the first half a line's width inside it.
    contour_um : float, e.g. 0.3
        Distance of contours from each other, and of the hatch from the last; left out: `hatch_um`.
    compensate : bool
        Whether lines stay half their width inside the outline, so that what is written ends there; else they end on it.
    block_um : float, e.g. 140.0
        Side of a block, what is written without moving the stage; left out: the objective's field, less what seams move.
    overlap_um : float
        How much neighbouring blocks share.
    stagger_um : float
        How far seams move from one slice to the next, in a cycle of four, so that they do not lie over each other; 0: they stay.
    order : {"blocks", "slices"}
        Each block from the substrate to its top, then the next; or all blocks of a slice, then the next slice.
    z_drive : {"piezo", "stage"}
        What moves the focus from slice to slice.
    base_dose_factors : list of (float, float), e.g. [[0.0, 0.8], [2.0, 1.0]]
        Height over the substrate [µm] and factor of the dose there, rising in height, linear between, the last goes on: light that the
        substrate reflects adds to the dose near it.
    unreachable : {"keep", "lift", "drop"}
        Voxels whose power lies below the threshold, of `voxel-npy`: kept and named, raised to the threshold, or made dark.
    """

    power_mw: Positive
    speed_um_s: Positive
    hatch_um: Lengths
    slice_um: Lengths
    hatch_angle_deg: Degrees = 0.0
    hatch_step_deg: Degrees = 90.0
    contours: Annotated[int, Meta(ge=0, le=100)] = 1
    contour_um: Lengths | UnsetType = UNSET
    compensate: bool = True
    block_um: Lengths | UnsetType = UNSET
    overlap_um: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    stagger_um: Annotated[float, Meta(ge=0, le=1000)] = 0.0
    order: Literal["blocks", "slices"] = "blocks"
    z_drive: Literal["piezo", "stage"] = "piezo"
    base_dose_factors: tuple[tuple[Height, Factor], ...] = ()
    unreachable: Unreachable = "keep"

    def __post_init__(self) -> None:
        if not isinstance(self.block_um, UnsetType) and not self.overlap_um < self.block_um:
            raise ValueError(f"overlap_um is {self.overlap_um:g}, block_um {self.block_um:g}: blocks must share less than their side")
        heights = [height for height, _ in self.base_dose_factors]
        for low, high in itertools.pairwise(heights):
            if not low < high:
                raise ValueError(f"base_dose_factors: {high:g} µm comes after {low:g} µm; heights must rise")

    def seam_shift_um(self, k: int) -> float:
        """Return how far the seams of slice k lie from the middle of their cycle, along x and y [µm]."""
        return (k % SEAM_CYCLE - 0.5 * (SEAM_CYCLE - 1)) * self.stagger_um

    @property
    def seam_reach_um(self) -> float:
        """How far seams move to either side of their middle [µm]."""
        return 0.5 * (SEAM_CYCLE - 1) * self.stagger_um

    @property
    def contour_pitch_um(self) -> float:
        """Distance of contours from each other [µm]."""
        return self.hatch_um if isinstance(self.contour_um, UnsetType) else self.contour_um


class TwoPhotonProcess(Strict, frozen=True, kw_only=True):
    """How a part is written, schema ``pmsl.process/2``.

    Attributes
    ----------
    schema : str
        What the file is, and its version.
    name : str
        Its name, which jobs say.
    description : str
        A line for people.
    two_photon : VoxelScan
        Power, lines, slices and blocks.
    """

    NESTED: ClassVar[tuple[str, ...]] = ("two_photon",)

    schema: Literal["pmsl.process/2"]
    name: str
    description: str
    two_photon: VoxelScan
