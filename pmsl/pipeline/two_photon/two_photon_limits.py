"""Do a two-photon printer, a resin and a process go together? What is refused, and what is only found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import UnsetType

from pmsl.checks.profile_fit import WAVELENGTH_SLACK_NM
from pmsl.core.finding import Finding
from pmsl.cure.two_photon import TwoPhotonResponse
from pmsl.errors import ExposureError, MeshError, ProfileError
from pmsl.job.two_photon_job import WritingBlock
from pmsl.profiles import TwoPhotonPrinter, TwoPhotonProcess, TwoPhotonResin
from pmsl.profiles.tables.strict_struct import Value

SLACK = 1 + 1e-9
SLACK_UM = 1e-6
FINEST = 0.01  # of the spot's radius: finer lines and slices only make more of them


def check_profiles(printer: TwoPhotonPrinter, resin: TwoPhotonResin, process: TwoPhotonProcess) -> None:
    """Refuse what the objective cannot do.

    Raises
    ------
    ProfileError
        A block larger than the field, or not larger than what it shares; power or speed above the printer's; lines or slices much finer
        than the focus.
    ExposureError
        A resin of another wavelength.
    """
    optics, scan, window = printer.two_photon, process.two_photon, resin.two_photon
    field, side, reach = optics.field_um.value, block_side_um(printer, process), 2.0 * scan.seam_reach_um
    if not side > 0:
        raise ProfileError(
            f"process {process.name}: two_photon.stagger_um is {scan.stagger_um:g}: seams that move {reach:g} µm leave nothing of the "
            f"field of printer {printer.name}, {field:g} µm wide; lower it"
        )
    if reach and side <= field < side + reach - SLACK_UM:
        raise ProfileError(
            f"process {process.name}: two_photon.block_um is {side:g} and its seams move {reach:g} µm (stagger_um), the field of printer "
            f"{printer.name} {field:g} µm wide; make both at most that"
        )
    if side > field * SLACK:
        raise ProfileError(
            f"process {process.name}: two_photon.block_um is {side:g}, the field of printer {printer.name} {field:g} µm wide; "
            "make block_um at most that, or leave it out"
        )
    if not scan.overlap_um < side:
        raise ProfileError(
            f"process {process.name}: two_photon.overlap_um is {scan.overlap_um:g}, a block {side:g} µm wide; "
            "blocks must share less than their side"
        )
    for name, value, limit, unit in (
        ("power_mw", scan.power_mw, optics.max_power_mw.value, "mW"),
        ("speed_um_s", scan.speed_um_s, optics.max_speed_um_s.value, "µm/s"),
    ):
        if value > limit * SLACK:
            raise ProfileError(
                f"process {process.name}: two_photon.{name} is {value:g}, the limit of printer {printer.name} {limit:g} {unit}; lower it"
            )
    for name, value, radius in zip(("hatch_um", "slice_um"), (scan.hatch_um, scan.slice_um), optics.spot_um.value, strict=True):
        if value * SLACK < FINEST * radius:
            raise ProfileError(
                f"process {process.name}: two_photon.{name} is {value:g} µm; at least {FINEST * radius:g} µm is offered, a hundredth of "
                f"the focus of printer {printer.name} (spot_um); raise it"
            )
    ours, theirs = optics.wavelength_nm.value, window.wavelength_nm.value
    if abs(ours - theirs) > WAVELENGTH_SLACK_NM:
        raise ExposureError(
            f"resin {resin.name}: its powers hold at {theirs:g} nm, printer {printer.name} writes at {ours:g} nm "
            f"(they may differ by {WAVELENGTH_SLACK_NM:g} nm); choose a resin measured at that wavelength"
        )


def check_powers(powers_mw: np.ndarray, response: TwoPhotonResponse, printer: TwoPhotonPrinter, process: TwoPhotonProcess) -> None:
    """Refuse slices without any effect, or above the laser's power, base factors included.

    Parameters
    ----------
    powers_mw : (L,) float64
        Of full voxels.
    response : TwoPhotonResponse
    printer, process : TwoPhotonPrinter, TwoPhotonProcess

    Raises
    ------
    ExposureError
    """
    weak, strong = int(np.argmin(powers_mw)), int(np.argmax(powers_mw))
    least, most, limit = float(powers_mw[weak]), float(powers_mw[strong]), printer.two_photon.max_power_mw.value
    if not least > response.threshold_mw:
        raise ExposureError(
            f"process {process.name}: slice {weak} is written with {least:.4g} mW, the resin cures above {response.threshold_mw:.4g} mW "
            f"at {process.two_photon.speed_um_s:g} µm/s: nothing of it stays; raise power_mw, or scan more slowly"
        )
    if most > limit * SLACK:
        raise ExposureError(
            f"process {process.name}: base_dose_factors ask for {most:.4g} mW in slice {strong}, the limit of printer {printer.name} is "
            f"{limit:g} mW; lower them, or power_mw"
        )


def check_height(top_um: float, printer: TwoPhotonPrinter, process: TwoPhotonProcess) -> None:
    """Refuse a part higher than what moves the focus; raises `MeshError`."""
    piezo = printer.two_photon.piezo_um.value
    if process.two_photon.z_drive == "piezo" and top_um > piezo + SLACK_UM:
        raise MeshError(
            f"the part is {top_um:.6g} µm high, the piezo of printer {printer.name} moves {piezo:g} µm; "
            'let the stage move the focus (process: z_drive = "stage"), or turn the part'
        )


def check_travel(blocks: Sequence[WritingBlock], printer: TwoPhotonPrinter) -> None:
    """Refuse blocks farther apart than the stage goes; raises `MeshError`."""
    xy = printer.stage.xy
    travel = (0.0, 0.0) if isinstance(xy, UnsetType) else xy.travel_um.value
    places = np.array([block.centre_um for block in blocks])
    for axis, span, limit in zip("xy", np.ptp(places, axis=0).tolist(), travel, strict=True):
        if span > limit + SLACK_UM:
            moved = f"moves {limit:g} µm" if limit else "does not move along it ([stage.xy])"
            raise MeshError(
                f"{len(blocks)} blocks of {blocks[0].side_um:g} µm, {span:.6g} µm apart along {axis}; the stage of printer {printer.name} "
                f"{moved}; make block_um larger, or the part smaller"
            )


def window_findings(
    powers_mw: np.ndarray, response: TwoPhotonResponse, printer: TwoPhotonPrinter, process: TwoPhotonProcess
) -> Iterator[Finding]:
    """Yield slices that burn, and lines or slices farther apart than what is cured around them; arguments as `check_powers`."""
    scan = process.two_photon
    burning = np.flatnonzero(powers_mw >= response.burn_mw)
    if len(burning):
        yield Finding(
            code="power-above-burning",
            severity="error",
            message=f"{len(burning)} slices are written with up to {powers_mw.max():.4g} mW, hatched lines of the resin burn from "
            f"{response.burn_mw:.4g} mW on at {scan.speed_um_s:g} µm/s; lower power_mw, or scan faster",
            layers=(int(burning[0]), int(burning[-1])),
            value=float(powers_mw.max()),
            limit=response.burn_mw,
            unit="mW",
        )
    width, height = response.voxel_um(float(powers_mw.min()), printer.two_photon.spot_um.value)
    for code, key, value, limit, word in (
        ("hatch-above-voxel", "hatch_um", scan.hatch_um, width, "wide"),
        ("slice-above-voxel", "slice_um", scan.slice_um, height, "high"),
    ):
        if value > limit * SLACK:
            yield Finding(
                code=code,
                severity="warning",
                message=f"{key} is {value:g} µm, what a line cures {limit:.3g} µm {word}: neighbours do not touch; "
                f"lower {key}, or raise power_mw",
                value=value,
                limit=limit,
                unit="µm",
            )


def placeholders_of(printer: TwoPhotonPrinter, resin: TwoPhotonResin) -> tuple[str, ...]:
    """Name the values that powers rest on and nobody measured or published."""
    named = {f"printer.two_photon.{name}": getattr(printer.two_photon, name) for name in ("spot_um", "max_power_mw")}
    rest = ("threshold_mw", "burn_mw", "speed_um_s", "exponent", "burn_overlap")
    named |= {f"resin.two_photon.{name}": getattr(resin.two_photon, name) for name in rest}
    return tuple(name for name, value in named.items() if isinstance(value, Value) and value.class_ == "placeholder")


def block_side_um(printer: TwoPhotonPrinter, process: TwoPhotonProcess) -> float:
    """Return the side of a block [µm]: as the process says, else the objective's field less what seams move."""
    scan = process.two_photon
    return scan.block_um if isinstance(scan.block_um, float) else printer.two_photon.field_um.value - 2.0 * scan.seam_reach_um
