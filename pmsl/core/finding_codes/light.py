"""Findings of predictions and of prints."""

from __future__ import annotations

from pmsl.core.finding_codes.code import Code

LIGHT: dict[str, dict[str, Code]] = {
    "What checks say of a job": {
        "island": Code(
            ("warning",),
            "A body begins in mid-air: nothing solid is under it when its light comes, until a later layer joins it to the part.",
            "Support it, turn the part, or fill the gap below.",
        ),
        "loose-body": Code(
            ("error",),
            "A body begins in mid-air and no layer joins it to what stands on the plate.",
            "Place it on the plate, join it to the part, or leave it out.",
        ),
        "suction-cup": Code(
            ("warning",),
            "Plate or floor, walls and window shut a space while layers are lifted: it holds the part to the window by suction.",
            "Give it a vent near its lower end, turn the part, or set it on feet.",
        ),
        "thin-wall": Code(
            ("warning",),
            "A wall of the design is narrower than the printer's light resolves at the dose: it may not cure, or tear off.",
            "Make it wider, choose finer pixels, or set checks.min_wall_um to what your prints have shown.",
        ),
        "thin-gap": Code(
            ("warning",),
            "A gap of the design is narrower than the printer's light resolves at the dose: it may close.",
            "Make it wider, choose finer pixels, or set checks.min_gap_um to what your prints have shown.",
        ),
        "overhang": Code(
            ("info", "warning"),
            "A ledge or bridge reaches farther over nothing than three layers are high; a warning beyond checks.max_overhang_um.",
            "Support it, or turn the part, where it is too far for the resin.",
        ),
        "narrower-than-spot": Code(
            ("warning",),
            "The part is narrower somewhere than what the spot of a laser cures: its borders would meet, and nothing is drawn there.",
            "Make it wider, take a smaller spot, or give a smaller hatch.inset_um.",
        ),
        "hatch-gaps": Code(
            ("warning",),
            "Lines that a laser draws beside each other are further apart than two radii of the spot: between them light is uneven.",
            "Take spacing_um, border_step_um and hatch_inset_um of about the spot's radius.",
        ),
        "spot-below-pixels": Code(
            ("warning",),
            "The pixels of a laser's printer, in which doses are added up, are coarse beside its spot.",
            "Give the printer a finer optics.pitch_um, a fifth of the spot's radius or so.",
        ),
        "near-edge": Code(
            ("info",),
            "A part lies so near to the field's edge that its walls there lack the light of pixels beyond.",
            "Move it inward where its walls matter.",
        ),
        "checks-left-out": Code(
            ("info",),
            "Some checks were not made, for the reason in the message.",
            "Do what the message says to have them.",
        ),
        "dose-assumed": Code(
            ("info",),
            "A file does not say its doses or its resin: its white pixels are taken to cure through their layer.",
            "Give --printer and --resin to check it with its own doses.",
        ),
    },
    "What a prediction says": {
        "lost-feature": Code(
            ("warning",),
            "A feature of the design is not printed, or a gap of it is filled.",
            "Make it larger, or raise its dose where it has less.",
        ),
        "resin-trap": Code(
            ("warning",),
            "Resin stays inside a void that has no way out.",
            "Give it two openings wide enough to print.",
        ),
        "blocked-channel": Code(
            ("warning",),
            "A channel of the design is filled somewhere.",
            "Make it higher or wider, its roof thicker in fewer layers, or correct the masks.",
        ),
        "clogged-channel": Code(
            ("warning",),
            "A channel is open, but gelled all through at its narrowest.",
            "Make it larger, or correct the masks.",
        ),
        "sealed-on-plate": Code(
            ("info",),
            "A void is open only toward the plate.",
            "It drains when the part is taken off.",
        ),
        "dead-end": Code(
            ("info",),
            "A channel has one opening only: it cannot be flushed.",
            "Give it a second one.",
        ),
        "wall-overcure": Code(
            ("warning",),
            "Walls stand too far out: too much is cured.",
            "Correct the masks (corrections = edges), or lower the dose; where a laser draws, give the borders more inset.",
        ),
        "wall-undercure": Code(
            ("warning",),
            "Walls stand too far in: too little is cured.",
            "Correct the masks (corrections = edges), or raise the dose; where a laser draws, give the borders less inset.",
        ),
        "face-overcure": Code(
            ("warning",),
            "Faces along z are off because too much is cured.",
            "Correct the masks (corrections = printthrough), choose thinner layers, or lower the dose.",
        ),
        "face-undercure": Code(
            ("warning",),
            "Faces along z are off because too little is cured.",
            "Correct the masks (corrections = printthrough), choose thinner layers, or raise the dose.",
        ),
        "walls-lost": Code(
            ("warning",),
            "Places along the walls have nothing solid near them, and no part in the errors of walls.",
            "Make them thicker, or give them more light.",
        ),
        "memory-assumed": Code(
            ("info",),
            "The resin does not say what recoating does: liquid is taken to keep its dose.",
            "State resin.memory.",
        ),
        "openings-incomplete": Code(
            ("warning",),
            "So many columns lie below roofs that openings were looked for in the lower part only.",
            "Simulate a job of the upper part alone.",
        ),
        "out-of-focus": Code(
            ("warning",),
            "Exposures out of focus are predicted as if in focus; real edges are softer.",
            "Leave focus_um out where edges are to be predicted.",
        ),
    },
    "Playing a job": {
        "uncalibrated-print": Code(
            ("warning",),
            "A job was printed although its doses rest on placeholders.",
            "Measure these values and slice again.",
        ),
        "stage-steps": Code(
            ("warning",),
            "Layers do not end on whole steps of the stage; errors do not add up.",
            "Choose layer heights that are multiples of the step.",
        ),
        "lamp-drift": Code(
            ("warning",),
            "The lamp gave another power than it was asked for.",
            "Let it warm up, calibrate or replace it.",
        ),
        "exposure-cut-off": Code(
            ("warning",),
            "An exposure was cut off while it was lit; it is not lit again.",
            "Look at that layer of the part.",
        ),
        "layers-skipped": Code(
            ("warning",),
            "Layers got no light, or not all of it, as asked for.",
            "Look at these layers of the part.",
        ),
    },
}
