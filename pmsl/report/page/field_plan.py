"""Fields of a plate as a page draws them: where they lie in each layer, what neighbours share, in which order they are shown."""

from __future__ import annotations

from typing import Any

from pmsl.fields.on_plate import corners_of, layout_of_plate
from pmsl.fields.tiles import PHASES, Axis
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob


def field_plan(job: PrintJob) -> dict[str, Any] | None:
    """Return the fields of a job that was put together on its plate; None of any other.

    Parameters
    ----------
    job : PrintJob

    Returns
    -------
    dict or None
        ``size_um`` of a field and ``plate_um``, (x, y); ``phases``, which layers go through in turn: lower corners of fields and
        bands between them, along x and along y [µm].
    """
    layout = layout_of_plate(job)
    if layout is None:
        return None
    (px, py), axes = layout.pitch_um, (layout.x, layout.y)
    return {
        "size_um": [layout.x.field_px * px, layout.y.field_px * py],
        "plate_um": layout.plate_um.tolist(),
        "phases": [
            {name: _along(axis, pitch, layer) for name, axis, pitch in zip("xy", axes, (px, py), strict=True)} for layer in range(PHASES)
        ],
    }


def _along(axis: Axis, pitch_um: float, layer: int) -> dict[str, Any]:
    corners = [axis.corner_px(i, layer) * pitch_um for i in range(axis.count)]
    return {"corners": corners, "bands": [[start * pitch_um, end * pitch_um] for start, end in axis.bands_px(layer)]}


def with_corners(job: PrintJob, plan: LayerPlan, exposures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a page says of the exposures of a layer, each with the lower corner of its field where the job has several.

    Parameters
    ----------
    job : PrintJob
    plan : LayerPlan
        Of that job.
    exposures : list of dict
    """
    corners = corners_of(job, plan.index)
    if corners is None:
        return exposures
    return [facts | {"corner_um": list(corner)} for facts, corner in zip(exposures, corners, strict=True)]
