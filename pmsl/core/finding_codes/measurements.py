"""Findings of measurements, and of what was fitted to them."""

from __future__ import annotations

from pmsl.core.finding_codes.code import Code

MEASUREMENTS: dict[str, dict[str, Code]] = {
    "Measurements and fits": {
        "rows-left-out": Code(
            ("info",),
            "Rows of a sheet have no value, or are marked not to be used.",
            "Nothing has to be done.",
        ),
        "measurement-outlier": Code(
            ("warning",),
            "A measurement lies further from the fitted curve than all others allow (Bonferroni, 5 %).",
            "Look at that tile again, leave the row out (use = 0), or fit with --robust.",
        ),
        "lack-of-fit": Code(
            ("warning",),
            "The curve does not describe the measurements within their error.",
            "Use a narrower range of doses, or a model with the term that is named.",
        ),
        "lack-of-fit-unknown": Code(
            ("info",),
            "Without repeated tiles or a stated measuring error nothing says whether the curve fits.",
            "Repeat some tiles, or state sd_um.",
        ),
        "values-not-parted": Code(
            ("warning", "info"),
            "Two fitted values hold only together, or the data tell one of them for another.",
            "Make the measurement that is named.",
        ),
        "value-at-bound": Code(
            ("info",),
            "A fitted value is at the end of what it can be: the data give only how large it can be at most.",
            "Nothing has to be done; a coupon that is named would tell more.",
        ),
        "value-holds-for": Code(
            ("info",),
            "A fitted value holds under the conditions it was measured under, which are named.",
            "Nothing has to be done.",
        ),
        "proposal-outcome": Code(
            ("info",),
            "What a proposed print was expected to make surer, and how sure it is with its sheet.",
            "Nothing has to be done; where far less came of it, look whether the curve fits.",
        ),
        "search-none-within": Code(
            ("warning",),
            "No run of a search keeps to its limits: where they can be kept is not known yet.",
            "Make the runs that are named, or widen limits or room.",
        ),
        "roofs-from-design": Code(
            ("info",),
            "How far roofs that were designed within slabs lie from there: plain prints light whole slabs.",
            "Nothing has to be done; printthrough puts them where they are designed.",
        ),
        "value-held": Code(
            ("info",),
            "A value that the fit rests on was not measured by these sheets but held as the profile has it.",
            "Add the sheet of the coupon that is named.",
        ),
        "response-falls": Code(
            ("warning",),
            "A brighter gray level gave less light than a darker one, by more than its error.",
            "Measure both again; the table written never falls.",
        ),
        "smallest-feature": Code(
            ("info",),
            "From this width on all features of a coupon survived, by kind and dose.",
            "Nothing has to be done; state it as min_wall_um, min_gap_um of a process.",
        ),
        "heavy-tail": Code(
            ("info",),
            "A blur with heavy tails describes the widths of walls better than a Gaussian one.",
            "Nothing has to be done: the profile has it.",
        ),
        "out-of-control": Code(
            ("warning",),
            "Light, absorber or edges differ from the profiles by more than both errors allow (99 %).",
            "Look at what is named; where it is meant to stay, measure it anew.",
        ),
        "adhesion": Code(
            ("info",),
            "From this dose factor of the first layer on, all pillars stuck.",
            "Nothing has to be done; give it to --bottom-dose-factors.",
        ),
        "irradiance-unknown": Code(
            ("warning",),
            "Times were measured without an irradiance: the critical exposure is a time.",
            "Measure the irradiance of a white pixel.",
        ),
    },
}
