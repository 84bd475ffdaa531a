"""Coupons and fits of every kind, by the name of the kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pmsl.calibrate.coupons.coupon_job import Coupon, check_pictures
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.kinds import kind_of
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions
from pmsl.calibrate.next_print.outcome import with_outcome
from pmsl.calibrate.sheets import HEAD, check_coupon, text_of
from pmsl.errors import MeasurementError
from pmsl.job.print_job import PrintJob
from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_PROCESS, DEFAULT_RESIN, Printer, Process, Resin, find_printer, find_process, find_resin
from pmsl.profiles.resin import of_first_engine


def coupon(
    kind: str,
    printer: Printer | None = None,
    resin: Resin | None = None,
    process: Process | None = None,
    options: CouponOptions | None = None,
) -> Coupon:
    """Make a test print, and the sheet that goes with it.

    Parameters
    ----------
    kind : str
        ``working-curve``, ``induction``, …: one of `pmsl.calibrate.kinds.NAMES`.
    printer, resin, process : Printer, Resin, Process, optional
        Their values space doses and sizes; they may be placeholders. Left out: the defaults.
    options : CouponOptions, optional

    Returns
    -------
    Coupon

    Raises
    ------
    UsageError
        No such kind, an option it has no use for, a laser, no room on the field, doses beyond the printer's limits.
    """
    found, how = kind_of(kind), options or CouponOptions()
    found.check(how)
    machine, material = of_first_engine(printer or find_printer(DEFAULT_PRINTER), resin or find_resin(DEFAULT_RESIN))
    how_printed = process or find_process(DEFAULT_PROCESS)
    check_pictures(machine, how_printed)
    return found.coupon(machine, material, how_printed, how)


def fit(
    kind: str,
    sheets: str | Path | Sequence[str | Path],
    printer: Printer | None = None,
    resin: Resin | None = None,
    irradiance_mw_cm2: float | None = None,
    robust: bool = False,
    job: PrintJob | None = None,
) -> FitResult:
    """Fit a model to sheets of measurements, joined.

    Parameters
    ----------
    kind : str
    sheets : path, or sequence of paths
        CSV files.
    printer, resin : Printer, Resin, optional
        What is known already, where a kind needs it. Left out: the defaults.
    irradiance_mw_cm2 : float, optional
        Of rows that state none [mW/cm²].
    robust : bool
        Hold far measurements back (Huber weights) instead of naming them only.
    job : PrintJob, optional
        The coupon that was printed: the first sheet has to be of it.

    Returns
    -------
    FitResult

    Raises
    ------
    MeasurementError
        A sheet that is not valid or of another coupon, too few measurements, parameters that they cannot part.
    """
    found = kind_of(kind)
    paths = [Path(sheets)] if isinstance(sheets, (str, Path)) else [Path(sheet) for sheet in sheets]
    if job is not None:
        _check_job(job, paths)
    known = FitOptions(
        printer=printer or find_printer(DEFAULT_PRINTER),
        resin=resin or find_resin(DEFAULT_RESIN),
        irradiance_mw_cm2=irradiance_mw_cm2,
        robust=robust,
    )
    return with_outcome(found.fit(paths, known), paths, known)


def _check_job(job: PrintJob, paths: Sequence[Path]) -> None:
    """Refuse sheets none of which is of a job, which has to be a coupon."""
    word, _, digest = job.provenance.placement.rpartition(" ")
    if not word.startswith("coupon "):
        raise MeasurementError(f"the job is no coupon ({job.provenance.placement!r}); give one that pmsl calibrate coupon wrote")
    stated = [m["digest"] for path in paths for m in HEAD.finditer(text_of(path))]
    if digest not in stated:
        check_coupon(stated, digest, "the job")
