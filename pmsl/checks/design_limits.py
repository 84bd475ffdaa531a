"""How narrow walls and gaps, and how far overhangs may be: `[checks]` of the process, else what light and dose give."""

from __future__ import annotations

import math
from statistics import NormalDist

import msgspec
from msgspec import UNSET

from pmsl.cure import CureModel, dose_for_depth_mj_cm2
from pmsl.cure.curve import MARGIN_FACTOR
from pmsl.job.print_job import PrintJob
from pmsl.profiles.checks import ProcessChecks

OVERHANG_UM = 1000.0  # what design guides of stereolithography allow a ledge without supports


class DesignLimits(msgspec.Struct, frozen=True):
    """The limits of a job's design.

    Attributes
    ----------
    min_wall_um, min_gap_um : float
        Narrower walls and gaps may not print [µm]; by default the least line and the least slit that light as blurred as the printer's
        resolves, a pixel at least.
    max_overhang_um : float
        Farther reaches are warned of [µm]; by default 1000 µm.
    blur_um : float
        Standard deviation of that light, of optics and pixels together [µm].
    """

    min_wall_um: float
    min_gap_um: float
    max_overhang_um: float
    blur_um: float

    @classmethod
    def of(cls, job: PrintJob) -> DesignLimits:
        """Return the limits of a job.

        Parameters
        ----------
        job : PrintJob
        """
        said = job.process.checks if job.process.checks is not UNSET else ProcessChecks()
        pitch = float(job.grid.pitch_um.max())
        blur = math.hypot(sigma_um(job), pitch / math.sqrt(6.0))  # a pixel blurs as a mirror, and again as a sample of the design
        share = threshold_share(job)
        line, slit = (2.0 * blur * NormalDist().inv_cdf(0.5 * (1.0 + part)) for part in (share, 1.0 - share))
        return cls(
            min_wall_um=max(line, pitch) if said.min_wall_um is UNSET else said.min_wall_um,
            min_gap_um=max(slit, pitch) if said.min_gap_um is UNSET else said.min_gap_um,
            max_overhang_um=OVERHANG_UM if said.max_overhang_um is UNSET else said.max_overhang_um,
            blur_um=blur,
        )


def sigma_um(job: PrintJob) -> float:
    """Return the blur of a job's optics along the axis where it is larger [µm]; 0 where its light is no Gaussian.

    Parameters
    ----------
    job : PrintJob
    """
    psf, pitch = job.printer.optics.psf, tuple(job.grid.pitch_um.tolist())
    if psf.kind not in ("gaussian", "box"):
        return 0.0
    return max(float(length * step) for length, step in zip(psf.length_px(pitch), pitch, strict=True))


def threshold_share(job: PrintJob) -> float:
    """Return which share of white light cures, in the middle of an ordinary layer: between 0 and 1.

    Parameters
    ----------
    job : PrintJob
    """
    cure, process, height = CureModel.of(job.resin), job.process, float(job.grid.thickness_um.max())
    dp, ec = job.resin.resin.dp_um.value, job.resin.resin.ec_mj_cm2.value
    if process.exposure_s is not UNSET:
        power = max(s.irradiance_mw_cm2.value for s in job.printer.optics.settings)
        white = process.exposure_s * power
    elif process.margin_um is None:
        white = MARGIN_FACTOR * dose_for_depth_mj_cm2(height, dp, ec)
    else:
        white = dose_for_depth_mj_cm2(height + process.margin_um, dp, ec)
    return float(min(max(ec / (white * cure.decay.fraction(0.5 * height)), 1e-3), 1.0 - 1e-3))
