"""The sheet of a coupon: a CSV file with one row a tile, to fill in with a microscope or a calliper at hand."""

from __future__ import annotations

import hashlib

from pmsl.calibrate.coupons.working_curve_coupon import WorkingCurveCoupon
from pmsl.version import __version__

COLUMNS = "tile,time_s,irradiance_mw_cm2,thickness_um,sd_um,replicate,use,note"


def working_curve_sheet(coupon: WorkingCurveCoupon) -> str:
    """Return the sheet of a working-curve coupon as CSV text.

    Parameters
    ----------
    coupon : WorkingCurveCoupon

    Notes
    -----
    Thickness is left blank; `pmsl.calibrate.read_working_curve` reads the filled sheet. The irradiance is the profile's: put
    the measured one in its place.
    """
    job, seen = coupon.job, dict[tuple[float, float], int]()
    rows = []
    for i, (time, light) in enumerate(zip(coupon.time_s.tolist(), coupon.irradiance_mw_cm2.tolist(), strict=True), start=1):
        seen[time, light] = seen.get((time, light), 0) + 1
        rows.append(f"{i},{time:.9g},{light:.9g},,,{seen[time, light]},1,")
    digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]
    low, high = coupon.expected_um.min(), coupon.expected_um.max()
    head = [
        f"# working-curve coupon {digest} of pmsl {__version__}: printer {job.printer.name}, resin {job.resin.name}",
        "# Rinse and post-treat all tiles alike. Measure thickness_um in the middle of each tile, from glass or film; its number stands",
        "# above it. Leave a lost tile blank; measure some twice (add rows); sd_um is your measuring error, where you know it.",
        f"# Expected by the profiles: {low:.3g} to {high:.3g} um.",
    ]
    return "\n".join([*head, COLUMNS, *rows]) + "\n"
