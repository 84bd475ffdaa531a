"""Kinds of coupons, one file each: what is printed, what is measured, and what is fitted to it.

kind           what a kind is
working_curve_kind  thickness over dose
induction_kind  one dose in several events
gray_kind      gray levels by thickness, first cure or power meter
uniformity_kind  light over the field
walls_kind     lines, gaps, dots and holes: the blur
roofs_kind     closed channels under cover layers
renewal_kind   ledges and channels that are open to the vat
scale_kind     pitch, skew and shrinkage
focus_kind     best focus and tilt
bottom_kind    first layers: adhesion, foot, zero
daily_kind     five minutes a day: in control or not
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pmsl.calibrate.kinds.kind import Kind

NAMES = ("working-curve", "induction", "gray", "uniformity", "walls", "roofs", "renewal", "scale", "focus", "bottom", "daily", "seams")
ELSEWHERE = {"seams": "pmsl.calibrate.seams.seams_kind"}
PROPOSED = ("working-curve", "induction", "roofs", "renewal", "walls")  # kinds whose next print pmsl proposes


def kind_of(name: str) -> Kind:
    """Return a kind of coupon by its name, one of `NAMES`; raises `UsageError`."""
    if name not in NAMES:
        import difflib

        from pmsl.errors import UsageError

        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(NAMES)}"
        raise UsageError(f"no coupon of kind {name!r}; {hint}")
    found: Kind = import_module(ELSEWHERE.get(name, f"pmsl.calibrate.kinds.{name.replace('-', '_')}_kind")).KIND
    return found
