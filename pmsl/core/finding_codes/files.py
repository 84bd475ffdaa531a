"""Findings of files of jobs, read and written, and of what ``--lossy`` changed in them."""

from __future__ import annotations

from pmsl.core.finding_codes.code import Code

FILES: dict[str, dict[str, Code]] = {
    "Files of jobs": {
        "left-to-host": Code(
            ("info",),
            "The format has no place for some settings.",
            "Set them at the machine.",
        ),
        "times-rounded": Code(
            ("info",),
            "Exposure times are rounded as the format has them.",
            "Nothing has to be done.",
        ),
        "thin-first-layer": Code(
            ("warning",),
            "Some readers of CTB files refuse a first layer as thin as this one.",
            "Make the first layer thicker.",
        ),
        "partial-file": Code(
            ("warning",),
            "The file does not say all of a job: placeholders stand in its place, doses are relative.",
            "Use the native job where there is one.",
        ),
        "pauses-not-read": Code(
            ("warning",),
            "The file pauses at some layers: nothing that is published says whether these are lit before or after it, so it was not read.",
            "Slice the part with --pause.",
        ),
        "contours-only": Code(
            ("info",),
            "The file holds contours in the middle of every slab: no masks, times, doses or moves.",
            "Write a native job beside it to print.",
        ),
        "lines-only": Code(
            ("info",),
            "The file holds the lines that a laser draws: no powers, speeds, doses or moves.",
            "Set these at the machine; a native job has them.",
        ),
        "pitch-guessed": Code(
            ("warning",),
            "The file does not say its pixel pitch: sizes in x and y mean nothing.",
            "Say it with --pitch-um or --printer.",
        ),
        "orientation-guessed": Code(
            ("warning",),
            "The file does not say how its frames are turned.",
            "Say it with --printer.",
        ),
        "named-settings": Code(
            ("warning",),
            "An image with named settings lies in a layer with named defaults, which host and specification read in two ways.",
            "Name the settings in one place.",
        ),
        "host-techniques": Code(
            ("info",),
            "The file asks its host for techniques.",
            "Print it with a host that has them.",
        ),
        "unknown-light-engine": Code(
            ("warning",),
            "Frames have a size that the host's light engines do not have.",
            "Slice for one of its light engines.",
        ),
        "wavelength-guessed": Code(
            ("warning",),
            "A wavelength that nobody said was written as a fact.",
            "Slice with a printer that states its wavelength.",
        ),
        "power-scaled": Code(
            ("info",),
            "Light settings up to 1 are written as shares of the full setting.",
            "Nothing has to be done.",
        ),
        "layer-lists": Code(
            ("warning",),
            "The plate lists values for every layer, which the host's manual does not describe.",
            "Watch the first layers.",
        ),
        "uneven-layers": Code(
            ("info",),
            "Layers are of several heights; a viewer that goes by one step shows them at others.",
            "Nothing has to be done.",
        ),
        "not-read": Code(
            ("warning",),
            "Settings of the file are not read.",
            "Look whether they change what is printed.",
        ),
        "light-mask": Code(
            ("warning",),
            "A light mask darkens the frames; they are read as Prusa's printers show them.",
            "Other hosts leave it out: take it out of the file for them.",
        ),
        "changed-by-printer": Code(
            ("warning",),
            "The printer's firmware changes what the file says.",
            "Look whether that is what was meant.",
        ),
        "fade-by-host": Code(
            ("warning",),
            "Hosts derive the times of the first layers in several ways.",
            "Set bottom_dose_factors = [] for one time on any.",
        ),
    },
    "What --lossy changed": {
        "lossy-pitch-um": Code(
            ("warning",),
            "A pixel pitch that nobody said was written as a fact.",
            "Say it with --pitch-um or --printer.",
        ),
        "lossy-frame-size": Code(
            ("warning",),
            "Frames were put in the middle of the format's field.",
            "Slice with that --field.",
        ),
        "lossy-orientation": Code(
            ("warning",),
            "Frames are turned in a way that the format has no mark for.",
            "Slice for a printer whose frames it has one for.",
        ),
        "lossy-exposures": Code(
            ("warning",),
            "The exposures of a layer were folded into one; their doses are in its grays.",
            "Choose a format that holds several.",
        ),
        "lossy-motion": Code(
            ("warning",),
            "A layer's own motion was left out; it moves as all do.",
            "Choose a format that holds it.",
        ),
        "lossy-focus-um": Code(
            ("warning",),
            "A shift of focus was left out.",
            "Choose a format that holds it.",
        ),
        "lossy-repeat": Code(
            ("warning",),
            "A repeated exposure was joined, or a long one split into equal ones.",
            "Choose a format that holds it.",
        ),
        "lossy-wait-before-s": Code(
            ("warning",),
            "A wait before light was left out.",
            "Choose a format that holds it.",
        ),
        "lossy-wait-after-s": Code(
            ("warning",),
            "A wait after light was left out.",
            "Choose a format that holds it.",
        ),
        "lossy-time-s": Code(
            ("warning",),
            "An exposure is shown for the time the format's rule gives; its dose is in the grays.",
            "Choose a format with a time for every layer.",
        ),
        "lossy-time-step-s": Code(
            ("warning",),
            "A time was rounded to the format's step.",
            "Choose doses whose times are multiples of it.",
        ),
        "lossy-gray": Code(
            ("warning",),
            "Grays were rounded or mapped to the levels the format has.",
            "Choose a format with 256 levels.",
        ),
    },
}
