"""The print that is proposed, and its sheet."""

from __future__ import annotations

from pmsl.calibrate.coupons.coupon_job import Coupon, TileExposure, check_pictures
from pmsl.calibrate.coupons.film_coupon import film_coupon, tiles_of
from pmsl.calibrate.coupons.tile_layout import well_spread
from pmsl.calibrate.coupons.walls_coupon import NOTES as WALLS_NOTES
from pmsl.calibrate.coupons.walls_coupon import walls_coupon
from pmsl.calibrate.coupons.working_curve_coupon import COLUMNS, NOTES
from pmsl.calibrate.kinds import kind_of
from pmsl.calibrate.kinds.induction_kind import NOTES as INDUCTION_NOTES
from pmsl.calibrate.kinds.induction_kind import induction_coupon
from pmsl.calibrate.kinds.kind import CouponOptions
from pmsl.calibrate.kinds.roofs_kind import NOTES as ROOFS_NOTES
from pmsl.calibrate.kinds.roofs_kind import RoofTile, roofs_coupon
from pmsl.calibrate.next_print.outcome import stated_line
from pmsl.calibrate.next_print.proposal import Proposal
from pmsl.calibrate.profile_update import measured_resin
from pmsl.calibrate.renewal.renewal_coupon import NOTES as RENEWAL_NOTES
from pmsl.calibrate.renewal.renewal_coupon import RenewalTile, renewal_coupon
from pmsl.profiles import DEFAULT_PRINTER, DEFAULT_PROCESS, DEFAULT_RESIN, Printer, Process, Resin, find_printer, find_process, find_resin
from pmsl.profiles.resin import of_first_engine

Profiles = tuple[Printer, Resin, Process]


def proposed_coupon(
    proposal: Proposal, printer: Printer | None = None, resin: Resin | None = None, process: Process | None = None
) -> Coupon:
    """Make the print that is proposed, and its sheet; the sheet joins those before it in `pmsl.calibrate.fit`.

    Parameters
    ----------
    proposal : Proposal
    printer, resin, process : Printer, Resin, Process, optional
        The printer it was made for; left out: the defaults. Of induction and roofs the resin gets the values of the fit.

    Raises
    ------
    UsageError
        No room on the field, doses beyond the printer's limits.
    """
    machine, material = of_first_engine(printer or find_printer(DEFAULT_PRINTER), resin or find_resin(DEFAULT_RESIN))
    profiles = machine, material, process or find_process(DEFAULT_PROCESS)
    check_pictures(profiles[0], profiles[2])
    goal = proposal.goal if proposal.goal == "dp" else f"{proposal.goal}, layers of {proposal.layer_um:g} um"
    stated = stated_line("Dp" if goal == "dp" else goal, proposal.sd_expected, proposal.sd_now)
    if proposal.kind == "working-curve":
        return _films(proposal, profiles, stated)
    if proposal.kind == "walls":
        return walls_coupon(*profiles, chosen_mj_cm2=proposal.dose_mj_cm2.tolist(), notes=(*WALLS_NOTES, stated))
    order = well_spread(len(proposal.time_s))
    if proposal.kind == "renewal":
        tiles = list(zip(*(proposal.columns[name][order].tolist() for name in ("dose_mj_cm2", "cover_layers", "bar")), strict=True))
        exchanged = kind_of("renewal").resin(material, proposal.fit, None)  # type: ignore[misc]
        options = CouponOptions(layer_um=proposal.layer_um)
        chosen = [RenewalTile(dose, covers, bool(bar)) for dose, covers, bar in tiles]
        return renewal_coupon(machine, exchanged, profiles[2], options, chosen, (*RENEWAL_NOTES, stated))
    fitted = profiles[0], measured_resin(profiles[1], proposal.fit), profiles[2]
    if proposal.kind == "induction":
        events = proposal.columns["events"][order]
        whole = proposal.dose_mj_cm2[order] * events
        return induction_coupon(fitted, list(zip(whole.tolist(), events.tolist(), strict=True)), notes=(*INDUCTION_NOTES, stated))
    settings = list(map(RoofTile, proposal.dose_mj_cm2[order].tolist(), proposal.columns["cover_layers"][order].tolist()))
    return roofs_coupon(fitted, settings, proposal.layer_um, (*ROOFS_NOTES, stated))


def _films(proposal: Proposal, profiles: Profiles, stated: str) -> Coupon:
    """Return films of a working curve."""
    count = len(proposal.dose_mj_cm2)
    order, layout = well_spread(count), tiles_of(count, profiles[0])
    dose, light = proposal.dose_mj_cm2[order], proposal.irradiance_mw_cm2
    rows = tuple({"tile": i + 1, "time_s": t, "irradiance_mw_cm2": light} for i, t in enumerate(proposal.time_s[order].tolist()))

    def shots() -> list[TileExposure]:
        return [TileExposure(layout.mask(i), float(dose[i])) for i in range(count)]

    return film_coupon("working-curve", profiles, layout, COLUMNS, rows, (*NOTES, stated), float(dose.max()), shots)
