"""What a job records of its parts: where they come from, what was done to them, where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import UNSET

from pmsl.job.print_job import Box, Input, PartRecord, Provenance
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import Placed
from pmsl.version import __version__

TURNED = "faces turned: the mesh was inside out"


def provenance_of(parts: Sequence[Part], placed: Placed | None, shrinkage: tuple[float, float, float]) -> Provenance:
    """Return where a job of parts comes from."""
    return Provenance(
        version=__version__,
        inputs=tuple(input_of(p) for p in parts),
        placement=placed.how if placed else "where their coordinates are",
        shift_um=placed.shift_um if placed else None,
        shrinkage=shrinkage,
    )


def record_of_part(part: Part) -> PartRecord:
    """Return what a job records of a part."""
    return PartRecord(
        label=part.label,
        sha256=part.solid.sha256,
        bounds_um=_box(part.bounds_um()),
        region=part.region,
        dose_scale=part.dose_scale,
        engine=part.engine or UNSET,
    )


def _box(points_um: np.ndarray) -> Box:
    (x0, y0, z0), (x1, y1, z1) = points_um.tolist()
    return (x0, y0, z0), (x1, y1, z1)


def input_of(part: Part) -> Input:
    """Return what a job records of the file of a part."""
    transform = tuple(float(v) for v in part.transform.reshape(-1))
    repairs = (*part.solid.repairs, TURNED) if part.solid.inside_out else part.solid.repairs
    return Input(file=part.solid.source, sha256=part.solid.sha256, unit=part.solid.unit, transform=transform, repairs=repairs)
