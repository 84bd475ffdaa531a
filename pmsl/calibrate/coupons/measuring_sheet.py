"""The sheet of a coupon, a CSV file to fill in with a microscope or a calliper at hand, and the drawing of where to measure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pmsl.calibrate.coupons.coupon_job import Coupon, row_text
from pmsl.version import __version__

MORE = ("sd_um", "replicate", "use", "note")
WIDTH = 118


def sheet_text(coupon: Coupon) -> str:
    """Return the sheet of a coupon as CSV text: one row a measurement, what is measured left blank.

    Parameters
    ----------
    coupon : Coupon

    Notes
    -----
    Irradiances are the profile's: put the measured one in its place.
    """
    job, seen, rows = coupon.job, dict[str, int](), []
    settings = [name for name in coupon.columns if name != "tile"]
    for row in coupon.rows:
        same = row_text(settings, row)
        seen[same] = seen.get(same, 0) + 1
        rows.append(f"{row_text(coupon.columns, row)},,{seen[same]},1,")
    head = [
        f"# {coupon.kind} coupon {coupon.digest} of pmsl {__version__}: printer {job.printer.name}, resin {job.resin.name}",
        *(f"# {line}" for note in coupon.notes for line in _wrapped(note)),
    ]
    return "\n".join([*head, ",".join([*coupon.columns, *MORE]), *rows]) + "\n"


def drawing_text(coupon: Coupon) -> str:
    """Return a drawing of a coupon as SVG: tiles with their numbers as seen from the light side, and where to measure.

    Parameters
    ----------
    coupon : Coupon
    """
    rows, cols = coupon.layout.shape
    unit = cols / 1000
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {cols} {rows}" width="1000" font-family="sans-serif">',
        f"<title>{escape(coupon.kind)} coupon {coupon.digest}</title>",
        f'<rect width="{cols}" height="{rows}" fill="#fff" stroke="#888" stroke-width="{unit:.3g}"/>',
    ]
    for i in range(coupon.layout.count):
        tile = coupon.layout.tile(i)
        top = rows - tile.row0 - tile.rows  # y grows upward on the plate, downward on the page
        out.append(
            f'<rect x="{tile.col0}" y="{top}" width="{tile.cols}" height="{tile.rows}" fill="#dde6f0"/>'
            f'<text x="{tile.col0}" y="{top - 4 * unit:.5g}" font-size="{18 * unit:.5g}">{i + 1}</text>'
        )
    for x, y, word in coupon.marks_px:
        down, arm = rows - y, 6 * unit
        out.append(
            f'<path d="M{x - arm:.5g} {down:.5g}H{x + arm:.5g}M{x:.5g} {down - arm:.5g}V{down + arm:.5g}" stroke="#c00" '
            f'stroke-width="{1.5 * unit:.3g}"/><text x="{x + arm:.5g}" y="{down - arm:.5g}" font-size="{11 * unit:.5g}" fill="#c00">'
            f"{escape(word)}</text>"
        )
    return "\n".join([*out, "</svg>"]) + "\n"


def _wrapped(text: str) -> Sequence[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, break_long_words=False) or [""]
