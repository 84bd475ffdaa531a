"""Doses that differ by so much that one gray image cannot show the lower of them well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.exposure import Ladder
from pmsl.mesh.part import Part
from pmsl.mesh.region import ORDINARY
from pmsl.profiles.process import Regions

CLOSE = 0.05  # of the dose asked for
Dose = tuple[str, float]


def coarse_findings(parts: Sequence[Part], regions: Regions | None, ladder: Ladder) -> Iterator[Finding]:
    """Say which factors of parts, regions and the process are off where a layer also has the largest of them.

    A layer whose images are shown alike is one gray image, whose white is the largest dose in it: a dose of a hundredth of that has
    two or three of its 255 levels.
    """
    doses = _doses(parts, regions or Regions(), ladder.power)
    largest = max((factor for _, factor in doses), default=0.0)
    for name, factor in doses:
        wanted, shown = _shown(factor, largest, ladder)
        if abs(shown - wanted) > CLOSE * wanted:
            yield Finding(
                code="coarse-dose",
                severity="warning",
                message=f"{name}: its dose is {factor:g} × the ordinary one, but where a layer also has {largest:g} ×, one gray image "
                f"shows both, and its nearest level is off by {shown / wanted - 1:+.0%}; choose a dose nearer to the largest, or draw it "
                "as a region with a power or a wait of its own, which is shown by itself",
                value=shown / wanted,
                limit=1 + CLOSE,
                unit="times the dose asked for",
            )


def _doses(parts: Sequence[Part], own: Regions, power: float) -> tuple[Dose, ...]:
    """Return the factors of a job that images may share, each once, with the name of what asks for it."""
    out: dict[float, str] = {}
    for part in parts:
        out.setdefault(own.bulk * part.dose_scale, f"part {part.label or part.solid.source}")
        for name in ("edge", "roof", "membrane"):
            factor = getattr(own, name)
            if factor is not None:
                out.setdefault(factor * part.dose_scale, f"{name} of [regions]")
        for region in part.regions:
            if region.lights and region.setting(power) == ORDINARY:
                out.setdefault(own.bulk * part.dose_scale * region.scale, f"region {region.label}")
    return tuple((name, factor) for factor, name in out.items() if factor > 0)


def _shown(factor: float, largest: float, ladder: Ladder) -> tuple[float, float]:
    """Return the dose that white of a factor is to have beside the largest, and that it has [mJ/cm²]."""
    one, other = (LayerMask.from_dense(0, np.array([row], np.uint16)) for row in ((65535, 0), (0, 65535)))
    white = float(ladder.dose_mj_cm2[-1])
    response, shown = ladder.merger.response, 0.0
    for mask, dose in ladder.merger.images([(one, largest), (other, factor)], white, shared=True):
        shown += dose * float(response[mask.dense(np.uint8)[0, 1]])
    return ladder.merger.white_mj_cm2(white, factor), shown
