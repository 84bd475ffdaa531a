"""What `pmsl slice` does where its profiles write with two photons: the same request, the options that such a job has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pmsl.core.parallel import default_threads
from pmsl.errors import UsageError
from pmsl.formats.container.atomic_write import check_target
from pmsl.formats.protocol import Written
from pmsl.job.two_photon_job import TwoPhotonJob
from pmsl.mesh import load_solid
from pmsl.mesh.placing.placement import Placed
from pmsl.mesh.repair.repair import repaired
from pmsl.mesh.repair.weld_bound import bound_um
from pmsl.pipeline.request import option_parsing
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.pipeline.two_photon.light_of_request import KINDS
from pmsl.pipeline.two_photon.two_photon_setup import place_two_photon, prepare_two_photon
from pmsl.pipeline.two_photon.write_two_photon import write_two_photon
from pmsl.profiles import TwoPhotonPrinter, TwoPhotonProcess, TwoPhotonResin
from pmsl.profiles.find import find_two_photon_printer, find_two_photon_process, find_two_photon_resin

OFFERED = frozenset(
    ("meshes", "out", "format", "printer", "resin", "process", "unit", "repair", "weld_um", "at", "rotate", "scale", "keep_place")
    + ("threads", "no_checks", "fail_on", "force", "preview", "accept_uncalibrated")
)


class SlicedTwoPhoton(NamedTuple):
    """What came of a request: the job, how its parts were placed, and what the writer says."""

    job: TwoPhotonJob
    placed: Placed
    written: Written


def check_options(request: SliceRequest) -> None:
    """Refuse options that two-photon jobs do not have, and a target that cannot be written.

    Raises
    ------
    UsageError, OutputError
    """
    for field in msgspec.structs.fields(type(request)):
        if field.name in OFFERED:
            continue
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if getattr(request, field.name) != default:
            raise UsageError(
                f"--{field.name.replace('_', '-')}: is for jobs of frames; what two photons write is said in the tables [two_photon] of "
                "the profiles, leave it out"
            )
    check_target(Path(request.out), request.force, request.chosen_format().foreign)


def slice_two_photon(request: SliceRequest, progress: Callable[[int, int], None] | None = None) -> SlicedTwoPhoton:
    """Load, repair, place, prepare and write a job of two-photon writing.

    Parameters
    ----------
    request : SliceRequest
    progress : callable, optional
        Called with (slices done, slices in all).

    Raises
    ------
    PmslError
    """
    check_options(request)
    printer, resin, process = profiles_of(request)
    placement: dict[str, Any] = request.placement()
    hatch = process.two_photon.hatch_um
    weld = bound_um(hatch / max(map(abs, option_parsing.scale(request.scale)))) if request.weld_um is None else request.weld_um
    solids = [repaired(load_solid(mesh, request.unit), request.repair, weld) for mesh in request.meshes]
    placed = place_two_photon(solids, printer, resin, process, **placement)
    job = prepare_two_photon(placed, printer, resin, process, repair=request.repair, weld_um=request.weld_um)
    written = write_two_photon(
        job,
        request.out,
        format=request.format,
        threads=default_threads(request.threads),
        force=request.force,
        fail_on=request.fail_on,
        progress=progress,
    )
    return SlicedTwoPhoton(job, placed, written)


def profiles_of(request: SliceRequest) -> tuple[TwoPhotonPrinter, TwoPhotonResin, TwoPhotonProcess]:
    """Find the profiles of a request; raises `UsageError` where it leaves one out: there is no default."""
    for kind in KINDS:
        if getattr(request, kind) is None:
            raise UsageError(f"--{kind}: two-photon jobs have no default; name one with a table [two_photon] (`pmsl profiles` lists them)")
    return (
        find_two_photon_printer(str(request.printer)),
        find_two_photon_resin(str(request.resin)),
        find_two_photon_process(str(request.process)),
    )
