"""Findings of profiles, layers and corrections, made while a job is sliced."""

from __future__ import annotations

from pmsl.core.finding_codes.code import Code

JOBS: dict[str, dict[str, Code]] = {
    "Profiles and doses": {
        "not-calibrated": Code(
            ("warning",),
            "Values of the profiles are placeholders: masks are exact, but times and doses are a guess.",
            "Measure these values and put them into the profiles.",
        ),
        "wavelength-mismatch": Code(
            ("warning",),
            "The resin was characterised at another wavelength than the printer exposes with: its Dp and Ec do not hold.",
            "Choose a resin measured at that wavelength.",
        ),
        "dose-outside-measured": Code(
            ("warning",),
            "The white dose of layers lies outside of what the resin's working curve was measured with.",
            "Measure the working curve there, or change layer_um or dose factors.",
        ),
        "one-exposure-for-heights": Code(
            ("info",),
            "One exposure time is given for layers of several heights: thin ones cure deeper into what lies below.",
            "Give margin_um instead of exposure_s, or neither.",
        ),
        "engines-overlap": Code(
            ("info",),
            "Parts on several light engines overlap, or their boxes do: both shine there, and their doses add up, each by its own Ec.",
            "Leave it, or draw the parts so that they only touch.",
        ),
        "fields-overlap": Code(
            ("info", "warning"),
            "Where fields of a plate overlap, the dose is kept in the middle of the slab; induction makes it more at the exposure plane, "
            "less at the far face, and moves roofs there: a warning from 2 µm on.",
            'Cut fields instead, [fields] blend = "none"; or overlap less.',
        ),
        "fields-between-pixels": Code(
            ("info",),
            "Steps of the xy stage, or its errors, put fields between the pixels of their neighbours: each is exact where it lies, but in "
            "the overlap levels are not rounded together.",
            "Choose a pitch that is a whole number of steps.",
        ),
        "stage-off": Code(
            ("info", "warning"),
            "What a stage that is off, as `simulate --stage-error` asks, does to edges and doses at the seams of fields.",
            "Overlap fields by more pixels, let seams move (stagger_px), or measure the errors of the stage.",
        ),
        "stage-step-coarse": Code(
            ("warning",),
            "A step of the xy stage is coarser than a pixel: edges that cross a seam may jog by half a step.",
            "Use a stage with finer steps, or larger pixels.",
        ),
        "pause-between-planes": Code(
            ("info",),
            "A pause was asked for at a height between two planes: it comes before the first layer that begins above that height.",
            "Choose a height that layers begin at, or name the layer.",
        ),
        "unit-suspicious": Code(
            ("warning",),
            "A length of a profile is one that few machines have: it may have been meant in another unit.",
            "Write it in the unit that its name ends with.",
        ),
        "weak-layers": Code(
            ("warning",),
            "Dose factors leave layers below Ec at their far face: they hold only by the light of the layers after them.",
            "Raise the dose factors, or margin_um.",
        ),
        "coarse-dose": Code(
            ("warning",),
            "The dose of a part or region has no near level in a gray image that also shows a much larger dose.",
            "Choose a dose nearer to the largest, or draw it as a region with a power or a wait of its own.",
        ),
        "power-above-burning": Code(
            ("error",),
            "Slices of a two-photon job are written with a power at which hatched lines of the resin burn.",
            "Lower power_mw or base_dose_factors, or scan faster.",
        ),
        "hatch-above-voxel": Code(
            ("warning",),
            "Lines of a two-photon job lie farther apart than one of them cures: neighbours do not touch.",
            "Lower hatch_um, or raise power_mw.",
        ),
        "slice-above-voxel": Code(
            ("warning",),
            "Slices of a two-photon job are thicker than a line cures: neighbours do not touch.",
            "Lower slice_um, or raise power_mw.",
        ),
        "voxels-below-threshold": Code(
            ("warning",),
            "Voxels that the part fills in part get a power below the resin's threshold: they do not cure.",
            'Lower hatch_um and slice_um, raise power_mw, or let unreachable = "lift" or "drop" decide.',
        ),
        "needs-focus": Code(
            ("info",),
            "Regions are exposed out of focus: the host needs a stage that can shift the focus.",
            "Leave focus_um out for hosts that cannot.",
        ),
        "region-beside-part": Code(
            ("warning",),
            "No part lies inside a region: it changes nothing.",
            "Check the unit and the coordinates of its mesh: they are those of the parts.",
        ),
        "region-outside-field": Code(
            ("warning",),
            "A region lies outside of the field, below the plate or above the last layer: it changes nothing.",
            "Check the unit and the coordinates of its mesh: they are those of the parts.",
        ),
        "regions-overlap": Code(
            ("info",),
            "Regions overlap: there the one named last counts.",
            "Name the one that is to count last.",
        ),
    },
    "Parts on the plate and their layers": {
        "top-rounded": Code(
            ("info",),
            "The top of a part lies off the slab planes and is rounded to one.",
            "Choose layer heights whose sums meet the part's planes.",
        ),
        "facets-off-planes": Code(
            ("info",),
            "Horizontal surfaces lie inside a slab: each moves to a slab plane.",
            "Choose layer heights whose sums meet the part's planes.",
        ),
        "facets-too-near": Code(
            ("warning",),
            "Layer heights that follow the geometry cannot give every horizontal surface a plane: some are too near to each other.",
            "Lower the least layer height.",
        ),
        "stairs-high": Code(
            ("info",),
            "Stairs on slopes that look at the light are higher than asked: the least layer height, or a facet, allows no thinner layers.",
            "Lower the least layer height, or accept the stairs.",
        ),
        "gap-above-plate": Code(
            ("warning",),
            "The lowest point lies above the plate: nothing joins the part to it.",
            "Place it on the plate.",
        ),
        "partial-slabs": Code(
            ("warning",),
            "Volume coverage with plain gray leaves slabs partly filled, which cure as floating films.",
            "Use coverage 'area', which has no such slabs.",
        ),
        "parts-overlap": Code(
            ("warning",),
            "Parts overlap: they are printed as one body.",
            "Move them, or let --pack place them, if they are to stand apart.",
        ),
        "open-rows": Code(
            (
                "warning",
                "error",
            ),
            "The mesh is open or inconsistent: pixel rows were closed by the shortest way; an error where much may be missing.",
            "Repair the mesh.",
        ),
        "overlap-united": Code(
            ("info",),
            "Shells overlap, coincide or look inward in pixels of a layer: their union is printed, or with --repair none as they wind.",
            "Nothing has to be done.",
        ),
        "shared-voxels": Code(
            ("info",),
            "Boundaries of overlapping shells share pixels whose grays are integrals over 64 planes.",
            "Mend shells that are open or fold over, and they are exact.",
        ),
        "wall-vanished": Code(
            ("warning",),
            "An offset of the contours removed walls or necks thinner than twice itself.",
            "Make them thicker, or xy_offset_um smaller.",
        ),
        "gap-closed": Code(
            ("warning",),
            "An offset of the contours closed gaps, holes or channels narrower than twice itself.",
            "Widen them, or make xy_offset_um smaller.",
        ),
        "empty-layer": Code(
            ("warning",),
            "No material lies in the middle of a layer: nothing is lit.",
            "Close the gap, or make layers thinner.",
        ),
        "layer-too-faint": Code(
            ("warning",),
            "The part covers no pixel of a layer by half a level of the device: nothing is lit.",
            "Make the feature wider, or the pixels finer.",
        ),
        "layer-without-dose": Code(
            ("warning",),
            "Dose factors leave no light for a layer: nothing is lit.",
            "Raise the factors of its regions or parts.",
        ),
        "layers-left-out": Code(
            ("warning",),
            "The last layers have no light and are left out of the job.",
            "Do what the message says of the reason.",
        ),
        "nothing-printed": Code(
            ("error",),
            "No layer of the job is lit.",
            "Check unit, scale and layer height.",
        ),
        "unreachable-gray": Code(
            (
                "info",
                "warning",
            ),
            "Gray pixels away from white do not reach the critical dose: nothing cures there, or they were raised or made black.",
            "Let unreachable lift or drop them, or make the feature wider.",
        ),
    },
    "Corrections": {
        "narrow-edges": Code(
            ("info",),
            "Points along walls are nearer than 3 px to another wall: one dose decides where both land.",
            "Make the feature wider to have both exact.",
        ),
        "missed-edges": Code(
            (
                "info",
                "warning",
            ),
            "Points along walls cannot get the dose that puts them where they belong; a warning where they are more than corners.",
            "Sharpen the projection, or change the dose of the layer as the message says.",
        ),
        "wall-error": Code(
            ("info", "warning"),
            "Where walls will be, also if the resin is not what its profile says; a warning where one moves more than 0.1 px or is lost.",
            "Measure Dp, Ec and what recoating does to lit liquid (memory, renewal, reach_um) where the band is too wide.",
        ),
        "face-error": Code(
            ("info",),
            "Where the faces that look at the plate will be, also if the resin is not what its profile says.",
            "Measure Dp, Ec and memory where the band is too wide.",
        ),
        "exchange-unsettled": Code(
            ("warning",),
            "Grays and the liquid that recoating exchanges still change each other after the most passes there are.",
            "Make roofs thicker, or measure how far recoating reaches (resin.reach_um).",
        ),
        "optimised-walls": Code(
            ("info",),
            "Levels near walls that the closed form leaves off were solved again; how far off these walls are, before and after.",
            "Make features wider where what is left is too much.",
        ),
        "optimise-unsettled": Code(
            ("info",),
            "The last sweep over the levels of a layer still moved some by a level; walls move by less than a hundredth of a pixel.",
            "Nothing; it is the residual of the solution.",
        ),
        "starved-face": Code(
            ("warning",),
            "Faces come out too high: too little lies above them for the dose they need.",
            "Make what is above them thicker, or the gap between faces larger.",
        ),
        "roof-needs-memory": Code(
            ("warning",),
            "With one kind of memory nothing is left of what is above faces.",
            "Make it thicker, or measure resin.memory.",
        ),
        "assumed-memory": Code(
            ("info",),
            "The resin does not say its memory: walls are placed as if liquid kept the dose of the layers above it.",
            "State resin.memory.",
        ),
        "deep-light": Code(
            ("warning",),
            "Layers are thin for this resin: small errors in Dp and Ec move overhanging faces far.",
            "Use more absorber or thicker layers.",
        ),
        "relief-too-thin": Code(
            ("info",),
            "Fewer relief_layers are asked for than what shares out the light of a thick roof.",
            "Make relief_layers as large as the message says.",
        ),
        "slopes-to-light": Code(
            ("info",),
            "Slopes toward the light cannot be placed by dose: they become steps of whole layers.",
            "Turn optical surfaces to the plate.",
        ),
    },
}
