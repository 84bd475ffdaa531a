"""What checks hold their findings against: `[checks]` of the process, else what printer and grid give."""

from __future__ import annotations

import math

import msgspec
from msgspec import UNSET

from pmsl.job.print_job import PrintJob
from pmsl.profiles.checks import ProcessChecks

VENT_UM = 500.0  # diameter
CUP_UM = 500.0  # height
VOID_VOXELS = 8  # fewer are what is left where a slit narrows below a pixel, as between a ball and its race


class CheckLimits(msgspec.Struct, frozen=True):
    """The limits of a job.

    Attributes
    ----------
    min_joint_um2 : float
        A smaller contact does not hold a body [µm²]; by default a pixel.
    min_void_um3 : float
        Smaller voids are not named [µm³]; by default two by two pixels, two layers high.
    vent_um : float
        Diameter of an opening that lets resin in while layers part [µm].
    min_cup_um2 : float
        Smaller areas below the window do not suck [µm²]; by default the area of a vent.
    min_cup_um : float
        Lower walls do not suck [µm].
    """

    min_joint_um2: float
    min_void_um3: float
    vent_um: float
    min_cup_um2: float
    min_cup_um: float

    @classmethod
    def of(cls, job: PrintJob) -> CheckLimits:
        """Return the limits of a job.

        Parameters
        ----------
        job : PrintJob
        """
        said = job.process.checks if job.process.checks is not UNSET else ProcessChecks()
        pixel, height = job.grid.pixel_um2, float(job.grid.thickness_um.min())
        vent = VENT_UM if said.vent_um is UNSET else said.vent_um
        return cls(
            min_joint_um2=pixel if said.min_joint_um2 is UNSET else said.min_joint_um2,
            min_void_um3=VOID_VOXELS * pixel * height if said.min_void_um3 is UNSET else said.min_void_um3,
            vent_um=vent,
            min_cup_um2=0.25 * math.pi * vent**2 if said.min_cup_um2 is UNSET else said.min_cup_um2,
            min_cup_um=CUP_UM if said.min_cup_um is UNSET else said.min_cup_um,
        )
